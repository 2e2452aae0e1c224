// What goes wrong in the field, replayed with 2,000 homes in 12 villages whose virtual boxes enforce offline:
// a telco renumbers 300 cells overnight; one of the new numbers is a city's; a gang carries 40 boxes to town;
// all at once.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::ListKind;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kVillages = 12;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Under sanitizers the same nights in smaller villages: they look at the code, which is as much run through.
constexpr size_t kCellsEach = 10;
constexpr uint64_t kHomes = 840;
#else
constexpr size_t kCellsEach = 25;
constexpr uint64_t kHomes = 2000;
#endif
constexpr uint64_t kFirst = 1001;
constexpr uint64_t kBreakerCards = 5;

struct Village {
  RegionCode code;
  AreaId area;
  Heard cells;  // of its list
  Heard renumbered;
};

// A home in the replay: its box, and what has come to it so far.
struct Villager {
  Home home;
  size_t village = 0;
  size_t at = 0;  // which of the village's cells serves it
  uint64_t powered = 0;
  uint32_t group = 0;
  size_t common_heard = 0;
  size_t own_heard = 0;
  size_t group_heard = 0;
};

class Replay : public testing::Test {
 protected:
  void SetUp() override {
    MakeVillages();
    site.MoreStock(kFirst, kFirst + kHomes - 1);
    ASSERT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
    for (uint64_t i = 0; i < kHomes; ++i) {
      const uint64_t n = kFirst + i;
      Villager one{.home = site.NewHome(n), .village = i % kVillages, .at = i / kVillages % kCellsEach};
      ASSERT_TRUE(site.Open(n, villages[one.village].code.value));
      villagers.push_back(std::move(one));
    }
    for (Villager& one : villagers) ASSERT_EQ(Report(one, Around(one, false)), ReportOutcome::kActivated);
    site.Drain();
    for (Villager& one : villagers) {
      one.group =
          site.head().registry().Card(one.home.receiver.card()->number())->value.card.place.group.value;
    }
    site.Pass();
    Hear();
    for (Villager& one : villagers) ASSERT_TRUE(Box(one, Around(one, false)));
    site.clock.Advance(std::chrono::hours(2));
  }

  void MakeVillages() {
    const auto geo = site.head().geo().snapshot();
    for (const geofence::Region& region : geo->regions.all()) {
      if (region.level != RegionLevel::kVillage || geo->area_of_village.contains(region.code)) continue;
      if (region.code.value / 1'000'000 != 640122) continue;
      if (villages.size() == kVillages) break;
      const size_t v = villages.size();
      Village village{.code = region.code, .area = AreaId(640122100 + static_cast<uint32_t>(v))};
      for (size_t c = 0; c < kCellsEach; ++c) {
        village.cells.push_back(fmt::format("lte:460:00:{}:{}", 20000 + v, 1000 + c));
        village.renumbered.push_back(fmt::format("lte:460:00:{}:{}", 30000 + v, 5000 + c));
      }
      villages.push_back(std::move(village));
    }
    ASSERT_EQ(villages.size(), kVillages);
    GeoState& lists = site.head().geo();
    for (const Village& village : villages) {
      ASSERT_TRUE(
          lists.CreateArea(site.NewRequest(), {village.area, "村", {geofence::WholeVillage(village.code)}}));
      ASSERT_TRUE(lists.StepArea(site.NewRequest(), village.area, geofence::AreaState::kSubmitted));
      Request approval = site.NewRequest();
      approval.actor = "second";
      ASSERT_TRUE(lists.StepArea(approval, village.area, geofence::AreaState::kApproved));
      ASSERT_TRUE(
          lists.PutList(site.NewRequest(), {ListKind::kWhitelist, village.area, "", CellsOf(village.cells)}));
    }
  }

  // The cell of a home and the next of its village.
  Heard Around(const Villager& one, bool renumbered) const {
    const Village& village = villages[one.village];
    const Heard& cells = renumbered ? village.renumbered : village.cells;
    return {cells[one.at], cells[(one.at + 1) % kCellsEach]};
  }

  ReportOutcome Report(Villager& one, const Heard& heard) {
    const auto answer = site.Send(one.home, heard);
    EXPECT_TRUE(answer) << answer.error().ToString();
    return answer ? answer->outcome : ReportOutcome::kObserved;
  }

  // Two readings of the location module a minute apart, as it enforces offline; then whether there is a
  // picture.
  bool Box(Villager& one, const Heard& heard) {
    receiver::Reading reading;
    for (const std::string& cell : heard) reading.cells.push_back(*receiver::ParseHeardCell(cell + "@-80"));
    for (int i = 0; i < 2; ++i) {
      one.powered += 70;
      one.home.receiver.Read(reading, one.powered, site.clock.Now());
    }
    return site.Watches(one.home);
  }

  // What went on the air since, to every box, by the hardware filter a box has: card, group, everybody.
  void Hear() {
    for (const Bytes& section : site.sink.From(heard_)) {
      ++heard_;
      const uint8_t table = section[0];
      if (table == receiver::kRecord || table == receiver::kStanding || table == 0x88) {
        own_[ByteReader(ByteView(section).subspan(4)).U40()].push_back(section);
      } else if (table == 0x84) {
        group_[uint32_t{section[4]} << 16 | uint32_t{section[5]} << 8 | section[6]].push_back(section);
      } else if (seen_.insert(section).second) {
        common_.push_back(section);
      }
    }
    for (Villager& one : villagers) {
      const auto feed = [&](const std::vector<Bytes>& sections, size_t& at) {
        for (; at < sections.size(); ++at) one.home.receiver.Feed(sections[at]);
      };
      feed(own_[one.home.receiver.card()->number().value], one.own_heard);
      feed(group_[one.group], one.group_heard);
      feed(common_, one.common_heard);
    }
  }

  size_t DarkAtTheHeadEnd(const std::vector<size_t>& who) {
    return static_cast<size_t>(std::count_if(who.begin(), who.end(), [&](size_t i) {
      const auto card = site.head().registry().Card(CardOf(kFirst + i));
      return card->value.card.standing == entitlement::Standing::kDark;
    }));
  }
  std::vector<size_t> Everybody() const {
    std::vector<size_t> all(villagers.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }
  // `boxes` homes out of four villages.
  std::vector<size_t> Gang(size_t boxes) const {
    std::vector<size_t> gang;
    for (size_t i = 0; gang.size() < boxes; ++i) {
      if (villagers[i].village < 4) gang.push_back(i);
    }
    return gang;
  }
  std::vector<records::Alarm> Alarms() {
    site.head().HousekeepNow();
    return site.head().alarms().List(/*open_only=*/true, 100, "")->items;
  }
  size_t Held() { return site.head().held().List(std::nullopt, 1000, "")->items.size(); }

  // A night: everybody reports each 10 minutes what it hears, those who are away after the others.
  void Night(const std::function<Heard(size_t)>& hears, const std::set<size_t>& away = {}) {
    for (int round = 0; round < 2; ++round) {
      for (size_t i = 0; i < villagers.size(); ++i) {
        if (i % 100 == 0) site.clock.Advance(seconds(10));
        if (!away.contains(i)) (void)Report(villagers[i], hears(i));
      }
      for (const size_t i : away) (void)Report(villagers[i], hears(i));
      site.clock.Advance(minutes(7));
    }
    site.Drain();
    site.Pass();
    Hear();
  }

  Site site;
  std::vector<Village> villages;
  std::vector<Villager> villagers;

 private:
  size_t heard_ = 0;
  std::set<Bytes> seen_;
  std::vector<Bytes> common_;
  std::map<uint64_t, std::vector<Bytes>> own_;
  std::map<uint32_t, std::vector<Bytes>> group_;
};

TEST_F(Replay, ATelcoRenumbersTwelveVillagesOvernight) {
  Night([&](size_t i) { return Around(villagers[i], true); });
  EXPECT_EQ(DarkAtTheHeadEnd(Everybody()), 0U);
  for (Villager& one : villagers) ASSERT_TRUE(Box(one, Around(one, true))) << "the grace runs";
  EXPECT_EQ(Held(), 0U);
  const auto alarms = Alarms();
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].kind, records::AlarmKind::kCellsDrift);
  EXPECT_EQ(alarms[0].areas.size(), kVillages);

  const auto successors = site.head().held().Successors({});
  ASSERT_TRUE(successors);
  EXPECT_EQ(successors->size(), kVillages * kCellsEach);
  for (const Successor& one : *successors) {
    const Village& village = villages[one.area.value - 640122100];
    const std::string cell = geofence::ToString(one.cell);
    EXPECT_NE(std::find(village.renumbered.begin(), village.renumbered.end(), cell), village.renumbered.end())
        << cell;
    EXPECT_GE(one.counts.cards, 3U);
  }
  const auto accepted = site.head().held().Accept(site.NewRequest("the telco confirms"), {});
  ASSERT_TRUE(accepted) << accepted.error().ToString();
  EXPECT_EQ(accepted->cells, kVillages * kCellsEach);
  EXPECT_EQ(accepted->areas, kVillages);
  EXPECT_EQ(site.head().rollouts().Get(accepted->rollout)->rollout.state, intervention::RolloutState::kDone);
  site.Pass();
  Hear();
  for (Villager& one : villagers) {
    EXPECT_EQ(site.Send(one.home, Around(one, true))->verdict, geofence::Verdict::kInArea);
    ASSERT_TRUE(Box(one, Around(one, true)));
    EXPECT_FALSE(one.home.receiver.box().state().grace_since) << "the box knows its new cells";
  }
}

TEST_F(Replay, OneNewNumberIsACitys) {
  // The third village's cell 7 gets a number of the city.
  villages[2].renumbered[7] = kCity[0];
  std::vector<size_t> on_it;
  for (size_t i = 0; i < villagers.size(); ++i) {
    if (villagers[i].village == 2 && villagers[i].at == 7) on_it.push_back(i);
  }
  ASSERT_GT(on_it.size(), kBreakerCards);
  Night([&](size_t i) { return Around(villagers[i], true); });
  EXPECT_LE(DarkAtTheHeadEnd(Everybody()), kBreakerCards);
  EXPECT_EQ(DarkAtTheHeadEnd(on_it) + Held(), on_it.size());
  for (size_t i = 0; i < villagers.size(); ++i) {
    const bool here = std::find(on_it.begin(), on_it.end(), i) != on_it.end();
    ASSERT_EQ(Box(villagers[i], Around(villagers[i], true)), !here) << "the box's own deny list, home " << i;
  }
  // Named in the alarm.
  const auto alarms = Alarms();
  ASSERT_EQ(alarms.size(), 2U);
  const auto breaker = std::find_if(alarms.begin(), alarms.end(),
                                    [](const auto& a) { return a.kind == records::AlarmKind::kBreaker; });
  ASSERT_NE(breaker, alarms.end());
  for (const size_t i : on_it) {
    EXPECT_NE(std::find(breaker->cards.begin(), breaker->cards.end(), CardOf(kFirst + i)),
              breaker->cards.end());
  }
  // Relit by one command.
  const auto accepted = site.head().held().Accept(site.NewRequest("the telco confirms"), {});
  ASSERT_TRUE(accepted) << accepted.error().ToString();
  EXPECT_EQ(accepted->cells, kVillages * kCellsEach);
  EXPECT_EQ(DarkAtTheHeadEnd(Everybody()), 0U);
  EXPECT_EQ(Held(), 0U);
  site.Pass();
  Hear();
  for (Villager& one : villagers) ASSERT_TRUE(Box(one, Around(one, true)));
}

TEST_F(Replay, AGangCarriesFortyBoxesToTown) {
  const std::vector<size_t> gang = Gang(40);
  const std::set<size_t> away(gang.begin(), gang.end());
  Night([&](size_t i) { return away.contains(i) ? kCity : Around(villagers[i], false); }, away);
  EXPECT_EQ(DarkAtTheHeadEnd(gang), 40U);
  EXPECT_EQ(DarkAtTheHeadEnd(Everybody()), 40U);
  for (size_t i = 0; i < villagers.size(); ++i) {
    const bool gone = away.contains(i);
    ASSERT_EQ(Box(villagers[i], gone ? kCity : Around(villagers[i], false)), !gone);
  }
  EXPECT_TRUE(site.head().held().Successors({})->empty());
}

TEST_F(Replay, AllAtOnceTheVillagesStayLitAndTheGangIsDarkInTheBoxAndHeld) {
  const std::vector<size_t> gang = Gang(40);
  const std::set<size_t> away(gang.begin(), gang.end());
  Night([&](size_t i) { return away.contains(i) ? kCity : Around(villagers[i], true); }, away);
  EXPECT_EQ(DarkAtTheHeadEnd(Everybody()), DarkAtTheHeadEnd(gang)) << "no villager";
  EXPECT_LE(DarkAtTheHeadEnd(gang), 4 * kBreakerCards);
  EXPECT_EQ(Held(), gang.size() - DarkAtTheHeadEnd(gang));
  for (size_t i = 0; i < villagers.size(); ++i) {
    const bool gone = away.contains(i);
    ASSERT_EQ(Box(villagers[i], gone ? kCity : Around(villagers[i], true)), !gone) << i;
  }
  const auto successors = site.head().held().Successors({});
  ASSERT_TRUE(successors);
  for (const Successor& one : *successors) {
    EXPECT_EQ(std::find(kCity.begin(), kCity.end(), geofence::ToString(one.cell)), kCity.end());
  }
  // An operator who looks at the evidence releases the gang's.
  std::vector<CardNumber> held;
  const auto waiting = site.head().held().List(std::nullopt, 1000, "");
  ASSERT_TRUE(waiting);
  for (const auto& event : waiting->items) {
    held.push_back(event.record.intervention.card);
  }
  const auto rows = site.head().held().Decide(site.NewRequest("seen in town"), held, /*release=*/true);
  ASSERT_TRUE(rows);
  for (const RowResult& row : *rows) EXPECT_EQ(row.outcome, RowOutcome::kDone);
  EXPECT_EQ(DarkAtTheHeadEnd(gang), 40U);
  EXPECT_EQ(Held(), 0U);
}

}  // namespace
}  // namespace hearth::app
