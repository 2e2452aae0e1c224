// The configuration of hearthd: a TOML file of sections and keys. deploy/hearth.example.toml describes every
// key with its unit, range and default; a test keeps the two the same.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "src/base/endpoint.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/reason.h"
#include "src/log/log.h"
#include "src/mpegts/packet.h"
#include "src/simulcrypt/ecmg_types.h"
#include "src/simulcrypt/emmg_session.h"
#include "src/store/rocks/rocks_store.h"

namespace hearth::daemon {

enum class StoreKind { kRocksDb, kMemory };

// What the section output writes: the sections as they go on the air, one after another.
enum class OutputMode { kSections };

// kEcm: a lane that answers scramblers from the lane file, without store, keys and API, whatever happens to
// the head-end.
enum class Role { kAll, kEcm };

// Values only; paths are as written (a relative one is meant from the working directory) and nothing has been
// opened. Whoever holds one knows that every value is in its range and that they fit together.
struct Config {
  struct Site {
    std::string name;
    RegionCode province;  // two digits
    // No TLS and no certificates: the actor comes from gRPC metadata. For development on one machine.
    bool insecure_development = false;
  };
  struct Store {
    StoreKind kind = StoreKind::kRocksDb;
    std::filesystem::path path;  // of a RocksDB store
    store::RocksMemory memory;
  };
  // Exactly one of the two is set.
  struct Keys {
    std::filesystem::path master_key_file;
    std::string master_key_env;  // name of an environment variable
  };
  struct Grpc {
    Endpoint listen{"127.0.0.1", 7443};
    std::filesystem::path port_file;  // empty: none is written
    // All set, or with insecure_development none.
    std::filesystem::path tls_certificate, tls_key, tls_client_ca;
    size_t max_message_bytes = Limits{}.grpc_message_bytes;
  };
  struct Metrics {
    std::optional<Endpoint> listen = Endpoint{"127.0.0.1", 9464};
  };
  struct Output {
    std::filesystem::path file;  // empty: none
    std::optional<Endpoint> listen;
    OutputMode mode = OutputMode::kSections;
  };
  struct Epochs {
    std::chrono::days length{14};
    std::chrono::days lead{7};  // shorter than length
    UnixMillis zero{kEpoch2024Seconds * 1000};
  };
  struct Policy {
    int blacklisted_reports = 2;
    std::chrono::seconds blacklisted_gap{60};
    int out_of_area_reports = 3;
    std::chrono::minutes out_of_area_window{30};
    std::chrono::hours grace{72};
  };
  struct Retention {
    std::chrono::days change_records{7};
  };
  // Where every change is kept beyond the store, to reconcile a restored backup with.
  struct Archive {
    std::filesystem::path dir;  // empty: none
    size_t segment_mib = 64;
  };
  // The register of cells.
  struct Survey {
    std::filesystem::path dir;  // empty: "survey" beside the store's folder; with a store in memory none
  };
  // The ECMG: one kind of scrambler never comes back by itself, so that what it is told must be right at
  // once.
  struct Ecmg {
    std::optional<Endpoint> listen;  // empty: no ECMG
    std::vector<uint32_t> super_cas_ids;
    simulcrypt::ChannelParameters channel;
    std::chrono::milliseconds min_cp_duration{1000};
    bool strict_criteria = false;
    size_t max_connections = 64;
    size_t max_streams = 16'384;
    std::chrono::seconds idle_timeout{0};
    std::chrono::seconds test_interval{0};
    std::chrono::milliseconds overload{250};
    size_t threads = 2;
    // All set, or none: then the link must be a private one.
    std::filesystem::path tls_certificate, tls_key, tls_client_ca;
  };
  // A multiplexer that this daemon connects to, as the EMMG.
  struct Mux {
    std::string name;
    Endpoint address;  // no host: missing
    std::optional<Endpoint> udp;
    simulcrypt::EmmgOptions session{.bandwidth_kbps = 1000};
    mpegts::Packing packing = mpegts::Packing::kPadded;
    std::chrono::milliseconds burst{5};
    std::chrono::seconds test_interval{0};
    std::set<uint16_t> provinces;  // empty: all
  };
  // How the air is shared out, in percent; together 100.
  struct Carousel {
    uint32_t rate_kbps = 1000;  // of outputs that have no pace of their own
    int individual = 12;
    int bulk = 5;
    int change = 3;
    int service_keys = 5;
    int groups = 45;
    int records = 25;
    int areas = 5;
    std::chrono::days unconfirmed{90};
  };
  // The file that makes ECM lanes independent of the head-end.
  struct Lanes {
    std::filesystem::path file;  // empty: none
    std::filesystem::path key_file;
    std::vector<std::string> registered;  // which must hold an epoch's keys before it is used
    uint64_t epochs_ahead = 3;
    std::string name;  // of this lane, with Role::kEcm
  };
  // Emergency broadcast.
  struct Emergency {
    std::filesystem::path key_file;  // empty: no alert can be proposed
    uint8_t key_id = 1;
    bool two_people = true;
  };
  // Subscribers who move house.
  struct Relocation {
    std::vector<std::string> centre;  // common names of certificates
  };
  // Who may pass on location reports without the card's MAC.
  struct Gateway {
    std::string name;
    std::vector<std::string> certificates;  // common names
    std::vector<RegionCode> regions;        // empty: everywhere
    uint32_t per_second = 1000;
  };
  struct RequestLimits {
    size_t requests_in_flight = Limits{}.requests_in_flight;
    size_t open_watches = Limits{}.open_watches;
  };

  Site site;
  Store store;
  Keys keys;
  Grpc grpc;
  Metrics metrics;
  Output output;
  Epochs epochs;
  Policy policy;
  Ecmg ecmg;
  std::vector<Mux> muxes;
  Carousel carousel;
  Lanes lanes;
  Emergency emergency;
  Relocation relocation;
  Retention retention;
  Archive archive;
  Survey survey;
  RequestLimits limits;
  std::vector<Gateway> gateways;
  log::LogOptions log;
};

// One thing wrong with a configuration.
struct ConfigError {
  int line = 0;     // from 1; 0 when the file as a whole is meant
  std::string key;  // "epochs.length_days"; empty when no key is meant
  Reason reason;    // FILE_UNREADABLE or one of the CONFIG_ reasons
  std::string message;

  // "hearth.toml:12: CONFIG_VALUE_INVALID: epochs.length_days: … [cure]".
  std::string ToString(std::string_view file) const;
};

// Sorted by line; never empty.
using ConfigErrors = std::vector<ConfigError>;

// Reads a configuration; all errors of the text are found in one go, except that a syntax error hides the
// rest. Any thread.
tl::expected<Config, ConfigErrors> ParseConfig(std::string_view text, Role role = Role::kAll);

// The same for a file of at most 1 MiB.
tl::expected<Config, ConfigErrors> LoadConfig(const std::filesystem::path& file, Role role = Role::kAll);

// One line for each error, each with the file's name.
std::string FormatErrors(std::string_view file, const ConfigErrors& errors);

// What is known about a key, for documentation and its test.
struct ConfigKey {
  std::string name;           // "epochs.length_days"
  std::string rule;           // "1 to 90 days"
  std::string default_value;  // as in TOML; empty when the key has none
};

// Every key that the parser knows, in the order of Config.
std::vector<ConfigKey> ConfigKeys();

}  // namespace hearth::daemon
