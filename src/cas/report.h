// The signed part of a location report (docs/messages.md section 7). The MAC proves which card signed, not
// where the box stands.
//
//   text  head ‖ n 1 ‖ n × (cell 11 ‖ signal 1)                     what is heard
//       | head ‖ latitude 4 ‖ longitude 4 ‖ accuracy 3              where a satellite receiver says it is
//   head  label ‖ card 5 ‖ box 7 ‖ sim 5 ‖ counter 4 ‖ UTC 4
//   label "hearth/1/report" with cells, "hearth/1/fix-report" with a fix
//   mac   first 8 bytes of CMAC(card-report, text)
//
// Latitude and longitude are in units of 10^-7 degrees, two's complement; the accuracy is in metres.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

struct HeardCell {
  CellBytes cell{};
  int8_t signal_dbm = 0;

  bool operator==(const HeardCell&) const = default;
};

struct ReportFix {
  int32_t latitude_e7 = 0;   // -900,000,000 to 900,000,000
  int32_t longitude_e7 = 0;  // -1,800,000,000 to 1,800,000,000
  uint32_t accuracy_m = 0;   // 1 to 100,000

  bool operator==(const ReportFix&) const = default;
};

struct ReportBody {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;
  uint32_t counter = 0;
  uint32_t utc = 0;              // MessageSeconds
  std::vector<HeardCell> cells;  // the serving cell first; empty: nothing heard; at most 255
  std::optional<ReportFix> fix;  // then no cells

  bool operator==(const ReportBody&) const = default;
};

// FIELD_INVALID when a number does not fit, or there are both a fix and cells.
Result<Bytes> CanonicalReport(const ReportBody& report);
Result<Mac64> SignReport(const ReportBody& report, const crypto::CardReportKey& key);
// REPORT_MAC_INVALID when the card of `key` did not sign exactly this. Allocates nothing.
Status VerifyReport(const ReportBody& report, const Mac64& mac, const crypto::CardReportKey& key);

}  // namespace hearth::cas
