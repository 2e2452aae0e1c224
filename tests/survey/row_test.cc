#include "src/survey/row.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "src/survey/import_state.h"
#include "tests/geofence/generators.h"
#include "tests/survey/testing.h"

namespace hearth::survey {
namespace {

TEST(Row, KnownBytes) {
  Row row = LteRow(26879745, Source::kTelco, 1'787'597'497);
  row.range_m = 1965;
  row.samples = 12;
  // Key as geofence writes it, kind 3 | 4 | 8 | 16 | 32, 106.35 east, 38.55 north.
  EXPECT_EQ(ToHex(Pack(row).bytes), ToHex(geofence::PackCell(row.cell)) + "3f" + "3f63b8e0" + "16fa4360" +
                                        "000007ad" + "0000000c" + "6a8c92b9");
}

RC_GTEST_PROP(Row, ComesBackAsItWas, ()) {
  Row row{.cell = *geofence::AnyCell(),
          .source = *rc::gen::element(Source::kCrowd, Source::kCollector, Source::kTelco)};
  if (*rc::gen::arbitrary<bool>()) {
    row.position = geofence::Position{.latitude_e7 = *rc::gen::inRange(-900'000'000, 900'000'001),
                                      .longitude_e7 = *rc::gen::inRange(-1'800'000'000, 1'800'000'001)};
  }
  if (*rc::gen::arbitrary<bool>()) row.range_m = *rc::gen::arbitrary<uint32_t>();
  if (*rc::gen::arbitrary<bool>()) row.samples = *rc::gen::arbitrary<uint32_t>();
  if (*rc::gen::arbitrary<bool>()) row.updated = *rc::gen::inRange<uint32_t>(1, UINT32_MAX);
  const PackedRow packed = Pack(row);
  RC_ASSERT(IsRow(packed));
  const auto back = Unpack(packed.bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == row);
}

RC_GTEST_PROP(Row, BytesThatAreARowAreItsOnlyForm, ()) {
  PackedRow packed = Pack(LteRow(7, Source::kCrowd, 9));
  const auto at = *rc::gen::inRange<size_t>(0, kRowBytes);
  packed.bytes[at] = *rc::gen::arbitrary<uint8_t>();
  const auto row = Unpack(packed.bytes);
  if (row) RC_ASSERT(Pack(*row) == packed);
}

RC_GTEST_PROP(Row, OrderIsThatOfCells, ()) {
  const PackedRow a = Pack({.cell = *geofence::AnyCell()});
  const PackedRow b = Pack({.cell = *geofence::AnyCell()});
  const auto cells = Unpack(a.bytes)->cell <=> Unpack(b.bytes)->cell;
  RC_ASSERT((std::pair(a.high(), a.low()) <=> std::pair(b.high(), b.low())) == cells);
}

TEST(Row, WhatIsNoRow) {
  struct Case {
    const char* name;
    size_t at;
    uint8_t value;
  };
  const Case cases[] = {
      {"bits above the key", 0, 0x96},
      {"no radio", 0, 0x0E},
      {"no source", 11, 0x24},
      {"reserved bit", 11, 0x65},
      {"position not announced", 11, 0x21},
      {"range not announced", 23, 1},
      {"longitude beyond 180", 12, 0x7F},
      {"time announced and 0", 11, 0x3D},
  };
  for (const Case& c : cases) {
    PackedRow packed = Pack(LteRow(7, Source::kCrowd, 9));
    packed.bytes[c.at] = c.value;
    if (std::string_view(c.name) == "time announced and 0") packed.bytes[11] = 0x25, packed.bytes[31] = 0;
    EXPECT_FALSE(IsRow(packed)) << c.name;
    EXPECT_FALSE(Unpack(packed.bytes)) << c.name;
  }
  EXPECT_FALSE(Unpack(Bytes(31)));
}

TEST(Row, AuthorityThenTimeDecides) {
  struct Case {
    const char* name;
    Row present;
    Row offered;
    Effect effect;
  };
  Row moved = LteRow(1, Source::kCollector, 5);
  moved.position->latitude_e7 += 1;
  Row undated = LteRow(1, Source::kCollector, 5);
  undated.updated.reset();
  const Row base = LteRow(1, Source::kCollector, 5);
  const Case cases[] = {
      {"the same", base, base, Effect::kUnchanged},
      {"newer", base, LteRow(1, Source::kCollector, 6), Effect::kChanged},
      {"older", base, LteRow(1, Source::kCollector, 4), Effect::kOlder},
      {"same time, other place", base, moved, Effect::kChanged},
      {"without a time is older", base, undated, Effect::kOlder},
      {"with a time after one without", undated, base, Effect::kChanged},
      {"telco over collector, though older", base, LteRow(1, Source::kTelco, 1), Effect::kChanged},
      {"crowd never over collector", base, LteRow(1, Source::kCrowd, 99), Effect::kLower},
      {"collector over crowd", LteRow(1, Source::kCrowd, 99), base, Effect::kChanged},
  };
  for (const Case& c : cases) EXPECT_EQ(EffectOf(Pack(c.present), Pack(c.offered)), c.effect) << c.name;
}

TEST(Sum64, DependsOnEveryBitAndOnTheOrder) {
  Bytes bytes(64, 7);
  const uint64_t sum = SumOf(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_NE(SumOf(bytes), sum) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
  }
  Sum64 parts;
  parts.Add(ByteView(bytes).first(24));
  parts.Add(ByteView(bytes).subspan(24));
  EXPECT_EQ(parts.value(), sum);
  EXPECT_NE(SumOf(Bytes(8)), SumOf(Bytes(16)));
}

TEST(ImportState, ComesBackAndRefusesDamage) {
  ImportState state{
      .what = {.id = RequestId::FromParts(UnixMillis(77), {1, 2, 3}),
               .source = Source::kTelco,
               .fingerprint = {9},
               .file_bytes = 5,
               .file_name = "cells.csv.gz",
               .actor = "wang"},
      .stage = Stage::kMerged,
      .began = UnixMillis(1),
      .changed = UnixMillis(2),
      .rows = 3,
      .sum = 4,
      .runs = 5,
      .doubles = 6,
      .rejected = 7,
      .generation = 8,
      .counts = {.fresh = 9, .changed = 10, .unchanged = 11, .older = 12, .lower = 13, .doubles = 14}};
  const Bytes bytes = Encode(state);
  const auto back = DecodeImportState(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, state);
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(DecodeImportState(damaged)) << i;
    EXPECT_FALSE(DecodeImportState(ByteView(bytes).first(i))) << i;
  }
}

}  // namespace
}  // namespace hearth::survey
