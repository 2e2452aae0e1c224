#include "src/cas/report.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

TEST(Report, TextIsWhatSection7Says) {
  const ReportBody report{CardNumber(1), BoxSerial(2), SimNumber(3), 4, 5, {{CellBytes{6}, -7}}};
  EXPECT_EQ(ToHex(CanonicalReport(report).value()), ToHex(AsBytes("hearth/1/report")) + "0000000001" +
                                                        "00000000000002" + "0000000003" + "00000004" +
                                                        "00000005" + "01" + "0600000000000000000000" + "f9");
}

TEST(Report, AFixHasATextOfItsOwn) {
  ReportBody report{CardNumber(1), BoxSerial(2), SimNumber(3), 4, 5, {}};
  report.fix = ReportFix{.latitude_e7 = -2, .longitude_e7 = 3, .accuracy_m = 25};
  EXPECT_EQ(ToHex(CanonicalReport(report).value()), ToHex(AsBytes("hearth/1/fix-report")) + "0000000001" +
                                                        "00000000000002" + "0000000003" + "00000004" +
                                                        "00000005" + "fffffffe" + "00000003" + "000019");
  const crypto::CardReportKey key = samples::Keys().report.Copy();
  const Mac64 mac = SignReport(report, key).value();
  EXPECT_TRUE(VerifyReport(report, mac, key));
  for (const auto& change :
       {+[](ReportFix& fix) { ++fix.latitude_e7; }, +[](ReportFix& fix) { ++fix.longitude_e7; },
        +[](ReportFix& fix) { ++fix.accuracy_m; }}) {
    ReportBody changed = report;
    change(*changed.fix);
    EXPECT_EQ(VerifyReport(changed, mac, key).error().reason(), Reason::kReportMacInvalid);
  }
  for (const auto& change :
       {+[](ReportBody& r) { r.fix->latitude_e7 = 900'000'001; },
        +[](ReportBody& r) { r.fix->longitude_e7 = -1'800'000'001; },
        +[](ReportBody& r) { r.fix->accuracy_m = 0; }, +[](ReportBody& r) { r.fix->accuracy_m = 100'001; },
        +[](ReportBody& r) { r.cells.resize(1); }}) {
    ReportBody changed = report;
    change(changed);
    EXPECT_EQ(CanonicalReport(changed).error().reason(), Reason::kFieldInvalid);
  }
}

TEST(Report, VerifiesOnlyWhatTheCardSigned) {
  const ReportBody report = samples::Report(3);
  const crypto::CardReportKey key = samples::Keys().report.Copy();
  const Mac64 mac = SignReport(report, key).value();
  EXPECT_TRUE(VerifyReport(report, mac, key));

  const std::vector<std::function<void(ReportBody&)>> changes = {
      [](auto& r) { ++r.card.value; },
      [](auto& r) { ++r.box.value; },
      [](auto& r) { ++r.sim.value; },
      [](auto& r) { ++r.counter; },
      [](auto& r) { ++r.utc; },
      [](auto& r) { r.cells.pop_back(); },
      [](auto& r) { r.cells[0].cell[5] ^= 1; },
      [](auto& r) { ++r.cells[2].signal_dbm; },
      [](auto& r) { std::swap(r.cells[0], r.cells[1]); }};
  for (size_t i = 0; i < changes.size(); ++i) {
    ReportBody changed = report;
    changes[i](changed);
    EXPECT_EQ(VerifyReport(changed, mac, key).error().reason(), Reason::kReportMacInvalid) << i;
  }
  for (size_t bit = 0; bit < 64; ++bit) {
    Mac64 bad = mac;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(VerifyReport(report, bad, key)) << bit;
  }
  EXPECT_FALSE(VerifyReport(report, mac, samples::Keys(CardNumber(9)).report));
}

TEST(Report, RefusesNumbersThatDoNotFit) {
  const std::vector<std::function<void(ReportBody&)>> changes = {
      [](auto& r) { r.card.value = kMaxCardNumber + 1; }, [](auto& r) { r.box.value = kMaxBoxSerial + 1; },
      [](auto& r) { r.sim.value = kMaxSimNumber + 1; }, [](auto& r) { r.cells.resize(256); }};
  for (const auto& change : changes) {
    ReportBody report = samples::Report(1);
    change(report);
    EXPECT_EQ(CanonicalReport(report).error().reason(), Reason::kFieldInvalid);
  }
}

}  // namespace
}  // namespace hearth::cas
