#include "src/cas/report.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace hearth::cas {
namespace {

constexpr std::string_view kCellsLabel = "hearth/1/report";
constexpr std::string_view kFixLabel = "hearth/1/fix-report";
constexpr size_t kMaxCells = 255;
constexpr size_t kMaxText = kFixLabel.size() + 26 + kMaxCells * (kCellBytes + 1);
using Text = std::array<uint8_t, kMaxText>;

Status Check(const ReportBody& report) {
  HEARTH_RETURN_IF_ERROR(CheckCard(report.card));
  HEARTH_RETURN_IF_ERROR(CheckBox(report.box));
  if (report.sim.value > kMaxSimNumber) return InvalidField("sim_number", "at most 11 decimal digits");
  if (report.cells.size() > kMaxCells) return InvalidField("cells", "at most 255");
  if (!report.fix) return Ok();
  const ReportFix& fix = *report.fix;
  if (!report.cells.empty()) return InvalidField("fix", "no cells beside a fix");
  if (std::abs(int64_t{fix.latitude_e7}) > 900'000'000)
    return InvalidField("fix.latitude_e7", "at most 90 degrees");
  if (std::abs(int64_t{fix.longitude_e7}) > 1'800'000'000) {
    return InvalidField("fix.longitude_e7", "at most 180 degrees");
  }
  if (fix.accuracy_m < 1 || fix.accuracy_m > 100'000) return InvalidField("fix.accuracy_m", "1 to 100,000");
  return Ok();
}

// Every report of a storm is checked: its text is laid out on the stack.
Result<ByteView> Lay(const ReportBody& report, Text& text) {
  HEARTH_RETURN_IF_ERROR(Check(report));
  const std::string_view label = report.fix ? kFixLabel : kCellsLabel;
  uint8_t* at = std::copy(label.begin(), label.end(), text.data());
  const auto put = [&](uint64_t value, size_t width) {
    for (size_t i = width; i > 0; --i) *at++ = static_cast<uint8_t>(value >> (8 * (i - 1)));
  };
  put(report.card.value, 5);
  put(report.box.value, 7);
  put(report.sim.value, 5);
  put(report.counter, 4);
  put(report.utc, 4);
  if (report.fix) {
    put(static_cast<uint32_t>(report.fix->latitude_e7), 4);
    put(static_cast<uint32_t>(report.fix->longitude_e7), 4);
    put(report.fix->accuracy_m, 3);
  } else {
    put(report.cells.size(), 1);
    for (const HeardCell& heard : report.cells) {
      at = std::copy(heard.cell.begin(), heard.cell.end(), at);
      *at++ = static_cast<uint8_t>(heard.signal_dbm);
    }
  }
  return ByteView(text.data(), at);
}

Result<Mac64> MacOf(ByteView text, const crypto::CardReportKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const crypto::Mac128 mac, crypto::Cmac(key, text));
  Mac64 out;
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

Result<Bytes> CanonicalReport(const ReportBody& report) {
  Text text;
  HEARTH_ASSIGN_OR_RETURN(const ByteView laid, Lay(report, text));
  return Bytes(laid.begin(), laid.end());
}

Result<Mac64> SignReport(const ReportBody& report, const crypto::CardReportKey& key) {
  Text text;
  HEARTH_ASSIGN_OR_RETURN(const ByteView laid, Lay(report, text));
  return MacOf(laid, key);
}

Status VerifyReport(const ReportBody& report, const Mac64& mac, const crypto::CardReportKey& key) {
  Text text;
  HEARTH_ASSIGN_OR_RETURN(const ByteView laid, Lay(report, text));
  HEARTH_ASSIGN_OR_RETURN(const Mac64 expected, MacOf(laid, key));
  if (crypto::ConstantTimeEqual(mac, expected)) return Ok();
  return Error(Reason::kReportMacInvalid, "the report's MAC is not that of card " + ToString(report.card));
}

}  // namespace hearth::cas
