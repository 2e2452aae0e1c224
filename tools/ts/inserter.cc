#include "tools/ts/inserter.h"

namespace hearth::ts {

void Inserter::PutFront(Bytes* out) {
  const mpegts::Packet& packet = waiting_.front().packet;
  out->insert(out->end(), packet.begin(), packet.end());
  waiting_.pop_front();
}

void Inserter::Pass(const mpegts::Packet& packet, std::chrono::nanoseconds now, Bytes* out) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (header && header->pid == mpegts::kNullPid && !waiting_.empty()) {
    PutFront(out);
    ++replaced_;
  } else {
    out->insert(out->end(), packet.begin(), packet.end());
  }
  while (!waiting_.empty() && now - waiting_.front().since >= patience_) {
    PutFront(out);
    ++inserted_;
  }
}

void Inserter::Flush(Bytes* out) {
  inserted_ += waiting_.size();
  while (!waiting_.empty()) PutFront(out);
}

}  // namespace hearth::ts
