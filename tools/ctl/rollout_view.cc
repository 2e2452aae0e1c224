// Rollouts in words and tables.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "src/base/ids.h"
#include "tools/ctl/output.h"
#include "tools/ctl/rollout.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

std::string StateText(v1::RolloutState state) {
  const std::string name = v1::RolloutState_Name(state);
  constexpr std::string_view kPrefix = "ROLLOUT_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

std::string PlanText(const v1::Staging& staging) {
  if (staging.divisions().empty()) return fmt::format("{} percent", fmt::join(staging.percents(), ", "));
  return fmt::format("{}, the rest", fmt::join(staging.divisions(), ", "));
}

void AddStaging(const v1::Staging& staging, Sheet& sheet) {
  if (staging.stage() == 0) return;
  sheet.Add("stages", PlanText(staging));
  sheet.Add("stage", fmt::format("{} of {}, {}", staging.stage(), staging.stages(),
                                 staging.judged() ? "all of it judged" : "still being judged"));
  sheet.Add("went dark",
            fmt::format("{} ({} forecast for these stages)", staging.dark(), staging.forecast_dark()));
  sheet.Add("came back", std::to_string(staging.back()));
  sheet.AddIf("stopped", staging.stopped_why());
}

void PrintLists(const v1::Rollout& rollout, std::ostream& out) {
  if (rollout.lists().empty()) return;
  Table table({{"list"}, {"kind"}, {"version"}, {"added", true}, {"removed", true}, {"kept", true}});
  for (const v1::ListEdit& list : rollout.lists()) {
    table.Add({list.list_id(), list.kind() == v1::WHITELIST ? "whitelist" : "blacklist",
               fmt::format("{} to {}", list.from_version(), list.to_version()), std::to_string(list.added()),
               std::to_string(list.removed()), std::to_string(list.kept())});
  }
  out << '\n';
  table.Print(out);
}

void AddForecast(const std::string& name, const v1::Forecast& forecast, Table& table) {
  table.Add({name, std::to_string(forecast.installed()), std::to_string(forecast.dark()),
             std::to_string(forecast.old_dark()), std::to_string(forecast.back()),
             std::to_string(forecast.unknown()), std::to_string(forecast.proposed()),
             std::to_string(forecast.silent()), std::to_string(forecast.box())});
}

void PrintForecast(const v1::Rollout& rollout, std::ostream& out) {
  if (!rollout.has_previewed()) return;
  Table table({{"area"},
               {"installed", true},
               {"dark", true},
               {"old evidence", true},
               {"back", true},
               {"unknown", true},
               {"proposed", true},
               {"silent", true},
               {"dark in box", true}});
  for (const v1::Forecast& area : rollout.areas()) AddForecast(area.area_id(), area, table);
  AddForecast("total", rollout.total(), table);
  out << '\n';
  table.Print(out);
}

bool IsOpen(v1::RolloutState state) {
  return state == v1::ROLLOUT_PROPOSED || state == v1::ROLLOUT_PREVIEWED;
}

}  // namespace

std::string RolloutCommand(std::string_view verb, uint64_t number) {
  return fmt::format("hearthctl rollout {} {}", verb, number);
}

void PrintRollout(const v1::Rollout& rollout, std::ostream& out) {
  Sheet sheet;
  sheet.Add("rollout", rollout.number() == 0 ? "-" : std::to_string(rollout.number()));
  sheet.Add("state", StateText(rollout.state()));
  if (rollout.policy_to() != 0) {
    sheet.Add("policy", fmt::format("version {} to {}", rollout.policy_from(), rollout.policy_to()));
  }
  if (rollout.has_previewed()) sheet.Add("previewed", LocalTime(rollout.previewed()));
  AddStaging(rollout.staging(), sheet);
  if (IsOpen(rollout.state())) {
    sheet.Add("approver", rollout.needs_approver()
                              ? fmt::format("a second person has to approve: {}", rollout.why_approver())
                              : "none is needed");
  }
  sheet.Print(out);
  PrintLists(rollout, out);
  PrintForecast(rollout, out);
}

void PrintNext(const v1::Rollout& rollout, std::ostream& out) {
  const uint64_t number = rollout.number();
  if (number == 0) return;
  const char* approver = rollout.needs_approver() ? " --approver NAME" : "";
  switch (rollout.state()) {
    case v1::ROLLOUT_PROPOSED:
    case v1::ROLLOUT_PREVIEWED:
      out << fmt::format("nothing is in force yet; who is affected: {}\nnext: {} --reason TEXT{}\n",
                         RolloutCommand("affected", number), RolloutCommand("activate", number), approver);
      break;
    case v1::ROLLOUT_ACTIVE:
      out << fmt::format("next: {}\n",
                         RolloutCommand(rollout.staging().judged() ? "advance" : "show", number));
      break;
    case v1::ROLLOUT_STOPPED:
      out << fmt::format("next: {} --reason TEXT, or {}\n", RolloutCommand("undo", number),
                         RolloutCommand("resume", number));
      break;
    case v1::ROLLOUT_DONE:
      out << fmt::format("to take it back: {} --reason TEXT\n", RolloutCommand("undo", number));
      break;
    default:
      break;
  }
}

CLI::Option* Division(CLI::Option* option) {
  return option->type_name("DIVISION")
      ->check(CLI::Validator(
          [](std::string& text) -> std::string {
            const auto region = ParseRegionCode(text);
            if (region && text.size() <= 6) return {};
            return "must be a province, prefecture or county: 2, 4 or 6 digits";
          },
          ""));
}

}  // namespace hearth::ctl
