#include <algorithm>

#include <hearth/v1/admin.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// Longer than any lag that is not a fault.
constexpr std::chrono::milliseconds kLongestWait{5000};

class AdminService final : public v1::AdminService::Service {
 public:
  AdminService(Front& front, app::HeadEnd& head_end, SiteInfo info)
      : front_(front), head_end_(head_end), info_(std::move(info)), started_(front.clock().Now()) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* out) override {
    return front_.Serve(*get_status_, *context, [&](Call&) -> Status {
      out->set_version(info_.version);
      out->set_site(info_.site);
      *out->mutable_started() = ToTimestamp(started_);
      out->set_insecure_development(front_.insecure_development());
      const app::KeyKeeper& keys = head_end_.keys();
      out->set_epoch(app::EpochPlan::Wrap(keys.current()).value);
      out->set_in_lead(keys.on_air() != keys.current());
      out->set_clock_jumped(head_end_.clock().jumped());
      out->set_sections_sent(head_end_.pump().sent());
      out->set_outbox_waiting(head_end_.pump().waiting());
      out->set_view_lag_seconds(head_end_.views().LagSeconds());
      auto& store = head_end_.executor().store();
      out->set_store_read_only(store.read_only());
      HEARTH_ASSIGN_OR_RETURN(const auto sequences, store.Sequences());
      uint64_t commits = 0;
      for (const auto& bucket : sequences) commits += bucket.sequence;
      out->set_commits(commits);
      return Ok();
    });
  }

  grpc::Status AcceptClock(grpc::ServerContext* context, const v1::AcceptClockRequest* in,
                           v1::AcceptClockResponse* out) override {
    return front_.Serve(*accept_clock_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto change, head_end_.clock().Accept(request));
      *out->mutable_changed() = ToProto(change);
      return Ok();
    });
  }

  grpc::Status ListAudit(grpc::ServerContext* context, const v1::ListAuditRequest* in,
                         v1::ListAuditResponse* out) override {
    return front_.Serve(*list_audit_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              app::ListAudit(head_end_.executor(), in->object(), size, in->page().token()));
      for (const app::AuditView& view : page.items) *out->add_entries() = ToProto(view);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

 private:
  Front& front_;
  app::HeadEnd& head_end_;
  const SiteInfo info_;
  const UnixMillis started_;
  const std::unique_ptr<Method> get_status_ = front_.NewMethod("AdminService/GetStatus");
  const std::unique_ptr<Method> accept_clock_ = front_.NewMethod("AdminService/AcceptClock");
  const std::unique_ptr<Method> list_audit_ = front_.NewMethod("AdminService/ListAudit");
};

class StatsService final : public v1::StatsService::Service {
 public:
  StatsService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status GetCounts(grpc::ServerContext* context, const v1::GetCountsRequest* in,
                         v1::GetCountsResponse* out) override {
    return front_.Serve(*get_counts_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto region, RegionFilterFrom(in->region()));
      HEARTH_RETURN_IF_ERROR(WaitForRevision(head_end_, call, in->revision_token()));
      HEARTH_ASSIGN_OR_RETURN(const auto counts, head_end_.views().CountsBelow(region));
      const auto snapshot = head_end_.geo().snapshot();
      for (size_t i = 0; i < counts.size(); ++i) {
        *(i == 0 ? out->mutable_total() : out->add_below()) = ToProto(counts[i], snapshot->regions);
      }
      return Ok();
    });
  }

 private:
  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> get_counts_ = front_.NewMethod("StatsService/GetCounts");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(Front& front, app::HeadEnd& head_end, SiteInfo info) {
  return std::make_unique<AdminService>(front, head_end, std::move(info));
}

std::unique_ptr<grpc::Service> MakeStatsService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<StatsService>(front, head_end);
}

Status WaitForRevision(app::HeadEnd& head_end, const Call& call, const std::string& revision_token) {
  if (revision_token.empty()) return Ok();
  const auto committed = app::ParseRevisionToken(revision_token);
  if (!committed) return InvalidField("revision_token", "as it was returned, or empty");
  const auto now = std::chrono::system_clock::now();
  auto wait = kLongestWait;
  if (call.deadline() < now + wait) {
    wait = std::chrono::duration_cast<std::chrono::milliseconds>(call.deadline() - now);
  }
  return head_end.views().WaitFor(*committed, std::max(wait, std::chrono::milliseconds(0)));
}

}  // namespace hearth::rpc
