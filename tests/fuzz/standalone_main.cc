// Runs a fuzz target without libFuzzer: the files of a corpus directory, then mutations of them.
//   fuzz_<name> <corpus directory> [mutations, default 2000] [seed, default random]
// The seed is printed first, so that a failure can be repeated.
#include <algorithm>
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

using Input = std::vector<uint8_t>;

std::vector<Input> ReadCorpus(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());  // so that a seed means the same on every machine
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  Input Mutate(const std::vector<Input>& corpus) {
    Input input = corpus[Below(corpus.size())];
    for (size_t steps = 1 + Below(8); steps > 0; --steps) Step(input, corpus);
    return input;
  }

 private:
  // 0 to limit - 1; `limit` is at least 1.
  size_t Below(size_t limit) { return static_cast<size_t>(random_() % limit); }

  void Step(Input& input, const std::vector<Input>& corpus) {
    const size_t at = Below(input.size() + 1);
    const auto here = input.begin() + static_cast<std::ptrdiff_t>(at);
    const size_t left = input.size() - at;
    const auto until = here + static_cast<std::ptrdiff_t>(Below(std::min<size_t>(left, 64) + 1));
    switch (Below(6)) {
      case 0:  // flip a bit
        if (left > 0) *here = static_cast<uint8_t>(*here ^ (1U << Below(8)));
        break;
      case 1:  // overwrite a byte, with an extreme value as often as not
        if (left > 0) *here = Below(2) == 0 ? kExtremes[Below(std::size(kExtremes))] : AnyByte();
        break;
      case 2:
        input.insert(here, AnyByte());
        break;
      case 3:  // remove a piece
        input.erase(here, until);
        break;
      case 4: {  // double a piece
        const Input piece(here, until);
        input.insert(here, piece.begin(), piece.end());
        break;
      }
      default: {  // put the end of another file behind
        const Input& other = corpus[Below(corpus.size())];
        input.erase(here, input.end());
        const auto from = static_cast<std::ptrdiff_t>(Below(other.size() + 1));
        input.insert(input.end(), other.begin() + from, other.end());
        break;
      }
    }
  }

  uint8_t AnyByte() { return static_cast<uint8_t>(random_()); }

  static constexpr uint8_t kExtremes[] = {0, 1, 0x7F, 0x80, 0xFF, '"', ',', '\n'};
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: %s <corpus directory> [mutations] [seed]\n", argv[0]);
    return 2;
  }
  const uint64_t mutations = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000;
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device()();
  const std::vector<Input> corpus = ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no files in %s\n", argv[1]);
    return 2;
  }
  std::printf("%zu files, %llu mutations, seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  Mutator mutator(seed);
  for (uint64_t i = 0; i < mutations; ++i) {
    const Input input = mutator.Mutate(corpus);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
