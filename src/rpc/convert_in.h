// From the messages of the API to the types of src/app. Strict: every field is checked for length, digits,
// range and known enum value. Errors name fields by their path as the caller wrote it; all fields at fault of
// a message are named at once. What needs the state of the head-end is left to src/app.
//
// Pure functions; any thread. The domain's types come with the headers of src/app.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>
#include <hearth/v1/common.pb.h>
#include <hearth/v1/entitlement.pb.h>
#include <hearth/v1/geofence.pb.h>
#include <hearth/v1/location.pb.h>
#include <hearth/v1/registry.pb.h>
#include <hearth/v1/schedule.pb.h>

#include "src/app/ecm_service.h"
#include "src/app/emergency.h"
#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/app/location.h"
#include "src/app/plans.h"
#include "src/app/registry.h"
#include "src/base/field_errors.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::rpc {

// Reason, approver and their sizes. SECOND_APPROVER_NEEDED when the approver is the actor.
Status CheckChange(const v1::Change& change, std::string_view actor, const Limits& limits);

// The number of rows of a bulk call, each with a line of its own: FIELD_MISSING, FIELD_INVALID,
// LIMIT_EXCEEDED.
template <typename Row>
Status CheckRows(const google::protobuf::RepeatedPtrField<Row>& rows, const Limits& limits);

// 0 means 100.
Result<size_t> PageSizeFrom(const v1::Page& page, const Limits& limits);
// 0 means `by_default`.
Result<size_t> ListLimitFrom(uint32_t limit, size_t by_default, const Limits& limits);
// Empty: none.
Result<std::optional<RegionCode>> RegionFilterFrom(std::string_view text);
Result<std::optional<AreaId>> AreaFilterFrom(std::string_view text);
Result<std::optional<CardNumber>> CardFilterFrom(std::string_view text);

// Fields are named from "form" on, in a roster as well.
Result<entitlement::Form> FormFrom(const v1::FivePartForm& form, const Limits& limits);
// Numbers left empty are 0: they stay.
Result<entitlement::Devices> SwapFrom(const v1::SwapDeviceRequest& request);
Result<app::StockItem> StockItemFrom(const v1::StockRow& row, const Limits& limits);
Result<app::KeyKeeper::NewBatch> BatchFrom(const v1::ImportBatchRequest& request);

// 1 to 65535.
Result<uint16_t> Number16(uint32_t value, std::string_view field);
// A division of 2, 4 or 6 digits, filled with zeros at the right to 6; 0 for an empty text.
Result<uint32_t> DivisionFrom(std::string_view text, std::string_view field);
// Fields are named from `prefix` "criteria." on.
entitlement::Criteria CriteriaFrom(const v1::AccessCriteria& criteria, const std::string& prefix,
                                   FieldErrors& errors);
Result<entitlement::Channel> ChannelFrom(const v1::Channel& channel);
Result<entitlement::Package> PackageFrom(const v1::Package& package);
Result<app::EcmOrder> EcmFrom(const v1::IssueEcmRequest& request, const Limits& limits);

struct EvictOrder {
  std::vector<CardNumber> cards;
  uint32_t rate_kbps = 0;
};
Result<EvictOrder> EvictFrom(const v1::EvictCardsRequest& request, const Limits& limits);

Result<entitlement::Product> ProductFrom(const v1::Product& product);
// What is wrong with an item stands in its place; the call itself fails only by its own fields.
Result<app::PlanPush> PlanPushFrom(const v1::PushPlanRequest& request, const Limits& limits);
struct InForceQuery {
  app::ChannelRef channel;
  UnixMillis at;
};
Result<InForceQuery> InForceQueryFrom(const v1::GetInForceRequest& request, UnixMillis now);
struct PlanQuery {
  std::optional<app::ChannelRef> channel;
  UnixMillis from;
  UnixMillis to;
};
Result<PlanQuery> PlanQueryFrom(const v1::ListPlanRequest& request);

// Whole milliseconds after 1970 and before the year 10000.
Result<UnixMillis> TimeFrom(const google::protobuf::Timestamp& time, const std::string& field);
// What is to be proposed; fields are named from "emergency." on.
Result<entitlement::Emergency> EmergencyFrom(const v1::Emergency& emergency);

// Level and parent may be left out: the code says them. If they are there they must agree with it.
Result<geofence::Region> RegionFrom(const v1::Region& region, const Limits& limits);
// Empty: every level.
Result<std::optional<RegionLevel>> RegionLevelFrom(std::string_view text);
Result<geofence::NewArea> NewAreaFrom(const v1::CreateAreaRequest& request, const Limits& limits);
Result<geofence::AreaState> AreaStateFrom(v1::AreaState state, std::string_view field);
Result<geofence::ListKind> ListKindFrom(v1::ListKind kind, std::string_view field);
// Without the cells.
Result<app::PutCellList> ListHeaderFrom(const v1::PutCellListHeader& header, const Limits& limits);
// Adds the cells of one message; errors count cells over the whole call ("cells[1007]").
Status AddCells(const v1::CellBatch& batch, const Limits& limits, std::vector<geofence::Cell>& cells);

// Into `out`, whatever was in it, whose memory is used again. FIELD_INVALID, FIELD_MISSING, LIMIT_EXCEEDED.
Status ReportFrom(const v1::ReportRequest& request, const Limits& limits, app::Report& out);

}  // namespace hearth::rpc
