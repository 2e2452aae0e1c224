#include "src/daemon/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace hearth::daemon {
namespace {

using testing::HasSubstr;

constexpr const char* kExample = HEARTH_SOURCE_DIR "/deploy/hearth.example.toml";

// A sound configuration of 12 lines that rows of the table below add to.
constexpr std::string_view kBase = R"([site]
name = "test"
province = "64"
[store]
path = "store"
[keys]
master_key_file = "key"
[grpc]
tls_certificate = "crt"
tls_key = "key"
tls_client_ca = "ca"
# end
)";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const size_t at = out.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return out.replace(at, from.size(), to);
}

TEST(Config, DefaultsAreAsDocumented) {
  const auto config = ParseConfig(kBase);
  ASSERT_TRUE(config.has_value()) << FormatErrors("base", config.error());
  EXPECT_EQ(config->site.province, *ParseRegionCode("64"));
  EXPECT_FALSE(config->site.insecure_development);
  EXPECT_EQ(config->store.kind, StoreKind::kRocksDb);
  EXPECT_EQ(config->epochs.length, std::chrono::days(14));
  EXPECT_EQ(config->epochs.lead, std::chrono::days(7));
  EXPECT_EQ(config->epochs.zero, *ParseTime("2024-01-01T00:00:00Z"));
  EXPECT_EQ(config->policy.blacklisted_reports, 2);
  EXPECT_EQ(config->policy.blacklisted_gap, std::chrono::seconds(60));
  EXPECT_EQ(config->policy.grace, std::chrono::hours(72));
  EXPECT_TRUE(config->emergency.key_file.empty());
  EXPECT_EQ(config->emergency.key_id, 1);
  EXPECT_TRUE(config->emergency.two_people);
  EXPECT_EQ(config->metrics.listen, (Endpoint{"127.0.0.1", 9464}));
  EXPECT_EQ(config->output.listen, std::nullopt);
  EXPECT_EQ(config->limits.requests_in_flight, Limits{}.requests_in_flight);
  EXPECT_EQ(config->log.format, log::Format::kJson);
}

TEST(Config, ReadsEveryKey) {
  const auto config = ParseConfig(R"(
[site]
name = "银川"
province = "65"
insecure_development = true
[store]
kind = "memory"
path = "s"
cache_mib = 8
write_buffer_mib = 4
[keys]
master_key_env = "HEARTH_KEY"
[grpc]
listen = "[::1]:0"
port_file = "p"
max_message_bytes = 65536
[metrics]
listen = ""
[output]
file = "f"
listen = "0.0.0.0:1"
mode = "sections"
[ecmg]
listen = "127.0.0.1:2222"
super_cas_ids = "0x4A750001, 0x4a750002"
datagrams = "ts_packets"
delay_start_ms = -100
delay_stop_ms = 50
ecm_rep_period_ms = 250
max_streams_per_channel = 64
min_cp_duration_ms = 2000
lead_cw = 0
cw_per_msg = 1
max_comp_time_ms = 300
access_criteria = "strict"
max_connections = 3
max_streams = 4
idle_timeout_seconds = 60
test_interval_seconds = 5
overload_ms = 70
threads = 3
tls_certificate = "ec"
tls_key = "ek"
tls_client_ca = "ea"
[emergency]
key_file = "ek"
key_id = 2
two_people = false
[lanes]
file = "lf"
key_file = "lk"
registered = "a, b-1"
epochs_ahead = 5
name = "n"
[mux.a]
address = "127.0.0.1:2223"
udp = "127.0.0.1:2224"
client_id = "0x4A750001"
data_id = 2
data_channel_id = 3
data_stream_id = 4
bandwidth_kbps = 500
protocol_version = "2"
datagrams = "ts_packets"
packing = "packed"
burst_ms = 7
test_interval_seconds = 8
provinces = "64, 65"
[mux.b-2]
address = "127.0.0.1:2225"
client_id = "0x4A750001"
[epochs]
length_days = 90
lead_days = 89
zero = "2025-06-01T08:00:00+08:00"
[policy]
blacklisted_reports = 100
out_of_area_reports = 1
out_of_area_window_minutes = 0
blacklisted_gap_seconds = 0
grace_hours = 240
[retention]
change_records_days = 8
[survey]
dir = "sv"
[archive]
dir = "ar"
segment_mib = 1024
[limits]
requests_in_flight = 1
open_watches = 2
[gateways.mobile]
certificates = "gw-1, gw-2"
regions = "64, 620402"
reports_per_second = 7
[gateways.telecom]
certificates = "gw-3"
[log]
level = "debug"
format = "text"
file = "l"
)");
  ASSERT_TRUE(config.has_value()) << FormatErrors("all", config.error());
  EXPECT_EQ(config->site.name, "银川");
  EXPECT_EQ(config->site.province, *ParseRegionCode("65"));
  EXPECT_TRUE(config->site.insecure_development);
  EXPECT_EQ(config->store.kind, StoreKind::kMemory);
  EXPECT_EQ(config->store.path, "s");
  EXPECT_EQ(config->store.memory.cache_mib, 8U);
  EXPECT_EQ(config->store.memory.write_buffer_mib, 4U);
  EXPECT_EQ(config->keys.master_key_env, "HEARTH_KEY");
  EXPECT_EQ(config->grpc.listen, (Endpoint{"::1", 0}));
  EXPECT_EQ(config->grpc.port_file, "p");
  EXPECT_EQ(config->grpc.max_message_bytes, 65536U);
  EXPECT_EQ(config->metrics.listen, std::nullopt);
  EXPECT_EQ(config->output.file, "f");
  EXPECT_EQ(config->output.listen, (Endpoint{"0.0.0.0", 1}));
  EXPECT_EQ(config->ecmg.listen, (Endpoint{"127.0.0.1", 2222}));
  EXPECT_EQ(config->ecmg.super_cas_ids, (std::vector<uint32_t>{0x4A750001, 0x4A750002}));
  const simulcrypt::ChannelParameters channel{.ts_packets = true,
                                              .delay_start_ms = -100,
                                              .delay_stop_ms = 50,
                                              .ecm_rep_period_ms = 250,
                                              .max_streams = 64,
                                              .min_cp_duration_100ms = 20,
                                              .lead_cw = 0,
                                              .cw_per_msg = 1,
                                              .max_comp_time_ms = 300};
  EXPECT_EQ(config->ecmg.channel, channel);
  EXPECT_TRUE(config->ecmg.strict_criteria);
  EXPECT_EQ(config->ecmg.max_connections, 3U);
  EXPECT_EQ(config->ecmg.max_streams, 4U);
  EXPECT_EQ(config->ecmg.idle_timeout, std::chrono::seconds(60));
  EXPECT_EQ(config->ecmg.test_interval, std::chrono::seconds(5));
  EXPECT_EQ(config->ecmg.overload, std::chrono::milliseconds(70));
  EXPECT_EQ(config->ecmg.threads, 3U);
  EXPECT_EQ(config->ecmg.tls_certificate, "ec");
  EXPECT_EQ(config->ecmg.tls_key, "ek");
  EXPECT_EQ(config->ecmg.tls_client_ca, "ea");
  EXPECT_EQ(config->emergency.key_file, "ek");
  EXPECT_EQ(config->emergency.key_id, 2);
  EXPECT_FALSE(config->emergency.two_people);
  EXPECT_EQ(config->lanes.file, "lf");
  EXPECT_EQ(config->lanes.key_file, "lk");
  EXPECT_EQ(config->lanes.registered, (std::vector<std::string>{"a", "b-1"}));
  EXPECT_EQ(config->lanes.epochs_ahead, 5U);
  EXPECT_EQ(config->lanes.name, "n");
  ASSERT_EQ(config->muxes.size(), 2U);
  const Config::Mux& mux = config->muxes[0];
  EXPECT_EQ(mux.name, "a");
  EXPECT_EQ(mux.address, (Endpoint{"127.0.0.1", 2223}));
  EXPECT_EQ(mux.udp, (Endpoint{"127.0.0.1", 2224}));
  EXPECT_EQ(mux.session.client_id, 0x4A750001U);
  EXPECT_EQ(mux.session.data_id, 2);
  EXPECT_EQ(mux.session.channel_id, 3);
  EXPECT_EQ(mux.session.stream_id, 4);
  EXPECT_EQ(mux.session.bandwidth_kbps, 500);
  EXPECT_EQ(mux.session.version, 2);
  EXPECT_TRUE(mux.session.ts_packets);
  EXPECT_EQ(mux.packing, mpegts::Packing::kPacked);
  EXPECT_EQ(mux.burst, std::chrono::milliseconds(7));
  EXPECT_EQ(mux.test_interval, std::chrono::seconds(8));
  EXPECT_EQ(mux.provinces, (std::set<uint16_t>{64, 65}));
  EXPECT_EQ(config->muxes[1].name, "b-2");
  EXPECT_EQ(config->muxes[1].session.data_id, 1);
  EXPECT_EQ(config->muxes[1].session.bandwidth_kbps, 1000);
  ASSERT_EQ(config->gateways.size(), 2U);
  EXPECT_EQ(config->gateways[0].name, "mobile");
  EXPECT_EQ(config->gateways[0].certificates, (std::vector<std::string>{"gw-1", "gw-2"}));
  EXPECT_EQ(config->gateways[0].regions, (std::vector<RegionCode>{RegionCode(64), RegionCode(620402)}));
  EXPECT_EQ(config->gateways[0].per_second, 7U);
  EXPECT_TRUE(config->gateways[1].regions.empty());
  EXPECT_EQ(config->gateways[1].per_second, 1000U);
  EXPECT_EQ(config->epochs.length, std::chrono::days(90));
  EXPECT_EQ(config->epochs.lead, std::chrono::days(89));
  EXPECT_EQ(config->epochs.zero, *ParseTime("2025-06-01T00:00:00Z"));
  EXPECT_EQ(config->policy.blacklisted_reports, 100);
  EXPECT_EQ(config->policy.blacklisted_gap, std::chrono::seconds(0));
  EXPECT_EQ(config->policy.out_of_area_reports, 1);
  EXPECT_EQ(config->policy.out_of_area_window, std::chrono::minutes(0));
  EXPECT_EQ(config->policy.grace, std::chrono::hours(240));
  EXPECT_EQ(config->retention.change_records, std::chrono::days(8));
  EXPECT_EQ(config->archive.dir, "ar");
  EXPECT_EQ(config->survey.dir, "sv");
  EXPECT_EQ(config->archive.segment_mib, 1024U);
  EXPECT_EQ(config->limits.requests_in_flight, 1U);
  EXPECT_EQ(config->limits.open_watches, 2U);
  EXPECT_EQ(config->log.level, LogLevel::kDebug);
  EXPECT_EQ(config->log.format, log::Format::kText);
  EXPECT_EQ(config->log.file, "l");
}

// Each row adds lines behind kBase, so the first of them is line 13, or replaces a part of kBase.
TEST(Config, SaysWhatIsWrongAndWhere) {
  struct Row {
    const char* name;
    std::string text;
    int line;
    const char* key;
    Reason reason;
    const char* message;
  };
  const auto add = [](std::string_view lines) { return std::string(kBase).append(lines); };
  const auto swap = [](std::string_view from, std::string_view to) { return Replaced(kBase, from, to); };
  const auto invalid = Reason::kConfigValueInvalid;
  const auto unknown = Reason::kConfigUnknownKey;
  const auto missing = Reason::kConfigMissing;
  const Row rows[] = {
      {"syntax", add("[log\n"), 13, "", Reason::kConfigSyntax, ""},
      {"key twice", add("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"), 15, "", Reason::kConfigSyntax,
       "level"},
      {"not UTF-8", add("[log]\nfile = \"\xff\"\n"), 14, "", Reason::kConfigSyntax, ""},
      {"misspelt key", add("[log]\nlevle = \"info\"\n"), 14, "log.levle", unknown, "did you mean level?"},
      {"misspelt key with unit", add("[epochs]\nlength = 14\n"), 14, "epochs.length", unknown,
       "is not known"},
      {"key of another section", add("[log]\n\n\ngrace_hours = 7\n"), 16, "log.grace_hours", unknown,
       "it belongs into [policy]"},
      {"key like no other", add("[log]\nqqqq = 1\n"), 14, "log.qqqq", unknown, "is not known"},
      {"misspelt section", add("[epoch]\nlength_days = 14\n"), 13, "epoch", unknown, "did you mean epochs?"},
      {"key outside sections", "level = \"info\"\n" + std::string(kBase), 1, "level", unknown,
       "it belongs into [log]"},
      {"section as a value", "log = 3\n" + std::string(kBase), 1, "log", invalid, "must be a section: [log]"},
      {"section inside a section", add("[log.file]\n"), 13, "log.file", invalid,
       "is a section, must be a text"},
      {"number for text", add("[log]\nfile = 3\n"), 14, "log.file", invalid,
       "is 3, must be a text in quotes"},
      {"text for number", add("[epochs]\nlength_days = \"14\"\n"), 14, "epochs.length_days", invalid,
       "is \"14\", must be a whole number: 1 to 90 days"},
      {"fraction for number", add("[epochs]\nlength_days = 1.5\n"), 14, "epochs.length_days", invalid,
       "a number with a point"},
      {"list for text", add("[log]\nfile = [\"a\"]\n"), 14, "log.file", invalid, "is a list"},
      {"number for flag", swap("province", "insecure_development = 1\nprovince"), 3,
       "site.insecure_development", invalid, "true or false"},
      {"date without quotes", add("[epochs]\nzero = 2024-01-01T00:00:00Z\n"), 14, "epochs.zero", invalid,
       "date or time without quotes"},
      {"below the range", add("[epochs]\nlength_days = 0\nlead_days = 0\n"), 14, "epochs.length_days",
       invalid, "is 0, must be 1 to 90 days"},
      {"above the range", add("[epochs]\nlength_days = 91\n"), 14, "epochs.length_days", invalid,
       "is 91, must be 1 to 90 days"},
      {"far above the range", add("[policy]\ngrace_hours = 9223372036854775807\n"), 14, "policy.grace_hours",
       invalid, "0 to 240 hours"},
      {"lead not below length", add("[epochs]\nlength_days = 7\n"), 14, "epochs.length_days", invalid,
       "lead_days is 7 and must be below length_days, which is 7"},
      {"lead above length", add("[epochs]\nlead_days = 20\n"), 14, "epochs.lead_days", invalid,
       "which is 14"},
      {"zero too early", add("[epochs]\nzero = \"2023-12-31T23:59:59Z\"\n"), 14, "epochs.zero", invalid,
       "not before 2024-01-01"},
      {"zero no time", add("[epochs]\nzero = \"noon\"\n"), 14, "epochs.zero", invalid, "\"noon\""},
      {"records kept too short", add("[retention]\nchange_records_days = 6\n"), 14,
       "retention.change_records_days", invalid, "7 to 3650 days"},
      {"no such word", add("[log]\nlevel = \"loud\"\n"), 14, "log.level", invalid,
       "is \"loud\", must be \"debug\" or \"info\" or \"warn\" or \"error\""},
      {"no such store", swap("path", "kind = \"ceph\"\npath"), 5, "store.kind", invalid,
       "\"rocksdb\" or \"memory\""},
      {"store in memory for everybody", swap("path", "kind = \"memory\"\npath"), 5, "store.kind", invalid,
       "insecure_development"},
      {"no such output mode", add("[output]\nmode = \"packets\"\n"), 14, "output.mode", invalid,
       "\"sections\""},
      {"no address", add("[metrics]\nlisten = \"9464\"\n"), 14, "metrics.listen", invalid, "address:port"},
      {"port too large", add("[output]\nlisten = \"127.0.0.1:70000\"\n"), 14, "output.listen", invalid,
       "port"},
      {"gRPC must listen", swap("tls_key", "listen = \"\"\ntls_key"), 10, "grpc.listen", invalid,
       "address:port"},
      {"control character in a path", add("[log]\nfile = \"a\\u0000b\"\n"), 14, "log.file", invalid, "path"},
      {"path too long", add("[log]\nfile = \"" + std::string(4097, 'a') + "\"\n"), 14, "log.file", invalid,
       "at most 4096 bytes"},
      {"empty name", swap("\"test\"", "\"\""), 2, "site.name", invalid, "1 to 64 bytes"},
      {"province as number", swap("\"64\"", "64"), 3, "site.province", invalid, "must be a text in quotes"},
      {"province of four digits", swap("\"64\"", "\"6401\""), 3, "site.province", invalid, "two digits"},
      {"province that cannot be", swap("\"64\"", "\"04\""), 3, "site.province", invalid, "two digits"},
      {"no name", swap("name = \"test\"", ""), 1, "site.name", missing, "audit"},
      {"no province", swap("province = \"64\"", ""), 1, "site.province", missing, "province"},
      {"no store path", swap("path = \"store\"", ""), 4, "store.path", missing, "folder"},
      {"no master key", swap("master_key_file = \"key\"", ""), 6, "keys.master_key_file", missing,
       "or keys.master_key_env"},
      {"two master keys", swap("master_key_file", "master_key_env = \"A\"\nmaster_key_file"), 7,
       "keys.master_key_env", invalid, "remove one of the two"},
      {"bad name of a variable", swap("master_key_file = \"key\"", "master_key_env = \"a-b\""), 7,
       "keys.master_key_env", invalid, "environment variable"},
      {"ECMG without a CA system", add("[ecmg]\nlisten = \"127.0.0.1:1\"\n"), 13, "ecmg.super_cas_ids",
       missing, "CA system"},
      {"CA system in decimal", add("[ecmg]\nsuper_cas_ids = \"1249181697\"\n"), 14, "ecmg.super_cas_ids",
       invalid, "eight hexadecimal digits"},
      {"CA systems with a hole", add("[ecmg]\nsuper_cas_ids = \"0x4A750001,,0x4A750002\"\n"), 14,
       "ecmg.super_cas_ids", invalid, "separated by commas"},
      {"lead without its word",
       add("[ecmg]\nlisten = \"127.0.0.1:1\"\nsuper_cas_ids = \"0x4A750001\"\nlead_cw = 1\ncw_per_msg = 1\n"),
       16, "ecmg.lead_cw", invalid, "must be below cw_per_msg"},
      {"idle within a crypto period",
       add("[ecmg]\nlisten = \"127.0.0.1:1\"\nsuper_cas_ids = \"0x4A750001\"\nmin_cp_duration_ms = "
           "5000\nidle_timeout_seconds = 4\n"),
       17, "ecmg.idle_timeout_seconds", invalid, "crypto period"},
      {"half of TLS",
       add("[ecmg]\nlisten = \"127.0.0.1:1\"\nsuper_cas_ids = \"0x4A750001\"\ntls_key = \"k\"\n"), 13,
       "ecmg.tls_certificate", missing, "all of"},
      {"lane file without its key", add("[lanes]\nfile = \"f\"\n"), 13, "lanes.key_file", missing, "sealed"},
      {"emergency key id 0", add("[emergency]\nkey_id = 0\n"), 14, "emergency.key_id", invalid, "1 to 255"},
      {"emergency key id 256", add("[emergency]\nkey_id = 256\n"), 14, "emergency.key_id", invalid,
       "1 to 255"},
      {"emergency rule as a word", add("[emergency]\ntwo_people = \"no\"\n"), 14, "emergency.two_people",
       invalid, "true or false"},
      {"lanes with a bad name", add("[lanes]\nregistered = \"a,,b\"\n"), 14, "lanes.registered", invalid,
       "separated by commas"},
      {"gateway without a certificate", add("[gateways.a]\nregions = \"64\"\n"), 13,
       "gateways.a.certificates", missing, "common name"},
      {"gateway for a village", add("[gateways.a]\ncertificates = \"a\"\nregions = \"640122100\"\n"), 15,
       "gateways.a.regions", invalid, "2, 4 or 6 digits"},
      {"two gateways of one certificate",
       add("[gateways.a]\ncertificates = \"x\"\n[gateways.b]\ncertificates = \"y, x\"\n"), 16,
       "gateways.b.certificates", invalid, "another gateway's"},
      {"multiplexer without an address", add("[mux.a]\nclient_id = \"0x4A750001\"\n"), 13, "mux.a.address",
       missing, "listens"},
      {"multiplexer without a client", add("[mux.a]\naddress = \"127.0.0.1:1\"\n"), 13, "mux.a.client_id",
       missing, "CA_system_id"},
      {"multiplexer with a misspelt key",
       add("[mux.a]\naddress = \"127.0.0.1:1\"\nclient_id = \"0x4A750001\"\nbandwith_kbps = 5\n"), 16,
       "mux.a.bandwith_kbps", unknown, "did you mean bandwidth_kbps?"},
      {"multiplexer without a name", add("[mux]\naddress = \"127.0.0.1:1\"\n"), 13, "mux", unknown, ""},
      {"two streams of one data_id",
       add("[mux.a]\naddress = \"127.0.0.1:1\"\nclient_id = \"0x4A750001\"\n[mux.b]\naddress = "
           "\"127.0.0.1:2\"\nclient_id = \"0x4A750001\"\ndata_id = 1\n"),
       19, "mux.b.data_id", invalid, "unique together"},
      {"no certificate", swap("tls_certificate = \"crt\"", ""), 8, "grpc.tls_certificate", missing,
       "insecure_development"},
      {"no key of the certificate", swap("tls_key = \"key\"", ""), 8, "grpc.tls_key", missing, "mutual TLS"},
      {"no CA", swap("tls_client_ca = \"ca\"", ""), 8, "grpc.tls_client_ca", missing, "mutual TLS"},
      {"insecure for everybody",
       "[site]\nname = \"x\"\nprovince = \"64\"\ninsecure_development = true\n[store]\nkind = "
       "\"memory\"\n[keys]\n"
       "master_key_env = \"K\"\n[grpc]\nlisten = \"0.0.0.0:1\"\n",
       10, "grpc.listen", invalid, "127.0.0.1"},
      {"insecure with a certificate",
       "[site]\nname = \"x\"\nprovince = \"64\"\ninsecure_development = true\n[store]\nkind = "
       "\"memory\"\n[keys]\n"
       "master_key_env = \"K\"\n[grpc]\ntls_key = \"k\"\n",
       10, "grpc.tls_key", invalid, "remove one of the two"},
  };
  for (const Row& row : rows) {
    const auto config = ParseConfig(row.text);
    ASSERT_FALSE(config.has_value()) << row.name;
    ASSERT_EQ(config.error().size(), 1U) << row.name << "\n" << FormatErrors("hearth.toml", config.error());
    const ConfigError& error = config.error()[0];
    EXPECT_EQ(error.line, row.line) << row.name;
    EXPECT_EQ(error.key, row.key) << row.name;
    EXPECT_EQ(InfoOf(error.reason).name, InfoOf(row.reason).name) << row.name;
    EXPECT_THAT(error.message, HasSubstr(row.message)) << row.name;
  }
}

TEST(Config, ALaneNeedsNeitherStoreNorKeysNorApi) {
  const std::string text =
      "[site]\nname = \"x\"\n[ecmg]\nlisten = \"127.0.0.1:0\"\nsuper_cas_ids = \"0x4A750001\"\n"
      "[lanes]\nfile = \"f\"\nkey_file = \"k\"\nname = \"a\"\n";
  const auto lane = ParseConfig(text, Role::kEcm);
  EXPECT_TRUE(lane.has_value()) << FormatErrors("lane", lane.error());
  EXPECT_FALSE(ParseConfig(text).has_value());
  for (const char* key : {"listen", "super_cas_ids", "file", "key_file", "name = \"a\""}) {
    std::string without = text;
    const size_t at = without.find(key);
    without.erase(at, without.find('\n', at) - at);
    const auto refused = ParseConfig(without, Role::kEcm);
    ASSERT_FALSE(refused.has_value()) << key;
    EXPECT_EQ(refused.error()[0].reason, Reason::kConfigMissing) << key;
  }
}

TEST(Config, CollectsAllErrorsSortedByLine) {
  const auto config = ParseConfig("[log]\nlevel = 1\n[epochs]\nlength_days = 0\nlaed_days = 3\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(
      FormatErrors("hearth.toml", config.error()),
      "hearth.toml: CONFIG_MISSING: site.name is missing: logs and audit name the site by it [Add the key; "
      "deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: site.province is missing: cards get the packages of their province "
      "[Add the key; deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: store.path is missing: the RocksDB store needs a folder [Add the key; "
      "deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: keys.master_key_file is missing: secrets are stored wrapped under a "
      "master key; set this, or keys.master_key_env [Add the key; deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: grpc.tls_certificate is missing: gRPC is served with mutual TLS only, "
      "and needs its certificate, its key and the CA of the clients; for development on one machine set "
      "site.insecure_development = true instead [Add the key; deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: grpc.tls_key is missing: gRPC is served with mutual TLS only, and needs "
      "its certificate, its key and the CA of the clients; for development on one machine set "
      "site.insecure_development = true instead [Add the key; deploy/hearth.example.toml shows it.]\n"
      "hearth.toml: CONFIG_MISSING: grpc.tls_client_ca is missing: gRPC is served with mutual TLS only, and "
      "needs its certificate, its key and the CA of the clients; for development on one machine set "
      "site.insecure_development = true instead [Add the key; deploy/hearth.example.toml shows it.]\n"
      "hearth.toml:2: CONFIG_VALUE_INVALID: log.level is 1, must be a text in quotes: \"debug\" or \"info\" "
      "or \"warn\" or \"error\" [Give the key a value in the range named.]\n"
      "hearth.toml:4: CONFIG_VALUE_INVALID: epochs.length_days is 0, must be 1 to 90 days [Give the key a "
      "value in the range named.]\n"
      "hearth.toml:5: CONFIG_UNKNOWN_KEY: epochs.laed_days is not known; did you mean lead_days? [Remove "
      "the key or correct its spelling; deploy/hearth.example.toml lists all keys.]\n");
}

TEST(Config, LoadsFilesAndRefusesWhatIsNone) {
  std::string name = (std::filesystem::temp_directory_path() / "hearth-config-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  std::ofstream(folder / "good.toml") << kBase;
  std::ofstream(folder / "large.toml") << std::string(1024 * 1024 + 1, '\n');
  EXPECT_TRUE(LoadConfig(folder / "good.toml").has_value());
  const std::pair<std::filesystem::path, const char*> rows[] = {
      {folder / "none.toml", "cannot be opened"}, {folder, "folder"}, {folder / "large.toml", "1 MiB"}};
  for (const auto& [file, message] : rows) {
    const auto config = LoadConfig(file);
    ASSERT_FALSE(config.has_value()) << file;
    EXPECT_EQ(config.error().at(0).reason, Reason::kFileUnreadable) << file;
    EXPECT_THAT(config.error().at(0).message, HasSubstr(message)) << file;
  }
  std::filesystem::remove_all(folder);
}

// Key -> the comment above it, for each key of the example, whether in force or behind a "#".
std::map<std::string, std::string> DocumentedKeys(std::string_view example) {
  std::map<std::string, std::string> keys;
  std::string section;
  std::string comment;
  while (!example.empty()) {
    const size_t end = example.find('\n');
    std::string_view line = example.substr(0, end);
    example.remove_prefix(end + 1);
    if (line.starts_with("# ")) {
      comment += (comment.empty() ? "" : " ") + std::string(line.substr(2));
      continue;
    }
    if (line.starts_with('#')) line.remove_prefix(1);
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    if (const size_t equals = line.find(" = "); equals != std::string_view::npos) {
      keys[section + "." + std::string(line.substr(0, equals))] = comment;
    }
    comment.clear();
  }
  return keys;
}

TEST(Example, ParsesAndDocumentsEveryKeyWithRangeAndDefault) {
  const auto config = LoadConfig(kExample);
  ASSERT_TRUE(config.has_value()) << FormatErrors(kExample, config.error());
  const auto documented = DocumentedKeys(ReadFile(kExample));
  const std::vector<ConfigKey> known = ConfigKeys();
  EXPECT_EQ(documented.size(), known.size());
  for (const ConfigKey& key : known) {
    const auto found = documented.find(key.name);
    if (found == documented.end()) {
      ADD_FAILURE() << key.name << " is not in the example";
      continue;
    }
    EXPECT_THAT(found->second, HasSubstr(key.rule)) << key.name;
    if (key.name.starts_with("site.") && key.default_value.empty()) {
      EXPECT_THAT(found->second, HasSubstr("Required.")) << key.name;
    } else {
      const std::string value = key.default_value.empty() ? "none" : key.default_value;
      EXPECT_THAT(found->second, HasSubstr("Default: " + value + ".")) << key.name;
    }
  }
}

// With every "#key = value" of the example put in force it still parses, but for the keys that exclude
// others.
TEST(Example, CommentedKeysParseToo) {
  std::string text = ReadFile(kExample);
  for (size_t at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1)) {
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  }
  text = Replaced(text, "master_key_env = ", "#master_key_env = ");
  const auto config = ParseConfig(text);
  EXPECT_TRUE(config.has_value()) << FormatErrors(kExample, config.error());
}

}  // namespace
}  // namespace hearth::daemon
