// --help of every command, and the manual page beside it: neither has what the other lacks.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

using ::testing::HasSubstr;

std::string ManPage() {
  std::ifstream in(std::string(HEARTH_SOURCE_DIR) + "/tools/ctl/hearthctl.1");
  std::ostringstream text;
  text << in.rdbuf();
  return std::regex_replace(text.str(), std::regex(R"(\\-)"), "-");
}

std::vector<std::string> Words(const std::string& path) {
  std::istringstream in(path);
  return {std::istream_iterator<std::string>(in), {}};
}

// Part of the page from the heading of one command to the next heading.
std::string SectionOf(const std::string& page, const std::string& path) {
  const std::string heading = "\n.SS " + path + "\n";
  const size_t begin = page.find(heading);
  if (begin == std::string::npos) return "";
  const size_t body = begin + heading.size();
  return page.substr(body, std::min(page.find("\n.S", body), page.size()) - body);
}

TEST(ManPage, EveryCommandHasHelpAndASectionWithItsOptions) {
  const Tree tree;
  const std::string page = ManPage();
  for (const CommandInfo& command : Describe(tree.root())) {
    auto args = Words(command.path);
    args.emplace_back("--help");
    const Outcome help = RunHearthctl(args);
    EXPECT_EQ(help.code, 0) << command.path;
    EXPECT_THAT(help.out, HasSubstr(command.description)) << command.path;
    EXPECT_THAT(help.out,
                HasSubstr(command.path.empty() ? "Exit codes: 0 done" : "hearthctl " + command.path));
    if (command.is_noun && !command.path.empty()) continue;
    const std::string section = command.path.empty() ? page : SectionOf(page, command.path);
    EXPECT_NE(section, "") << "no section: " << command.path;
    for (const auto& option : command.options) {
      EXPECT_THAT(help.out, HasSubstr(option.name)) << command.path;
      EXPECT_THAT(section, HasSubstr("\n.B " + option.name)) << command.path;
    }
    for (const auto& argument : command.arguments) {
      EXPECT_THAT(help.out, HasSubstr(argument.name)) << command.path;
      EXPECT_THAT(section, HasSubstr(argument.name)) << command.path;
    }
  }
}

TEST(ManPage, NamesNothingThatIsNotThere) {
  const Tree tree;
  std::set<std::string> commands;
  std::set<std::string> options = {"--help", "--version"};
  for (const CommandInfo& command : Describe(tree.root())) {
    commands.insert(command.path);
    for (const auto& option : command.options) options.insert(option.name);
  }
  const std::string page = ManPage();
  const std::regex heading(R"(\n\.SS ([a-z -]+))");
  for (std::sregex_iterator at(page.begin(), page.end(), heading), end; at != end; ++at) {
    EXPECT_TRUE(commands.contains((*at)[1])) << (*at)[1];
  }
  const std::regex option(R"(--[a-z][a-z-]*)");
  for (std::sregex_iterator at(page.begin(), page.end(), option), end; at != end; ++at) {
    EXPECT_TRUE(options.contains(at->str())) << at->str();
  }
}

}  // namespace
}  // namespace hearth::ctl
