#include "tools/ts/table_rewriter.h"

#include <vector>

namespace hearth::ts {

void TableRewriter::Pass(const Packet& packet, const Rewrite& rewrite, std::chrono::nanoseconds now,
                         Inserter* inserter, Bytes* out) {
  std::vector<Packet> packets;
  assembler_.Push(packet, [&](ByteView section) {
    const auto other = rewrite(section);
    // A section that was assembled, or built by us, always fits packets.
    static_cast<void>(packetiser_.Add(other ? ByteView(*other) : section, &packets));
  });
  for (const Packet& one : packets) inserter->Queue(one, now);
  inserter->Fill(now, out);
}

}  // namespace hearth::ts
