#include "src/daemon/config.h"

#include <algorithm>
#include <fstream>
#include <iterator>

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
  in.Section("limits");
  in.Number("requests_in_flight", &config.limits.requests_in_flight, 1, 65'536, "requests");
  in.Number("open_watches", &config.limits.open_watches, 1, 4096, "streams");
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

void ReadAll(ConfigReader& in, Config& config) {
  ReadSite(in, config.site);
  ReadStoreAndKeys(in, config);
  ReadServers(in, config);
  ReadRules(in, config);
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

// The rules that span keys.
void CheckTogether(ConfigReader& in, const Config& config) {
  Require(in, "site.name", config.site.name.empty(), "is missing: logs and audit name the site by it");
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

tl::expected<Config, ConfigErrors> ParseConfig(std::string_view text) {
  const auto document = ParseToml(text);
  if (!document) {
    return tl::unexpected(
        ConfigErrors{{document.error().line, "", Reason::kConfigSyntax, document.error().message}});
  }
  Config config;
  ConfigReader reader(*document);
  ReadAll(reader, config);
  CheckTogether(reader, config);
  ConfigErrors errors = reader.Finish();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return config;
}

tl::expected<Config, ConfigErrors> LoadConfig(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return Unreadable("is a folder, not a file");
  std::ifstream in(file, std::ios::binary);
  if (!in) return Unreadable("cannot be opened");
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Unreadable("cannot be read");
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) return Unreadable("is larger than 1 MiB: is it a configuration?");
  return ParseConfig(text);
}

std::vector<ConfigKey> ConfigKeys() {
  const TomlDocument empty;
  Config config;
  ConfigReader reader(empty);
  ReadAll(reader, config);
  return reader.keys();
}

}  // namespace hearth::daemon
