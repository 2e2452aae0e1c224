#include "tests/crash/client.h"

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace hearth::crash {

std::string Verdict::Text() const {
  switch (fate) {
    case Fate::kDone:
      return "done";
    case Fate::kRefused:
      return fmt::format("refused {} ({})", reason, message);
    case Fate::kNoAnswer:
      return fmt::format("no answer ({})", message);
  }
  return "";
}

Verdict VerdictOf(const grpc::Status& status) {
  if (status.ok()) return {.fate = Fate::kDone, .reason = {}, .message = {}};
  Verdict verdict{.fate = Fate::kNoAnswer, .reason = {}, .message = status.error_message()};
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return verdict;
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    if (!any.UnpackTo(&info)) continue;
    verdict.fate = Fate::kRefused;
    verdict.reason = info.reason();
  }
  return verdict;
}

Client::Client(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Channels to one address share a connection otherwise.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  registry = v1::RegistryService::NewStub(channel);
  schedule = v1::ScheduleService::NewStub(channel);
  geofence = v1::GeofenceService::NewStub(channel);
  location = v1::LocationService::NewStub(channel);
  admin = v1::AdminService::NewStub(channel);
  stats = v1::StatsService::NewStub(channel);
}

void Client::Prepare(grpc::ClientContext& context, const std::string& actor) {
  context.AddMetadata("hearth-actor", actor);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
}

}  // namespace hearth::crash
