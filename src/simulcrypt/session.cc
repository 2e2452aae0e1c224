#include "src/simulcrypt/session.h"

namespace hearth::simulcrypt {

bool Receiver::Next(MessageView& view, Fault& fault) {
  const auto frame = framer_.Next();
  if (!frame) return false;
  fault = Decode(interface_, side_, frame->bytes, view);
  if (frame->too_long) fault = Fault::kTooLong;
  const bool merely_foreign = fault == Fault::kUnknownMessageType && view.type() >= kFirstUserType;
  if (fault == Fault::kNone) {
    malformed_ = 0;
  } else if (!merely_foreign) {
    ++malformed_;
  }
  return true;
}

}  // namespace hearth::simulcrypt
