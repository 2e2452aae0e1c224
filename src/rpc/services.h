// The services of hearth.v1, one file each: they check limits, convert, call src/app and convert back.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "src/app/head_end.h"
#include "src/rpc/call_context.h"

namespace hearth::rpc {

// What GetStatus tells about the daemon itself.
struct SiteInfo {
  std::string version;
  std::string site;
};

// What is passed must outlive the service. Any thread.
std::unique_ptr<grpc::Service> MakeRegistryService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeScheduleService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeEntitlementService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeGeofenceService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeLocationService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeInterventionService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeRolloutService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeHomeService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeAdminService(Front& front, app::HeadEnd& head_end, SiteInfo info);
std::unique_ptr<grpc::Service> MakeStatsService(Front& front, app::HeadEnd& head_end);
std::unique_ptr<grpc::Service> MakeSurveyService(Front& front, app::HeadEnd& head_end);

// Waits until the views have seen the change behind a revision token, at most 5 s or until the call's
// deadline. An empty token waits for nothing. FIELD_INVALID, OVERLOADED.
Status WaitForRevision(app::HeadEnd& head_end, const Call& call, const std::string& revision_token);

}  // namespace hearth::rpc
