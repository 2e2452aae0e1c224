// The ECMG of ETSI TS 103 197, clause 5, as a TCP server: scramblers (SCS) connect, set up channels and
// streams, and get an ECM for each CW_provision.
//
// Nothing on the way from a CW_provision to its ECM waits for a lock of the store, a disk or another
// connection: one kind of scrambler goes dark after one lost answer and stays so until a person restarts it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/endpoint.h"
#include "src/base/ids.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/status.h"
#include "src/simulcrypt/ecmg_session.h"

namespace hearth::gateway {

// What is asked of an EcmMaker. Views are valid during the call only.
struct EcmDemand {
  ServiceId service;  // the ECM_id of the stream
  uint16_t cp_number = 0;
  std::span<const simulcrypt::CpCw> words;  // ascending by CP, all of 8 or all of 16 bytes
  // How long the present crypto period lasts; 0: the SCS did not say.
  std::chrono::milliseconds crypto_period{0};
  // What the SCS sent, if it did: an AC record (docs/messages.md, section 4), for the first word.
  std::optional<ByteView> access_criteria;
};

enum class EcmOutcome : uint8_t {
  kMade,
  kMadeOtherCriteria,  // made by the schedule, which says other than the access_criteria of the SCS
  kUnknownChannel,
  kNoKey,  // no service key of this epoch
  kBadWord,
};

// Makes ECMs. Any thread, several at once, without waiting.
class EcmMaker {
 public:
  virtual ~EcmMaker() = default;
  virtual bool Knows(ServiceId service) const = 0;
  // Appends the section, unless something is wrong.
  virtual EcmOutcome Make(const EcmDemand& demand, Bytes& section) const = 0;
};

// Scramblers speak TLS in a proxy beside them; both ends show certificates. PEM files, read at start.
struct EcmgTls {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path client_ca;
};

struct EcmgServerOptions {
  Endpoint listen;
  // A listening TCP socket from elsewhere, instead of one bound to `listen`. The server closes it.
  std::optional<int> inherited;
  // At least one. CA_system_id in the upper 16 bits.
  std::vector<uint32_t> super_cas_ids;
  simulcrypt::ChannelParameters channel;
  simulcrypt::EcmgOptions session;
  size_t max_connections = 256;
  size_t max_streams = 16'384;  // of all channels together
  // access_criteria other than the schedule's are refused (0x0011); else the schedule wins, and it is
  // counted.
  bool strict_criteria = false;
  // New channels and streams are refused (0x000D) while the server answers later than this.
  std::chrono::milliseconds overload{250};
  size_t threads = 2;
  std::optional<EcmgTls> tls;
};

// Serves from Create on.
class EcmgServer {
 public:
  // CONFIG_VALUE_INVALID (options, the address, the inherited socket, or TLS refuses a file). What is passed
  // must outlive the server.
  static Result<std::unique_ptr<EcmgServer>> Create(const EcmgServerOptions& options, const EcmMaker& maker,
                                                    MetricsRegistry& metrics, Logger& log);
  // Closes all connections.
  ~EcmgServer();

  // As given, with the port that is really bound; with an inherited socket, its own address.
  const Endpoint& listening() const { return listening_; }

 private:
  class Impl;  // hides Boost.Asio

  EcmgServer(std::unique_ptr<Impl> impl, Endpoint listening);

  std::unique_ptr<Impl> impl_;
  Endpoint listening_;
};

}  // namespace hearth::gateway
