#include "src/rpc/convert_in.h"

#include <unordered_set>

#include <fmt/format.h>

#include "src/base/field_errors.h"

namespace hearth::rpc {
namespace {

// The last second of the year 9999: the end of RFC 3339 and of google.protobuf.Timestamp.
constexpr int64_t kMaxSeconds = 253'402'300'799;

UnixMillis ReportTimeFrom(const v1::ReportRequest& request, FieldErrors& errors) {
  if (!request.has_time()) {
    errors.Add(MissingField("time", "when the cells were heard"));
    return {};
  }
  const auto& time = request.time();
  const bool good = time.seconds() > 0 && time.seconds() <= kMaxSeconds && time.nanos() == 0;
  errors.Require(good, "time", "whole seconds after 1970 and before the year 10000");
  return UnixMillis(good ? time.seconds() * 1000 : 0);
}

void TakeCells(const v1::ReportRequest& request, FieldErrors& errors, geofence::Evidence& evidence) {
  evidence.cells.clear();
  evidence.no_signal = request.cells().empty() && !request.has_fix();
  for (int i = 0; i < request.cells_size(); ++i) {
    const v1::HeardCell& heard = request.cells(i);
    auto cell = geofence::ParseCell(heard.cell());
    const bool in_range = heard.signal_dbm() >= -128 && heard.signal_dbm() <= 127;
    if (!cell || !in_range) {  // the path is only made for who has to read it
      const std::string path = fmt::format("cells[{}]", i);
      errors.Require(in_range, path + ".signal_dbm", "-128 to 127");
      if (!cell) errors.Check(geofence::ParseCell(heard.cell(), path + ".cell").error());
      continue;
    }
    evidence.cells.push_back({.cell = *cell, .signal_dbm = static_cast<int8_t>(heard.signal_dbm())});
  }
}

RegionLevel LevelAbove(RegionLevel level) {
  switch (level) {
    case RegionLevel::kVillage:
      return RegionLevel::kTownship;
    case RegionLevel::kTownship:
      return RegionLevel::kCounty;
    case RegionLevel::kCounty:
      return RegionLevel::kPrefecture;
    default:
      return RegionLevel::kProvince;
  }
}

template <typename Id>
Result<std::optional<Id>> Filter(std::string_view text, std::string_view field,
                                 Result<Id> (*parse)(std::string_view, std::string_view)) {
  if (text.empty()) return std::optional<Id>();
  HEARTH_ASSIGN_OR_RETURN(const Id id, parse(text, field));
  return std::optional<Id>(id);
}

}  // namespace

Status CheckChange(const v1::Change& change, std::string_view actor, const Limits& limits) {
  FieldErrors errors(limits);
  errors.Text(change.reason(), "change.reason");
  errors.Text(change.approver(), "change.approver");
  HEARTH_RETURN_IF_ERROR(errors.status());
  if (!change.approver().empty() && change.approver() == actor) {
    return Error(Reason::kSecondApproverNeeded, "the approver is the one who asks for the change")
        .Field("change.approver", "someone other than the actor");
  }
  return Ok();
}

template <typename Row>
Status CheckRows(const google::protobuf::RepeatedPtrField<Row>& rows, const Limits& limits) {
  if (rows.empty()) return MissingField("rows", "at least one row");
  if (static_cast<size_t>(rows.size()) > limits.rows_per_batch) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("{} rows in one call; at most {} may be", rows.size(), limits.rows_per_batch))
        .Field("rows", fmt::format("at most {}", limits.rows_per_batch));
  }
  // A row is repeated under its line number: two of one line would be taken for one.
  FieldErrors errors(limits);
  std::unordered_set<uint64_t> lines;
  for (int i = 0; i < rows.size(); ++i) {
    const uint64_t line = rows[i].line();
    if (line == 0) errors.Add(MissingField(fmt::format("rows[{}].line", i), "1 or more"));
    if (line != 0 && !lines.insert(line).second) {
      errors.Add(InvalidField(fmt::format("rows[{}].line", i),
                              fmt::format("a line of its own: {} stands twice", line)));
    }
  }
  return errors.status();
}

template Status CheckRows(const google::protobuf::RepeatedPtrField<v1::StockRow>&, const Limits&);
template Status CheckRows(const google::protobuf::RepeatedPtrField<v1::RosterRow>&, const Limits&);
template Status CheckRows(const google::protobuf::RepeatedPtrField<v1::ChannelRow>&, const Limits&);
template Status CheckRows(const google::protobuf::RepeatedPtrField<v1::RegionRow>&, const Limits&);
template Status CheckRows(const google::protobuf::RepeatedPtrField<v1::VillageRow>&, const Limits&);

Result<size_t> PageSizeFrom(const v1::Page& page, const Limits& limits) {
  if (page.token().size() > limits.text_bytes) {
    return Error(Reason::kPageTokenInvalid, "the page token is longer than any of ours")
        .Field("page.token", "as it was returned");
  }
  if (page.size() > limits.page_items) {
    return InvalidField("page.size", fmt::format("1 to {}, not {}", limits.page_items, page.size()));
  }
  return page.size() == 0 ? size_t{100} : size_t{page.size()};
}

Result<size_t> ListLimitFrom(uint32_t limit, size_t by_default, const Limits& limits) {
  if (limit > limits.page_items) {
    return InvalidField("limit", fmt::format("1 to {}, not {}", limits.page_items, limit));
  }
  return limit == 0 ? by_default : size_t{limit};
}

Result<std::optional<RegionCode>> RegionFilterFrom(std::string_view text) {
  return Filter<RegionCode>(text, "region", ParseRegionCode);
}
Result<std::optional<AreaId>> AreaFilterFrom(std::string_view text) {
  return Filter<AreaId>(text, "area_id", ParseAreaId);
}
Result<std::optional<CardNumber>> CardFilterFrom(std::string_view text) {
  return Filter<CardNumber>(text, "card_number", ParseCardNumber);
}

Result<std::optional<RegionLevel>> RegionLevelFrom(std::string_view text) {
  constexpr std::pair<std::string_view, RegionLevel> kNames[] = {{"province", RegionLevel::kProvince},
                                                                 {"prefecture", RegionLevel::kPrefecture},
                                                                 {"county", RegionLevel::kCounty},
                                                                 {"township", RegionLevel::kTownship},
                                                                 {"village", RegionLevel::kVillage}};
  if (text.empty()) return std::optional<RegionLevel>();
  for (const auto& [name, level] : kNames) {
    if (text == name) return std::optional(level);
  }
  return InvalidField("level", "province, prefecture, county, township or village");
}

Result<geofence::Region> RegionFrom(const v1::Region& region, const Limits& limits) {
  FieldErrors errors(limits);
  geofence::Region out;
  auto code = ParseRegionCode(region.code(), "region.code");
  if (!code) return code.error();
  out.code = *code;
  out.level = LevelOf(out.code);
  out.name = errors.Text(region.name(), "region.name");
  errors.Require(!out.name.empty(), "region.name", "the name of the division");
  const auto level = RegionLevelFrom(region.level());
  errors.Require(level && level->value_or(out.level) == out.level, "region.level",
                 "that of a code of so many digits, or empty");
  if (out.level != RegionLevel::kProvince) out.parent = Ancestor(out.code, LevelAbove(out.level));
  const std::string parent = out.parent.value == 0 ? "" : ToString(out.parent);
  errors.Require(region.parent().empty() || region.parent() == parent, "region.parent",
                 parent.empty() ? "empty for a province" : fmt::format("{}, or empty", parent));
  return errors.Finish(std::move(out));
}

Result<geofence::NewArea> NewAreaFrom(const v1::CreateAreaRequest& request, const Limits& limits) {
  FieldErrors errors(limits);
  geofence::NewArea out;
  out.id = errors.Take(ParseAreaId(request.area_id()));
  out.name = errors.Text(request.name(), "name");
  errors.Require(!out.name.empty(), "name", "what people call the area");
  if (static_cast<size_t>(request.villages_size()) > limits.villages_per_area) {
    return Error(Reason::kLimitExceeded, fmt::format("{} villages; an area has at most {}",
                                                     request.villages_size(), limits.villages_per_area))
        .Field("villages", fmt::format("at most {}", limits.villages_per_area));
  }
  for (int i = 0; i < request.villages_size(); ++i) {
    out.villages.push_back(
        errors.Take(geofence::ParsePlaceCode(request.villages(i), fmt::format("villages[{}]", i))));
  }
  return errors.Finish(std::move(out));
}

Result<geofence::AreaState> AreaStateFrom(v1::AreaState state, std::string_view field) {
  if (!v1::AreaState_IsValid(state) || state == v1::AREA_STATE_UNSPECIFIED) {
    return InvalidField(std::string(field), "DRAFT, SUBMITTED, APPROVED, ON_FILE or RETIRED");
  }
  static_assert(static_cast<int>(geofence::AreaState::kDraft) == v1::DRAFT &&
                static_cast<int>(geofence::AreaState::kRetired) == v1::RETIRED);
  return static_cast<geofence::AreaState>(state);
}

Result<geofence::ListKind> ListKindFrom(v1::ListKind kind, std::string_view field) {
  switch (kind) {
    case v1::WHITELIST:
      return geofence::ListKind::kWhitelist;
    case v1::BLACKLIST:
      return geofence::ListKind::kBlacklist;
    default:
      return InvalidField(std::string(field), "WHITELIST or BLACKLIST");
  }
}

Result<app::PutCellList> ListHeaderFrom(const v1::PutCellListHeader& header, const Limits& limits) {
  FieldErrors errors(limits);
  app::PutCellList out;
  out.kind = errors.Take(ListKindFrom(header.kind(), "header.kind"));
  out.id = errors.Take(ParseAreaId(header.list_id(), "header.list_id"));
  out.name = errors.Text(header.name(), "header.name");
  return errors.Finish(std::move(out));
}

Status AddCells(const v1::CellBatch& batch, const Limits& limits, std::vector<geofence::Cell>& cells) {
  if (cells.size() + static_cast<size_t>(batch.cells_size()) > limits.cells_per_list) {
    return Error(Reason::kLimitExceeded, fmt::format("a list has at most {} cells", limits.cells_per_list))
        .Field("cells", fmt::format("at most {}", limits.cells_per_list));
  }
  FieldErrors errors(limits);
  for (const std::string& text : batch.cells()) {
    cells.push_back(errors.Take(geofence::ParseCell(text, fmt::format("cells[{}]", cells.size()))));
  }
  return errors.status();
}

Status ReportFrom(const v1::ReportRequest& request, const Limits& limits, app::Report& out) {
  if (static_cast<size_t>(request.cells_size()) > limits.cells_per_report) {
    return Error(Reason::kLimitExceeded, fmt::format("{} cells in one report; at most {} may be",
                                                     request.cells_size(), limits.cells_per_report))
        .Field("cells", fmt::format("at most {}", limits.cells_per_report));
  }
  FieldErrors errors(limits);
  out.card = errors.Take(ParseCardNumber(request.card_number()));
  out.box = errors.Take(ParseBoxSerial(request.box_serial()));
  out.sim = errors.Take(ParseSimNumber(request.sim_number()));
  out.counter = request.counter();
  out.time = ReportTimeFrom(request, errors);
  TakeCells(request, errors, out.evidence);
  out.fix.reset();
  if (request.has_fix()) {
    const v1::Fix& fix = request.fix();
    out.fix = records::Fix{.position = {.latitude_e7 = fix.latitude_e7(), .longitude_e7 = fix.longitude_e7()},
                           .accuracy_m = fix.accuracy_m()};
  }
  const std::string& mac = request.mac();
  out.card_signed = !mac.empty();
  errors.Require(mac.empty() || mac.size() == out.mac.size(), "mac",
                 "8 bytes; none only from a gateway that may send so");
  if (mac.size() == out.mac.size()) std::copy(mac.begin(), mac.end(), out.mac.begin());
  return errors.status();
}

}  // namespace hearth::rpc
