#include "src/mpegts/ca_descriptor.h"

namespace hearth::mpegts {

Result<Bytes> EncodeCaDescriptor(const CaDescriptor& descriptor) {
  if (descriptor.pid > kNullPid) return InvalidField("pid", "a PID has 13 bits");
  if (descriptor.private_bytes.size() > kMaxCaPrivateBytes) {
    return InvalidField("private_bytes", "a CA_descriptor holds at most 251 private bytes");
  }
  constexpr unsigned kReserved = 0xE000;
  ByteWriter out;
  out.U8(kCaDescriptorTag).U8(4 + descriptor.private_bytes.size()).U16(descriptor.system_id);
  out.U16(kReserved | descriptor.pid.value).Put(descriptor.private_bytes);
  return std::move(out).Take();
}

}  // namespace hearth::mpegts
