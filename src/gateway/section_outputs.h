// Where the sections for the air go before the wire of SimulCrypt takes them: a file or pipe, and TCP
// connections of whoever listens. Both write the bytes of the sections, one after another, with nothing
// between them: each section tells its own length (ISO/IEC 13818-1, section 2.4.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "src/app/section_sink.h"
#include "src/base/bytes.h"
#include "src/base/endpoint.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/status.h"

namespace hearth::gateway {

// Appends to a file, or feeds a named pipe. What is in the file are whole sections, whatever happens: a short
// write is cut off again, and so is, at opening, a torn section at the end that a crash left behind. Not
// synced: sections are for the air, and what was not sent is sent again after a crash.
//
// A pipe needs a reader: without one Write fails, and is tried again by the pump. What a reader that went
// away has not read is lost. The process must ignore SIGPIPE.
//
// One thread. The logger must outlive it.
class FileSink final : public app::SectionSink {
 public:
  // Creates a file that is not there, with mode 0640. OUTPUT_FAILED when it cannot be opened for writing; a
  // pipe without a reader is no error yet.
  static Result<std::unique_ptr<FileSink>> Create(std::filesystem::path path, Logger& log);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  std::string_view name() const override { return "file"; }
  // Takes all or none. OUTPUT_FAILED.
  Status Write(std::span<const Bytes> sections) override;

 private:
  FileSink(std::filesystem::path path, Logger& log) : path_(std::move(path)), log_(log) {}
  Status Open();
  Status CutTornSection();
  Status WriteFile(ByteView bytes);
  Status WritePipe(ByteView bytes);
  int SendPending();
  Error PipeFailed(int error);
  Error Failed(std::string what, int error);
  void Close();

  const std::filesystem::path path_;
  Logger& log_;
  int fd_ = -1;
  bool is_pipe_ = false;
  Bytes pending_;  // of a pipe: the rest of what was taken when the pipe was full
};

struct BroadcastOptions {
  // A receiver that lags so far is dropped: at 1 Mbit/s more than a minute.
  size_t queue_bytes = 8 * 1024 * 1024;
  // Receivers at once; each may hold a queue.
  size_t receivers = 64;
};

// Listens on a TCP address and sends every section written from then on to each receiver connected. A slow
// receiver is dropped, with a line in the log, and never holds up anything. What receivers send is ignored.
//
// Write: one thread at a time; it never waits. The rest happens on a thread of its own.
class BroadcastSink final : public app::SectionSink {
 public:
  // CONFIG_VALUE_INVALID when the address cannot be bound. The logger and metrics must outlive it.
  static Result<std::unique_ptr<BroadcastSink>> Create(const Endpoint& listen, BroadcastOptions options,
                                                       MetricsRegistry& metrics, Logger& log);
  // Sends what is queued for at most a second, then closes all connections.
  ~BroadcastSink() override;

  std::string_view name() const override { return "broadcast"; }
  // Always taken; without receivers the sections are gone.
  Status Write(std::span<const Bytes> sections) override;

  // As given, with the port that is really bound.
  const Endpoint& listening() const { return listening_; }

 private:
  class Impl;  // hides Boost.Asio

  BroadcastSink(std::unique_ptr<Impl> impl, Endpoint listening);

  std::unique_ptr<Impl> impl_;
  Endpoint listening_;
};

}  // namespace hearth::gateway
