#include "tests/cas/samples.h"

#include <utility>

namespace hearth::samples {

using entitlement::StandingReason;

crypto::SigningKey EmergencyKey(unsigned key_id) {
  const std::string label = "emergency key " + std::to_string(key_id);
  const crypto::Digest256 seed = crypto::Sha256(AsBytes("hearth sample "), AsBytes(label), {});
  return crypto::SigningKey::FromSeed(crypto::Key256(seed)).value();
}

cas::CellBytes Cell(unsigned i) {
  // 84 bits: radio 3, MCC 10, MNC 10, flag 1, area code 24, cell 36; the first 24 bits and then 60.
  const uint64_t head = uint64_t{3} << 21 | uint64_t{460} << 11 | uint64_t{0} << 1 | 0;
  const uint64_t tail = uint64_t{0x7A31} << 36 | (0x0A1B2C00 + i);
  ByteWriter out;
  // Four zero bits, 24 bits of head and the upper 4 of tail make the first 4 bytes.
  out.U32(head << 4 | tail >> 56).U56(tail & 0xFFFFFFFFFFFFFF);
  cas::CellBytes cell{};
  std::copy(out.bytes().begin(), out.bytes().end(), cell.begin());
  return cell;
}

cas::UniqueRecord Record(size_t cells) {
  cas::UniqueRecord record;
  record.card = kCard;
  record.stamp = kStamp;
  record.standing = entitlement::Standing::kOn;
  record.validity_day = 1461;
  record.group = GroupId(4711);
  record.slot = 17;
  record.generation = 2;
  record.group_key = Group();
  record.box = kBox;
  record.area = kArea;
  record.area_version = 7;
  record.rights.Set(0);
  record.rights.Set(9);
  record.rights.Set(127);
  record.expiry_day = kNoExpiryDay;
  for (unsigned i = 0; i < cells; ++i) {
    const Bytes hash = cas::CellHash(kArea, Cell(i), cas::kRecordCellWidth).value();
    cas::CellHash3 cell;
    std::copy(hash.begin(), hash.end(), cell.begin());
    record.cells.push_back(cell);
  }
  return record;
}

cas::UniqueStanding Standing() {
  return {kCard, kStamp, entitlement::Standing::kDark, StandingReason::kLocation};
}

cas::GroupMessage GroupOf(size_t packages) {
  cas::GroupMessage message;
  message.group = GroupId(4711);
  message.generation = 2;
  message.stamp = kStamp;
  message.epoch = Epoch(9);
  for (const uint8_t slot : std::initializer_list<uint8_t>{0, 1, 17, 128, 255})
    message.bitmap.Set(slot, true);
  for (size_t i = 0; i < packages; ++i) {
    message.keys.push_back({PackageId(static_cast<uint16_t>(64 + i)),
                            SampleKey<crypto::PackageKey>("package " + std::to_string(64 + i) + " epoch 9")});
  }
  return message;
}

cas::ServiceKeysMessage ServicesOf(size_t count) {
  cas::ServiceKeysMessage message;
  message.package = PackageId(64);
  message.package_epoch = Epoch(9);
  message.stamp = kStamp;
  message.key_epoch = Epoch(21);
  for (size_t i = 0; i < count; ++i) {
    const auto service = static_cast<uint16_t>(100 + i);
    message.keys.push_back({ServiceId(service), Service(service)});
  }
  return message;
}

cas::AreaTable Table(uint8_t width, cas::TableKind kind) {
  cas::AreaTable table;
  table.kind = kind;
  table.area = kind == cas::TableKind::kArea ? kArea : AreaId(640100001);
  table.version = 7;
  table.stamp = kStamp;
  table.package = PackageId(64);
  table.package_epoch = Epoch(9);
  table.width = width;
  table.grace_hours = 72;
  return table;
}

cas::AreaTablePart TablePart(uint8_t width, size_t cells, cas::TableKind kind) {
  cas::AreaTablePart part;
  part.table = Table(width, kind);
  for (unsigned i = 0; i < cells; ++i) {
    const Bytes hash = cas::CellHash(part.table.area, Cell(i), width).value();
    part.hashes.insert(part.hashes.end(), hash.begin(), hash.end());
  }
  return part;
}

cas::PairingMessage Pairing() {
  return {kCard, kBox, kStamp, crypto::PairingKeyFor(Keys().pair, kCard, kBox).value()};
}

cas::EmergencyMessage Emergency(size_t regions) {
  cas::EmergencyMessage message{
      .alert = 4711,
      .stamp = kStamp,
      .start = 91'000'060,
      .minutes = 90,
      .kind = entitlement::EmergencyKind::kFlood,
      .severity = entitlement::Severity::kOrange,
      .service = {.original_network = 0xFF00, .transport_stream = 3, .service = 101},
      .regions = {}};
  for (unsigned i = 0; i < regions; ++i) message.regions.push_back(640'000 + i);
  if (regions == 0) message.regions = {0};
  return message;
}

cas::Ecm EcmOf(size_t words, size_t word_bytes) {
  cas::Ecm ecm;
  ecm.odd = words == 1;
  ecm.service = ServiceId(100);
  ecm.key_epoch = Epoch(21);
  ecm.utc = 91'000'123;
  ecm.ac_id = 0x1234;
  for (size_t i = 0; i < words; ++i) {
    cas::AcRecord access;
    access.mode = i == 0 ? cas::AcMode::kProduct : cas::AcMode::kSubscribers;
    access.product = i == 0 ? 9 : 0;
    access.division = i == 0 ? 0 : 640100;
    access.all_but = i != 0;
    const crypto::Digest256 digest = crypto::Sha256(AsBytes("control word " + std::to_string(i)));
    ecm.words.push_back({access, cas::ControlWord::Create(ByteView(digest).first(word_bytes)).value()});
  }
  return ecm;
}

cas::ReportBody Report(size_t cells) {
  cas::ReportBody report{kCard, kBox, kSim, 42, 91'000'200, {}};
  for (unsigned i = 0; i < cells; ++i) report.cells.push_back({Cell(i), static_cast<int8_t>(-71 - i)});
  return report;
}

}  // namespace hearth::samples
