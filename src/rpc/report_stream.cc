#include "src/rpc/report_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

namespace hearth::rpc {
namespace {

// How often an idle stream looks whether the head-end is stopping.
constexpr std::chrono::milliseconds kLook(500);

void SetRefused(uint32_t index, const Error& error, v1::ReportResult& out) {
  out.set_index(index);
  out.set_reason(std::string(InfoOf(error.reason()).name));
  out.set_message(error.message());
}

}  // namespace

ReportStream::ReportStream(app::HeadEnd& head_end, const Limits& limits, app::Gateway* gateway,
                           grpc::ServerContext& context, Stream& stream)
    : head_end_(head_end), limits_(limits), gateway_(gateway), context_(context), stream_(stream) {}

Status ReportStream::Run() {
  std::thread writer([this] { AnswerAll(); });
  const Status status = ReadAll();
  {
    const MutexLock lock(mu_);
    read_all_ = true;
    changed_.NotifyAll();
  }
  writer.join();
  return status;
}

Status ReportStream::ReadAll() {
  for (;;) {
    {
      const MutexLock lock(mu_);
      while (waiting_ >= limits_.report_batches_in_flight) changed_.Wait(mu_);
    }
    if (!stream_.Read(&in_)) return Ok();
    HEARTH_RETURN_IF_ERROR(Begin(in_));
  }
}

Status ReportStream::Begin(const v1::ReportBatch& in) {
  if (in.sequence() <= last_sequence_) {
    return InvalidField("sequence", fmt::format("above {}, that of the batch before", last_sequence_));
  }
  if (static_cast<size_t>(in.reports_size()) > limits_.reports_per_batch) {
    return Error(Reason::kLimitExceeded, fmt::format("{} reports in one batch; at most {} may be",
                                                     in.reports_size(), limits_.reports_per_batch))
        .Field("reports", fmt::format("at most {}", limits_.reports_per_batch));
  }
  last_sequence_ = in.sequence();
  Begun begun{.sequence = in.sequence()};
  begun.positions.reserve(static_cast<size_t>(in.reports_size()));
  if (reports_.size() < static_cast<size_t>(in.reports_size())) {
    reports_.resize(static_cast<size_t>(in.reports_size()));
  }
  size_t good = 0;
  for (int i = 0; i < in.reports_size(); ++i) {
    const auto index = static_cast<uint32_t>(i);
    if (Status converted = ReportFrom(in.reports(i), limits_, reports_[good]); !converted) {
      head_end_.location().CountRefused(converted.error().reason());
      begun.malformed.emplace_back(index, converted.error());
      continue;
    }
    begun.positions.push_back(index);
    ++good;
  }
  begun.batch = head_end_.location().Begin(std::span(reports_).first(good), gateway_);
  const MutexLock lock(mu_);
  begun_.push_back(std::move(begun));
  ++waiting_;
  changed_.NotifyAll();
  return Ok();
}

void ReportStream::AnswerAll() {
  for (;;) {
    std::optional<Begun> next;
    {
      const MutexLock lock(mu_);
      while (begun_.empty() && !read_all_) {
        // A gateway keeps its stream open for days: it is told to go elsewhere.
        if (!changed_.WaitFor(mu_, kLook) && head_end_.shutting_down()) context_.TryCancel();
      }
      if (begun_.empty()) return;
      next = std::move(begun_.front());
      begun_.pop_front();
    }
    Answer(std::move(*next));
    const MutexLock lock(mu_);
    --waiting_;
    changed_.NotifyAll();
  }
}

void ReportStream::Answer(Begun begun) {
  const app::BatchAnswer answer = head_end_.location().Finish(std::move(begun.batch));
  if (broken_) return;
  out_.Clear();
  out_.set_sequence(begun.sequence);
  out_.set_observed(answer.observed);
  out_.set_refused(answer.refused + static_cast<uint32_t>(begun.malformed.size()));
  auto malformed = begun.malformed.begin();
  const auto put_malformed_before = [&](uint32_t index) {
    for (; malformed != begun.malformed.end() && malformed->first < index; ++malformed) {
      SetRefused(malformed->first, malformed->second, *out_.add_results());
    }
  };
  for (const auto& [position, one] : answer.items) {
    const uint32_t index = begun.positions[position];
    put_malformed_before(index);
    v1::ReportResult& result = *out_.add_results();
    if (!one) {
      SetRefused(index, one.error(), result);
      continue;
    }
    result.set_index(index);
    result.set_outcome(static_cast<v1::ReportOutcome>(one->outcome));
    result.set_verdict(ToProto(one->verdict));
    if (one->reason) result.set_reason(std::string(InfoOf(*one->reason).name));
    result.set_message(one->message);
  }
  put_malformed_before(UINT32_MAX);
  broken_ = !stream_.Write(out_);
}

}  // namespace hearth::rpc
