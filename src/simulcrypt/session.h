// What the four sessions have in common.
//
// A session is one side of one TCP connection as a pure state machine: no socket, no thread, no clock.
// Received bytes go in, bytes to be sent are appended to a buffer that the caller owns and empties. One
// thread (or strand) per session; hosts are called from inside Push, Tick and the request functions and must
// not call back into the session.
#pragma once

#include <chrono>
#include <cstdint>

#include "src/base/bytes.h"
#include "src/simulcrypt/framer.h"
#include "src/simulcrypt/message.h"

namespace hearth::simulcrypt {

// Every message of set-up and every CW_provision with 8 CWs fits; below this a session is of no use.
inline constexpr size_t kMinMaxMessageBytes = 256;

// Steady time as Clock::Steady() gives it.
using SteadyTime = std::chrono::nanoseconds;

// Told of every message; for metrics and logs. Called on the hot path: must be cheap.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // `type` is a type of the tables, or 0 for any other.
  virtual void OnReceived(uint16_t type) { static_cast<void>(type); }
  virtual void OnSent(uint16_t type) { static_cast<void>(type); }
  // One call per error_status sent or received.
  virtual void OnErrorSent(uint16_t status) { static_cast<void>(status); }
  virtual void OnErrorReceived(uint16_t status) { static_cast<void>(status); }
};

// Why a session wants its TCP connection closed.
enum class CloseReason : uint8_t {
  kNone,
  kMalformed,   // three malformed messages in a row
  kIdle,        // nothing received for the idle timeout
  kTestFailed,  // a keepalive test was not answered
  kTimeout,     // a step of the set-up was not answered
  kPeerError,   // the peer reported an error that ends the session
  kOutOfOrder,  // a client: an answer that does not fit, or different from what was agreed
  kPeerClosed,  // TCP ended unasked
  kFinished,    // closed in order
};

// What the framer and the decoder give, with the rule of three malformed messages. The messages counted are
// those with a fault of message.h, less user-defined message types, which are merely not ours. A good message
// sets the count back.
class Receiver {
 public:
  Receiver(Interface interface, Side side, size_t max_message_bytes)
      : interface_(interface), side_(side), framer_(max_message_bytes) {}

  void Feed(ByteView bytes) { framer_.Feed(bytes); }
  // The next message into `view`, its fault into `fault`; false when more bytes are needed.
  bool Next(MessageView& view, Fault& fault);
  bool too_many_malformed() const { return malformed_ >= kMaxMalformed; }

  static constexpr int kMaxMalformed = 3;

 private:
  Interface interface_;
  Side side_;
  Framer framer_;
  int malformed_ = 0;
};

}  // namespace hearth::simulcrypt
