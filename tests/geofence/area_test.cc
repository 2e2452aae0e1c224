#include "geofence/area.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace hearth::geofence {
namespace {

constexpr AreaId kArea(640122001);
constexpr PlaceCode kVillage1(640122100200);
constexpr PlaceCode kVillage2(640122100201);
constexpr PlaceCode kCityVillage(640104100200);
// Natural villages of kVillage2.
constexpr PlaceCode kNorth(64012210020101);
constexpr PlaceCode kSouth(64012210020102);

Region Make(uint64_t code, uint64_t parent) {
  return {RegionCode(code), "名", RegionCode(parent), LevelOf(RegionCode(code))};
}

RegionTree Regions() {
  return *RegionTree::Build({Make(64, 0), Make(6401, 64), Make(640122, 6401), Make(640104, 6401),
                             Make(640122100, 640122), Make(640104100, 640104), Make(640122100200, 640122100),
                             Make(640122100201, 640122100), Make(640104100200, 640104100)});
}

Actor At(const char* name, int64_t time) { return {name, UnixMillis(time)}; }

// A county with two villages, one of which has two natural villages.
struct World {
  std::map<PlaceCode, AreaId> held;
  std::set<PlaceCode> cable;

  VillageQuestions ask() const {
    return {.holder = [this](PlaceCode place) -> std::optional<AreaId> {
              const auto it = held.find(place);
              return it == held.end() ? std::nullopt : std::optional(it->second);
            },
            .naturals = [](RegionCode village) -> std::vector<PlaceCode> {
              if (village != VillageOf(kVillage2)) return {};
              return {kNorth, kSouth};
            },
            .cable = [this](PlaceCode place) { return cable.contains(place); }};
  }
};

Area Draft() {
  return *DecideCreate({kArea, "习岗", {kVillage2, kVillage1, kVillage2}}, nullptr, Regions(), World().ask(),
                       Limits(), At("li", 1));
}

TEST(Area, DraftHoldsItsVillagesInOrder) {
  const Area area = Draft();
  EXPECT_EQ(area.id, kArea);
  EXPECT_EQ(area.state, AreaState::kDraft);
  EXPECT_EQ(area.villages, (std::vector<RegionCode>{VillageOf(kVillage1), VillageOf(kVillage2)}));
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
       {kArea, "a", std::vector<PlaceCode>(2001, kVillage1)},
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
       {kArea, "a", {PlaceCode(640122100999)}},
       nullptr,
       "li",
       Reason::kRegionUnknown,
       "villages[0]"},
      {"a township",
       {kArea, "a", {PlaceCode(640122100)}},
       nullptr,
       "li",
       Reason::kRegionNotVillage,
       "villages[0]"},
  };
  for (const Row& row : rows) {
    const auto area =
        DecideCreate(row.wish, row.existing, Regions(), World().ask(), Limits(), At(row.actor, 1));
    ASSERT_FALSE(area) << row.name;
    EXPECT_EQ(area.error().reason(), row.reason) << row.name << ": " << area.error().ToString();
    const auto& violations = area.error().violations();
    EXPECT_EQ(violations.empty() ? "" : violations[0].field, row.field) << row.name;
  }
}

TEST(Area, EveryBadVillageIsNamed) {
  const World world{.held = {{kVillage2, AreaId(640122007)}}};
  const auto area = DecideCreate({kArea, "a", {kVillage2, kVillage1, kCityVillage}}, nullptr, Regions(),
                                 world.ask(), Limits(), At("li", 1));
  ASSERT_FALSE(area);
  EXPECT_EQ(area.error().reason(), Reason::kAreaVillageTaken);
  ASSERT_EQ(area.error().violations().size(), 2U);
  EXPECT_EQ(area.error().violations()[0].field, "villages[0]");
  EXPECT_NE(area.error().violations()[0].description.find("640122007"), std::string::npos);
  EXPECT_EQ(area.error().violations()[1].field, "villages[2]");
}

TEST(Area, NaturalVillagesAreTakenOneByOne) {
  struct Row {
    const char* name;
    World world;
    std::vector<PlaceCode> wish;
    std::optional<Reason> reason;  // nullopt: taken
    const char* field = "villages[0]";
  };
  const AreaId other(640122007);
  const Row rows[] = {
      {"one of two", {}, {kNorth}, std::nullopt},
      {"a neighbour belongs to another area", {{{kSouth, other}}, {}}, {kNorth}, std::nullopt},
      {"a neighbour has cable", {{}, {kSouth}}, {kNorth}, std::nullopt},
      {"whole beside natural of another village", {}, {kVillage1, kNorth}, std::nullopt},
      {"unknown serial", {}, {PlaceCode(64012210020103)}, Reason::kRegionUnknown},
      {"of a village without any", {}, {PlaceCode(64012210020001)}, Reason::kRegionUnknown},
      {"taken", {{{kNorth, other}}, {}}, {kNorth}, Reason::kAreaVillageTaken},
      {"its village is taken", {{{kVillage2, other}}, {}}, {kNorth}, Reason::kAreaVillageTaken},
      {"a part is taken", {{{kSouth, other}}, {}}, {kVillage2}, Reason::kAreaVillageTaken},
      {"has cable", {{}, {kNorth}}, {kNorth}, Reason::kAreaVillageCable},
      {"its village has cable", {{}, {kVillage2}}, {kNorth}, Reason::kAreaVillageCable},
      {"whole with cable", {{}, {kVillage2}}, {kVillage2}, Reason::kAreaVillageCable},
      {"a part has cable", {{}, {kSouth}}, {kVillage2}, Reason::kAreaVillageCable},
      {"whole and part", {}, {kVillage2, kNorth}, Reason::kFieldInvalid, "villages[1]"},
  };
  for (const Row& row : rows) {
    const auto area =
        DecideCreate({kArea, "a", row.wish}, nullptr, Regions(), row.world.ask(), Limits(), At("li", 1));
    EXPECT_EQ(area.has_value(), !row.reason) << row.name << (area ? "" : area.error().ToString());
    if (area) {
      EXPECT_EQ(PlacesOf(*area), row.wish) << row.name;
      EXPECT_TRUE(CheckCable(*area, row.world.ask())) << row.name;
    } else if (row.reason) {
      EXPECT_EQ(area.error().reason(), *row.reason) << row.name;
      EXPECT_EQ(area.error().violations().at(0).field, row.field) << row.name;
    }
  }
}

TEST(Area, CableThatCameLaterIsNamed) {
  const Area area = *DecideCreate({kArea, "a", {kVillage1, kNorth, kSouth}}, nullptr, Regions(),
                                  World().ask(), Limits(), At("li", 1));
  const World world{.held = {}, .cable = {kVillage1, kSouth}};
  const Status cable = CheckCable(area, world.ask());
  ASSERT_FALSE(cable);
  EXPECT_EQ(cable.error().reason(), Reason::kAreaVillageCable);
  ASSERT_EQ(cable.error().violations().size(), 2U);
  EXPECT_EQ(cable.error().violations()[1].field, ToString(kSouth));
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
