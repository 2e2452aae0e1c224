#include "tools/ts/table_rewriter.h"

#include <vector>

namespace hearth::ts {

void TableRewriter::Pass(const Packet& packet, const Rewrite& rewrite, std::chrono::nanoseconds now,
                         Inserter* inserter, Bytes* out) {
  assembler_.Push(packet, [&](ByteView section) {
    const auto other = rewrite(section);
    Send(other ? ByteView(*other) : section, now, inserter);
  });
  inserter->Fill(now, out);
}

void TableRewriter::Send(ByteView section, std::chrono::nanoseconds now, Inserter* inserter) {
  std::vector<Packet> packets;
  // A section that was assembled, or built by us, always fits packets.
  static_cast<void>(packetiser_.Add(section, &packets));
  for (const Packet& packet : packets) inserter->Queue(packet, now);
}

}  // namespace hearth::ts
