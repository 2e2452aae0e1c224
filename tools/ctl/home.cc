// hearthctl exemption, relocation: homes without signal and homes that move.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/home.grpc.pb.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Homes = v1::HomeService::Stub;

const std::vector<std::string> kExemptionStates = {"reported", "confirmed", "collected", "granted",
                                                   "refused",  "expired",   "revoked"};
const std::vector<std::string> kRelocationStates = {"requested", "approved", "confirmed", "timed-out",
                                                    "cancelled"};

// "EXEMPTION_GRANTED" as people type it: "granted"; "RELOCATION_TIMED_OUT": "timed-out".
std::string StateText(std::string_view name) {
  std::string text(name.substr(name.find('_') + 1));
  for (char& c : text) c = c == '_' ? '-' : static_cast<char>(c + ('a' - 'A'));
  return text;
}
std::string NameOf(v1::ExemptionState state) { return StateText(v1::ExemptionState_Name(state)); }
std::string NameOf(v1::RelocationState state) { return StateText(v1::RelocationState_Name(state)); }

// The number of a state by its word, which is in the list.
int NumberOf(const std::string& word, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<int>(i) + 1;
  }
  return 0;
}

std::string Who(const std::string& actor) { return actor.empty() ? "(hearthd)" : actor; }

void PrintExemption(const v1::Exemption& exemption, std::ostream& out) {
  Sheet sheet;
  sheet.Add("card", exemption.card_number());
  sheet.Add("state", NameOf(exemption.state()));
  sheet.AddIf("account", exemption.form_number());
  sheet.AddIf("area", exemption.area_id());
  sheet.AddIf("village", exemption.village());
  if (exemption.has_expires()) sheet.Add("until", LocalTime(exemption.expires()));
  sheet.AddIf("cells", fmt::format("{}", fmt::join(exemption.cells(), " ")));
  sheet.Print(out);
  Table steps({{"time"}, {"state"}, {"actor"}, {"approver"}, {"reason"}});
  for (const v1::ExemptionStep& step : exemption.steps()) {
    steps.Add({LocalTime(step.time()), NameOf(step.state()), Who(step.actor()), OrDash(step.approver()),
               OrDash(step.reason())});
  }
  out << '\n';
  steps.Print(out);
}

void PrintRelocation(const v1::Relocation& relocation, std::ostream& out) {
  Sheet sheet;
  sheet.Add("card", relocation.card_number());
  sheet.Add("state", NameOf(relocation.state()));
  sheet.AddIf("account", relocation.form_number());
  sheet.Add("from",
            fmt::format("area {} village {}", relocation.from_area(), OrDash(relocation.from_village())));
  sheet.Add("to", fmt::format("area {} village {}", relocation.to_area(), OrDash(relocation.to_village())));
  sheet.Add("days", std::to_string(relocation.days()));
  if (relocation.has_ends()) sheet.Add("waits until", LocalTime(relocation.ends()));
  sheet.Print(out);
  Table steps({{"time"}, {"state"}, {"actor"}, {"reason"}});
  for (const v1::RelocationStep& step : relocation.steps()) {
    steps.Add({LocalTime(step.time()), NameOf(step.state()), Who(step.actor()), OrDash(step.reason())});
  }
  out << '\n';
  steps.Print(out);
}

struct CardFlags {
  std::string card;
};
struct StepFlags {
  std::string card;
  ChangeFlags change;
};

void DeclareCard(CLI::App& command, std::string& card) {
  Card(command.add_option("card", card, "The card"))->required();
}
void DeclareShow(CLI::App& command, CardFlags& flags) { DeclareCard(command, flags.card); }
void DeclareStep(CLI::App& command, StepFlags& flags) {
  DeclareCard(command, flags.card);
  DeclareChange(command, flags.change, true);
}

using ExemptionCall = grpc::Status (Homes::*)(grpc::ClientContext*, const v1::ExemptionStepRequest&,
                                              v1::ExemptionResponse*);
template <ExemptionCall kCall>
int RunExemptionStep(Session& session, const StepFlags& flags) {
  v1::ExemptionStepRequest request;
  request.set_card_number(flags.card);
  return session.Change(kCall, request, flags.change, [&](const v1::ExemptionResponse& answer) {
    PrintExemption(answer.exemption(), session.out());
  });
}

int RunRevoke(Session& session, const StepFlags& flags) {
  const std::string question = fmt::format(
      "Revoke the exemption of card {}? Its box goes dark after its grace without a cell of its area.",
      flags.card);
  if (!session.Confirm(question)) return session.Declined();
  return RunExemptionStep<&Homes::RevokeExemption>(session, flags);
}

struct GrantFlags {
  std::string card;
  std::string until;
  std::vector<std::string> cells;
  ChangeFlags change;
};

void DeclareGrant(CLI::App& command, GrantFlags& flags) {
  DeclareCard(command, flags.card);
  Time(command.add_option("--until", flags.until, "When it ends; within ten years"))->required();
  command
      .add_option(
          "--cell", flags.cells,
          "A cell of a city that this home hears: the deny lists do not hold for it. May be given often")
      ->type_name("CELL");
  DeclareChange(command, flags.change, true);
}

int RunGrant(Session& session, const GrantFlags& flags) {
  const auto until = ParseTime(flags.until, "--until");
  if (!until) return session.FailUsage(until.error());
  v1::GrantExemptionRequest request;
  request.set_card_number(flags.card);
  request.mutable_expires()->set_seconds(until->value / 1000);
  for (const std::string& cell : flags.cells) request.add_cells(cell);
  return session.Change(
      &Homes::GrantExemption, request, flags.change,
      [&](const v1::ExemptionResponse& answer) { PrintExemption(answer.exemption(), session.out()); });
}

int RunShowExemption(Session& session, const CardFlags& flags) {
  v1::GetExemptionRequest request;
  request.set_card_number(flags.card);
  return session.Read(&Homes::GetExemption, request, [&](const v1::ExemptionResponse& answer) {
    PrintExemption(answer.exemption(), session.out());
    session.out() << fmt::format("revision {}\n", answer.exemption().revision());
  });
}

struct ListFlags {
  std::vector<std::string> states;
  std::string region;
};

void DeclareListOf(CLI::App& command, ListFlags& flags, const std::vector<std::string>& states) {
  OneOf(command.add_option("--state", flags.states, "Only those in this state. May be given often"), states);
  RegionNumber(command.add_option("--region", flags.region, "Only homes below this division"));
}

int RunListExemptions(Session& session, const ListFlags& flags) {
  v1::ListExemptionsRequest request;
  for (const std::string& state : flags.states) {
    request.add_states(static_cast<v1::ExemptionState>(NumberOf(state, kExemptionStates)));
  }
  request.set_region(flags.region);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"card"}, {"state"}, {"account"}, {"village"}, {"since"}, {"actor"}, {"until"}, {"reason"}});
  return session.List(&Homes::ListExemptions, request, [&](const v1::ListExemptionsResponse& answer) {
    for (const v1::Exemption& one : answer.exemptions()) {
      const auto last = one.steps().empty() ? v1::ExemptionStep() : one.steps(one.steps_size() - 1);
      table.Add({one.card_number(), NameOf(one.state()), OrDash(one.form_number()), OrDash(one.village()),
                 LocalTime(last.time()), Who(last.actor()), LocalTime(one.expires()), OrDash(last.reason())});
    }
    table.Print(session.out());
  });
}

struct MoveFlags {
  std::string card;
  std::string village;
  uint32_t days = 30;
  ChangeFlags change;
};

void DeclareMove(CLI::App& command, MoveFlags& flags) {
  DeclareCard(command, flags.card);
  VillageNumber(command.add_option("village", flags.village,
                                   "Where the subscriber goes: 12 digits, or the 14 of a natural village"))
      ->required();
  command
      .add_option("--days", flags.days,
                  "How long it waits for a report from there once it is approved: 1 to 180 (default 30)")
      ->type_name("N");
  DeclareChange(command, flags.change, true);
}

int RunMove(Session& session, const MoveFlags& flags) {
  v1::RequestRelocationRequest request;
  request.set_card_number(flags.card);
  request.set_village(flags.village);
  request.set_days(flags.days);
  return session.Change(
      &Homes::RequestRelocation, request, flags.change,
      [&](const v1::RelocationResponse& answer) { PrintRelocation(answer.relocation(), session.out()); });
}

using RelocationCall = grpc::Status (Homes::*)(grpc::ClientContext*, const v1::RelocationStepRequest&,
                                               v1::RelocationResponse*);
template <RelocationCall kCall>
int RunRelocationStep(Session& session, const StepFlags& flags) {
  v1::RelocationStepRequest request;
  request.set_card_number(flags.card);
  return session.Change(kCall, request, flags.change, [&](const v1::RelocationResponse& answer) {
    PrintRelocation(answer.relocation(), session.out());
  });
}

int RunShowRelocation(Session& session, const CardFlags& flags) {
  v1::GetRelocationRequest request;
  request.set_card_number(flags.card);
  return session.Read(&Homes::GetRelocation, request, [&](const v1::RelocationResponse& answer) {
    PrintRelocation(answer.relocation(), session.out());
    session.out() << fmt::format("revision {}\n", answer.relocation().revision());
  });
}

int RunListRelocations(Session& session, const ListFlags& flags) {
  v1::ListRelocationsRequest request;
  for (const std::string& state : flags.states) {
    request.add_states(static_cast<v1::RelocationState>(NumberOf(state, kRelocationStates)));
  }
  request.set_region(flags.region);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"card"}, {"state"}, {"account"}, {"from"}, {"to"}, {"since"}, {"actor"}, {"waits until"}});
  return session.List(&Homes::ListRelocations, request, [&](const v1::ListRelocationsResponse& answer) {
    for (const v1::Relocation& one : answer.relocations()) {
      const auto last = one.steps().empty() ? v1::RelocationStep() : one.steps(one.steps_size() - 1);
      table.Add({one.card_number(), NameOf(one.state()), OrDash(one.form_number()),
                 OrDash(one.from_village()), OrDash(one.to_village()), LocalTime(last.time()),
                 Who(last.actor()), LocalTime(one.ends())});
    }
    table.Print(session.out());
  });
}

}  // namespace

void AddHomeCommands(Tree& tree) {
  tree.Noun("exemption", "Homes without base-station signal, from the report to the centre's decision");
  tree.Add<StepFlags>("exemption", "report", "The installer: no base station is heard at this home",
                      DeclareStep, RunExemptionStep<&Homes::ReportExemption>);
  tree.Add<StepFlags>("exemption", "confirm", "The county went and looked", DeclareStep,
                      RunExemptionStep<&Homes::ConfirmExemption>);
  tree.Add<StepFlags>("exemption", "collect", "The province puts it before the centre", DeclareStep,
                      RunExemptionStep<&Homes::CollectExemption>);
  tree.Add<GrantFlags>("exemption", "grant", "The centre: the card needs no cell of its area until then",
                       DeclareGrant, RunGrant);
  tree.Add<StepFlags>("exemption", "refuse", "Refuses one that is not decided", DeclareStep,
                      RunExemptionStep<&Homes::RefuseExemption>);
  tree.Add<StepFlags>("exemption", "revoke", "Ends one in force before its time", DeclareStep, RunRevoke);
  tree.Add<CardFlags>("exemption", "show", "The newest of a card, with who did what and why", DeclareShow,
                      RunShowExemption);
  tree.Add<ListFlags>(
      "exemption", "list", "The newest of each card, by card number",
      [](CLI::App& command, ListFlags& flags) { DeclareListOf(command, flags, kExemptionStates); },
      RunListExemptions);
  tree.Noun("relocation", "Subscribers who move house");
  tree.Add<MoveFlags>("relocation", "request", "Asks for a move to another village of the province",
                      DeclareMove, RunMove);
  tree.Add<StepFlags>("relocation", "approve",
                      "A second person: both homes count until the box is heard there", DeclareStep,
                      RunRelocationStep<&Homes::ApproveRelocation>);
  tree.Add<StepFlags>("relocation", "cancel", "Gives up one that no report has confirmed", DeclareStep,
                      RunRelocationStep<&Homes::CancelRelocation>);
  tree.Add<CardFlags>("relocation", "show", "The newest of a card, with who did what and why", DeclareShow,
                      RunShowRelocation);
  tree.Add<ListFlags>(
      "relocation", "list", "The newest of each card, by card number",
      [](CLI::App& command, ListFlags& flags) { DeclareListOf(command, flags, kRelocationStates); },
      RunListRelocations);
}

}  // namespace hearth::ctl
