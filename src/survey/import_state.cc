// The state of an import, big-endian:
//
//   state  = "HEARTHCI" ‖ [format version, 1]2 ‖ id 16 ‖ [source]1 ‖ [stage]1 ‖ [1: dry run]1 ‖ fingerprint
//   32
//            ‖ bytes of the file 8 ‖ began 8 ‖ changed 8 (ms since 1970) ‖ rows 8 ‖ sum of the rows 8 ‖
//            [runs]4 ‖ doubles in runs 8 ‖ rejected 8 ‖ generation 8 ‖ fresh 8 ‖ changed 8 ‖ unchanged 8 ‖
//            older 8 ‖ lower 8 ‖ doubles 8 ‖ [length]1 ‖ name of the file ‖ [length]1 ‖ actor ‖ zeros to a
//            multiple of 8 ‖ [sum of all before it]8
#include "src/survey/import_state.h"

#include <algorithm>

namespace hearth::survey {
namespace {

constexpr std::string_view kMagic = "HEARTHCI";
constexpr uint16_t kVersion = 1;
constexpr size_t kTextBytes = 255;

void PutText(std::string_view text, ByteWriter& out) {
  text = text.substr(0, kTextBytes);
  out.U8(static_cast<uint8_t>(text.size())).Put(AsBytes(text));
}

Error Damaged() { return Error(Reason::kSurveyDamaged, "the state of an import is damaged"); }

}  // namespace

std::string_view NameOf(Stage stage) {
  switch (stage) {
    case Stage::kReceiving:
      return "RECEIVING";
    case Stage::kMerged:
      return "MERGED";
  }
  return "UNKNOWN";
}

Bytes Encode(const ImportState& state) {
  ByteWriter out;
  out.Put(AsBytes(kMagic)).U16(kVersion).Put(state.what.id.bytes());
  out.U8(static_cast<uint8_t>(state.what.source)).U8(static_cast<uint8_t>(state.stage));
  out.U8(state.what.dry_run ? 1 : 0).Put(state.what.fingerprint).U64(state.what.file_bytes);
  out.U64(static_cast<uint64_t>(state.began.value)).U64(static_cast<uint64_t>(state.changed.value));
  out.U64(state.rows).U64(state.sum).U32(state.runs).U64(state.doubles).U64(state.rejected);
  out.U64(state.generation).U64(state.counts.fresh).U64(state.counts.changed).U64(state.counts.unchanged);
  out.U64(state.counts.older).U64(state.counts.lower).U64(state.counts.doubles);
  PutText(state.what.file_name, out);
  PutText(state.what.actor, out);
  while (out.size() % 8 != 0) out.U8(0);
  out.U64(SumOf(out.bytes()));
  return std::move(out).Take();
}

Result<ImportState> DecodeImportState(ByteView bytes) {
  if (bytes.size() < 16 || bytes.size() % 8 != 0) return Damaged();
  ByteReader sum(bytes.last(8));
  if (sum.U64() != SumOf(bytes.first(bytes.size() - 8))) return Damaged();
  ByteReader in(bytes.first(bytes.size() - 8));
  if (AsChars(in.Take(8)) != kMagic || in.U16() != kVersion) return Damaged();
  ImportState state;
  const ByteView id = in.Take(16);
  ByteReader parts(id);
  const UnixMillis time(static_cast<int64_t>(parts.U(6)));
  state.what.id = RequestId::FromParts(time, parts.Array<10>());
  if (!std::equal(id.begin(), id.end(), state.what.id.bytes().begin(), state.what.id.bytes().end())) {
    return Damaged();
  }
  const uint8_t source = in.U8();
  const uint8_t stage = in.U8();
  const uint8_t dry_run = in.U8();
  state.what.source = static_cast<Source>(source);
  state.stage = static_cast<Stage>(stage);
  state.what.dry_run = dry_run == 1;
  state.what.fingerprint = in.Array<32>();
  state.what.file_bytes = in.U64();
  state.began = UnixMillis(static_cast<int64_t>(in.U64()));
  state.changed = UnixMillis(static_cast<int64_t>(in.U64()));
  state.rows = in.U64();
  state.sum = in.U64();
  state.runs = in.U32();
  state.doubles = in.U64();
  state.rejected = in.U64();
  state.generation = in.U64();
  for (uint64_t* count : {&state.counts.fresh, &state.counts.changed, &state.counts.unchanged,
                          &state.counts.older, &state.counts.lower, &state.counts.doubles}) {
    *count = in.U64();
  }
  state.what.file_name = std::string(AsChars(in.Take(in.U8())));
  state.what.actor = std::string(AsChars(in.Take(in.U8())));
  const ByteView rest = in.Rest();
  const bool zeros =
      rest.size() < 8 && std::all_of(rest.begin(), rest.end(), [](uint8_t b) { return b == 0; });
  if (!in.ok() || !zeros || source < 1 || source > 3 || stage < 1 || stage > 2 || dry_run > 1)
    return Damaged();
  return state;
}

}  // namespace hearth::survey
