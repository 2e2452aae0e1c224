#include "src/simulcrypt/message.h"

#include <algorithm>

namespace hearth::simulcrypt {
namespace {

uint16_t Read16(ByteView bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }

}  // namespace

uint16_t ErrorStatusOf(Interface interface, Fault fault) {
  const bool ecmg = interface == Interface::kEcmgScs;
  const auto pick = [ecmg](EcmgError a, EmmgError b) {
    return ecmg ? static_cast<uint16_t>(a) : static_cast<uint16_t>(b);
  };
  switch (fault) {
    case Fault::kNone:
      return 0;
    case Fault::kTooLong:
      return pick(EcmgError::kMessageTooLong, EmmgError::kMessageTooLong);
    case Fault::kUnsupportedVersion:
      return pick(EcmgError::kUnsupportedVersion, EmmgError::kUnsupportedVersion);
    case Fault::kUnknownMessageType:
      return pick(EcmgError::kUnknownMessageType, EmmgError::kUnknownMessageType);
    case Fault::kInvalidMessage:
      return pick(EcmgError::kInvalidMessage, EmmgError::kInvalidMessage);
    case Fault::kUnknownParameterType:
      return pick(EcmgError::kUnknownParameterType, EmmgError::kUnknownParameterType);
    case Fault::kInconsistentLength:
      return pick(EcmgError::kInconsistentLength, EmmgError::kInconsistentLength);
    case Fault::kMissingParameter:
      return pick(EcmgError::kMissingParameter, EmmgError::kMissingParameter);
  }
  return pick(EcmgError::kUnknownError, EmmgError::kUnknownError);
}

const MessageView::Slot* MessageView::Find(uint16_t parameter) const {
  if (spec_ == nullptr) return nullptr;
  for (size_t i = 0; i < spec_->parameters.size(); ++i) {
    if (spec_->parameters[i].parameter->type == parameter) return &slots_[i];
  }
  return nullptr;
}

size_t MessageView::Count(uint16_t parameter) const {
  const Slot* slot = Find(parameter);
  return slot != nullptr ? slot->count : 0;
}

ByteView MessageView::Get(uint16_t parameter) const {
  const Slot* slot = Find(parameter);
  if (slot == nullptr || slot->count == 0) return {};
  return body_.subspan(slot->offset, slot->length);
}

uint32_t MessageView::Number(uint16_t parameter, size_t width) const {
  const ByteView value = Get(parameter);
  if (value.size() != width) return 0;
  uint32_t number = 0;
  for (uint8_t b : value) number = number << 8 | b;
  return number;
}

// Reads on after a fault that leaves the framing intact, so that the ids behind it are known to the answer.
Fault MessageView::ReadParameters() {
  bool unknown = false;
  bool wrong_length = false;
  size_t at = 0;
  while (at < body_.size()) {
    if (body_.size() - at < kParameterHeaderBytes) return Fault::kInvalidMessage;
    const uint16_t type = Read16(body_, at);
    const uint16_t length = Read16(body_, at + 2);
    at += kParameterHeaderBytes;
    if (body_.size() - at < length) return Fault::kInvalidMessage;
    size_t i = 0;
    while (i < spec_->parameters.size() && spec_->parameters[i].parameter->type != type) ++i;
    if (i < spec_->parameters.size()) {
      const ParameterSpec& parameter = *spec_->parameters[i].parameter;
      wrong_length |= length < parameter.min_bytes || length > parameter.max_bytes;
      Slot& slot = slots_[i];
      if (slot.count++ == 0) {
        slot.offset = static_cast<uint32_t>(at);
        slot.length = length;
      }
    } else {
      unknown |= type < kFirstUserType;
    }
    at += length;
  }
  if (unknown) return Fault::kUnknownParameterType;
  return wrong_length ? Fault::kInconsistentLength : Fault::kNone;
}

Fault MessageView::CheckCounts() const {
  bool missing = false;
  for (size_t i = 0; i < spec_->parameters.size(); ++i) {
    const ParameterUse& use = spec_->parameters[i];
    if (use.max_count != kAnyCount && slots_[i].count > use.max_count) return Fault::kInvalidMessage;
    missing |= slots_[i].count < use.min_count;
  }
  return missing ? Fault::kMissingParameter : Fault::kNone;
}

Fault Decode(Interface interface, Side receiver, ByteView message, MessageView& out) {
  out.spec_ = nullptr;
  out.body_ = {};
  out.version_ = message.empty() ? uint8_t{0} : message[0];
  out.type_ = 0;
  if (message.size() < kHeaderBytes) return Fault::kInvalidMessage;
  out.type_ = Read16(message, 1);
  const size_t length = Read16(message, 3);
  out.spec_ = FindMessage(interface, out.type_);
  out.body_ = message.subspan(kHeaderBytes);
  Fault fault = Fault::kNone;
  if (out.spec_ != nullptr) {
    std::fill_n(out.slots_.begin(), out.spec_->parameters.size(), MessageView::Slot{});
    fault = out.body_.size() == length ? out.ReadParameters() : Fault::kInvalidMessage;
  }
  if (!IsSupportedVersion(out.version_)) return Fault::kUnsupportedVersion;
  if (out.spec_ == nullptr) return Fault::kUnknownMessageType;
  if (receiver == Side::kServer ? !out.spec_->to_server : !out.spec_->to_client) {
    return Fault::kInvalidMessage;
  }
  return fault == Fault::kNone ? out.CheckCounts() : fault;
}

MessageWriter::MessageWriter(Bytes& out, uint8_t version, uint16_t type) : out_(out), start_(out.size()) {
  const uint8_t header[kHeaderBytes] = {version, static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)};
  out_.insert(out_.end(), std::begin(header), std::end(header));
}

MessageWriter& MessageWriter::Number(uint16_t parameter, uint32_t value, size_t width) {
  uint8_t bytes[4];
  for (size_t i = 0; i < width; ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
  return Put(parameter, {bytes, width});
}

MessageWriter& MessageWriter::Put(uint16_t parameter, ByteView value) {
  if (value.size() > kMaxBodyBytes) {
    ok_ = false;
    return *this;
  }
  const uint8_t header[kParameterHeaderBytes] = {
      static_cast<uint8_t>(parameter >> 8), static_cast<uint8_t>(parameter),
      static_cast<uint8_t>(value.size() >> 8), static_cast<uint8_t>(value.size())};
  out_.insert(out_.end(), std::begin(header), std::end(header));
  out_.insert(out_.end(), value.begin(), value.end());
  return *this;
}

MessageWriter& MessageWriter::CpCw(uint16_t cp_number, ByteView cw) {
  const size_t length = cw.size() + 2;
  if (length > kMaxBodyBytes) {
    ok_ = false;
    return *this;
  }
  const uint8_t header[] = {static_cast<uint8_t>(ecmg::kCpCwCombination >> 8),
                            static_cast<uint8_t>(ecmg::kCpCwCombination),
                            static_cast<uint8_t>(length >> 8),
                            static_cast<uint8_t>(length),
                            static_cast<uint8_t>(cp_number >> 8),
                            static_cast<uint8_t>(cp_number)};
  out_.insert(out_.end(), std::begin(header), std::end(header));
  out_.insert(out_.end(), cw.begin(), cw.end());
  return *this;
}

bool MessageWriter::Finish() {
  const size_t length = out_.size() - start_ - kHeaderBytes;
  if (!ok_ || length > kMaxBodyBytes) {
    out_.resize(start_);
    return false;
  }
  out_[start_ + 3] = static_cast<uint8_t>(length >> 8);
  out_[start_ + 4] = static_cast<uint8_t>(length);
  return true;
}

}  // namespace hearth::simulcrypt
