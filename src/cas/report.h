// The signed part of a location report (docs/messages.md section 7). The MAC proves which card signed, not
// where the box stands.
//
//   text  "hearth/1/report" ‖ card 5 ‖ box 7 ‖ sim 5 ‖ counter 4 ‖ UTC 4 ‖ n 1 ‖ n × (cell 11 ‖ signal 1)
//   mac   first 8 bytes of CMAC(card-report, text)
#pragma once

#include <cstdint>
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

struct ReportBody {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;
  uint32_t counter = 0;
  uint32_t utc = 0;              // MessageSeconds
  std::vector<HeardCell> cells;  // the serving cell first; empty: nothing heard; at most 255

  bool operator==(const ReportBody&) const = default;
};

// FIELD_INVALID when a number does not fit.
Result<Bytes> CanonicalReport(const ReportBody& report);
Result<Mac64> SignReport(const ReportBody& report, const crypto::CardReportKey& key);
// REPORT_MAC_INVALID when the card of `key` did not sign exactly this.
Status VerifyReport(const ReportBody& report, const Mac64& mac, const crypto::CardReportKey& key);

}  // namespace hearth::cas
