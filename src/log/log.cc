#include "src/log/log.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "src/log/line.h"

namespace hearth::log {

// One open output. The caller holds a lock, so the sinks bring none of their own. The line is complete as it
// comes; the pattern adds only the line end.
class LineLogger::Sink {
 public:
  // Throws spdlog_ex.
  explicit Sink(const std::filesystem::path& file) {
    if (file.empty()) {
      sink_ = std::make_unique<spdlog::sinks::stderr_sink_st>();
    } else {
      sink_ = std::make_unique<spdlog::sinks::basic_file_sink_st>(file.string());
    }
    sink_->set_pattern("%v");
  }

  // Throws spdlog_ex.
  void Write(std::string_view line) {
    sink_->log(spdlog::details::log_msg("hearth", spdlog::level::info,
                                        spdlog::string_view_t(line.data(), line.size())));
    sink_->flush();
  }

 private:
  std::unique_ptr<spdlog::sinks::sink> sink_;
};

namespace {

// The one place where spdlog's exceptions become ours.
template <typename MakeSink>
auto OpenSink(const std::filesystem::path& file, MakeSink make) -> Result<decltype(make())> {
  // spdlog makes missing folders; a mistyped path must be refused instead.
  std::error_code error;
  if (!file.empty() && file.has_parent_path() && !std::filesystem::is_directory(file.parent_path(), error)) {
    return Error(Reason::kFileUnreadable,
                 fmt::format("log file {}: its folder does not exist", file.string()));
  }
  try {
    return make();
  } catch (const spdlog::spdlog_ex& failure) {
    return Error(Reason::kFileUnreadable, fmt::format("log file {} cannot be opened", file.string()))
        .Detail(failure.what());
  }
}

}  // namespace

Result<std::unique_ptr<LineLogger>> LineLogger::Create(LogOptions options, const Clock& clock) {
  HEARTH_ASSIGN_OR_RETURN(auto sink,
                          OpenSink(options.file, [&] { return std::make_unique<Sink>(options.file); }));
  return std::unique_ptr<LineLogger>(new LineLogger(std::move(options), clock, std::move(sink)));
}

LineLogger::LineLogger(LogOptions options, const Clock& clock, std::unique_ptr<Sink> sink)
    : options_(std::move(options)), clock_(clock), level_(options_.level), sink_(std::move(sink)) {}

LineLogger::~LineLogger() = default;

void LineLogger::Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < level_) return;
  const auto line = options_.format == Format::kJson ? JsonLine : TextLine;
  const std::string text = line(clock_.Now(), level, event, fields);
  MutexLock lock(mutex_);
  try {
    sink_->Write(text);
  } catch (const spdlog::spdlog_ex&) {  // NOLINT(bugprone-empty-catch): a full disk must not stop the service
  }
}

Status LineLogger::Reopen() {
  if (options_.file.empty()) return Ok();
  HEARTH_ASSIGN_OR_RETURN(auto sink,
                          OpenSink(options_.file, [&] { return std::make_unique<Sink>(options_.file); }));
  MutexLock lock(mutex_);
  sink_ = std::move(sink);
  return Ok();
}

}  // namespace hearth::log
