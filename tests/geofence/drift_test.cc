#include "geofence/drift.h"

#include <algorithm>
#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hearth::geofence {
namespace {

using enum CellFate;
using Heard = Sighting::Heard;

constexpr AreaId kVillage(640122001);
constexpr AreaId kNextVillage(640122002);

// Cells of a made-up country. Old cells are gone since kNight; new ones took their place.
constexpr uint32_t kOld1 = 1;
constexpr uint32_t kOld2 = 2;
constexpr uint32_t kStays = 3;
constexpr uint32_t kNew1 = 11;
constexpr uint32_t kNew2 = 12;
constexpr uint32_t kCity1 = 21;
constexpr uint32_t kCity2 = 22;
constexpr uint32_t kCityUnlisted = 23;
constexpr uint32_t kNextHome = 31;

UnixMillis Minute(int64_t minutes) { return UnixMillis(1'790'000'000'000 + minutes * 60'000); }
const UnixMillis kNight = Minute(0);
const UnixMillis kMorning = Minute(240);

struct Card {
  AreaId area = kVillage;
  uint32_t home_cell = kOld1;
  UnixMillis at = kMorning;
  std::vector<Heard> heard;
};

class World {
 public:
  void Say(const Card& card, int times = 1) {
    for (int i = 0; i < times; ++i) cards_.push_back(card);
  }
  void LastHeard(uint32_t cell, UnixMillis at) { last_heard_[cell] = at; }

  std::vector<Successor> Survey(const DriftRules& rules = {}) const {
    DriftSurvey survey(rules, [this](uint32_t cell) {
      const auto found = last_heard_.find(cell);
      return found == last_heard_.end() ? UnixMillis(0) : found->second;
    });
    uint64_t number = 0;
    for (const Card& card : cards_) {
      survey.Add({CardNumber(++number), card.area, card.at, card.home_cell, card.heard});
    }
    return std::move(survey).Take();
  }
  std::vector<Card>& cards() { return cards_; }

 private:
  std::vector<Card> cards_;
  std::map<uint32_t, UnixMillis> last_heard_ = {{kOld1, kNight}, {kOld2, kNight}};
};

const Successor* Find(const std::vector<Successor>& found, uint32_t cell) {
  const auto at =
      std::find_if(found.begin(), found.end(), [&](const Successor& s) { return s.cell == cell; });
  return at == found.end() ? nullptr : &*at;
}

std::vector<uint32_t> Cells(const std::vector<Successor>& found) {
  std::vector<uint32_t> cells;
  for (const Successor& successor : found) cells.push_back(successor.cell);
  return cells;
}

// Forty boxes of the village in the city: city cells, and one that is on no list yet.
void AddGang(World& world, int boxes = 40) {
  world.Say({.heard = {{kCity1, kBlacklisted}, {kCity2, kBlacklisted}, {kCityUnlisted, kUnknown}}},
            boxes / 2);
  world.Say({.heard = {{kCityUnlisted, kUnknown}, {kCity1, kBlacklisted}}}, boxes - boxes / 2);
}

TEST(Drift, NobodyMovedNothingIsProposed) {
  World world;
  world.LastHeard(kOld1, kMorning);
  world.Say({.heard = {{kOld1, kOwnPlace}, {kStays, kOwnPlace}}}, 100);
  world.Say({.heard = {}}, 10);
  EXPECT_TRUE(world.Survey().empty());
}

TEST(Drift, AGangInTheCityProposesNothing) {
  World world;
  world.LastHeard(kOld1, kMorning);
  world.Say({.heard = {{kOld1, kOwnPlace}}}, 100);
  AddGang(world);
  EXPECT_TRUE(world.Survey().empty());
}

TEST(Drift, ARenumberedVillageIsProposedWithItsCounts) {
  World world;
  world.Say({.home_cell = kOld1, .heard = {{kNew1, kUnknown}, {kNew2, kUnknown}}}, 60);
  world.Say({.home_cell = kOld2, .at = Minute(300), .heard = {{kNew2, kUnknown}}}, 40);
  const auto found = world.Survey();
  ASSERT_EQ(Cells(found), (std::vector<uint32_t>{kNew2, kNew1}));
  Successor expected = {.cell = kNew2,
                        .area = kVillage,
                        .fate = kUnknown,
                        .cards = 100,
                        .together = 0,
                        .instead = 100,
                        .as_serving = 40,
                        .first = kMorning,
                        .last = Minute(300),
                        .beside = {},
                        .instead_of = {kOld1, kOld2}};
  EXPECT_EQ(found[0], expected);
  expected = {.cell = kNew1,
              .area = kVillage,
              .fate = kUnknown,
              .cards = 60,
              .together = 0,
              .instead = 60,
              .as_serving = 60,
              .first = kMorning,
              .last = kMorning,
              .beside = {},
              .instead_of = {kOld1}};
  EXPECT_EQ(found[1], expected);
}

TEST(Drift, ACellHeardTogetherWithHomeIsProposed) {
  World world;
  world.LastHeard(kOld1, kMorning);
  world.Say({.heard = {{kOld1, kOwnPlace}}}, 50);
  world.Say({.heard = {{kStays, kOwnPlace}, {kNew1, kUnknown}, {kOld1, kOwnPlace}}}, 2);
  EXPECT_TRUE(world.Survey().empty());
  world.Say({.heard = {{kNew1, kUnknown}, {kStays, kOwnPlace}}}, 2);
  const auto found = world.Survey();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].together, 4U);
  EXPECT_EQ(found[0].instead, 0U);
  EXPECT_EQ(found[0].as_serving, 2U);
  EXPECT_EQ(found[0].beside, (std::vector<uint32_t>{kStays, kOld1}));
}

TEST(Drift, VillageAndGangInTheSameNight) {
  World world;
  world.Say({.heard = {{kNew1, kUnknown}, {kNew2, kUnknown}}}, 60);
  AddGang(world);
  EXPECT_EQ(Cells(world.Survey()), (std::vector<uint32_t>{kNew1, kNew2}));
}

TEST(Drift, ANewNumberThatIsACitysIsProposedAsSuch) {
  World world;
  world.Say({.home_cell = kOld1, .heard = {{kCity1, kBlacklisted}, {kNew2, kUnknown}}}, 30);
  world.Say({.home_cell = kOld2, .heard = {{kNew2, kUnknown}}}, 30);
  const auto found = world.Survey();
  ASSERT_EQ(Cells(found), (std::vector<uint32_t>{kNew2, kCity1}));
  EXPECT_EQ(found[1].fate, kBlacklisted);
  EXPECT_EQ(found[1].cards, 30U);
  EXPECT_EQ(found[1].as_serving, 30U);
  EXPECT_EQ(found[1].instead, 30U);
  EXPECT_EQ(found[1].instead_of, (std::vector<uint32_t>{kOld1}));
}

TEST(Drift, ANewNumberThatIsACitysBesideACellThatStays) {
  World world;
  world.Say({.heard = {{kCity1, kBlacklisted}, {kStays, kOwnPlace}}}, 30);
  const auto found = world.Survey();
  ASSERT_EQ(Cells(found), (std::vector<uint32_t>{kCity1}));
  EXPECT_EQ(found[0].together, 30U);
}

// Everything at once: the village on new numbers, one of them the city's, and a gang that really is there.
TEST(Drift, AllAtOnce) {
  World world;
  world.Say({.home_cell = kOld1, .heard = {{kCity1, kBlacklisted}, {kNew2, kUnknown}}}, 30);
  world.Say({.home_cell = kOld2, .heard = {{kNew2, kUnknown}}}, 30);
  AddGang(world);
  const auto found = world.Survey();
  EXPECT_EQ(Find(found, kCity2), nullptr);
  EXPECT_EQ(Find(found, kCityUnlisted), nullptr);
  ASSERT_NE(Find(found, kNew2), nullptr);
  EXPECT_EQ(Find(found, kNew2)->cards, 60U);
  ASSERT_NE(Find(found, kCity1), nullptr);
  EXPECT_EQ(Find(found, kCity1)->fate, kBlacklisted);
  EXPECT_EQ(Find(found, kCity1)->cards, 70U) << "the gang hears it as well";
}

TEST(Drift, WhatSpeaksAgainst) {
  struct Row {
    const char* name;
    std::function<void(World&)> tell;
    std::vector<uint32_t> proposed;
  };
  const Card moved = {.heard = {{kNew1, kUnknown}}};
  const Row rows[] = {
      {"three are enough", [&](World& w) { w.Say(moved, 3), w.Say({.heard = {}}, 5); }, {kNew1}},
      {"two are not", [&](World& w) { w.Say(moved, 2), w.Say({.heard = {}}, 5); }, {}},
      {"all of a small area are", [&](World& w) { w.Say(moved, 2); }, {kNew1}},
      {"another area's cards do not count",
       [&](World& w) {
         w.Say(moved, 2), w.Say({.heard = {}}, 5);
         w.Say({.area = kNextVillage, .heard = {{kNew1, kUnknown}}}, 2),
             w.Say({.area = kNextVillage, .heard = {}});
       },
       {}},
      {"home unknown", [&](World& w) { w.Say({.home_cell = 0, .heard = moved.heard}, 9); }, {}},
      {"home heard since", [&](World& w) { w.Say(moved, 9), w.LastHeard(kOld1, Minute(236)); }, {}},
      {"home heard within the skew", [&](World& w) { w.Say(moved, 9), w.LastHeard(kOld1, Minute(235)); }, {}},
      {"home heard before it", [&](World& w) { w.Say(moved, 9), w.LastHeard(kOld1, Minute(234)); }, {kNew1}},
      {"home never heard in this run",
       [&](World& w) { w.Say(moved, 9), w.LastHeard(kOld1, UnixMillis(0)); },
       {kNew1}},
      {"of another place",
       [&](World& w) {
         w.Say({.heard = {{kNextHome, kElsewhere}}}, 9);
       },
       {}},
      {"beside a serving cell of another place",
       [&](World& w) {
         w.Say({.heard = {{kNextHome, kElsewhere}, {kNew1, kUnknown}}}, 9);
       },
       {}},
      {"with a neighbour of another place",
       [&](World& w) {
         w.Say({.heard = {{kNew1, kUnknown}, {kNextHome, kElsewhere}}}, 9);
       },
       {kNew1}},
      {"a city's cell alone",
       [&](World& w) {
         w.Say({.heard = {{kCity1, kBlacklisted}}}, 9);
       },
       {}},
      {"somebody is at home on it",
       [&](World& w) {
         w.Say({.heard = {{kCity1, kBlacklisted}, {kStays, kOwnPlace}}}, 9);
         w.Say({.area = kNextVillage, .heard = {{kCity1, kOwnPlace}}});
       },
       {}},
      {"a city's cell in a village whose cells are all there",
       [&](World& w) {
         w.Say({.heard = {{kStays, kOwnPlace}, {kCity1, kBlacklisted}}}, 9);
         w.LastHeard(kOld1, kMorning);
       },
       {}},
      {"a city's cell beside a new one that two cards of a hundred hear",
       [&](World& w) {
         w.Say({.heard = {{kCity1, kBlacklisted}, {kNew1, kUnknown}}}, 9);
         w.Say(moved, 2), w.Say({.heard = {}}, 89);
       },
       {}},
      {"the same cell twice in a report counts once",
       [&](World& w) {
         w.Say({.heard = {{kNew1, kUnknown}, {kNew1, kUnknown}}}, 2), w.Say({.heard = {}}, 5);
       },
       {}},
  };
  for (const Row& row : rows) {
    World world;
    row.tell(world);
    EXPECT_EQ(Cells(world.Survey()), row.proposed) << row.name;
  }
}

TEST(Drift, SortedByAreaThenCardsAndNamedUpToTheLimit) {
  World world;
  for (uint32_t cell = 51; cell <= 56; ++cell) {
    world.Say({.area = kNextVillage, .home_cell = cell, .heard = {{kNew2, kUnknown}}},
              static_cast<int>(cell - 48));
  }
  world.Say({.area = kVillage, .heard = {{kNew2, kUnknown}}}, 3);
  world.Say({.area = kVillage, .heard = {{kNew1, kUnknown}}}, 3);
  const auto found = world.Survey();
  EXPECT_EQ(Cells(found), (std::vector<uint32_t>{kNew1, kNew2, kNew2}));
  EXPECT_EQ(found[2].area, kNextVillage);
  EXPECT_EQ(found[2].instead_of, (std::vector<uint32_t>{56, 55, 54}));
  EXPECT_EQ(world.Survey({.min_cards = 4}).size(), 1U);
}

RC_GTEST_PROP(DriftProperty, TheOrderOfCardsNeverMatters, ()) {
  World world;
  const int count = *rc::gen::inRange(0, 40);
  for (int i = 0; i < count; ++i) {
    Card card;
    card.area = *rc::gen::element(kVillage, kNextVillage);
    card.home_cell = *rc::gen::element(0U, kOld1, kOld2, kStays);
    const int cells = *rc::gen::inRange(0, 4);
    for (int c = 0; c < cells; ++c) {
      const uint32_t cell = *rc::gen::element(kOld1, kStays, kNew1, kNew2, kCity1, kCity2, kNextHome);
      const CellFate fate = cell < 10   ? kOwnPlace
                            : cell < 20 ? kUnknown
                            : cell < 30 ? kBlacklisted
                                        : kElsewhere;
      card.heard.push_back({cell, fate});
    }
    world.Say(card);
  }
  const auto before = world.Survey();
  for (const Successor& successor : before) {
    RC_ASSERT(successor.fate == kUnknown || successor.fate == kBlacklisted);
    RC_ASSERT(successor.together + successor.instead > 0U);
    RC_ASSERT(successor.cards >= std::max(successor.together, successor.instead));
  }
  std::reverse(world.cards().begin(), world.cards().end());
  RC_ASSERT(world.Survey() == before);
}

// However many boxes are carried to the city, beside which of its cells, with or without their village on new
// numbers: no cell that only they hear is ever proposed.
RC_GTEST_PROP(DriftProperty, CellsHeardOnlyBesideACitysAreNeverProposed, ()) {
  World world;
  world.Say({.heard = {{kNew1, kUnknown}}}, *rc::gen::inRange(0, 20));
  const int boxes = *rc::gen::inRange(1, 60);
  for (int i = 0; i < boxes; ++i) {
    Card card;
    card.home_cell = *rc::gen::element(kOld1, kOld2);
    card.heard = *rc::gen::container<std::vector<Heard>>(
        rc::gen::map(rc::gen::element(kCity1, kCity2, kCityUnlisted, 24U), [](uint32_t cell) {
          return Heard{cell, cell < kCityUnlisted ? kBlacklisted : kUnknown};
        }));
    card.heard.push_back({kCity1, kBlacklisted});
    world.Say(card);
  }
  for (const uint32_t cell : Cells(world.Survey())) RC_ASSERT(cell == kNew1);
}

}  // namespace
}  // namespace hearth::geofence
