#include "src/daemon/config.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "src/daemon/config_reader.h"
#include "src/daemon/config_toml.h"

namespace hearth::daemon {
namespace {

// A configuration is a few KiB; more is a wrong file.
constexpr size_t kMaxFileBytes = 1024 * 1024;
constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;

bool IsProvince(std::string_view text) { return text.size() == 2 && ParseRegionCode(text).has_value(); }

bool IsEnvironmentName(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void ReadSite(ConfigReader& in, Config::Site& site) {
  in.Section("site");
  in.Text("name", &site.name, "1 to 64 bytes of text",
          [](std::string_view text) { return !text.empty() && text.size() <= 64; });
  std::string province;
  in.Text("province", &province, "the two digits of the province's division code, such as \"64\"",
          IsProvince);
  if (!province.empty()) site.province = *ParseRegionCode(province);
  in.Flag("insecure_development", &site.insecure_development);
}

void ReadStoreAndKeys(ConfigReader& in, Config& config) {
  in.Section("store");
  in.OneOf<StoreKind>("kind", &config.store.kind,
                      {{"rocksdb", StoreKind::kRocksDb}, {"memory", StoreKind::kMemory}});
  in.Path("path", &config.store.path);
  in.Number("cache_mib", &config.store.memory.cache_mib, 8, 65'536, "MiB");
  in.Number("write_buffer_mib", &config.store.memory.write_buffer_mib, 4, 1024, "MiB");
  in.Section("keys");
  in.Path("master_key_file", &config.keys.master_key_file);
  in.Text("master_key_env", &config.keys.master_key_env,
          "the name of an environment variable: A to Z, 0 to 9 and _", IsEnvironmentName);
}

void ReadServers(ConfigReader& in, Config& config) {
  in.Section("grpc");
  in.Address("listen", &config.grpc.listen);
  in.Path("port_file", &config.grpc.port_file);
  in.Path("tls_certificate", &config.grpc.tls_certificate);
  in.Path("tls_key", &config.grpc.tls_key);
  in.Path("tls_client_ca", &config.grpc.tls_client_ca);
  in.Number("max_message_bytes", &config.grpc.max_message_bytes, 64 * kKiB, 64 * kMiB, "bytes");
  in.Section("metrics");
  in.Address("listen", &config.metrics.listen);
  in.Section("output");
  in.Path("file", &config.output.file);
  in.Address("listen", &config.output.listen);
  in.OneOf<OutputMode>("mode", &config.output.mode, {{"sections", OutputMode::kSections}});
}

void ReadRules(ConfigReader& in, Config& config) {
  in.Section("epochs");
  in.Number("length_days", &config.epochs.length, 1, 90, "days");
  in.Number("lead_days", &config.epochs.lead, 0, 89, "days, below length_days");
  in.Time("zero", &config.epochs.zero, UnixMillis(kEpoch2024Seconds * 1000));
  in.Section("policy");
  in.Number("blacklisted_reports", &config.policy.blacklisted_reports, 1, 100, "reports");
  in.Number("blacklisted_gap_seconds", &config.policy.blacklisted_gap, 0, 86'400, "seconds");
  in.Number("out_of_area_reports", &config.policy.out_of_area_reports, 1, 100, "reports");
  in.Number("out_of_area_window_minutes", &config.policy.out_of_area_window, 0, 43'200, "minutes");
  in.Number("grace_hours", &config.policy.grace, 0, 240, "hours");
  in.Section("retention");
  in.Number("change_records_days", &config.retention.change_records, 7, 3650, "days");
  in.Section("archive");
  in.Path("dir", &config.archive.dir);
  in.Number("segment_mib", &config.archive.segment_mib, 1, 1024, "MiB");
  in.Section("survey");
  in.Path("dir", &config.survey.dir);
  in.Section("limits");
  in.Number("requests_in_flight", &config.limits.requests_in_flight, 1, 65'536, "requests");
  in.Number("open_watches", &config.limits.open_watches, 1, 4096, "streams");
}

const std::vector<std::pair<std::string_view, bool>> kDatagrams = {{"sections", false}, {"ts_packets", true}};

void ReadEcmg(ConfigReader& in, Config::Ecmg& ecmg) {
  simulcrypt::ChannelParameters& channel = ecmg.channel;
  in.Section("ecmg");
  in.Address("listen", &ecmg.listen);
  in.Hex32List("super_cas_ids", &ecmg.super_cas_ids);
  in.OneOf<bool>("datagrams", &channel.ts_packets, kDatagrams);
  in.Number("delay_start_ms", &channel.delay_start_ms, -2000, 2000, "ms");
  in.Number("delay_stop_ms", &channel.delay_stop_ms, -2000, 2000, "ms");
  in.Number("ecm_rep_period_ms", &channel.ecm_rep_period_ms, 20, 5000, "ms");
  in.Number("max_streams_per_channel", &channel.max_streams, 0, 65'535, "streams; 0 is no bound");
  in.Number("min_cp_duration_ms", &ecmg.min_cp_duration, 100, 60'000, "ms");
  channel.min_cp_duration_100ms = static_cast<uint16_t>(ecmg.min_cp_duration.count() / 100);
  in.Number("lead_cw", &channel.lead_cw, 0, 1, "control words");
  in.Number("cw_per_msg", &channel.cw_per_msg, 1, 2, "control words");
  in.Number("max_comp_time_ms", &channel.max_comp_time_ms, 10, 5000, "ms");
  in.OneOf<bool>("access_criteria", &ecmg.strict_criteria, {{"schedule", false}, {"strict", true}});
  in.Number("max_connections", &ecmg.max_connections, 1, 4096, "connections");
  in.Number("max_streams", &ecmg.max_streams, 1, 1'000'000, "streams");
  in.Number("idle_timeout_seconds", &ecmg.idle_timeout, 0, 86'400, "seconds; 0 is never");
  in.Number("test_interval_seconds", &ecmg.test_interval, 0, 3600, "seconds; 0 is never");
  in.Number("overload_ms", &ecmg.overload, 1, 10'000, "ms");
  in.Number("threads", &ecmg.threads, 1, 64, "threads");
  in.Path("tls_certificate", &ecmg.tls_certificate);
  in.Path("tls_key", &ecmg.tls_key);
  in.Path("tls_client_ca", &ecmg.tls_client_ca);
}

// "64, 65"; false unless it is such a list.
bool ReadProvinces(std::string_view text, std::set<uint16_t>& out) {
  std::set<uint16_t> provinces;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    uint16_t code = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), code);
    if (error != std::errc() || end != word.data() + word.size() || word.size() != 2 || code < 10)
      return false;
    provinces.insert(code);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  out = std::move(provinces);
  return true;
}

void ReadMux(ConfigReader& in, const std::string& section, Config::Mux& mux) {
  mux.name = section.substr(section.find('.') + 1);
  in.Section(section);
  std::optional<Endpoint> address;
  in.Address("address", &address);
  if (address) mux.address = *address;
  in.Address("udp", &mux.udp);
  in.Hex32("client_id", &mux.session.client_id);
  in.Number("data_id", &mux.session.data_id, 0, 65'535, "");
  in.Number("data_channel_id", &mux.session.channel_id, 0, 65'535, "");
  in.Number("data_stream_id", &mux.session.stream_id, 0, 65'535, "");
  in.Number("bandwidth_kbps", &mux.session.bandwidth_kbps, 1, 65'535, "kbit/s");
  in.OneOf<uint8_t>("protocol_version", &mux.session.version, {{"1", 1}, {"2", 2}, {"3", 3}, {"5", 5}});
  in.OneOf<bool>("datagrams", &mux.session.ts_packets, kDatagrams);
  in.OneOf<mpegts::Packing>("packing", &mux.packing,
                            {{"padded", mpegts::Packing::kPadded}, {"packed", mpegts::Packing::kPacked}});
  in.Number("burst_ms", &mux.burst, 1, 100, "ms");
  in.Number("test_interval_seconds", &mux.test_interval, 0, 3600, "seconds; 0 is never");
  std::string provinces;
  in.Text("provinces", &provinces,
          "codes of two digits, separated by commas, such as \"64, 65\"; empty is all",
          [&](std::string_view text) { return ReadProvinces(text, mux.provinces); });
}

void ReadCarousel(ConfigReader& in, Config::Carousel& carousel) {
  in.Section("carousel");
  in.Number("rate_kbps", &carousel.rate_kbps, 1, 1'000'000, "kbit/s");
  constexpr std::string_view kPercent = "percent of the rate; all seven make 100";
  in.Number("individual_percent", &carousel.individual, 0, 100, kPercent);
  in.Number("bulk_percent", &carousel.bulk, 0, 100, kPercent);
  in.Number("change_percent", &carousel.change, 0, 100, kPercent);
  in.Number("service_keys_percent", &carousel.service_keys, 0, 100, kPercent);
  in.Number("groups_percent", &carousel.groups, 0, 100, kPercent);
  in.Number("records_percent", &carousel.records, 0, 100, kPercent);
  in.Number("areas_percent", &carousel.areas, 0, 100, kPercent);
  in.Number("unconfirmed_days", &carousel.unconfirmed, 1, 3650, "days");
  const int sum = carousel.individual + carousel.bulk + carousel.change + carousel.service_keys +
                  carousel.groups + carousel.records + carousel.areas;
  if (sum != 100)
    in.Invalid("carousel", fmt::format("shares out {} percent of the rate: the seven must make 100", sum));
}

bool IsShortName(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view name = text.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    names.emplace_back(name);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

bool ReadRegions(std::string_view text, std::vector<RegionCode>& out) {
  std::vector<RegionCode> regions;
  for (const std::string& name : SplitNames(text)) {
    const auto region = ParseRegionCode(name);
    if (!region || name.size() > 6) return false;
    regions.push_back(*region);
  }
  out = std::move(regions);
  return true;
}

void ReadGateway(ConfigReader& in, const std::string& section, Config::Gateway& gateway) {
  gateway.name = section.substr(section.find('.') + 1);
  in.Section(section);
  std::string certificates;
  in.Text("certificates", &certificates, "common names of 1 to 64 bytes, separated by commas",
          [](std::string_view text) {
            const auto names = SplitNames(text);
            return !names.empty() && std::all_of(names.begin(), names.end(), [](const std::string& name) {
              return !name.empty() && name.size() <= 64;
            });
          });
  gateway.certificates = SplitNames(certificates);
  std::string regions;
  in.Text(
      "regions", &regions,
      "division codes of 2, 4 or 6 digits, separated by commas, such as \"64, 620402\"; empty is everywhere",
      [&](std::string_view text) { return ReadRegions(text, gateway.regions); });
  in.Number("reports_per_second", &gateway.per_second, 1, 1'000'000, "reports a second");
}

void ReadLanes(ConfigReader& in, Config::Lanes& lanes) {
  in.Section("lanes");
  in.Path("file", &lanes.file);
  in.Path("key_file", &lanes.key_file);
  std::string registered;
  in.Text("registered", &registered, "names of 1 to 32 of a-z, A-Z, 0-9, - and _, separated by commas",
          [](std::string_view text) {
            const auto names = SplitNames(text);
            return std::all_of(names.begin(), names.end(), IsShortName);
          });
  lanes.registered = SplitNames(registered);
  in.Number("epochs_ahead", &lanes.epochs_ahead, 1, 16, "epochs");
  in.Text("name", &lanes.name, "a name of 1 to 32 of a-z, A-Z, 0-9, - and _", IsShortName);
}

void ReadEmergency(ConfigReader& in, Config::Emergency& emergency) {
  in.Section("emergency");
  in.Path("key_file", &emergency.key_file);
  in.Number("key_id", &emergency.key_id, 1, 255, "");
  in.Flag("two_people", &emergency.two_people);
}

void ReadRelocation(ConfigReader& in, Config::Relocation& relocation) {
  in.Section("relocation");
  std::string centre;
  in.Text("centre", &centre, "common names of 1 to 64 bytes, separated by commas", [](std::string_view text) {
    const auto names = SplitNames(text);
    return std::all_of(names.begin(), names.end(),
                       [](const std::string& name) { return !name.empty() && name.size() <= 64; });
  });
  relocation.centre = SplitNames(centre);
}

void ReadLog(ConfigReader& in, log::LogOptions& log) {
  in.Section("log");
  in.OneOf<LogLevel>("level", &log.level,
                     {{"debug", LogLevel::kDebug},
                      {"info", LogLevel::kInfo},
                      {"warn", LogLevel::kWarn},
                      {"error", LogLevel::kError}});
  in.OneOf<log::Format>("format", &log.format, {{"json", log::Format::kJson}, {"text", log::Format::kText}});
  in.Path("file", &log.file);
}

void ReadAll(ConfigReader& in, const std::vector<std::string>& muxes,
             const std::vector<std::string>& gateways, Config& config) {
  ReadSite(in, config.site);
  ReadStoreAndKeys(in, config);
  ReadServers(in, config);
  ReadEcmg(in, config.ecmg);
  for (const std::string& section : muxes) ReadMux(in, section, config.muxes.emplace_back());
  ReadCarousel(in, config.carousel);
  ReadLanes(in, config.lanes);
  ReadEmergency(in, config.emergency);
  ReadRelocation(in, config.relocation);
  ReadRules(in, config);
  for (const std::string& section : gateways) ReadGateway(in, section, config.gateways.emplace_back());
  ReadLog(in, config.log);
}

// A key without a default: missing unless it is there, rightly or not.
void Require(ConfigReader& in, std::string_view name, bool empty, std::string why) {
  if (empty && in.Good(name)) in.Missing(name, std::move(why));
}

void CheckTls(ConfigReader& in, const Config& config) {
  const std::pair<std::string_view, const std::filesystem::path&> files[] = {
      {"grpc.tls_certificate", config.grpc.tls_certificate},
      {"grpc.tls_key", config.grpc.tls_key},
      {"grpc.tls_client_ca", config.grpc.tls_client_ca},
  };
  for (const auto& [name, path] : files) {
    if (!config.site.insecure_development) {
      Require(
          in, name, path.empty(),
          "is missing: gRPC is served with mutual TLS only, and needs its certificate, its key and the CA of "
          "the clients; for development on one machine set site.insecure_development = true instead");
    } else if (!path.empty()) {
      in.Invalid(name, "has no effect with site.insecure_development = true: remove one of the two");
    }
  }
  if (config.site.insecure_development && !IsLoopback(config.grpc.listen)) {
    in.Invalid("grpc.listen", fmt::format("is \"{}\", but with site.insecure_development = true anybody who "
                                          "connects may do anything: listen on 127.0.0.1 or [::1]",
                                          ToString(config.grpc.listen)));
  }
}

void CheckEcmg(ConfigReader& in, const Config::Ecmg& ecmg) {
  Require(in, "ecmg.super_cas_ids", ecmg.super_cas_ids.empty(),
          "is missing: scramblers name the CA system they want, and are refused any other");
  if (ecmg.channel.lead_cw >= ecmg.channel.cw_per_msg) {
    in.Invalid("ecmg.lead_cw",
               fmt::format("is {}, must be below cw_per_msg, which is {}: else no message holds the "
                           "control word of its own crypto period",
                           ecmg.channel.lead_cw, ecmg.channel.cw_per_msg));
  }
  if (ecmg.idle_timeout.count() > 0 && ecmg.idle_timeout < ecmg.min_cp_duration) {
    in.Invalid("ecmg.idle_timeout_seconds", "must exceed the crypto period: a scrambler asks once in each");
  }
  if (ecmg.idle_timeout.count() > 0 && ecmg.test_interval >= ecmg.idle_timeout) {
    in.Invalid("ecmg.test_interval_seconds", "must be below idle_timeout_seconds");
  }
  const int files = static_cast<int>(!ecmg.tls_certificate.empty()) +
                    static_cast<int>(!ecmg.tls_key.empty()) + static_cast<int>(!ecmg.tls_client_ca.empty());
  if (files == 1 || files == 2) {
    in.Missing("ecmg.tls_certificate",
               "TLS needs all of tls_certificate, tls_key and tls_client_ca, or none of them");
  }
}

void CheckSimulcrypt(ConfigReader& in, const Config& config) {
  if (config.ecmg.listen) CheckEcmg(in, config.ecmg);
  std::set<std::pair<uint32_t, uint16_t>> data_ids;
  for (const Config::Mux& mux : config.muxes) {
    const std::string section = fmt::format("{}.{}", kMuxSections, mux.name);
    Require(in, section + ".address", mux.address.host.empty(), "is missing: where the multiplexer listens");
    Require(in, section + ".client_id", mux.session.client_id == 0,
            "is missing: the CA_system_id in its upper 16 bits");
    if (!IsShortName(mux.name)) in.Invalid(section, "is no name: 1 to 32 of a-z, A-Z, 0-9, - and _");
    if (!data_ids.emplace(mux.session.client_id, mux.session.data_id).second) {
      in.Invalid(section + ".data_id",
                 "is another multiplexer's: the CAT finds the PID of a stream by client_id and "
                 "data_id, which must be unique together");
    }
  }
}

void CheckGateways(ConfigReader& in, const Config& config) {
  std::set<std::string> names;
  for (const Config::Gateway& gateway : config.gateways) {
    const std::string section = fmt::format("{}.{}", kGatewaySections, gateway.name);
    if (!IsShortName(gateway.name)) in.Invalid(section, "is no name: 1 to 32 of a-z, A-Z, 0-9, - and _");
    Require(in, section + ".certificates", gateway.certificates.empty(),
            "is missing: a gateway is known by the common name of its certificate");
    for (const std::string& name : gateway.certificates) {
      if (names.insert(name).second) continue;
      in.Invalid(section + ".certificates", fmt::format("names \"{}\", which is another gateway's", name));
    }
  }
}

void CheckLanes(ConfigReader& in, const Config& config, Role role) {
  const Config::Lanes& lanes = config.lanes;
  if (role == Role::kEcm) {
    Require(in, "lanes.file", lanes.file.empty(),
            "is missing: a lane works from the file that the head-end writes");
    Require(in, "lanes.name", lanes.name.empty(), "is missing: the head-end knows the lane by it");
    Require(in, "ecmg.listen", !config.ecmg.listen, "is missing: a lane serves scramblers and nothing else");
  }
  if (role == Role::kEcm || !lanes.file.empty()) {
    Require(in, "lanes.key_file", lanes.key_file.empty(), "is missing: the file is sealed under it");
  }
}

// The rules that span keys, of all roles.
void CheckCommon(ConfigReader& in, const Config& config, Role role) {
  Require(in, "site.name", config.site.name.empty(), "is missing: logs and audit name the site by it");
  CheckSimulcrypt(in, config);
  CheckGateways(in, config);
  CheckLanes(in, config, role);
}

// Those of the head-end.
void CheckTogether(ConfigReader& in, const Config& config) {
  Require(in, "site.province", config.site.province.value == 0,
          "is missing: cards get the packages of their province");
  if (config.store.kind == StoreKind::kRocksDb) {
    Require(in, "store.path", config.store.path.empty(), "is missing: the RocksDB store needs a folder");
  } else if (!config.site.insecure_development) {
    in.Invalid("store.kind",
               "is \"memory\", which loses everything when the daemon stops: it needs "
               "site.insecure_development = true");
  }
  const bool has_file = !config.keys.master_key_file.empty();
  const bool has_env = !config.keys.master_key_env.empty();
  if (has_file && has_env) {
    in.Invalid("keys.master_key_env", "cannot be set beside keys.master_key_file: remove one of the two");
  } else if (!has_env && in.Good("keys.master_key_env")) {
    Require(in, "keys.master_key_file", !has_file,
            "is missing: secrets are stored wrapped under a master key; set this, or keys.master_key_env");
  }
  CheckTls(in, config);
  if (in.Good("epochs.lead_days") && in.Good("epochs.length_days") &&
      config.epochs.lead >= config.epochs.length) {
    const bool lead_given = in.Given("epochs.lead_days");
    in.Invalid(lead_given ? "epochs.lead_days" : "epochs.length_days",
               fmt::format("does not fit: lead_days is {} and must be below length_days, which is {}",
                           config.epochs.lead.count(), config.epochs.length.count()));
  }
}

tl::unexpected<ConfigErrors> Unreadable(const std::string& why) {
  return tl::unexpected(ConfigErrors{{0, "", Reason::kFileUnreadable, why}});
}

}  // namespace

std::string ConfigError::ToString(std::string_view file) const {
  std::string text(file);
  if (line > 0) text += fmt::format(":{}", line);
  text += fmt::format(": {}: ", InfoOf(reason).name);
  if (!key.empty()) text += fmt::format("{} ", key);
  return text + fmt::format("{} [{}]", message, InfoOf(reason).cure);
}

std::string FormatErrors(std::string_view file, const ConfigErrors& errors) {
  std::string text;
  for (const ConfigError& error : errors) text += error.ToString(file) + '\n';
  return text;
}

tl::expected<Config, ConfigErrors> ParseConfig(std::string_view text, Role role) {
  const auto document = ParseToml(text);
  if (!document) {
    return tl::unexpected(
        ConfigErrors{{document.error().line, "", Reason::kConfigSyntax, document.error().message}});
  }
  Config config;
  ConfigReader reader(*document);
  ReadAll(reader, reader.NamedSections(kMuxSections), reader.NamedSections(kGatewaySections), config);
  CheckCommon(reader, config, role);
  if (role == Role::kAll) CheckTogether(reader, config);
  ConfigErrors errors = reader.Finish();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return config;
}

tl::expected<Config, ConfigErrors> LoadConfig(const std::filesystem::path& file, Role role) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return Unreadable("is a folder, not a file");
  std::ifstream in(file, std::ios::binary);
  if (!in) return Unreadable("cannot be opened");
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Unreadable("cannot be read");
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) return Unreadable("is larger than 1 MiB: is it a configuration?");
  return ParseConfig(text, role);
}

std::vector<ConfigKey> ConfigKeys() {
  const TomlDocument empty;
  Config config;
  ConfigReader reader(empty);
  ReadAll(reader, {fmt::format("{}.NAME", kMuxSections)}, {fmt::format("{}.NAME", kGatewaySections)}, config);
  return reader.keys();
}

}  // namespace hearth::daemon
