// Runs a fuzz target without libFuzzer: over every file of the corpora named on the command line, and over
// mutations of them that depend on the seed alone (HEARTH_FUZZ_SEED, HEARTH_FUZZ_RUNS).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;
using Input = std::vector<uint8_t>;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::vector<Input> ReadCorpus(const fs::path& path) {
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  } else if (fs::exists(path)) {
    files.push_back(path);
  }
  std::sort(files.begin(), files.end());  // so that a seed means the same everywhere
  std::vector<Input> inputs;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

size_t Below(std::mt19937_64& random, size_t limit) { return limit == 0 ? 0 : random() % limit; }

// One to four changes of the usual kinds.
Input Mutate(Input input, const std::vector<Input>& corpus, std::mt19937_64& random) {
  for (size_t changes = 1 + Below(random, 4); changes > 0; --changes) {
    const size_t at = Below(random, input.size() + 1);
    const auto where = input.begin() + static_cast<ptrdiff_t>(at);
    switch (Below(random, 5)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<uint8_t>(input[at] ^ (1U << Below(random, 8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<uint8_t>(random());
        break;
      case 2:
        input.insert(where, static_cast<uint8_t>(random()));
        break;
      case 3:
        input.erase(where, where + static_cast<ptrdiff_t>(Below(random, input.size() - at + 1)));
        break;
      default: {
        const Input& other = corpus[Below(random, corpus.size())];
        const size_t from = Below(random, other.size() + 1);
        input.resize(at);
        input.insert(input.end(), other.begin() + static_cast<ptrdiff_t>(from), other.end());
      }
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = FromEnvironment("HEARTH_FUZZ_SEED", 1);
  const uint64_t runs = FromEnvironment("HEARTH_FUZZ_RUNS", 20'000);
  std::vector<Input> corpus;
  for (int i = 1; i < argc; ++i) {
    for (Input& input : ReadCorpus(argv[i])) corpus.push_back(std::move(input));
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus: name its directory\n");
    return 1;
  }
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  std::mt19937_64 random(seed);
  for (uint64_t run = 0; run < runs; ++run) {
    const Input input = Mutate(corpus[Below(random, corpus.size())], corpus, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu files and %llu mutations, seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
