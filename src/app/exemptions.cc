#include "src/app/exemptions.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "src/app/card_home.h"

namespace hearth::app {
namespace {

using intervention::Exemption;
using intervention::ExemptionActor;
using intervention::ExemptionState;
using records::CardRecord;
using records::ExemptionRecord;

// Ended in one round: with one commit each, some tenths of a second.
constexpr size_t kExemptionsEachRound = 500;
constexpr int64_t kExemptionRetryMillis = 60'000;

// The card as a home of an open account. CARD_UNKNOWN, CARD_EVICTED, CARD_NOT_IN_ACCOUNT.
Result<CardRecord> ReadHome(Txn& txn, CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(CardKey(number).key));
  if (!stored) return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
  HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(stored->value.card));
  if (!stored->value.card.claim.held()) {
    return Error(Reason::kCardNotInAccount,
                 fmt::format("card {} belongs to no open account", ToString(number)));
  }
  return std::move(stored->value);
}

Error UnknownExemption(CardNumber card) {
  return Error(Reason::kExemptionUnknown,
               fmt::format("nobody has reported that card {} has no signal", ToString(card)));
}

Result<std::vector<geofence::Cell>> CellsFrom(const std::vector<std::string>& texts) {
  std::vector<geofence::Cell> cells;
  for (size_t i = 0; i < texts.size(); ++i) {
    HEARTH_ASSIGN_OR_RETURN(cells.emplace_back(), geofence::ParseCell(texts[i], fmt::format("cells[{}]", i)));
  }
  return cells;
}

}  // namespace

Result<CardNumber> CardTokenFrom(std::string_view token) {
  uint64_t after = 0;
  if (token.empty()) return CardNumber(after);
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), after);
  if (fault != std::errc() || end != token.data() + token.size()) {
    return Error(Reason::kPageTokenInvalid, "the page token is none of ours");
  }
  return CardNumber(after);
}

HomeRow Exemptions::RowOf(const ExemptionRecord& record) {
  HomeRow row{.state = static_cast<uint8_t>(record.exemption.state),
              .village = record.village,
              .other = {},
              .due = std::nullopt};
  if (record.exemption.state == ExemptionState::kGranted) row.due = record.exemption.expires;
  return row;
}

Result<ExemptionChanged> Exemptions::Changed(const Request& request, CardNumber card,
                                             const Outcome& outcome) {
  ExemptionChanged changed{.change = outcome.change, .view = {}};
  HEARTH_ASSIGN_OR_RETURN(changed.view.record, records::Decode<ExemptionRecord>(outcome.answer));
  changed.view.revision = request.dry_run ? 0 : outcome.change.revision;
  if (!request.dry_run && !outcome.change.repeated) location_.ForgetHold(card);
  return changed;
}

Result<ExemptionChanged> Exemptions::Report(const Request& request, CardNumber card) {
  // An opening that is under way is finished first, so that the card has its home.
  if (const auto settled = registry_.SettledCard(card); !settled) return settled.error();
  const ObjectKey key = ExemptionKey(card);
  Act act{.action = "exemption.report", .object = "card:" + ToString(card)};
  HEARTH_ASSIGN_OR_RETURN(
      Outcome outcome,
      RunOnce(executor_, key.bucket, request, std::move(act), limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(const CardRecord home, ReadHome(txn, card));
        HEARTH_ASSIGN_OR_RETURN(const auto present, txn.Read<ExemptionRecord>(key.key));
        if (present) HEARTH_RETURN_IF_ERROR(CheckRevision(request, present->revision, key.key));
        ExemptionRecord record;
        HEARTH_ASSIGN_OR_RETURN(
            record.exemption,
            intervention::DecideReport(card, present ? &present->value.exemption : nullptr,
                                       {.name = request.actor, .reason = request.reason, .now = txn.now()},
                                       limits_));
        record.account = home.card.claim.account;
        record.area = home.card.area;
        record.village = home.card.village;
        txn.Write(key.key, record);
        return records::Encode(record);
      }));
  return Changed(request, card, outcome);
}

// One step of a stored one, and what it does to the card.
Result<ExemptionChanged> Exemptions::Step(const Request& request, CardNumber card, Act act, Effect effect,
                                          const Decide& decide) {
  const ObjectKey key = ExemptionKey(card);
  act.object = "card:" + ToString(card);
  HEARTH_ASSIGN_OR_RETURN(
      Outcome outcome,
      RunOnce(executor_, key.bucket, request, std::move(act), limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<ExemptionRecord>(key.key));
        if (!stored) return UnknownExemption(card);
        HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, key.key));
        ExemptionRecord& record = stored->value;
        HEARTH_ASSIGN_OR_RETURN(record.exemption,
                                decide(record.exemption, {request.actor, request.reason, txn.now()}));
        if (effect != Effect::kNone) {
          HEARTH_ASSIGN_OR_RETURN(CardRecord home, ReadHome(txn, card));
          if (effect == Effect::kGrants) {
            HEARTH_ASSIGN_OR_RETURN(home.exempt_cells, CellsFrom(record.exemption.cells));
            home.card.exempt = true;
            home.exempt_until = record.exemption.expires;
          } else {
            ClearExemption(home);
          }
          HEARTH_RETURN_IF_ERROR(location_.Rejudge(txn, home, request.actor, request.reason));
          txn.Write(CardKey(card).key, home);
        }
        txn.Write(key.key, record);
        return records::Encode(record);
      }));
  return Changed(request, card, outcome);
}

Result<ExemptionChanged> Exemptions::Confirm(const Request& request, CardNumber card) {
  return Step(request, card, {.action = "exemption.confirm"}, Effect::kNone,
              [&](const Exemption& exemption, const ExemptionActor& actor) {
                return intervention::DecideConfirm(exemption, actor, limits_);
              });
}

Result<ExemptionChanged> Exemptions::Collect(const Request& request, CardNumber card) {
  return Step(request, card, {.action = "exemption.collect"}, Effect::kNone,
              [&](const Exemption& exemption, const ExemptionActor& actor) {
                return intervention::DecideCollect(exemption, actor, limits_);
              });
}

Result<ExemptionChanged> Exemptions::Grant(const Request& request, CardNumber card,
                                           const ExemptionWish& wish) {
  if (const auto cells = CellsFrom(wish.cells); !cells) return cells.error();
  if (const auto settled = registry_.SettledCard(card); !settled) return settled.error();
  Act act{.action = "exemption.grant",
          .detail = fmt::format("until {}{}{}", ToString(wish.expires), wish.cells.empty() ? "" : "; cells ",
                                fmt::join(wish.cells, " "))};
  return Step(request, card, std::move(act), Effect::kGrants,
              [&](const Exemption& exemption, const ExemptionActor& actor) {
                return intervention::DecideGrant(
                    exemption, {.approver = request.approver, .expires = wish.expires, .cells = wish.cells},
                    actor, limits_);
              });
}

Result<ExemptionChanged> Exemptions::Refuse(const Request& request, CardNumber card) {
  return Step(request, card, {.action = "exemption.refuse"}, Effect::kNone,
              [&](const Exemption& exemption, const ExemptionActor& actor) {
                return intervention::DecideRefuse(exemption, actor, limits_);
              });
}

Result<ExemptionChanged> Exemptions::Revoke(const Request& request, CardNumber card) {
  return Step(request, card, {.action = "exemption.revoke"}, Effect::kEnds,
              [&](const Exemption& exemption, const ExemptionActor& actor) {
                return intervention::DecideRevoke(exemption, actor, limits_);
              });
}

Result<ExemptionView> Exemptions::Get(CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, executor_.Read<ExemptionRecord>(ExemptionKey(card)));
  if (!stored) return UnknownExemption(card);
  return ExemptionView{.record = std::move(stored->value), .revision = stored->revision};
}

Result<PageOf<ExemptionView>> Exemptions::List(const HomeFilter& filter, size_t size,
                                               std::string_view token) {
  HEARTH_ASSIGN_OR_RETURN(const CardNumber after, CardTokenFrom(token));
  const auto cards = index_.After(after, filter, size + 1);
  PageOf<ExemptionView> page;
  for (size_t i = 0; i < cards.size() && i < size; ++i) {
    auto one = Get(cards[i]);
    if (one) page.items.push_back(std::move(*one));
  }
  if (cards.size() > size) page.next_token = fmt::format("{}", cards[size - 1].value);
  return page;
}

Status Exemptions::Expire(CardNumber card) {
  const ObjectKey key = ExemptionKey(card);
  const Act act{.actor = "hearthd",
                .action = "exemption.expire",
                .object = "card:" + ToString(card),
                .reason = "its time is over"};
  auto expired = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<ExemptionRecord>(key.key));
    if (!stored || stored->value.exemption.state != ExemptionState::kGranted) return Ok();
    HEARTH_ASSIGN_OR_RETURN(stored->value.exemption,
                            intervention::DecideExpire(stored->value.exemption, txn.now()));
    HEARTH_ASSIGN_OR_RETURN(auto home, txn.Read<CardRecord>(CardKey(card).key));
    if (home) {
      ClearExemption(home->value);
      HEARTH_RETURN_IF_ERROR(location_.Rejudge(txn, home->value, act.actor, act.reason));
      txn.Write(CardKey(card).key, home->value);
    }
    txn.Write(key.key, stored->value);
    return Ok();
  });
  return expired ? Ok() : Status(expired.error());
}

void Exemptions::Tick() {
  const UnixMillis now = executor_.clock().Now();
  for (const CardNumber card : index_.Due(now, kExemptionsEachRound)) {
    const Status expired = Expire(card);
    if (expired) continue;
    log_.Error("exemption_not_expired", {{"card", ToString(card)}, {"error", expired.error().ToString()}});
    index_.Defer(card, UnixMillis(now.value + kExemptionRetryMillis));
  }
}

}  // namespace hearth::app
