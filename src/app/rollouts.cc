#include "src/app/rollouts.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace hearth::app {
namespace {

using geofence::CellList;
using geofence::ListKind;
using intervention::ListEdit;
using intervention::PolicyBook;
using intervention::Rollout;
using intervention::RolloutState;
using intervention::Staging;

constexpr size_t kMaxLists = 1000;  // a prefecture whose network was renumbered
constexpr std::string_view kCounterName = "rollout-counter";
// While cards are judged again they share the commit thread with everybody: at most so many a second.
constexpr size_t kCommitsPerSecond = 500;
constexpr std::chrono::seconds kLoadingPatience{5};
constexpr size_t kCheckEach = 50;  // cards that went dark between two looks at whether it must stop

ListKind EditedKind(const ListEdit& edit) {
  return edit.blacklist ? ListKind::kBlacklist : ListKind::kWhitelist;
}

bool IsOpen(const Rollout& rollout) { return !intervention::IsOver(rollout.state); }

std::string RolloutObject(uint64_t number) { return fmt::format("rollout:{}", number); }

bool Harmless(const intervention::Forecast& forecast) {
  return forecast.dark + forecast.old_dark + forecast.unknown + forecast.silent + forecast.box +
             forecast.proposed ==
         0;
}

std::string Summary(const Rollout& rollout) {
  std::string words;
  for (const ListEdit& edit : rollout.lists) {
    words +=
        fmt::format("{} {} version {}: {} added, {} removed; ", edit.blacklist ? "blacklist" : "whitelist",
                    ToString(edit.list), edit.to, edit.added, edit.removed);
  }
  if (rollout.policy_to != 0) words += fmt::format("policy version {}; ", rollout.policy_to);
  const intervention::Forecast& forecast = rollout.forecast;
  return words + fmt::format("{} dark, {} dark on old evidence, {} unknown, {} silent, {} back",
                             forecast.dark, forecast.old_dark + forecast.box, forecast.unknown,
                             forecast.silent, forecast.back);
}

Result<PolicyNumbers> ReadPolicyNumbers(Txn& txn, const PolicyBook& in_force) {
  HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Get(SiteKey(kPolicyName).key));
  if (!head) return PolicyNumbers{.in_force = in_force.version, .last = in_force.version};
  return DecodePolicyNumbers(head->value);
}

void WritePolicyNumbers(Txn& txn, const PolicyNumbers& numbers) {
  txn.Put(SiteKey(kPolicyName).key, Encode(numbers));
}

// Boxes learn the grace from their area's table, and take a table anew only with a newer stamp. One stamp for
// all of them: the cycle of the tables brings them, so a change of the national grace is one write.
Status PutPolicyInForce(Txn& txn, const GeoSnapshot& now, const PolicyBook& next, PolicyNumbers numbers) {
  const bool grace_changes = std::any_of(now.lists.begin(), now.lists.end(), [&](const auto& list) {
    const auto& [kind, area] = list.first;
    return kind == ListKind::kWhitelist && next.For(area).grace_hours != now.policy.For(area).grace_hours;
  });
  if (grace_changes) {
    HEARTH_ASSIGN_OR_RETURN(numbers.grace_stamp, txn.NextStamp(/*open=*/false));
  }
  numbers.in_force = next.version;
  WritePolicyNumbers(txn, numbers);
  return Ok();
}

}  // namespace

// A change that has passed all checks, before it has a number.
struct Rollouts::Prepared {
  Rollout rollout;
  std::vector<CellList> lists;  // in the order of its edits
  std::optional<PolicyBook> policy;
};

Rollouts::Rollouts(Executor& executor, GeoState& geo, HeardColumn& column, Location& location, Alarms& alarms,
                   const Limits& limits, Logger& log)
    : executor_(executor),
      geo_(geo),
      column_(column),
      location_(location),
      alarms_(alarms),
      limits_(limits),
      log_(log) {}

Result<std::unique_ptr<Rollouts>> Rollouts::Create(Executor& executor, GeoState& geo, HeardColumn& column,
                                                   Location& location, Alarms& alarms, const Limits& limits,
                                                   Logger& log) {
  std::unique_ptr<Rollouts> rollouts(new Rollouts(executor, geo, column, location, alarms, limits, log));
  HEARTH_RETURN_IF_ERROR(rollouts->Recover());
  rollouts->thread_ = std::thread([self = rollouts.get()] { self->Run(); });
  return rollouts;
}

Status Rollouts::Recover() {
  return executor_.ForEach(store::kSystemBucket, kRolloutPrefix,
                           [&](std::string_view, std::string_view value) -> Status {
                             HEARTH_ASSIGN_OR_RETURN(const auto rollout, records::Decode<Rollout>(value));
                             if (rollout.staging.stage != 0 && !rollout.staging.judged) Wake(rollout.number);
                             return Ok();
                           });
}

Rollouts::~Rollouts() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

Result<PutCellList> Rollouts::Resolve(const WantedList& wanted) const {
  if (!wanted.edit) return wanted.list;
  const auto now = geo_.snapshot();
  const auto head = now->lists.find({wanted.list.kind, wanted.list.id});
  PutCellList list = wanted.list;
  if (head != now->lists.end()) {
    HEARTH_ASSIGN_OR_RETURN(CellList before,
                            geo_.CellsOf(wanted.list.kind, wanted.list.id, head->second.version));
    list.cells.insert(list.cells.end(), before.cells.begin(), before.cells.end());
  }
  std::vector<geofence::Cell> remove = wanted.remove;
  std::sort(remove.begin(), remove.end());
  std::erase_if(list.cells, [&](const geofence::Cell& cell) {
    return std::binary_search(remove.begin(), remove.end(), cell);
  });
  return list;
}

Result<Rollouts::Prepared> Rollouts::Prepare(const WantedChange& wanted) {
  if (wanted.lists.empty() && !wanted.policy) return MissingField("lists", "a list or a policy to change");
  if (wanted.lists.size() > kMaxLists) {
    return Error(Reason::kLimitExceeded, fmt::format("a rollout changes at most {} lists", kMaxLists));
  }
  Prepared prepared;
  std::vector<PutCellList> lists;
  for (const WantedList& list : wanted.lists) {
    HEARTH_ASSIGN_OR_RETURN(lists.emplace_back(), Resolve(list));
  }
  for (const PutCellList& list : lists) {
    HEARTH_ASSIGN_OR_RETURN(CheckedList checked, geo_.Check(list, lists));
    prepared.rollout.lists.push_back({.blacklist = list.kind == ListKind::kBlacklist,
                                      .list = list.id,
                                      .from = checked.from,
                                      .to = checked.list.version,
                                      .added = static_cast<uint32_t>(checked.diff.added.size()),
                                      .removed = static_cast<uint32_t>(checked.diff.removed.size()),
                                      .kept = static_cast<uint32_t>(checked.diff.kept),
                                      .name = checked.name});
    prepared.lists.push_back(std::move(checked.list));
  }
  if (wanted.policy) {
    const PolicyBook& in_force = geo_.snapshot()->policy;
    PolicyBook policy = *wanted.policy;
    policy.version = in_force.version;
    if (wanted.policy_read != 0 && wanted.policy_read != in_force.version) {
      return Error(Reason::kRolloutStale,
                   fmt::format("policy version {} is in force; this was made from version {}",
                               in_force.version, wanted.policy_read));
    }
    HEARTH_RETURN_IF_ERROR(policy.Check());
    const auto normal = [](PolicyBook book) {
      book.national.version = book.version;
      for (auto& [division, rules] : book.regions) rules.version = book.version;
      return book;
    };
    if (normal(policy) == normal(in_force)) {
      return Error(Reason::kRolloutUnchanged,
                   fmt::format("policy version {} is exactly this", in_force.version));
    }
    prepared.policy = std::move(policy);
    prepared.rollout.policy_from = in_force.version;
    prepared.rollout.policy_to = in_force.version + 1;  // the number it gets may be higher
  }
  HEARTH_RETURN_IF_ERROR(CheckOverlap(prepared.rollout));
  return prepared;
}

Status Rollouts::CheckOverlap(const Rollout& rollout) {
  return executor_.ForEach(
      store::kSystemBucket, kRolloutPrefix, [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(const auto other, records::Decode<Rollout>(value));
        if (!IsOpen(other)) return Ok();
        if (rollout.policy_to != 0 && other.policy_to != 0) {
          return Error(Reason::kRolloutOverlaps,
                       fmt::format("rollout {} ({}) changes the policy", other.number,
                                   intervention::NameOf(other.state)));
        }
        for (const ListEdit& mine : rollout.lists) {
          for (const ListEdit& theirs : other.lists) {
            if (mine.blacklist != theirs.blacklist || mine.list != theirs.list) continue;
            return Error(Reason::kRolloutOverlaps,
                         fmt::format("rollout {} ({}) changes list {}", other.number,
                                     intervention::NameOf(other.state), ToString(mine.list)));
          }
        }
        return Ok();
      });
}

Result<Preview> Rollouts::PreviewOf(const Rollout& rollout, const std::vector<CellList>& lists,
                                    const std::optional<PolicyBook>& policy,
                                    const std::function<void(const AffectedCard&)>& each) {
  // Just after a start: better a moment's wait than a refusal.
  AwaitColumn(kLoadingPatience);
  HEARTH_ASSIGN_OR_RETURN(const auto geo, geo_.With(rollout, lists, policy));
  return MakePreview(column_, column_.cells(), *geo, rollout.number, executor_.clock().Now(), each);
}

Result<std::vector<CellList>> Rollouts::ListsOf(const Rollout& rollout) const {
  std::vector<CellList> lists;
  for (const ListEdit& edit : rollout.lists) {
    HEARTH_ASSIGN_OR_RETURN(lists.emplace_back(), geo_.CellsOf(EditedKind(edit), edit.list, edit.to));
  }
  return lists;
}

Result<Preview> Rollouts::PreviewStored(const Rollout& rollout,
                                        const std::function<void(const AffectedCard&)>& each) {
  HEARTH_ASSIGN_OR_RETURN(const auto lists, ListsOf(rollout));
  std::optional<PolicyBook> policy;
  if (rollout.policy_to != 0) {
    HEARTH_ASSIGN_OR_RETURN(policy, geo_.PolicyOf(rollout.policy_to));
  }
  return PreviewOf(rollout, lists, policy, each);
}

Result<RolloutChanged> Rollouts::Propose(const Request& request, const WantedChange& wanted) {
  const MutexLock change(geo_.change_mutex());
  const ObjectKey counter = SiteKey(kCounterName);
  // The preview takes seconds: not inside the command, and not for a repeat.
  HEARTH_ASSIGN_OR_RETURN(const bool repeat, IsRepeat(request));
  Prepared prepared;
  app::Preview preview;
  if (!repeat) {
    HEARTH_ASSIGN_OR_RETURN(prepared, Prepare(wanted));
    HEARTH_ASSIGN_OR_RETURN(preview, PreviewOf(prepared.rollout, prepared.lists, prepared.policy));
  }
  Rollout rollout;
  HEARTH_ASSIGN_OR_RETURN(
      const auto outcome,
      RunOnce(executor_, counter.bucket, request, {.action = "rollout.propose", .object = "site"}, limits_,
              [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(rollout, Write(txn, request, prepared, preview.total));
                if (wanted.at_once_if_harmless && Harmless(preview.total)) {
                  HEARTH_RETURN_IF_ERROR(FinishAtOnce(txn, request, prepared.lists, rollout));
                }
                txn.Write(RolloutKey(rollout.number).key, rollout);
                return records::Encode(rollout);
              }));
  if (outcome.change.committed.wrote && rollout.state == RolloutState::kDone) {
    HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
    if (!rollout.staging.judged) Wake(rollout.number);
  }
  return AnswerOf(outcome, std::move(preview.areas));
}

Result<bool> Rollouts::IsRepeat(const Request& request) {
  bool repeat = false;
  HEARTH_RETURN_IF_ERROR(executor_.Run(store::kSystemBucket, {}, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto former, FindRepeat(txn, request));
    repeat = former.has_value();
    return Ok();
  }));
  return repeat;
}

// Gives it numbers and writes what it brings.
Result<Rollout> Rollouts::Write(Txn& txn, const Request& request, const Prepared& prepared,
                                const intervention::Forecast& forecast) {
  Rollout rollout = prepared.rollout;
  const ObjectKey counter = SiteKey(kCounterName);
  HEARTH_ASSIGN_OR_RETURN(const auto last, txn.Get(counter.key));
  rollout.number = (last ? ByteReader(AsBytes(last->value)).U64() : 0) + 1;
  ByteWriter number(8);
  number.U64(rollout.number);
  txn.Put(counter.key, std::string(AsChars(number.bytes())));
  txn.NameObject(RolloutObject(rollout.number));
  for (const CellList& list : prepared.lists) {
    GeoState::WriteCells(txn, list);
    HEARTH_RETURN_IF_ERROR(GeoState::NoteVersion(txn, list));
  }
  if (prepared.policy) {
    HEARTH_ASSIGN_OR_RETURN(PolicyNumbers numbers, ReadPolicyNumbers(txn, geo_.snapshot()->policy));
    PolicyBook policy = *prepared.policy;
    rollout.policy_to = policy.version = ++numbers.last;
    txn.Write(PolicyKey(rollout.policy_to).key, policy);
    WritePolicyNumbers(txn, numbers);
  }
  const intervention::RolloutActor actor{
      .name = request.actor, .approver = request.approver, .reason = request.reason, .now = txn.now()};
  rollout.steps.push_back({.state = RolloutState::kProposed,
                           .actor = request.actor,
                           .approver = request.approver,
                           .reason = request.reason,
                           .at = txn.now()});
  return DecidePreviewed(std::move(rollout), forecast, actor);
}

// Nobody is cut off by it: all stages in one.
Status Rollouts::FinishAtOnce(Txn& txn, const Request& request, const std::vector<CellList>& lists,
                              Rollout& rollout) {
  const intervention::RolloutActor actor{
      .name = request.actor, .approver = request.approver, .reason = request.reason, .now = txn.now()};
  HEARTH_ASSIGN_OR_RETURN(rollout, DecideActivate(std::move(rollout), Staging{.percents = {100}}, actor));
  rollout.staging.judged = true;
  HEARTH_ASSIGN_OR_RETURN(rollout, DecideAdvance(std::move(rollout), actor));
  rollout.staging.judged = rollout.forecast.back == 0;
  return TakeEffect(txn, rollout, lists, request.actor);
}

Result<RolloutChanged> Rollouts::AnswerOf(const Outcome& outcome, std::vector<AreaForecast> areas) {
  HEARTH_ASSIGN_OR_RETURN(Rollout rollout, records::Decode<Rollout>(outcome.answer));
  return RolloutChanged{
      .change = outcome.change,
      .view = {
          .rollout = std::move(rollout), .revision = outcome.change.revision, .areas = std::move(areas)}};
}

Result<RolloutChanged> Rollouts::Step(
    const Request& request, uint64_t number, std::string_view action, const Decision& decide,
    const std::function<Status(Txn&, const Rollout& before, Rollout& after)>& also) {
  const ObjectKey key = RolloutKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      const auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = std::string(action), .object = RolloutObject(number)}, limits_,
              [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<Rollout>(key.key));
                if (!stored) {
                  return Error(Reason::kRolloutUnknown, fmt::format("there is no rollout {}", number));
                }
                HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, RolloutObject(number)));
                const Rollout before = stored->value;
                HEARTH_ASSIGN_OR_RETURN(Rollout after,
                                        decide(std::move(stored->value), {.name = request.actor,
                                                                          .approver = request.approver,
                                                                          .reason = request.reason,
                                                                          .now = txn.now()}));
                if (also) HEARTH_RETURN_IF_ERROR(also(txn, before, after));
                txn.Write(key.key, after);
                return records::Encode(after);
              }));
  return AnswerOf(outcome, {});
}

Result<RolloutChanged> Rollouts::Preview(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(const RolloutView view, Get(number));
  HEARTH_ASSIGN_OR_RETURN(app::Preview preview, PreviewStored(view.rollout));
  HEARTH_ASSIGN_OR_RETURN(auto changed, Step(
                                            request, number, "rollout.preview",
                                            [&](Rollout rollout, const intervention::RolloutActor& actor) {
                                              return DecidePreviewed(std::move(rollout), preview.total,
                                                                     actor);
                                            },
                                            nullptr));
  changed.view.areas = std::move(preview.areas);
  return changed;
}

Status Rollouts::Affected(uint64_t number, std::optional<AreaId> area,
                          const std::function<void(const AffectedCard&)>& each) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(const RolloutView view, Get(number));
  if (intervention::IsOver(view.rollout.state)) {
    return Error(Reason::kRolloutStateInvalid,
                 fmt::format("rollout {} is {}: nobody is affected by it any more", number,
                             intervention::NameOf(view.rollout.state)));
  }
  const auto preview = PreviewStored(view.rollout, [&](const AffectedCard& card) {
    if (!area || card.area == *area) each(card);
  });
  return preview ? Ok() : Status(preview.error());
}

Result<uint64_t> Rollouts::CountForecast(const Rollout& rollout, const Staging& staging, uint32_t stage) {
  uint64_t dark = 0;
  HEARTH_ASSIGN_OR_RETURN(const auto preview, PreviewStored(rollout, [&](const AffectedCard& card) {
                            if (card.effect == Effect::kGoesDark &&
                                StageOfCard(staging, rollout.number, card.card, card.area) <= stage) {
                              ++dark;
                            }
                          }));
  (void)preview;
  return dark;
}

Result<RolloutChanged> Rollouts::Activate(const Request& request, uint64_t number, Staging staging) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(const RolloutView view, Get(number));
  HEARTH_RETURN_IF_ERROR(CheckStaging(staging));
  HEARTH_ASSIGN_OR_RETURN(const bool repeat, IsRepeat(request));
  if (repeat) return Step(request, number, "rollout.activate", nullptr, nullptr);
  if (view.rollout.state != RolloutState::kPreviewed) {
    return Error(Reason::kRolloutStateInvalid,
                 fmt::format("rollout {} is {}: only a previewed one is activated", number,
                             intervention::NameOf(view.rollout.state)));
  }
  HEARTH_RETURN_IF_ERROR(geo_.CheckFresh(view.rollout));
  // The cap holds for those who would go dark now, not for those of an old preview.
  HEARTH_ASSIGN_OR_RETURN(const app::Preview preview, PreviewStored(view.rollout));
  HEARTH_ASSIGN_OR_RETURN(staging.forecast_dark, CountForecast(view.rollout, staging, 1));
  HEARTH_ASSIGN_OR_RETURN(
      auto changed, Step(
                        request, number, "rollout.activate",
                        [&](Rollout rollout, const intervention::RolloutActor& actor) -> Result<Rollout> {
                          HEARTH_ASSIGN_OR_RETURN(rollout,
                                                  DecidePreviewed(std::move(rollout), preview.total, actor));
                          return DecideActivate(std::move(rollout), staging, actor);
                        },
                        nullptr));
  if (!changed.change.committed.wrote) return changed;
  log_.Info("rollout_activated", {{"rollout", number}, {"what", Summary(changed.view.rollout)}});
  HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
  Wake(number);
  return changed;
}

Result<RolloutChanged> Rollouts::Advance(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(const RolloutView view, Get(number));
  const Staging& staging = view.rollout.staging;
  uint64_t forecast = 0;
  if (view.rollout.state == RolloutState::kActive && staging.stage < StagesOf(staging)) {
    // Those that went dark already are no longer affected.
    HEARTH_ASSIGN_OR_RETURN(forecast, CountForecast(view.rollout, staging, staging.stage + 1));
  }
  HEARTH_ASSIGN_OR_RETURN(
      auto changed, Step(
                        request, number, "rollout.advance",
                        [&](Rollout rollout, const intervention::RolloutActor& actor) -> Result<Rollout> {
                          const uint64_t dark = rollout.staging.dark;
                          HEARTH_ASSIGN_OR_RETURN(rollout, DecideAdvance(std::move(rollout), actor));
                          if (rollout.state == RolloutState::kActive)
                            rollout.staging.forecast_dark = dark + forecast;
                          return rollout;
                        },
                        [&](Txn& txn, const Rollout&, Rollout& after) -> Status {
                          if (after.state != RolloutState::kDone) return Ok();
                          HEARTH_ASSIGN_OR_RETURN(const auto lists, ListsOf(after));
                          return TakeEffect(txn, after, lists, request.actor);
                        }));
  if (!changed.change.committed.wrote) return changed;
  HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
  if (changed.view.rollout.state == RolloutState::kActive) Wake(number);
  return changed;
}

Status Rollouts::Complete(const Request& request, uint64_t number) {
  Request step = request;
  step.if_revision = 0;
  step.id = request.id.ForRow(1);
  HEARTH_ASSIGN_OR_RETURN(const auto activated, Activate(step, number, Staging{.percents = {100}}));
  (void)activated;
  AwaitJudged();
  step.id = request.id.ForRow(2);
  const auto done = Advance(step, number);
  return done ? Ok() : Status(done.error());
}

Result<RolloutChanged> Rollouts::Stop(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(auto changed, Step(
                                            request, number, "rollout.stop",
                                            [](Rollout rollout, const intervention::RolloutActor& actor) {
                                              return DecideStop(std::move(rollout), "", actor);
                                            },
                                            nullptr));
  if (changed.change.committed.wrote) HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
  return changed;
}

Result<RolloutChanged> Rollouts::Resume(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(auto changed,
                          Step(request, number, "rollout.resume", intervention::DecideResume, nullptr));
  if (!changed.change.committed.wrote) return changed;
  HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
  if (!changed.view.rollout.staging.judged) Wake(number);
  return changed;
}

Result<RolloutChanged> Rollouts::Withdraw(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  return Step(request, number, "rollout.withdraw", intervention::DecideWithdraw,
              [&](Txn& txn, const Rollout&, Rollout& after) { return Forget(txn, after); });
}

Result<RolloutChanged> Rollouts::Undo(const Request& request, uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(
      auto changed, Step(request, number, "rollout.undo", intervention::DecideUndo,
                         [&](Txn& txn, const Rollout& before, Rollout& after) -> Status {
                           after.staging.judged = false;
                           // What never was in force goes; what was is followed by what was there before it.
                           return before.state == RolloutState::kDone ? Revert(txn, before, request) : Ok();
                         }));
  if (!changed.change.committed.wrote) return changed;
  log_.Warn("rollout_undone", {{"rollout", number}, {"actor", request.actor}, {"reason", request.reason}});
  HEARTH_RETURN_IF_ERROR(geo_.ReloadLists());
  Wake(number);
  return changed;
}

Status Rollouts::TakeEffect(Txn& txn, const Rollout& rollout, const std::vector<CellList>& lists,
                            const std::string& actor) {
  for (size_t i = 0; i < lists.size(); ++i) {
    HEARTH_RETURN_IF_ERROR(GeoState::PutInForce(txn, lists[i], rollout.lists[i].name, actor));
  }
  if (rollout.policy_to == 0) return Ok();
  const auto now = geo_.snapshot();
  HEARTH_ASSIGN_OR_RETURN(const PolicyNumbers numbers, ReadPolicyNumbers(txn, now->policy));
  HEARTH_ASSIGN_OR_RETURN(const auto next, txn.Read<PolicyBook>(PolicyKey(rollout.policy_to).key));
  if (!next)
    return Error(Reason::kStoreCorrupt, fmt::format("policy version {} is missing", rollout.policy_to));
  return PutPolicyInForce(txn, *now, next->value, numbers);
}

Status Rollouts::Revert(Txn& txn, const Rollout& before, const Request& request) {
  for (const ListEdit& edit : before.lists) {
    const ListKind kind = EditedKind(edit);
    HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Read<records::CellListHead>(ListKey(kind, edit.list).key));
    if (!head || head->value.version != edit.to) {
      return Error(Reason::kRolloutStale,
                   fmt::format("list {} is at version {} now: undo the later change first",
                               ToString(edit.list), head ? head->value.version : 0));
    }
    CellList former{.kind = kind, .id = edit.list};
    if (edit.from != 0) {
      HEARTH_ASSIGN_OR_RETURN(former, geo_.CellsOf(kind, edit.list, edit.from));
    }
    former.version = std::max(head->value.last_version, head->value.version) + 1;
    GeoState::WriteCells(txn, former);
    HEARTH_RETURN_IF_ERROR(GeoState::PutInForce(txn, former, head->value.name, request.actor));
  }
  if (before.policy_to == 0) return Ok();
  HEARTH_ASSIGN_OR_RETURN(PolicyNumbers numbers, ReadPolicyNumbers(txn, geo_.snapshot()->policy));
  if (numbers.in_force != before.policy_to) {
    return Error(
        Reason::kRolloutStale,
        fmt::format("policy version {} is in force now: undo the later change first", numbers.in_force));
  }
  HEARTH_ASSIGN_OR_RETURN(PolicyBook former, geo_.PolicyOf(before.policy_from));
  former.version = ++numbers.last;
  txn.Write(PolicyKey(former.version).key, former);
  return PutPolicyInForce(txn, *geo_.snapshot(), former, numbers);
}

Status Rollouts::Forget(Txn& txn, const Rollout& rollout) {
  for (const ListEdit& edit : rollout.lists) {
    HEARTH_RETURN_IF_ERROR(GeoState::DeleteCells(txn, EditedKind(edit), edit.list, edit.to));
  }
  if (rollout.policy_to != 0) txn.Delete(PolicyKey(rollout.policy_to).key);
  return Ok();
}

Result<RolloutView> Rollouts::Get(uint64_t number) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, executor_.Read<Rollout>(RolloutKey(number)));
  if (!stored) return Error(Reason::kRolloutUnknown, fmt::format("there is no rollout {}", number));
  return RolloutView{.rollout = std::move(stored->value), .revision = stored->revision, .areas = {}};
}

Result<RolloutView> Rollouts::Counted(uint64_t number) {
  const MutexLock change(geo_.change_mutex());
  HEARTH_ASSIGN_OR_RETURN(RolloutView view, Get(number));
  HEARTH_ASSIGN_OR_RETURN(app::Preview preview, PreviewStored(view.rollout));
  view.rollout.forecast = preview.total;
  view.areas = std::move(preview.areas);
  return view;
}

Result<PageOf<RolloutView>> Rollouts::List(bool open_only, size_t size, std::string_view token) {
  uint64_t below = UINT64_MAX;
  if (!token.empty()) {
    const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), below);
    if (fault != std::errc() || end != token.data() + token.size()) {
      return Error(Reason::kPageTokenInvalid, "the page token is none of ours");
    }
  }
  PageOf<RolloutView> page;
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, kRolloutPrefix, [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto rollout, records::Decode<Rollout>(value));
        if (rollout.number >= below || (open_only && !IsOpen(rollout))) return Ok();
        page.items.push_back({.rollout = std::move(rollout), .revision = 0, .areas = {}});
        return Ok();
      }));
  std::reverse(page.items.begin(), page.items.end());
  if (page.items.size() > size) {
    page.items.resize(size);
    page.next_token = fmt::format("{}", page.items.back().rollout.number);
  }
  return page;
}

void Rollouts::Wake(uint64_t number) {
  const MutexLock lock(mu_);
  waiting_.insert(number);
  wake_.NotifyAll();
}

Result<AreaChanged> Rollouts::RetireArea(const Request& request, AreaId id) {
  if (!column_.loaded()) {
    return Error(Reason::kRolloutLoading, "who lives in the area is not known yet after the start");
  }
  uint64_t homes = 0;
  column_.ForEach([&](const HeardRow& row) {
    homes += row.area == id.value ? 1 : 0;
    return true;
  });
  if (homes > 0) {
    return Error(Reason::kAreaInUse,
                 fmt::format("{} home{} in area {}", homes, homes == 1 ? " is" : "s are", ToString(id)));
  }
  return geo_.StepArea(request, id, geofence::AreaState::kRetired);
}

void Rollouts::NoteDark(uint64_t number) {
  const MutexLock lock(mu_);
  ++noted_[number];
  waiting_.insert(number);
  wake_.NotifyAll();
}

void Rollouts::AwaitJudged() {
  const MutexLock lock(mu_);
  while (!stop_ && (working_ || !waiting_.empty())) wake_.Wait(mu_);
}

void Rollouts::Run() {
  for (;;) {
    uint64_t number = 0;
    {
      const MutexLock lock(mu_);
      working_ = false;
      wake_.NotifyAll();
      while (!stop_ && waiting_.empty()) wake_.Wait(mu_);
      if (stop_) return;
      working_ = true;
      number = *waiting_.begin();
      waiting_.erase(waiting_.begin());
    }
    Judge(number);
  }
}

// Judges the cards whose turn has come, and writes how far it is. Whatever is cut short by a crash or an
// error is done again: a card that is as it should be is left alone.
void Rollouts::Judge(uint64_t number) {
  const auto view = Get(number);
  if (!view) {
    log_.Error("rollout_not_judged", {{"rollout", number}, {"error", view.error().ToString()}});
    return;
  }
  const Rollout& rollout = view->rollout;
  uint64_t noted = 0;
  {
    const MutexLock lock(mu_);
    noted = std::exchange(noted_[number], 0);
    noted_.erase(number);
  }
  uint64_t dark = noted;
  uint64_t back = 0;
  if (!rollout.staging.judged && rollout.state != RolloutState::kStopped) {
    if (!AwaitColumn(std::chrono::hours(24))) return;
    const auto under_way = geo_.UnderWayOf(rollout);
    if (!under_way) {
      log_.Error("rollout_not_judged", {{"rollout", number}, {"error", under_way.error().ToString()}});
      return;
    }
    JudgeCards(rollout, *under_way, rollout.state == RolloutState::kUndone, dark, back);
    // What is left is done after the next start.
    const MutexLock lock(mu_);
    if (stop_) return;
  }
  Staging staging = rollout.staging;
  staging.dark += dark;
  std::optional<std::string> stop;
  if (rollout.state == RolloutState::kActive) stop = MustStop(staging);
  Finish(number, rollout.staging.stage, dark, back, stop);
}

// After a start the cards' reports are still being read. False when they are not all there after that time,
// or the head-end ends.
bool Rollouts::AwaitColumn(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kLook{20};
  const MutexLock lock(mu_);
  for (auto waited = kLook; !stop_ && !column_.loaded() && waited < patience; waited += kLook) {
    wake_.WaitFor(mu_, kLook);
  }
  return !stop_ && column_.loaded();
}

// Ends early with the head-end, or when the rollout must stop.
void Rollouts::JudgeCards(const Rollout& rollout, const UnderWay& under_way, bool undo, uint64_t& dark,
                          uint64_t& back) {
  std::vector<CardNumber> cards;
  const auto geo = geo_.snapshot();
  const RowJudge judge(column_.cells(), under_way, geo->policy);
  const Staging& staging = rollout.staging;
  column_.ForEach([&](const HeardRow& row) {
    const CardNumber card(row.card);
    const bool turn = rollout.state != RolloutState::kActive ||
                      StageOfCard(staging, rollout.number, card, AreaId(row.area)) <= staging.stage;
    const bool intervened = row.location_standing() == intervention::Standing::kIntervened;
    if (turn && (judge.MayChange(row) || (undo && intervened && row.held == 0))) cards.push_back(card);
    return true;
  });
  size_t commits = 0;
  for (const CardNumber card : cards) {
    const auto became = location_.Reconsider(card, rollout, undo);
    if (!became) {
      log_.Error("card_not_judged", {{"card", ToString(card)}, {"error", became.error().ToString()}});
      continue;
    }
    if (*became == Reconsidered::kNothing) continue;
    if (*became == Reconsidered::kDark) ++dark;
    if (*became == Reconsidered::kBack) ++back;
    {
      const MutexLock lock(mu_);
      if (stop_) return;
      if (++commits % kCommitsPerSecond == 0) wake_.WaitFor(mu_, std::chrono::seconds(1));
    }
    if (rollout.state == RolloutState::kActive && dark % kCheckEach == 0) {
      Staging now = staging;
      now.dark += dark;
      if (MustStop(now)) return;
    }
  }
}

void Rollouts::Finish(uint64_t number, uint32_t stage, uint64_t dark, uint64_t back,
                      const std::optional<std::string>& stop) {
  const MutexLock change(geo_.change_mutex());
  const ObjectKey key = RolloutKey(number);
  bool stopped = false;
  const Act act{.actor = "hearthd",
                .action = stop ? "rollout.stop" : "rollout.judged",
                .object = stop ? RolloutObject(number) : "",
                .reason = stop.value_or("")};
  const auto committed = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<Rollout>(key.key));
    if (!stored) return Ok();
    Rollout& rollout = stored->value;
    rollout.staging.dark += dark;
    rollout.staging.back += back;
    if (stop && rollout.state == RolloutState::kActive) {
      HEARTH_ASSIGN_OR_RETURN(rollout,
                              DecideStop(std::move(rollout), *stop, {.name = "hearthd", .now = txn.now()}));
      stopped = true;
    } else if (rollout.staging.stage == stage) {
      rollout.staging.judged = true;
    }
    txn.Write(key.key, rollout);
    return Ok();
  });
  if (!committed) {
    log_.Error("rollout_not_judged", {{"rollout", number}, {"error", committed.error().ToString()}});
    return;
  }
  if (!stopped) return;
  alarms_.Raise({.kind = records::AlarmKind::kRolloutStopped,
                 .subject = RolloutObject(number),
                 .text = fmt::format("rollout {} stopped by itself: {}", number, *stop),
                 .at = executor_.clock().Now()});
  if (Status reloaded = geo_.ReloadLists(); !reloaded) {
    log_.Error("lists_not_reloaded", {{"error", reloaded.error().ToString()}});
  }
}

}  // namespace hearth::app
