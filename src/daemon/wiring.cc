#include "src/daemon/wiring.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "src/app/head_end.h"
#include "src/base/mutex.h"
#include "src/crypto/random.h"
#include "src/crypto/wrap.h"
#include "src/daemon/activation.h"
#include "src/gateway/ecm_lane.h"
#include "src/gateway/ecmg_server.h"
#include "src/gateway/emmg_output.h"
#include "src/gateway/lane_file.h"
#include "src/gateway/section_outputs.h"
#include "src/metrics/metrics.h"
#include "src/rpc/server.h"
#include "src/store/memory_store.h"
#include "src/store/rocks/rocks_store.h"

namespace hearth::daemon {
namespace {

constexpr char kMemoryStoreWarning[] = "the store is in memory: everything is gone when the daemon stops";
constexpr char kInsecureWarning[] =
    "NO TLS AND NO AUTHENTICATION: whoever connects may do everything, under any name; for development only";

// The same error, with the key of the configuration in front.
Error AtKey(std::string_view key, const Error& error) {
  Error out(error.reason(), fmt::format("{}: {}", key, error.message()));
  return std::move(out).Detail(error.detail());
}

Result<crypto::MasterKey> ReadMasterKey(const Config::Keys& keys) {
  if (!keys.master_key_file.empty()) {
    auto key = crypto::MasterKey::FromFile(keys.master_key_file.string());
    if (!key) return AtKey("keys.master_key_file", key.error());
    return key;
  }
  // Read once, before any thread that could change the environment.
  const char* text = std::getenv(keys.master_key_env.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) {
    return Error(Reason::kConfigMissing,
                 fmt::format("keys.master_key_env: the environment has no variable {}", keys.master_key_env));
  }
  auto key = crypto::MasterKey::FromText(text, keys.master_key_env);
  if (!key) return AtKey("keys.master_key_env", key.error());
  return key;
}

Result<std::shared_ptr<const app::EmergencySigner>> ReadEmergencySigner(const Config::Emergency& emergency,
                                                                        Logger& log) {
  if (emergency.key_file.empty()) return std::shared_ptr<const app::EmergencySigner>();
  auto key = crypto::SigningKey::FromFile(emergency.key_file.string());
  if (!key) return AtKey("emergency.key_file", key.error());
  // To be compared with what the boxes hold.
  log.Info("emergency.key", {{"key_id", emergency.key_id}, {"public_key", ToHex(key->public_key().bytes())}});
  return std::make_shared<const app::EmergencySigner>(
      app::EmergencySigner{.key_id = emergency.key_id, .key = std::move(*key)});
}

Limits LimitsOf(const Config& config) {
  Limits limits;
  limits.grpc_message_bytes = config.grpc.max_message_bytes;
  limits.requests_in_flight = config.limits.requests_in_flight;
  limits.open_watches = config.limits.open_watches;
  return limits;
}

// Beside the store, so that whoever moves one moves the other; not inside, since the store owns its folder.
std::filesystem::path SurveyDirOf(const Config& config) {
  if (!config.survey.dir.empty()) return config.survey.dir;
  if (config.store.kind == StoreKind::kMemory || config.store.path.empty()) return {};
  const std::filesystem::path store = config.store.path.lexically_normal();
  return (store.has_filename() ? store.parent_path() : store.parent_path().parent_path()) / "survey";
}

app::HeadEndOptions OptionsOf(const Config& config) {
  app::HeadEndOptions options;
  options.owner = fmt::format("{}:{}", config.site.name, ::getpid());
  options.epochs = {.zero = config.epochs.zero, .length = config.epochs.length, .lead = config.epochs.lead};
  options.centre = config.relocation.centre;
  options.emergency_two_people = config.emergency.two_people;
  const Config::Carousel& carousel = config.carousel;
  options.air.kbps = carousel.rate_kbps;
  options.air.stale = carousel.unconfirmed;
  options.air.scheduler.shares = {.individual = carousel.individual / 100.0,
                                  .bulk = carousel.bulk / 100.0,
                                  .change = carousel.change / 100.0,
                                  .service_keys = carousel.service_keys / 100.0,
                                  .groups = carousel.groups / 100.0,
                                  .records = carousel.records / 100.0,
                                  .areas = carousel.areas / 100.0};
  for (const Config::Mux& mux : config.muxes) {
    if (!mux.provinces.empty()) options.air.regions.push_back({mux.name, mux.provinces});
  }
  for (const Config::Gateway& gateway : config.gateways) {
    options.gateways.push_back({.name = gateway.name,
                                .certificates = gateway.certificates,
                                .regions = gateway.regions,
                                .per_second = gateway.per_second});
  }
  options.policy.national.blacklisted_reports = config.policy.blacklisted_reports;
  options.policy.national.blacklisted_gap = config.policy.blacklisted_gap;
  options.policy.national.out_of_area_reports = config.policy.out_of_area_reports;
  options.policy.national.out_of_area_window = config.policy.out_of_area_window;
  options.policy.national.grace_hours = static_cast<uint8_t>(config.policy.grace.count());
  options.limits = LimitsOf(config);
  options.change_records = config.retention.change_records;
  options.site = config.site.name;
  options.archive = config.archive.dir;
  options.survey = SurveyDirOf(config);
  options.archive_segment_bytes = config.archive.segment_mib << 20;
  return options;
}

rpc::ServerOptions ServerOptionsOf(const Config& config) {
  rpc::ServerOptions options;
  options.listen = config.grpc.listen;
  if (!config.site.insecure_development) {
    options.tls = {.certificate = config.grpc.tls_certificate,
                   .key = config.grpc.tls_key,
                   .client_ca = config.grpc.tls_client_ca};
  }
  options.limits = LimitsOf(config);
  options.version = HEARTH_VERSION;
  options.site = config.site.name;
  return options;
}

gateway::EmmgOutputOptions EmmgOptionsOf(const Config::Mux& mux) {
  gateway::EmmgOutputOptions options;
  options.name = mux.name;
  options.mux = mux.address;
  options.udp = mux.udp;
  options.session = mux.session;
  options.session.test_interval = mux.test_interval;
  options.packing = mux.packing;
  options.burst = mux.burst;
  return options;
}

gateway::EcmgServerOptions EcmgOptionsOf(const Config::Ecmg& ecmg) {
  gateway::EcmgServerOptions options;
  options.listen = *ecmg.listen;
  options.super_cas_ids = ecmg.super_cas_ids;
  options.channel = ecmg.channel;
  options.session.idle_timeout = ecmg.idle_timeout;
  options.session.test_interval = ecmg.test_interval;
  options.max_connections = ecmg.max_connections;
  options.max_streams = ecmg.max_streams;
  options.strict_criteria = ecmg.strict_criteria;
  options.overload = ecmg.overload;
  options.threads = ecmg.threads;
  if (!ecmg.tls_certificate.empty()) {
    options.tls = {.certificate = ecmg.tls_certificate, .key = ecmg.tls_key, .client_ca = ecmg.tls_client_ca};
  }
  return options;
}

Result<std::unique_ptr<store::Store>> OpenStore(const Config& config, const Clock& clock,
                                                MetricsRegistry& metrics) {
  if (config.store.kind == StoreKind::kRocksDb) {
    auto store =
        store::OpenRocksStore(config.store.path, clock, metrics, LimitsOf(config), config.store.memory);
    if (!store) return AtKey("store.path", store.error());
    return store;
  }
  return store::OpenMemoryStore(clock, metrics, LimitsOf(config));
}

// Written beside and renamed, so that who waits for the file never reads half of it.
Status WritePortFile(const std::filesystem::path& path, const Ports& ports) {
  const std::string text = fmt::format("{{\"grpc\": {}, \"metrics\": {}, \"sections\": {}, \"ecmg\": {}}}\n",
                                       ports.grpc, ports.metrics, ports.sections, ports.ecmg);
  const std::string beside = path.string() + ".new";
  const auto failed = [&] {
    return Error(Reason::kConfigValueInvalid,
                 fmt::format("grpc.port_file: {} cannot be written", path.string()))
        .Detail(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc's is
  };
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failed();
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(fd) != 0 || !written) return failed();
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed();
  return Ok();
}

}  // namespace

std::string_view Version() { return "hearthd " HEARTH_VERSION; }

// Members are destroyed from the last to the first: what uses comes behind what is used.
struct Daemon::Parts {
  explicit Parts(Logger& logger) : log(logger) {}

  Logger& log;
  crypto::SystemRandom random;
  metrics::PrometheusRegistry metrics;
  std::unique_ptr<metrics::MetricsServer> metrics_server;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<gateway::FileSink> file;
  std::unique_ptr<gateway::BroadcastSink> broadcast;
  std::vector<std::unique_ptr<gateway::EmmgOutput>> muxes;
  std::unique_ptr<app::HeadEnd> head_end;
  std::unique_ptr<gateway::LanePublisher> lanes;
  std::unique_ptr<gateway::LaneReader> lane_reader;
  std::unique_ptr<gateway::EcmLane> ecm_lane;
  std::optional<int> activated;  // the socket that systemd passed, until the ECMG has it
  std::unique_ptr<gateway::EcmgServer> ecmg;
  std::unique_ptr<rpc::Server> server;
  Ports ports;
  std::filesystem::path port_file;

  Status StartMetrics(const Config& config);
  Status StartOutputs(const Config& config);
  Status StartHeadEnd(const Config& config, bool restored, const Clock& clock);
  Status StartAll(const Config& config, bool restored, const Clock& clock);
  Status StartLaneOnly(const Config& config, const Clock& clock, const std::function<bool()>& stop);
  Status StartLanes(const Config& config, const Clock& clock);
  Status StartEcmg(const Config& config);
  Status StartServer(const Config& config, const Clock& clock);
};

Status Daemon::Parts::StartMetrics(const Config& config) {
  metrics
      .GetGauge("hearth_build_info", "Always 1; the label says which version runs.",
                {{"version", HEARTH_VERSION}})
      .Set(1);
  if (!config.metrics.listen) return Ok();
  HEARTH_ASSIGN_OR_RETURN(metrics_server, metrics::MetricsServer::Create(metrics, *config.metrics.listen));
  ports.metrics = metrics_server->listening().port;
  return Ok();
}

Status Daemon::Parts::StartOutputs(const Config& config) {
  if (!config.output.file.empty()) {
    auto sink = gateway::FileSink::Create(config.output.file, log);
    if (!sink) return AtKey("output.file", sink.error());
    file = std::move(*sink);
  }
  if (config.output.listen) {
    HEARTH_ASSIGN_OR_RETURN(broadcast,
                            gateway::BroadcastSink::Create(*config.output.listen, {}, metrics, log));
    ports.sections = broadcast->listening().port;
  }
  for (const Config::Mux& mux : config.muxes) {
    auto output = gateway::EmmgOutput::Create(EmmgOptionsOf(mux), metrics, log);
    if (!output) return AtKey(fmt::format("mux.{}", mux.name), output.error());
    muxes.push_back(std::move(*output));
  }
  if (!file && !broadcast && muxes.empty()) {
    log.Warn("daemon.no_output", {{"effect", "sections for the air are made and thrown away"}});
  }
  return Ok();
}

Status Daemon::Parts::StartHeadEnd(const Config& config, bool restored, const Clock& clock) {
  HEARTH_ASSIGN_OR_RETURN(auto master, ReadMasterKey(config.keys));
  HEARTH_ASSIGN_OR_RETURN(store, OpenStore(config, clock, metrics));
  HEARTH_RETURN_IF_ERROR(StartOutputs(config));
  std::vector<app::SectionSink*> sinks;
  if (file) sinks.push_back(file.get());
  if (broadcast) sinks.push_back(broadcast.get());
  for (const auto& mux : muxes) sinks.push_back(mux.get());
  app::HeadEndOptions options = OptionsOf(config);
  options.restored = restored;
  HEARTH_ASSIGN_OR_RETURN(options.emergency_signer, ReadEmergencySigner(config.emergency, log));
  HEARTH_ASSIGN_OR_RETURN(
      head_end, app::HeadEnd::Create(*store, clock, random, std::move(master), sinks, options, metrics, log));
  return Ok();
}

Status Daemon::Parts::StartLanes(const Config& config, const Clock& clock) {
  if (config.lanes.file.empty()) return Ok();
  auto key = crypto::MasterKey::FromFile(config.lanes.key_file.string());
  if (!key) return AtKey("lanes.key_file", key.error());
  auto started = gateway::LanePublisher::Start({.file = config.lanes.file,
                                                .lanes = config.lanes.registered,
                                                .epochs_ahead = config.lanes.epochs_ahead},
                                               std::move(*key), *head_end, clock, metrics, log);
  if (!started) return AtKey("lanes.file", started.error());
  lanes = std::move(*started);
  return Ok();
}

Status Daemon::Parts::StartEcmg(const Config& config) {
  if (!config.ecmg.listen) return Ok();
  if (config.ecmg.tls_certificate.empty() && !IsLoopback(*config.ecmg.listen)) {
    log.Info("ecmg.clear_link", {{"rule", "control words cross it in clear: it must be a private network"}});
  }
  if (config.ecmg.channel.delay_start_ms < 0 && config.ecmg.channel.cw_per_msg == 2) {
    log.Warn(
        "ecmg.negative_delay_start",
        {{"effect", "the ECM with the present control word leaves the air before its crypto period ends"}});
  }
  if (lane_reader) {
    gateway::LaneReader& lane = *lane_reader;
    ecm_lane = std::make_unique<gateway::EcmLane>(
        gateway::EcmLane::Source{.snapshot = [&lane] { return lane.snapshot(); },
                                 .version = [&lane] { return lane.version(); },
                                 .now = [&lane] { return lane.now(); }});
  } else {
    app::HeadEnd& head = *head_end;
    ecm_lane = std::make_unique<gateway::EcmLane>(
        gateway::EcmLane::Source{.snapshot = [&head] { return head.ecm().snapshot(); },
                                 .version = [&head] { return head.ecm().version(); },
                                 .now = [&head] { return head.clock().OnAir(); }});
  }
  gateway::EcmgServerOptions options = EcmgOptionsOf(config.ecmg);
  options.inherited = std::exchange(activated, std::nullopt);
  HEARTH_ASSIGN_OR_RETURN(ecmg, gateway::EcmgServer::Create(options, *ecm_lane, metrics, log));
  ports.ecmg = ecmg->listening().port;
  return Ok();
}

Status Daemon::Parts::StartServer(const Config& config, const Clock& clock) {
  HEARTH_ASSIGN_OR_RETURN(
      server, rpc::Server::Start(*head_end, ServerOptionsOf(config), clock, random, metrics, log));
  ports.grpc = server->listening().port;
  return Ok();
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() { Stop(std::chrono::milliseconds(0)); }

const Ports& Daemon::ports() const { return parts_->ports; }

Status Daemon::Parts::StartAll(const Config& config, bool restored, const Clock& clock) {
  if (config.site.insecure_development) log.Warn("daemon.insecure", {{"warning", kInsecureWarning}});
  if (config.store.kind == StoreKind::kMemory)
    log.Warn("daemon.memory_store", {{"warning", kMemoryStoreWarning}});
  HEARTH_RETURN_IF_ERROR(StartHeadEnd(config, restored, clock));
  HEARTH_RETURN_IF_ERROR(StartLanes(config, clock));
  HEARTH_RETURN_IF_ERROR(StartEcmg(config));
  return StartServer(config, clock);
}

Status Daemon::Parts::StartLaneOnly(const Config& config, const Clock& clock,
                                    const std::function<bool()>& stop) {
  auto key = crypto::MasterKey::FromFile(config.lanes.key_file.string());
  if (!key) return AtKey("lanes.key_file", key.error());
  lane_reader = gateway::LaneReader::Start({.file = config.lanes.file, .name = config.lanes.name},
                                           std::move(*key), clock, metrics, log, stop);
  return lane_reader ? StartEcmg(config) : Ok();
}

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, Role role, bool restored,
                                              const Clock& clock, Logger& log,
                                              const std::function<bool()>& stop) {
  auto parts = std::make_unique<Parts>(log);
  HEARTH_ASSIGN_OR_RETURN(parts->activated, TakeActivatedSocket());
  if (parts->activated && !config.ecmg.listen) {
    return Error(Reason::kConfigMissing,
                 "ecmg.listen: systemd passes a socket for scramblers, but there is no ECMG to serve it");
  }
  // One that a crash left behind would send people to a port of another time.
  std::error_code ignored;
  if (!config.grpc.port_file.empty()) std::filesystem::remove(config.grpc.port_file, ignored);
  HEARTH_RETURN_IF_ERROR(parts->StartMetrics(config));
  if (role == Role::kEcm) {
    HEARTH_RETURN_IF_ERROR(parts->StartLaneOnly(config, clock, stop));
    if (!parts->ecmg) return std::unique_ptr<Daemon>();
  } else {
    HEARTH_RETURN_IF_ERROR(parts->StartAll(config, restored, clock));
  }
  const Ports& ports = parts->ports;
  if (!config.grpc.port_file.empty()) {
    HEARTH_RETURN_IF_ERROR(WritePortFile(config.grpc.port_file, ports));
    parts->port_file = config.grpc.port_file;
  }
  log.Info("daemon.serving", {{"version", HEARTH_VERSION},
                              {"site", config.site.name},
                              {"role", role == Role::kEcm ? "ecm" : "all"},
                              {"grpc", ports.grpc},
                              {"metrics", ports.metrics},
                              {"sections", ports.sections},
                              {"ecmg", ports.ecmg},
                              {"insecure_development", config.site.insecure_development}});
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

void Daemon::Stop(std::chrono::milliseconds patience) {
  Parts& parts = *parts_;
  if (!parts.server && !parts.ecmg) return;
  parts.log.Info("daemon.stopping");
  std::error_code ignored;  // a stale port file only misleads until the next start
  if (!parts.port_file.empty()) std::filesystem::remove(parts.port_file, ignored);
  if (parts.server) {
    parts.server->Drain();
    parts.head_end->BeginShutdown();
    parts.server->Shutdown(patience);
    parts.server.reset();
  }
  parts.ecmg.reset();  // answers to the end
  parts.lane_reader.reset();
  parts.lanes.reset();
  parts.head_end.reset();
  parts.muxes.clear();
  parts.broadcast.reset();
  parts.file.reset();
  parts.store.reset();
  parts.log.Info("daemon.stopped");
}

}  // namespace hearth::daemon
