// The test vectors of tests/vectors, made from the code. vectors_test.cc compares them with the files;
// HEARTH_UPDATE_GOLDEN=1 writes the files anew.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "tests/cas/json.h"

namespace hearth::vectors {

struct VectorFile {
  std::string name;  // "group": tests/vectors/group.json
  Json list;
};

// A section as a seed of the fuzz corpus.
struct Seed {
  std::string name;
  Bytes section;
};

std::vector<VectorFile> PrimitiveVectors();
std::vector<VectorFile> MessageVectors(std::vector<Seed>& seeds);
std::vector<VectorFile> RefusedVectors(std::vector<Seed>& seeds);

}  // namespace hearth::vectors
