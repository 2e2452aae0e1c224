#include "intervention/exemption.h"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace hearth::intervention {
namespace {

using enum ExemptionState;

constexpr CardNumber kCard(640000000017);
constexpr int64_t kDay = 86'400'000;
constexpr ExemptionState kAll[] = {kReported, kConfirmed, kCollected, kGranted, kRefused, kExpired, kRevoked};

ExemptionActor Actor(const char* name, const char* reason = "no signal in the valley", int64_t now = 1000) {
  return {name, reason, UnixMillis(now)};
}

ExemptionGrant Grant(const char* approver = "director") {
  return {approver, UnixMillis(1000 + 365 * kDay), {"lte:460:00:33301:26879745"}};
}

Exemption Collected() {
  Exemption exemption = *DecideReport(kCard, nullptr, Actor("installer"), Limits());
  exemption = *DecideConfirm(exemption, Actor("county"), Limits());
  return *DecideCollect(exemption, Actor("province"), Limits());
}

Exemption In(ExemptionState state) {
  Exemption exemption = Collected();
  exemption.state = state;
  exemption.expires = UnixMillis(2000);
  return exemption;
}

TEST(Exemption, GoesFromTheInstallerToTheCentre) {
  const Exemption granted = *DecideGrant(Collected(), Grant(), Actor("centre"), Limits());
  EXPECT_EQ(granted.state, kGranted);
  EXPECT_EQ(granted.card, kCard);
  EXPECT_EQ(granted.cells, Grant().cells);
  ASSERT_EQ(granted.steps.size(), 4U);
  EXPECT_EQ(granted.steps[0],
            (ExemptionStep{kReported, "installer", "", "no signal in the valley", UnixMillis(1000)}));
  EXPECT_EQ(granted.steps[3],
            (ExemptionStep{kGranted, "centre", "director", "no signal in the valley", UnixMillis(1000)}));
  EXPECT_TRUE(InForce(granted, UnixMillis(granted.expires.value - 1)));
  EXPECT_FALSE(InForce(granted, granted.expires));
}

TEST(Exemption, EachStepStartsFromItsStates) {
  struct Row {
    const char* name;
    std::function<Result<Exemption>(Exemption)> step;
    std::vector<ExemptionState> from;
    ExemptionState to;
  };
  const Limits limits;
  const ExemptionActor actor = Actor("somebody", "why", 3000);
  const Row rows[] = {
      {"confirm",
       [&](Exemption e) { return DecideConfirm(std::move(e), actor, limits); },
       {kReported},
       kConfirmed},
      {"collect",
       [&](Exemption e) { return DecideCollect(std::move(e), actor, limits); },
       {kConfirmed},
       kCollected},
      {"grant",
       [&](Exemption e) { return DecideGrant(std::move(e), Grant(), actor, limits); },
       {kCollected},
       kGranted},
      {"refuse",
       [&](Exemption e) { return DecideRefuse(std::move(e), actor, limits); },
       {kReported, kConfirmed, kCollected},
       kRefused},
      {"revoke",
       [&](Exemption e) { return DecideRevoke(std::move(e), actor, limits); },
       {kGranted},
       kRevoked},
      {"expire",
       [&](Exemption e) { return DecideExpire(std::move(e), UnixMillis(2000)); },
       {kGranted},
       kExpired},
      {"report again",
       [&](const Exemption& e) { return DecideReport(kCard, &e, actor, limits); },
       {kRefused, kExpired, kRevoked},
       kReported},
  };
  for (const Row& row : rows) {
    for (const ExemptionState state : kAll) {
      const auto next = row.step(In(state));
      const bool possible = std::find(row.from.begin(), row.from.end(), state) != row.from.end();
      ASSERT_EQ(next.has_value(), possible) << row.name << " from " << NameOf(state);
      if (possible) {
        EXPECT_EQ(next->state, row.to) << row.name;
        EXPECT_EQ(next->steps.back().state, row.to) << row.name;
      } else {
        EXPECT_EQ(next.error().reason(), Reason::kExemptionStateInvalid) << row.name;
      }
    }
  }
  EXPECT_EQ(DecideExpire(In(kGranted), UnixMillis(1999)).error().reason(), Reason::kExemptionStateInvalid);
}

TEST(Exemption, EveryStepHasNameAndReason) {
  const Limits limits;
  const std::function<Result<Exemption>(const ExemptionActor&)> steps[] = {
      [&](const ExemptionActor& a) { return DecideReport(kCard, nullptr, a, limits); },
      [&](const ExemptionActor& a) { return DecideConfirm(In(kReported), a, limits); },
      [&](const ExemptionActor& a) { return DecideCollect(In(kConfirmed), a, limits); },
      [&](const ExemptionActor& a) { return DecideGrant(In(kCollected), Grant(), a, limits); },
      [&](const ExemptionActor& a) { return DecideRefuse(In(kCollected), a, limits); },
      [&](const ExemptionActor& a) { return DecideRevoke(In(kGranted), a, limits); },
  };
  for (size_t i = 0; i < std::size(steps); ++i) {
    EXPECT_EQ(steps[i](Actor("")).error().reason(), Reason::kFieldMissing) << i;
    EXPECT_EQ(steps[i](Actor("li", "")).error().reason(), Reason::kFieldMissing) << i;
    EXPECT_EQ(steps[i]({"li", std::string(513, 'x'), {}}).error().reason(), Reason::kLimitExceeded) << i;
  }
}

TEST(Exemption, WhoMayApprove) {
  const struct {
    const char* approver;
    bool ok;
  } rows[] = {{"", false},       {"centre", false},   {"installer", false},
              {"county", false}, {"province", false}, {"director", true}};
  for (const auto& row : rows) {
    const auto granted = DecideGrant(Collected(), Grant(row.approver), Actor("centre"), Limits());
    ASSERT_EQ(granted.has_value(), row.ok) << row.approver;
    if (!row.ok) {
      EXPECT_EQ(granted.error().reason(), Reason::kSecondApproverNeeded) << row.approver;
    }
  }
}

TEST(Exemption, AGrantEndsAndNamesFewCells) {
  struct Row {
    const char* name;
    std::function<void(ExemptionGrant&)> change;
    Reason reason;
  };
  const Row rows[] = {
      {"no end", [](ExemptionGrant& g) { g.expires = UnixMillis(0); }, Reason::kFieldInvalid},
      {"over already", [](ExemptionGrant& g) { g.expires = UnixMillis(1000); }, Reason::kFieldInvalid},
      {"eleven years", [](ExemptionGrant& g) { g.expires = UnixMillis(11 * 365 * kDay); },
       Reason::kFieldInvalid},
      {"33 cells", [](ExemptionGrant& g) { g.cells.resize(33); }, Reason::kLimitExceeded},
  };
  for (const Row& row : rows) {
    ExemptionGrant grant = Grant();
    row.change(grant);
    const auto granted = DecideGrant(Collected(), grant, Actor("centre"), Limits());
    ASSERT_FALSE(granted) << row.name;
    EXPECT_EQ(granted.error().reason(), row.reason) << row.name;
  }
}

TEST(Exemption, StatesHaveNames) {
  const std::string_view names[] = {"REPORTED", "CONFIRMED", "COLLECTED", "GRANTED",
                                    "REFUSED",  "EXPIRED",   "REVOKED"};
  for (size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(NameOf(kAll[i]), names[i]);
    EXPECT_EQ(InForce(In(kAll[i]), UnixMillis(1500)), kAll[i] == kGranted);
    EXPECT_EQ(IsOver(kAll[i]), kAll[i] == kRefused || kAll[i] == kExpired || kAll[i] == kRevoked);
  }
}

}  // namespace
}  // namespace hearth::intervention
