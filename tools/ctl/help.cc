#include "tools/ctl/help.h"

#include <fmt/format.h>

namespace hearth::ctl {
namespace {

constexpr size_t kColumn = 34;  // where descriptions begin
constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 some rows were refused; 2 wrong use, or the answer to a question was no;\n"
    "3 refused by the head-end; 4 the head-end cannot be reached; 5 a file cannot be used.\n"
    "The manual page is hearthctl(1).\n";

std::string Line(std::string left, const std::string& description) {
  left = "  " + left;
  if (left.size() + 2 > kColumn) return fmt::format("{}\n{:{}}{}\n", left, "", kColumn, description);
  return fmt::format("{:<{}}{}\n", left, kColumn, description);
}

std::string OptionName(const CLI::Option& option) {
  std::string text = option.get_name(false, true);
  if (option.get_items_expected_max() > 0) text += " " + option.get_type_name();
  if (option.get_required()) text += " (required)";
  return text;
}

std::string OptionSection(const std::string& title, const CLI::App& app) {
  std::string lines;
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) lines += Line(OptionName(*option), option->get_description());
  }
  return lines.empty() ? "" : fmt::format("\n{}:\n{}", title, lines);
}

// CLI11 holds a group of options as a subcommand without name.
std::string GroupTitle(const CLI::App& group) {
  const bool one = group.get_require_option_max() == 1;
  const char* most = group.get_require_option_min() == 0 ? "at most one" : "exactly one";
  return fmt::format("{} ({})", group.get_group(), one ? most : "at least one");
}

}  // namespace

std::string Help(const CLI::App* app, const std::string& name, CLI::AppFormatMode /*mode*/) {
  std::string usage = "Usage: " + name;
  std::string arguments;
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional()) continue;
    usage += " " + option->get_type_name();
    arguments += Line(option->get_type_name(), option->get_description());
  }
  std::string options = OptionSection("Options", *app);
  std::string commands;
  for (const CLI::App* below : app->get_subcommands(nullptr)) {
    if (below->get_name().empty()) {
      options += OptionSection(GroupTitle(*below), *below);
    } else {
      commands += Line(below->get_name(), below->get_description());
    }
  }
  usage += commands.empty() ? " [OPTIONS]" : " COMMAND [OPTIONS]";
  if (!arguments.empty()) arguments = "\nArguments:\n" + arguments;
  if (!commands.empty()) commands = "\nCommands:\n" + commands;
  const bool root = app->get_parent() == nullptr;
  return fmt::format("{}\n{}\n{}{}{}\n{}", app->get_description(), usage, arguments, commands, options,
                     root ? kExitCodes : "Options of every command and the exit codes: hearthctl --help\n");
}

}  // namespace hearth::ctl
