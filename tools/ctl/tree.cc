#include "tools/ctl/tree.h"

#include "geofence/village.h"
#include "src/base/ids.h"
#include "tools/ctl/help.h"

namespace hearth::ctl {
namespace {

constexpr const char* kFileType = "FILE";

template <typename Parse>
CLI::Option* Checked(CLI::Option* option, const char* type, Parse parse) {
  return option->type_name(type)->check(CLI::Validator(
      [parse](std::string& text) -> std::string {
        const auto parsed = parse(text);
        if (parsed) return {};
        const auto& violations = parsed.error().violations();
        return violations.empty() ? parsed.error().message() : violations[0].description;
      },
      ""));
}

std::vector<std::string> SplitChoices(const std::string& type) {
  std::vector<std::string> out;
  if (type.find('|') == std::string::npos) return out;
  size_t begin = 0;
  while (begin <= type.size()) {
    const size_t end = std::min(type.find('|', begin), type.size());
    out.push_back(type.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// Adds the options and arguments of a command or of a group of its options, which CLI11 holds as a subcommand
// without name.
void DescribeOptions(const CLI::App& app, CommandInfo& info) {
  for (const CLI::Option* option : app.get_options()) {
    CommandInfo::OptionInfo found;
    found.takes_value = option->get_items_expected_max() > 0;
    found.is_file = option->get_type_name() == kFileType;
    found.choices = SplitChoices(option->get_type_name());
    if (option->nonpositional()) {
      if (option->get_lnames().empty() || option->get_lnames()[0] == "help" ||
          option->get_lnames()[0] == "version") {
        continue;
      }
      found.name = "--" + option->get_lnames()[0];
      info.options.push_back(std::move(found));
    } else {
      found.name = option->get_type_name();
      info.arguments.push_back(std::move(found));
    }
  }
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    if (below->get_name().empty()) DescribeOptions(*below, info);
  }
}

void DescribeBelow(const CLI::App& app, const std::string& path, std::vector<CommandInfo>& out) {
  const size_t own = out.size();
  out.emplace_back();
  out[own].path = path;
  out[own].description = app.get_description();
  DescribeOptions(app, out[own]);
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    if (below->get_name().empty()) continue;
    out[own].is_noun = true;
    DescribeBelow(*below, path.empty() ? below->get_name() : path + " " + below->get_name(), out);
  }
}

}  // namespace

Tree::Tree() : root_("Operates a Hearth head-end.", "hearthctl") {
  root_.require_subcommand(1);
  root_.fallthrough();
  root_.formatter_fn(Help);
  root_.set_version_flag("--version", std::string("hearthctl ") + HEARTH_VERSION,
                         "Print the version and exit");
  DeclareGlobals();
  AddStockCommands(*this);
  AddAccountCommands(*this);
  AddRosterCommands(*this);
  AddScheduleCommands(*this);
  AddPlanCommands(*this);
  AddEmergencyCommands(*this);
  AddAreaCommands(*this);
  AddVillageCommands(*this);
  AddAreaMapCommands(*this);
  AddCellCommands(*this);
  AddSurveyCommands(*this);
  AddSuccessorCommands(*this);
  AddRolloutCommands(*this);
  AddPolicyCommands(*this);
  AddLocationCommands(*this);
  AddInterventionCommands(*this);
  AddHeldCommands(*this);
  AddHomeCommands(*this);
  AddAlarmCommands(*this);
  AddEntitlementCommands(*this);
  AddAdminCommands(*this);
  AddArchiveCommands(*this);
  AddSimulcryptCommands(*this);
  AddCarouselCommands(*this);
  AddLocalCommands(*this);
}

void Tree::DeclareGlobals() {
  root_
      .add_option("--server", globals_.server, "Address of the head-end (HEARTH_SERVER; else 127.0.0.1:7443)")
      ->type_name("HOST:PORT");
  File(root_.add_option("--port-file", globals_.port_file,
                        "Take the address from this file, which the daemon writes (HEARTH_PORT_FILE)"));
  root_.add_flag("--insecure", globals_.insecure, "No TLS: a daemon in development mode (HEARTH_INSECURE=1)");
  root_.add_option("--actor", globals_.actor, "Who you are, with --insecure (HEARTH_ACTOR)")
      ->type_name("NAME");
  File(root_.add_option("--ca", globals_.ca, "Certificates that the head-end's must come from (HEARTH_CA)"));
  File(root_.add_option("--cert", globals_.cert, "Your certificate (HEARTH_CERT)"));
  File(root_.add_option("--key", globals_.key, "Key of your certificate (HEARTH_KEY)"));
  root_.add_flag("--json", globals_.json, "Print JSON");
  root_.add_flag("--dry-run", globals_.dry_run, "Only judge; nothing changes");
  root_.add_flag("--yes", globals_.yes, "Do not ask");
  root_
      .add_option("--request-id", globals_.request_id,
                  "Name of this change, to repeat it safely within 24 hours (else one is made)")
      ->type_name("UUID");
  root_
      .add_option("--revision-token", globals_.revision_token,
                  "Wait until the answer has seen this change (stats, account list, cells unknown)")
      ->type_name("TOKEN");
  root_.add_option("--if-revision", globals_.if_revision, "Change only what still has this revision")
      ->type_name("N");
  root_.add_option("--timeout", globals_.timeout_seconds, "Wait this long for each answer (default 30)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86400.0).description(""));
}

CLI::App* Tree::Command(const std::string& noun, const std::string& verb, const std::string& description) {
  if (verb.empty()) return root_.add_subcommand(noun, description);
  return root_.get_subcommand(noun)->add_subcommand(verb, description);
}

void Tree::Noun(const std::string& noun, const std::string& description) {
  root_.add_subcommand(noun, description)->require_subcommand(1);
}

void DeclareChange(CLI::App& command, ChangeFlags& flags, bool reason_required) {
  command.add_option("--reason", flags.reason, "Why; kept in the audit")
      ->type_name("TEXT")
      ->required(reason_required);
  command.add_option("--approver", flags.approver, "A second person who approves, other than you")
      ->type_name("NAME");
}

CLI::App* OptionGroup(CLI::App& command, const std::string& title, size_t most) {
  CLI::App* group = command.add_option_group(title);
  group->set_help_flag();
  group->require_option(1, most);
  return group;
}

CLI::Option* File(CLI::Option* option) { return option->type_name(kFileType); }

CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& names) {
  std::string type;
  for (const std::string& name : names) type += (type.empty() ? "" : "|") + name;
  return option->type_name(type)->check(CLI::IsMember(names).description(""));
}

CLI::Option* Card(CLI::Option* option) {
  return Checked(option, "CARD", [](const std::string& text) { return ParseCardNumber(text); });
}
CLI::Option* Box(CLI::Option* option) {
  return Checked(option, "BOX", [](const std::string& text) { return ParseBoxSerial(text); });
}
CLI::Option* Sim(CLI::Option* option) {
  return Checked(option, "SIM", [](const std::string& text) { return ParseSimNumber(text); });
}
CLI::Option* RegionNumber(CLI::Option* option) {
  return Checked(option, "REGION", [](const std::string& text) { return ParseRegionCode(text); });
}
CLI::Option* VillageNumber(CLI::Option* option) {
  return Checked(option, "VILLAGE", [](const std::string& text) { return geofence::ParsePlaceCode(text); });
}
CLI::Option* AreaNumber(CLI::Option* option) {
  return Checked(option, "AREA", [](const std::string& text) { return ParseAreaId(text); });
}

CLI::Option* Time(CLI::Option* option) {
  return Checked(option, "TIME", [](const std::string& text) { return ParseTime(text); });
}

std::vector<CommandInfo> Describe(const CLI::App& root) {
  std::vector<CommandInfo> out;
  DescribeBelow(root, "", out);
  return out;
}

}  // namespace hearth::ctl
