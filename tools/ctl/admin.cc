// hearthctl stats, status, clock, audit.
#include <fmt/format.h>

#include "hearth/v1/admin.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Admin = v1::AdminService::Stub;

struct StatsFlags {
  std::string region;
};

void AddCounts(const v1::RegionCounts& counts, const std::string& region, Table& table) {
  table.Add({region, std::to_string(counts.registered()), std::to_string(counts.waiting()),
             std::to_string(counts.activated()), std::to_string(counts.dark()), counts.name()});
}

int RunStats(Session& session, const StatsFlags& flags) {
  v1::GetCountsRequest request;
  request.set_region(flags.region);
  request.set_revision_token(session.globals().revision_token);
  return session.Read(&v1::StatsService::Stub::GetCounts, request, [&](const v1::GetCountsResponse& answer) {
    Table table(
        {{"region"}, {"registered", true}, {"waiting", true}, {"activated", true}, {"dark", true}, {"name"}});
    for (const v1::RegionCounts& counts : answer.below()) AddCounts(counts, counts.region(), table);
    AddCounts(answer.total(), "total", table);
    table.Print(session.out());
  });
}

int RunStatus(Session& session, const NoFlags& /*flags*/) {
  return session.Read(&Admin::GetStatus, v1::GetStatusRequest(), [&](const v1::GetStatusResponse& answer) {
    Sheet sheet;
    sheet.Add("site", answer.site());
    sheet.Add("version", answer.version());
    sheet.Add("started", LocalTime(answer.started()));
    sheet.Add("store", answer.store_read_only() ? "READ ONLY" : "writable");
    sheet.Add("clock", answer.clock_jumped() ? "JUMPED: check it, then hearthctl clock accept" : "steady");
    sheet.Add("restore", answer.restore_unreconciled() ? "UNRECONCILED: see hearthctl archive reconcile"
                                                       : "none waits to be reconciled");
    sheet.Add("archive lag", fmt::format("{:.3f} s", answer.archive_lag_seconds()));
    sheet.Add("epoch",
              fmt::format("{}{}", answer.epoch(), answer.in_lead() ? ", the next one is on air" : ""));
    sheet.Add("sections sent", std::to_string(answer.sections_sent()));
    sheet.Add("outbox waiting", std::to_string(answer.outbox_waiting()));
    sheet.Add("view lag", fmt::format("{:.3f} s", answer.view_lag_seconds()));
    sheet.Add("commits", std::to_string(answer.commits()));
    if (answer.insecure_development()) sheet.Add("mode", "INSECURE DEVELOPMENT");
    sheet.Print(session.out());
  });
}

int RunClockAccept(Session& session, const ChangeFlags& flags) {
  if (!session.Confirm("Accept the head-end's present time as right?")) return session.Declined();
  return session.Change(&Admin::AcceptClock, v1::AcceptClockRequest(), flags,
                        [&](const v1::AcceptClockResponse&) { session.out() << "the clock is accepted\n"; });
}

struct AuditFlags {
  std::string object;
};

int RunAudit(Session& session, const AuditFlags& flags) {
  v1::ListAuditRequest request;
  request.set_object(flags.object);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"time"},
               {"revision", true},
               {"actor"},
               {"action"},
               {"object"},
               {"reason"},
               {"approver"},
               {"detail"}});
  return session.List(&Admin::ListAudit, request, [&](const v1::ListAuditResponse& answer) {
    for (const v1::AuditEntry& entry : answer.entries()) {
      table.Add({LocalTime(entry.time()), std::to_string(entry.revision()), entry.actor(), entry.action(),
                 entry.object(), OrDash(entry.reason()), OrDash(entry.approver()), OrDash(entry.detail())});
    }
    table.Print(session.out());
  });
}

}  // namespace

void AddAdminCommands(Tree& tree) {
  tree.Add<StatsFlags>(
      "stats", "", "Live counts below a division: registered, waiting, activated, dark",
      [](CLI::App& command, StatsFlags& flags) {
        RegionNumber(command.add_option("--region", flags.region, "Division; without it all"));
      },
      RunStats);
  tree.Add<NoFlags>("status", "", "State of the head-end", DeclareNothing, RunStatus);
  tree.Noun("clock", "The site's clock");
  tree.Add<ChangeFlags>(
      "clock", "accept", "After a jump: the present time is right, go on",
      [](CLI::App& command, ChangeFlags& flags) { DeclareChange(command, flags, true); }, RunClockAccept);
  tree.Add<AuditFlags>(
      "audit", "", "The audit of one object, oldest first",
      [](CLI::App& command, AuditFlags& flags) {
        command
            .add_option(
                "object", flags.object,
                "account:NX-1, card:640000000001, area:640122001, list:640104001, emergency:7 or site")
            ->type_name("OBJECT")
            ->required();
      },
      RunAudit);
}

}  // namespace hearth::ctl
