#include "intervention/rollout.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

constexpr size_t kMaxStages = 100;
constexpr uint64_t kDraws = 1'000'000;  // fine enough that one percent of 130 million cards is one percent

// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
constexpr uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9;
  x ^= x >> 27;
  x *= 0x94D049BB133111EB;
  x ^= x >> 31;
  return x;
}

// 0 to kDraws - 1. Fixed for ever: cards must not change their stage when the program is upgraded.
constexpr uint64_t DrawOf(uint64_t rollout, CardNumber card) {
  return Mix(Mix(rollout + 0x9E3779B97F4A7C15) ^ card.value) % kDraws;
}

Status CheckState(const Rollout& rollout, std::initializer_list<RolloutState> from, const char* step) {
  for (const RolloutState state : from) {
    if (rollout.state == state) return Ok();
  }
  return Error(Reason::kRolloutStateInvalid, fmt::format("rollout {} is {}; {} is not possible",
                                                         rollout.number, NameOf(rollout.state), step));
}

Rollout Enter(Rollout rollout, RolloutState state, const RolloutActor& actor) {
  rollout.state = state;
  rollout.steps.push_back({state, actor.name, actor.approver, actor.reason, actor.now});
  return rollout;
}

const std::string* Proposer(const Rollout& rollout) {
  return rollout.steps.empty() ? nullptr : &rollout.steps.front().actor;
}

Status CheckApprover(const Rollout& rollout, const RolloutActor& actor) {
  if (!rollout.forecast.needs_approver) return Ok();
  const std::string* proposer = Proposer(rollout);
  const bool second = !actor.approver.empty() && actor.approver != actor.name &&
                      (proposer == nullptr || actor.approver != *proposer);
  if (second) return Ok();
  return Error(Reason::kSecondApproverNeeded,
               fmt::format("rollout {} needs an approver who neither proposed nor activates it: {}",
                           rollout.number, rollout.forecast.why_approver));
}

void BeginStage(Staging& staging, UnixMillis now) {
  ++staging.stage;
  staging.begun = now;
  staging.judged = false;
}

}  // namespace

std::string_view NameOf(RolloutState state) {
  switch (state) {
    case RolloutState::kProposed:
      return "PROPOSED";
    case RolloutState::kPreviewed:
      return "PREVIEWED";
    case RolloutState::kActive:
      return "ACTIVE";
    case RolloutState::kStopped:
      return "STOPPED";
    case RolloutState::kDone:
      return "DONE";
    case RolloutState::kUndone:
      return "UNDONE";
    case RolloutState::kWithdrawn:
      return "WITHDRAWN";
  }
  return "UNKNOWN";
}

bool IsUnderWay(RolloutState state) {
  return state == RolloutState::kActive || state == RolloutState::kStopped;
}

bool IsOver(RolloutState state) {
  return state == RolloutState::kDone || state == RolloutState::kUndone || state == RolloutState::kWithdrawn;
}

Staging DefaultStaging() {
  Staging staging;
  staging.percents = {1, 10, 50, 100};
  return staging;
}

Status CheckStaging(const Staging& staging) {
  if (staging.percents.empty() == staging.regions.empty()) {
    return InvalidField("staging", "either percents or regions");
  }
  const bool by_region = staging.percents.empty();
  const size_t stages = by_region ? staging.regions.size() + 1 : staging.percents.size();
  if (stages > kMaxStages) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("{} stages; a rollout has at most {}", stages, kMaxStages))
        .Field(by_region ? "regions" : "percents", fmt::format("at most {} stages", kMaxStages));
  }
  for (size_t i = 0; i < staging.percents.size(); ++i) {
    const int percent = staging.percents[i];
    const int before = i == 0 ? 0 : staging.percents[i - 1];
    if (percent > before && percent <= 100) continue;
    return InvalidField(fmt::format("percents[{}]", i),
                        fmt::format("more than {}, at most 100, not {}", before, percent));
  }
  if (!by_region && staging.percents.back() != 100) return InvalidField("percents", "the last is 100");
  for (size_t i = 0; i < staging.regions.size(); ++i) {
    const uint32_t division = staging.regions[i];
    const std::string field = fmt::format("regions[{}]", i);
    if (!IsDivision(division)) return InvalidField(field, "a division of 2, 4 or 6 digits");
    const auto here = staging.regions.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(staging.regions.begin(), here, division) != here) {
      return InvalidField(field, fmt::format("{} has a stage already", division));
    }
  }
  return Ok();
}

uint32_t StagesOf(const Staging& staging) {
  if (!staging.percents.empty()) return static_cast<uint32_t>(staging.percents.size());
  return static_cast<uint32_t>(staging.regions.size() + 1);
}

bool Contains(const Rollout& rollout, CardNumber card, AreaId area) {
  if (rollout.state == RolloutState::kDone) return true;
  if (!IsUnderWay(rollout.state)) return false;
  return StageOfCard(rollout.staging, rollout.number, card, area) <= rollout.staging.stage;
}

uint32_t StageOfCard(const Staging& staging, uint64_t rollout, CardNumber card, AreaId area) {
  uint32_t stage = 1;
  if (staging.percents.empty()) {
    for (const uint32_t division : staging.regions) {
      if (DivisionHas(division, area)) break;
      ++stage;
    }
    return stage;
  }
  const uint64_t draw = DrawOf(rollout, card);
  for (const uint8_t percent : staging.percents) {
    if (draw < percent * (kDraws / 100)) break;
    ++stage;
  }
  return std::min(stage, StagesOf(staging));
}

Result<Rollout> DecidePreviewed(Rollout rollout, const Forecast& forecast, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(
      CheckState(rollout, {RolloutState::kProposed, RolloutState::kPreviewed}, "a preview"));
  rollout.forecast = forecast;
  // One step for all previews: they may be many, and only the newest counts.
  if (rollout.state == RolloutState::kPreviewed && !rollout.steps.empty()) rollout.steps.pop_back();
  return Enter(std::move(rollout), RolloutState::kPreviewed, actor);
}

Result<Rollout> DecideActivate(Rollout rollout, const Staging& staging, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckState(rollout, {RolloutState::kPreviewed}, "activating"));
  HEARTH_RETURN_IF_ERROR(CheckStaging(staging));
  if (actor.reason.empty() && rollout.forecast.dark + rollout.forecast.box > 0) {
    return MissingField("reason", "why homes may go dark for it");
  }
  HEARTH_RETURN_IF_ERROR(CheckApprover(rollout, actor));
  rollout.staging = Staging();
  rollout.staging.percents = staging.percents;
  rollout.staging.regions = staging.regions;
  rollout.staging.forecast_dark = staging.forecast_dark;
  BeginStage(rollout.staging, actor.now);
  return Enter(std::move(rollout), RolloutState::kActive, actor);
}

Result<Rollout> DecideAdvance(Rollout rollout, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckState(rollout, {RolloutState::kActive}, "the next stage"));
  if (!rollout.staging.judged) {
    return Error(Reason::kRolloutStateInvalid,
                 fmt::format("rollout {}: the cards of stage {} are still being judged", rollout.number,
                             rollout.staging.stage));
  }
  if (rollout.staging.stage >= StagesOf(rollout.staging)) {
    return Enter(std::move(rollout), RolloutState::kDone, actor);
  }
  BeginStage(rollout.staging, actor.now);
  return Enter(std::move(rollout), RolloutState::kActive, actor);
}

Result<Rollout> DecideStop(Rollout rollout, const std::string& why, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckState(rollout, {RolloutState::kActive}, "stopping"));
  rollout.staging.stopped_why = why.empty() ? actor.reason : why;
  return Enter(std::move(rollout), RolloutState::kStopped, actor);
}

Result<Rollout> DecideResume(Rollout rollout, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckState(rollout, {RolloutState::kStopped}, "resuming"));
  rollout.staging.stopped_why.clear();
  rollout.staging.forecast_dark = std::max(rollout.staging.forecast_dark, rollout.staging.dark);
  return Enter(std::move(rollout), RolloutState::kActive, actor);
}

Result<Rollout> DecideWithdraw(Rollout rollout, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(
      CheckState(rollout, {RolloutState::kProposed, RolloutState::kPreviewed}, "withdrawing"));
  return Enter(std::move(rollout), RolloutState::kWithdrawn, actor);
}

Result<Rollout> DecideUndo(Rollout rollout, const RolloutActor& actor) {
  HEARTH_RETURN_IF_ERROR(
      CheckState(rollout, {RolloutState::kActive, RolloutState::kStopped, RolloutState::kDone}, "undoing"));
  if (actor.reason.empty()) return MissingField("reason", "why it is undone");
  return Enter(std::move(rollout), RolloutState::kUndone, actor);
}

std::optional<std::string> MustStop(const Staging& staging) {
  const uint64_t forecast = staging.forecast_dark;
  if (staging.dark <= forecast + forecast / 2 || staging.dark <= forecast + 5) return std::nullopt;
  return fmt::format("{} cards went dark, {} were forecast for the stages begun", staging.dark, forecast);
}

bool AboveCap(const ChangeRules& rules, uint64_t dark, uint64_t installed) {
  return dark > CardLimit(rules.cards, rules.percent, installed);
}

}  // namespace hearth::intervention
