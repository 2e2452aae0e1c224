// Where the sections for the air go: one output of the carousel.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"

namespace hearth::app {

// How fast an output puts sections on the air by itself.
struct Pace {
  uint32_t kbps = 0;                  // granted now; 0: it can send nothing
  std::chrono::nanoseconds ahead{0};  // how long what it has taken will last at this rate
  mpegts::Packing packing = mpegts::Packing::kPacked;
};

// Called from the carousel's thread only.
class SectionSink {
 public:
  virtual ~SectionSink() = default;
  // As operators know it; its place in the carousel is kept under this name. Unique among the outputs.
  virtual std::string_view name() const = 0;
  // Takes all or none. OUTPUT_FAILED: it is tried again later.
  virtual Status Write(std::span<const Bytes> sections) = 0;
  // The same, to go before everything that was taken and is not on the air yet.
  virtual Status WriteFirst(std::span<const Bytes> sections) { return Write(sections); }
  // How many of the sections taken are not on the air yet.
  virtual size_t Backlog() const { return 0; }
  // Nothing: it takes whatever it is given, and the carousel keeps the pace.
  virtual std::optional<Pace> pace() const { return std::nullopt; }
};

}  // namespace hearth::app
