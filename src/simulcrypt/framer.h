// Cuts a TCP byte stream into generic_messages (message.h). Several messages in one segment and one message
// over several segments are both normal.
#pragma once

#include <cstddef>
#include <optional>

#include "src/base/bytes.h"
#include "src/simulcrypt/message.h"

namespace hearth::simulcrypt {

// A message of 16 KiB holds some 80 TS packets or 60 EMM sections; a CW_provision is under 1 KiB.
inline constexpr size_t kDefaultMaxMessageBytes = 16 * 1024;

// Holds at most the bytes received of one unfinished message, never what a header merely announces. One
// thread.
class Framer {
 public:
  // `max_message_bytes`: header included; at least kHeaderBytes.
  explicit Framer(size_t max_message_bytes = kDefaultMaxMessageBytes) : max_bytes_(max_message_bytes) {}

  struct Frame {
    // A whole message; when too_long only its header, and its body is skipped as it comes in.
    ByteView bytes;
    bool too_long = false;
  };

  // Gives the framer what was received. `bytes` must stay valid until Next() has returned nothing, which must
  // happen before the next Feed.
  void Feed(ByteView bytes) { input_ = bytes; }
  // The next message, valid until the next call of Next or Feed; nothing when more bytes are needed.
  std::optional<Frame> Next();

  size_t buffered() const { return buffer_.size(); }

 private:
  bool Fill(size_t until);

  size_t max_bytes_;
  ByteView input_;
  Bytes buffer_;       // the beginning of a message whose end has not come
  bool used_ = false;  // buffer_ was given out and is to be emptied
  size_t skip_ = 0;    // bytes left of a body that is too long
};

}  // namespace hearth::simulcrypt
