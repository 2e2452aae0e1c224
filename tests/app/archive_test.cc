// Backup, restore, reconciliation: what is held meanwhile, what comes back, what is refused, and a crash at
// each step.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "src/archive/reader.h"
#include "tests/app/site.h"
#include "tests/app/workload.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kCards = 20;
constexpr uint8_t kGroupTable = 0x84;

class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "hearth-archive-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() { fs::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

SiteOptions WithArchive(const fs::path& directory, size_t segment_bytes = size_t{64} << 20) {
  SiteOptions options;
  options.head_end.archive = directory;
  options.head_end.archive_segment_bytes = segment_bytes;
  return options;
}

std::vector<fs::path> FilesOf(const fs::path& directory) {
  auto files = archive::SegmentsOf(directory);
  EXPECT_TRUE(files);
  return files ? std::move(*files) : std::vector<fs::path>();
}

// One pass as hearthctl makes it: a check without a plan.
Result<ReconcileReport> Pass(Site& site, const fs::path& archive, const std::string& plan) {
  Reconciler& reconciler = site.head().reconciler();
  HEARTH_ASSIGN_OR_RETURN(const auto first, archive::SegmentsOf(archive));
  if (first.empty()) return Error(Reason::kFileUnreadable, "no segments");
  HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, archive::ReadSegment(first.back()));
  size_t used = 0;
  HEARTH_ASSIGN_OR_RETURN(const auto header, archive::DecodeHeader(bytes, used));
  HEARTH_ASSIGN_OR_RETURN(const auto run,
                          reconciler.Begin(site.NewRequest("restored"), header.identity, plan));
  HEARTH_ASSIGN_OR_RETURN(const auto survey,
                          archive::Walk(archive, {.have = run->have(), .stop_at_fault = true},
                                        [&](archive::Change&& change) { return run->Take(change); }));
  std::map<uint16_t, ArchiveEnd> ends;
  for (const auto& [bucket, tail] : survey.end) {
    ends[bucket].sequence = tail.sequence;
    const auto known = survey.at_have.find(bucket);
    if (known != survey.at_have.end()) ends[bucket].checksum_at_have = known->second;
  }
  return run->Finish(ends);
}

Result<ReconcileReport> Reconcile(Site& site, const fs::path& archive) {
  HEARTH_ASSIGN_OR_RETURN(const auto checked, Pass(site, archive, ""));
  return Pass(site, archive, checked.plan);
}

// Waits until the archive has what was committed.
void Archived(Site& site) {
  EXPECT_TRUE(WaitUntil([&] {
    const auto tails = site.head().archiver()->tails();
    const auto sequences = site.Sequences();
    return std::all_of(sequences.begin(), sequences.end(), [&](const auto& bucket) {
      const auto tail = tails.find(bucket.first);
      return tail != tails.end() && tail->second.sequence == bucket.second;
    });
  }));
}

// Receivers of all cards that hear everything.
struct Ears {
  explicit Ears(Site& site) {
    for (uint64_t n = 1; n <= kCards; ++n) homes.push_back(site.NewHome(n));
  }
  void Listen(Site& site) {
    for (Home& home : homes) site.Listen(home);
  }
  // What they show, compared with the books.
  void ExpectAgreement(Site& site, const std::string& when, bool held_only = false) {
    for (uint64_t n = 1; n <= kCards; ++n) {
      const auto record = site.head().registry().Card(CardOf(n));
      ASSERT_TRUE(record);
      if (held_only && !record->value.card.claim.held()) continue;
      const bool lit = record->value.card.standing != entitlement::Standing::kDark;
      const auto& state = homes[n - 1].receiver.card()->state();
      EXPECT_EQ(state.standing.standing != receiver::Standing::kDark, lit) << when << ": card " << n;
      // An evicted card is told nothing more, so it keeps what it heard in the past that is lost.
      if (record->value.card.claim.held() && state.record && !entitlement::IsEvicted(record->value.card)) {
        EXPECT_EQ(state.record->box, record->value.card.box) << when << ": card " << n;
      }
    }
  }
  std::vector<Home> homes;
};

size_t GroupSections(Site& site, size_t from) {
  size_t count = 0;
  for (const Bytes& section : site.sink.From(from)) count += section[0] == kGroupTable ? 1 : 0;
  return count;
}

void ExpectSound(Site& site, const std::string& when) {
  for (const std::string& broken : site.BrokenInvariants(true)) ADD_FAILURE() << when << ": " << broken;
}

// Lets the watermark pass, and all groups go by.
void Settle(Site& site) {
  site.Drain();
  for (int i = 0; i < 3; ++i) {
    site.clock.Advance(std::chrono::seconds(2));
    site.head().HousekeepNow();
  }
  site.Pass();
}

// Those that say when and by whom the site was run, not what it holds.
std::map<std::string, std::string> Compared(Site& site) {
  auto objects = site.Objects();
  objects.erase("site/clock");
  objects.erase("site/restore");
  return objects;
}

class Restored : public testing::TestWithParam<uint64_t> {};

TEST_P(Restored, IsHeldAndComesBackAsItWas) {
  const TempDir dir;
  Site site(WithArchive(dir.path(), 20 * 1024));
  Ears ears(site);
  Workload workload(site, GetParam(), kCards);
  workload.Run(150);
  site.Drain();
  const auto backup = site.Backup();
  workload.Run(150);
  site.Quiet();
  ears.Listen(site);
  ears.ExpectAgreement(site, "before");
  const auto objects = Compared(site);
  const auto sequences = site.Sequences();
  site.DrainViews();
  const auto counts = site.head().views().CountsBelow(std::nullopt);
  site.Restore(backup);
  site.clock.Advance(std::chrono::minutes(30));
  site.Start();

  const auto held = site.Sequences();
  ASSERT_TRUE(site.head().restore().held());
  const auto refused = site.Open(kCards + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::kRestoreUnreconciled);
  const auto own = site.head().executor().RunUngated(
      store::kSystemBucket, {.actor = "hearthd", .action = "test"}, [](Txn& txn) -> Status {
        txn.Put("site/test", "x");
        return Ok();
      });
  EXPECT_EQ(own.error().reason(), Reason::kRestoreUnreconciled) << "nor does the head-end commit by itself";
  const size_t sent = site.sink.size();
  site.head().pump().Renew();
  for (int i = 0; i < 5; ++i) {
    site.clock.Advance(std::chrono::seconds(61));
    site.head().HousekeepNow();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  EXPECT_EQ(GroupSections(site, sent), 0U);
  EXPECT_EQ(site.Sequences(), held) << "something was committed into a held store";
  ears.Listen(site);

  // Held over a restart, and a check changes nothing.
  site.Restart();
  ASSERT_TRUE(site.head().restore().held());
  const auto checked = Pass(site, dir.path(), "");
  ASSERT_TRUE(checked) << checked.error().ToString();
  uint64_t missing = 0;
  for (const auto& [bucket, sequence] : sequences) {
    missing += sequence - (held.contains(bucket) ? held.at(bucket) : 0);
  }
  EXPECT_GE(checked->changes, missing);  // and what was committed while the site stopped
  EXPECT_EQ(site.Sequences(), held);
  const auto done = Pass(site, dir.path(), checked->plan);
  ASSERT_TRUE(done) << done.error().ToString();
  EXPECT_EQ(done->changes, checked->changes);
  EXPECT_FALSE(site.head().restore().held());
  EXPECT_EQ(Compared(site), objects);

  Settle(site);
  EXPECT_EQ(Compared(site), objects);
  ExpectSound(site, "reconciled");
  EXPECT_GT(GroupSections(site, sent), 0U);
  ears.Listen(site);
  ears.ExpectAgreement(site, "reconciled");
  site.DrainViews();
  const auto counted = site.head().views().CountsBelow(std::nullopt);
  ASSERT_TRUE(counts && counted);
  EXPECT_EQ((*counted)[0].counts.activated, (*counts)[0].counts.activated);
  EXPECT_EQ((*counted)[0].counts.dark, (*counts)[0].counts.dark);

  // Life goes on, in store and archive.
  workload.Run(60);
  site.Quiet();
  ExpectSound(site, "afterwards");
  ears.Listen(site);
  ears.ExpectAgreement(site, "afterwards");
  site.Stop();
  const auto survey = archive::Walk(dir.path(), {}, [](archive::Change&&) { return Ok(); });
  ASSERT_TRUE(survey);
  EXPECT_TRUE(survey->faults.empty()) << survey->faults[0].error.ToString();
  EXPECT_GE(survey->segments, 2U);
  site.Start();
  EXPECT_FALSE(site.head().restore().held());
}

INSTANTIATE_TEST_SUITE_P(Archive, Restored, testing::Values(1, 2, 3, 4, 5, 6));

// A backup in the middle, and an archive that ends where the site ended.
struct Story {
  explicit Story(uint64_t seed) : site(WithArchive(dir.path())), ears(site), workload(site, seed, kCards) {
    workload.Run(80);
    site.Drain();
    backup = site.Backup();
    workload.Run(80);
    site.Quiet();
    ears.Listen(site);
    site.Stop();
  }
  void RestoreBackup() {
    site.Restore(backup);
    site.clock.Advance(std::chrono::minutes(30));
  }
  // Where changes are lost for good, `card refresh` makes every home that has an account believe the books. A
  // card without one hears nothing, if the group it got since is lost as well.
  void ExpectAgreementAfterRefresh() {
    ears.Listen(site);
    for (uint64_t n = 1; n <= kCards; ++n) {
      const auto record = site.head().registry().Card(CardOf(n));
      if (!record->value.card.claim.held() || entitlement::IsEvicted(record->value.card)) continue;
      EXPECT_TRUE(site.head().pump().RefreshCard(site.NewRequest(), CardOf(n), site.options.limits));
    }
    site.clock.Advance(std::chrono::seconds(2));
    Settle(site);
    ears.Listen(site);
    ears.ExpectAgreement(site, "refreshed", true);
  }
  // The only segment.
  fs::path segment() const { return archive::SegmentsOf(dir.path())->back(); }

  TempDir dir;
  Site site;
  Ears ears;
  Workload workload;
  std::shared_ptr<store::Engine> backup;
};

std::vector<archive::Change> ChangesOf(const fs::path& path) {
  std::vector<archive::Change> changes;
  EXPECT_TRUE(archive::Walk(path, {}, [&](archive::Change&& change) {
    changes.push_back(std::move(change));
    return Ok();
  }));
  return changes;
}

// The segment anew, with these changes.
void Rewrite(const fs::path& file, const std::vector<archive::Change>& changes) {
  const auto bytes = archive::ReadSegment(file);
  size_t used = 0;
  ASSERT_TRUE(archive::DecodeHeader(*bytes, used));
  Bytes out(bytes->begin(), bytes->begin() + static_cast<ptrdiff_t>(used));
  for (const auto& change : changes) archive::AppendFrame(change, out);
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
}

struct BadRow {
  const char* name;
  Reason reason;
  // Spoils a copy of the archive.
  void (*spoil)(Story& story, const fs::path& copy);
};
void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }

class BadArchive : public testing::TestWithParam<BadRow> {};

TEST_P(BadArchive, IsRefusedAndChangesNothing) {
  Story story(TestSeed());
  const TempDir copy;
  for (const auto& file : FilesOf(story.dir.path())) {
    fs::copy(file, copy.path() / file.filename());
  }
  GetParam().spoil(story, copy.path());
  story.RestoreBackup();
  story.site.Start();
  ASSERT_TRUE(story.site.head().restore().held());
  const auto before = story.site.Sequences();
  const auto refused = Pass(story.site, copy.path(), "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), GetParam().reason) << refused.error().ToString();
  EXPECT_EQ(story.site.Sequences(), before);
  EXPECT_TRUE(story.site.head().restore().held());
  // The right one helps all the same.
  const auto done = Reconcile(story.site, story.dir.path());
  EXPECT_TRUE(done) << done.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Archive, BadArchive,
    testing::Values(BadRow{"gap", Reason::kArchiveGap,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             auto changes = ChangesOf(file);
                             // One that another of its bucket follows.
                             for (size_t i = changes.size(); i-- > 0;) {
                               for (size_t j = i + 1; j < changes.size(); ++j) {
                                 if (changes[i].bucket != changes[j].bucket) continue;
                                 changes.erase(changes.begin() + static_cast<ptrdiff_t>(i));
                                 return Rewrite(file, changes);
                               }
                             }
                             FAIL();
                           }},
                    BadRow{"damaged_frame", Reason::kArchiveDamaged,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
                             // In the last frame but a few.
                             auto changes = ChangesOf(file);
                             Bytes tail;
                             archive::AppendFrame(changes.back(), tail);
                             const auto back = static_cast<std::streamoff>(tail.size());
                             Bytes one;
                             archive::AppendFrame(changes[changes.size() - 2], one);
                             out.seekp(-back - static_cast<std::streamoff>(one.size()) + 20, std::ios::end);
                             out.put(static_cast<char>(0x55));
                           }},
                    BadRow{"foreign_site", Reason::kArchiveForeign,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             const auto bytes = archive::ReadSegment(file);
                             const auto changes = ChangesOf(file);
                             size_t used = 0;
                             auto header = *archive::DecodeHeader(*bytes, used);
                             header.identity.site = "elsewhere";
                             Bytes out = archive::EncodeHeader(header);
                             for (const auto& change : changes) archive::AppendFrame(change, out);
                             std::ofstream(file, std::ios::binary | std::ios::trunc)
                                 .write(reinterpret_cast<const char*>(out.data()),
                                        static_cast<std::streamsize>(out.size()));
                           }},
                    BadRow{"forged_change", Reason::kArchiveForeign,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             auto changes = ChangesOf(file);
                             changes.back().audit += "forged";
                             Rewrite(file, changes);
                           }},
                    BadRow{"ends_before_the_daemons_own", Reason::kArchiveBehind,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             auto changes = ChangesOf(file);
                             changes.pop_back();
                             Rewrite(file, changes);
                           }},
                    BadRow{"ends_before_the_store", Reason::kArchiveBehind,
                           [](Story&, const fs::path& copy) {
                             const auto file = archive::SegmentsOf(copy)->back();
                             auto changes = ChangesOf(file);
                             changes.resize(changes.size() / 8);
                             Rewrite(file, changes);
                           }}),
    [](const auto& row) { return row.param.name; });

TEST(Archive, StoreThatWentItsOwnWayIsFoundAndNotReplayedOver) {
  Story story(TestSeed());
  story.RestoreBackup();
  // Without its archive nobody notices the restore.
  story.site.options.archive.clear();
  story.site.Start();
  EXPECT_FALSE(story.site.head().restore().held());
  EXPECT_TRUE(story.site.Open(kCards + 5));
  story.site.Quiet();
  story.site.Stop();
  story.site.options.archive = story.dir.path();
  story.site.Start();
  ASSERT_TRUE(story.site.head().restore().held());
  const auto before = story.site.Sequences();
  const auto refused = Pass(story.site, story.dir.path(), "");
  ASSERT_FALSE(refused);
  const Reason reason = refused.error().reason();
  EXPECT_TRUE(reason == Reason::kArchiveDiverged || reason == Reason::kArchiveBehind)
      << refused.error().ToString();
  EXPECT_EQ(story.site.Sequences(), before);
  // The way out: the operator answers for the store as it is; the archive of the other past is set aside.
  Request request = story.site.NewRequest("");
  EXPECT_EQ(story.site.head().reconciler().ReleaseWithoutArchive(request).error().reason(),
            Reason::kFieldMissing);
  request.reason = "the archive is of no use";
  const auto released = story.site.head().reconciler().ReleaseWithoutArchive(request);
  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_FALSE(story.site.head().restore().held());
  EXPECT_TRUE(story.site.Open(kCards + 6));
  Settle(story.site);
  ExpectSound(story.site, "released");
  story.ExpectAgreementAfterRefresh();
  const auto audit = ListAudit(story.site.head().executor(), "site", 100, "");
  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->items.back().entry.action, "restore.release");
  story.site.Stop();
  story.site.Start();
  EXPECT_FALSE(story.site.head().restore().held()) << "a new archive has begun";
  EXPECT_TRUE(std::any_of(fs::directory_iterator(story.dir.path()), fs::directory_iterator(),
                          [](const auto& entry) { return entry.is_directory(); }));
}

TEST(Archive, WhoeverSaysSoIsHeldWithoutOne) {
  Site site;
  site.Drain();
  site.Stop();
  site.options.restored = true;
  site.Start();
  EXPECT_TRUE(site.head().restore().held());
  site.options.restored = false;
  site.Restart();
  EXPECT_TRUE(site.head().restore().held()) << "it is durable";
  ASSERT_TRUE(site.head().reconciler().ReleaseWithoutArchive(site.NewRequest("checked by hand")));
  EXPECT_TRUE(site.Open(1));
  EXPECT_EQ(site.head().reconciler().ReleaseWithoutArchive(site.NewRequest("again")).error().reason(),
            Reason::kRestoreNotHeld);
  site.Restart();
  EXPECT_FALSE(site.head().restore().held());
}

// The groups alone bring every home back to what the store says, also those that nothing in it asks to be
// sent.
TEST(Archive, GroupsGoOutOnceMoreWhenTheHoldEnds) {
  Site site;
  Home home = site.Installed(1);
  const auto backup = site.Backup();
  for (int i = 0; i < 2; ++i) {
    site.clock.Advance(std::chrono::seconds(61));
    ASSERT_TRUE(site.Send(home, kCity));
  }
  site.Drain();
  site.Listen(home);
  ASSERT_FALSE(site.Watches(home));
  site.Restore(backup);
  site.options.restored = true;
  site.clock.Advance(std::chrono::minutes(30));
  site.Start();
  site.head().HousekeepNow();
  site.Listen(home);
  EXPECT_FALSE(site.Watches(home)) << "held";
  ASSERT_TRUE(site.head().reconciler().ReleaseWithoutArchive(site.NewRequest("no archive")));
  Settle(site);
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

// The last second is lost to the archive; the books and the homes must agree on standing all the same.
TEST(Archive, TornTailLosesTheNewestChangesAndNothingElse) {
  const uint64_t seed = TestSeed();
  Story story(seed);
  const fs::path file = story.segment();
  const auto size = fs::file_size(file);
  auto changes = ChangesOf(file);
  Bytes last;
  for (size_t i = changes.size() - 9; i < changes.size(); ++i) archive::AppendFrame(changes[i], last);
  fs::resize_file(file, size - last.size() + 11);
  story.RestoreBackup();
  story.site.Start();
  ASSERT_TRUE(story.site.head().restore().held());
  const auto done = Reconcile(story.site, story.dir.path());
  ASSERT_TRUE(done) << done.error().ToString();
  Settle(story.site);
  ExpectSound(story.site, "after a torn tail");
  story.ExpectAgreementAfterRefresh();
}

void CopyArchive(const fs::path& from, const fs::path& to) {
  for (const auto& file : FilesOf(to)) fs::remove(file);
  for (const auto& file : FilesOf(from)) fs::copy(file, to / file.filename());
}

TEST(Archive, KilledAtAnyStepOfAReconciliationItStaysHeldAndCanBeRepeated) {
  Story story(TestSeed());
  const TempDir pristine;
  CopyArchive(story.dir.path(), pristine.path());
  size_t steps = 0;
  std::map<std::string, std::string> objects;
  for (size_t stop = 0; stop <= steps; stop += stop + 4 < steps ? steps / 6 : 1) {
    SCOPED_TRACE(fmt::format("killed before commit {} of {}", stop, steps));
    story.site.Stop();
    CopyArchive(pristine.path(), story.dir.path());
    story.RestoreBackup();
    story.site.Start();
    const auto plan = Pass(story.site, story.dir.path(), "");
    ASSERT_TRUE(plan) << plan.error().ToString();
    steps = plan->changes + 2;  // and the two that end the hold
    std::atomic<size_t> commits{0};
    story.site.store->SetGuard([&](store::BucketId bucket, const store::Batch&) -> Status {
      const bool view =
          bucket == store::kFirstViewBucket || bucket.value == store::kFirstViewBucket.value + 1;
      if (view || commits++ < stop) return Ok();
      return Error(Reason::kStoreReadOnly, "killed");
    });
    const auto cut = Pass(story.site, story.dir.path(), plan->plan);
    story.site.Stop();
    story.site.store->SetGuard(nullptr);
    story.site.Start();
    EXPECT_EQ(cut.has_value(), stop >= steps);
    EXPECT_EQ(story.site.head().restore().held(), !cut.has_value());
    if (!cut) {
      const auto done = Reconcile(story.site, story.dir.path());
      ASSERT_TRUE(done) << done.error().ToString();
    }
    EXPECT_FALSE(story.site.head().restore().held());
    Settle(story.site);
    if (objects.empty()) objects = Compared(story.site);
    EXPECT_EQ(Compared(story.site), objects);
    ExpectSound(story.site, "reconciled");
  }
}

TEST(Archive, FullDiskStopsTrimmingAndNothingElse) {
  const TempDir dir;
  SiteOptions options = WithArchive(dir.path());
  options.head_end.change_records = std::chrono::hours(1);
  Site site(options);
  Archived(site);
  const rlimit none{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  rlimit former{};
  ::getrlimit(RLIMIT_FSIZE, &former);
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &none);
  ASSERT_TRUE(site.Open(1));
  site.Drain();
  site.DrainViews();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  site.clock.Advance(std::chrono::seconds(1));
  EXPECT_GT(site.head().archiver()->LagSeconds(), 0);
  const auto bucket = AccountKey(FormNumberOf(1)).bucket;
  const uint64_t cursor = site.head().archiver()->CursorOf(bucket);
  site.clock.Advance(std::chrono::hours(2));
  site.clock.Advance(std::chrono::minutes(2));
  (void)site.head().clock().Accept(site.NewRequest("the test moved it"));
  site.head().HousekeepNow();
  const auto kept = site.store->Scan(bucket, store::Space::kRecord, "", "", 100);
  ASSERT_TRUE(kept && !kept->items.empty());
  EXPECT_EQ(store::SequenceOfKey(kept->items[0].key), cursor + 1)
      << "what the archive has is trimmed, no more";
  ::setrlimit(RLIMIT_FSIZE, &former);
  Archived(site);
  site.clock.Advance(std::chrono::minutes(2));
  site.head().HousekeepNow();
  const auto trimmed = site.store->Scan(bucket, store::Space::kRecord, "", "", 100);
  EXPECT_TRUE(trimmed && trimmed->items.empty());
  site.Stop();
  const auto survey = archive::Walk(dir.path(), {}, [](archive::Change&&) { return Ok(); });
  ASSERT_TRUE(survey);
  EXPECT_TRUE(survey->faults.empty()) << survey->faults[0].error.ToString();
}

}  // namespace
}  // namespace hearth::app
