// Inside src/records: what the .cc files of the families share. In each of them a record's Write and Read
// stand side by side.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "hearth/store/v1/store.pb.h"
#include "src/base/bytes.h"
#include "src/records/check.h"
#include "src/records/records.h"

namespace hearth::records {

namespace pb = store::v1;

inline std::string Chars(ByteView bytes) { return std::string(AsChars(bytes)); }
inline Bytes BytesOf(std::string_view chars) {
  const ByteView view = AsBytes(chars);
  return {view.begin(), view.end()};
}
// 16 bytes; empty for the null id.
inline std::string CharsOf(const RequestId& id) { return id == RequestId() ? "" : Chars(id.bytes()); }

// accounts.cc
pb::Claim Write(const entitlement::Claim& value);
entitlement::Claim ReadClaim(const pb::Claim& in, Checker& check);
pb::GroupSlot Write(const entitlement::GroupSlot& value);
entitlement::GroupSlot ReadGroupSlot(const pb::GroupSlot& in, Checker& check);
// location.cc
pb::LocationState Write(const intervention::LocationState& value);
intervention::LocationState ReadLocationState(const pb::LocationState& in, Checker& check);
pb::Heard Write(const geofence::HeardCell& value);
geofence::HeardCell ReadHeard(const pb::Heard& in, Checker& check);

template <typename Message, typename T>
Result<T> DecodeWith(T (*read)(const Message&, Checker&), std::string_view kind, std::string_view bytes) {
  Checker check(kind);
  Message message;
  check.Parse(bytes, message);
  T value = read(message, check);
  return check.Give(std::move(value));
}

}  // namespace hearth::records
