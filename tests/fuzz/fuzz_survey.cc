// Any bytes as files of the register and as rows of an import: reading, searching and merging end and stay
// inside the bytes. What a row is taken from is its only form.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "src/survey/import_state.h"
#include "src/survey/merge.h"
#include "src/survey/table.h"

namespace {

using namespace hearth;
using namespace hearth::survey;

void Walk(const std::shared_ptr<const Table>& table) {
  (void)table->Verify();
  for (uint64_t cell = 0; cell < 20; ++cell) {
    (void)table->Find({.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .area = 33301, .cell = cell});
  }
  uint64_t near = 0;
  (void)table->Near({.latitude_e7 = 385'500'000, .longitude_e7 = 1'063'500'000}, 500,
                    [&](const Row&, double) { return ++near < 1000; });
  const std::shared_ptr<const Table> runs[] = {table, table};
  (void)Merge(table.get(), runs, nullptr, {}, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(data, size);
  for (const TableKind kind : {TableKind::kRun, TableKind::kRegister}) {
    const auto table = Table::FromBytes(Bytes(bytes.begin(), bytes.end()), kind, "input");
    if (table) Walk(*table);
  }
  for (size_t at = 0; at + kRowBytes <= size; at += kRowBytes) {
    const auto row = Unpack(bytes.subspan(at, kRowBytes));
    if (row && std::memcmp(Pack(*row).bytes.data(), data + at, kRowBytes) != 0) std::abort();
  }
  const auto state = DecodeImportState(bytes);
  if (state && Encode(*state) != Bytes(bytes.begin(), bytes.end())) std::abort();
  return 0;
}
