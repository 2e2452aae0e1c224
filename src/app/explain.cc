// Why is this home dark, or lit? From the card's record, what the column knows beyond it, and the lists of
// now.
#include <fmt/args.h>
#include <fmt/format.h>

#include "src/app/explain_text.h"
#include "src/app/location.h"

namespace hearth::app {
namespace {

using entitlement::StandingReason;
using records::CardRecord;

Situation WaitingSituation(const CardRecord& record) {
  if (!record.location.last_verdict) return Situation::kWaitingUnheard;
  switch (*record.location.last_verdict) {
    case geofence::Verdict::kBlacklisted:
      return Situation::kWaitingBlacklisted;
    case geofence::Verdict::kOutOfArea:
      return Situation::kWaitingOutOfArea;
    case geofence::Verdict::kUnknownCell:
      return Situation::kWaitingUnknownCell;
    case geofence::Verdict::kNoSignal:
      return Situation::kWaitingNoSignal;
    default:
      return Situation::kWaitingUnheard;
  }
}

Situation SituationOf(const CardRecord& record, const std::optional<intervention::Intervention>& in_force) {
  const entitlement::Card& card = record.card;
  if (card.standing != entitlement::Standing::kDark) {
    if (record.held != 0) return Situation::kLitHeld;
    if (record.location.blacklisted_count + record.location.out_of_area_count > 0)
      return Situation::kLitCounting;
    if (card.exempt) return Situation::kLitExempt;
    const bool unknown = record.location.last_verdict == geofence::Verdict::kUnknownCell;
    return unknown ? Situation::kLitUnknownCell : Situation::kLit;
  }
  switch (card.reason) {
    case StandingReason::kNone:
      return card.claim.held() ? Situation::kSwitchedOff : Situation::kInStock;
    case StandingReason::kWaiting:
      return WaitingSituation(record);
    case StandingReason::kLocation:
      return in_force && in_force->verdict == geofence::Verdict::kOutOfArea ? Situation::kIntervenedAway
                                                                            : Situation::kIntervened;
    case StandingReason::kClosed:
      return Situation::kClosed;
    case StandingReason::kSwapped:
      return Situation::kSwapped;
    case StandingReason::kEvicted:
      return Situation::kEvicted;
    case StandingReason::kOperator:
      break;
  }
  return Situation::kSwitchedOff;
}

// As docs/messages.md section 5, rule 7 has it, on the last cells heard.
Offline OfflineOf(const CardRecord& record, const geofence::Judgement& judgement) {
  if (!record.location.last_verdict || record.fix) return Offline::kNoRules;
  bool own = false;
  for (const auto& finding : judgement.findings) own = own || finding.fate == geofence::CellFate::kOwnPlace;
  if (own) return Offline::kLit;
  if (!judgement.findings.empty() && judgement.findings.front().fate == geofence::CellFate::kBlacklisted) {
    return Offline::kDenied;
  }
  if (record.card.exempt) return Offline::kExempt;
  return judgement.findings.empty() ? Offline::kDeaf : Offline::kGrace;
}

// One explanation in the making.
class Explainer {
 public:
  Explainer(const CardRecord& record, Language language, Explanation& out)
      : record_(record), language_(language), out_(out) {}

  std::string Fill(std::string_view text) const {
    const entitlement::Card& card = record_.card;
    return fmt::format(fmt::runtime(text), fmt::arg("area", ToString(card.area)),
                       fmt::arg("box", ToString(card.box)), fmt::arg("since", ToString(card.standing_since)));
  }
  template <typename... Args>
  void Add(Line line, Args&&... args) {
    out_.evidence.push_back(
        fmt::format(fmt::runtime(LineText(line, language_)), std::forward<Args>(args)...));
  }

  void AddReport(const Report& newest, const geofence::Judgement& judgement) {
    if (!record_.location.last_verdict) return;
    Add(Line::kLastReport, fmt::arg("time", ToString(record_.location.last_report_time)),
        fmt::arg("verdict", VerdictText(*record_.location.last_verdict, language_)),
        fmt::arg("cells", newest.fix || !newest.evidence.cells.empty() ? EvidenceText(newest) : "-"));
    for (const geofence::CellFinding& finding : judgement.findings) {
      const std::string cell = CellsText({finding.heard});
      const std::string_view fate = FateText(finding.fate, language_);
      if (finding.list.id.value == 0) {
        Add(Line::kCell, fmt::arg("cell", cell), fmt::arg("fate", fate));
      } else {
        Add(Line::kCellOnList, fmt::arg("cell", cell), fmt::arg("fate", fate),
            fmt::arg("list", ToString(finding.list.id)), fmt::arg("version", finding.list.version));
      }
    }
    if (record_.location.last_decision_time.value != 0) {
      Add(Line::kDecided, fmt::arg("time", ToString(record_.location.last_decision_time)));
    }
  }

  void AddIntervention(const intervention::Intervention& noted) {
    std::string lists;
    for (const auto& list : noted.lists) {
      lists += fmt::format("; {} v{}", ToString(list.list), list.version);
    }
    Add(Line::kIntervention, fmt::arg("time", ToString(noted.decided)),
        fmt::arg("state", intervention::NameOf(noted.state)),
        fmt::arg("verdict", geofence::NameOf(noted.verdict)),
        fmt::arg("cause", intervention::NameOf(noted.cause)), fmt::arg("cells", noted.evidence),
        fmt::arg("policy", noted.policy_version), fmt::arg("lists", lists));
  }

  void AddExemption(const intervention::Exemption& exemption, UnixMillis now) {
    if (!intervention::InForce(exemption, now) || exemption.steps.empty()) return;
    const intervention::ExemptionStep& granted = exemption.steps.back();
    Add(Line::kExemptionInForce, fmt::arg("time", ToString(exemption.expires)),
        fmt::arg("actor", granted.actor), fmt::arg("approver", granted.approver),
        fmt::arg("reason", granted.reason));
  }

  void AddRelocation(const intervention::Relocation& relocation) {
    if (intervention::IsOver(relocation.state) || relocation.steps.empty()) return;
    const bool approved = relocation.state == intervention::RelocationState::kApproved;
    const intervention::RelocationStep& last = relocation.steps.back();
    Add(approved ? Line::kRelocationApproved : Line::kRelocationAsked,
        fmt::arg("area", ToString(relocation.to)),
        fmt::arg("time", ToString(approved ? relocation.ends : last.at)), fmt::arg("actor", last.actor),
        fmt::arg("reason", last.reason));
  }

  void SetDelivery(const Delivery& delivery) {
    const bool chinese = language_ == Language::kChinese;
    out_.delivery = DeliveryText(delivery.state, language_);
    const auto add = [&](Line line, const std::optional<UnixMillis>& time) {
      if (!time) return;
      out_.delivery += fmt::format(
          "{}{}", chinese ? ";" : " (",
          fmt::format(fmt::runtime(LineText(line, language_)), fmt::arg("time", ToString(*time))));
      if (!chinese) out_.delivery += ")";
    };
    add(Line::kOnAir, delivery.on_air);
    add(Line::kExpected, delivery.expected);
    add(Line::kBounded, delivery.bounded);
  }

 private:
  const CardRecord& record_;
  const Language language_;
  Explanation& out_;
};

}  // namespace

Result<Explanation> Location::Explain(CardNumber number, Language language) {
  HEARTH_ASSIGN_OR_RETURN(auto stored, registry_.SettledCard(number));
  CardRecord& record = stored.value;
  if (const auto row = column_.Find(number)) ApplyRow(*row, row->counter, column_.cells(), record);
  const entitlement::Card& card = record.card;
  const auto geo = geo_.snapshot();
  std::optional<intervention::Intervention> newest;
  if (record.interventions > 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto noted, executor_.Read<records::InterventionRecord>(
                                                  InterventionKey(number, record.interventions)));
    if (noted) newest = noted->value.intervention;
  }
  const Situation situation = SituationOf(record, newest);
  const SituationText& text = TextOf(situation, language);
  Explanation out{.card = number,
                  .lit = card.standing != entitlement::Standing::kDark,
                  .since = card.standing_since,
                  .reason = ReasonOf(situation),
                  .viewer_code = std::string(entitlement::ViewerCode(card)),
                  .area = card.area,
                  .held = record.held};
  Explainer explainer(record, language, out);
  out.why = explainer.Fill(text.why);
  out.what_to_do = explainer.Fill(text.what_to_do);
  out.would_change = explainer.Fill(text.would_change);
  out.screen = ScreenText(out.viewer_code, language);

  Report heard{.card = number, .fix = record.fix};
  heard.evidence = {.cells = record.heard, .no_signal = record.heard.empty() && !record.fix};
  const CardRules rules = geo->RulesFor(number, card.area);
  const geofence::Judgement judgement =
      JudgeEvidence(*geo, PlaceOf(record, rules, executor_.clock().Now()), rules.filter(), heard);
  explainer.AddReport(heard, judgement);
  if (card.area.value != 0) {
    explainer.Add(Line::kVersions, fmt::arg("list", ToString(card.area)),
                  fmt::arg("version", geo->VersionFor(rules, geofence::ListKind::kWhitelist, card.area)),
                  fmt::arg("policy", rules.policy.version));
    out.evidence.push_back(fmt::format(fmt::runtime(OfflineText(OfflineOf(record, judgement), language)),
                                       fmt::arg("hours", rules.policy.grace_hours)));
  }
  if (newest) explainer.AddIntervention(*newest);
  if (record.held != 0) explainer.Add(Line::kHeld, fmt::arg("number", record.held));
  HEARTH_ASSIGN_OR_RETURN(const auto exemption,
                          executor_.Read<records::ExemptionRecord>(ExemptionKey(number)));
  if (exemption) explainer.AddExemption(exemption->value.exemption, executor_.clock().Now());
  HEARTH_ASSIGN_OR_RETURN(const auto relocation,
                          executor_.Read<records::RelocationRecord>(RelocationKey(number)));
  if (relocation) explainer.AddRelocation(relocation->value.relocation);
  if (card.claim.held()) {
    if (const auto delivery = pump_.DeliveryOf(number)) explainer.SetDelivery(*delivery);
  }
  return out;
}

}  // namespace hearth::app
