// hearthctl reason, completion, version: commands that need no head-end.
#include <fmt/format.h>

#include "src/base/reason.h"
#include "tools/ctl/completion.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

struct ReasonFlags {
  std::string name;
};

std::string ReasonJson(const ReasonInfo& info) {
  return fmt::format("{{\"reason\":{},\"number\":{},\"code\":{},\"cure\":{},\"viewer_code\":{}}}",
                     JsonString(info.name), static_cast<int>(info.reason), JsonString(NameOf(info.code)),
                     JsonString(info.cure), JsonString(info.viewer));
}

int RunReason(Session& session, const ReasonFlags& flags) {
  const ReasonInfo* info = FindReason(flags.name);
  if (info == nullptr) {
    return session.FailUsage(
        InvalidField("name", "must be a reason code, as errors print it in front: CARD_IN_USE"));
  }
  if (session.json()) {
    session.out() << ReasonJson(*info) << '\n';
    return kExitOk;
  }
  Sheet sheet;
  sheet.Add("reason", info->name);
  sheet.Add("number", std::to_string(static_cast<int>(info->reason)));
  sheet.Add("code", NameOf(info->code));
  sheet.Add("cure", info->cure);
  sheet.AddIf("viewer code", info->viewer);
  sheet.Print(session.out());
  return kExitOk;
}

struct CompletionFlags {
  std::string shell;
};

int RunCompletion(Session& session, const CompletionFlags& flags) {
  // The tree of this run is half parsed; a fresh one is only described.
  const Tree tree;
  session.out() << (flags.shell == "bash" ? BashCompletion(Describe(tree.root()))
                                          : ZshCompletion(Describe(tree.root())));
  return kExitOk;
}

int RunVersion(Session& session, const NoFlags& /*flags*/) {
  if (session.json()) {
    session.out() << fmt::format("{{\"version\":{}}}\n", JsonString(HEARTH_VERSION));
  } else {
    session.out() << "hearthctl " << HEARTH_VERSION << '\n';
  }
  return kExitOk;
}

}  // namespace

void AddLocalCommands(Tree& tree) {
  tree.Add<ReasonFlags>(
      "reason", "", "Explains a reason code",
      [](CLI::App& command, ReasonFlags& flags) {
        command.add_option("name", flags.name, "As errors print it: CARD_IN_USE")
            ->type_name("REASON")
            ->required();
      },
      RunReason);
  tree.Add<CompletionFlags>(
      "completion", "", "Prints the completion script of a shell",
      [](CLI::App& command, CompletionFlags& flags) {
        OneOf(command.add_option("shell", flags.shell, "The shell"), {"bash", "zsh"})->required();
      },
      RunCompletion);
  tree.Add<NoFlags>("version", "", "Version of hearthctl", DeclareNothing, RunVersion);
}

}  // namespace hearth::ctl
