// Villages, homes and areas with all that is known of them, to and from the messages of the API. Pure
// functions; any thread.
#pragma once

#include <hearth/v1/geofence.pb.h>
#include <hearth/v1/survey.pb.h>

#include "src/app/area_info.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::rpc {

Result<geofence::VillageEdit> VillageEditFrom(const v1::VillageRow& row, const Limits& limits);

v1::VillageInfo ToProto(const app::VillageView& view);
v1::DescribeAreaResponse ToProto(const app::AreaInfo& info, bool with_cells);
v1::HomesCount ToProto(const app::HomesCount& count);
v1::GetHomesResponse ToProto(const app::Homes& homes, const geofence::RegionTree& regions);
v1::ProposedCell ToProto(const app::ProposedCell& cell, AreaId area);

}  // namespace hearth::rpc
