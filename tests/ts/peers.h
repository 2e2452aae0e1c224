// The head-end's side of SimulCrypt for tests of hearth-scs and hearth-mux, on loopback.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/mutex.h"
#include "src/base/status.h"
#include "src/simulcrypt/ecmg_session.h"
#include "src/simulcrypt/emmg_session.h"
#include "tests/receiver/home.h"
#include "tools/net/socket.h"

namespace hearth::ts {

// An ECMG on a port of its own, with real ECMs under the service key of a home; ECM_id is the service. Serves
// any number of connections, one after the other and at once, on a thread of its own until it goes.
class EcmgThread {
 public:
  struct Options {
    uint32_t super_cas_id = 0x4A750001;
    simulcrypt::ChannelParameters parameters;
    int close_after_ecms = -1;    // then every connection is dropped, and none is accepted any more
    uint8_t highest_version = 3;  // higher ones are refused
  };

  EcmgThread(const receiver::Home& home, const Options& options);
  ~EcmgThread();

  std::string address() const;
  int ecms() const { return ecms_; }
  int connections() const { return connections_; }
  // Bytes of the access_criteria of the last CW_provision that had some.
  Bytes last_criteria() const {
    const MutexLock lock(mu_);
    return last_criteria_;
  }

 private:
  class Peer;
  void Serve();

  const receiver::Home& home_;
  Options options_;
  net::Fd listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::atomic<bool> stop_{false};
  std::atomic<int> ecms_{0};
  std::atomic<int> connections_{0};
  mutable Mutex mu_;
  Bytes last_criteria_ HEARTH_GUARDED_BY(mu_);
  std::thread thread_;
};

struct EmmgResult {
  bool sent = false;
  uint16_t granted_kbps = 0;
  std::string failure;
};
// An EMMG that connects, sets up, sends these datagrams in one go and closes in order. `udp_port`: the data
// goes there.
EmmgResult SendEmms(uint16_t port, const simulcrypt::EmmgOptions& options,
                    const std::vector<Bytes>& datagrams, uint16_t udp_port = 0);

}  // namespace hearth::ts
