// What is kept of an import beside its runs: enough to go on with it after a crash, and to tell what became
// of it.
#pragma once

#include <array>
#include <string>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "src/survey/merge.h"

namespace hearth::survey {

// The numbers are on disk.
enum class Stage : uint8_t {
  kReceiving = 1,  // open: rows may still come
  kMerged = 2,     // its rows are in the register
};

// "RECEIVING", "MERGED".
std::string_view NameOf(Stage stage);

// What an import is, as its sender says.
struct NewImport {
  RequestId id;
  Source source = Source::kCrowd;
  std::array<uint8_t, 32> fingerprint{};  // of the file: SHA-256 of its first MiB; zeros: not known
  uint64_t file_bytes = 0;                // its size; 0: not known
  std::string file_name;                  // at most 255 bytes, for people
  std::string actor;                      // at most 255 bytes
  // Count what it would do, and forget it.
  bool dry_run = false;

  bool operator==(const NewImport&) const = default;
};

struct ImportState {
  NewImport what;
  Stage stage = Stage::kReceiving;
  UnixMillis began;
  UnixMillis changed;
  uint64_t rows = 0;  // that are durable: the sender goes on behind them
  uint64_t sum = 0;   // Sum64 of those rows
  uint32_t runs = 0;
  uint64_t doubles = 0;   // found while runs were made
  uint64_t rejected = 0;  // rows of the file that the sender did not send; known at the end
  // kMerged:
  uint64_t generation = 0;  // of the register that has its rows
  MergeCounts counts;

  bool operator==(const ImportState&) const = default;
};

Bytes Encode(const ImportState& state);
// SURVEY_DAMAGED for anything that Encode does not make.
Result<ImportState> DecodeImportState(ByteView bytes);

}  // namespace hearth::survey
