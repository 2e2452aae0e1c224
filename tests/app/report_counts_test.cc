#include "src/app/report_counts.h"

#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "src/app/gateways.h"
#include "src/base/clock.h"

namespace hearth::app {
namespace {

// Every counter by name and labels: "hearth_x{a=b}".
class Book final : public MetricsRegistry {
 public:
  Counter& GetCounter(std::string_view name, std::string_view, const Labels& labels) override {
    std::string key(name);
    for (const auto& [label, value] : labels) key += "{" + label + "=" + value + "}";
    auto& counter = counters_[key];
    if (!counter) counter = std::make_unique<Kept>();
    return *counter;
  }
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) override {
    return none_.GetGauge(name, help, labels);
  }
  Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          const Labels& labels) override {
    return none_.GetHistogram(name, help, std::move(bounds), labels);
  }
  double Of(const std::string& key) const {
    const auto found = counters_.find(key);
    return found == counters_.end() ? -1 : found->second->value;
  }

 private:
  struct Kept final : Counter {
    void Add(double amount) override { value += amount; }
    double value = 0;
  };
  NullMetrics none_;
  std::map<std::string, std::unique_ptr<Kept>> counters_;
};

TEST(ReportCounts, EveryOutcomeLaneAndRefusalHasItsSeries) {
  Book book;
  ReportCounts counts(book);
  // There from the start, so that a rate of them can be asked for.
  EXPECT_EQ(book.Of("hearth_reports_refused_total{reason=REPORT_MAC_INVALID}"), 0);
  EXPECT_EQ(book.Of("hearth_reports_total{outcome=switched_off}"), 0);
  for (const ReasonInfo& info : AllReasons()) {
    counts.Refused(info.reason);
    counts.Refused(info.reason);
    EXPECT_EQ(book.Of("hearth_reports_refused_total{reason=" + std::string(info.name) + "}"), 2);
  }
  for (size_t i = 2; i <= kReportOutcomes; ++i) {
    const auto outcome = static_cast<ReportOutcome>(i);
    counts.Decided(outcome);
    EXPECT_EQ(book.Of("hearth_reports_total{outcome=" + std::string(NameOf(outcome)) + "}"), 1);
  }
  counts.Observed(5);
  counts.Decided(ReportOutcome::kObserved);
  EXPECT_EQ(book.Of("hearth_reports_total{outcome=observed}"), 6);
  EXPECT_EQ(book.Of("hearth_reports_lane_total{lane=observed}"), 5);
  EXPECT_EQ(book.Of("hearth_reports_lane_total{lane=durable}"), static_cast<double>(kReportOutcomes));
}

TEST(Gateways, AreBoundToRegionsAndRate) {
  Book book;
  FakeClock clock(UnixMillis(1'800'000'000'000));
  const Gateways gateways({{.name = "a",
                            .certificates = {"one", "two"},
                            .regions = {RegionCode(6401), RegionCode(620402)},
                            .per_second = 2},
                           {.name = "all", .certificates = {"three"}}},
                          clock, book);
  EXPECT_EQ(gateways.Find("four"), nullptr);
  EXPECT_EQ(gateways.Find(""), nullptr);
  Gateway* const a = gateways.Find("two");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a, gateways.Find("one"));
  const auto refused = [](const Status& status) {
    return !status && status.error().reason() == Reason::kReportGatewayLimit;
  };
  EXPECT_TRUE(refused(a->Admit(AreaId(640'200'001)))) << "another prefecture";
  EXPECT_TRUE(refused(a->Admit(AreaId(620'403'001)))) << "another county";
  EXPECT_TRUE(a->Admit(AreaId(640'122'001)));
  EXPECT_TRUE(a->Admit(AreaId(620'402'001)));
  EXPECT_TRUE(refused(a->Admit(AreaId(640'122'001)))) << "the third in a second";
  clock.Advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(a->Admit(AreaId(640'122'001)));
  EXPECT_TRUE(refused(a->Admit(AreaId(640'122'001))));
  clock.Advance(std::chrono::hours(1));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(a->Admit(AreaId(640'122'001)));
  EXPECT_TRUE(refused(a->Admit(AreaId(640'122'001)))) << "what was not used is not saved up";
  EXPECT_TRUE(gateways.Find("three")->Admit(AreaId(110'101'001)));
  EXPECT_EQ(book.Of("hearth_gateway_reports_total{gateway=a}{result=taken}"), 5);
  EXPECT_EQ(book.Of("hearth_gateway_reports_total{gateway=a}{result=over_rate}"), 3);
  EXPECT_EQ(book.Of("hearth_gateway_reports_total{gateway=a}{result=elsewhere}"), 2);
}

}  // namespace
}  // namespace hearth::app
