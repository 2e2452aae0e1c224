#include "src/crypto/key_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::crypto::internal {
namespace {

Error Unreadable(const std::string& path, int error) {
  return Error(Reason::kFileUnreadable, "key file " + path + ": " + std::strerror(error));
}

// Closes a descriptor; a key file is only read, so nothing can be lost.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Error KeyFileError(std::string message) { return Error(Reason::kKeyFileInvalid, std::move(message)); }

Result<Secret> ReadPrivateFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return Unreadable(path, errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Unreadable(path, errno);
  if (!S_ISREG(info.st_mode)) return KeyFileError("key file " + path + " is not a regular file");
  if ((info.st_mode & 077) != 0) {
    return KeyFileError("key file " + path + " is open to group or others: chmod 600 it");
  }
  Secret content(Bytes(max_bytes + 1, 0));
  const std::span<uint8_t> buffer = content.mutable_bytes(SecretAccess());
  size_t held = 0;
  while (held < buffer.size()) {
    const ssize_t got = read(file.get(), buffer.data() + held, buffer.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(path, errno);
    if (got == 0) break;
    held += static_cast<size_t>(got);
  }
  if (held > max_bytes) return KeyFileError("key file " + path + " is longer than one key");
  return Secret(Bytes(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(held)));
}

template <size_t N>
Result<FixedKey<N>> ParseKey(std::string_view text, std::string_view source) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  const std::string rule =
      std::string(source) + ": a key here is exactly " + std::to_string(2 * N) + " hexadecimal digits";
  if (text.size() != 2 * N) return KeyFileError(rule);
  FixedKey<N> key;
  const auto bytes = key.mutable_bytes(SecretAccess());
  for (size_t i = 0; i < N; ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return KeyFileError(rule);
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (key.IsZero()) return KeyFileError(std::string(source) + ": the key is all zero");
  return key;
}

template Result<Key128> ParseKey(std::string_view text, std::string_view source);
template Result<Key256> ParseKey(std::string_view text, std::string_view source);

}  // namespace hearth::crypto::internal
