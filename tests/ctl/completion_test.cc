// The completion script is one that bash takes, and it offers what the commands have.
#include <cstdio>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

using ::testing::HasSubstr;

// Output of a shell command, with its exit code appended when that is not 0.
std::string Shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char part[4096];
  for (size_t n = 0; (n = fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
  const int status = pclose(pipe);
  return status == 0 ? out : out + "exit status " + std::to_string(status);
}

TEST(Completion, BashTakesTheScript) {
  const TempDir dir;
  for (const char* shell : {"bash", "zsh"}) {
    const Outcome outcome = RunHearthctl({"completion", shell});
    ASSERT_EQ(outcome.code, 0);
    const std::string path = dir.Write(shell, outcome.out);
    EXPECT_EQ(Shell("bash -n " + path + " 2>&1"), "") << shell;
  }
}

TEST(Completion, OffersCommandsOptionsChoicesAndFiles) {
  const TempDir dir;
  const std::string script = dir.Write("script", RunHearthctl({"completion", "bash"}).out);
  dir.Write("roster-1.csv", "");
  struct Row {
    const char* name;
    const char* words;  // the last one is being completed
    const char* offered;
  };
  const Row rows[] = {
      {"nouns", "hearthctl acc", "account"},
      {"verbs", "hearthctl account cl", "close"},
      {"all verbs", "hearthctl roster ''", "import"},
      {"options of a command", "hearthctl account open --form", "--form-number"},
      {"global options everywhere", "hearthctl account open --request", "--request-id"},
      {"choices", "hearthctl account open --class mil", "military-family"},
      {"choice of an argument", "hearthctl completion z", "zsh"},
      {"file argument", "hearthctl roster import roster-", "roster-1.csv"},
      {"file option", "hearthctl stock import --cards roster-", "roster-1.csv"},
      {"file of a global option", "hearthctl status --port-file roster-", "roster-1.csv"},
      {"free value", "hearthctl account open --name ''", ""},
      {"a value that is a command's name", "hearthctl --actor status account sh", "show"},
      {"global option before the command", "hearthctl --json area sub", "submit"},
  };
  for (const Row& row : rows) {
    const std::string command =
        "cd " + dir.Path("") + " && bash -c '. " + script + "; COMP_WORDS=(" + std::string(row.words) +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hearthctl; echo \"${COMPREPLY[*]}\"'";
    std::string quoted;
    for (const char c : command) quoted += c;
    // The words hold '' for an empty one; inside the outer quotes that is written as "".
    const size_t empty = quoted.find("''");
    if (empty != std::string::npos) quoted.replace(empty, 2, "\"\"");
    EXPECT_EQ(Shell(quoted), std::string(row.offered) + "\n") << row.name;
  }
}

TEST(Completion, AnOptionTakesAValueEverywhereOrNowhere) {
  const Tree tree;
  std::map<std::string, bool> takes;
  for (const CommandInfo& command : Describe(tree.root())) {
    for (const auto& option : command.options) {
      const auto [at, added] = takes.emplace(option.name, option.takes_value);
      EXPECT_EQ(at->second, option.takes_value) << command.path << " " << option.name;
    }
  }
}

}  // namespace
}  // namespace hearth::ctl
