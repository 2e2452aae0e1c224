// What hearthctl prints of villages.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "hearth/v1/geofence.pb.h"
#include "tools/ctl/session.h"

namespace hearth::ctl {

void PrintVillages(Session& session,
                   const google::protobuf::RepeatedPtrField<hearth::v1::VillageInfo>& villages);

}  // namespace hearth::ctl
