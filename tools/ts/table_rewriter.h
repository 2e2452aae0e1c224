// Replaces sections of one PID in a passing stream.
#pragma once

#include <functional>
#include <optional>

#include "src/base/bytes.h"
#include "tools/ts/inserter.h"
#include "tools/ts/sections.h"

namespace hearth::ts {

// One thread.
class TableRewriter {
 public:
  // What goes out instead of `section`; nothing: the section as it is.
  using Rewrite = std::function<std::optional<Bytes>(ByteView section)>;

  explicit TableRewriter(Pid pid) : packetiser_(pid, mpegts::Packing::kPadded) {}

  // Takes a packet of the PID and fills its place through `inserter`. Sections that have grown over their
  // packets take others' places.
  void Pass(const Packet& packet, const Rewrite& rewrite, std::chrono::nanoseconds now, Inserter* inserter,
            Bytes* out);
  // Sends a section of our own on this PID, in one count with the others.
  void Send(ByteView section, std::chrono::nanoseconds now, Inserter* inserter);

 private:
  SectionAssembler assembler_;
  mpegts::Packetiser packetiser_;
};

}  // namespace hearth::ts
