// From rows of files to rows of the API.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "geofence/village.h"
#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/import/regions.h"
#include "src/import/roster.h"
#include "src/import/stock.h"
#include "src/import/table.h"
#include "tools/ctl/files.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

// Converts what a parser of src/import gives.
template <typename Out, typename In, typename Convert>
Result<FileRows<Out>> Converted(Result<import::Parsed<In>> parsed, Convert convert) {
  if (!parsed) return std::move(parsed).error();
  FileRows<Out> out;
  out.errors = std::move(parsed->errors);
  out.rows.reserve(parsed->rows.size());
  for (const In& row : parsed->rows) out.rows.push_back(convert(row));
  return out;
}

import::RowError FieldError(uint64_t line, std::string column,
                            std::string message){return {.line = line,
                                                         .column = std::move(column),
                                                         .reason = Reason::kRowFieldInvalid,
                                                         .message = std::move(message),
                                                         .suggestion = "",
                                                         .warning = false};
}  // namespace

// Reads a table that only hearthctl knows. `convert(row)` gives the row, or the error of its first bad field.
template <typename Out, typename Convert>
Result<FileRows<Out>> ReadTable(std::string_view text, std::span<const import::Column> columns,
                                const import::TableOptions& options, Convert convert) {
  FileRows<Out> out;
  import::TableReader reader(
      columns, options,
      [&](const import::TableRow& row) {
        Result<Out> converted = convert(row);
  if (converted) {
    out.rows.push_back(std::move(*converted));
    return;
  }
  const Error& error = converted.error();
  const auto& fields = error.violations();
  out.errors.push_back(FieldError(row.line(), fields.empty() ? "" : fields[0].field,
                                  fields.empty() ? error.message() : fields[0].description));
},
      [&](import::RowError error) {
  out.errors.push_back(std::move(error)); });
HEARTH_RETURN_IF_ERROR(reader.Feed(text));
HEARTH_RETURN_IF_ERROR(reader.Finish());
return out;
}  // namespace hearth::ctl

Result<double> ParseDegrees(std::string_view text, double max, std::string_view field) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(value) <= max)) {
    return InvalidField(std::string(field), fmt::format("must be degrees from -{} to {}", max, max));
  }
  return value;
}

const char* RadioName(import::CellRadio radio) {
  switch (radio) {
    case import::CellRadio::kGsm:
      return "gsm";
    case import::CellRadio::kUmts:
      return "umts";
    case import::CellRadio::kLte:
      return "lte";
    case import::CellRadio::kNr:
      return "nr";
    case import::CellRadio::kCdma:
      return "cdma";
  }
  return "unknown";
}

const char* LevelName(RegionLevel level) {
  switch (level) {
    case RegionLevel::kProvince:
      return "province";
    case RegionLevel::kPrefecture:
      return "prefecture";
    case RegionLevel::kCounty:
      return "county";
    case RegionLevel::kTownship:
      return "township";
    case RegionLevel::kVillage:
      return "village";
  }
  return "";
}

Result<BatchRow> ToBatch(const import::TableRow& row) {
  BatchRow out{.line = row.line(), .request = {}};
  HEARTH_ASSIGN_OR_RETURN(const uint32_t batch, ParseNumber(row.Get(0), 65535, "batch"));
  if (batch == 0) return InvalidField("batch", "must be a number from 1 to 65535");
  HEARTH_ASSIGN_OR_RETURN(const CardNumber first, ParseCardNumber(row.Get(1), "first_card"));
  HEARTH_ASSIGN_OR_RETURN(const CardNumber last, ParseCardNumber(row.Get(2), "last_card"));
  if (last < first) return InvalidField("last_card", "must not be below first_card");
  const auto key = FromHex(row.Get(3));
  // The field is a secret: no message quotes it.
  if (!key || key->size() != 16) return InvalidField("master_key", "must be 32 hexadecimal digits");
  out.request.set_batch(batch);
  out.request.set_first_card(ToString(first));
  out.request.set_last_card(ToString(last));
  out.request.set_master_key(std::string(AsChars(*key)));
  return out;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '_' ? '-' : c);
  return lower;
}

Result<v1::Channel::Kind> ToKind(std::string_view text) {
  const std::string lower = Lower(text);
  if (lower.empty() || lower == "tv" || lower == "电视") return v1::Channel::TV;
  if (lower == "radio" || lower == "广播") return v1::Channel::RADIO;
  return InvalidField("kind", "must be tv or radio");
}

Result<v1::PlanWindow::Kind> ToWindowKind(std::string_view text) {
  const std::string kind = Lower(text);
  if (kind == "event" || kind == "节目") return v1::PlanWindow::EVENT;
  if (kind == "free-to-air" || kind == "免费") return v1::PlanWindow::FREE_TO_AIR;
  if (kind == "blackout" || kind == "禁播") return v1::PlanWindow::BLACKOUT;
  return InvalidField("kind", "must be event, free-to-air or blackout");
}

Result<v1::AccessCriteria::Mode> ToMode(std::string_view text) {
  const std::string mode = Lower(text);
  if (mode.empty() || mode == "subscribers" || mode == "订户") return v1::AccessCriteria::SUBSCRIBERS;
  if (mode == "closed" || mode == "关闭") return v1::AccessCriteria::CLOSED;
  if (mode == "product" || mode == "产品") return v1::AccessCriteria::PRODUCT;
  if (mode == "open" || mode == "开放") return v1::AccessCriteria::OPEN_TO_ALL;
  return InvalidField("mode", "must be subscribers, closed, product or open");
}

// What only the head-end can judge is left to it; here only what a cell cannot mean at all.
Result<PlanRow> ToPlanRow(const import::TableRow& row) {
  PlanRow out{.line = row.line(), .item = {}};
  v1::PlanItem& item = out.item;
  const std::string_view channel = row.Get(0);
  if (channel.empty()) return InvalidField("channel", "must not be empty");
  if (channel.find_first_not_of("0123456789") == std::string_view::npos) {
    HEARTH_ASSIGN_OR_RETURN(const uint32_t service, ParseNumber(channel, 65535, "channel"));
    item.set_service_id(service);
  } else {
    item.set_channel_name(std::string(channel));
  }
  HEARTH_ASSIGN_OR_RETURN(const auto kind, ToWindowKind(row.Get(1)));
  item.set_kind(kind);
  HEARTH_ASSIGN_OR_RETURN(const UnixMillis start, ParseTime(row.Get(2), "start"));
  HEARTH_ASSIGN_OR_RETURN(const UnixMillis end, ParseTime(row.Get(3), "end"));
  *item.mutable_start() = ToTimestamp(start);
  *item.mutable_end() = ToTimestamp(end);
  HEARTH_ASSIGN_OR_RETURN(const auto mode, ToMode(row.Get(4)));
  std::string_view region = row.Get(6);
  if (kind == v1::PlanWindow::EVENT) {
    v1::AccessCriteria& criteria = *item.mutable_criteria();
    criteria.set_mode(mode);
    if (!row.Get(5).empty()) {
      HEARTH_ASSIGN_OR_RETURN(const uint32_t product, ParseNumber(row.Get(5), 127, "product"));
      criteria.set_product(product);
    }
    criteria.set_region_except(region.starts_with('!'));
    if (criteria.region_except()) region.remove_prefix(1);
    criteria.set_region(std::string(region));
  } else {
    if (!row.Get(4).empty()) return InvalidField("mode", "must be empty, except for an event");
    if (!row.Get(5).empty()) return InvalidField("product", "must be empty, except for an event");
    item.set_region(std::string(region));
  }
  item.set_title(std::string(row.Get(7)));
  item.set_event_id(std::string(row.Get(8)));
  return out;
}

// The scope only says again what the province says; both there must agree.
Status CheckScope(std::string_view scope, bool has_province) {
  const bool national = scope == "national" || scope == "全国";
  const bool province = scope == "province" || scope == "provincial" || scope == "省";
  if (!scope.empty() && !national && !province) {
    return InvalidField("scope", "must be national or province");
  }
  if (province && !has_province) return InvalidField("province", "must be there for a provincial channel");
  if (national && has_province) return InvalidField("province", "must be empty for a national channel");
  return Ok();
}

Result<v1::ChannelRow> ToChannel(const import::TableRow& row) {
  v1::ChannelRow out;
  out.set_line(row.line());
  v1::Channel& channel = *out.mutable_channel();
  HEARTH_ASSIGN_OR_RETURN(const uint32_t service, ParseNumber(row.Get(0), 65535, "service_id"));
  if (service == 0) return InvalidField("service_id", "must be a number from 1 to 65535");
  if (row.Get(1).empty()) return InvalidField("name", "must not be empty");
  HEARTH_ASSIGN_OR_RETURN(const v1::Channel::Kind kind, ToKind(row.Get(3)));
  const std::string_view province = row.Get(5);
  if (!province.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const RegionCode code, ParseRegionCode(province, "province"));
    if (LevelOf(code) != RegionLevel::kProvince) return InvalidField("province", "must be two digits");
  }
  HEARTH_RETURN_IF_ERROR(CheckScope(row.Get(4), !province.empty()));
  channel.set_service_id(service);
  channel.set_name(std::string(row.Get(1)));
  channel.set_name_zh(std::string(row.Get(2)));
  channel.set_kind(kind);
  channel.set_province(std::string(province));
  return out;
}

v1::RosterRow ToRosterRow(const import::RosterRow& row) {
  v1::RosterRow out;
  out.set_line(row.line);
  v1::FivePartForm& form = *out.mutable_form();
  form.set_form_number(row.form_number);
  form.mutable_person()->set_name(row.name);
  form.mutable_person()->set_person_id(row.person_id);
  form.mutable_person()->set_phone(row.phone);
  form.mutable_person()->set_address(row.address);
  // The numbers of both enums are the same.
  form.mutable_person()->set_subsidy_class(static_cast<v1::Person::SubsidyClass>(row.subsidy));
  form.set_village(ToString(row.village));
  if (row.natural_village != 0) form.set_village(fmt::format("{}{:02}", form.village(), row.natural_village));
  form.set_card_number(ToString(row.card));
  form.set_box_serial(ToString(row.box));
  form.set_sim_number(ToString(row.sim));
  return out;
}

v1::RegionRow ToRegionRow(const import::RegionRow& row) {
  v1::RegionRow out;
  out.set_line(row.line);
  out.mutable_region()->set_code(ToString(row.code));
  out.mutable_region()->set_name(row.name);
  if (row.parent.value != 0) out.mutable_region()->set_parent(ToString(row.parent));
  out.mutable_region()->set_level(LevelName(row.level));
  return out;
}

}  // namespace

Result<FileRows<BatchRow>> ReadBatches(std::string_view text) {
  static const std::array<import::Column, 4> columns = {{{"batch", {"批次"}},
                                                         {"first_card", {"首卡号"}},
                                                         {"last_card", {"末卡号"}},
                                                         {"master_key", {"主密钥"}}}};
  return ReadTable<BatchRow>(text, columns, {}, ToBatch);
}

Result<FileRows<v1::StockRow>> ReadCardStock(std::string_view text) {
  return Converted<v1::StockRow>(import::ParseCardStock(text, Limits()), [](const import::CardStockRow& row) {
    v1::StockRow out;
    out.set_line(row.line);
    out.mutable_card()->set_card_number(ToString(row.card));
    out.mutable_card()->set_batch(row.batch.value);
    return out;
  });
}

Result<FileRows<v1::StockRow>> ReadBoxStock(std::string_view text) {
  return Converted<v1::StockRow>(import::ParseBoxStock(text, Limits()), [](const import::BoxStockRow& row) {
    v1::StockRow out;
    out.set_line(row.line);
    out.mutable_box()->set_box_serial(ToString(row.box));
    out.mutable_box()->set_encrypted_serial(fmt::format("{:011}", row.encrypted_serial));
    out.mutable_box()->set_imei(fmt::format("{:015}", row.imei));
    out.mutable_box()->set_model(row.model);
    out.mutable_box()->set_chip_key(std::string(AsChars(row.chip_key)));
    return out;
  });
}

Result<FileRows<v1::StockRow>> ReadSimStock(std::string_view text) {
  return Converted<v1::StockRow>(import::ParseSimStock(text, Limits()), [](const import::SimStockRow& row) {
    v1::StockRow out;
    out.set_line(row.line);
    out.mutable_sim()->set_sim_number(ToString(row.sim));
    out.mutable_sim()->set_iccid(row.iccid);
    return out;
  });
}

Result<FileRows<v1::RosterRow>> ReadRoster(std::string_view text) {
  return Converted<v1::RosterRow>(import::ParseRoster(text, Limits()), ToRosterRow);
}

Result<FileRows<v1::RegionRow>> ReadRegions(std::string_view text) {
  auto out = Converted<v1::RegionRow>(import::ParseRegions(text, Limits()), ToRegionRow);
  if (!out) return out;
  std::stable_sort(out->rows.begin(), out->rows.end(), [](const v1::RegionRow& a, const v1::RegionRow& b) {
    return a.region().code().size() < b.region().code().size();
  });
  return out;
}

Result<FileRows<v1::ChannelRow>> ReadChannels(std::string_view text) {
  static const std::array<import::Column, 6> columns = {{{"service_id", {"频道号"}},
                                                         {"name", {"频道"}},
                                                         {"name_zh", {"中文名"}, false},
                                                         {"kind", {"类型"}, false},
                                                         {"scope", {"范围"}, false},
                                                         {"province", {"省代码"}, false}}};
  return ReadTable<v1::ChannelRow>(text, columns, {.short_rows = true}, ToChannel);
}

Result<FileRows<PlanRow>> ReadPlan(std::string_view text) {
  static const std::array<import::Column, 9> columns = {{{"channel", {"频道", "service_id"}},
                                                         {"kind", {"类型"}},
                                                         {"start", {"开始"}},
                                                         {"end", {"结束"}},
                                                         {"mode", {"方式"}, false},
                                                         {"product", {"产品"}, false},
                                                         {"region", {"地区"}, false},
                                                         {"title", {"节目"}, false},
                                                         {"event_id", {"节目号"}, false}}};
  return ReadTable<PlanRow>(text, columns, {.short_rows = true}, ToPlanRow);
}

google::protobuf::Timestamp ToTimestamp(UnixMillis time) {
  google::protobuf::Timestamp out;
  out.set_seconds(time.value / 1000);
  out.set_nanos(static_cast<int32_t>(time.value % 1000 * 1'000'000));
  return out;
}

Result<FileRows<std::string>> ReadCells(std::string_view text) {
  return Converted<std::string>(import::ParseCells(text, Limits()), CellText);
}

Result<FileRows<std::string>> ReadVillages(std::string_view text) {
  static const std::array<import::Column, 1> columns = {{{"village", {"code", "村代码"}}}};
  return ReadTable<std::string>(
      text, columns, {.header_optional = true}, [](const import::TableRow& row) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(const geofence::PlaceCode code, geofence::ParsePlaceCode(row.Get(0)));
        return ToString(code);
      });
}

std::string CellText(const import::CellRow& cell) {
  return fmt::format("{}:{:03}:{:0{}}:{}:{}", RadioName(cell.radio), cell.mcc, cell.mnc, cell.mnc_digits,
                     cell.area, cell.cell);
}

Result<FileRows<v1::VillageRow>> ReadPlannedHomes(std::string_view text) {
  static const std::vector<import::Column> columns = {
      {"village", {"code", "村代码", "自然村代码"}},
      {"planned_homes", {"planned", "homes", "计划户数", "摸底户数"}},
  };
  return ReadTable<v1::VillageRow>(
      text, columns, {.header_optional = true}, [](const import::TableRow& row) -> Result<v1::VillageRow> {
        v1::VillageRow out;
        out.set_line(row.line());
        HEARTH_ASSIGN_OR_RETURN(const auto place, geofence::ParsePlaceCode(row.Get(0)));
        out.set_village(ToString(place));
        HEARTH_ASSIGN_OR_RETURN(const uint32_t homes, ParseNumber(row.Get(1), 10'000'000, "planned_homes"));
        out.set_planned_homes(homes);
        return out;
      });
}

Result<FileRows<v1::VillageRow>> ReadPlaces(std::string_view text) {
  static const std::vector<import::Column> columns = {
      {"village", {"code", "村代码", "自然村代码"}},
      {"longitude", {"lon", "经度"}},
      {"latitude", {"lat", "纬度"}},
  };
  return ReadTable<v1::VillageRow>(
      text, columns, {.header_optional = true}, [](const import::TableRow& row) -> Result<v1::VillageRow> {
        v1::VillageRow out;
        out.set_line(row.line());
        HEARTH_ASSIGN_OR_RETURN(const auto place, geofence::ParsePlaceCode(row.Get(0)));
        out.set_village(ToString(place));
        HEARTH_ASSIGN_OR_RETURN(const double longitude, ParseDegrees(row.Get(1), 180, "longitude"));
        HEARTH_ASSIGN_OR_RETURN(const double latitude, ParseDegrees(row.Get(2), 90, "latitude"));
        out.mutable_place()->set_longitude(longitude);
        out.mutable_place()->set_latitude(latitude);
        return out;
      });
}

}  // namespace hearth::ctl
