// Anything as what an ECMG sends, while CW_provisions go out.
#include "src/simulcrypt/scs_session.h"
#include "tests/fuzz/fuzz_simulcrypt.h"

namespace hearth::simulcrypt {
namespace {

struct Host : ScsHost {
  void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram, std::optional<SteadyTime>) override {
    log.push_back(static_cast<uint8_t>(stream_id));
    log.push_back(static_cast<uint8_t>(cp_number));
    log.insert(log.end(), datagram.begin(), datagram.end());
    // A new CW_provision from inside, as the load client does.
    if (session->parameters().cw_per_msg != 2) return;
    const uint8_t cw[8] = {};
    const auto next = static_cast<uint16_t>(cp_number + 1);
    const uint16_t first = FirstCp(next, session->parameters().lead_cw, 2);
    const CpCw cws[] = {{first, cw}, {static_cast<uint16_t>(first + 1), cw}};
    session->Provide(stream_id, next, cws, {}, SteadyTime(0), *out);
  }
  void OnError(const ScsError& error) override { log.push_back(static_cast<uint8_t>(error.status)); }
  Bytes log;
  ScsSession* session = nullptr;
  Bytes* out = nullptr;
};

Bytes Run(ByteView data, size_t at_a_time) {
  Host host;
  ScsOptions options;
  options.super_cas_id = 0x4AFE0001;
  options.streams = {{1, 1, 10}, {2, 0x0101, 10}};
  options.max_message_bytes = 512;
  auto session = ScsSession::Create(options, host).value();
  Bytes out;
  host.session = session.get();
  host.out = &out;
  session->Start(SteadyTime(0), out);
  InPieces(data, at_a_time, [&](ByteView part) { session->Push(part, SteadyTime(0), out); });
  Require(session->open_streams() <= 2);
  session->Close(SteadyTime(0), out);
  session->Tick(std::chrono::seconds(60), out);
  Require(session->should_close());
  RequireGood(Interface::kEcmgScs, Side::kServer, out);
  host.log.insert(host.log.end(), out.begin(), out.end());
  host.log.push_back(static_cast<uint8_t>(session->close_reason()));
  return host.log;
}

}  // namespace
}  // namespace hearth::simulcrypt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::simulcrypt;  // NOLINT(google-build-using-namespace)
  Require(Run({data, size}, size + 1) == Run({data, size}, 3));
  return 0;
}
