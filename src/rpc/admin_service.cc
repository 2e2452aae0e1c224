#include <algorithm>

#include <hearth/v1/admin.grpc.pb.h>

#include "src/app/reconcile.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// Longer than any lag that is not a fault.
constexpr std::chrono::milliseconds kLongestWait{5000};

constexpr size_t kDifferencesPerMessage = 10'000;

using ReconcileStream = grpc::ServerReaderWriter<v1::ReconcileArchiveResponse, v1::ReconcileArchiveRequest>;

// The messages of one ReconcileArchive call.
class Reconciliation {
 public:
  Reconciliation(app::HeadEnd& head_end, const Call& call, ReconcileStream& stream)
      : head_end_(head_end), call_(call), stream_(stream) {}

  Status Run() {
    v1::ReconcileArchiveRequest message;
    while (!ended_ && stream_.Read(&message)) HEARTH_RETURN_IF_ERROR(Take(message));
    if (!ended_) return MissingField("ends", "in the last message");
    HEARTH_ASSIGN_OR_RETURN(const auto report, run_->Finish(ends_));
    Answer(report);
    return Ok();
  }

 private:
  Status Take(const v1::ReconcileArchiveRequest& message) {
    if (message.has_header()) return Begin(message.header());
    if (!run_) return MissingField("header", "in the first message");
    switch (message.part_case()) {
      case v1::ReconcileArchiveRequest::kChanges:
        for (const v1::ArchivedChange& change : message.changes().changes()) {
          HEARTH_ASSIGN_OR_RETURN(const uint16_t bucket, BucketFrom(change.bucket()));
          HEARTH_RETURN_IF_ERROR(run_->Take({.bucket = bucket,
                                             .sequence = change.sequence(),
                                             .seal = Bytes(change.seal().begin(), change.seal().end()),
                                             .record = change.record(),
                                             .audit = change.audit()}));
        }
        return Ok();
      case v1::ReconcileArchiveRequest::kEnds:
        for (const v1::BucketEnd& end : message.ends().ends()) {
          HEARTH_ASSIGN_OR_RETURN(const uint16_t bucket, BucketFrom(end.bucket()));
          ends_[bucket] = {.sequence = end.sequence(), .checksum_at_have = end.checksum_at_have()};
        }
        ended_ = true;
        return Ok();
      default:
        return MissingField("part", "header, changes or ends");
    }
  }

  static Result<uint16_t> BucketFrom(uint32_t bucket) {
    if (bucket > store::kSystemBucket.value) return InvalidField("bucket", "0 to 16384");
    return static_cast<uint16_t>(bucket);
  }

  Status Begin(const v1::ReconcileHeader& header) {
    if (run_) return InvalidField("header", "once, in the first message");
    archive::Identity identity{.site = header.site(), .key_check = {}};
    if (header.key_check().size() != identity.key_check.size()) {
      return InvalidField("key_check", "8 bytes");
    }
    std::copy(header.key_check().begin(), header.key_check().end(), identity.key_check.begin());
    HEARTH_ASSIGN_OR_RETURN(const auto request, call_.ChangeOf(header));
    HEARTH_ASSIGN_OR_RETURN(run_, head_end_.reconciler().Begin(request, identity, header.plan()));
    v1::ReconcileArchiveResponse answer;
    for (const auto& [bucket, sequence] : run_->have()) {
      v1::BucketEnd* end = answer.mutable_have()->add_buckets();
      end->set_bucket(bucket);
      end->set_sequence(sequence);
    }
    answer.mutable_have();
    stream_.Write(answer);
    return Ok();
  }

  void Answer(const app::ReconcileReport& report) {
    v1::ReconcileArchiveResponse answer;
    *answer.mutable_summary() = ToProto(report);
    stream_.Write(answer);
    for (size_t begin = 0; begin < report.differences.size(); begin += kDifferencesPerMessage) {
      const size_t end = std::min(begin + kDifferencesPerMessage, report.differences.size());
      auto& differences = *answer.mutable_differences();
      differences.clear_differences();
      for (size_t i = begin; i < end; ++i) {
        v1::Difference* out = differences.add_differences();
        out->set_kind(static_cast<v1::Difference::Kind>(report.differences[i].kind));
        out->set_object(report.differences[i].object);
      }
      stream_.Write(answer);
    }
  }

  app::HeadEnd& head_end_;
  const Call& call_;
  ReconcileStream& stream_;
  std::unique_ptr<app::Reconciler::Run> run_;
  std::map<uint16_t, app::ArchiveEnd> ends_;
  bool ended_ = false;
};

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
      out->set_restore_unreconciled(head_end_.restore().held());
      const app::Archiver* archiver = head_end_.archiver();
      out->set_archive_lag_seconds(archiver == nullptr ? 0 : archiver->LagSeconds());
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

  grpc::Status ReconcileArchive(grpc::ServerContext* context, ReconcileStream* stream) override {
    return front_.Serve(*reconcile_archive_, *context,
                        [&](Call& call) { return Reconciliation(head_end_, call, *stream).Run(); });
  }

  grpc::Status ReleaseRestore(grpc::ServerContext* context, const v1::ReleaseRestoreRequest* in,
                              v1::ReleaseRestoreResponse* out) override {
    return front_.Serve(*release_restore_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto change, head_end_.reconciler().ReleaseWithoutArchive(request));
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
  const std::unique_ptr<Method> reconcile_archive_ = front_.NewMethod("AdminService/ReconcileArchive");
  const std::unique_ptr<Method> release_restore_ = front_.NewMethod("AdminService/ReleaseRestore");
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
