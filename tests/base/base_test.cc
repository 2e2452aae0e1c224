#include <set>

#include <gtest/gtest.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/reason.h"
#include "src/base/status.h"

namespace hearth {
namespace {

TEST(Reason, NumbersAndNamesAreUniqueAndEveryReasonHasACure) {
  std::set<std::string_view> names;
  std::set<Reason> reasons;
  for (const ReasonInfo& info : AllReasons()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(reasons.insert(info.reason).second) << info.name;
    EXPECT_FALSE(info.cure.empty()) << info.name;
    EXPECT_EQ(&InfoOf(info.reason), &info);
    EXPECT_EQ(FindReason(info.name), &info);
  }
  EXPECT_EQ(FindReason("NO_SUCH_REASON"), nullptr);
}

TEST(Error, KeepsItselfWhenAFieldIsAddedInPlace) {
  Error error(Reason::kFieldInvalid, std::string(100, 'x'));
  for (const char* field : {"a", "b", "c"}) error = std::move(error).Field(field, "a rule");
  EXPECT_EQ(error.violations().size(), 3U);
  EXPECT_EQ(error.message(), std::string(100, 'x'));
}

TEST(Ids, ParsingIsStrict) {
  struct Row {
    const char* name;
    bool ok;
    Status status;
  };
  const auto drop = [](auto result) -> Status { return result ? Ok() : Status(result.error()); };
  const Row rows[] = {
      {"card", true, drop(ParseCardNumber("640000000017"))},
      {"card with leading zeros", true, drop(ParseCardNumber("000000000001"))},
      {"card too short", false, drop(ParseCardNumber("64000000001"))},
      {"card too long", false, drop(ParseCardNumber("6400000000170"))},
      {"card with letter", false, drop(ParseCardNumber("64000000001x"))},
      {"card with sign", false, drop(ParseCardNumber("+40000000017"))},
      {"card empty", false, drop(ParseCardNumber(""))},
      {"box", true, drop(ParseBoxSerial("0640000000000017"))},
      {"box short", false, drop(ParseBoxSerial("640000000000017"))},
      {"sim", true, drop(ParseSimNumber("13900000001"))},
      {"sim leading zero", false, drop(ParseSimNumber("03900000001"))},
      {"region village", true, drop(ParseRegionCode("640122100201"))},
      {"region 5 digits", false, drop(ParseRegionCode("64012"))},
      {"region leading zero", false, drop(ParseRegionCode("04"))},
      {"area", true, drop(ParseAreaId("640122001"))},
      {"area serial 0", false, drop(ParseAreaId("640122000"))},
      {"person", true, CheckPersonId("11010519491231002X")},
      {"person lower x", true, CheckPersonId("11010519491231002x")},
      {"person bad check", false, CheckPersonId("110105194912310021")},
      {"time", true, drop(ParseTime("2026-11-23T04:50:12Z"))},
      {"time with offset", true, drop(ParseTime("2026-11-23T12:50:12.5+08:00"))},
      {"time 30 February", false, drop(ParseTime("2026-02-30T00:00:00Z"))},
      {"time without zone", false, drop(ParseTime("2026-11-23T04:50:12"))},
      {"uuid v4", false, drop(RequestId::Parse("3b241101-e2bb-4255-8caf-4136c566a962"))},
      {"uuid v7", true, drop(RequestId::Parse("0193541d-5a3c-7c07-8f2f-3d5d0a5f3f11"))},
  };
  for (const Row& row : rows) EXPECT_EQ(row.status.has_value(), row.ok) << row.name;
}

TEST(Ids, TimesRoundTrip) {
  for (const char* text : {"2026-11-23T04:50:12.345Z", "1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z",
                           "9999-12-31T23:59:59.999Z"}) {
    EXPECT_EQ(ToString(*ParseTime(text)), text);
  }
  EXPECT_EQ(ToString(UnixMillis(INT64_MIN)), "-9223372036854775808 ms since 1970");
  EXPECT_EQ(ToString(UnixMillis(INT64_MAX)), "9223372036854775807 ms since 1970");
  EXPECT_EQ(*ParseTime("2026-11-23T12:50:12+08:00"), *ParseTime("2026-11-23T04:50:12Z"));
  EXPECT_EQ(MessageSeconds(*ParseTime("2024-01-01T00:00:01Z")), 1U);
  EXPECT_EQ(MessageSeconds(UnixMillis(0)), 0U);
}

TEST(Ids, DivisionsNest) {
  const RegionCode village = *ParseRegionCode("640122100201");
  EXPECT_EQ(LevelOf(village), RegionLevel::kVillage);
  EXPECT_EQ(Ancestor(village, RegionLevel::kCounty), *ParseRegionCode("640122"));
  EXPECT_EQ(Ancestor(village, RegionLevel::kProvince), *ParseRegionCode("64"));
  EXPECT_TRUE(Contains(*ParseRegionCode("6401"), village));
  EXPECT_FALSE(Contains(*ParseRegionCode("6402"), village));
  EXPECT_FALSE(Contains(village, *ParseRegionCode("6401")));
  EXPECT_TRUE(DivisionContains(640100, 640122));
  EXPECT_TRUE(DivisionContains(640000, 640122));
  EXPECT_TRUE(DivisionContains(0, 640122));
  EXPECT_FALSE(DivisionContains(640104, 640122));
  EXPECT_FALSE(DivisionContains(650000, 640122));
}

TEST(Ids, EpochsWrap) {
  EXPECT_TRUE(EpochNewer(Epoch(0), Epoch(65535)));
  EXPECT_FALSE(EpochNewer(Epoch(65535), Epoch(0)));
  EXPECT_FALSE(EpochNewer(Epoch(7), Epoch(7)));
  EXPECT_EQ(NextEpoch(Epoch(65535)), Epoch(0));
  EXPECT_EQ(PreviousEpoch(Epoch(0)), Epoch(65535));
}

TEST(Ids, RequestIdsOfRowsDiffer) {
  const RequestId id =
      RequestId::FromParts(*ParseTime("2026-11-23T04:50:12.345Z"), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  EXPECT_EQ(id.time(), *ParseTime("2026-11-23T04:50:12.345Z"));
  EXPECT_EQ(*RequestId::Parse(id.ToString()), id);
  std::set<RequestId> ids{id};
  for (uint64_t row = 0; row < 1000; ++row) {
    EXPECT_TRUE(ids.insert(id.ForRow(row)).second);
    EXPECT_TRUE(RequestId::Parse(id.ForRow(row).ToString()).has_value());
  }
}

TEST(Bytes, ReaderStopsAtTheEnd) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U16(), 0x0102);
  EXPECT_EQ(reader.U16(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_FALSE(reader.done());
}

TEST(Bytes, HexRoundTrips) {
  EXPECT_EQ(ToHex(Bytes{0x00, 0xAB, 0x7f}), "00ab7f");
  EXPECT_EQ(*FromHex("00aB7f"), (Bytes{0x00, 0xAB, 0x7f}));
  EXPECT_FALSE(FromHex("0").has_value());
  EXPECT_FALSE(FromHex("zz").has_value());
}

TEST(Bytes, WriterPatches) {
  ByteWriter writer;
  writer.U8(1).U24(0x020304).U40(0x0506070809);
  writer.PatchU(1, 0xAABBCC, 3);
  EXPECT_EQ(ToHex(writer.bytes()), "01aabbcc0506070809");
}

TEST(Error, GrowsInPlace) {
  Error error(Reason::kFieldInvalid, "two fields");
  error = std::move(error).Field("a", "first");
  error = std::move(error).Field("b", "second");
  error = std::move(error).With("account", "NX-1").Detail("cause");
  EXPECT_EQ(error.violations(), (std::vector<FieldViolation>{{"a", "first"}, {"b", "second"}}));
  EXPECT_EQ(error.metadata().size(), 1U);
  EXPECT_EQ(error.message(), "two fields");
  EXPECT_EQ(error.detail(), "cause");
}

}  // namespace
}  // namespace hearth
