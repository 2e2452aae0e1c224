// The register of cells, to and from the messages of the API. Pure functions; any thread.
#pragma once

#include <hearth/v1/survey.pb.h>

#include "src/app/survey.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::rpc {

// Without actor and dry run. FIELD_INVALID, FIELD_MISSING.
Result<survey::NewImport> NewImportFrom(const v1::ImportSurveyHeader& header, const Limits& limits);
// FIELD_INVALID naming `field`.
Result<RequestId> ImportIdFrom(const std::string& text);

v1::SurveyImport ToProto(const survey::ImportState& state);
v1::SurveyCell ToProto(const survey::Row& row);
v1::ListOfCell ToProto(const geofence::ListRef& list);
// The whole register in numbers; all 0 for nullptr.
v1::GetSurveyStatusResponse StatusOf(const survey::Table* table);

}  // namespace hearth::rpc
