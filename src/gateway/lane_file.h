// The file that ECM lanes work from (src/app/ecm_seal.h): the head-end writes it, `hearthd --role ecm` reads
// it and acknowledges it, and neither needs the other to run.
//
//   FILE            the sealed lane, replaced whole by renaming
//   FILE.ack.NAME   what the lane NAME holds: "generation holds_through\n" in decimal digits
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/app/head_end.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/status.h"
#include "src/crypto/wrap.h"
#include "src/gateway/ecmg_server.h"

namespace hearth::gateway {

struct LanePublisherOptions {
  std::filesystem::path file;
  // The lanes that must hold an epoch's keys before it is used. One that is silent holds the epoch back, with
  // an alarm; who is gone for good is taken off this list.
  std::vector<std::string> lanes;
  uint64_t epochs_ahead = 3;  // how far a lane can go on by itself
  std::chrono::milliseconds poll{100};
};

// Writes the file whenever channels, plans, keys or the epoch that may be used change.
class LanePublisher {
 public:
  // Writes the first file before it returns. LANE_FILE_INVALID (one is there that was sealed under another
  // key, or the file cannot be written). What is passed must outlive it.
  static Result<std::unique_ptr<LanePublisher>> Start(const LanePublisherOptions& options,
                                                      crypto::MasterKey lane_key, app::HeadEnd& head_end,
                                                      const Clock& clock, MetricsRegistry& metrics,
                                                      Logger& log);
  ~LanePublisher();

 private:
  class Impl;
  explicit LanePublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct LaneReaderOptions {
  std::filesystem::path file;
  std::string name;  // of this lane
  std::chrono::milliseconds poll{100};
};

// Reads the file again whenever it changes, and steps from epoch to epoch by itself. Any thread.
class LaneReader {
 public:
  // Waits until there is a file it can use, or `stop` says so (nullptr then): a scrambler that is refused a
  // stream may never ask again, so that nothing is served before. What is passed must outlive it.
  static std::unique_ptr<LaneReader> Start(const LaneReaderOptions& options, crypto::MasterKey lane_key,
                                           const Clock& clock, MetricsRegistry& metrics, Logger& log,
                                           const std::function<bool()>& stop);
  ~LaneReader();

  std::shared_ptr<const app::EcmSnapshot> snapshot() const;
  // Grows after each change of the snapshot.
  uint64_t version() const;
  // Not before the time at which the file was written, whatever this host's clock says.
  UnixMillis now() const;

 private:
  class Impl;
  explicit LaneReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::gateway
