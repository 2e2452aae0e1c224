// The life of a relocation in the store.
//
//   1. card     asked for, approved (`also` and `also_until` of the card with it), cancelled, timed out: each
//   one
//               commit, as the relocation is kept beside its card
//   2. card     a report is heard in the new area (Location): CONFIRMED, the card has the new home, its
//   record is
//               due on the air; `told` is false
//   3. account  the account has the new home: area, village, history
//   4. card     whatever card the account has by now (it may have been swapped in between) has the new home
//   too
//   5. card     `told` is true
//
// 3 to 5 are the housekeeper's, found by the index, which is filled from the store at start: a crash between
// two of them only means that they are done again, and each may be. An account that is just being swapped or
// closed is settled first.
//
// What the receiver is told. The record on the air has room for one area. Until the move is confirmed it
// stays the old one: a box that still stands there watches on. A box that has moved hears unknown cells, so
// it reports, and stays lit for the grace of its region (72 powered hours unless the policy says otherwise);
// its first report confirms the move, and the record with the new area follows within seconds. The other way
// round, the old home would be dark after the grace though nobody has moved yet. Only where the grace is 0 is
// a moved box dark until its report was taken.

#include "src/app/relocations.h"

#include <fmt/format.h>

#include "src/app/card_home.h"
#include "src/app/exemptions.h"

namespace hearth::app {
namespace {

using entitlement::Account;
using intervention::Relocation;
using intervention::RelocationActor;
using intervention::RelocationState;
using records::CardRecord;
using records::RelocationRecord;

constexpr size_t kRelocationsEachRound = 500;
constexpr int64_t kRelocationRetryMillis = 60'000;

Error UnknownRelocation(CardNumber card) {
  return Error(Reason::kRelocationUnknown, fmt::format("card {} has no relocation", ToString(card)));
}

Result<CardRecord> ReadCard(Txn& txn, CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(CardKey(number).key));
  if (!stored) return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
  return std::move(stored->value);
}

// Two lives of one card: `also` says which of them counts.
void TakeOver(const Relocation& relocation, CardRecord& card) {
  const auto also = intervention::AlsoHome(relocation);
  card.also = also.value_or(AreaId());
  card.also_until = also ? relocation.ends : UnixMillis();
}

bool SameProvince(AreaId a, AreaId b) { return AreaDivision(a) / 10'000 == AreaDivision(b) / 10'000; }

}  // namespace

HomeRow Relocations::RowOf(const RelocationRecord& record) {
  HomeRow row{.state = static_cast<uint8_t>(record.relocation.state),
              .village = record.from_village,
              .other = record.to_village,
              .due = std::nullopt};
  if (record.relocation.state == RelocationState::kApproved) row.due = record.relocation.ends;
  if (record.relocation.state == RelocationState::kConfirmed && !record.told) row.due = UnixMillis();
  return row;
}

Result<RelocationChanged> Relocations::Changed(const Request& request, CardNumber card,
                                               const Outcome& outcome) {
  RelocationChanged changed{.change = outcome.change, .view = {}};
  HEARTH_ASSIGN_OR_RETURN(changed.view.record, records::Decode<RelocationRecord>(outcome.answer));
  changed.view.revision = request.dry_run ? 0 : outcome.change.revision;
  if (!request.dry_run && !outcome.change.repeated) location_.ForgetHold(card);
  return changed;
}

Result<RelocationChanged> Relocations::Ask(const Request& request, const MoveWish& wish) {
  const CardNumber card = wish.card;
  const RegionCode village = geofence::VillageOf(wish.to);
  const auto natural = static_cast<uint8_t>(geofence::IsNatural(wish.to) ? wish.to.value % 100 : 0);
  if (const auto settled = registry_.SettledCard(card); !settled) return settled.error();
  const ObjectKey key = RelocationKey(card);
  Act act{.action = "relocation.request",
          .object = "card:" + ToString(card),
          .detail = "to village " + geofence::ToString(wish.to)};
  HEARTH_ASSIGN_OR_RETURN(
      Outcome outcome,
      RunOnce(executor_, key.bucket, request, std::move(act), limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(const CardRecord home, ReadCard(txn, card));
        HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(home.card));
        if (!home.card.claim.held()) {
          return Error(Reason::kCardNotInAccount,
                       fmt::format("card {} belongs to no open account", ToString(card)));
        }
        HEARTH_ASSIGN_OR_RETURN(const AreaId to, registry_.SellingArea(village, natural, "village"));
        if (!SameProvince(to, home.card.area)) {
          return Error(
              Reason::kAreaOutsideCounty,
              fmt::format("area {} is in another province than {}: its channels and keys are others; "
                          "close the account and open one there",
                          ToString(to), ToString(home.card.area)));
        }
        if (to == home.card.area) {
          return InvalidField(
              "village", fmt::format("in another area than {}, where the card is at home", ToString(to)));
        }
        HEARTH_ASSIGN_OR_RETURN(const auto present, txn.Read<RelocationRecord>(key.key));
        if (present) HEARTH_RETURN_IF_ERROR(CheckRevision(request, present->revision, key.key));
        RelocationRecord record;
        HEARTH_ASSIGN_OR_RETURN(
            record.relocation,
            intervention::DecideRequest(
                {.card = card, .from = home.card.area, .to = to, .days = wish.days},
                present ? &present->value.relocation : nullptr,
                {.name = request.actor, .reason = request.reason, .now = txn.now(), .from_centre = false},
                limits_));
        // The former one has still to reach the account.
        if (present && present->value.relocation.state == RelocationState::kConfirmed &&
            !present->value.told) {
          return Error(Reason::kConcurrentEdit,
                       fmt::format("the former relocation of card {} is being finished", ToString(card)));
        }
        record.account = home.card.claim.account;
        record.from_village = home.card.village;
        record.to_village = village;
        record.to_natural = natural;
        txn.Write(key.key, record);
        return records::Encode(record);
      }));
  return Changed(request, card, outcome);
}

Result<RelocationChanged> Relocations::Step(const Request& request, CardNumber card, std::string_view action,
                                            const Decide& decide) {
  const ObjectKey key = RelocationKey(card);
  Act act{.action = std::string(action), .object = "card:" + ToString(card)};
  HEARTH_ASSIGN_OR_RETURN(
      Outcome outcome,
      RunOnce(executor_, key.bucket, request, std::move(act), limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<RelocationRecord>(key.key));
        if (!stored) return UnknownRelocation(card);
        HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, key.key));
        RelocationRecord& record = stored->value;
        HEARTH_ASSIGN_OR_RETURN(record.relocation,
                                decide(record.relocation, {.name = request.actor,
                                                           .reason = request.reason,
                                                           .now = txn.now(),
                                                           .from_centre = centre_.contains(request.actor)}));
        HEARTH_ASSIGN_OR_RETURN(CardRecord home, ReadCard(txn, card));
        TakeOver(record.relocation, home);
        HEARTH_RETURN_IF_ERROR(location_.Rejudge(txn, home, request.actor, request.reason));
        txn.Write(CardKey(card).key, home);
        txn.Write(key.key, record);
        return records::Encode(record);
      }));
  return Changed(request, card, outcome);
}

Result<RelocationChanged> Relocations::Approve(const Request& request, CardNumber card) {
  if (const auto settled = registry_.SettledCard(card); !settled) return settled.error();
  return Step(request, card, "relocation.approve",
              [&](const Relocation& relocation, const RelocationActor& actor) {
                return intervention::DecideApprove(relocation, actor, limits_);
              });
}

Result<RelocationChanged> Relocations::Cancel(const Request& request, CardNumber card) {
  return Step(request, card, "relocation.cancel",
              [&](const Relocation& relocation, const RelocationActor& actor) {
                return intervention::DecideCancel(relocation, actor, limits_);
              });
}

Result<RelocationView> Relocations::Get(CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, executor_.Read<RelocationRecord>(RelocationKey(card)));
  if (!stored) return UnknownRelocation(card);
  return RelocationView{.record = std::move(stored->value), .revision = stored->revision};
}

Result<PageOf<RelocationView>> Relocations::List(const HomeFilter& filter, size_t size,
                                                 std::string_view token) {
  HEARTH_ASSIGN_OR_RETURN(const CardNumber after, CardTokenFrom(token));
  const auto cards = index_.After(after, filter, size + 1);
  PageOf<RelocationView> page;
  for (size_t i = 0; i < cards.size() && i < size; ++i) {
    auto one = Get(cards[i]);
    if (one) page.items.push_back(std::move(*one));
  }
  if (cards.size() > size) page.next_token = fmt::format("{}", cards[size - 1].value);
  return page;
}

void Relocations::Tick() {
  const UnixMillis now = executor_.clock().Now();
  for (const CardNumber card : index_.Due(now, kRelocationsEachRound)) {
    const Status seen = See(card);
    if (seen) continue;
    log_.Error("relocation_not_ended", {{"card", ToString(card)}, {"error", seen.error().ToString()}});
    index_.Defer(card, UnixMillis(now.value + kRelocationRetryMillis));
  }
}

Status Relocations::See(CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<RelocationRecord>(RelocationKey(card)));
  if (!stored) return Ok();
  const RelocationRecord& record = stored->value;
  if (record.relocation.state == RelocationState::kApproved) return TimeOut(card);
  if (record.relocation.state == RelocationState::kConfirmed && !record.told) return Tell(record);
  return Ok();
}

Status Relocations::TimeOut(CardNumber card) {
  const ObjectKey key = RelocationKey(card);
  const Act act{.actor = "hearthd",
                .action = "relocation.timeout",
                .object = "card:" + ToString(card),
                .reason = "the card was not heard in the new area in time"};
  auto done = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<RelocationRecord>(key.key));
    if (!stored || stored->value.relocation.state != RelocationState::kApproved) return Ok();
    HEARTH_ASSIGN_OR_RETURN(stored->value.relocation,
                            intervention::DecideTimeOut(stored->value.relocation, txn.now()));
    HEARTH_ASSIGN_OR_RETURN(CardRecord home, ReadCard(txn, card));
    TakeOver(stored->value.relocation, home);
    HEARTH_RETURN_IF_ERROR(location_.Rejudge(txn, home, act.actor, act.reason));
    txn.Write(CardKey(card).key, home);
    txn.Write(key.key, stored->value);
    return Ok();
  });
  return done ? Ok() : Status(done.error());
}

// Steps 3 to 5 above.
Status Relocations::Tell(const RelocationRecord& record) {
  HEARTH_RETURN_IF_ERROR(Probe("confirmed"));
  HEARTH_ASSIGN_OR_RETURN(const auto card, MoveAccount(record));
  HEARTH_RETURN_IF_ERROR(Probe("moved account"));
  if (card) HEARTH_RETURN_IF_ERROR(MoveCard(record, *card));
  HEARTH_RETURN_IF_ERROR(Probe("moved card"));
  const ObjectKey key = RelocationKey(record.relocation.card);
  const Act act{.actor = "hearthd", .action = "relocation.told"};
  auto told = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<RelocationRecord>(key.key));
    if (!stored || stored->value.relocation != record.relocation || stored->value.told) return Ok();
    stored->value.told = true;
    txn.Write(key.key, stored->value);
    return Ok();
  });
  return told ? Ok() : Status(told.error());
}

// The card that the account has; nothing when there is no account to move any more.
Result<std::optional<CardNumber>> Relocations::MoveAccount(const RelocationRecord& record) {
  HEARTH_RETURN_IF_ERROR(registry_.Settle(record.account));
  const Relocation& relocation = record.relocation;
  const ObjectKey key = AccountKey(record.account);
  const Act act{.actor = "hearthd",
                .action = "account.relocate",
                .object = "account:" + record.account,
                .reason = "heard in the new area",
                .detail = fmt::format("area {} → {}", ToString(relocation.from), ToString(relocation.to))};
  std::optional<CardNumber> card;
  auto moved = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    card.reset();
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<Account>(key.key));
    if (!stored || stored->value.state == entitlement::AccountState::kClosed) return Ok();
    const Account& account = stored->value;
    if (account.intent) {
      return Error(Reason::kConcurrentEdit, fmt::format("account {} is being changed", record.account));
    }
    card = account.form.devices.card;
    if (account.area == relocation.to && account.form.village == record.to_village) return Ok();
    const std::string& who = relocation.steps.empty() ? act.actor : relocation.steps.front().actor;
    const std::string& why = relocation.steps.empty() ? act.reason : relocation.steps.front().reason;
    txn.Write(key.key, entitlement::Moved(account, relocation.to, record.to_village, record.to_natural,
                                          {.name = who, .reason = why, .approver = {}, .now = txn.now()}));
    return Ok();
  });
  if (!moved) return moved.error();
  return card;
}

Status Relocations::MoveCard(const RelocationRecord& record, CardNumber number) {
  const ObjectKey key = CardKey(number);
  const Act act{.actor = "hearthd", .action = "card.relocate"};
  auto moved = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(CardRecord card, ReadCard(txn, number));
    if (card.card.claim.account != record.account || card.card.settled != card.card.claim.intent) return Ok();
    if (card.card.area == record.relocation.to && card.card.village == record.to_village) return Ok();
    HEARTH_RETURN_IF_ERROR(ChangeHome(txn, card, record.relocation.to, record.to_village));
    txn.Write(key.key, card);
    return Ok();
  });
  return moved ? Ok() : Status(moved.error());
}

}  // namespace hearth::app
