// A byte stream from anywhere into the splitter, whole and byte by byte: the same sections, the same end, and
// every section given is one.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "src/mpegts/section.h"

namespace {

using hearth::Bytes;
using hearth::ByteView;
using hearth::mpegts::SectionSplitter;

std::vector<Bytes> Split(ByteView stream, size_t at_a_time, bool& good) {
  SectionSplitter splitter;
  std::vector<Bytes> sections;
  const auto sink = [&](ByteView section) {
    if (!hearth::mpegts::CheckWhole(section)) std::abort();
    sections.emplace_back(section.begin(), section.end());
  };
  while (!stream.empty()) {
    const size_t part = at_a_time < stream.size() ? at_a_time : stream.size();
    good = splitter.Push(stream.first(part), sink).has_value();
    stream = stream.subspan(part);
  }
  return sections;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView stream(data, size);
  bool whole = true;
  bool pieces = true;
  if (Split(stream, size + 1, whole) != Split(stream, 1, pieces) || whole != pieces) std::abort();
  return 0;
}
