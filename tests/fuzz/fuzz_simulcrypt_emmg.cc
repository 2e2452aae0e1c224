// Anything as what a MUX sends. Data goes out only when it was granted.
#include "src/simulcrypt/emmg_session.h"
#include "tests/fuzz/fuzz_simulcrypt.h"

namespace hearth::simulcrypt {
namespace {

struct Host : EmmgHost {
  void OnBandwidth(uint16_t kbps) override {
    log += " " + std::to_string(kbps);
    last = kbps;
  }
  void OnWarning(EmmgError) override { log += " warning"; }
  std::string log;
  uint16_t last = 0;
};

std::string Run(ByteView data, size_t at_a_time) {
  Host host;
  EmmgOptions options;
  options.client_id = 0x4AFE0002;
  options.stream_id = 7;
  options.data_id = 9;
  options.bandwidth_kbps = 1000;
  options.accept_mux_mode = data.size() % 2 == 0;
  options.max_message_bytes = 1024;
  auto session = EmmgSession::Create(options, host).value();
  Bytes out;
  session->Start(SteadyTime(0), out);
  InPieces(data, at_a_time, [&](ByteView part) { session->Push(part, SteadyTime(0), out); });
  const uint8_t section[] = {0x82, 0x70, 0x00};
  const ByteView datagrams[] = {section};
  const bool sent = session->Send(datagrams, out) == EmmgSession::SendResult::kSent;
  Require(sent ==
          (session->state() == EmmgSession::State::kReady && host.last > 0 && !session->ts_packets()));
  Require(session->failure().has_value() ==
          (session->should_close() && session->close_reason() != CloseReason::kFinished));
  session->Close(SteadyTime(0), out);
  session->Tick(std::chrono::seconds(60), out);
  Require(session->should_close());
  RequireGood(Interface::kEmmgMux, Side::kServer, out);
  return host.log + (session->failure() ? session->failure()->text : "") + std::string(AsChars(out));
}

}  // namespace
}  // namespace hearth::simulcrypt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::simulcrypt;  // NOLINT(google-build-using-namespace)
  Require(Run({data, size}, size + 1) == Run({data, size}, 3));
  return 0;
}
