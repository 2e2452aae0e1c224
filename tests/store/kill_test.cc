// kill -9 and failing writes of a real process: nothing acknowledged is lost, nothing is half there.
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/store/rocks/rocks_store.h"
#include "tests/store/conformance.h"
#include "tests/store/store_child.h"

extern char** environ;

namespace hearth::store {
namespace {

// Keeps the check of all commits short.
constexpr int kRoundsPerStore = 10;

// A started store_child and the reading end of its standard output.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {HEARTH_BIN_DIR "/store_child"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) Kill();
    close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Reads acknowledgements into `last` (by bucket); false at the end, or when nothing came in `patience`.
  bool ReadOne(std::map<uint64_t, uint64_t>& last, std::chrono::milliseconds patience) {
    pollfd wait{out_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(patience.count())) <= 0) return false;
    Acknowledged line{};
    const ssize_t got = read(out_, &line, sizeof line);
    if (got <= 0) return false;
    EXPECT_EQ(got, static_cast<ssize_t>(sizeof line));
    // In commit order within a bucket, without a gap.
    const auto known = last.find(line.bucket);
    if (known != last.end()) {
      EXPECT_EQ(line.sequence, known->second + 1);
    }
    last[line.bucket] = line.sequence;
    return true;
  }
  void Kill() { kill(pid_, SIGKILL); }
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

class KillNine : public testing::Test {
 protected:
  void SetUp() override {
    // The first open of a store makes it; a child killed in the middle of that is a case of its own.
    ASSERT_TRUE(OpenRocksStore(path_, clock_, metrics_));
  }

  // Every bucket is at the acknowledged sequence or later, and holds exactly what that sequence means.
  void Verify(const std::map<uint64_t, uint64_t>& acknowledged) {
    auto store = OpenRocksStore(path_, clock_, metrics_);
    ASSERT_TRUE(store) << store.error().ToString() << store.error().detail();
    for (uint16_t n = 0; n < kChildBuckets; ++n) {
      const BucketId bucket(static_cast<uint16_t>(n * kBucketsPerPartition));
      const Lease lease = *(*store)->Acquire(PartitionOf(bucket), "parent", kTtl);
      const uint64_t sequence = *(*store)->Claim(lease, bucket);
      const auto last = acknowledged.find(bucket.value);
      if (last != acknowledged.end()) {
        ASSERT_GE(sequence, last->second);
      }
      for (int object = 0; sequence > 0 && object < kChildObjects; ++object) {
        const auto value = (*store)->Get(bucket, Space::kObject, "k" + std::to_string(object));
        ASSERT_EQ(**value, ChildValue(sequence, object));
      }
      VerifyLog(**store, bucket, Space::kRecord, sequence);
      VerifyLog(**store, bucket, Space::kAudit, sequence);
      EXPECT_EQ((*store)->Scan(bucket, Space::kOutbox, "", "", SIZE_MAX)->items.size(), 2 * sequence);
      commits_ += sequence;
    }
  }

  static void VerifyLog(Store& store, BucketId bucket, Space space, uint64_t sequence) {
    const auto page = store.Scan(bucket, space, "", "", SIZE_MAX);
    ASSERT_EQ(page->items.size(), sequence);
    for (uint64_t s = 1; s <= sequence; ++s) {
      ASSERT_EQ(page->items[s - 1].key, SequenceKey(s));
      ASSERT_EQ(page->items[s - 1].value, ChildValue(s, 0));
    }
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "store";
  SystemClock clock_;
  NullMetrics metrics_;
  uint64_t commits_ = 0;
};

TEST_F(KillNine, NothingAcknowledgedIsLost) {
  using std::chrono::milliseconds;
  std::mt19937_64 random(TestSeed());
  const int rounds = EnvNumber("HEARTH_CRASH_ROUNDS", 20);
  std::map<uint64_t, uint64_t> acknowledged;
  for (int round = 0; round < rounds; ++round) {
    if (round % kRoundsPerStore == 0) {
      acknowledged.clear();
      path_ = dir_.path() / std::to_string(round);
    }
    Child child({path_.string()});
    // Every third dies at any time, perhaps while it makes or recovers the store; the others at work.
    const bool at_work = round % 3 != 0;
    std::map<uint64_t, uint64_t> last;
    if (at_work) {
      ASSERT_TRUE(child.ReadOne(last, milliseconds(60'000)));
    }
    const auto end = std::chrono::steady_clock::now() + milliseconds(random() % 60);
    while (std::chrono::steady_clock::now() < end) child.ReadOne(last, milliseconds(1));
    child.Kill();
    EXPECT_EQ(child.Wait(), -SIGKILL);
    while (child.ReadOne(last, milliseconds(0))) {
    }
    for (const auto& [bucket, sequence] : last) acknowledged[bucket] = sequence;
    commits_ = 0;
    Verify(acknowledged);
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
  RecordProperty("commits", static_cast<int>(commits_));
  if (rounds > 1) {
    EXPECT_GT(commits_, 0U);
  }
}

// The kernel refuses to let files grow: a real failed write, in the log or in a background flush.
TEST_F(KillNine, AFailedWriteIsStickyAndLosesNothing) {
  Child child({path_.string(), std::to_string(3 * 1024 * 1024)});
  std::map<uint64_t, uint64_t> acknowledged;
  while (child.ReadOne(acknowledged, std::chrono::milliseconds(60'000))) {
  }
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_FALSE(acknowledged.empty());
  Verify(acknowledged);
}

TEST_F(KillNine, TheStoreBelongsToOneProcess) {
  const auto store = OpenRocksStore(path_, clock_, metrics_);
  ASSERT_TRUE(store);
  EXPECT_EQ(Child({path_.string(), "open"}).Wait(), 10);
}

}  // namespace
}  // namespace hearth::store
