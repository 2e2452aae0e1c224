#include "src/gateway/ecmg_server.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/mpegts/packet.h"
#include "tests/gateway/peers.h"

namespace hearth::gateway {
namespace {

using simulcrypt::EcmgError;
using simulcrypt::ScsOptions;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint32_t kCas = 0x4A750001;
const Bytes kWord1 = {1, 2, 3, 4, 5, 6, 7, 8};
const Bytes kWord2 = {9, 10, 11, 12, 13, 14, 15, 16};

// "ECM" of service and CP, whatever the words: the server is tried here, not the cryptography.
class FakeMaker final : public EcmMaker {
 public:
  bool Knows(ServiceId service) const override { return service.value <= last_service; }
  EcmOutcome Make(const EcmDemand& demand, Bytes& section) const override {
    if (stall.count() > 0) std::this_thread::sleep_for(stall);
    if (demand.service == gone) return EcmOutcome::kUnknownChannel;
    section = {0x80, 0x70, 7, 1};
    ByteWriter rest(6);
    rest.U16(demand.service.value)
        .U16(demand.cp_number)
        .U16(static_cast<uint16_t>(demand.crypto_period.count() / 100));
    section.insert(section.end(), rest.bytes().begin(), rest.bytes().end());
    return demand.access_criteria && demand.access_criteria->size() == 1 ? EcmOutcome::kMadeOtherCriteria
                                                                         : EcmOutcome::kMade;
  }
  uint16_t last_service = 1000;
  ServiceId gone{999};
  milliseconds stall{0};
};

class EcmgServerTest : public testing::Test {
 protected:
  EcmgServerTest() {
    options_.listen = {"127.0.0.1", 0};
    options_.super_cas_ids = {kCas};
    options_.overload = std::chrono::seconds(5);  // a busy machine is no overload here
  }
  void Start() {
    auto server = EcmgServer::Create(options_, maker_, metrics_, log_);
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
  }
  std::unique_ptr<TestScs> Scs(const std::vector<uint16_t>& ecm_ids, uint32_t cas = kCas) const {
    ScsOptions options;
    options.super_cas_id = cas;
    for (size_t i = 0; i < ecm_ids.size(); ++i) {
      options.streams.push_back({.stream_id = static_cast<uint16_t>(i + 1), .ecm_id = ecm_ids[i]});
    }
    return std::make_unique<TestScs>(server_->listening().port, options);
  }
  bool Eventually(const std::string& key, double wanted) const {
    const auto end = steady_clock::now() + kPatience;
    while (metrics_.Value(key) != wanted && steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return metrics_.Value(key) == wanted;
  }
  static std::vector<EcmgError> ErrorsOf(const TestScs& scs) {
    std::vector<EcmgError> out;
    for (const auto& error : scs.errors) out.push_back(error.status);
    return out;
  }

  EcmgServerOptions options_;
  FakeMaker maker_;
  KeptMetrics metrics_;
  NullLogger log_;
  std::unique_ptr<EcmgServer> server_;
};

TEST_F(EcmgServerTest, AnswersEachStreamOfAChannel) {
  options_.channel.delay_start_ms = 200;
  Start();
  auto scs = Scs({11, 12});
  ASSERT_TRUE(scs->SetUp());
  EXPECT_EQ(scs->session().parameters().delay_start_ms, 200);
  EXPECT_TRUE(Eventually("hearth_ecmg_streams", 2));
  for (const uint16_t cp : std::vector<uint16_t>{65534, 65535, 0, 1}) {
    for (const uint16_t stream : std::vector<uint16_t>{1, 2}) {
      const auto answer = scs->Ask(stream, cp, {kWord1, kWord2});
      ASSERT_TRUE(answer) << cp;
      EXPECT_EQ(answer->stream_id, stream);
      EXPECT_EQ(answer->cp_number, cp);
      ByteReader body(ByteView(answer->datagram).subspan(4));
      EXPECT_EQ(body.U16(), 10 + stream);
      EXPECT_EQ(body.U16(), cp);
      EXPECT_EQ(body.U16(), 100) << "nominal_CP_duration";
    }
  }
  EXPECT_EQ(metrics_.Value("hearth_ecmg_requests_total{11}"), 4);
  EXPECT_EQ(metrics_.Value("hearth_ecmg_response_seconds"), 8);
  const auto answer = scs->Ask(1, 7, {kWord1, kWord2}, {.cp_duration_100ms = 33});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->datagram.back(), 33);
}

TEST_F(EcmgServerTest, RefusesWithTheRightStatus) {
  options_.max_streams = 3;
  options_.channel.min_cp_duration_100ms = 10;
  Start();
  {
    auto scs = Scs({1}, kCas + 1);
    EXPECT_FALSE(scs->SetUp());
    EXPECT_THAT(ErrorsOf(*scs), testing::ElementsAre(EcmgError::kUnknownSuperCasId));
  }
  {
    auto scs = Scs({1, 2, 5000});
    (void)scs->SetUp();
    EXPECT_THAT(ErrorsOf(*scs), testing::ElementsAre(EcmgError::kUnknownEcmId));
  }
  EXPECT_TRUE(Eventually("hearth_ecmg_streams", 0)) << "released with the connection";
  {
    auto scs = Scs({1, 2, 3, 4});
    (void)scs->SetUp();
    EXPECT_THAT(ErrorsOf(*scs), testing::ElementsAre(EcmgError::kTooManyStreamsOnEcmg));
    EXPECT_TRUE(scs->Ask(1, 1, {kWord1, kWord2})) << "the others are open";
  }
  EXPECT_TRUE(Eventually("hearth_ecmg_streams", 0));
  {
    ScsOptions options{.super_cas_id = kCas,
                       .streams = {{.stream_id = 1, .ecm_id = 1, .nominal_cp_duration_100ms = 9}}};
    TestScs scs(server_->listening().port, options);
    (void)scs.SetUp();
    EXPECT_THAT(ErrorsOf(scs), testing::ElementsAre(EcmgError::kInvalidValue)) << "below min_CP_duration";
  }
  EXPECT_EQ(metrics_.Value("hearth_ecmg_errors_total{sent,0x0005}"), 1);
}

TEST_F(EcmgServerTest, AChannelThatLeavesTheScheduleIsAnErrorOfItsStreamOnly) {
  Start();
  auto scs = Scs({999, 1});
  ASSERT_TRUE(scs->SetUp());
  EXPECT_FALSE(scs->Ask(1, 1, {kWord1, kWord2}));
  ASSERT_EQ(scs->errors.size(), 1U);
  EXPECT_EQ(scs->errors[0].status, EcmgError::kUnknownEcmId);
  EXPECT_EQ(scs->errors[0].stream_id, 1);
  EXPECT_TRUE(scs->Ask(2, 1, {kWord1, kWord2}));
}

TEST_F(EcmgServerTest, OtherCriteriaAreCountedAndOnlyRefusedWhenToldSo) {
  const Bytes other = {0};
  for (const bool strict : {false, true}) {
    options_.strict_criteria = strict;
    Start();
    auto scs = Scs({1});
    ASSERT_TRUE(scs->SetUp());
    const auto answer = scs->Ask(1, 1, {kWord1, kWord2}, {.access_criteria = ByteView(other)});
    EXPECT_EQ(answer.has_value(), !strict);
    if (strict) {
      EXPECT_THAT(ErrorsOf(*scs), testing::ElementsAre(EcmgError::kInvalidValue));
    }
    EXPECT_EQ(metrics_.Value("hearth_ecmg_other_criteria_total{1}"), strict ? 2 : 1);
  }
}

// Two scramblers of a 1+1 pair hold the same ids at once; one that breaks off leaves the other alone, and
// comes back with the ids it had.
TEST_F(EcmgServerTest, TwoScramblersWithTheSameIds) {
  Start();
  auto first = Scs({1, 2});
  auto second = Scs({1, 2});
  ASSERT_TRUE(first->SetUp());
  ASSERT_TRUE(second->SetUp());
  EXPECT_EQ(metrics_.Value("hearth_ecmg_streams_open{1}"), 2);
  const auto one = first->Ask(1, 5, {kWord1, kWord2});
  const auto two = second->Ask(1, 5, {kWord1, kWord2});
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->datagram, two->datagram);
  first.reset();
  EXPECT_TRUE(Eventually("hearth_ecmg_streams", 2));
  EXPECT_TRUE(second->Ask(1, 6, {kWord1, kWord2}));
  first = Scs({1, 2});
  EXPECT_TRUE(first->SetUp());
}

TEST_F(EcmgServerTest, PacketsInsteadOfSections) {
  options_.channel.ts_packets = true;
  Start();
  auto scs = Scs({1});
  ASSERT_TRUE(scs->SetUp());
  EXPECT_TRUE(scs->session().parameters().ts_packets);
  const auto answer = scs->Ask(1, 1, {kWord1, kWord2});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->datagram.size(), mpegts::kPacketBytes);
  const auto header = mpegts::ReadPacketHeader(answer->datagram);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->unit_start);
  EXPECT_EQ(answer->datagram[5], 0x80) << "behind the pointer_field";
}

TEST_F(EcmgServerTest, ThreeMalformedMessagesEndTheConnection) {
  Start();
  auto scs = Scs({1});
  ASSERT_TRUE(scs->SetUp());
  const Bytes unknown = {3, 0x0F, 0xFF, 0, 0};
  for (int i = 0; i < 3; ++i) scs->SendRaw(unknown);
  EXPECT_FALSE(scs->Until([] { return false; }));
  EXPECT_TRUE(scs->closed());
  EXPECT_EQ(scs->errors.size(), 3U);
}

TEST_F(EcmgServerTest, MoreConnectionsThanAllowedAreClosed) {
  options_.max_connections = 1;
  Start();
  auto first = Scs({1});
  ASSERT_TRUE(first->SetUp());
  auto second = Scs({1});
  EXPECT_FALSE(second->SetUp());
  EXPECT_TRUE(second->closed());
  EXPECT_TRUE(first->Ask(1, 1, {kWord1, kWord2}));
}

// While answers are late no channel and no stream is taken in; open streams get their ECMs all the same.
TEST_F(EcmgServerTest, OverloadRefusesNewStreamsAndAnswersOldOnes) {
  options_.overload = milliseconds(400);
  options_.threads = 1;
  Start();
  auto scs = Scs({1});
  ASSERT_TRUE(scs->SetUp());
  maker_.stall = milliseconds(900);
  for (uint16_t cp = 1; cp <= 3; ++cp) ASSERT_TRUE(scs->Ask(1, cp, {kWord1, kWord2}));
  EXPECT_TRUE(Eventually("hearth_ecmg_overloaded", 1));
  auto late = Scs({2});
  EXPECT_FALSE(late->SetUp());
  EXPECT_THAT(ErrorsOf(*late), testing::ElementsAre(EcmgError::kOutOfComputation));
  EXPECT_TRUE(scs->Ask(1, 4, {kWord1, kWord2})) << "late, but answered";
  maker_.stall = milliseconds(0);
  EXPECT_TRUE(Eventually("hearth_ecmg_overloaded", 0));
  bool again = false;  // a busy machine may be late once more
  for (int tries = 0; tries < 5 && !again; ++tries) {
    again = Scs({2})->SetUp();
    if (!again) std::this_thread::sleep_for(std::chrono::seconds(3));
  }
  EXPECT_TRUE(again);
}

// All CW_provisions in one segment; the answers come in order, stream by stream.
TEST_F(EcmgServerTest, ManyMessagesInOneSegment) {
  Start();
  std::vector<uint16_t> ids(200);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<uint16_t>(i + 1);
  auto scs = Scs(ids);
  ASSERT_TRUE(scs->SetUp());
  for (uint16_t cp = 1; cp <= 20; ++cp) {
    const std::vector<simulcrypt::CpCw> cws = {{cp, kWord1}, {static_cast<uint16_t>(cp + 1), kWord2}};
    for (const uint16_t id : ids) {
      ASSERT_EQ(scs->session().Provide(id, cp, cws, {}, SteadyNow(), scs->out),
                simulcrypt::ScsSession::ProvideResult::kSent);
    }
    ASSERT_TRUE(scs->Until([&] { return scs->answers.size() == size_t{cp} * ids.size(); }));
  }
  std::vector<uint16_t> last(ids.size() + 1, 0);
  for (const auto& answer : scs->answers) {
    EXPECT_EQ(answer.cp_number, last[answer.stream_id] + 1);
    last[answer.stream_id] = answer.cp_number;
  }
}

TEST_F(EcmgServerTest, EndsWhileItAnswers) {
  constexpr int kScramblers = 4;
  Start();
  std::atomic<int> answered{0};
  std::atomic<int> closed{0};
  std::vector<std::thread> scramblers;
  for (int n = 0; n < kScramblers; ++n) {
    scramblers.emplace_back([&, scs = Scs({1, 2, 3, 4})] {
      if (!scs->SetUp()) return;
      for (uint16_t cp = 0; scs->Ask(static_cast<uint16_t>(1 + cp % 4), cp, {kWord1, kWord2}); ++cp)
        ++answered;
      if (scs->closed()) ++closed;
    });
  }
  while (answered < 200) std::this_thread::sleep_for(milliseconds(1));
  server_.reset();
  for (std::thread& scrambler : scramblers) scrambler.join();
  EXPECT_EQ(closed, kScramblers);
  EXPECT_EQ(metrics_.Value("hearth_ecmg_streams"), 0) << "all are released";
  EXPECT_EQ(metrics_.Value("hearth_ecmg_connections"), 0);
}

TEST_F(EcmgServerTest, OptionsThatCannotWorkAreNamed) {
  const auto refusal = [&] {
    auto server = EcmgServer::Create(options_, maker_, metrics_, log_);
    return server ? std::string() : server.error().message();
  };
  options_.super_cas_ids.clear();
  EXPECT_THAT(refusal(), testing::HasSubstr("super_cas_ids"));
  options_.super_cas_ids = {kCas};
  options_.channel.cw_per_msg = 0;
  EXPECT_THAT(refusal(), testing::HasSubstr("simulcrypt.ecmg"));
  options_.channel.cw_per_msg = 2;
  Start();
  options_.listen.port = server_->listening().port;
  EXPECT_THAT(refusal(), testing::HasSubstr("cannot listen"));
  options_.listen.port = 0;
  options_.tls = {.certificate = "/nowhere", .key = "/nowhere", .client_ca = "/nowhere"};
  EXPECT_THAT(refusal(), testing::HasSubstr("tls_certificate"));
}

}  // namespace
}  // namespace hearth::gateway
