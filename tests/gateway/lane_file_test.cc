#include "src/gateway/lane_file.h"

#include <cstdlib>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "src/cas/ecm.h"
#include "src/crypto/random.h"
#include "src/gateway/ecm_lane.h"
#include "src/store/memory_store.h"
#include "tests/gateway/peers.h"

namespace hearth::gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kMasterKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr char kLaneKey[] = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const Bytes kWord1 = {1, 2, 3, 4, 5, 6, 7, 8};
const Bytes kWord2 = {9, 10, 11, 12, 13, 14, 15, 16};

crypto::MasterKey KeyOf(const char* text) { return std::move(*crypto::MasterKey::FromText(text, "test")); }

class LaneFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hearth-lane-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    store_ = std::move(*store::OpenMemoryStore(clock_, metrics_, Limits{}));
    StartHeadEnd();
    ImportChannel(1, "CCTV-1");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void StartHeadEnd() {
    app::HeadEndOptions options;
    options.epochs.zero = UnixMillis(kEpoch2024Seconds * 1000);
    auto head =
        app::HeadEnd::Create(*store_, clock_, random_, KeyOf(kMasterKey), {}, options, metrics_, log_);
    ASSERT_TRUE(head) << head.error().ToString();
    head_ = std::move(*head);
  }
  void ImportChannel(uint16_t service, std::string name) {
    app::Request request;
    std::array<uint8_t, 10> id{};
    random_.Fill(id);
    request.id = RequestId::FromParts(clock_.Now(), id);
    request.actor = "test";
    const auto rows = head_->schedule().ImportChannels(
        request,
        {app::ChannelRow{.line = 1,
                         .channel = entitlement::Channel{
                             .service = ServiceId(service), .name = std::move(name), .name_zh = {}}}});
    ASSERT_EQ(rows[0].outcome, app::RowOutcome::kDone);
  }
  void Publish(std::vector<std::string> lanes = {}) {
    auto publisher = LanePublisher::Start(
        {.file = file(), .lanes = std::move(lanes), .epochs_ahead = 3, .poll = milliseconds(5)},
        KeyOf(kLaneKey), *head_, clock_, metrics_, log_);
    ASSERT_TRUE(publisher) << publisher.error().ToString();
    publisher_ = std::move(*publisher);
  }
  std::unique_ptr<LaneReader> Read(const std::string& name, const char* key = kLaneKey) {
    const auto end = steady_clock::now() + std::chrono::seconds(3);
    return LaneReader::Start({.file = file(), .name = name, .poll = milliseconds(5)}, KeyOf(key), clock_,
                             metrics_, log_, [end] { return steady_clock::now() > end; });
  }
  static bool Eventually(const std::function<bool()>& done) {
    const auto end = steady_clock::now() + kPatience;
    while (!done() && steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(2));
    return done();
  }
  // What the lane answers a CW_provision, opened with the key the head-end has for that epoch.
  static Result<cas::Ecm> Ask(const LaneReader& reader, const app::EcmSnapshot& keys, uint16_t service) {
    const EcmLane lane({.snapshot = [&] { return reader.snapshot(); },
                        .version = [&] { return reader.version(); },
                        .now = [&] { return reader.now(); }});
    const std::vector<simulcrypt::CpCw> words = {{7, kWord1}, {8, kWord2}};
    Bytes section;
    const EcmOutcome outcome = lane.Make({.service = ServiceId(service),
                                          .cp_number = 7,
                                          .words = words,
                                          .crypto_period = milliseconds(10'000),
                                          .access_criteria = std::nullopt},
                                         section);
    if (outcome != EcmOutcome::kMade) return Error(Reason::kInternal, "not made");
    const app::EcmServiceOnAir* own = keys.Find(ServiceId(service));
    const uint64_t epoch = reader.snapshot()->Find(ServiceId(service))->epoch;
    for (const app::EcmKey& key : own->keys) {
      if (key.epoch == epoch) return cas::DecodeEcm(section, key.key);
    }
    return Error(Reason::kInternal, "the head-end has no key of that epoch");
  }
  uint64_t EpochOf(const LaneReader& reader) { return reader.snapshot()->services.front().epoch; }
  fs::path file() const { return folder_ / "ecm.lane"; }

  fs::path folder_;
  FakeClock clock_{UnixMillis(kEpoch2024Seconds * 1000 + std::chrono::milliseconds(days(700)).count())};
  crypto::SystemRandom random_;
  KeptMetrics metrics_;
  NullLogger log_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<app::HeadEnd> head_;
  std::unique_ptr<LanePublisher> publisher_;
};

TEST_F(LaneFileTest, TwoLanesMakeWhatTheHeadEndsCardsOpen) {
  Publish({"a", "b"});
  const auto a = Read("a");
  const auto b = Read("b");
  ASSERT_TRUE(a && b);
  const auto keys = head_->ecm().snapshot();
  for (const auto* reader : {a.get(), b.get()}) {
    const auto ecm = Ask(*reader, *keys, 1);
    ASSERT_TRUE(ecm) << ecm.error().ToString();
    EXPECT_TRUE(ecm->odd);
    EXPECT_EQ(ecm->words.size(), 2U);
  }
  const EcmLane lane({.snapshot = [&] { return a->snapshot(); },
                      .version = [&] { return a->version(); },
                      .now = [&] { return a->now(); }});
  EXPECT_FALSE(lane.Knows(ServiceId(2)));
  ImportChannel(2, "CCTV-2");
  EXPECT_TRUE(Eventually([&] { return lane.Knows(ServiceId(2)); })) << "a change is there at once";
}

TEST_F(LaneFileTest, ALaneOutlivesTheHeadEnd) {
  Publish();
  const auto lane = Read("a");
  ASSERT_TRUE(lane);
  const auto keys = head_->ecm().snapshot();
  publisher_.reset();
  head_.reset();
  EXPECT_TRUE(Ask(*lane, *keys, 1));
  const auto late = Read("b");
  ASSERT_TRUE(late) << "one that starts while the head-end is away works from the same file";
  EXPECT_TRUE(Ask(*late, *keys, 1));
  // The next epoch's keys were never on the air: it is not used, however long the head-end is away.
  const uint64_t epoch = EpochOf(*lane);
  clock_.Advance(days(40));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(EpochOf(*lane), epoch);
  EXPECT_TRUE(Ask(*lane, *keys, 1));
}

TEST_F(LaneFileTest, AnEpochWaitsForEveryLane) {
  Publish({"a", "b"});
  auto a = Read("a");
  ASSERT_TRUE(a);
  const uint64_t first = head_->keys().current();
  ASSERT_EQ(EpochOf(*a), first);
  for (int day = 0; day < 14; ++day) {
    clock_.Advance(days(1));
    std::this_thread::sleep_for(milliseconds(30));
  }
  // b has said nothing: the epoch is prolonged, for head-end and lane alike, with an alarm.
  EXPECT_TRUE(Eventually([&] { return metrics_.Value("hearth_ecm_epoch_prolonged") == 1; }));
  EXPECT_EQ(metrics_.Value("hearth_lane_silent{b}"), 1);
  EXPECT_EQ(metrics_.Value("hearth_lane_silent{a}"), 0);
  EXPECT_TRUE(Eventually([&] { return head_->pump().renewed() == first + 1; }))
      << "the next keys are on the air";
  EXPECT_EQ(head_->keys().current(), first);
  EXPECT_EQ(EpochOf(*a), first);
  const auto b = Read("b");
  ASSERT_TRUE(b);
  EXPECT_TRUE(Eventually([&] { return head_->keys().current() == first + 1; }));
  EXPECT_TRUE(Eventually([&] { return EpochOf(*a) == first + 1 && EpochOf(*b) == first + 1; }));
  EXPECT_EQ(metrics_.Value("hearth_ecm_epoch_prolonged"), 0);
  const auto keys = head_->ecm().snapshot();
  EXPECT_TRUE(Ask(*a, *keys, 1));
  EXPECT_TRUE(Ask(*b, *keys, 1));
  // A restart goes on where it stood, without waiting for the lanes again.
  publisher_.reset();
  head_.reset();
  StartHeadEnd();
  Publish({"a", "b"});
  EXPECT_EQ(head_->keys().current(), first + 1);
}

// By itself a lane steps into the next epoch when its keys had been sent while the head-end still was there.
TEST_F(LaneFileTest, ALaneStepsIntoAnEpochByItself) {
  Publish({"a"});
  const auto a = Read("a");
  ASSERT_TRUE(a);
  const uint64_t first = EpochOf(*a);
  for (int day = 0; day < 10; ++day) {  // day 700 begins an epoch: this is within the lead
    clock_.Advance(days(1));
    std::this_thread::sleep_for(milliseconds(30));
  }
  ASSERT_TRUE(Eventually([&] { return head_->pump().renewed() == first + 1; }));
  const auto keys = head_->ecm().snapshot();
  std::this_thread::sleep_for(milliseconds(100));
  publisher_.reset();
  head_.reset();
  EXPECT_EQ(EpochOf(*a), first);
  clock_.Advance(days(5));
  EXPECT_TRUE(Eventually([&] { return EpochOf(*a) == first + 1; }));
  EXPECT_TRUE(Ask(*a, *keys, 1));
}

TEST_F(LaneFileTest, ADamagedFileIsRefusedAndTheFormerOneStays) {
  Publish();
  const auto lane = Read("a");
  ASSERT_TRUE(lane);
  const auto keys = head_->ecm().snapshot();
  publisher_.reset();
  std::string good;
  {
    std::ifstream in(file(), std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(in), {});
  }
  double refused = 0;
  const auto damage = [&](const std::string& text) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << text;
    EXPECT_TRUE(Eventually([&] { return metrics_.Value("hearth_lane_files_refused_total") > refused; }));
    refused = metrics_.Value("hearth_lane_files_refused_total");
    EXPECT_TRUE(Ask(*lane, *keys, 1));
  };
  damage("");
  damage("nonsense");
  damage(good.substr(0, good.size() / 2));
  for (const size_t at : {size_t{9}, size_t{60}, good.size() / 2, good.size() - 1}) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    damage(flipped);
  }
  EXPECT_EQ(Read("b"), nullptr) << "nothing is served from a damaged file";
  std::ofstream(file(), std::ios::binary | std::ios::trunc) << good;
  EXPECT_NE(Read("b"), nullptr);
  EXPECT_EQ(Read("b", kMasterKey), nullptr) << "another key";
}

TEST_F(LaneFileTest, AFileOfAnotherKeyIsNotOverwritten) {
  Publish();
  publisher_.reset();
  const auto other =
      LanePublisher::Start({.file = file(), .lanes = {}}, KeyOf(kMasterKey), *head_, clock_, metrics_, log_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason(), Reason::kKeyUnwrapFailed);
}

}  // namespace
}  // namespace hearth::gateway
