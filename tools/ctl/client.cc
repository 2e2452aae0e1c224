#include "tools/ctl/client.h"

#include <array>

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/security/credentials.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace hearth::ctl {
namespace {

// A whole cell list (Limits::cells_per_list cells of some 30 bytes) comes in one answer.
constexpr int kMaxAnswerBytes = 64 * 1024 * 1024;
constexpr std::array<const char*, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

std::string NameOfCode(grpc::StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kCodeNames.size() ? kCodeNames[index] : fmt::format("CODE_{}", index);
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ClientOptions& options) {
  if (options.insecure) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.ca_pem;
  ssl.pem_cert_chain = options.cert_pem;
  ssl.pem_private_key = options.key_pem;
  return grpc::SslCredentials(ssl);
}

void ReadDetails(const grpc::Status& status, Failure& failure) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return;
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    if (any.UnpackTo(&info)) {
      failure.reason = info.reason();
      const auto cure = info.metadata().find("cure");
      if (cure != info.metadata().end()) failure.cure = cure->second;
      const auto viewer = info.metadata().find("viewer_code");
      if (viewer != info.metadata().end()) failure.viewer_code = viewer->second;
    } else if (any.UnpackTo(&bad)) {
      for (const auto& field : bad.field_violations()) {
        failure.fields.push_back({field.field(), field.description()});
      }
    }
  }
}

void DropLog(gpr_log_func_args* /*args*/) {}

}  // namespace

Client::Client(ClientOptions options) : options_(std::move(options)) {
  // The library reports to stderr what we report ourselves; whoever sets its variable wants to see it.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function(DropLog);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // Our own retries come 100 ms to 2 s apart; each must really try to connect. (The "minimum" stays as it is:
  // it is the time that one attempt gets.)
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  channel_ = grpc::CreateCustomChannel(options_.server, Credentials(options_), arguments);
}

void Client::Prepare(grpc::ClientContext& context, std::optional<std::chrono::milliseconds> timeout) const {
  if (timeout) context.set_deadline(std::chrono::system_clock::now() + *timeout);
  if (options_.insecure && !options_.actor.empty()) context.AddMetadata("hearth-actor", options_.actor);
}

Failure Client::Decode(const grpc::Status& status) const {
  Failure failure;
  failure.code = NameOfCode(status.error_code());
  failure.message = status.error_message();
  ReadDetails(status, failure);
  if (const ReasonInfo* known = FindReason(failure.reason)) {
    if (failure.cure.empty()) failure.cure = std::string(known->cure);
    if (failure.viewer_code.empty()) failure.viewer_code = std::string(known->viewer);
  }
  const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  const bool late = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  failure.retryable = unavailable || failure.reason == InfoOf(Reason::kOverloaded).name;
  if (!failure.reason.empty()) return failure;
  if (unavailable || late) failure.exit_code = kExitUnreachable;
  if (unavailable) {
    failure.cure = fmt::format(
        "Check that hearthd runs and that {} is its address (--server, --port-file) "
        "and speaks the same way (--insecure or --ca, --cert, --key).",
        options_.server);
  } else if (late) {
    failure.cure = "The head-end did not answer in time: give it longer with --timeout.";
  } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    failure.cure = "This head-end does not have this call: is it older than hearthctl?";
  }
  return failure;
}

}  // namespace hearth::ctl
