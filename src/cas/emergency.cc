#include "src/cas/emergency.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace hearth::cas {
namespace {

using entitlement::Severity;

constexpr std::string_view kLabel = "hearth/1/emergency";
constexpr size_t kAlertFixedBytes = 26;  // before the regions
constexpr size_t kRegionBytes = 3;
constexpr uint8_t kDrill = 0x80;
constexpr uint8_t kCancelled = 0x40;
constexpr uint8_t kSeverity = 0x07;
constexpr uint8_t kReserved = 0x38;

bool IsDivision(uint32_t region) { return region >= 100'000 && region <= 999'999; }

Status Check(const EmergencyMessage& message) {
  if (message.key_id == 0) return InvalidField("key_id", "1 to 255");
  HEARTH_RETURN_IF_ERROR(CheckStamp(message.stamp));
  if (message.minutes == 0) return InvalidField("minutes", "at least 1");
  if (static_cast<uint8_t>(message.kind) == 0) return InvalidField("kind", "not 0");
  if (message.severity < Severity::kRed || message.severity > Severity::kBlue) {
    return InvalidField("severity", "1 to 4");
  }
  if (!message.service.none() && message.service.service == 0) {
    return InvalidField("service", "a service_id, or no pointer at all");
  }
  const std::vector<uint32_t>& regions = message.regions;
  if (regions.empty() || regions.size() > entitlement::kEmergencyRegions) {
    return InvalidField("regions", "1 to 31");
  }
  const bool everywhere = regions.size() == 1 && regions.front() == 0;
  const bool ascending = std::adjacent_find(regions.begin(), regions.end(),
                                            [](uint32_t a, uint32_t b) { return a >= b; }) == regions.end();
  if (!everywhere && !(ascending && std::all_of(regions.begin(), regions.end(), IsDivision))) {
    return InvalidField("regions", "divisions of 6 digits, ascending, none twice; or 0 alone");
  }
  return Ok();
}

Bytes Signed(ByteView section) {
  Bytes text(kLabel.begin(), kLabel.end());
  text.insert(text.end(), section.begin(), section.end());
  return text;
}

}  // namespace

Result<Bytes> EncodeEmergency(const EmergencyMessage& message, const crypto::SigningKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(message));
  const size_t total = kAlertFixedBytes + kRegionBytes * message.regions.size() + crypto::kSignatureBytes;
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out, BeginMessage(TableId::kEmergency, total));
  out.U8(message.key_id).U16(message.alert).U40(message.stamp.value);
  out.U32(message.start).U16(message.minutes).U8(static_cast<uint8_t>(message.kind));
  out.U8((message.drill ? kDrill : 0U) | (message.cancelled ? kCancelled : 0U) |
         static_cast<uint8_t>(message.severity));
  out.U16(message.service.original_network).U16(message.service.transport_stream);
  out.U16(message.service.service);
  for (const uint32_t region : message.regions) out.U24(region);
  HEARTH_ASSIGN_OR_RETURN(const crypto::Signature signature, key.Sign(Signed(out.bytes())));
  out.Put(signature);
  return std::move(out).Take();
}

Result<EmergencyMessage> DecodeEmergency(ByteView section, const crypto::VerifyingKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kEmergency));
  const size_t around = kAlertFixedBytes + crypto::kSignatureBytes;
  if (section.size() <= around || (section.size() - around) % kRegionBytes != 0) {
    return Malformed("an emergency message has 90 + 3n bytes");
  }
  const size_t signed_bytes = section.size() - crypto::kSignatureBytes;
  crypto::Signature signature{};
  std::copy(section.begin() + static_cast<ptrdiff_t>(signed_bytes), section.end(), signature.begin());
  HEARTH_RETURN_IF_ERROR(key.Verify(Signed(section.first(signed_bytes)), signature));

  EmergencyMessage message;
  message.key_id = in.U8();
  message.alert = in.U16();
  message.stamp = Stamp(in.U40());
  message.start = in.U32();
  message.minutes = in.U16();
  message.kind = static_cast<entitlement::EmergencyKind>(in.U8());
  const uint8_t flags = in.U8();
  if ((flags & kReserved) != 0) return Malformed("reserved bits of the flags are 0");
  message.drill = (flags & kDrill) != 0;
  message.cancelled = (flags & kCancelled) != 0;
  message.severity = static_cast<Severity>(flags & kSeverity);
  message.service.original_network = in.U16();
  message.service.transport_stream = in.U16();
  message.service.service = in.U16();
  while (in.position() < signed_bytes) message.regions.push_back(in.U24());
  HEARTH_RETURN_IF_ERROR(AsMalformed(Check(message)));
  return message;
}

}  // namespace hearth::cas
