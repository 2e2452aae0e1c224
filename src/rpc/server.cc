#include "src/rpc/server.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// A connection that is silent this long is asked whether it still lives; behind a home's or office's
// address translation dead ones are the rule.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// Clients may ask as often as that.
constexpr int kClientKeepaliveMs = 10'000;

constexpr std::chrono::milliseconds kLastAnswers(200);

Result<std::string> ReadFile(const std::filesystem::path& path, std::string_view key) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.empty()) {
    return Error(Reason::kFileUnreadable,
                 fmt::format("{}: {} cannot be read, or is empty", key, path.string()));
  }
  return text;
}

Result<std::shared_ptr<grpc::ServerCredentials>> CredentialsFor(const ServerOptions& options) {
  if (!options.tls) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair own;
  HEARTH_ASSIGN_OR_RETURN(own.cert_chain, ReadFile(options.tls->certificate, "grpc.tls_certificate"));
  HEARTH_ASSIGN_OR_RETURN(own.private_key, ReadFile(options.tls->key, "grpc.tls_key"));
  HEARTH_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(options.tls->client_ca, "grpc.tls_client_ca"));
  tls.pem_key_cert_pairs.push_back(std::move(own));
  return grpc::SslServerCredentials(tls);
}

void SetUp(grpc::ServerBuilder& builder, const Limits& limits) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.grpc_message_bytes));
  builder.SetMaxSendMessageSize(-1);  // a list of 200,000 cells is one answer
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two daemons on one port would share the calls between them.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A call holds a thread: more than both limits allow need none, as they are refused at once.
  constexpr size_t kSpareThreads = 64;
  grpc::ResourceQuota quota("hearth");
  quota.SetMaxThreads(static_cast<int>(limits.requests_in_flight + limits.open_watches +
                                       limits.report_streams + kSpareThreads));
  builder.SetResourceQuota(quota);
}

}  // namespace

struct Server::Impl {
  Impl(FrontOptions options, const Clock& clock, RandomSource& random, MetricsRegistry& metrics, Logger& log)
      : front(options, clock, random, metrics, log) {}

  Front front;
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::Start(app::HeadEnd& head_end, const ServerOptions& options,
                                              const Clock& clock, RandomSource& random,
                                              MetricsRegistry& metrics, Logger& log) {
  const FrontOptions front_options{.limits = options.limits, .insecure_development = !options.tls};
  auto impl = std::make_unique<Impl>(front_options, clock, random, metrics, log);
  Front& front = impl->front;
  impl->services.push_back(MakeRegistryService(front, head_end));
  impl->services.push_back(MakeScheduleService(front, head_end));
  impl->services.push_back(MakeEntitlementService(front, head_end));
  impl->services.push_back(MakeGeofenceService(front, head_end));
  impl->services.push_back(MakeLocationService(front, head_end));
  impl->services.push_back(MakeInterventionService(front, head_end));
  impl->services.push_back(MakeRolloutService(front, head_end));
  impl->services.push_back(MakeHomeService(front, head_end));
  impl->services.push_back(
      MakeAdminService(front, head_end, {.version = options.version, .site = options.site}));
  impl->services.push_back(MakeStatsService(front, head_end));
  impl->services.push_back(MakeSurveyService(front, head_end));

  HEARTH_ASSIGN_OR_RETURN(const auto credentials, CredentialsFor(options));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetUp(builder, options.limits);
  int port = 0;
  builder.AddListeningPort(ToString(options.listen), credentials, &port);
  for (const auto& service : impl->services) builder.RegisterService(service.get());
  impl->server = builder.BuildAndStart();
  if (!impl->server || port == 0) {
    return Error(
        Reason::kConfigValueInvalid,
        fmt::format("grpc.listen: cannot serve on {}: is the address this host's, and free? With TLS: "
                    "do certificate and key belong together?",
                    ToString(options.listen)));
  }
  std::unique_ptr<Server> server(new Server(std::move(impl)));
  server->listening_ = {options.listen.host, static_cast<uint16_t>(port)};
  return server;
}

void Server::Drain() {
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(false);
}

void Server::Shutdown(std::chrono::milliseconds patience) {
  Drain();
  // gRPC's own patience lasts as long as a client keeps an idle connection, so the calls are waited for
  // here, and gRPC is given only what the last answers need to leave.
  impl_->front.WaitUntilIdle(patience);
  impl_->server->Shutdown(std::chrono::system_clock::now() + std::min(patience, kLastAnswers));
  impl_->server->Wait();
}

Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

}  // namespace hearth::rpc
