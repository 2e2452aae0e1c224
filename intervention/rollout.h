// A change of cell lists or of the policy on its way: proposed, previewed, activated stage by stage, done,
// and undone in one step. Pure decisions: each takes the present state and gives the next one or a refusal.
//
//   PROPOSED ─ preview ─► PREVIEWED ─ activate ─► ACTIVE ─ last stage passed ─► DONE ─ undo ─► UNDONE
//      │                      │                    │  ▲                          ▲
//      └──────withdraw────────┴─► WITHDRAWN   stop ▼  │ resume                   │
//                                              STOPPED ─────── undo ─► UNDONE ───┘ (an ACTIVE one can be
//                                              undone too)
//
// While it is ACTIVE or STOPPED, cards inside its stage are judged by the new versions and all others by the
// old ones. Boxes get the new tables when it is DONE: a table on the air reaches every box of its area.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intervention/policy.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::intervention {

// The numbers are on disk: never reused.
enum class RolloutState : uint8_t {
  kProposed = 1,
  kPreviewed = 2,
  kActive = 3,
  kStopped = 4,
  kDone = 5,
  kUndone = 6,
  kWithdrawn = 7,
};

// "PROPOSED", "PREVIEWED" …
std::string_view NameOf(RolloutState state);
// Cards may be judged by what it brings.
bool IsUnderWay(RolloutState state);
// Nothing can become of it any more, but for undoing one that is DONE.
bool IsOver(RolloutState state);

// One list it changes, by the numbers of its versions.
struct ListEdit {
  bool blacklist = false;
  AreaId list;
  uint32_t from = 0;  // version; 0: there is none yet
  uint32_t to = 0;    // always from + 1
  uint32_t added = 0;
  uint32_t removed = 0;
  uint32_t kept = 0;
  std::string name;  // of the list from then on

  bool operator==(const ListEdit&) const = default;
};

// What a preview counted. Of cards that are in an account and installed.
struct Forecast {
  UnixMillis at;          // 0: no preview yet
  uint64_t judged = 0;    // cards with a report
  uint64_t dark = 0;      // go dark when it is activated, within the age of evidence
  uint64_t old_dark = 0;  // would, but their evidence is too old: listed, not executed
  uint64_t back = 0;      // come back
  uint64_t unknown =
      0;  // were at home, and hear only unknown cells from then on: dark in the box after its grace
  uint64_t proposed = 0;  // were at home, and are out of area from then on: proposed to operators
  uint64_t silent = 0;    // no report within the age of evidence, and their installation cell leaves the list
  uint64_t box = 0;       // dark in the box as soon as it hears the new deny list
  bool needs_approver = false;
  std::string why_approver;  // "area 640122001: 12 of 310 cards go dark, 6 are allowed"

  bool operator==(const Forecast&) const = default;
};

// How far it has come. By percentage (of cards, drawn by their numbers) or by regions.
struct Staging {
  // Ascending, the last is 100. Empty: by region.
  std::vector<uint8_t> percents;
  // One stage each: divisions of 2, 4 or 6 digits; what none of them contains follows at the end. Empty: by
  // percentage.
  std::vector<uint32_t> regions;
  uint32_t stage = 0;   // stages begun; 0: none
  UnixMillis begun;     // of the newest stage
  bool judged = false;  // all cards of the newest stage were judged again
  // Since activation, of cards inside the stages.
  uint64_t dark = 0;
  uint64_t back = 0;
  // Of the stages begun; the caller sets it with each stage, because only it knows who is in which.
  uint64_t forecast_dark = 0;
  std::string stopped_why;

  bool operator==(const Staging&) const = default;
};

struct RolloutStep {
  RolloutState state = RolloutState::kProposed;
  std::string actor;
  std::string approver;
  std::string reason;
  UnixMillis at;

  bool operator==(const RolloutStep&) const = default;
};

struct Rollout {
  uint64_t number = 0;  // counts up from 1
  RolloutState state = RolloutState::kProposed;
  std::vector<ListEdit> lists;
  uint32_t policy_from = 0;  // version; 0: it does not change the policy
  uint32_t policy_to = 0;
  Forecast forecast;
  Staging staging;
  std::vector<RolloutStep> steps;  // oldest first

  bool operator==(const Rollout&) const = default;
};

// Who acts, for whom, and the time of the decision.
struct RolloutActor {
  std::string name;
  std::string approver;
  std::string reason;
  UnixMillis now;
};

// Stages 1, 10, 50, 100 percent.
Staging DefaultStaging();
// FIELD_INVALID: both or neither of percents and regions, percents not ascending to 100, a division that is
// none, the same one twice, LIMIT_EXCEEDED over 100 stages.
Status CheckStaging(const Staging& staging);
// Number of stages, the rest behind regions included.
uint32_t StagesOf(const Staging& staging);
// Whether the card is inside the stages begun. A done rollout contains every card.
bool Contains(const Rollout& rollout, CardNumber card, AreaId area);
// The stage (1 and up) in which the turn of a card comes in the rollout of that number. Percentages draw
// cards by card and rollout number mixed, so that not the same homes are the first of every rollout; the draw
// is the same after a restart and in every version of the program.
uint32_t StageOfCard(const Staging& staging, uint64_t rollout, CardNumber card, AreaId area);

// Each gives the next state, or ROLLOUT_STATE_INVALID naming state and step.
// Again on a previewed one: the new counts replace the old.
Result<Rollout> DecidePreviewed(Rollout rollout, const Forecast& forecast, const RolloutActor& actor);
// SECOND_APPROVER_NEEDED when the forecast says so and the approver is missing, is the actor or is who
// proposed it. FIELD_MISSING without a reason when somebody goes dark, at the head-end or in the box. Begins
// the first stage; of `staging` the plan and forecast_dark count.
Result<Rollout> DecideActivate(Rollout rollout, const Staging& staging, const RolloutActor& actor);
// The next stage begins; after the last one it is DONE. ROLLOUT_STATE_INVALID while cards of the present
// stage are still being judged.
Result<Rollout> DecideAdvance(Rollout rollout, const RolloutActor& actor);
Result<Rollout> DecideStop(Rollout rollout, const std::string& why, const RolloutActor& actor);
// Who resumes accepts what it did so far: it stops again only when still more go dark.
Result<Rollout> DecideResume(Rollout rollout, const RolloutActor& actor);
Result<Rollout> DecideWithdraw(Rollout rollout, const RolloutActor& actor);
// Of an ACTIVE, STOPPED or DONE one. FIELD_MISSING without a reason.
Result<Rollout> DecideUndo(Rollout rollout, const RolloutActor& actor);

// Why it has to stop by itself: more cards went dark than the stages begun were said to darken, by half and
// by five cards. nullopt: it goes on.
std::optional<std::string> MustStop(const Staging& staging);
// Whether so many cards of an area that has `installed` need a second approver.
bool AboveCap(const ChangeRules& rules, uint64_t dark, uint64_t installed);

}  // namespace hearth::intervention
