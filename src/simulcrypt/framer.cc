#include "src/simulcrypt/framer.h"

#include <algorithm>

namespace hearth::simulcrypt {
namespace {

size_t MessageBytes(ByteView header) {
  return kHeaderBytes + static_cast<size_t>(header[3] << 8 | header[4]);
}

}  // namespace

// Moves input into the buffer until it holds `until` bytes; false when there is not enough.
bool Framer::Fill(size_t until) {
  if (buffer_.size() < until) {
    const size_t part = std::min(until - buffer_.size(), input_.size());
    buffer_.insert(buffer_.end(), input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(part));
    input_ = input_.subspan(part);
  }
  return buffer_.size() >= until;
}

std::optional<Framer::Frame> Framer::Next() {
  if (used_) {
    buffer_.clear();
    used_ = false;
  }
  const size_t skipped = std::min(skip_, input_.size());
  input_ = input_.subspan(skipped);
  skip_ -= skipped;
  if (skip_ > 0 || input_.empty()) return std::nullopt;

  // A message that lies whole in the input is given out in place.
  if (buffer_.empty() && input_.size() >= kHeaderBytes) {
    const size_t total = MessageBytes(input_);
    if (total <= max_bytes_ && input_.size() >= total) {
      const ByteView message = input_.first(total);
      input_ = input_.subspan(total);
      return Frame{message, false};
    }
  }
  if (!Fill(kHeaderBytes)) return std::nullopt;
  const size_t total = MessageBytes(buffer_);
  if (total > max_bytes_) {
    skip_ = total - kHeaderBytes;
    used_ = true;
    return Frame{buffer_, true};
  }
  if (!Fill(total)) return std::nullopt;
  used_ = true;
  return Frame{buffer_, false};
}

}  // namespace hearth::simulcrypt
