// The logger of the daemon and the tools: writes events as lines to standard error or to a file.
#pragma once

#include <atomic>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mutex.h"
#include "src/base/status.h"

namespace hearth::log {

enum class Format { kJson, kText };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;  // events below it are dropped
  Format format = Format::kJson;
  std::filesystem::path file;  // empty: standard error
};

// Each event is one line, written and flushed before Log returns: what a crash leaves behind is complete.
// A line that cannot be written is lost; logging never fails its caller. Any thread. The clock must outlive
// it.
class LineLogger final : public Logger {
 public:
  // FILE_UNREADABLE when the file cannot be opened for appending; its folder must exist.
  static Result<std::unique_ptr<LineLogger>> Create(LogOptions options, const Clock& clock);
  ~LineLogger() override;

  void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) override;
  void SetLevel(LogLevel level) { level_ = level; }

  // Opens the file anew under its name, after a rotation has moved it away; with standard error nothing
  // happens. On FILE_UNREADABLE the old file stays in use. Not for signal handlers: call it from a thread
  // that waits for SIGHUP.
  Status Reopen();

 private:
  class Sink;  // hides spdlog

  LineLogger(LogOptions options, const Clock& clock, std::unique_ptr<Sink> sink);

  const LogOptions options_;
  const Clock& clock_;
  std::atomic<LogLevel> level_;
  Mutex mutex_;
  std::unique_ptr<Sink> sink_ HEARTH_GUARDED_BY(mutex_);
};

}  // namespace hearth::log
