// Writes the corpus of tests/fuzz/fuzz_survey.cc when asked to, and checks that it is what would be written.
#include <cstdlib>

#include "src/survey/import_state.h"
#include "tests/survey/testing.h"

namespace hearth::survey {
namespace {

std::string Bytewise(const Bytes& bytes) { return std::string(AsChars(bytes)); }

std::string FileOf(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(Corpus, IsWhatTheCodeWrites) {
  const TempDir dir;
  std::vector<Row> rows;
  for (uint64_t cell = 0; cell < 12; ++cell) rows.push_back(LteRow(cell, Source::kTelco, 5));
  WriteTable(dir.path() / "run", rows, TableKind::kRun);
  WriteTable(dir.path() / "register", rows);
  const ImportState state{
      .what = {.id = RequestId::FromParts(UnixMillis(77), {1}), .file_name = "cells.csv"}};
  const std::map<std::string, std::string> corpus = {{"run", FileOf(dir.path() / "run")},
                                                     {"register", FileOf(dir.path() / "register")},
                                                     {"rows", Bytewise(PackAll(rows))},
                                                     {"state", Bytewise(Encode(state))}};
  const std::filesystem::path folder = HEARTH_SOURCE_DIR "/tests/fuzz/corpus/survey";
  for (const auto& [name, content] : corpus) {
    if (std::getenv("HEARTH_UPDATE_GOLDEN") != nullptr)
      std::ofstream(folder / name, std::ios::binary) << content;
    EXPECT_EQ(FileOf(folder / name), content) << name << ": HEARTH_UPDATE_GOLDEN=1 writes it anew";
  }
}

}  // namespace
}  // namespace hearth::survey
