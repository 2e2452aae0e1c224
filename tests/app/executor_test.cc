// Commands on buckets: what is staged, what a failed commit takes down, and the records that rebuild it all.
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "src/crypto/primitives.h"
#include "src/store/engine_store.h"
#include "src/store/memory_engine.h"
#include "tests/app/workload.h"

namespace hearth::app {
namespace {

constexpr store::BucketId kBucket(5);

// Stops each Apply while closed; then applies or fails it.
class GatedEngine final : public store::Engine {
 public:
  Status Apply(std::vector<store::Write> writes) override {
    {
      const MutexLock lock(mu_);
      ++waiting_;
      while (closed_) opened_.Wait(mu_);
      --waiting_;
      if (failing_) return Error(Reason::kStoreIo, "told to fail");
    }
    return inner_.Apply(std::move(writes));
  }
  Result<std::optional<std::string>> Get(std::string_view key) override { return inner_.Get(key); }
  Result<store::ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) override {
    return inner_.Scan(from, end, limit);
  }

  void Close() {
    const MutexLock lock(mu_);
    closed_ = true;
  }
  void Open(bool failing = false) {
    const MutexLock lock(mu_);
    closed_ = false;
    failing_ = failing;
    opened_.NotifyAll();
  }
  bool Waiting() {
    const MutexLock lock(mu_);
    return waiting_ > 0;
  }

 private:
  store::MemoryEngine inner_;
  Mutex mu_;
  CondVar opened_;
  bool closed_ HEARTH_GUARDED_BY(mu_) = false;
  bool failing_ HEARTH_GUARDED_BY(mu_) = false;
  int waiting_ HEARTH_GUARDED_BY(mu_) = 0;
};

class Commands : public testing::Test {
 protected:
  void SetUp() override {
    auto engine = std::make_unique<GatedEngine>();
    engine_ = engine.get();
    auto opened = store::EngineStore::Create(std::move(engine), clock_, metrics_, Limits());
    ASSERT_TRUE(opened);
    memory_ = std::move(*opened);
    store_ = std::make_unique<GuardedStore>(*memory_);
    auto executor = Executor::Create(*store_, clock_, stamps_, log_, "test");
    ASSERT_TRUE(executor);
    executor_ = std::move(*executor);
  }

  Result<Committed> Put(const std::string& key, const std::string& value) {
    return executor_->Run(kBucket, {.actor = "a", .action = "put"}, [&](Txn& txn) -> Status {
      txn.Put(key, value);
      return Ok();
    });
  }
  // Reads inside a command that writes nothing.
  Result<std::string> Read(const std::string& key, std::atomic<bool>* seen = nullptr) {
    std::string value = "absent";
    auto read = executor_->Run(kBucket, {}, [&](Txn& txn) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Get(key));
      if (stored) value = stored->value;
      if (seen != nullptr) *seen = true;
      return Ok();
    });
    if (!read) return read.error();
    return value;
  }

  FakeClock clock_{UnixMillis(1'800'000'000'000)};
  NullMetrics metrics_;
  NullLogger log_;
  StampTracker stamps_{clock_};
  GatedEngine* engine_ = nullptr;
  std::unique_ptr<store::Store> memory_;
  std::unique_ptr<GuardedStore> store_;
  std::unique_ptr<Executor> executor_;
};

TEST_F(Commands, EachSeesWhatTheFormerStagedBeforeItIsSynced) {
  constexpr int kThreads = 16;
  engine_->Close();
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      const auto counted = executor_->Run(kBucket, {}, [&](Txn& txn) -> Status {
        HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Get("n"));
        txn.Put("n", std::to_string(stored ? std::stoi(stored->value) + 1 : 1));
        return Ok();
      });
      EXPECT_TRUE(counted);
      ++done;
    });
  }
  EXPECT_TRUE(WaitUntil([&] { return engine_->Waiting(); }));
  EXPECT_EQ(done, 0) << "answered before the sync";
  engine_->Open();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*Read("n"), std::to_string(kThreads));
}

TEST_F(Commands, AReadOnlyOneIsNotAnsweredOnWhatMayStillFail) {
  ASSERT_TRUE(Put("k", "old"));
  engine_->Close();
  std::thread writer([&] { EXPECT_FALSE(Put("k", "new")); });
  EXPECT_TRUE(WaitUntil([&] { return engine_->Waiting(); }));
  std::atomic<bool> seen = false;
  std::thread reader([&] {
    const auto value = Read("k", &seen);
    EXPECT_FALSE(value) << "answered " << *value << ", which was never synced";
  });
  EXPECT_TRUE(WaitUntil([&] { return seen.load(); }));
  engine_->Open(/*failing=*/true);
  writer.join();
  reader.join();
  EXPECT_EQ(*Read("k"), "old");
  // A failed sync is for ever.
  EXPECT_EQ(Put("k", "newer").error().reason(), Reason::kStoreReadOnly);
  EXPECT_EQ(Put("other", "x").error().reason(), Reason::kStoreReadOnly);
  EXPECT_TRUE(store_->read_only());
}

TEST_F(Commands, AFailedCommitTakesItsSuccessorsDownAndNothingElse) {
  ASSERT_TRUE(Put("k", "0"));
  // The commit of "bad" is refused while a former one is on its way and a later one rests on it.
  engine_->Close();
  std::thread former([&] { EXPECT_TRUE(Put("k", "1")); });
  EXPECT_TRUE(WaitUntil([&] { return engine_->Waiting(); }));
  store_->SetGuard([](store::BucketId, const store::Batch& batch) -> Status {
    for (const auto& put : batch.puts) {
      if (put.key == "bad") return Error(Reason::kLimitExceeded, "refused by the test");
    }
    return Ok();
  });
  EXPECT_EQ(Put("bad", "2").error().reason(), Reason::kLimitExceeded);
  std::atomic<bool> decided = false;
  std::thread later([&] {
    const auto counted = executor_->Run(kBucket, {}, [&](Txn& txn) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto bad, txn.Get("bad"));
      EXPECT_FALSE(bad) << "decided on what is not to be";
      HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Get("k"));
      EXPECT_EQ(stored->value, "1");
      txn.Put("k", "3");
      decided = true;
      return Ok();
    });
    EXPECT_TRUE(counted) << counted.error().ToString();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(decided) << "the former is still on its way";
  engine_->Open();
  former.join();
  later.join();
  EXPECT_EQ(*Read("k"), "3");
  EXPECT_EQ(*Read("bad"), "absent");
}

TEST_F(Commands, OneThatFailsWritesNothingAndHoldsNoStamp) {
  const auto failed = executor_->Run(kBucket, {}, [&](Txn& txn) -> Status {
    txn.Put("k", "x");
    HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/true));
    EXPECT_LT(stamps_.Watermark(), stamp);
    return Error(Reason::kFieldInvalid, "changed its mind");
  });
  EXPECT_EQ(failed.error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(*Read("k"), "absent");
  const Stamp before = stamps_.Watermark();
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(stamps_.Watermark().value - before.value, 10U << 8);
}

TEST_F(Commands, TheGateStopsAllButTheUngated) {
  executor_->SetGate([]() -> Status { return Error(Reason::kClockJump, "closed"); });
  EXPECT_EQ(Put("k", "x").error().reason(), Reason::kClockJump);
  EXPECT_TRUE(executor_->RunUngated(kBucket, {}, [](Txn& txn) -> Status {
    txn.Put("k", "x");
    return Ok();
  }));
}

TEST(Stamps, WatermarkStaysBelowWhatIsOpenAndWhatMayCome) {
  FakeClock clock(UnixMillis(1'800'000'000'000));
  StampTracker stamps(clock);
  const Stamp first = stamps.Next(Stamp(), true);
  EXPECT_LT(stamps.Watermark(), first);
  EXPECT_EQ(stamps.Next(first, false).value, first.value + 1);
  clock.Advance(std::chrono::seconds(5));
  const Stamp second = stamps.Next(Stamp(), true);
  EXPECT_LT(stamps.Watermark(), first) << "the first is still open";
  stamps.Close(first);
  EXPECT_GE(stamps.Watermark(), first);
  EXPECT_LT(stamps.Watermark(), second);
  stamps.Close(second);
  clock.Advance(std::chrono::seconds(1));
  EXPECT_GE(stamps.Watermark(), second);
  EXPECT_LT(stamps.Watermark(), stamps.Next(Stamp(), false));
}

TEST(Stamps, GoOnWhenTheClockStepsBackAndStandStillWhileFrozen) {
  FakeClock clock(UnixMillis(1'800'000'000'000));
  StampTracker stamps(clock);
  const Stamp before = stamps.Next(Stamp(), false);
  clock.Jump(UnixMillis(clock.Now().value - 3'600'000));
  EXPECT_GE(stamps.Next(Stamp(), false), before);
  clock.Advance(std::chrono::seconds(3));
  EXPECT_EQ(stamps.Next(Stamp(), false).value, before.value + (3U << 8)) << "at the steady pace";
  EXPECT_GT(stamps.Watermark(), before);
  stamps.Freeze(true);
  const Stamp frozen = stamps.Watermark();
  clock.Advance(std::chrono::hours(24 * 365));
  EXPECT_EQ(stamps.Watermark(), frozen);
  stamps.Freeze(false);
  EXPECT_GT(stamps.Watermark(), frozen);
}

TEST(RevisionTokens, AreReadStrictly) {
  const Committed committed{.bucket = store::BucketId(16384), .sequence = 77, .wrote = true};
  EXPECT_EQ(RevisionToken(committed), "r1.16384.77");
  const auto parsed = ParseRevisionToken("r1.16384.77");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->bucket, committed.bucket);
  EXPECT_EQ(parsed->sequence, committed.sequence);
  for (const char* bad : {"", "r1", "r1.", "r1..", "r1.1.", "r1..1", "r1.1.1.1", "r2.1.1", "r1.16385.1",
                          "r1.-1.1", "r1.1.x", "r1.1.1 ", "r1.99999999.1", "r1.1.99999999999999999999"}) {
    EXPECT_FALSE(ParseRevisionToken(bad)) << bad;
  }
}

// --- What a whole life leaves in the store

class Books : public testing::Test {
 protected:
  void SetUp() override {
    Workload workload(site_, TestSeed(), 12);
    workload.Run(150);
    site_.Restart();
    workload.Run(100);
    EXPECT_GT(workload.taken(), 40);
    site_.Drain();
  }
  std::vector<store::KeyValue> All(store::BucketId bucket, store::Space space) {
    return site_.store->Scan(bucket, space, "", "", 1'000'000)->items;
  }

  Site site_;
};

TEST_F(Books, TheRecordsGiveExactlyTheObjects) {
  size_t objects = 0;
  for (const auto& [id, sequence] : site_.Sequences()) {
    const store::BucketId bucket(id);
    std::map<std::string, std::string> replayed;
    uint64_t expected = 1;
    for (const auto& item : All(bucket, store::Space::kRecord)) {
      EXPECT_EQ(store::SequenceOfKey(item.key), expected++) << "bucket " << id;
      const auto record = records::Decode<records::ChangeRecord>(item.value);
      ASSERT_TRUE(record);
      for (const std::string& key : record->deletes) replayed.erase(key);
      for (const auto& [key, value] : record->puts) replayed[key] = value;
    }
    EXPECT_EQ(expected, sequence + 1) << "bucket " << id;
    std::map<std::string, std::string> stored;
    for (const auto& item : All(bucket, store::Space::kObject)) stored[item.key] = item.value;
    EXPECT_EQ(replayed, stored) << "bucket " << id;
    objects += stored.size();
  }
  EXPECT_GT(objects, 200U);
}

TEST_F(Books, TheAuditIsAChainInEachBucket) {
  size_t entries = 0;
  for (const auto& [id, sequence] : site_.Sequences()) {
    std::string previous;
    for (const auto& item : All(store::BucketId(id), store::Space::kAudit)) {
      const auto audit = records::Decode<records::Audit>(item.value);
      ASSERT_TRUE(audit);
      EXPECT_EQ(audit->previous_hash, previous) << "bucket " << id << " " << audit->action;
      EXPECT_FALSE(audit->actor.empty()) << audit->action;
      previous = AsChars(crypto::Sha256(AsBytes(item.value)));
      ++entries;
    }
    if (previous.empty()) continue;
    const auto head = site_.head().executor().Get({store::BucketId(id), "~audit"});
    ASSERT_TRUE(head && *head);
    EXPECT_EQ((*head)->value, previous);
  }
  EXPECT_GT(entries, 30U);
}

TEST_F(Books, EverythingIsSound) {
  for (const std::string& broken : site_.BrokenInvariants(true)) ADD_FAILURE() << broken;
}

TEST(Audit, TellsTheStoryOfOneObject) {
  Site site;
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(site.Swap(1, {{}, BoxOf(21), {}}));
  ASSERT_TRUE(site.Close(1));
  std::vector<std::string> actions;
  std::string token;
  do {
    const auto page = ListAudit(site.head().executor(), "account:" + FormNumberOf(1), 2, token);
    ASSERT_TRUE(page);
    for (const AuditView& view : page->items) actions.push_back(view.entry.action);
    token = page->next_token;
  } while (!token.empty());
  EXPECT_EQ(actions, (std::vector<std::string>{"account.open", "device.swap", "account.close"}));
  const auto area = ListAudit(site.head().executor(), "area:" + ToString(kArea), 10, "");
  ASSERT_TRUE(area);
  EXPECT_EQ(area->items.size(), 3U);
}

}  // namespace
}  // namespace hearth::app
