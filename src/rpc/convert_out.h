// From the types of src/app to the messages of the API. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>
#include <hearth/v1/admin.pb.h>
#include <hearth/v1/common.pb.h>
#include <hearth/v1/entitlement.pb.h>
#include <hearth/v1/geofence.pb.h>
#include <hearth/v1/intervention.pb.h>
#include <hearth/v1/location.pb.h>
#include <hearth/v1/registry.pb.h>
#include <hearth/v1/schedule.pb.h>

#include "src/app/audit.h"
#include "src/app/emergency.h"
#include "src/app/evict.h"
#include "src/app/geo.h"
#include "src/app/location.h"
#include "src/app/plans.h"
#include "src/app/pump.h"
#include "src/app/reconcile.h"
#include "src/app/registry.h"
#include "src/app/request.h"
#include "src/app/row.h"
#include "src/app/views.h"

namespace hearth::rpc {

google::protobuf::Timestamp ToTimestamp(UnixMillis time);
v1::Changed ToProto(const app::Change& change);
v1::Standing ToProto(entitlement::Standing standing);
v1::StandingReason ToProto(entitlement::StandingReason reason);
v1::Verdict ToProto(geofence::Verdict verdict);

// One result for each row, and how many there are of each outcome. Response has rows, done, existed, refused.
template <typename Response>
void FillRows(const std::vector<app::RowResult>& rows, Response& response);
// The results alone.
void AddRows(const std::vector<app::RowResult>& rows, google::protobuf::RepeatedPtrField<v1::RowResult>& out);

v1::Account ToProto(const app::AccountView& view);
v1::CardStatus ToProto(const records::CardRecord& record);
v1::AccountSummary ToProto(const app::AccountSummary& summary);

v1::AccessCriteria ToProto(const entitlement::Criteria& criteria);
// "6401" of 640100; empty of 0.
std::string DivisionText(uint32_t division);
v1::Channel ToProto(const entitlement::Channel& channel);
// `epoch`: the one on air.
v1::Package ToProto(const entitlement::Package& package, Epoch epoch);
v1::Product ToProto(const entitlement::Product& product);
v1::PushPlanResponse ToProto(const app::PlanPushed& pushed);
v1::GetInForceResponse ToProto(const app::InForce& in_force);
v1::PlanWindow ToProto(const app::PlannedWindow& window);

v1::EvictCardsResponse ToProto(const app::EvictionAnswer& done, uint32_t rate_kbps);

v1::Emergency ToProto(const app::EmergencyView& view);

v1::Delivery ToProto(const app::Delivery& delivery);
// Without time and bound.
v1::GetCarouselResponse ToProto(const app::AirStatus& air);

v1::Region ToProto(const geofence::Region& region, const geofence::RegionTree& tree);
v1::Area ToProto(const app::AreaView& view);
v1::CellList ToProto(const records::CellListHead& head);
v1::UnknownCell ToProto(const app::UnknownCell& cell);

v1::ReportResponse ToProto(const app::ReportAnswer& answer);
v1::ExplainResponse ToProto(const app::Explanation& explanation);
v1::Intervention ToProto(const app::InterventionEvent& event);

v1::RegionCounts ToProto(const app::RegionCounts& counts, const geofence::RegionTree& tree);
v1::AuditEntry ToProto(const app::AuditView& view);
// Without the differences themselves.
v1::ReconcileSummary ToProto(const app::ReconcileReport& report);

}  // namespace hearth::rpc
