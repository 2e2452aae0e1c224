#include "src/cas/report.h"

#include <algorithm>
#include <utility>

namespace hearth::cas {

Result<Bytes> CanonicalReport(const ReportBody& report) {
  HEARTH_RETURN_IF_ERROR(CheckCard(report.card));
  HEARTH_RETURN_IF_ERROR(CheckBox(report.box));
  if (report.sim.value > kMaxSimNumber) return InvalidField("sim_number", "at most 11 decimal digits");
  if (report.cells.size() > 255) return InvalidField("cells", "at most 255");
  constexpr std::string_view label = "hearth/1/report";
  ByteWriter text(label.size() + 26 + report.cells.size() * (kCellBytes + 1));
  text.Put(AsBytes(label)).U40(report.card.value).U56(report.box.value).U40(report.sim.value);
  text.U32(report.counter).U32(report.utc).U8(report.cells.size());
  for (const HeardCell& heard : report.cells) {
    text.Put(heard.cell).U8(static_cast<uint8_t>(heard.signal_dbm));
  }
  return std::move(text).Take();
}

Result<Mac64> SignReport(const ReportBody& report, const crypto::CardReportKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const Bytes text, CanonicalReport(report));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Mac128 mac, crypto::Cmac(key, text));
  Mac64 out;
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

Status VerifyReport(const ReportBody& report, const Mac64& mac, const crypto::CardReportKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const Mac64 expected, SignReport(report, key));
  if (crypto::ConstantTimeEqual(mac, expected)) return Ok();
  return Error(Reason::kReportMacInvalid, "the report's MAC is not that of card " + ToString(report.card));
}

}  // namespace hearth::cas
