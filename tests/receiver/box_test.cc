// Offline enforcement: section 6 of docs/messages.md. Seconds are powered seconds.
#include "tools/receiver/box.h"

#include <gtest/gtest.h>

#include "tests/receiver/home.h"

namespace hearth::receiver {
namespace {

constexpr uint64_t kHour = 3600;

struct Step {
  uint64_t second;
  Reading reading;
  const char* screen;  // after it
};

// A home after installation with a grace of 72 hours, then these readings.
struct Story {
  const char* name;
  std::vector<Step> steps;
  uint8_t grace = 72;
  Standing standing = Standing::kOn;
};

TEST(Offline, Stories) {
  const Reading home = Hears({kHomeCell, kStrangeCell});
  const Reading home_as_neighbour = Hears({kStrangeCell, kHomeCell2});
  const Reading city = Hears({kCityCell, kStrangeCell});
  const Reading city_with_home = Hears({kCityCell, kHomeCell});
  const Reading city_as_neighbour = Hears({kStrangeCell, kCityCell});
  const Reading strange = Hears({kStrangeCell});
  const Reading silence = Hears({});
  Reading no_module;
  no_module.module = Module::kMissing;
  Reading changed = home;
  changed.module = Module::kChanged;
  Reading changed_in_city = city;
  changed_in_city.module = Module::kChanged;

  const Story stories[] = {
      {"one reading in the city is not enough", {{0, city, ""}}},
      {"two readings 60 s apart", {{0, city, ""}, {60, city, "E09"}}},
      {"59 s are not enough", {{0, city, ""}, {59, city, ""}, {60, city, "E09"}}},
      {"readings each 30 s count from the first", {{0, city, ""}, {30, city, ""}, {60, city, "E09"}}},
      {"an unknown cell between does not clear", {{0, city, ""}, {30, strange, ""}, {60, city, "E09"}}},
      {"a home cell between clears", {{0, city, ""}, {30, home, ""}, {60, city, ""}, {120, city, "E09"}}},
      {"a home cell among the neighbours saves", {{0, city_with_home, ""}, {60, city_with_home, ""}}},
      {"a denied neighbour does not condemn", {{0, city_as_neighbour, ""}, {60, city_as_neighbour, ""}}},
      {"dark ends with a home cell only",
       {{0, city, ""}, {60, city, "E09"}, {90, strange, "E09"}, {100, home_as_neighbour, ""}}},
      {"deny list holds for an exempt card", {{0, city, ""}, {60, city, "E09"}}, 72, Standing::kExempt},
      {"renumbered cells keep it lit for the grace",
       {{0, home, ""},
        {10, strange, ""},
        {10 + 72 * kHour - 1, strange, ""},
        {10 + 72 * kHour, strange, "E09"}}},
      {"a home cell ends the grace",
       {{10, strange, ""},
        {71 * kHour, home, ""},
        {72 * kHour + 10, strange, ""},
        {143 * kHour, strange, ""}}},
      {"no signal runs the same grace",
       {{0, silence, ""}, {36 * kHour, strange, ""}, {72 * kHour, silence, "E09"}}},
      {"so does a missing module", {{0, no_module, ""}, {72 * kHour, no_module, "E09"}}},
      {"a changed module is not believed",
       {{0, changed, ""}, {72 * kHour, changed, "E09"}, {73 * kHour, home, ""}}},
      {"but condemns", {{0, changed_in_city, ""}, {60, changed_in_city, "E09"}}},
      {"strict regions: no grace", {{0, strange, "E09"}}, 0},
      {"strict regions at home", {{0, home, ""}}, 0},
      {"255 hours are for ever", {{0, strange, ""}, {100'000 * kHour, silence, ""}}, 255},
      {"254 hours are not", {{0, strange, ""}, {254 * kHour, silence, "E09"}}, 254},
      {"never for an exempt card", {{0, strange, ""}, {1000 * kHour, silence, ""}}, 72, Standing::kExempt},
      {"a denied reading starts no grace",
       {{0, city, ""}, {10, home, ""}, {72 * kHour, city, ""}, {72 * kHour + 30, strange, ""}}},
      {"time never goes back", {{100, city, ""}, {10, city, ""}, {159, city, ""}, {160, city, "E09"}}},
  };
  for (const Story& story : stories) {
    Home at;
    ASSERT_TRUE(at.Install());
    at.SendTable(TableKind::kArea, kArea, 101, {kHomeCell, kHomeCell2}, story.grace);
    at.SendStanding(101, story.standing);
    for (const Step& step : story.steps) {
      at.Hear(step.second, step.reading);
      ASSERT_EQ(at.Screen(), step.screen) << story.name << ", second " << step.second;
      ASSERT_EQ(at.Opens(), step.screen) << story.name << ", second " << step.second;
    }
  }
}

TEST(Offline, WithoutAnAreaNothingIsCounted) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.record.area = AreaId(0);
  home.SendRecord(500);
  home.Hear(0, Hears({kCityCell}));
  home.Hear(1000 * kHour, Hears({kCityCell}));
  EXPECT_EQ(home.Screen(), "");
  EXPECT_FALSE(home.receiver.box().state().denied_since.has_value());
}

TEST(Offline, UntilTheAreasCellsAreToldOnlyDenyListsCount) {
  Home home;
  home.SendPairing(100);
  home.SendRecord(100);
  home.SendGroup(100, true);
  home.SendTable(TableKind::kDeny, kCityDeny, 100, {kCityCell}, 0);
  home.Hear(0, Hears({kStrangeCell}));
  home.Hear(1000 * kHour, Hears({kStrangeCell}));
  EXPECT_EQ(home.Screen(), "");
  home.Hear(1001 * kHour, Hears({kCityCell}));
  home.Hear(1001 * kHour + 60, Hears({kCityCell}));
  EXPECT_EQ(home.Screen(), "E09");
}

TEST(Offline, AnEmptiedAreaTableIsARule) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 300, {}, 1, 8), Why::kTaken);
  home.Hear(0, Hears({kHomeCell}));
  home.Hear(kHour, Hears({kHomeCell}));
  EXPECT_EQ(home.Screen(), "E09");
}

// As when two hashes are equal by chance; the head-end refuses lists that have one cell for one place.
TEST(Offline, AHomeCellThatADenyTableHasTooIsHome) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendTable(TableKind::kDeny, kCityDeny, 300, {kCityCell, kHomeCell}, 72, 8), Why::kTaken);
  for (const uint64_t second : {0, 60, 3600}) {
    home.Hear(second, Hears({kHomeCell}));
    EXPECT_EQ(home.Screen(), "") << second;
  }
}

TEST(Offline, AnExemptionEndsAGraceThatRanOut) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.Hear(0, Hears({}));
  home.Hear(72 * kHour, Hears({}));
  ASSERT_EQ(home.Screen(), "E09");
  home.SendStanding(500, Standing::kExempt);
  EXPECT_EQ(home.Screen(), "");
  EXPECT_EQ(home.Opens(), "");
  home.SendStanding(501, Standing::kOn);
  EXPECT_EQ(home.Screen(), "E09");  // nothing was heard in between
}

TEST(Offline, NewCellsInTheTableLightTheBoxAgain) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.Hear(0, Hears({kStrangeCell}));
  home.Hear(72 * kHour, Hears({kStrangeCell}));
  ASSERT_EQ(home.Screen(), "E09");
  home.SendTable(TableKind::kArea, kArea, 300, {kStrangeCell}, 72, 8);
  home.Hear(72 * kHour + 60, Hears({kStrangeCell}));
  EXPECT_EQ(home.Screen(), "");
}

TEST(Offline, WithoutACardNothingIsCounted) {
  Home home;
  ASSERT_TRUE(home.Install());
  const Card card = *home.receiver.Remove();
  home.Hear(0, Hears({kCityCell}));
  home.Hear(100, Hears({kCityCell}));
  home.receiver.Insert(card);
  EXPECT_EQ(home.Screen(), "");
}

}  // namespace
}  // namespace hearth::receiver
