// Anything as what an SCS sends. Also: what the host opened it has closed in the end, and what MakeEcm is
// given is what it promises.
#include "src/simulcrypt/ecmg_session.h"
#include "tests/fuzz/fuzz_simulcrypt.h"

namespace hearth::simulcrypt {
namespace {

constexpr uint8_t kLeadCw = 1;
constexpr uint8_t kCwPerMsg = 2;

class Host : public EcmgHost {
 public:
  EcmgError OpenChannel(EcmgChannel& channel, ChannelParameters& parameters) override {
    if (channel.super_cas_id % 8 == 7) return EcmgError::kUnknownSuperCasId;
    parameters.lead_cw = kLeadCw;
    parameters.cw_per_msg = kCwPerMsg;
    parameters.max_streams = 3;
    ++open_;
    return EcmgError::kNone;
  }
  void CloseChannel(const EcmgChannel&) override { --open_; }
  EcmgError OpenStream(const EcmgChannel&, EcmgStream& stream) override {
    if (stream.ecm_id % 8 == 7) return EcmgError::kUnknownEcmId;
    stream.criteria_in_each = stream.ecm_id % 2 == 1;
    ++open_;
    return EcmgError::kNone;
  }
  void CloseStream(const EcmgChannel&, const EcmgStream&) override { --open_; }
  EcmgError MakeEcm(const CwProvision& provision, Bytes& datagram) override {
    Require(provision.cws.size() == kCwPerMsg);
    uint16_t cp = FirstCp(provision.cp_number, kLeadCw, kCwPerMsg);
    for (const CpCw& entry : provision.cws) {
      Require(entry.cp == cp++);
      Require(entry.cw.size() == 8 || entry.cw.size() == 16);
      Require(entry.cw.size() == provision.cws[0].cw.size());
      datagram.insert(datagram.end(), entry.cw.begin(), entry.cw.end());
    }
    if (provision.access_criteria) {
      datagram.insert(datagram.end(), provision.access_criteria->begin(), provision.access_criteria->end());
    }
    return EcmgError::kNone;
  }
  int open() const { return open_; }

 private:
  int open_ = 0;
};

Bytes Run(ByteView data, size_t at_a_time, CloseReason& reason) {
  Host host;
  EcmgOptions options;
  options.max_channels = 2;
  options.max_message_bytes = 512;
  options.idle_timeout = std::chrono::seconds(60);
  options.test_interval = std::chrono::seconds(20);
  auto session = EcmgSession::Create(options, host, SteadyTime(0)).value();
  Bytes out;
  InPieces(data, at_a_time, [&](ByteView part) { session->Push(part, SteadyTime(0), out); });
  session->Tick(std::chrono::seconds(30), out);
  reason = session->close_reason();
  Require(static_cast<size_t>(host.open()) == session->channel_count() + session->stream_count());
  session->Closed();
  Require(host.open() == 0);
  RequireGood(Interface::kEcmgScs, Side::kClient, out);
  return out;
}

}  // namespace
}  // namespace hearth::simulcrypt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::simulcrypt;  // NOLINT(google-build-using-namespace)
  CloseReason whole{};
  CloseReason pieces{};
  Require(Run({data, size}, size + 1, whole) == Run({data, size}, 3, pieces) && whole == pieces);
  return 0;
}
