// RocksDB's failures in our words. Internal to src/store/rocks and its tests.
#pragma once

#include <string>

#include "src/base/status.h"

namespace rocksdb {
class Status;
}

namespace hearth::store {

// `doing` is what failed ("opening the store"). RocksDB's text goes into Error::detail() only. `status` must
// not be ok.
Error ErrorFromRocks(const rocksdb::Status& status, const std::string& doing);

}  // namespace hearth::store
