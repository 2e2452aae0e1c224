// What is encoded decodes to the same, for all that the format can say; and the encoder refuses the rest.
#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

using entitlement::Standing;
using entitlement::StandingReason;
using samples::SampleKey;

template <typename K>
K AnyKey() {
  auto bytes = *rc::gen::arbitrary<std::array<uint8_t, 16>>();
  bytes[0] |= 1;  // a key that is there is not all zero
  return K(crypto::Key128(bytes));
}

uint64_t Below(uint64_t limit) { return *rc::gen::inRange<uint64_t>(0, limit); }
uint16_t Any16() { return *rc::gen::arbitrary<uint16_t>(); }
uint8_t Any8() { return *rc::gen::arbitrary<uint8_t>(); }
CardNumber AnyCard() { return CardNumber(Below(kMaxCardNumber + 1)); }
BoxSerial AnyBox() { return BoxSerial(Below(kMaxBoxSerial + 1)); }
Stamp AnyStamp() { return Stamp(Below(kMaxStamp + 1)); }
AreaId AnyArea() { return AreaId(static_cast<uint32_t>(Below(1'000'000) * 1000 + 1 + Below(999))); }
Standing AnyStanding() { return static_cast<Standing>(Below(3)); }
StandingReason AnyReason() { return static_cast<StandingReason>(Below(7)); }

UniqueRecord AnyRecord() {
  UniqueRecord record;
  record.card = AnyCard();
  record.stamp = AnyStamp();
  record.standing = AnyStanding();
  record.reason = AnyReason();
  record.validity_day = Any16();
  record.group = GroupId(static_cast<uint32_t>(Below(2) * (1 + Below(kMaxGroup))));
  record.slot = Any8();
  record.generation = Any8();
  if (record.group != GroupId()) record.group_key = AnyKey<crypto::GroupKey>();
  record.box = AnyBox();
  if (Below(2) == 1) record.area = AnyArea();
  record.area_version = Any16();
  record.rights = Rights(*rc::gen::arbitrary<std::array<uint8_t, 16>>());
  record.expiry_day = Any16();
  record.cells.resize(Below(kRecordCells + 1));
  for (CellHash3& cell : record.cells) cell = *rc::gen::arbitrary<CellHash3>();
  return record;
}

TEST(RoundTrip, UniqueRecord) {
  EXPECT_TRUE(rc::check("0x82", [] {
    const UniqueRecord record = AnyRecord();
    const auto key = AnyKey<crypto::CardEncKey>();
    const Bytes section = EncodeUniqueRecord(record, key).value();
    RC_ASSERT(section.size() == 86 + 3 * record.cells.size());
    RC_ASSERT(DecodeUniqueRecord(section, key).value() == record);
  }));
}

TEST(RoundTrip, UniqueStanding) {
  EXPECT_TRUE(rc::check("0x83", [] {
    const UniqueStanding standing = {AnyCard(), AnyStamp(), AnyStanding(), AnyReason()};
    const auto key = AnyKey<crypto::CardMacKey>();
    const Bytes section = EncodeUniqueStanding(standing, key).value();
    RC_ASSERT(section.size() == 24U);
    RC_ASSERT(DecodeUniqueStanding(section, key).value() == standing);
  }));
}

TEST(RoundTrip, Group) {
  EXPECT_TRUE(rc::check("0x84", [] {
    GroupMessage message;
    message.group = GroupId(static_cast<uint32_t>(1 + Below(kMaxGroup)));
    message.generation = Any8();
    message.stamp = AnyStamp();
    message.epoch = Epoch(Any16());
    message.bitmap = GroupBitmap(*rc::gen::arbitrary<std::array<uint8_t, 32>>());
    const auto first = static_cast<uint16_t>(1 + Below(1000));
    const uint64_t packages = Below(kGroupPackages + 1);
    for (uint16_t i = 0; i < packages; ++i) {
      message.keys.push_back({PackageId(static_cast<uint16_t>(first + i)), AnyKey<crypto::PackageKey>()});
    }
    const auto key = AnyKey<crypto::GroupKey>();
    const Bytes section = EncodeGroup(message, key).value();
    RC_ASSERT(section.size() == 63 + 18 * packages);
    RC_ASSERT(DecodeGroup(section, key).value() == message);
  }));
}

TEST(RoundTrip, ServiceKeysThroughPacking) {
  EXPECT_TRUE(rc::check("0x85", [] {
    ServiceKeysMessage message = samples::ServicesOf(0);
    message.package = PackageId(static_cast<uint16_t>(1 + Below(65535)));
    message.stamp = AnyStamp();
    const auto services = *rc::gen::container<std::set<uint16_t>>(rc::gen::inRange<uint16_t>(0, 200));
    for (const uint16_t service : services) {
      message.keys.push_back({ServiceId(service), AnyKey<crypto::ServiceKey>()});
    }
    const auto key = AnyKey<crypto::PackageKey>();
    std::vector<ServiceKeyEntry> back;
    const std::vector<Bytes> sections = PackServiceKeys(message, key).value();
    for (const Bytes& section : sections) {
      RC_ASSERT(section.size() <= 183U);
      ServiceKeysMessage part = DecodeServiceKeys(section, key).value();
      RC_ASSERT(part.package == message.package);
      RC_ASSERT(part.stamp == message.stamp);
      RC_ASSERT(part.key_epoch == message.key_epoch);
      for (ServiceKeyEntry& entry : part.keys) back.push_back(std::move(entry));
    }
    RC_ASSERT(back == message.keys);
  }));
}

TEST(RoundTrip, AreaTablePart) {
  EXPECT_TRUE(rc::check("0x86", [] {
    AreaTablePart part;
    part.table.kind = Below(2) == 0 ? TableKind::kArea : TableKind::kDeny;
    part.table.area = AnyArea();
    part.table.version = Any16();
    part.table.stamp = AnyStamp();
    part.table.package = PackageId(static_cast<uint16_t>(1 + Below(65535)));
    part.table.package_epoch = Epoch(Any16());
    part.table.width = static_cast<uint8_t>(3 + Below(6));
    part.table.grace_hours = Any8();
    part.parts = static_cast<uint8_t>(1 + Below(255));
    part.part = static_cast<uint8_t>(Below(part.parts));
    const size_t cells = Below(144 / part.table.width + 1);
    part.hashes = *rc::gen::container<Bytes>(cells * part.table.width, rc::gen::arbitrary<uint8_t>());
    const auto key = AnyKey<crypto::PackageKey>();
    const Bytes section = EncodeAreaTablePart(part, key).value();
    RC_ASSERT(section.size() == 39 + part.hashes.size());
    RC_ASSERT(DecodeAreaTablePart(section, key).value() == part);
  }));
}

TEST(RoundTrip, Pairing) {
  EXPECT_TRUE(rc::check("0x88", [] {
    PairingMessage message;
    message.card = AnyCard();
    message.box = BoxSerial(1 + Below(kMaxBoxSerial));
    message.stamp = AnyStamp();
    message.key = AnyKey<crypto::PairingKey>();
    const auto key = AnyKey<crypto::ChipKey>();
    const Bytes section = EncodePairing(message, key).value();
    RC_ASSERT(section.size() == 53U);
    RC_ASSERT(DecodePairing(section, key).value() == message);
  }));
}

TEST(RoundTrip, Ecm) {
  EXPECT_TRUE(rc::check("0x80", [] {
    Ecm ecm;
    ecm.odd = Below(2) == 1;
    ecm.service = ServiceId(Any16());
    ecm.key_epoch = Epoch(Any16());
    ecm.utc = *rc::gen::arbitrary<uint32_t>();
    ecm.ac_id = Any16();
    const size_t words = 1 + Below(2);
    const size_t word_bytes = 8 + 8 * Below(2);
    for (size_t i = 0; i < words; ++i) {
      AcRecord access;
      access.mode = static_cast<AcMode>(Below(4));
      if (access.mode == AcMode::kProduct) access.product = static_cast<uint8_t>(Below(128));
      access.division = static_cast<uint32_t>(Below(1'000'000));
      access.all_but = access.division != 0 && Below(2) == 1;
      const auto word = *rc::gen::container<Bytes>(word_bytes, rc::gen::arbitrary<uint8_t>());
      ecm.words.push_back({access, ControlWord::Create(word).value()});
    }
    const auto key = AnyKey<crypto::ServiceKey>();
    const Bytes section = EncodeEcm(ecm, key).value();
    RC_ASSERT(section.size() == 30 + words * (6 + word_bytes));
    RC_ASSERT(DecodeEcm(section, key).value() == ecm);
    RC_ASSERT(EncodeEcm(ecm, crypto::EcmSiv(key).value()).value() == section);
  }));
}

// The card ignores the reserved byte of an AC record, so a later suite-1 head-end may use it.
TEST(Ecm, ReservedByteIsIgnored) {
  const crypto::SivKey siv = crypto::EcmSiv(samples::Service(100)).value();
  ByteWriter out;
  out.U8(0x80).U16(0x7000 | (11 + 16 + 14)).U8(1).U16(100).U16(21).U32(5).U16(6);
  Bytes enc(14, 0);
  enc[0] = 3;
  enc[5] = 0xFF;
  out.Put(siv.Seal(out.bytes(), enc).value());
  const auto ecm = DecodeEcm(out.bytes(), siv);
  ASSERT_TRUE(ecm) << ecm.error().ToString();
  EXPECT_EQ(ecm->words.front().access.mode, AcMode::kOpen);
}

struct Refusal {
  const char* name;
  std::function<Result<Bytes>()> encode;
  Reason reason;
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }

template <typename Message, typename Key>
std::function<Result<Bytes>()> With(Message (*make)(), void (*change)(Message&),
                                    Result<Bytes> (*encode)(const Message&, const Key&)) {
  return [=] {
    Message message = make();
    change(message);
    return encode(message, SampleKey<Key>("any"));
  };
}

auto RecordWith(void (*change)(UniqueRecord&)) {
  return With(
      +[] { return samples::Record(1); }, change, &EncodeUniqueRecord);
}
auto StandingWith(void (*change)(UniqueStanding&)) {
  return With(&samples::Standing, change, &EncodeUniqueStanding);
}
auto GroupWith(void (*change)(GroupMessage&)) {
  return With(
      +[] { return samples::GroupOf(2); }, change, &EncodeGroup);
}
auto ServicesWith(void (*change)(ServiceKeysMessage&)) {
  return With(
      +[] { return samples::ServicesOf(2); }, change, &EncodeServiceKeys);
}
auto TableWith(void (*change)(AreaTablePart&)) {
  return With(
      +[] { return samples::TablePart(3, 2); }, change, &EncodeAreaTablePart);
}
auto PairingWith(void (*change)(PairingMessage&)) { return With(&samples::Pairing, change, &EncodePairing); }
auto EcmWith(void (*change)(Ecm&)) {
  return With<Ecm, crypto::ServiceKey>(
      +[] { return samples::EcmOf(2, 8); }, change, &EncodeEcm);
}

class EncoderRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(EncoderRefuses, It) {
  const auto section = GetParam().encode();
  ASSERT_FALSE(section);
  EXPECT_EQ(section.error().reason(), GetParam().reason) << section.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Unique, EncoderRefuses,
    testing::Values(
        Refusal{"Card", RecordWith([](auto& m) { m.card.value = kMaxCardNumber + 1; }),
                Reason::kFieldInvalid},
        Refusal{"Stamp", RecordWith([](auto& m) { m.stamp.value = kMaxStamp + 1; }), Reason::kFieldInvalid},
        Refusal{"Standing", RecordWith([](auto& m) { m.standing = Standing(3); }), Reason::kFieldInvalid},
        Refusal{"Reason", RecordWith([](auto& m) { m.reason = StandingReason(7); }), Reason::kFieldInvalid},
        Refusal{"Group", RecordWith([](auto& m) { m.group.value = kMaxGroup + 1; }), Reason::kFieldInvalid},
        Refusal{"KeyWithoutGroup", RecordWith([](auto& m) { m.group.value = 0; }), Reason::kFieldInvalid},
        Refusal{"GroupWithoutKey", RecordWith([](auto& m) { m.group_key = {}; }), Reason::kFieldInvalid},
        Refusal{"Box", RecordWith([](auto& m) { m.box.value = kMaxBoxSerial + 1; }), Reason::kFieldInvalid},
        Refusal{"Area", RecordWith([](auto& m) { m.area.value = 1'000'000'001; }), Reason::kFieldInvalid},
        Refusal{"AreaSerial0", RecordWith([](auto& m) { m.area.value = 640122000; }), Reason::kFieldInvalid},
        Refusal{"Cells33", RecordWith([](auto& m) { m.cells.resize(33); }), Reason::kSectionTooLong},
        Refusal{"StandingCard", StandingWith([](auto& m) { m.card.value = kMaxCardNumber + 1; }),
                Reason::kFieldInvalid},
        Refusal{"StandingStamp", StandingWith([](auto& m) { m.stamp.value = kMaxStamp + 1; }),
                Reason::kFieldInvalid},
        Refusal{"StandingStanding", StandingWith([](auto& m) { m.standing = Standing(3); }),
                Reason::kFieldInvalid},
        Refusal{"PairingNoBox", PairingWith([](auto& m) { m.box.value = 0; }), Reason::kFieldInvalid},
        Refusal{"PairingBox", PairingWith([](auto& m) { m.box.value = kMaxBoxSerial + 1; }),
                Reason::kFieldInvalid}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Shared, EncoderRefuses,
    testing::Values(
        Refusal{"NoGroup", GroupWith([](auto& m) { m.group.value = 0; }), Reason::kFieldInvalid},
        Refusal{"Group", GroupWith([](auto& m) { m.group.value = kMaxGroup + 1; }), Reason::kFieldInvalid},
        Refusal{"GroupStamp", GroupWith([](auto& m) { m.stamp.value = kMaxStamp + 1; }),
                Reason::kFieldInvalid},
        Refusal{"Package0", GroupWith([](auto& m) { m.keys[1].package.value = 0; }), Reason::kFieldInvalid},
        Refusal{"PackageTwice", GroupWith([](auto& m) { m.keys[1].package = m.keys[0].package; }),
                Reason::kFieldInvalid},
        Refusal{"SevenPackages", GroupWith([](auto& m) { m = samples::GroupOf(7); }),
                Reason::kSectionTooLong},
        Refusal{"ServicesPackage", ServicesWith([](auto& m) { m.package.value = 0; }), Reason::kFieldInvalid},
        Refusal{"ServicesFalling", ServicesWith([](auto& m) { std::swap(m.keys[0], m.keys[1]); }),
                Reason::kFieldInvalid},
        Refusal{"ServiceTwice", ServicesWith([](auto& m) { m.keys[1].service = m.keys[0].service; }),
                Reason::kFieldInvalid},
        Refusal{"TenServices", ServicesWith([](auto& m) { m = samples::ServicesOf(10); }),
                Reason::kSectionTooLong},
        Refusal{"TableKind", TableWith([](auto& m) { m.table.kind = TableKind(3); }), Reason::kFieldInvalid},
        Refusal{"TableNoArea", TableWith([](auto& m) { m.table.area.value = 0; }), Reason::kFieldInvalid},
        Refusal{"TableWidth2", TableWith([](auto& m) { m.table.width = 2; }), Reason::kFieldInvalid},
        Refusal{"TableWidth9", TableWith([](auto& m) { m.table.width = 9; }), Reason::kFieldInvalid},
        Refusal{"TablePart", TableWith([](auto& m) { m.part = 1; }), Reason::kFieldInvalid},
        Refusal{"TableParts0", TableWith([](auto& m) { m.parts = 0; }), Reason::kFieldInvalid},
        Refusal{"TableHalfHash", TableWith([](auto& m) { m.hashes.pop_back(); }), Reason::kFieldInvalid},
        Refusal{"TableTooLong", TableWith([](auto& m) { m.hashes.resize(147); }), Reason::kSectionTooLong}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    EcmForm, EncoderRefuses,
    testing::Values(
        Refusal{"NoWord", EcmWith([](auto& m) { m.words.clear(); }), Reason::kControlWordInvalid},
        Refusal{"ThreeWords",
                EcmWith([](auto& m) { m.words.push_back(std::move(samples::EcmOf(1, 8).words[0])); }),
                Reason::kControlWordInvalid},
        Refusal{"MixedWords",
                EcmWith([](auto& m) { m.words[1] = std::move(samples::EcmOf(1, 16).words[0]); }),
                Reason::kControlWordInvalid},
        Refusal{"Mode", EcmWith([](auto& m) { m.words[0].access.mode = AcMode(4); }), Reason::kFieldInvalid},
        Refusal{"Product", EcmWith([](auto& m) { m.words[0].access.product = 128; }), Reason::kFieldInvalid},
        Refusal{"ProductInOtherMode", EcmWith([](auto& m) { m.words[1].access.product = 1; }),
                Reason::kFieldInvalid},
        Refusal{"Division", EcmWith([](auto& m) { m.words[1].access.division = 1'000'000; }),
                Reason::kFieldInvalid},
        Refusal{"AllButEverywhere", EcmWith([](auto& m) { m.words[1].access.division = 0; }),
                Reason::kFieldInvalid}),
    [](const auto& row) { return row.param.name; });

TEST(ControlWord, HasEightOrSixteenBytes) {
  for (size_t size = 0; size <= 20; ++size) {
    const auto word = ControlWord::Create(Bytes(size, 1));
    EXPECT_EQ(word.has_value(), size == 8 || size == 16) << size;
    if (!word) {
      EXPECT_EQ(word.error().reason(), Reason::kControlWordInvalid);
    }
  }
}

}  // namespace
}  // namespace hearth::cas
