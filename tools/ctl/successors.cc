// hearthctl cells successors, accept: cells that took the place of others.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/intervention.grpc.pb.h"
#include "tools/ctl/rollout.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Interventions = v1::InterventionService::Stub;

struct WhereFlags {
  std::string area;
  std::string division;
};

int RunSuccessors(Session& session, const WhereFlags& flags) {
  v1::ListSuccessorsRequest request;
  request.set_area_id(flags.area);
  request.set_division(flags.division);
  Table table({{"cell"},
               {"area"},
               {"blacklist"},
               {"cards", true},
               {"together", true},
               {"instead", true},
               {"serving", true},
               {"beside"},
               {"instead of"}});
  return session.List(&Interventions::ListSuccessors, request, [&](const v1::ListSuccessorsResponse& answer) {
    for (const v1::Successor& one : answer.successors()) {
      table.Add({one.cell(), one.area_id(), OrDash(one.blacklist()), std::to_string(one.cards()),
                 std::to_string(one.together()), std::to_string(one.instead()),
                 std::to_string(one.as_serving()), OrDash(fmt::format("{}", fmt::join(one.beside(), " "))),
                 OrDash(fmt::format("{}", fmt::join(one.instead_of(), " ")))});
    }
    table.Print(session.out());
  });
}

struct AcceptFlags {
  WhereFlags where;
  std::vector<std::string> cells;
  ChangeFlags change;
};

void DeclareAccept(CLI::App& command, AcceptFlags& flags) {
  CLI::App* which = OptionGroup(command, "which", 1);
  which->require_option(1, 0);
  CLI::Option* area = AreaNumber(which->add_option("--area", flags.where.area, "Those of this area"));
  Division(which->add_option("--division", flags.where.division, "Those of the areas in this division"))
      ->excludes(area);
  which
      ->add_option("--cell", flags.cells,
                   "Only this cell, like lte:460:00:33301:26879745; may be given often")
      ->type_name("CELL")
      ->expected(1)
      ->take_all();
  DeclareChange(command, flags.change, true);
}

void PrintAccepted(const v1::AcceptSuccessorsResponse& answer, bool dry_run, bool approved,
                   std::ostream& out) {
  if (answer.cells() == 0) {
    out << "there is nothing to accept\n";
    return;
  }
  const bool waits = answer.needs_approver() && !approved;
  out << fmt::format("{} cells {} to the whitelists of {} areas\n", answer.cells(),
                     dry_run || waits ? "would come" : "come", answer.areas());
  if (answer.needs_approver()) {
    out << fmt::format("a second person has to approve: {}\n", answer.why_approver());
  }
  if (dry_run) {
    out << "dry run: nothing was changed\n";
  } else if (waits) {
    out << fmt::format("nothing is in force yet: it is rollout {}\nnext: {} --reason TEXT --approver NAME\n",
                       answer.rollout(), RolloutCommand("activate", answer.rollout()));
  } else {
    out << fmt::format(
        "{} held interventions dropped, {} cards lit again\nto take it back: {} --reason TEXT\n",
        answer.dropped(), answer.lifted(), RolloutCommand("undo", answer.rollout()));
  }
}

int RunAccept(Session& session, const AcceptFlags& flags) {
  v1::AcceptSuccessorsRequest request;
  request.set_area_id(flags.where.area);
  request.set_division(flags.where.division);
  for (const std::string& cell : flags.cells) request.add_cells(cell);
  const bool approved = !flags.change.approver.empty();
  if (session.WouldAsk()) {
    auto client = session.Connect();
    if (!client) return session.Fail(client.error());
    const auto id = session.request_id();
    if (!id) return session.FailUsage(id.error());
    v1::AcceptSuccessorsRequest look = request;
    session.FillChange(flags.change, *id, look.mutable_change());
    look.mutable_change()->set_dry_run(true);
    v1::AcceptSuccessorsResponse answer;
    const auto failure = session.Retry(
        **client, [&] { return (*client)->Call(&Interventions::AcceptSuccessors, look, &answer); });
    if (failure) return session.Fail(*failure);
    session.Note(fmt::format("{} cells of {} areas", answer.cells(), answer.areas()));
    if (answer.needs_approver()) session.Note("a second person has to approve: " + answer.why_approver());
    if (answer.cells() > 0 && !session.Confirm("Accept them?")) return session.Declined();
  }
  return session.Change(&Interventions::AcceptSuccessors, request, flags.change,
                        [&](const v1::AcceptSuccessorsResponse& answer) {
                          PrintAccepted(answer, session.globals().dry_run, approved, session.out());
                        });
}

}  // namespace

void AddSuccessorCommands(Tree& tree) {
  tree.Add<WhereFlags>(
      "cells", "successors", "Cells that probably replaced others, with the evidence",
      [](CLI::App& command, WhereFlags& flags) {
        CLI::Option* area = AreaNumber(command.add_option("--area", flags.area, "Only of this area"));
        Division(command.add_option("--division", flags.division, "Only of areas in this division"))
            ->excludes(area);
      },
      RunSuccessors);
  tree.Add<AcceptFlags>("cells", "accept", "Adds such cells to their areas' whitelists, as one rollout",
                        DeclareAccept, RunAccept);
}

}  // namespace hearth::ctl
