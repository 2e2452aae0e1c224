// Reading the files that hearthctl is given, and turning their rows into messages of the API.
#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/v1/geofence.pb.h"
#include "hearth/v1/registry.pb.h"
#include "hearth/v1/schedule.pb.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "src/import/cells.h"
#include "src/import/row_error.h"

namespace hearth::ctl {

// The largest file read whole: a roster of two million homes.
inline constexpr size_t kMaxFileBytes = size_t{512} * 1024 * 1024;

// The whole file. FILE_UNREADABLE when it cannot be opened or read, LIMIT_EXCEEDED over max_bytes.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = kMaxFileBytes);
// The same, "-" being `in`.
Result<std::string> ReadFileOrInput(const std::string& path, std::istream& in);
// Writes beside the file, then renames, so that a reader never sees half of it. FILE_UNREADABLE.
Status WriteFile(const std::string& path, std::string_view content);

// Rows of the API and what is wrong with the others. HEADER_INVALID for the whole file.
template <typename Row>
struct FileRows {
  std::vector<Row> rows;
  std::vector<import::RowError> errors;
};

// Columns batch, first_card, last_card, master_key (32 hexadecimal digits).
struct BatchRow {
  uint64_t line = 0;
  hearth::v1::ImportBatchRequest request;
};
Result<FileRows<BatchRow>> ReadBatches(std::string_view text);

Result<FileRows<hearth::v1::StockRow>> ReadCardStock(std::string_view text);
Result<FileRows<hearth::v1::StockRow>> ReadBoxStock(std::string_view text);
Result<FileRows<hearth::v1::StockRow>> ReadSimStock(std::string_view text);
Result<FileRows<hearth::v1::RosterRow>> ReadRoster(std::string_view text);
// Parents come before children, whatever the order of the file.
Result<FileRows<hearth::v1::RegionRow>> ReadRegions(std::string_view text);
// Columns service_id, name, name_zh, kind (tv, radio), scope (national, province), province; the last four
// may be left out: a national TV channel.
Result<FileRows<hearth::v1::ChannelRow>> ReadChannels(std::string_view text);
// Columns channel (name or number), kind (event, free-to-air, blackout), start, end, mode (subscribers,
// closed, product, open), product, region, title, event_id; those from mode on may be left out. The region of
// an event may begin with "!": all but that one.
struct PlanRow {
  uint64_t line = 0;
  hearth::v1::PlanItem item;
};
Result<FileRows<PlanRow>> ReadPlan(std::string_view text);
// Cells in text form, see HeardCell; columns as in src/import/cells.h.
Result<FileRows<std::string>> ReadCells(std::string_view text);
// Column village, of 12 or 14 digits; the header may be missing.
Result<FileRows<std::string>> ReadVillages(std::string_view text);
// Columns village, planned_homes.
Result<FileRows<hearth::v1::VillageRow>> ReadPlannedHomes(std::string_view text);
// Columns village, longitude, latitude: degrees, WGS 84.
Result<FileRows<hearth::v1::VillageRow>> ReadPlaces(std::string_view text);

// "lte:460:00:33301:26879745".
std::string CellText(const import::CellRow& cell);

// "1-40,1064,2064" → those numbers, in order, without doubles. FIELD_INVALID names `field`.
Result<std::vector<uint32_t>> ParseServices(std::string_view text, std::string_view field);

google::protobuf::Timestamp ToTimestamp(UnixMillis time);

// A decimal number of at most `max`, digits only. FIELD_INVALID names `field`.
Result<uint32_t> ParseNumber(std::string_view text, uint32_t max, std::string_view field);

}  // namespace hearth::ctl
