// What the four fuzz targets of the SimulCrypt sessions share. A byte stream from anywhere goes into a
// session once whole and once in small pieces: the answers must be the same, every one a good message for the
// peer, and the end the same.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/simulcrypt/session.h"

namespace hearth::simulcrypt {

inline void Require(bool holds) {
  if (!holds) std::abort();
}

// Every message in `sent` is one that the side `receiver` takes.
inline void RequireGood(Interface interface, Side receiver, ByteView sent) {
  Framer framer(kHeaderBytes + kMaxBodyBytes);
  framer.Feed(sent);
  while (const auto frame = framer.Next()) {
    MessageView view;
    Require(Decode(interface, receiver, frame->bytes, view) == Fault::kNone);
  }
  Require(framer.buffered() == 0);
}

// Calls push(part, now) for all of `data`, `at_a_time` bytes each.
template <typename Push>
void InPieces(ByteView data, size_t at_a_time, Push&& push) {
  for (size_t at = 0; at < data.size(); at += at_a_time) {
    push(data.subspan(at, at_a_time < data.size() - at ? at_a_time : data.size() - at));
  }
}

}  // namespace hearth::simulcrypt
