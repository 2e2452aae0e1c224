// tests/vectors and the fuzz corpus are what the code makes. HEARTH_UPDATE_GOLDEN=1 writes them anew; every
// change there is a change of the format on the air.
#include "tests/cas/vectors.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace hearth::vectors {
namespace {

namespace fs = std::filesystem;

bool Updating() {
  const char* value = std::getenv("HEARTH_UPDATE_GOLDEN");
  return value != nullptr && std::string_view(value) == "1";
}

fs::path Tests() { return fs::path(HEARTH_SOURCE_DIR) / "tests"; }

void ExpectFile(const fs::path& path, std::string_view content) {
  if (Updating()) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path << " is missing: run with HEARTH_UPDATE_GOLDEN=1";
  const std::string held((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(held == content) << path
                               << " differs from what the code makes: was the format meant to change?";
}

TEST(Vectors, FilesAreWhatTheCodeMakes) {
  std::vector<Seed> seeds;
  for (const auto& files : {PrimitiveVectors(), MessageVectors(seeds), RefusedVectors(seeds)}) {
    for (const VectorFile& file : files) {
      ExpectFile(Tests() / "vectors" / (file.name + ".json"), file.list.Print() + "\n");
    }
  }
  EXPECT_GT(seeds.size(), 30U);
  Bytes stream;
  for (const Seed& seed : seeds) {
    ExpectFile(Tests() / "fuzz/corpus/cas" / seed.name, AsChars(seed.section));
    if (!seed.name.starts_with("refused") && !seed.name.starts_with("opened"))
      stream.insert(stream.end(), seed.section.begin(), seed.section.end());
  }
  ExpectFile(Tests() / "fuzz/corpus/section/stream", AsChars(stream));
}

}  // namespace
}  // namespace hearth::vectors
