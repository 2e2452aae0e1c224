#include "intervention/relocation.h"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace hearth::intervention {
namespace {

using enum RelocationState;

constexpr int64_t kDay = 86'400'000;
constexpr AreaId kOld(640122001);
constexpr AreaId kNew(640122002);
constexpr AreaId kOtherCounty(640221001);
constexpr RelocationState kAll[] = {kRequested, kApproved, kConfirmed, kTimedOut, kCancelled};

RelocationActor Actor(const char* name, int64_t now = 1000) { return {name, "moved house", UnixMillis(now)}; }

RelocationWish Wish(AreaId to = kNew) { return {.card = CardNumber(640000000017), .from = kOld, .to = to}; }

Relocation Requested(AreaId to = kNew) {
  return *DecideRequest(Wish(to), nullptr, Actor("outlet"), Limits());
}
Relocation ApprovedOne() { return *DecideApprove(Requested(), Actor("county", 5000), Limits()); }

Relocation In(RelocationState state) {
  Relocation relocation = state == kRequested ? Requested() : ApprovedOne();
  relocation.state = state;
  return relocation;
}

TEST(Relocation, IsConfirmedByAReportFromTheNewArea) {
  const Relocation approved = ApprovedOne();
  EXPECT_EQ(approved.ends, UnixMillis(5000 + 30 * kDay));
  EXPECT_EQ(AlsoHome(approved), kNew);
  EXPECT_EQ(AreaAfter(approved), kOld);
  EXPECT_FALSE(*DecideHeard(approved, kOld, UnixMillis(6000), UnixMillis(6001)));
  EXPECT_FALSE(*DecideHeard(approved, kNew, UnixMillis(4999), UnixMillis(6001)))
      << "from before the approval";
  const auto confirmed = *DecideHeard(approved, kNew, UnixMillis(6000), UnixMillis(6001));
  ASSERT_TRUE(confirmed);
  EXPECT_EQ(confirmed->state, kConfirmed);
  EXPECT_EQ(confirmed->steps.back(), (RelocationStep{kConfirmed, "", "", UnixMillis(6001)}));
  EXPECT_EQ(AlsoHome(*confirmed), std::nullopt);
  EXPECT_EQ(AreaAfter(*confirmed), kNew);
}

TEST(Relocation, TimesOutBackToTheOldArea) {
  const Relocation approved = ApprovedOne();
  EXPECT_EQ(DecideTimeOut(approved, UnixMillis(approved.ends.value - 1)).error().reason(),
            Reason::kRelocationStateInvalid);
  const auto over = DecideTimeOut(approved, approved.ends);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->state, kTimedOut);
  EXPECT_EQ(AlsoHome(*over), std::nullopt);
  EXPECT_EQ(AreaAfter(*over), kOld);
}

TEST(Relocation, EachStepStartsFromItsStates) {
  struct Row {
    const char* name;
    std::function<Result<Relocation>(Relocation)> step;
    std::vector<RelocationState> from;
    RelocationState to;
  };
  const Limits limits;
  const UnixMillis late(100 * kDay);
  const Row rows[] = {
      {"approve",
       [&](Relocation r) { return DecideApprove(std::move(r), Actor("county"), limits); },
       {kRequested},
       kApproved},
      {"cancel",
       [&](Relocation r) { return DecideCancel(std::move(r), Actor("outlet"), limits); },
       {kRequested, kApproved},
       kCancelled},
      {"heard",
       [&](Relocation r) -> Result<Relocation> {
         auto heard = DecideHeard(std::move(r), kNew, late, late);
         if (!heard) return heard.error();
         return **heard;
       },
       {kApproved},
       kConfirmed},
      {"time out", [&](Relocation r) { return DecideTimeOut(std::move(r), late); }, {kApproved}, kTimedOut},
      {"request again",
       [&](const Relocation& r) { return DecideRequest(Wish(), &r, Actor("outlet"), limits); },
       {kConfirmed, kTimedOut, kCancelled},
       kRequested},
  };
  for (const Row& row : rows) {
    for (const RelocationState state : kAll) {
      const auto next = row.step(In(state));
      const bool possible = std::find(row.from.begin(), row.from.end(), state) != row.from.end();
      ASSERT_EQ(next.has_value(), possible) << row.name << " from " << NameOf(state);
      if (possible) {
        EXPECT_EQ(next->state, row.to) << row.name;
        EXPECT_EQ(next->steps.back().state, row.to) << row.name;
      } else {
        EXPECT_EQ(next.error().reason(), Reason::kRelocationStateInvalid) << row.name;
      }
    }
  }
}

TEST(Relocation, WhoMayApprove) {
  struct Row {
    const char* name;
    AreaId to;
    const char* actor;
    bool from_centre;
    std::optional<Reason> refused;
  };
  const Row rows[] = {
      {"another", kNew, "county", false, {}},
      {"who requested it", kNew, "outlet", false, Reason::kSecondApproverNeeded},
      {"who requested it, from the centre", kNew, "outlet", true, Reason::kSecondApproverNeeded},
      {"another county", kOtherCounty, "county", false, Reason::kAreaOutsideCounty},
      {"another county, the centre", kOtherCounty, "centre", true, {}},
  };
  for (const Row& row : rows) {
    RelocationActor actor = Actor(row.actor);
    actor.from_centre = row.from_centre;
    const auto approved = DecideApprove(Requested(row.to), actor, Limits());
    ASSERT_EQ(approved.has_value(), !row.refused) << row.name;
    if (row.refused) {
      EXPECT_EQ(approved.error().reason(), *row.refused) << row.name;
    }
  }
}

TEST(Relocation, TheWishIsChecked) {
  struct Row {
    const char* name;
    RelocationWish wish;
    RelocationActor actor;
    Reason reason;
  };
  RelocationWish short_one = Wish();
  short_one.days = 0;
  RelocationWish long_one = Wish();
  long_one.days = 181;
  const Row rows[] = {
      {"same area", Wish(kOld), Actor("outlet"), Reason::kFieldInvalid},
      {"no days", short_one, Actor("outlet"), Reason::kFieldInvalid},
      {"too many days", long_one, Actor("outlet"), Reason::kFieldInvalid},
      {"nobody", Wish(), Actor(""), Reason::kFieldMissing},
      {"no reason", Wish(), {"outlet", "", {}}, Reason::kFieldMissing},
      {"long reason", Wish(), {"outlet", std::string(513, 'x'), {}}, Reason::kLimitExceeded},
  };
  for (const Row& row : rows) {
    const auto requested = DecideRequest(row.wish, nullptr, row.actor, Limits());
    ASSERT_FALSE(requested) << row.name;
    EXPECT_EQ(requested.error().reason(), row.reason) << row.name;
  }
  for (const RelocationActor& actor : {Actor(""), RelocationActor{"county", "", {}}}) {
    EXPECT_EQ(DecideApprove(Requested(), actor, Limits()).error().reason(), Reason::kFieldMissing);
    EXPECT_EQ(DecideCancel(Requested(), actor, Limits()).error().reason(), Reason::kFieldMissing);
  }
}

TEST(Relocation, StatesHaveNames) {
  const std::string_view names[] = {"REQUESTED", "APPROVED", "CONFIRMED", "TIMED_OUT", "CANCELLED"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(NameOf(kAll[i]), names[i]);
    EXPECT_EQ(AlsoHome(In(kAll[i])).has_value(), kAll[i] == kApproved);
    EXPECT_EQ(IsOver(kAll[i]), i >= 2);
  }
}

}  // namespace
}  // namespace hearth::intervention
