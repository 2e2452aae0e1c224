#include "tools/scs/ecm_client.h"

#include <algorithm>

#include <fmt/format.h>
#include <poll.h>

namespace hearth::scs {
namespace {

using simulcrypt::CpCw;
using simulcrypt::EcmgError;
using simulcrypt::ScsSession;
using simulcrypt::SteadyTime;
using std::chrono::milliseconds;

SteadyTime Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

uint16_t StreamIdOf(size_t stream) { return static_cast<uint16_t>(stream + 1); }

}  // namespace

Result<std::unique_ptr<EcmClient>> EcmClient::Create(const EcmClientOptions& options) {
  if (options.ecmgs.empty()) return InvalidField("ecmg", "at least one address");
  if (options.streams.empty()) return InvalidField("service", "at least one programme");
  return std::unique_ptr<EcmClient>(new EcmClient(options));
}

void EcmClient::Tell(const std::string& text) const {
  if (on_event_) on_event_(text);
}

Status EcmClient::Open() {
  version_ = options_.version;
  return TryAll();
}

Status EcmClient::TryAll() {
  std::string refusals;
  for (size_t i = 0; i < options_.ecmgs.size(); ++i) {
    const Status connected = Connect(options_.ecmgs[ecmg_]);
    if (connected) return Ok();
    refusals += (refusals.empty() ? "" : "; ") + connected.error().message();
    ecmg_ = (ecmg_ + 1) % options_.ecmgs.size();
  }
  return Error(Reason::kOutputFailed, refusals);
}

Status EcmClient::Connect(const Endpoint& endpoint) {
  simulcrypt::ScsOptions options;
  options.version = version_;
  options.channel_id = options_.channel_id;
  options.super_cas_id = options_.super_cas_id;
  for (size_t i = 0; i < options_.streams.size(); ++i) {
    options.streams.push_back({StreamIdOf(i), options_.streams[i].ecm_id,
                               static_cast<uint16_t>(options_.crypto_period / milliseconds(100))});
  }
  last_error_.reset();
  out_.clear();
  HEARTH_ASSIGN_OR_RETURN(fd_, net::ConnectTcp(endpoint, options_.connect_timeout));
  HEARTH_ASSIGN_OR_RETURN(session_, ScsSession::Create(options, *this));
  session_->Start(Now(), out_);
  while (fd_.open() && !session_->should_close() && session_->state() != ScsSession::State::kOpen) {
    Exchange(milliseconds(100));
  }
  if (fd_.open() && session_->state() == ScsSession::State::kOpen &&
      session_->open_streams() == options_.streams.size()) {
    Tell(fmt::format("connected to ECMG {}, protocol version {}", ToString(endpoint), version_));
    return Ok();
  }
  const std::string why = WhyNot(endpoint);
  fd_.Close();
  session_.reset();
  if (last_error_ == EcmgError::kUnsupportedVersion && version_ > 1) {
    --version_;
    return Connect(endpoint);
  }
  return Error(Reason::kOutputFailed, why);
}

std::string EcmClient::WhyNot(const Endpoint& endpoint) const {
  if (last_error_) return fmt::format("ECMG {} answers: {}", ToString(endpoint), ErrorName(*last_error_));
  if (!fd_.open()) return fmt::format("ECMG {} closed the connection", ToString(endpoint));
  return fmt::format("ECMG {} does not answer", ToString(endpoint));
}

void EcmClient::OnChannelOpen(const simulcrypt::ChannelParameters& parameters) {
  terms_.ts_packets = parameters.ts_packets;
  terms_.delay_start = milliseconds(parameters.delay_start_ms);
  terms_.delay_stop = milliseconds(parameters.delay_stop_ms);
  terms_.repetition = milliseconds(std::max<int>(parameters.ecm_rep_period_ms, 1));
  terms_.min_crypto_period = milliseconds(100 * parameters.min_cp_duration_100ms);
  terms_.lead_cw = parameters.lead_cw;
  terms_.cw_per_msg = parameters.cw_per_msg;
}

void EcmClient::OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
                      std::optional<SteadyTime> waited) {
  const size_t stream = stream_id - size_t{1};
  if (stream >= open_questions_.size()) return;
  if (waited) slowest_ = std::max(slowest_, *waited);
  auto& question = open_questions_[stream];
  if (question && question->cp_number == cp_number) question.reset();
  answers_.push_back({stream, cp_number, Bytes(datagram.begin(), datagram.end())});
}

void EcmClient::OnError(const simulcrypt::ScsError& error) {
  last_error_ = error.status;
  Tell(fmt::format("ECMG {}: {}",
                   error.stream_id ? fmt::format("refuses stream {}", *error.stream_id) : "error",
                   ErrorName(error.status)));
  const size_t stream = error.stream_id ? *error.stream_id - size_t{1} : open_questions_.size();
  if (stream < open_questions_.size() && open_questions_[stream]) {
    open_questions_[stream]->again_at = Now() + options_.retry_after;
  }
}

Status EcmClient::Ask(size_t stream, uint16_t cp_number, const std::vector<PeriodWord>& words) {
  open_questions_[stream] = Question{cp_number, words, {}};
  Send(stream);
  return Ok();
}

void EcmClient::Send(size_t stream) {
  if (!session_ || !open_questions_[stream]) return;
  Question& question = *open_questions_[stream];
  question.again_at.reset();
  std::vector<CpCw> words;
  for (const PeriodWord& word : question.words) words.push_back({word.cp_number, word.word});
  simulcrypt::ProvisionExtras extras;
  // Sent with each: what the ECMG's transfer mode allows, and nothing to remember after a reconnect.
  if (options_.streams[stream].access_criteria)
    extras.access_criteria = *options_.streams[stream].access_criteria;
  session_->Abandon(StreamIdOf(stream));  // the host asks anew only when the last question is over
  const auto sent = session_->Provide(StreamIdOf(stream), question.cp_number, words, extras, Now(), out_);
  if (sent == ScsSession::ProvideResult::kWrongCws) {
    Disconnected("it changed lead_CW or CW_per_msg since the start", options_.retry_after);
  } else if (sent != ScsSession::ProvideResult::kSent) {
    Disconnected("a stream is not open", options_.retry_after);
  } else if (!net::WriteSome(fd_, &out_)) {
    Disconnected("connection broken", milliseconds(0));
  }
}

void EcmClient::Disconnected(const std::string& why, milliseconds retry_after) {
  Tell(fmt::format("lost ECMG {}: {}", ToString(options_.ecmgs[ecmg_]), why));
  fd_.Close();
  session_.reset();
  ecmg_ = (ecmg_ + 1) % options_.ecmgs.size();
  retry_at_ = Now() + retry_after;
}

void EcmClient::Reconnect() {
  if (session_ || Now() < retry_at_) return;
  const Status connected = TryAll();
  if (!connected) {
    Tell(connected.error().message());
    retry_at_ = Now() + options_.retry_after;
    return;
  }
  ++reconnects_;
  for (size_t i = 0; i < open_questions_.size() && session_; ++i) Send(i);
}

// Once around: waits for bytes, takes them, sends what is to be sent.
void EcmClient::Exchange(milliseconds timeout) {
  pollfd waiting{fd_.get(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
  poll(&waiting, 1, static_cast<int>(timeout.count()));
  Bytes in;
  const bool alive = (waiting.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || net::ReadSome(fd_, &in);
  session_->Push(in, Now(), out_);
  session_->Tick(Now(), out_);
  if (!net::WriteSome(fd_, &out_) || !alive) fd_.Close();
}

Result<std::vector<Ecm>> EcmClient::Take(milliseconds timeout) {
  const SteadyTime end = Now() + timeout;
  do {
    Reconnect();
    const auto left = std::chrono::duration_cast<milliseconds>(end - Now());
    if (!session_) {
      // Nothing to wait on but the time of the next attempt.
      poll(nullptr, 0, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 50)));
      continue;
    }
    Exchange(std::clamp(left, milliseconds(0), milliseconds(50)));
    if (!fd_.open()) {
      Disconnected("it closed the connection", milliseconds(0));
    } else if (session_->should_close()) {
      Disconnected("the channel is in error", options_.retry_after);
    }
    for (size_t i = 0; i < open_questions_.size() && session_; ++i) {
      if (open_questions_[i] && open_questions_[i]->again_at && Now() >= *open_questions_[i]->again_at)
        Send(i);
    }
  } while (answers_.empty() && Now() < end);
  return std::exchange(answers_, {});
}

void EcmClient::Close() {
  if (!session_) return;
  session_->Close(Now(), out_);
  const SteadyTime end = Now() + std::chrono::seconds(1);
  while (fd_.open() && !session_->should_close() && Now() < end) Exchange(milliseconds(50));
  if (fd_.open()) net::WriteSome(fd_, &out_);
  fd_.Close();
  session_.reset();
}

}  // namespace hearth::scs
