// Access criteria in words.
#pragma once

#include <string>

#include "hearth/v1/schedule.pb.h"

namespace hearth::ctl {

// "product 7, only 6401".
std::string CriteriaText(const hearth::v1::AccessCriteria& criteria);

}  // namespace hearth::ctl
