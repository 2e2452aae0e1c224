#include "geofence/area.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace hearth::geofence {
namespace {

constexpr AreaId kArea(640122001);
constexpr RegionCode kVillage1(640122100200);
constexpr RegionCode kVillage2(640122100201);
constexpr RegionCode kCityVillage(640104100200);

Region Make(uint64_t code, uint64_t parent) {
  return {RegionCode(code), "名", RegionCode(parent), LevelOf(RegionCode(code))};
}

RegionTree Regions() {
  return *RegionTree::Build({Make(64, 0), Make(6401, 64), Make(640122, 6401), Make(640104, 6401),
                             Make(640122100, 640122), Make(640104100, 640104), Make(640122100200, 640122100),
                             Make(640122100201, 640122100), Make(640104100200, 640104100)});
}

Actor At(const char* name, int64_t time) { return {name, UnixMillis(time)}; }

std::optional<AreaId> NobodyHolds(RegionCode) { return std::nullopt; }

Area Draft() {
  return *DecideCreate({kArea, "习岗", {kVillage2, kVillage1, kVillage2}}, nullptr, Regions(), &NobodyHolds,
                       Limits(), At("li", 1));
}

TEST(Area, DraftHoldsItsVillagesInOrder) {
  const Area area = Draft();
  EXPECT_EQ(area.id, kArea);
  EXPECT_EQ(area.state, AreaState::kDraft);
  EXPECT_EQ(area.villages, (std::vector<RegionCode>{kVillage1, kVillage2}));
  EXPECT_EQ(area.steps, (std::vector<AreaStep>{{AreaState::kDraft, "li", UnixMillis(1)}}));
}

TEST(Area, CreateRefuses) {
  const Area existing = Draft();
  struct Row {
    const char* name;
    NewArea wish;
    const Area* existing;
    const char* actor;
    Reason reason;
    const char* field;
  };
  const Row rows[] = {
      {"number taken", {kArea, "a", {kVillage1}}, &existing, "li", Reason::kAreaExists, ""},
      {"no name", {kArea, "", {kVillage1}}, nullptr, "li", Reason::kFieldMissing, "name"},
      {"long name",
       {kArea, std::string(513, 'x'), {kVillage1}},
       nullptr,
       "li",
       Reason::kLimitExceeded,
       "name"},
      {"no village", {kArea, "a", {}}, nullptr, "li", Reason::kFieldMissing, "villages"},
      {"no actor", {kArea, "a", {kVillage1}}, nullptr, "", Reason::kActorMissing, ""},
      {"too many",
       {kArea, "a", std::vector<RegionCode>(2001, kVillage1)},
       nullptr,
       "li",
       Reason::kLimitExceeded,
       "villages"},
      {"serial 0", {AreaId(640122000), "a", {kVillage1}}, nullptr, "li", Reason::kFieldInvalid, "area_id"},
      {"number of no county",
       {AreaId(640100001), "a", {kVillage1}},
       nullptr,
       "li",
       Reason::kAreaOutsideCounty,
       "area_id"},
      {"village of another county",
       {kArea, "a", {kVillage1, kCityVillage}},
       nullptr,
       "li",
       Reason::kAreaOutsideCounty,
       "villages[1]"},
      {"unknown village",
       {kArea, "a", {RegionCode(640122100999)}},
       nullptr,
       "li",
       Reason::kRegionUnknown,
       "villages[0]"},
      {"a township",
       {kArea, "a", {RegionCode(640122100)}},
       nullptr,
       "li",
       Reason::kRegionNotVillage,
       "villages[0]"},
  };
  for (const Row& row : rows) {
    const auto area =
        DecideCreate(row.wish, row.existing, Regions(), &NobodyHolds, Limits(), At(row.actor, 1));
    ASSERT_FALSE(area) << row.name;
    EXPECT_EQ(area.error().reason(), row.reason) << row.name << ": " << area.error().ToString();
    const auto& violations = area.error().violations();
    EXPECT_EQ(violations.empty() ? "" : violations[0].field, row.field) << row.name;
  }
}

TEST(Area, EveryBadVillageIsNamed) {
  const auto holder = [](RegionCode village) -> std::optional<AreaId> {
    if (village == kVillage2) return AreaId(640122007);
    return std::nullopt;
  };
  const auto area = DecideCreate({kArea, "a", {kVillage2, kVillage1, kCityVillage}}, nullptr, Regions(),
                                 holder, Limits(), At("li", 1));
  ASSERT_FALSE(area);
  EXPECT_EQ(area.error().reason(), Reason::kAreaVillageTaken);
  ASSERT_EQ(area.error().violations().size(), 2U);
  EXPECT_EQ(area.error().violations()[0].field, "villages[0]");
  EXPECT_NE(area.error().violations()[0].description.find("640122007"), std::string::npos);
  EXPECT_EQ(area.error().violations()[1].field, "villages[2]");
}

TEST(Area, GoesFromDraftToFile) {
  auto area = DecideSubmit(Draft(), At("li", 2));
  ASSERT_TRUE(area);
  EXPECT_FALSE(MaySell(area->state));
  area = DecideApprove(*area, At("wang", 3));
  ASSERT_TRUE(area);
  EXPECT_TRUE(MaySell(area->state));
  area = DecideFile(*area, At("zhang", 4));
  ASSERT_TRUE(area);
  EXPECT_TRUE(MaySell(area->state));
  area = DecideRetire(*area, At("zhang", 5));
  ASSERT_TRUE(area);
  EXPECT_FALSE(MaySell(area->state));
  EXPECT_EQ(area->steps.size(), 5U);
  EXPECT_EQ(area->steps[2], (AreaStep{AreaState::kApproved, "wang", UnixMillis(3)}));
}

TEST(Area, ApprovalNeedsASecondPerson) {
  const auto area = DecideApprove(*DecideSubmit(Draft(), At("wang", 2)), At("wang", 3));
  ASSERT_FALSE(area);
  EXPECT_EQ(area.error().reason(), Reason::kSecondApproverNeeded);
}

TEST(Area, StepsStartFromTheirStateOnly) {
  using Step = Result<Area> (*)(Area, const Actor&);
  struct Row {
    const char* name;
    Step step;
    std::vector<AreaState> allowed;
  };
  const Row rows[] = {
      {"submit", &DecideSubmit, {AreaState::kDraft}},
      {"approve", &DecideApprove, {AreaState::kSubmitted}},
      {"file", &DecideFile, {AreaState::kApproved}},
      {"retire",
       &DecideRetire,
       {AreaState::kDraft, AreaState::kSubmitted, AreaState::kApproved, AreaState::kOnFile}},
  };
  for (const Row& row : rows) {
    for (const AreaState state : {AreaState::kDraft, AreaState::kSubmitted, AreaState::kApproved,
                                  AreaState::kOnFile, AreaState::kRetired}) {
      Area area = Draft();
      area.state = state;
      const bool allowed = std::find(row.allowed.begin(), row.allowed.end(), state) != row.allowed.end();
      const auto result = row.step(area, At("wang", 9));
      EXPECT_EQ(result.has_value(), allowed) << row.name << " from " << NameOf(state);
      if (!allowed) {
        EXPECT_EQ(result.error().reason(), Reason::kAreaStateInvalid) << row.name;
      }
    }
  }
}

}  // namespace
}  // namespace hearth::geofence
