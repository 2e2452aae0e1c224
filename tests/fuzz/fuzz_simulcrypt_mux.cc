// Anything as what an EMMG sends, over TCP and as a UDP payload. What the host opened it has closed in the
// end, and its datagrams are whole.
#include "src/simulcrypt/mux_session.h"
#include "tests/fuzz/fuzz_simulcrypt.h"

namespace hearth::simulcrypt {
namespace {

struct Host : MuxHost {
  EmmgError OpenChannel(const MuxChannel& channel) override {
    if (channel.client_id % 8 == 7) return EmmgError::kUnknownClientId;
    ++open;
    return EmmgError::kNone;
  }
  void CloseChannel(const MuxChannel&) override { --open; }
  EmmgError OpenStream(const MuxChannel&, const MuxStream&) override {
    ++open;
    return EmmgError::kNone;
  }
  void CloseStream(const MuxChannel&, const MuxStream&) override { --open; }
  void OnDatagram(const MuxChannel& channel, const MuxStream&, ByteView datagram) override {
    Require(channel.ts_packets ? AreTsPackets(datagram) : AreSections(datagram));
    bytes.insert(bytes.end(), datagram.begin(), datagram.end());
  }
  int open = 0;
  Bytes bytes;
};

Bytes Run(ByteView data, size_t at_a_time) {
  Host host;
  MuxOptions options;
  options.max_channels = 2;
  options.max_streams = 3;
  options.max_message_bytes = 512;
  options.bandwidth_slack_percent = 0;
  auto session = MuxSession::Create(options, host).value();
  Bytes out;
  InPieces(data, at_a_time, [&](ByteView part) { session->Push(part, SteadyTime(0), out); });
  session->PushUdp(data, SteadyTime(0));
  Require(static_cast<size_t>(host.open) == session->channel_count() + session->stream_count());
  session->Closed();
  Require(host.open == 0);
  RequireGood(Interface::kEmmgMux, Side::kClient, out);
  out.insert(out.end(), host.bytes.begin(), host.bytes.end());
  out.push_back(static_cast<uint8_t>(session->close_reason()));
  return out;
}

}  // namespace
}  // namespace hearth::simulcrypt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::simulcrypt;  // NOLINT(google-build-using-namespace)
  Require(Run({data, size}, size + 1) == Run({data, size}, 3));
  return 0;
}
