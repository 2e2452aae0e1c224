// hearthctl survey import: a list of cells, sent as it is read.
#pragma once

#include <string>

#include "hearth/v1/survey.pb.h"
#include "tools/ctl/session.h"

namespace hearth::ctl {

struct SurveyImportFlags {
  std::string file;
  std::string source = "crowd";
  std::string rejects;
  std::string resume;
  std::string as_of;
  ChangeFlags change;
};

// Reads the file once for each try, from its start, so that rejects and summary are whole; sends what the
// head-end does not have yet. Memory does not grow with the file.
int RunSurveyImport(Session& session, const SurveyImportFlags& flags);

// "telco", "collector", "crowd".
std::string SourceName(hearth::v1::SurveySource source);
// What an import did, as far as it is known.
void PrintImport(Session& session, const hearth::v1::SurveyImport& import);
// Name of the operator of a Chinese network, else "-": "460-00", "lte:460:00:33301:26879745".
std::string OperatorOfNetwork(const std::string& network);
std::string OperatorOf(const std::string& cell);

}  // namespace hearth::ctl
