// Rollouts, policy, successors and alarms: between the messages of the API and the types of src/app. Pure
// functions; any thread.
#pragma once

#include <string_view>

#include <hearth/v1/intervention.pb.h>
#include <hearth/v1/rollout.pb.h>

#include "src/app/alarms.h"
#include "src/app/held.h"
#include "src/app/rollouts.h"
#include "src/base/limits.h"

namespace hearth::rpc {

// 2, 4 or 6 digits as the number they make (64, 6401, 640122); 0 for an empty text. FIELD_INVALID.
Result<uint32_t> PlainDivisionFrom(std::string_view text, std::string_view field);

// Without the cells. Fields are named from "header." on.
Result<app::WantedChange> WantedChangeFrom(const v1::ProposeHeader& header, const Limits& limits);
// Adds the cells of one message; the list must be one of the header's.
Status AddCells(const v1::ListCells& cells, const Limits& limits, app::WantedChange& wanted);
Result<intervention::PolicyBook> PolicyFrom(const v1::Policy& policy, const Limits& limits);
Result<intervention::Staging> StagingFrom(const v1::ActivateRolloutRequest& request, const Limits& limits);
Result<app::SuccessorFilter> SuccessorFilterFrom(std::string_view area, std::string_view division);

v1::Policy ToProto(const intervention::PolicyBook& policy);
v1::Rollout ToProto(const app::RolloutView& view);
v1::AffectedCard ToProto(const app::AffectedCard& card, const app::CellNumbers& cells);
v1::Successor ToProto(const app::Successor& successor);
v1::AcceptSuccessorsResponse ToProto(const app::Accepted& accepted);
v1::Alarm ToProto(const records::Alarm& alarm);

}  // namespace hearth::rpc
