// Location reports taken by the head-end in this process, over RocksDB: such that change nothing, and such
// that switch a card off or on. Beside them, from as many threads, bare commits of as many bytes to a store
// of their own.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "src/app/layout.h"
#include "src/base/clock.h"
#include "src/store/rocks/rocks_store.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"
#include "tools/bench/report_site.h"

namespace hearth::bench {
namespace {

constexpr auto kLease = std::chrono::hours(24);
// The pump may still be sending when a slice ends; what it has left would slow the next one.
constexpr double kPumpSeconds = 3;

// One commit of `bytes` at a time from each thread, each thread to a bucket of its own.
class BarePeer {
 public:
  static Result<std::unique_ptr<BarePeer>> Create(const std::filesystem::path& dir, size_t threads) {
    std::unique_ptr<BarePeer> peer(new BarePeer);
    HEARTH_ASSIGN_OR_RETURN(peer->store_, store::OpenRocksStore(dir, peer->clock_, peer->metrics_));
    for (uint16_t p = 0; p < store::kSystemPartition.value; ++p) {
      HEARTH_ASSIGN_OR_RETURN(auto lease,
                              peer->store_->Acquire(store::PartitionId(p), "hearth-bench", kLease));
      peer->leases_.push_back(std::move(lease));
    }
    peer->sequences_.resize(threads);
    return peer;
  }

  Status Commit(size_t thread, const store::Batch& like) {
    const store::BucketId bucket(
        static_cast<uint16_t>(thread * store::kDataBuckets / sequences_.size() % store::kDataBuckets));
    const auto done =
        store_->CommitAndWait(leases_[store::PartitionOf(bucket).value], bucket, sequences_[thread]++, like);
    if (!done) return done.error();
    return Ok();
  }

 private:
  BarePeer() = default;

  SystemClock clock_;
  NullMetrics metrics_;
  std::vector<store::Lease> leases_;
  std::vector<uint64_t> sequences_;
  std::unique_ptr<store::Store> store_;
};

class ReportBench {
 public:
  explicit ReportBench(const ReportOptions& options) : options_(options), next_(options.threads) {}

  Result<Findings> Run() {
    HEARTH_ASSIGN_OR_RETURN(dir_, TempDir::Create(options_.dir));
    HEARTH_ASSIGN_OR_RETURN(
        site_, ReportSite::Create(dir_->path() / "site", options_.seed, options_.cards, options_.threads));
    HEARTH_ASSIGN_OR_RETURN(peer_, BarePeer::Create(dir_->path() / "peer", options_.threads));
    HEARTH_ASSIGN_OR_RETURN(const store::Batch like_observed, LikeReport(/*changing=*/false));
    HEARTH_ASSIGN_OR_RETURN(const store::Batch like_changing, LikeReport(/*changing=*/true));
    site_->AwaitPump(kPumpSeconds);

    const uint64_t commits = site_->CountOf("hearth_store_commits_total");
    const uint64_t batches = site_->CountOf("hearth_store_batches_total");
    const uint64_t sections = site_->sink().count();
    Findings findings{.bench = "report", .seed = options_.seed, .figures = {}, .checks = {}};
    HEARTH_ASSIGN_OR_RETURN(const uint64_t observed, Compare("observed", false, like_observed, findings));
    HEARTH_ASSIGN_OR_RETURN(const uint64_t changing,
                            Compare("standing changes", true, like_changing, findings));
    const uint64_t all_commits = site_->CountOf("hearth_store_commits_total") - commits;
    const uint64_t all_batches = site_->CountOf("hearth_store_batches_total") - batches;
    findings.Add("reports", static_cast<double>(observed + changing), "count");
    findings.Add("commits, those of pump and views too", static_cast<double>(all_commits), "count");
    findings.Add("synced writes", static_cast<double>(all_batches), "count");
    findings.Add("sections sent meanwhile", static_cast<double>(site_->sink().count() - sections), "count");
    findings.Expect("a report that changes standing is committed", all_commits >= changing);
    if (options_.threads > 1) {
      findings.Expect("fewer synced writes than commits", all_batches < all_commits);
    }
    return findings;
  }

 private:
  // Thread t has the cards t, t + threads …, so no card is reported by two.
  Home& NextHome(size_t thread) {
    const size_t index = thread + next_[thread] * options_.threads;
    if (index >= site_->homes().size()) {
      next_[thread] = 1;
      return site_->homes()[thread];
    }
    ++next_[thread];
    return site_->homes()[index];
  }

  Status Report(Home& home, bool changing) {
    const bool from_city = changing && !home.in_city;
    const bool back = changing && home.in_city;
    HEARTH_ASSIGN_OR_RETURN(const auto answer, site_->Send(home, from_city));
    const auto expected = from_city ? app::ReportOutcome::kSwitchedOff
                          : back    ? app::ReportOutcome::kRestored
                                    : app::ReportOutcome::kObserved;
    if (answer.outcome == expected) return Ok();
    return Error(Reason::kInternal, "a report was judged otherwise: " + answer.message);
  }

  // A commit with a card object, a change record and an audit entry as long as those of such a report.
  Result<store::Batch> LikeReport(bool changing) {
    Home& home = site_->homes().front();
    HEARTH_RETURN_IF_ERROR(Report(home, changing));
    const app::ObjectKey key = app::CardKey(home.card);
    store::Store& store = site_->store();
    HEARTH_ASSIGN_OR_RETURN(const auto sequences, store.Sequences());
    uint64_t last = 0;
    for (const auto& bucket : sequences) {
      if (bucket.bucket == key.bucket) last = bucket.sequence;
    }
    HEARTH_ASSIGN_OR_RETURN(const auto object, store.Get(key.bucket, store::Space::kObject, key.key));
    HEARTH_ASSIGN_OR_RETURN(const auto record,
                            store.Get(key.bucket, store::Space::kRecord, store::SequenceKey(last)));
    HEARTH_ASSIGN_OR_RETURN(const auto audit,
                            store.Get(key.bucket, store::Space::kAudit, store::SequenceKey(last)));
    if (changing) HEARTH_RETURN_IF_ERROR(Report(home, changing));  // home again
    store::Batch batch;
    batch.puts.push_back({key.key, object.value_or("")});
    batch.record = record.value_or("");
    batch.audit = audit.value_or("");
    return batch;
  }

  // The number of reports.
  Result<uint64_t> Compare(const std::string& what, bool changing, const store::Batch& like,
                           Findings& findings) {
    Rate reports;
    Rate bare;
    const double slice = options_.seconds / (4 * kRounds);
    for (int round = 0; round < kRounds; ++round) {
      HEARTH_ASSIGN_OR_RETURN(const Rate a, RunThreads(options_.threads, slice, [&](size_t thread) {
                                return Report(NextHome(thread), changing);
                              }));
      site_->AwaitPump(kPumpSeconds);
      HEARTH_ASSIGN_OR_RETURN(const Rate b, RunThreads(options_.threads, slice, [&](size_t thread) {
                                return peer_->Commit(thread, like);
                              }));
      reports += a;
      bare += b;
    }
    const size_t bytes = like.puts[0].value.size() + like.record.size() + like.audit.size();
    findings.Add(what + ": reports to bare commits", Ratio(reports, bare), "ratio");
    findings.Add(fmt::format("{}: reports, {} threads", what, options_.threads), reports.per_second(), "1/s");
    findings.Add(fmt::format("{}: bare commits of {} bytes", what, bytes), bare.per_second(), "1/s");
    return reports.count;
  }

  const ReportOptions options_;
  std::vector<size_t> next_;
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<BarePeer> peer_;
  std::unique_ptr<ReportSite> site_;
};

}  // namespace

Result<Findings> BenchReport(const ReportOptions& options) { return ReportBench(options).Run(); }

}  // namespace hearth::bench
