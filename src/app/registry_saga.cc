// The saga of everything that spans buckets: opening, swapping and closing an account.
//
//   1. request  the request id is remembered in its own bucket, so that another use of it is seen
//   2. home     the account with its intent, phase CLAIMING, and saga/<form> beside it; nothing in force
//   3. claims   person, card, box, SIM, each in its own bucket; a refused one → phase ABORTING, release, end
//   4. group    the new card takes a slot in a group of its township
//   5. home     in force: phase FINISHING, history, audit, the answer remembered. Only now is the caller
//               answered
//   6. cards    the new card is bound, the old one unbound (the messages go into their outboxes); released
//               things are freed
//   7. home     the intent is gone, and saga/<form> with it
//
// Every step may be repeated. Whoever finds saga/<form> after a crash goes on from the account's phase, and
// so does whoever meets the account meanwhile: several may drive one saga. So each step in another bucket
// asks the home, from inside that bucket's strand, whether the intent is still in the phase of the step; the
// home leaves a phase only after all steps of it, so a late driver finds that out and changes nothing.

#include <fmt/format.h>

#include "src/app/card_home.h"
#include "src/app/card_turn.h"
#include "src/app/registry.h"

namespace hearth::app {
namespace {

using entitlement::Account;
using entitlement::Claim;
using entitlement::ClaimFate;
using entitlement::ClaimKind;
using entitlement::Devices;
using entitlement::GroupSlot;
using entitlement::Intent;
using entitlement::IntentKind;
using entitlement::IntentPhase;
using entitlement::StandingReason;

// A change whose intent others end, again and again, is left to them.
constexpr int kAttempts = 4;

// No bulk call has as many rows.
constexpr uint64_t kRegistration = uint64_t{1} << 62;

bool IsRefusal(const Error& error) {
  switch (error.reason()) {
    case Reason::kCardInUse:
    case Reason::kBoxInUse:
    case Reason::kSimInUse:
    case Reason::kPersonInUse:
    case Reason::kCardUnknown:
    case Reason::kCardEvicted:
    case Reason::kBoxUnknown:
    case Reason::kSimUnknown:
    case Reason::kRequestIdReused:
      return true;
    default:
      return false;
  }
}

std::string_view ActionOf(IntentKind kind) {
  switch (kind) {
    case IntentKind::kOpen:
      return "account.open";
    case IntentKind::kSwap:
      return "device.swap";
    case IntentKind::kClose:
      return "account.close";
  }
  return "account";
}

Act ActOf(const Account& account) {
  const Intent& intent = *account.intent;
  return {.actor = intent.actor,
          .action = std::string(ActionOf(intent.kind)),
          .object = "account:" + account.form.form_number,
          .reason = intent.reason,
          .approver = intent.approver,
          .detail = account.history.empty() ? "" : account.history.back().detail};
}

// The claim inside whatever object is claimed. A person is nothing but its claim, and begins to exist with
// the first one.
struct Claimable {
  Claim claim;
  std::function<void(const Claim&)> set;
  Status fit = Ok();  // or why nobody may have it
};

template <typename T>
Result<Claimable> ReadClaim(Txn& txn, const std::string& key, Reason unknown, Claim T::*member) {
  HEARTH_ASSIGN_OR_RETURN(auto object, txn.Read<T>(key));
  if (!object) return Error(unknown, fmt::format("{} is not in stock", key));
  const Claim claim = object->value.*member;
  return Claimable{claim, [&txn, key, value = std::move(object->value), member](const Claim& next) mutable {
                     value.*member = next;
                     txn.Write(key, value);
                   }};
}

Result<Claimable> ReadClaim(Txn& txn, ClaimKind kind, const std::string& key) {
  switch (kind) {
    case ClaimKind::kCard: {
      HEARTH_ASSIGN_OR_RETURN(auto card, txn.Read<records::CardRecord>(key));
      if (!card) return Error(Reason::kCardUnknown, fmt::format("{} is not in stock", key));
      const Claim claim = card->value.card.claim;
      return Claimable{claim,
                       [&txn, key, value = card->value](const Claim& next) mutable {
                         value.card.claim = next;
                         txn.Write(key, value);
                       },
                       entitlement::CheckNotEvicted(card->value.card)};
    }
    case ClaimKind::kBox:
      return ReadClaim(txn, key, Reason::kBoxUnknown, &records::BoxRecord::claim);
    case ClaimKind::kSim:
      return ReadClaim(txn, key, Reason::kSimUnknown, &records::SimRecord::claim);
    case ClaimKind::kPerson: {
      HEARTH_ASSIGN_OR_RETURN(const auto claim, txn.Read<Claim>(key));
      return Claimable{claim ? claim->value : Claim{}, [&txn, key](const Claim& next) {
                         if (next.held()) {
                           txn.Write(key, next);
                         } else {
                           txn.Delete(key);
                         }
                       }};
    }
  }
  return Error(Reason::kInternal, "claim of an unknown kind");
}

Status EndIntervention(Txn& txn, records::CardRecord& card, const Intent& intent) {
  return EndInterventions(txn, card, intent.actor,
                          fmt::format("{}: {}", ActionOf(intent.kind), intent.reason));
}

// The answer to a repeat of the request: the account with the change in force.
void Remember(Txn& txn, const Intent& intent, Account account) {
  account.intent.reset();
  txn.Remember(intent.id, {.content_hash = intent.content_hash,
                           .time = txn.now(),
                           .revision = txn.next_sequence(),
                           .answer = records::Encode(account)});
}

}  // namespace

Result<AccountChanged> Registry::Change(const Request& request, std::string_view form_number, const Act& act,
                                        const Check& check, const Decide& decide) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(form_number));
  HEARTH_RETURN_IF_ERROR(CheckRequestAge(request, executor_.clock().Now(), limits_));
  Act full = act;
  full.actor = request.actor;
  full.reason = request.reason;
  full.approver = request.approver;
  // A request that is refused as things stand leaves nothing behind, not even its id.
  const auto judge = [&]() -> Status {
    HEARTH_RETURN_IF_ERROR(check());
    const ObjectKey home = AccountKey(form_number);
    HEARTH_ASSIGN_OR_RETURN(const auto existing, executor_.Read<Account>(home));
    if (existing && existing->value.intent) return Ok();
    if (existing) HEARTH_RETURN_IF_ERROR(CheckRevision(request, existing->revision, home.key));
    const auto decided = decide(existing ? &existing->value : nullptr, full, executor_.clock().Now());
    return decided ? Ok() : Status(decided.error());
  };
  HEARTH_RETURN_IF_ERROR(RegisterRequest(request, form_number, judge));
  // When another driver has ended the intent, what became of it is remembered, or it begins anew.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    HEARTH_ASSIGN_OR_RETURN(auto changed, TryChange(request, form_number, full, decide));
    if (changed) return std::move(*changed);
  }
  return Error(Reason::kConcurrentEdit, fmt::format("account {} is being changed by others", form_number));
}

// Nothing when another driver has ended the intent meanwhile.
Result<std::optional<AccountChanged>> Registry::TryChange(const Request& request,
                                                          std::string_view form_number, Act act,
                                                          const Decide& decide) {
  const ObjectKey home = AccountKey(form_number);
  std::optional<records::Dedup> former;
  Account begun;
  const auto begin = [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(former, FindRepeat(txn, request));
    if (former) return Ok();
    HEARTH_ASSIGN_OR_RETURN(const auto existing, txn.Read<Account>(home.key));
    // The same request again while it is under way, or left behind by a crash: go on with it.
    const bool under_way = existing && existing->value.intent && existing->value.intent->id == request.id;
    if (under_way && !request.dry_run) return Ok();
    if (existing) HEARTH_RETURN_IF_ERROR(CheckRevision(request, existing->revision, home.key));
    HEARTH_ASSIGN_OR_RETURN(begun, decide(existing ? &existing->value : nullptr, act, txn.now()));
    begun.intent->content_hash = request.content_hash;
    if (request.dry_run) return Ok();
    txn.Write(home.key, begun);
    txn.Put(SagaKey(form_number).key, "");
    if (begun.intent->phase == IntentPhase::kFinishing) {
      act = ActOf(begun);
      Remember(txn, *begun.intent, begun);
    }
    return Ok();
  };
  if (auto started = executor_.Run(home.bucket, act, begin); !started) {
    // Somebody is at it, or was and left it behind: then it is finished now, and the next attempt succeeds.
    const Reason reason = started.error().reason();
    const bool busy = reason == Reason::kConcurrentEdit || reason == Reason::kAccountPending ||
                      reason == Reason::kAccountClosed;
    if (busy) (void)Settle(form_number);
    return started.error();
  }
  if (former) {
    HEARTH_ASSIGN_OR_RETURN(auto account, records::Decode<Account>(former->answer));
    return AccountChanged{.change = {.committed = {home.bucket, former->revision, true},
                                     .revision = former->revision,
                                     .repeated = true},
                          .view = {.account = std::move(account), .revision = former->revision}};
  }
  if (request.dry_run) return DryRun(std::move(begun));
  HEARTH_RETURN_IF_ERROR(Probe("begun"));
  auto view = Drive(form_number);
  if (!view && view.error().reason() == Reason::kConcurrentEdit) return std::optional<AccountChanged>();
  if (!view) return view.error();
  const uint64_t revision = view->revision;
  return AccountChanged{.change = {.committed = {home.bucket, revision, true}, .revision = revision},
                        .view = std::move(*view)};
}

// What would be refused in other buckets, without writing anything.
Result<std::optional<AccountChanged>> Registry::DryRun(Account begun) {
  for (const Claimed& wanted : NeededClaims(begun)) {
    auto checked = executor_.Run(wanted.key.bucket, {}, [&](Txn& txn) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const Claimable thing, ReadClaim(txn, wanted.kind, wanted.key.key));
      HEARTH_ASSIGN_OR_RETURN(const ClaimFate fate, FateOf(wanted, thing.claim));
      if (fate != ClaimFate::kDead) return ClaimRefused(wanted.kind, wanted.thing, thing.claim, fate);
      return thing.fit;
    });
    if (!checked) return checked.error();
  }
  begun.intent.reset();
  return AccountChanged{.change = {}, .view = {.account = std::move(begun), .revision = 0}};
}

// `check` judges what the request names before anything is written for it; a repeat is answered without.
Status Registry::RegisterRequest(const Request& request, std::string_view form_number, const Check& check) {
  const Act act{.actor = request.actor, .action = "request"};
  // Under a name of its own: the request's bucket may be the account's, where the id itself names the answer.
  Request registration = request;
  registration.id = request.id.ForRow(kRegistration);
  auto registered = executor_.Run(RequestKey(request.id).bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto former, FindRepeat(txn, registration));
    if (former) return Ok();
    HEARTH_RETURN_IF_ERROR(check());
    if (request.dry_run) return Ok();
    txn.Remember(registration.id, {.content_hash = request.content_hash,
                                   .time = txn.now(),
                                   .revision = 0,
                                   .answer = std::string(form_number)});
    return Ok();
  });
  return registered ? Ok() : Status(registered.error());
}

// Takes the account from whatever phase it is in to its end. CONCURRENT_EDIT when its change was given up, or
// ended by another driver meanwhile.
Result<AccountView> Registry::Drive(std::string_view form_number) {
  HEARTH_ASSIGN_OR_RETURN(auto account, Load(form_number));
  if (!account.value.intent) return AccountView{std::move(account.value), account.revision};
  if (account.value.intent->phase == IntentPhase::kClaiming) {
    const RequestId id = account.value.intent->id;
    if (Status claimed = ClaimAll(account.value); !claimed) {
      if (IsRefusal(claimed.error())) HEARTH_RETURN_IF_ERROR(Abort(account.value));
      return claimed.error();
    }
    HEARTH_ASSIGN_OR_RETURN(const GroupSlot place, JoinGroup(account.value));
    HEARTH_RETURN_IF_ERROR(Probe("joined group"));
    HEARTH_RETURN_IF_ERROR(TakeEffect(account.value, place));
    HEARTH_ASSIGN_OR_RETURN(account, Load(form_number));
    const bool ours = account.value.intent && account.value.intent->id == id;
    if (!ours) return AccountView{std::move(account.value), account.revision};
  }
  if (account.value.intent->phase == IntentPhase::kAborting) {
    HEARTH_RETURN_IF_ERROR(Abort(account.value));
    return Error(Reason::kConcurrentEdit, fmt::format("the change of account {} was given up", form_number));
  }
  // In force: what is left must not fail the caller. It is finished at the next touch or start.
  if (Status status = Probe("in force"); !status) return status.error();
  if (Status status = Finish(account.value); !status) {
    log_.Warn("saga_unfinished", {{"account", form_number}, {"error", status.error().ToString()}});
    account.value.intent.reset();
  } else {
    HEARTH_ASSIGN_OR_RETURN(account, Load(form_number));
  }
  return AccountView{std::move(account.value), account.revision};
}

std::vector<Registry::Claimed> Registry::NeededClaims(const Account& account) const {
  const Intent& intent = *account.intent;
  const bool opening = intent.kind == IntentKind::kOpen;
  const Devices& now = account.form.devices;
  const Devices& next = intent.wanted;
  std::vector<Claimed> claims;
  if (opening)
    claims.push_back({ClaimKind::kPerson, PersonKey(account.form.person.person_id), 0, "of this form"});
  if (opening || next.card != now.card) {
    claims.push_back({ClaimKind::kCard, CardKey(next.card), next.card.value, ToString(next.card)});
  }
  if (opening || next.box != now.box) {
    claims.push_back({ClaimKind::kBox, BoxKey(next.box), next.box.value, ToString(next.box)});
  }
  if (opening || next.sim != now.sim) {
    claims.push_back({ClaimKind::kSim, SimKey(next.sim), next.sim.value, ToString(next.sim)});
  }
  return claims;
}

Result<ClaimFate> Registry::FateOf(const Claimed& thing, const Claim& claim) {
  if (!claim.held()) return ClaimFate::kDead;
  HEARTH_ASSIGN_OR_RETURN(const auto home, executor_.Read<Account>(AccountKey(claim.account)));
  return entitlement::FateOf(claim, home ? &home->value : nullptr, thing.kind, thing.number);
}

Status Registry::ClaimAll(const Account& account) {
  const Claim claim{.account = account.form.form_number, .intent = account.intent->id};
  for (const Claimed& wanted : NeededClaims(account)) {
    Status claimed = ClaimOne(wanted, claim);
    if (!claimed && IsRefusal(claimed.error())) {
      HEARTH_ASSIGN_OR_RETURN(const bool freed, FinishHolder(claimed.error()));
      if (freed) claimed = ClaimOne(wanted, claim);
    }
    if (!claimed) return claimed;
    HEARTH_RETURN_IF_ERROR(Probe(fmt::format("claimed {}", NameOf(wanted.kind))));
  }
  return Ok();
}

// True when the account that holds what was refused had something to finish or to give up: it may be free
// now. One that is still claiming is left alone: it might be waiting for this one.
Result<bool> Registry::FinishHolder(const Error& refusal) {
  for (const auto& [key, form] : refusal.metadata()) {
    if (key != "account") continue;
    HEARTH_ASSIGN_OR_RETURN(const auto holder, executor_.Read<Account>(AccountKey(form)));
    if (!holder || !holder->value.intent || holder->value.intent->phase == IntentPhase::kClaiming) continue;
    HEARTH_RETURN_IF_ERROR(Settle(form));
    return true;
  }
  return false;
}

Status Registry::CheckPhase(std::string_view form_number, const RequestId& intent, IntentPhase phase) {
  HEARTH_ASSIGN_OR_RETURN(const auto home, executor_.Read<Account>(AccountKey(form_number)));
  if (home && home->value.intent && home->value.intent->id == intent && home->value.intent->phase == phase) {
    return Ok();
  }
  return Error(Reason::kConcurrentEdit,
               fmt::format("the change of account {} was ended by another", form_number));
}

Status Registry::ClaimOne(const Claimed& wanted, const Claim& claim) {
  auto claimed =
      executor_.Run(wanted.key.bucket, {.actor = "saga", .action = "claim"}, [&](Txn& txn) -> Status {
        HEARTH_RETURN_IF_ERROR(CheckPhase(claim.account, claim.intent, IntentPhase::kClaiming));
        HEARTH_ASSIGN_OR_RETURN(const Claimable thing, ReadClaim(txn, wanted.kind, wanted.key.key));
        if (thing.claim == claim) return Ok();
        HEARTH_ASSIGN_OR_RETURN(const ClaimFate fate, FateOf(wanted, thing.claim));
        if (fate != ClaimFate::kDead) return ClaimRefused(wanted.kind, wanted.thing, thing.claim, fate);
        HEARTH_RETURN_IF_ERROR(thing.fit);
        thing.set(claim);
        return Ok();
      });
  return claimed ? Ok() : Status(claimed.error());
}

Status Registry::ReleaseOne(const Claimed& held, const std::function<Result<bool>(const Claim&)>& ours) {
  auto released =
      executor_.Run(held.key.bucket, {.actor = "saga", .action = "release"}, [&](Txn& txn) -> Status {
        HEARTH_ASSIGN_OR_RETURN(const Claimable thing, ReadClaim(txn, held.kind, held.key.key));
        HEARTH_ASSIGN_OR_RETURN(const bool release, ours(thing.claim));
        if (release) thing.set({});
        return Ok();
      });
  // What was never in stock was never claimed.
  if (!released && released.error().code() == Code::kNotFound) return Ok();
  return released ? Ok() : Status(released.error());
}

Result<GroupSlot> Registry::JoinGroup(const Account& account) {
  const Intent& intent = *account.intent;
  if (intent.kind == IntentKind::kSwap && intent.wanted.card == account.form.devices.card)
    return account.place;
  const CardNumber number = intent.wanted.card;
  HEARTH_ASSIGN_OR_RETURN(const auto card, Card(number));
  const RegionCode township = Ancestor(account.form.village, RegionLevel::kTownship);
  HEARTH_ASSIGN_OR_RETURN(const auto record, executor_.Read<records::TownshipRecord>(TownshipKey(township)));
  GroupId group = record ? record->value.current_group : GroupId(0);
  for (;;) {
    if (group.value == 0) {
      HEARTH_ASSIGN_OR_RETURN(group, AdvanceGroup(township, group));
    }
    std::optional<uint8_t> slot;
    const ObjectKey key = GroupKey(group);
    auto joined =
        executor_.Run(key.bucket, {.actor = "saga", .action = "group.join"}, [&](Txn& txn) -> Status {
          // Once the card is bound, joining again would clear its bit.
          HEARTH_RETURN_IF_ERROR(CheckPhase(account.form.form_number, intent.id, IntentPhase::kClaiming));
          HEARTH_ASSIGN_OR_RETURN(auto existing, txn.Read<records::GroupRecord>(key.key));
          if (!existing) return Error(Reason::kStoreCorrupt, fmt::format("group {} is missing", group.value));
          const entitlement::Group before = existing->value.group;
          slot = entitlement::Join(existing->value.group, number, card.value.card.standing_stamp);
          if (slot && !(before == existing->value.group)) txn.Write(key.key, existing->value);
          return Ok();
        });
    if (!joined) return joined.error();
    if (slot) return GroupSlot{.group = group, .slot = *slot};
    HEARTH_ASSIGN_OR_RETURN(group, AdvanceGroup(township, group));
  }
}

// The township's group after `from`, made if nobody has yet. One at a time, so that no number is wasted.
Result<GroupId> Registry::AdvanceGroup(RegionCode township, GroupId from) {
  const MutexLock lock(advance_mu_);
  const ObjectKey home = TownshipKey(township);
  HEARTH_ASSIGN_OR_RETURN(const auto now, executor_.Read<records::TownshipRecord>(home));
  if (now && now->value.current_group != from) return now->value.current_group;
  GroupId fresh;
  const Act act{.actor = "saga", .action = "group.create"};
  auto numbered = executor_.Run(store::kSystemBucket, act, [&](Txn& txn) -> Status {
    const std::string key = SiteKey("group-counter").key;
    HEARTH_ASSIGN_OR_RETURN(const auto counter, txn.Get(key));
    const uint64_t last = counter ? ByteReader(AsBytes(counter->value)).U64() : 0;
    if (last >= entitlement::kMaxGroupId) return Error(Reason::kGroupFull, "all group numbers are taken");
    fresh = GroupId(static_cast<uint32_t>(last + 1));
    ByteWriter out(8);
    out.U64(last + 1);
    txn.Put(key, std::string(AsChars(out.bytes())));
    return Ok();
  });
  if (!numbered) return numbered.error();
  records::GroupRecord record;
  record.group.id = fresh;
  record.group.township = township;
  HEARTH_ASSIGN_OR_RETURN(record.wrapped_key, keys_.NewGroupKey(fresh));
  const ObjectKey key = GroupKey(fresh);
  auto made = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    txn.Write(key.key, record);
    return Ok();
  });
  if (!made) return made.error();
  auto named = executor_.Run(home.bucket, act, [&](Txn& txn) -> Status {
    txn.Write(home.key, records::TownshipRecord{.current_group = fresh});
    return Ok();
  });
  if (!named) return named.error();
  return fresh;
}

Status Registry::Abort(const Account& account) {
  const ObjectKey home = AccountKey(account.form.form_number);
  const RequestId intent = account.intent->id;
  const auto still_ours = [&](const std::optional<Versioned<Account>>& now) {
    return now && now->value.intent && now->value.intent->id == intent;
  };
  const Act act{.actor = account.intent->actor, .action = "saga.abort"};
  bool aborting = false;
  auto marked = executor_.Run(home.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto now, txn.Read<Account>(home.key));
    aborting = still_ours(now) && now->value.intent->phase != IntentPhase::kFinishing;
    if (aborting && now->value.intent->phase == IntentPhase::kClaiming) {
      txn.Write(home.key, entitlement::BeginAbort(now->value));
    }
    return Ok();
  });
  if (!marked) return marked.error();
  if (!aborting) return Ok();
  HEARTH_RETURN_IF_ERROR(Probe("aborting"));
  for (const Claimed& claimed : NeededClaims(account)) {
    HEARTH_RETURN_IF_ERROR(ReleaseOne(claimed, [&](const Claim& claim) -> Result<bool> {
      return claim.intent == intent && claim.account == account.form.form_number;
    }));
    HEARTH_RETURN_IF_ERROR(Probe(fmt::format("released {}", NameOf(claimed.kind))));
  }
  auto ended = executor_.Run(home.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto now, txn.Read<Account>(home.key));
    if (!still_ours(now) || now->value.intent->phase != IntentPhase::kAborting) return Ok();
    if (now->value.intent->kind == IntentKind::kOpen) {
      txn.Delete(home.key);
    } else {
      now->value.intent.reset();
      now->value.state = entitlement::AccountState::kOpen;
      txn.Write(home.key, now->value);
    }
    txn.Delete(SagaKey(account.form.form_number).key);
    return Ok();
  });
  return ended ? Ok() : Status(ended.error());
}

Status Registry::TakeEffect(const Account& account, const GroupSlot& place) {
  const ObjectKey home = AccountKey(account.form.form_number);
  Act act = ActOf(account);
  auto committed = executor_.Run(home.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto now, txn.Read<Account>(home.key));
    const bool ours = now && now->value.intent && now->value.intent->id == account.intent->id &&
                      now->value.intent->phase == IntentPhase::kClaiming;
    if (!ours) {
      return Error(Reason::kConcurrentEdit,
                   fmt::format("the change of account {} was ended by another", account.form.form_number));
    }
    now->value.intent->place = place;
    const Account next = entitlement::TakeEffect(std::move(now->value), txn.now());
    txn.Write(home.key, next);
    Remember(txn, *account.intent, next);
    return Ok();
  });
  return committed ? Ok() : Status(committed.error());
}

Status Registry::Finish(const Account& account) {
  const Intent& intent = *account.intent;
  const std::string& form = account.form.form_number;
  const bool closing = intent.kind == IntentKind::kClose;
  if (intent.released.card.value != 0) {
    HEARTH_RETURN_IF_ERROR(UnbindCard(account, intent.released.card,
                                      closing ? StandingReason::kClosed : StandingReason::kSwapped));
    HEARTH_RETURN_IF_ERROR(Probe("unbound card"));
  }
  if (!closing) {
    HEARTH_RETURN_IF_ERROR(BindCard(account));
    HEARTH_RETURN_IF_ERROR(Probe("bound card"));
  }
  std::vector<Claimed> freed;
  if (intent.released.box.value != 0) {
    freed.push_back({ClaimKind::kBox, BoxKey(intent.released.box), intent.released.box.value, ""});
  }
  if (intent.released.sim.value != 0) {
    freed.push_back({ClaimKind::kSim, SimKey(intent.released.sim), intent.released.sim.value, ""});
  }
  if (closing) freed.push_back({ClaimKind::kPerson, PersonKey(account.form.person.person_id), 0, ""});
  const auto ours = [&](const Claim& claim) -> Result<bool> {
    if (claim.account != form) return false;
    HEARTH_RETURN_IF_ERROR(CheckPhase(form, intent.id, IntentPhase::kFinishing));
    return true;
  };
  for (const Claimed& thing : freed) {
    HEARTH_RETURN_IF_ERROR(ReleaseOne(thing, ours));
    HEARTH_RETURN_IF_ERROR(Probe(fmt::format("freed {}", NameOf(thing.kind))));
  }
  const ObjectKey home = AccountKey(form);
  auto ended = executor_.Run(home.bucket, {.actor = "saga", .action = "saga.end"}, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto now, txn.Read<Account>(home.key));
    if (!now || !now->value.intent || now->value.intent->id != intent.id) return Ok();
    const Account finished = entitlement::Finished(std::move(now->value));
    txn.Write(home.key, finished);
    txn.Delete(SagaKey(form).key);
    // Again, now with the revision that the account has from here on: the first answer gives the same.
    Remember(txn, intent, finished);
    return Ok();
  });
  return ended ? Ok() : Status(ended.error());
}

Status Registry::BindCard(const Account& account) {
  const Intent& intent = *account.intent;
  const CardNumber number = intent.wanted.card;
  const ObjectKey key = CardKey(number);
  auto bound =
      executor_.Run(key.bucket, {.actor = intent.actor, .action = "card.bind"}, [&](Txn& txn) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto record, txn.Read<records::CardRecord>(key.key));
        if (!record)
          return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
        if (record->value.card.settled == intent.id) return Ok();
        HEARTH_RETURN_IF_ERROR(CheckPhase(account.form.form_number, intent.id, IntentPhase::kFinishing));
        records::CardRecord& card = record->value;
        // One that was evicted meanwhile gets no place any more.
        const bool joins = !entitlement::IsEvicted(card.card);
        uint8_t generation = 0;
        if (joins) {
          // Read in the card's strand: a new generation of the group comes to all its cards after its commit,
          // and so either before this, and is seen here, or after.
          HEARTH_ASSIGN_OR_RETURN(const auto group,
                                  executor_.Read<records::GroupRecord>(GroupKey(intent.place.group)));
          if (!group) {
            return Error(Reason::kStoreCorrupt, fmt::format("group {} is missing", intent.place.group.value));
          }
          generation = group->value.group.generation;
        }
        HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/joins));
        HEARTH_RETURN_IF_ERROR(EndIntervention(txn, card, intent));
        const bool same_home = card.card.settled != RequestId();
        card.card = entitlement::Bind(std::move(card.card),
                                      {.account = account.form.form_number,
                                       .intent = intent.id,
                                       .box = intent.wanted.box,
                                       .sim = intent.wanted.sim,
                                       .area = account.area,
                                       .village = account.form.village,
                                       .place = intent.place,
                                       .generation = generation},
                                      stamp, txn.now());
        // A new pair begins to be judged anew; the counter stays, so that old reports stay old.
        const auto counter = card.location.last_counter;
        const UnixMillis decided = card.location.last_decision_time;
        card.location = {};
        card.location.last_counter = counter;
        card.location.last_decision_time = decided;
        card.heard.clear();
        card.home_cell.reset();
        card.fix.reset();
        // Another box moves no home: what was approved for it stays.
        if (!same_home) {
          ClearExemption(card);
          card.also = AreaId();
          card.also_until = UnixMillis();
        }
        card.installed_cell.reset();
        txn.Write(key.key, card);
        txn.Emit(records::StandingChanged{
            .card = number, .standing = card.card.standing, .reason = card.card.reason, .stamp = stamp});
        txn.Emit(records::RecordDue{.card = number});
        txn.Emit(records::PairingDue{.card = number});
        if (joins) {
          txn.Emit(records::MemberChanged{
              .group = intent.place.group,
              .change = {
                  .card = number, .slot = intent.place.slot, .on = false, .leave = false, .stamp = stamp}});
        }
        // Nobody can hear an exempt home: it does not wait for a report that never comes.
        if (joins && card.card.exempt) {
          HEARTH_RETURN_IF_ERROR(SwitchOn(txn, card));
          card.location.standing = intervention::Standing::kActive;
          txn.Write(key.key, card);
        }
        return Ok();
      });
  return bound ? Ok() : Status(bound.error());
}

Status Registry::UnbindCard(const Account& account, CardNumber number, StandingReason reason) {
  const ObjectKey key = CardKey(number);
  auto unbound = executor_.Run(
      key.bucket, {.actor = account.intent->actor, .action = "card.unbind"}, [&](Txn& txn) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto record, txn.Read<records::CardRecord>(key.key));
        if (!record || record->value.card.claim.account != account.form.form_number) return Ok();
        HEARTH_RETURN_IF_ERROR(
            CheckPhase(account.form.form_number, account.intent->id, IntentPhase::kFinishing));
        records::CardRecord& card = record->value;
        const GroupSlot place = card.card.place;
        HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/place.group.value != 0));
        card.card = entitlement::Unbind(std::move(card.card), reason, stamp, txn.now());
        card.location.standing = intervention::Standing::kWaiting;
        HEARTH_RETURN_IF_ERROR(EndIntervention(txn, card, *account.intent));
        HEARTH_RETURN_IF_ERROR(EndExemption(txn, card, "the card left its account", limits_));
        HEARTH_RETURN_IF_ERROR(EndRelocation(txn, card, "the card left its account", limits_));
        txn.Write(key.key, card);
        txn.Emit(records::StandingChanged{
            .card = number, .standing = card.card.standing, .reason = card.card.reason, .stamp = stamp});
        txn.Emit(records::RecordDue{.card = number});
        if (place.group.value != 0) {
          txn.Emit(records::MemberChanged{
              .group = place.group,
              .change = {.card = number, .slot = place.slot, .on = false, .leave = true, .stamp = stamp}});
        }
        return Ok();
      });
  return unbound ? Ok() : Status(unbound.error());
}

Status Registry::Settle(std::string_view form_number) {
  auto account = executor_.Read<Account>(AccountKey(form_number));
  if (!account) return account.error();
  if (!*account || !(*account)->value.intent) return Ok();
  auto driven = Drive(form_number);
  // Given up is settled too.
  if (!driven && (IsRefusal(driven.error()) || driven.error().reason() == Reason::kConcurrentEdit))
    return Ok();
  return driven ? Ok() : Status(driven.error());
}

Result<size_t> Registry::Recover() {
  std::vector<std::string> forms;
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_.store().Sequences());
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value >= store::kDataBuckets) break;
    HEARTH_RETURN_IF_ERROR(
        executor_.ForEach(bucket.bucket, kSagaPrefix, [&](std::string_view key, std::string_view) -> Status {
          forms.emplace_back(key.substr(kSagaPrefix.size()));
          return Ok();
        }));
  }
  for (const std::string& form : forms) HEARTH_RETURN_IF_ERROR(Settle(form));
  return forms.size();
}

}  // namespace hearth::app
