// Whole files, read and replaced. Any thread; two writers of one path need a lock (StateLock).
#pragma once

#include <string>
#include <string_view>

#include "src/base/status.h"

namespace hearth::receiver {

// FILE_UNREADABLE with path and cause. A file over 256 MiB is refused.
Result<std::string> ReadWholeFile(const std::string& path);

// Writes PATH.new (mode 0600), syncs it, renames it to PATH and syncs the directory. STORE_IO with path and
// cause; PATH is then as it was.
Status ReplaceFile(const std::string& path, std::string_view content);

// Makes a file that must not exist yet. FILE_UNREADABLE when it does; STORE_IO when it cannot be written.
Status CreateFile(const std::string& path, std::string_view content, unsigned mode);

}  // namespace hearth::receiver
