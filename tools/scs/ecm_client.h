// ECMs from an ECMG over SimulCrypt, with other ECMGs to turn to when it fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/endpoint.h"
#include "src/simulcrypt/scs_session.h"
#include "tools/net/socket.h"
#include "tools/scs/ecm_source.h"

namespace hearth::scs {

struct EcmClientOptions {
  std::vector<Endpoint> ecmgs;  // tried in turn
  uint32_t super_cas_id = 0;
  uint16_t channel_id = 1;
  struct Stream {
    uint16_t ecm_id = 1;
    std::optional<Bytes> access_criteria;
  };
  std::vector<Stream> streams;  // stream ids are 1, 2 …
  std::chrono::milliseconds crypto_period{10'000};
  uint8_t version = 3;  // the highest to try; lower ones follow when the ECMG refuses it
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds retry_after{500};  // a failed ECMG, and a question that was refused
};

// One thread; blocks in Open and Take only.
class EcmClient final : public EcmSource, private simulcrypt::ScsHost {
 public:
  static Result<std::unique_ptr<EcmClient>> Create(const EcmClientOptions& options);

  // Connects to the first ECMG that opens the channel and all streams. OUTPUT_FAILED with what each answered.
  Status Open();
  // Closes streams and channel in order.
  void Close();

  const EcmTerms& terms() const override { return terms_; }
  // Questions without an answer are asked again after a reconnect.
  Status Ask(size_t stream, uint16_t cp_number, const std::vector<PeriodWord>& words) override;
  Result<std::vector<Ecm>> Take(std::chrono::milliseconds timeout) override;

  // Told in words of connections made and lost and of errors.
  using OnEvent = std::function<void(const std::string&)>;
  void set_on_event(OnEvent on_event) { on_event_ = std::move(on_event); }
  uint64_t reconnects() const { return reconnects_; }
  std::chrono::nanoseconds slowest_answer() const { return slowest_; }

 private:
  struct Question {
    uint16_t cp_number = 0;
    std::vector<PeriodWord> words;
    std::optional<simulcrypt::SteadyTime> again_at;  // refused: ask again then
  };

  explicit EcmClient(const EcmClientOptions& options)
      : options_(options), open_questions_(options.streams.size()) {}

  void OnChannelOpen(const simulcrypt::ChannelParameters& parameters) override;
  void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
             std::optional<simulcrypt::SteadyTime> waited) override;
  void OnError(const simulcrypt::ScsError& error) override;

  Status Connect(const Endpoint& endpoint);
  Status TryAll();
  void Exchange(std::chrono::milliseconds timeout);
  void Send(size_t stream);
  void Disconnected(const std::string& why, std::chrono::milliseconds retry_after);
  void Reconnect();
  std::string WhyNot(const Endpoint& endpoint) const;
  void Tell(const std::string& text) const;

  EcmClientOptions options_;
  EcmTerms terms_;
  size_t ecmg_ = 0;  // the one in use, or to be tried next
  uint8_t version_ = 3;
  net::Fd fd_;
  std::unique_ptr<simulcrypt::ScsSession> session_;
  Bytes out_;
  std::vector<std::optional<Question>> open_questions_;
  std::vector<Ecm> answers_;
  std::optional<simulcrypt::EcmgError> last_error_;
  simulcrypt::SteadyTime retry_at_{0};
  uint64_t reconnects_ = 0;
  std::chrono::nanoseconds slowest_{0};
  OnEvent on_event_;
};

}  // namespace hearth::scs
