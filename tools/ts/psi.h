// The tables that tell what a transport stream holds (ISO/IEC 13818-1, 2.4.4): programmes (PAT), their
// components (PMT), the CA systems (CAT). Long sections:
//
//   table_id 8 ‖ section_syntax_indicator 1 (1) ‖ 0 ‖ reserved 2 ‖ section_length 12 ‖ extension 16 ‖
//   reserved 2 ‖ version_number 5 ‖ current_next_indicator 1 ‖ section_number 8 ‖ last_section_number 8 ‖
//   body ‖ CRC_32 32
//
// Plain values; any thread. Parsers answer SECTION_TRUNCATED, SECTION_MALFORMED, SECTION_UNKNOWN_TABLE for
// another table_id, and SECTION_NOT_AUTHENTIC for a wrong CRC.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/mpegts/ca_descriptor.h"
#include "src/mpegts/packet.h"

namespace hearth::ts {

using mpegts::Pid;

inline constexpr uint8_t kPatTable = 0x00;
inline constexpr uint8_t kCatTable = 0x01;
inline constexpr uint8_t kPmtTable = 0x02;
inline constexpr uint8_t kScramblingDescriptorTag = 0x65;  // ETSI EN 300 468, 6.2.32

struct TableHead {
  uint16_t extension = 0;
  uint8_t version = 0;  // 5 bits
  bool current = true;
  uint8_t number = 0;
  uint8_t last = 0;

  bool operator==(const TableHead&) const = default;
};

struct Programme {
  uint16_t number = 0;  // 0: the PID is the NIT's
  Pid pid;              // of its PMT

  bool operator==(const Programme&) const = default;
};

struct Pat {
  TableHead head;  // extension: transport_stream_id
  std::vector<Programme> programmes;

  bool operator==(const Pat&) const = default;
};

struct Component {
  uint8_t type = 0;  // stream_type
  Pid pid;
  Bytes descriptors;

  bool operator==(const Component&) const = default;
};

struct Pmt {
  TableHead head;  // extension: program_number
  Pid pcr_pid;
  Bytes descriptors;
  std::vector<Component> components;

  bool operator==(const Pmt&) const = default;
};

struct Cat {
  TableHead head;
  Bytes descriptors;

  bool operator==(const Cat&) const = default;
};

Result<Pat> ParsePat(ByteView section);
Result<Pmt> ParsePmt(ByteView section);
Result<Cat> ParseCat(ByteView section);

// SECTION_TOO_LONG over 1024 bytes.
Result<Bytes> BuildPat(const Pat& pat);
Result<Bytes> BuildPmt(const Pmt& pmt);
Result<Bytes> BuildCat(const Cat& cat);

// Whether a component is carried in PES packets, so that its payload may be scrambled; the others are tables.
bool IsPes(uint8_t stream_type);

// The CA_descriptors in a loop of descriptors; anything else, and what is damaged, is passed over.
std::vector<mpegts::CaDescriptor> FindCaDescriptors(ByteView descriptors);
// True when the loop has a descriptor with this tag.
bool HasDescriptor(ByteView descriptors, uint8_t tag);

}  // namespace hearth::ts
