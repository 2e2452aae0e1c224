// ReportStream over a real connection, gateways that may send reports without a MAC, Explain in two
// languages.

#include <thread>

#include <gmock/gmock.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using grpc::StatusCode;
using std::chrono::seconds;

class ReportStreamTest : public ServerTest {
 protected:
  Limits TestLimits() const override {
    Limits limits;
    limits.reports_per_batch = 8;
    limits.report_batches_in_flight = 2;
    limits.report_streams = 2;
    return limits;
  }
  void Configure(app::HeadEndOptions& options) const override {
    options.gateways = {
        {.name = "here", .certificates = {"gw"}, .regions = {RegionCode(64)}, .per_second = 3},
        {.name = "there", .certificates = {"gw-elsewhere"}, .regions = {RegionCode(6402)}}};
  }
  void SetUp() override {
    ServerTest::SetUp();
    SetUpSite();
  }

  using Stream = grpc::ClientReaderWriter<v1::ReportBatch, v1::ReportBatchAnswer>;
  struct Open {
    grpc::ClientContext context;
    std::unique_ptr<Stream> stream;
  };
  std::unique_ptr<Open> OpenStream() const {
    auto open = std::make_unique<Open>();
    open->stream = client_->location->ReportStream(&open->context);
    return open;
  }
  v1::ReportRequest Unsigned(const std::string& cell) const {
    v1::ReportRequest report = SignedReport(0, cell);
    report.clear_mac();
    return report;
  }
  grpc::Status Send(const v1::ReportRequest& report, const std::string& actor,
                    v1::ReportResponse* out = nullptr) {
    return Client::Call(*client_->location, &v1::LocationService::Stub::Report, report, out, actor);
  }
  void Activate() {
    ASSERT_TRUE(Send(SignedReport(1, kHomeCell), "").ok());
    clock_.Advance(seconds(61));
  }
};

TEST_F(ReportStreamTest, BatchesAreAnsweredInTheirOrder) {
  auto open = OpenStream();
  v1::ReportBatch batch;
  batch.set_sequence(7);
  *batch.add_reports() = SignedReport(1, kHomeCell);
  batch.add_reports()->set_card_number("no card");
  *batch.add_reports() = SignedReport(1, kHomeCell);
  ASSERT_TRUE(open->stream->Write(batch));
  v1::ReportBatchAnswer answer;
  ASSERT_TRUE(open->stream->Read(&answer));
  EXPECT_EQ(answer.sequence(), 7U);
  EXPECT_EQ(answer.observed(), 0U);
  EXPECT_EQ(answer.refused(), 2U);
  ASSERT_EQ(answer.results_size(), 3);
  EXPECT_EQ(answer.results(0).outcome(), v1::ACTIVATED);
  EXPECT_EQ(answer.results(0).verdict(), v1::IN_AREA);
  EXPECT_EQ(answer.results(1).index(), 1U);
  EXPECT_EQ(answer.results(1).reason(), "FIELD_INVALID");
  EXPECT_EQ(answer.results(2).reason(), "REPORT_REPLAYED");

  // More batches than may be in flight, while nobody reads.
  for (uint32_t i = 0; i < 6; ++i) {
    clock_.Advance(seconds(5));
    batch.Clear();
    batch.set_sequence(8 + i);
    *batch.add_reports() = SignedReport(2 + i, kHomeCell);
    ASSERT_TRUE(open->stream->Write(batch));
  }
  open->stream->WritesDone();
  for (uint32_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(open->stream->Read(&answer));
    EXPECT_EQ(answer.sequence(), 8 + i);
    EXPECT_EQ(answer.observed(), 1U);
    EXPECT_EQ(answer.results_size(), 0);
  }
  EXPECT_FALSE(open->stream->Read(&answer));
  EXPECT_TRUE(open->stream->Finish().ok());
}

TEST_F(ReportStreamTest, BatchesThatBreakARuleEndTheStream) {
  v1::ReportBatch batch;
  batch.set_sequence(1);
  auto open = OpenStream();
  for (int i = 0; i < 9; ++i) *batch.add_reports() = SignedReport(1, kHomeCell);
  ASSERT_TRUE(open->stream->Write(batch));
  v1::ReportBatchAnswer answer;
  EXPECT_FALSE(open->stream->Read(&answer));
  EXPECT_EQ(RefusalOf(open->stream->Finish()).reason, "LIMIT_EXCEEDED");

  open = OpenStream();
  batch.clear_reports();
  ASSERT_TRUE(open->stream->Write(batch));
  ASSERT_TRUE(open->stream->Read(&answer));
  ASSERT_TRUE(open->stream->Write(batch));  // the same sequence
  EXPECT_FALSE(open->stream->Read(&answer));
  const Refusal refused = RefusalOf(open->stream->Finish());
  EXPECT_EQ(refused.reason, "FIELD_INVALID");
  EXPECT_EQ(refused.fields, std::vector<std::string>{"sequence"});
}

TEST_F(ReportStreamTest, StreamsAreLimitedAndAClientThatGoesLeavesNothingBehind) {
  v1::ReportBatch batch;
  v1::ReportBatchAnswer answer;
  batch.set_sequence(1);
  std::vector<std::unique_ptr<Open>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(OpenStream());
    ASSERT_TRUE(open.back()->stream->Write(batch));
    ASSERT_TRUE(open.back()->stream->Read(&answer));
  }
  auto third = OpenStream();
  third->stream->Write(batch);
  EXPECT_FALSE(third->stream->Read(&answer));
  EXPECT_EQ(RefusalOf(third->stream->Finish()).reason, "OVERLOADED");
  // It goes with a decision under way; the card is not left to the lane that commits.
  batch.set_sequence(2);
  *batch.add_reports() = SignedReport(1, kHomeCell);
  ASSERT_TRUE(open[0]->stream->Write(batch));
  open[0]->context.TryCancel();
  (void)open[0]->stream->Finish();
  const auto lit = [&] {
    const auto row = head_end_->column().Find(*ParseCardNumber(kCard));
    return row && row->location_standing() == intervention::Standing::kActive;
  };
  for (int i = 0; i < 200 && !lit(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (lit()) {
    clock_.Advance(seconds(5));
    v1::ReportResponse out;
    ASSERT_TRUE(Send(SignedReport(2, kHomeCell), "", &out).ok());
    EXPECT_EQ(out.outcome(), v1::OBSERVED);
    EXPECT_FALSE(out.has_changed());
  }
}

TEST_F(ReportStreamTest, WithoutAMacOnlyAGatewayMaySendAndNeverAloneDarkens) {
  Activate();
  EXPECT_EQ(RefusalOf(Send(Unsigned(kHomeCell), "")).reason, "REPORT_UNSIGNED");
  EXPECT_EQ(RefusalOf(Send(Unsigned(kHomeCell), "wang")).reason, "REPORT_UNSIGNED");
  EXPECT_EQ(RefusalOf(Send(Unsigned(kHomeCell), "gw-elsewhere")).reason, "REPORT_GATEWAY_LIMIT");
  v1::ReportResponse out;
  // Its rate is three a second.
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(std::chrono::milliseconds(1));
    (void)Send(Unsigned(kHomeCell), "gw", &out);
  }
  EXPECT_EQ(RefusalOf(Send(Unsigned(kHomeCell), "gw")).code, StatusCode::RESOURCE_EXHAUSTED);
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(seconds(61));
    const grpc::Status sent = Send(Unsigned(kCityCell), "gw", &out);
    ASSERT_TRUE(sent.ok()) << sent.error_message();
    EXPECT_EQ(out.outcome(), v1::OBSERVED);
    EXPECT_EQ(out.verdict(), v1::BLACKLISTED);
  }
  EXPECT_EQ(RefusalOf(Send(Unsigned(kCityCell), "gw")).reason, "REPORT_REPLAYED") << "no newer than the last";
  // Its counter, whatever it says, is none of the card's.
  clock_.Advance(seconds(61));
  v1::ReportRequest loud = Unsigned(kHomeCell);
  loud.set_counter(UINT32_MAX);
  EXPECT_TRUE(Send(loud, "gw").ok());
  clock_.Advance(seconds(61));
  EXPECT_TRUE(Send(SignedReport(2, kHomeCell), "gw-elsewhere", &out).ok()) << "a MAC needs no gateway";
  EXPECT_EQ(out.outcome(), v1::OBSERVED);
}

TEST_F(ReportStreamTest, AGatewaysStreamVouchesForAllOfIt) {
  Activate();
  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "gw");
  auto stream = client_->location->ReportStream(&context);
  v1::ReportBatch batch;
  batch.set_sequence(1);
  *batch.add_reports() = Unsigned(kHomeCell);
  ASSERT_TRUE(stream->Write(batch));
  v1::ReportBatchAnswer answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.observed(), 1U);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ReportStreamTest, StreamsEndWithTheHeadEnd) {
  auto open = OpenStream();
  v1::ReportBatch batch;
  batch.set_sequence(1);
  v1::ReportBatchAnswer answer;
  ASSERT_TRUE(open->stream->Write(batch));
  ASSERT_TRUE(open->stream->Read(&answer));
  head_end_->BeginShutdown();
  EXPECT_FALSE(open->stream->Read(&answer));
  EXPECT_EQ(open->stream->Finish().error_code(), StatusCode::CANCELLED);
}

TEST_F(ReportStreamTest, ExplainSpeaksTwoLanguages) {
  v1::ExplainRequest request;
  request.set_card_number(kCard);
  v1::ExplainResponse out;
  const auto explain = [&] {
    return Client::Call(*client_->location, &v1::LocationService::Stub::Explain, request, &out);
  };
  ASSERT_TRUE(explain().ok());
  EXPECT_EQ(out.reason(), "WAITING_FOR_INSTALLATION");
  EXPECT_EQ(out.area_id(), kArea);
  EXPECT_THAT(out.screen(), testing::HasSubstr("E09"));
  EXPECT_THAT(out.would_change(), testing::HasSubstr("opens it"));
  EXPECT_FALSE(out.delivery().empty());
  request.set_language(v1::CHINESE);
  ASSERT_TRUE(explain().ok());
  EXPECT_THAT(out.why(), testing::HasSubstr("等待安装"));
  request.set_language(static_cast<v1::Language>(7));
  EXPECT_EQ(RefusalOf(explain()).reason, "FIELD_INVALID");
}

}  // namespace
}  // namespace hearth::rpc
