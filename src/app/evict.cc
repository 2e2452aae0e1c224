// The saga of an eviction.
//
//   1. system   evict/<request>: the intent
//   2. cards    each evicted card goes dark for ever and has no place any more: from here on its record holds
//               no group key. Its account is told
//   3. groups   the next generation, with a new random key; the slots of the evicted, and of cards that had
//               left before, are free
//   4. cards    each survivor's record is due, with a newer stamp than the one that holds the former key
//   5. groups   the group's section is due, and the service keys after it
//   6. system   the intent is gone, the answer remembered
//
// Every step may be repeated: 2 and 4 look at the card, 3 at whether an evicted card is still in the group, 5
// sends again. So whoever finds the intent after a crash begins at 2. An eviction is never given up.
//
// The order. 2 before 3: a record built in between must not give the new key to the evicted. 3 before 4: a
// record is built from the group as it is when it is sent, so those of 4 hold the new key. 4 before 5: the
// section is of use to whoever has the record.
//
// Why the survivors go on watching. A new generation takes no key from a card: it keeps package and service
// keys (docs/messages.md section 5), and those of the epoch on the air last until that epoch ends.
//   - Record read, section not yet: watches with the keys it has. A section of the former generation that
//     comes late no longer opens for it, and says nothing that the record does not say.
//   - Section heard before the record: it is of another generation, so it is passed over; the next one opens.
//   - Off for all of it: when it is on again it watches as long as its keys last, and needs its record before
//     they end: the records' cycle, or RefreshCard, brings it. If they ended meanwhile it is dark until then.
//   - Switched off or on meanwhile: 0x83 and the record say so by stamps that no group section overtakes, as
//   the
//     stamp of a section is below every change that is not in its bitmap.
//
// What the evicted card can still do, if it ignores all that: it holds the package keys of the epoch on the
// air (in the lead: of the next one), and what they open. K(e) = KDF(K(e + 1)) leads back only, so the next
// epoch's keys, which go out under group keys alone, are out of its reach: no new chain is needed, and one
// would not shorten the time, as the service keys of the epoch are with the card already. OpenUntil says when
// that ends.

#include "src/app/evict.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <fmt/format.h>

#include "src/app/card_home.h"
#include "src/app/card_turn.h"
#include "src/app/parallel.h"
#include "src/carousel/compile.h"

namespace hearth::app {
namespace {

using records::Eviction;

// Survivors told at once: one sync serves many of them.
constexpr size_t kTellingThreads = 32;

std::vector<CardNumber> NumbersOf(const Eviction& eviction) {
  std::vector<CardNumber> numbers;
  for (const Eviction::Card& card : eviction.cards) numbers.push_back(card.card);
  return numbers;
}

std::set<GroupId> GroupsOf(const Eviction& eviction) {
  std::set<GroupId> groups;
  for (const Eviction::Card& card : eviction.cards) groups.insert(card.group);
  return groups;
}

Act ActOf(const Eviction& eviction, std::string action, std::string object, std::string detail) {
  return {.actor = eviction.actor,
          .action = std::move(action),
          .object = std::move(object),
          .reason = eviction.reason,
          .approver = eviction.approver,
          .detail = std::move(detail)};
}

void Count(const Bytes& section, Eviction& plan) {
  ++plan.messages;
  plan.bytes += section.size();
}

Error MissingGroup(GroupId group) {
  return Error(Reason::kStoreCorrupt, fmt::format("group {} is missing", group.value));
}

}  // namespace

AirCost CostOf(const Eviction& eviction, uint32_t kbps) {
  const uint64_t packets = carousel::PackedPackets(eviction.messages, eviction.bytes);
  return {.packets = packets, .seconds = carousel::AirSeconds(packets, kbps)};
}

Status Evictions::CheckCards(const Request& request, const std::vector<CardNumber>& cards) const {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  if (request.if_revision != 0) return InvalidField("change.if_revision", "empty: several objects change");
  if (cards.empty()) return MissingField("card_numbers", "the cards to evict");
  if (cards.size() > limits_.evicted_cards) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("{} cards; {} at a time", cards.size(), limits_.evicted_cards));
  }
  std::set<CardNumber> seen;
  for (size_t i = 0; i < cards.size(); ++i) {
    if (!seen.insert(cards[i]).second) return InvalidField(fmt::format("card_numbers[{}]", i), "named once");
  }
  return CheckRequestAge(request, executor_.clock().Now(), limits_);
}

UnixMillis Evictions::OpenUntil() const {
  const EpochPlan& plan = keys_.plan();
  return UnixMillis(plan.zero.value + static_cast<int64_t>(keys_.on_air() + 1) * plan.length.count());
}

// Whether a card that has a slot in a group is in it, or on its way there. What is not certain stays.
Result<bool> Evictions::Stays(GroupId group, const entitlement::GroupMember& member, uint8_t slot) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::CardRecord>(CardKey(member.card)));
  if (!stored) return false;
  const entitlement::Card& card = stored->value.card;
  if (card.place == entitlement::GroupSlot{.group = group, .slot = slot}) return true;
  // A card that joins is claimed before it gets its slot, and settled after.
  return card.claim.held() && card.settled != card.claim.intent;
}

// Builds what would be sent, as it is now, and counts it: the sizes are the same afterwards.
Status Evictions::PlanGroup(GroupId id, std::span<const CardNumber> evicted, Eviction& plan) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::GroupRecord>(GroupKey(id)));
  if (!stored) return MissingGroup(id);
  const auto& members = stored->value.group.members;
  for (size_t slot = 0; slot < members.size(); ++slot) {
    const CardNumber card = members[slot].card;
    if (card.value == 0 || std::find(evicted.begin(), evicted.end(), card) != evicted.end()) continue;
    HEARTH_ASSIGN_OR_RETURN(const bool stays, Stays(id, members[slot], static_cast<uint8_t>(slot)));
    if (!stays) continue;
    ++plan.survivors;
    HEARTH_ASSIGN_OR_RETURN(const Bytes record, builder_.Record(card));
    Count(record, plan);
  }
  HEARTH_ASSIGN_OR_RETURN(const Sections sections, builder_.Group(id, executor_.stamps().Watermark()));
  for (const Bytes& section : sections) Count(section, plan);
  ++plan.groups;
  return Ok();
}

Status Evictions::PlanServiceKeys(uint32_t county, Eviction& plan) const {
  for (const entitlement::Package& package : keys_.PackagesOf(static_cast<uint16_t>(county / 10000))) {
    HEARTH_ASSIGN_OR_RETURN(const Sections sections,
                            builder_.ServiceKeys(package.id, executor_.stamps().Now()));
    for (const Bytes& section : sections) Count(section, plan);
  }
  return Ok();
}

Result<Eviction> Evictions::Plan(const Request& request, const std::vector<CardNumber>& cards) {
  Eviction plan{.id = request.id,
                .content_hash = request.content_hash,
                .actor = request.actor,
                .reason = request.reason,
                .approver = request.approver,
                .started = executor_.clock().Now()};
  std::set<uint32_t> counties;
  for (size_t i = 0; i < cards.size(); ++i) {
    const std::string field = fmt::format("card_numbers[{}]", i);
    auto record = registry_.SettledCard(cards[i]);
    if (!record) return Error(record.error()).Field(field, "a card in stock");
    const entitlement::Card& card = record->value.card;
    if (const Status fit = entitlement::CheckNotEvicted(card); !fit) {
      return Error(fit.error()).Field(field, "a card that was not evicted before");
    }
    if (card.place.group.value == 0) {
      return Error(Reason::kCardNotInAccount,
                   fmt::format("card {} belongs to no open account, and so to no group", ToString(cards[i])))
          .Field(field, "a card in a group");
    }
    plan.cards.push_back({.card = cards[i], .group = card.place.group, .account = card.claim.account});
    counties.insert(static_cast<uint32_t>(Ancestor(card.village, RegionLevel::kCounty).value));
    // Its 0x83 and its last record.
    ++plan.messages;
    plan.bytes += carousel::kStandingBytes;
    HEARTH_ASSIGN_OR_RETURN(const Bytes last, builder_.Record(cards[i]));
    Count(last, plan);
  }
  for (const GroupId group : GroupsOf(plan)) HEARTH_RETURN_IF_ERROR(PlanGroup(group, cards, plan));
  for (const uint32_t county : counties) HEARTH_RETURN_IF_ERROR(PlanServiceKeys(county, plan));
  plan.open_until = OpenUntil();
  return plan;
}

Result<EvictionAnswer> Evictions::Evict(const Request& request, const std::vector<CardNumber>& cards) {
  HEARTH_RETURN_IF_ERROR(CheckCards(request, cards));
  const MutexLock one(one_);
  const ObjectKey key = EvictionKey(request.id);
  std::optional<records::Dedup> former;
  std::optional<Eviction> under_way;
  HEARTH_ASSIGN_OR_RETURN(const auto looked, executor_.Run(key.bucket, {}, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(former, FindRepeat(txn, request));
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<Eviction>(key.key));
    if (stored) under_way = std::move(stored->value);
    return Ok();
  }));
  if (former) {
    HEARTH_ASSIGN_OR_RETURN(auto eviction, records::Decode<Eviction>(former->answer));
    return EvictionAnswer{.change = {.committed = {key.bucket, former->revision, true},
                                     .revision = former->revision,
                                     .repeated = true},
                          .eviction = std::move(eviction)};
  }
  if (under_way && under_way->content_hash != request.content_hash) {
    return Error(Reason::kRequestIdReused,
                 fmt::format("request id {} was used for another request", request.id.ToString()));
  }
  if (under_way && !request.dry_run) return Drive(std::move(*under_way));
  HEARTH_ASSIGN_OR_RETURN(Eviction plan, Plan(request, cards));
  if (request.dry_run) return EvictionAnswer{.change = {.committed = looked}, .eviction = std::move(plan)};
  HEARTH_RETURN_IF_ERROR(Begin(plan));
  HEARTH_RETURN_IF_ERROR(Probe("begun"));
  return Drive(std::move(plan));
}

Status Evictions::Begin(const Eviction& plan) {
  const ObjectKey key = EvictionKey(plan.id);
  const auto act =
      ActOf(plan, "card.evict", "site",
            fmt::format("{} cards, {} groups, {} survivors", plan.cards.size(), plan.groups, plan.survivors));
  auto begun = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    txn.Write(key.key, plan);
    return Ok();
  });
  return begun ? Ok() : Status(begun.error());
}

Result<EvictionAnswer> Evictions::Drive(Eviction eviction) {
  // By number: a card that was found in another group appends to the list.
  for (size_t i = 0; i < eviction.cards.size(); ++i) {
    HEARTH_RETURN_IF_ERROR(EvictCard(eviction, eviction.cards[i].card));
    HEARTH_RETURN_IF_ERROR(Probe("evicted card"));
    HEARTH_RETURN_IF_ERROR(NoteInAccount(eviction, eviction.cards[i]));
    HEARTH_RETURN_IF_ERROR(Probe("noted in account"));
  }
  for (const GroupId group : GroupsOf(eviction)) {
    HEARTH_RETURN_IF_ERROR(BeginGeneration(eviction, group));
    HEARTH_RETURN_IF_ERROR(Probe("began generation"));
  }
  for (const GroupId group : GroupsOf(eviction)) {
    HEARTH_RETURN_IF_ERROR(GiveKeys(group));
    HEARTH_RETURN_IF_ERROR(Probe("gave keys"));
    HEARTH_RETURN_IF_ERROR(SendGroup(group));
    HEARTH_RETURN_IF_ERROR(Probe("sent group"));
  }
  // An epoch's keys may have come on the air since the plan was made, and the card may have read them.
  eviction.open_until = std::max(eviction.open_until, OpenUntil());
  const ObjectKey key = EvictionKey(eviction.id);
  const Act act{.actor = eviction.actor, .action = "card.evict"};
  EvictionAnswer answer;
  HEARTH_ASSIGN_OR_RETURN(answer.change.committed, executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    txn.Delete(key.key);
    txn.Remember(eviction.id, {.content_hash = eviction.content_hash,
                               .time = txn.now(),
                               .revision = txn.next_sequence(),
                               .answer = records::Encode(eviction)});
    return Ok();
  }));
  answer.change.revision = answer.change.committed.sequence;
  answer.eviction = std::move(eviction);
  return answer;
}

Status Evictions::EvictCard(Eviction& eviction, CardNumber number) {
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto elsewhere, TryEvictCard(eviction, number));
    if (!elsewhere) return Ok();
    // It was closed here and opened there since the plan was made: it knows the keys of both groups.
    eviction.cards.push_back(*elsewhere);
    HEARTH_RETURN_IF_ERROR(Begin(eviction));
  }
}

// The place of the card, when it is in a group that the intent does not know; then nothing was done.
Result<std::optional<Eviction::Card>> Evictions::TryEvictCard(const Eviction& eviction, CardNumber number) {
  const ObjectKey key = CardKey(number);
  std::optional<Eviction::Card> elsewhere;
  Act act = ActOf(eviction, "card.evict", "card:" + ToString(number), "");
  auto done = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::CardRecord>(key.key));
    if (!stored || entitlement::IsEvicted(stored->value.card)) return Ok();
    records::CardRecord& record = stored->value;
    const entitlement::GroupSlot place = record.card.place;
    const bool member = place.group.value != 0;
    if (member && !GroupsOf(eviction).contains(place.group)) {
      elsewhere = Eviction::Card{.card = number, .group = place.group, .account = record.card.claim.account};
      return Ok();
    }
    act.detail = fmt::format("from group {}", place.group.value);
    HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/member));
    record.card = entitlement::Evict(std::move(record.card), stamp, txn.now());
    record.location.standing = intervention::Standing::kWaiting;
    HEARTH_RETURN_IF_ERROR(EndInterventions(txn, record, eviction.actor, "card.evict: " + eviction.reason));
    HEARTH_RETURN_IF_ERROR(EndExemption(txn, record, "the card was evicted", limits_));
    HEARTH_RETURN_IF_ERROR(EndRelocation(txn, record, "the card was evicted", limits_));
    txn.Write(key.key, record);
    txn.Emit(records::StandingChanged{
        .card = number, .standing = record.card.standing, .reason = record.card.reason, .stamp = stamp});
    txn.Emit(records::RecordDue{.card = number});
    if (member) {
      txn.Emit(records::MemberChanged{
          .group = place.group,
          .change = {.card = number, .slot = place.slot, .on = false, .leave = true, .stamp = stamp}});
    }
    return Ok();
  });
  if (!done) return done.error();
  return elsewhere;
}

Status Evictions::NoteInAccount(const Eviction& eviction, const Eviction::Card& evicted) {
  const ObjectKey key = AccountKey(evicted.account);
  const Act act = ActOf(eviction, "card.evict", "account:" + evicted.account,
                        fmt::format("card {}", ToString(evicted.card)));
  auto noted = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto account, txn.Read<entitlement::Account>(key.key));
    if (!account || account->value.state == entitlement::AccountState::kClosed) return Ok();
    const bool has = account->value.form.devices.card == evicted.card;
    if (!has || account->value.place.group != evicted.group) return Ok();
    txn.Write(key.key, entitlement::CardEvicted(account->value, evicted.group,
                                                {.name = eviction.actor,
                                                 .reason = eviction.reason,
                                                 .approver = eviction.approver,
                                                 .now = txn.now()}));
    return Ok();
  });
  return noted ? Ok() : Status(noted.error());
}

Status Evictions::BeginGeneration(const Eviction& eviction, GroupId id) {
  const std::vector<CardNumber> evicted = NumbersOf(eviction);
  HEARTH_ASSIGN_OR_RETURN(const Bytes fresh_key, keys_.NewGroupKey(id));
  const ObjectKey key = GroupKey(id);
  Act act = ActOf(eviction, "group.generation", fmt::format("group:{}", id.value), "");
  auto begun = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::GroupRecord>(key.key));
    if (!stored) return MissingGroup(id);
    // Asked inside the group's strand: whoever joined before this is claimed, and whoever joins after finds
    // the new generation.
    Status asked = Ok();
    auto next = entitlement::NextGeneration(stored->value.group, evicted,
                                            [&](const entitlement::GroupMember& member, uint8_t slot) {
                                              const auto stays = Stays(id, member, slot);
                                              if (!stays) asked = stays.error();
                                              return !stays || *stays;
                                            });
    HEARTH_RETURN_IF_ERROR(asked);
    if (!next) return Ok();
    act.detail = fmt::format("generation {}", next->generation);
    stored->value.group = std::move(*next);
    stored->value.wrapped_key = fresh_key;
    txn.Write(key.key, stored->value);
    return Ok();
  });
  return begun ? Ok() : Status(begun.error());
}

Status Evictions::GiveKeys(GroupId id) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::GroupRecord>(GroupKey(id)));
  if (!stored) return MissingGroup(id);
  const entitlement::Group& group = stored->value.group;
  std::vector<Status> given(group.members.size(), Ok());
  InParallel(given.size(), kTellingThreads, [&](size_t slot) {
    const CardNumber card = group.members[slot].card;
    if (card.value != 0) given[slot] = GiveKey(card, id, group.generation);
  });
  for (const Status& status : given) HEARTH_RETURN_IF_ERROR(status);
  return Ok();
}

Status Evictions::GiveKey(CardNumber number, GroupId group, uint8_t generation) {
  const ObjectKey key = CardKey(number);
  auto given = executor_.Run(key.bucket, {.actor = "saga", .action = "card.rekey"}, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::CardRecord>(key.key));
    if (!stored) return Ok();
    entitlement::Card& card = stored->value.card;
    if (card.place.group != group || card.generation == generation) return Ok();
    HEARTH_ASSIGN_OR_RETURN(card.record_stamp, txn.NextStamp(/*open=*/false));
    card.generation = generation;
    txn.Write(key.key, stored->value);
    txn.Emit(records::RecordDue{.card = number}, records::Urgency::kBulk);
    return Ok();
  });
  return given ? Ok() : Status(given.error());
}

Status Evictions::SendGroup(GroupId id) {
  const ObjectKey key = GroupKey(id);
  auto sent = executor_.Run(key.bucket, {.actor = "saga", .action = "group.send"}, [&](Txn& txn) -> Status {
    txn.Emit(records::GroupDue{.group = id, .at_least = {}, .keys = true}, records::Urgency::kBulk);
    return Ok();
  });
  return sent ? Ok() : Status(sent.error());
}

Status Evictions::Recover() {
  const MutexLock one(one_);
  std::vector<Eviction> left;
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, kEvictionPrefix, [&](std::string_view key, std::string_view value) -> Status {
        auto eviction = records::Decode<Eviction>(value);
        if (eviction) {
          left.push_back(std::move(*eviction));
        } else {
          log_.Error("eviction_unfinished", {{"key", key}, {"error", eviction.error().ToString()}});
        }
        return Ok();
      }));
  for (Eviction& eviction : left) {
    const std::string id = eviction.id.ToString();
    if (auto done = Drive(std::move(eviction)); !done) {
      log_.Error("eviction_unfinished", {{"request", id}, {"error", done.error().ToString()}});
    } else {
      log_.Info("eviction_finished", {{"request", id}});
    }
  }
  return Ok();
}

}  // namespace hearth::app
