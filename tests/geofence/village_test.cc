#include "geofence/village.h"

#include <gtest/gtest.h>

namespace hearth::geofence {
namespace {

constexpr PlaceCode kWhole(640122100201);
constexpr PlaceCode kNatural(64012210020107);

TEST(PlaceCode, ReadsTwelveAndFourteenDigits) {
  struct Row {
    const char* text;
    std::optional<PlaceCode> place;
    Reason reason = Reason::kFieldInvalid;
  };
  const Row rows[] = {{"640122100201", kWhole},
                      {"64012210020107", kNatural},
                      {"64012210020199", PlaceCode(64012210020199)},
                      {"64012210020100", std::nullopt},
                      {"6401221002010", std::nullopt},
                      {"6401221002010x", std::nullopt},
                      {"", std::nullopt, Reason::kFieldMissing},
                      {"640122", std::nullopt, Reason::kRegionNotVillage},
                      {"640122100", std::nullopt, Reason::kRegionNotVillage}};
  for (const Row& row : rows) {
    const auto place = ParsePlaceCode(row.text);
    EXPECT_EQ(place.has_value(), row.place.has_value()) << row.text;
    if (place) {
      EXPECT_EQ(*place, *row.place);
      EXPECT_EQ(ToString(*place), row.text);
      EXPECT_EQ(VillageOf(*place), RegionCode(640122100201));
    } else {
      EXPECT_FALSE(place.error().violations().empty()) << row.text;
    }
  }
  EXPECT_TRUE(IsNatural(kNatural));
  EXPECT_FALSE(IsNatural(kWhole));
}

TEST(Village, EditsKeepWhatTheyDoNotName) {
  auto village = DecideEdit({.place = kNatural, .name = "上庄"}, nullptr, Limits());
  ASSERT_TRUE(village);
  village = DecideEdit({.place = kNatural, .planned_homes = 40}, &*village, Limits());
  village =
      DecideEdit({.place = kNatural, .position = Position{385'500'000, 1'063'500'000}}, &*village, Limits());
  village = DecideEdit({.place = kNatural, .cable = true}, &*village, Limits());
  ASSERT_TRUE(village);
  EXPECT_EQ(*village, (Village{.place = kNatural,
                               .name = "上庄",
                               .cable = true,
                               .planned_homes = 40,
                               .position = Position{385'500'000, 1'063'500'000}}));
  EXPECT_EQ(DecideEdit({.place = kWhole, .planned_homes = 0}, nullptr, Limits())->planned_homes, 0U);
}

TEST(Village, EditsAreRefused) {
  struct Row {
    const char* name;
    VillageEdit edit;
    Reason reason;
  };
  const Row rows[] = {
      {"natural that nobody named", {.place = kNatural, .cable = true}, Reason::kRegionUnknown},
      {"empty name", {.place = kNatural, .name = ""}, Reason::kFieldMissing},
      {"long name", {.place = kNatural, .name = std::string(513, 'x')}, Reason::kLimitExceeded},
      {"name of a whole village", {.place = kWhole, .name = "x"}, Reason::kFieldInvalid},
      {"beyond the pole", {.place = kWhole, .position = Position{900'000'001, 0}}, Reason::kFieldInvalid},
  };
  for (const Row& row : rows) {
    const auto village = DecideEdit(row.edit, nullptr, Limits());
    ASSERT_FALSE(village) << row.name;
    EXPECT_EQ(village.error().reason(), row.reason) << row.name;
  }
}

}  // namespace
}  // namespace hearth::geofence
