// No receiver acts on a damaged, shortened, lengthened, misaddressed or random section.
#include <functional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

using samples::SampleKey;

// A decoder with its key, told apart by whether it took the section.
using Decoder = std::function<Status(ByteView)>;

template <typename T>
Status Taken(const Result<T>& result) {
  return result ? Ok() : Status(result.error());
}

struct Row {
  const char* name;
  Bytes section;
  Decoder decode;
  Decoder decode_with_other_key;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

template <typename K, typename T>
Row RowOf(const char* name, Result<Bytes> section, const K& key, Result<T> (*decode)(ByteView, const K&)) {
  const auto held = std::make_shared<K>(key.Copy());
  const auto other = std::make_shared<K>(SampleKey<K>("another"));
  return {name, std::move(section).value(), [=](ByteView s) { return Taken(decode(s, *held)); },
          [=](ByteView s) { return Taken(decode(s, *other)); }};
}

Row EmergencyRow(const char* name, size_t regions) {
  const auto under = [](unsigned key_id) {
    return [key = samples::EmergencyKey(key_id).public_key()](ByteView s) {
      return Taken(DecodeEmergency(s, key));
    };
  };
  return {name, EncodeEmergency(samples::Emergency(regions), samples::EmergencyKey()).value(), under(1),
          under(2)};
}

std::vector<Row> Rows() {
  const crypto::CardKeys keys = samples::Keys();
  const crypto::PackageKey package = samples::Package();
  const crypto::ServiceKey service = samples::Service(100);
  return {
      RowOf("Record", EncodeUniqueRecord(samples::Record(32), keys.enc), keys.enc, &DecodeUniqueRecord),
      RowOf("RecordBare", EncodeUniqueRecord(samples::Record(0), keys.enc), keys.enc, &DecodeUniqueRecord),
      RowOf("Standing", EncodeUniqueStanding(samples::Standing(), keys.mac), keys.mac, &DecodeUniqueStanding),
      RowOf("Group", EncodeGroup(samples::GroupOf(6), samples::Group()), samples::Group(), &DecodeGroup),
      RowOf("GroupBare", EncodeGroup(samples::GroupOf(0), samples::Group()), samples::Group(), &DecodeGroup),
      RowOf("Services", EncodeServiceKeys(samples::ServicesOf(9), package), package, &DecodeServiceKeys),
      RowOf("Table", EncodeAreaTablePart(samples::TablePart(3, 48), package), package, &DecodeAreaTablePart),
      RowOf("TableEmpty", EncodeAreaTablePart(samples::TablePart(3, 0), package), package,
            &DecodeAreaTablePart),
      RowOf("Pairing", EncodePairing(samples::Pairing(), samples::Chip()), samples::Chip(), &DecodePairing),
      RowOf<crypto::ServiceKey, Ecm>("Ecm", EncodeEcm(samples::EcmOf(2, 16), service), service, &DecodeEcm),
      RowOf<crypto::ServiceKey, Ecm>("EcmShort", EncodeEcm(samples::EcmOf(1, 8), service), service,
                                     &DecodeEcm),
      EmergencyRow("Emergency", 31),
      EmergencyRow("EmergencyEverywhere", 0),
  };
}

class Damage : public testing::TestWithParam<Row> {};

TEST_P(Damage, WholeSectionIsTaken) { EXPECT_TRUE(GetParam().decode(GetParam().section)); }

TEST_P(Damage, EveryFlippedBitIsRefused) {
  for (size_t bit = 0; bit < GetParam().section.size() * 8; ++bit) {
    Bytes bad = GetParam().section;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(GetParam().decode(bad)) << "bit " << bit;
  }
}

// Cut short as it is, and with a length field that agrees with the cut.
TEST_P(Damage, EveryTruncationIsRefused) {
  for (size_t length = 0; length < GetParam().section.size(); ++length) {
    const ByteView cut = ByteView(GetParam().section).first(length);
    EXPECT_EQ(GetParam().decode(cut).error().reason(), Reason::kSectionTruncated) << length;
    if (length < 4) continue;
    Bytes relabelled(cut.begin(), cut.end());
    relabelled[2] = static_cast<uint8_t>(length - 3);
    EXPECT_FALSE(GetParam().decode(relabelled)) << length;
  }
}

TEST_P(Damage, TrailingBytesAreRefused) {
  Bytes longer = GetParam().section;
  longer.push_back(0);
  EXPECT_EQ(GetParam().decode(longer).error().reason(), Reason::kSectionMalformed);
  longer[2] = static_cast<uint8_t>(longer.size() - 3);
  EXPECT_FALSE(GetParam().decode(longer));
}

TEST_P(Damage, AnotherKeyIsRefused) {
  EXPECT_EQ(GetParam().decode_with_other_key(GetParam().section).error().reason(),
            Reason::kSectionNotAuthentic);
}

TEST_P(Damage, AnotherTableAndSuiteAreRefused) {
  Bytes other = GetParam().section;
  other[0] = 0x8F;
  EXPECT_EQ(GetParam().decode(other).error().reason(), Reason::kSectionUnknownTable);
  other = GetParam().section;
  other[3] = 2;
  EXPECT_EQ(GetParam().decode(other).error().reason(), Reason::kSectionUnknownSuite);
}

TEST_P(Damage, RandomBytesAreRefused) {
  const Row& row = GetParam();
  EXPECT_TRUE(rc::check(std::string("random bytes: ") + row.name, [&](Bytes bytes) {
    RC_ASSERT(!row.decode(bytes).has_value());
    // With a right header, so that the bytes reach the seal.
    if (bytes.size() < 4 || bytes.size() > 256) return;
    bytes[0] = row.section[0];
    bytes[1] = 0x70;
    bytes[2] = static_cast<uint8_t>(bytes.size() - 3);
    bytes[3] = 1;
    RC_ASSERT(!row.decode(bytes).has_value());
  }));
}

INSTANTIATE_TEST_SUITE_P(Messages, Damage, testing::ValuesIn(Rows()),
                         [](const auto& row) { return row.param.name; });

// Who it is for is bound by the key: the neighbour's card, the former generation, another epoch's package.
TEST(Misaddressed, IsRefused) {
  const Bytes record = EncodeUniqueRecord(samples::Record(3), samples::Keys().enc).value();
  const crypto::CardKeys neighbour = samples::Keys(CardNumber(samples::kCard.value + 1));
  EXPECT_EQ(DecodeUniqueRecord(record, neighbour.enc).error().reason(), Reason::kSectionNotAuthentic);
  const Bytes standing = EncodeUniqueStanding(samples::Standing(), samples::Keys().mac).value();
  EXPECT_EQ(DecodeUniqueStanding(standing, neighbour.mac).error().reason(), Reason::kSectionNotAuthentic);

  const Bytes group = EncodeGroup(samples::GroupOf(1), samples::Group()).value();
  const auto former = SampleKey<crypto::GroupKey>("group 4711 generation 1");
  EXPECT_EQ(DecodeGroup(group, former).error().reason(), Reason::kSectionNotAuthentic);

  const Bytes services = EncodeServiceKeys(samples::ServicesOf(3), samples::Package()).value();
  const auto before = crypto::PackageKeyAt(samples::Package(), PackageId(64), Epoch(9), Epoch(8)).value();
  EXPECT_EQ(DecodeServiceKeys(services, before).error().reason(), Reason::kSectionNotAuthentic);
}

// A section of one table under the SIV key of another does not open, though both hang on one package key.
TEST(Misaddressed, UsesDoNotMix) {
  Bytes table = EncodeAreaTablePart(samples::TablePart(3, 0), samples::Package()).value();
  table[0] = 0x85;
  EXPECT_EQ(DecodeServiceKeys(table, samples::Package()).error().reason(), Reason::kSectionNotAuthentic);
}

}  // namespace
}  // namespace hearth::cas
