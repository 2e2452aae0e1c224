#include "src/crypto/wrap.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::crypto {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kHeaderBytes = 1 + kKeyIdBytes;
// 64 digits and a few line ends; anything longer is not a key file.
constexpr size_t kMaxKeyFileBytes = 256;

Error KeyFileError(std::string message) { return Error(Reason::kKeyFileInvalid, std::move(message)); }

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

// The file as it is, after checking that nobody but its owner may read or change it.
Result<Secret> ReadPrivateFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return Unreadable(path, errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Unreadable(path, errno);
  if (!S_ISREG(info.st_mode)) return KeyFileError("key file " + path + " is not a regular file");
  if ((info.st_mode & 077) != 0) {
    return KeyFileError("key file " + path + " is open to group or others: chmod 600 it");
  }
  Secret content(Bytes(kMaxKeyFileBytes + 1, 0));
  const std::span<uint8_t> buffer = content.mutable_bytes(SecretAccess());
  size_t held = 0;
  while (held < buffer.size()) {
    const ssize_t got = read(file.get(), buffer.data() + held, buffer.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(path, errno);
    if (got == 0) break;
    held += static_cast<size_t>(got);
  }
  if (held > kMaxKeyFileBytes) return KeyFileError("key file " + path + " is longer than one key");
  return Secret(Bytes(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(held)));
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
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

template <size_t N>
Result<FixedKey<N>> KeyFromFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(const Secret content, ReadPrivateFile(path));
  return ParseKey<N>(AsChars(content.bytes(SecretAccess())), "key file " + path);
}

}  // namespace

Result<MasterKey> MasterKey::FromFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(Key256 key, KeyFromFile<32>(path));
  return FromKey(std::move(key));
}

Result<MasterKey> MasterKey::FromText(std::string_view text, std::string_view source) {
  HEARTH_ASSIGN_OR_RETURN(Key256 key, ParseKey<32>(text, source));
  return FromKey(std::move(key));
}

Result<MasterKey> MasterKey::FromKey(Key256 key) {
  SivKey siv(std::move(key));
  HEARTH_ASSIGN_OR_RETURN(const Bytes sealed, siv.Seal(AsBytes("hearth/1/wrap-check"), {}));
  std::array<uint8_t, 8> check;
  std::copy_n(sealed.begin(), check.size(), check.begin());
  return MasterKey(std::move(siv), check);
}

Status MasterKey::Verify(ByteView stored) const {
  if (ConstantTimeEqual(stored, check_)) return Ok();
  return Error(Reason::kKeyUnwrapFailed,
               "the store was made under master key " + ToHex(stored) + ", not " + ToHex(check_));
}

Bytes MasterKey::Aad(std::string_view purpose, ByteView id) const {
  ByteWriter aad(32 + purpose.size() + id.size());
  aad.Put(AsBytes("hearth/1/wrap")).U8(kVersion).Put(ByteView(check_).first(kKeyIdBytes));
  aad.U8(purpose.size()).Put(AsBytes(purpose)).Put(id);
  return std::move(aad).Take();
}

Result<Bytes> MasterKey::Wrap(std::string_view purpose, ByteView id, const Key128& secret) const {
  if (purpose.empty() || purpose.size() > 255) return InvalidField("purpose", "1 to 255 bytes");
  HEARTH_ASSIGN_OR_RETURN(const Bytes sealed, siv_.Seal(Aad(purpose, id), secret.bytes(SecretAccess())));
  ByteWriter out(kHeaderBytes + sealed.size());
  out.U8(kVersion).Put(ByteView(check_).first(kKeyIdBytes)).Put(sealed);
  return std::move(out).Take();
}

Result<Key128> MasterKey::Unwrap(std::string_view purpose, ByteView id, ByteView wrapped) const {
  const auto refused = [&](std::string why) {
    return Error(Reason::kKeyUnwrapFailed, "the stored " + std::string(purpose) + " key " + std::move(why));
  };
  ByteReader in(wrapped);
  const uint8_t version = in.U8();
  const ByteView key_id = in.Take(kKeyIdBytes);
  if (!in.ok() || version != kVersion) return refused("has an unknown form");
  if (!ConstantTimeEqual(key_id, ByteView(check_).first(kKeyIdBytes))) {
    return refused("was wrapped under master key " + ToHex(key_id) + "…, not " + ToHex(check_));
  }
  auto opened = siv_.Open(Aad(purpose, id), in.Rest());
  if (!opened) return refused("is damaged or belongs to another object").Detail(opened.error().ToString());
  auto key = Key128::FromBytes(opened->bytes(SecretAccess()));
  if (!key) return refused("is not 16 bytes");
  return key;
}

Result<Key128> ReadKeyFile(const std::string& path) { return KeyFromFile<16>(path); }

}  // namespace hearth::crypto
