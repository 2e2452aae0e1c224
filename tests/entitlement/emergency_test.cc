#include "entitlement/emergency.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hearth::entitlement {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr UnixMillis kNow{1'795'000'000'123};

UnixMillis In(milliseconds time) { return UnixMillis(kNow.value + time.count()); }

Emergency Flood() {
  return {.number = 7,
          .kind = EmergencyKind::kFlood,
          .severity = Severity::kOrange,
          .regions = {640122},
          .service = {.original_network = 1, .transport_stream = 2, .service = 101},
          .minutes = 90,
          .proposed_by = "li",
          .proposed = kNow};
}
Emergency Drill() {
  Emergency drill = Flood();
  drill.drill = true;
  return drill;
}

TEST(CheckEmergency, NamesTheFieldAtFault) {
  struct Row {
    const char* name;
    const char* field;
    std::function<void(Emergency&)> change;
  };
  const auto many = [](Emergency& e) {
    for (uint32_t i = 0; i < 31; ++i) e.regions.push_back(110'101 + 100 * i);
  };
  const Row rows[] = {
      {"as it is", "", [](Emergency&) {}},
      {"everywhere", "", [](Emergency& e) { e.regions = {0}; }},
      {"32 regions", "emergency.regions", many},
      {"31 once one holds another", "", [&](Emergency& e) { many(e), e.regions.push_back(110'000); }},
      {"no region", "emergency.regions", [](Emergency& e) { e.regions.clear(); }},
      {"region of two digits", "emergency.regions", [](Emergency& e) { e.regions = {64}; }},
      {"region of seven digits", "emergency.regions", [](Emergency& e) { e.regions = {1'000'000}; }},
      {"no duration", "emergency.duration_minutes", [](Emergency& e) { e.minutes = 0; }},
      {"a week", "", [](Emergency& e) { e.minutes = 10'080; }},
      {"longer", "emergency.duration_minutes", [](Emergency& e) { e.minutes = 10'081; }},
      {"no service", "", [](Emergency& e) { e.service = {}; }},
      {"half a service", "emergency.service", [](Emergency& e) { e.service.service = 0; }},
      {"reference of 129", "emergency.reference", [](Emergency& e) { e.reference = std::string(129, 'a'); }},
      {"start in 30 days", "", [](Emergency& e) { e.start = In(hours(30 * 24)); }},
      {"start after", "emergency.start", [](Emergency& e) { e.start = In(hours(30 * 24) + hours(1)); }},
      {"start a minute ago", "", [](Emergency& e) { e.start = In(-minutes(1)); }},
      {"start an hour ago", "emergency.start", [](Emergency& e) { e.start = In(-hours(1)); }},
  };
  for (const Row& row : rows) {
    Emergency emergency = Flood();
    row.change(emergency);
    const auto checked = CheckEmergency(emergency, kNow, Limits());
    EXPECT_EQ(checked ? "" : checked.error().violations().at(0).field, row.field) << row.name;
  }
}

TEST(CheckEmergency, KeepsTheFewestRegions) {
  const auto regions = [](std::vector<uint32_t> given) {
    Emergency emergency = Flood();
    emergency.regions = std::move(given);
    return CheckEmergency(emergency, kNow, Limits()).value().regions;
  };
  EXPECT_EQ(regions({640122, 630000, 640122}), (std::vector<uint32_t>{630000, 640122}));
  EXPECT_EQ(regions({640122, 640100, 640200, 640000}), (std::vector<uint32_t>{640000}));
  EXPECT_EQ(regions({640122, 640100, 640221}), (std::vector<uint32_t>{640100, 640221}));
  EXPECT_EQ(regions({640122, 0}), (std::vector<uint32_t>{0}));
}

TEST(Approve, NeedsAnotherPersonForARealOne) {
  struct Row {
    const char* name;
    Emergency emergency;
    const char* actor;
    bool two_people;
    bool approved;
  };
  const Row rows[] = {
      {"real, another", Flood(), "wang", true, true},
      {"real, the proposer", Flood(), "li", true, false},
      {"real, the proposer, allowed", Flood(), "li", false, true},
      {"drill, the proposer", Drill(), "li", true, true},
      {"drill, another", Drill(), "wang", true, true},
  };
  for (const Row& row : rows) {
    const auto done = Approve(row.emergency, row.actor, row.two_people, In(minutes(1)));
    EXPECT_EQ(done.has_value(), row.approved) << row.name;
    if (!done) {
      EXPECT_EQ(done.error().reason(), Reason::kSecondApproverNeeded) << row.name;
      continue;
    }
    EXPECT_EQ(done->state, EmergencyState::kApproved);
    EXPECT_EQ(done->approved_by, row.actor);
    EXPECT_EQ(done->start.value, In(minutes(1)).value / 1000 * 1000);
    EXPECT_EQ(Approve(*done, "zhao", row.two_people, In(minutes(2))).error().reason(),
              Reason::kEmergencyStateInvalid);
  }
}

TEST(Approve, NotAfterTheEnd) {
  const auto reason = [](const Emergency& emergency, UnixMillis at) {
    const auto done = Approve(emergency, "wang", true, at);
    return done ? Reason{} : done.error().reason();
  };
  EXPECT_EQ(reason(Flood(), In(hours(24) - milliseconds(1))), Reason{});
  EXPECT_EQ(reason(Flood(), In(hours(24))), Reason::kEmergencyOver);
  Emergency timed = Flood();
  timed.start = In(hours(1));
  EXPECT_EQ(reason(timed, In(hours(1) + minutes(89))), Reason{});
  EXPECT_EQ(reason(timed, In(hours(1) + minutes(90))), Reason::kEmergencyOver);
  timed.start = In(hours(48));
  EXPECT_EQ(reason(timed, In(hours(24))), Reason::kEmergencyOver) << "a proposal lapses before its start";
  EXPECT_EQ(EndOf(Approve(timed, "wang", true, kNow).value()), In(hours(48) + minutes(90)));
}

TEST(Cancel, OnePersonAtAnyTimeBeforeTheEnd) {
  const Emergency approved = Approve(Flood(), "wang", true, kNow).value();
  for (const Emergency& emergency : {Flood(), approved, Drill()}) {
    const auto done = Cancel(emergency, "li", In(minutes(5)));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, EmergencyState::kCancelled);
    EXPECT_EQ(done->cancelled_by, "li");
    EXPECT_EQ(EndOf(*done), EndOf(emergency)) << "boxes keep the cancel as long as the alert";
    EXPECT_EQ(Cancel(*done, "li", In(minutes(6))).error().reason(), Reason::kEmergencyStateInvalid);
    EXPECT_EQ(Approve(*done, "wang", true, In(minutes(6))).error().reason(), Reason::kEmergencyStateInvalid);
  }
  EXPECT_EQ(Cancel(approved, "li", In(minutes(90))).error().reason(), Reason::kEmergencyOver);
}

TEST(IsOnAir, FromTheFirstStampToTheEnd) {
  Emergency emergency = Approve(Flood(), "wang", true, kNow).value();
  EXPECT_FALSE(IsOnAir(emergency, kNow)) << "no stamp yet";
  emergency.stamp = Stamp(1);
  EXPECT_TRUE(IsOnAir(emergency, kNow));
  EXPECT_TRUE(IsOnAir(Cancel(emergency, "li", In(minutes(1))).value(), In(minutes(2))));
  EXPECT_FALSE(IsOnAir(emergency, In(minutes(90))));
}

}  // namespace
}  // namespace hearth::entitlement
