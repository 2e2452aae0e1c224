#include "src/store/rocks/rocks_error.h"

#include <rocksdb/status.h>

namespace hearth::store {
namespace {

// RocksDB has no code of its own for a held lock; these are the texts of its two ways to find one: another
// process has it, this process has it. A test opens twice both ways.
bool IsLockHeld(const rocksdb::Status& status, const std::string& text) {
  return status.IsIOError() && (text.find("While lock file") != std::string::npos ||
                                text.find("lock hold by current process") != std::string::npos);
}

}  // namespace

Error ErrorFromRocks(const rocksdb::Status& status, const std::string& doing) {
  std::string text = status.ToString();
  if (status.IsNoSpace()) {
    return Error(Reason::kStoreFull, doing + " failed: the disk is full").Detail(std::move(text));
  }
  if (IsLockHeld(status, text)) {
    return Error(Reason::kStoreLeaseHeld, doing + " failed: another process has the store open")
        .Detail(std::move(text));
  }
  // InvalidArgument: a file that is not RocksDB's, or made with options this build does not know.
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsNotSupported()) {
    return Error(Reason::kStoreCorrupt, doing + " failed: the store is damaged").Detail(std::move(text));
  }
  return Error(Reason::kStoreIo, doing + " failed").Detail(std::move(text));
}

}  // namespace hearth::store
