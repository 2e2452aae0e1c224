// Why is this home dark?
#include <fmt/format.h>

#include "src/app/location.h"

namespace hearth::app {

using records::CardRecord;

Result<Explanation> Location::Explain(CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, registry_.SettledCard(number));
  const CardRecord& record = stored.value;
  const entitlement::Card& card = record.card;
  Explanation answer{.card = number,
                     .lit = card.standing != entitlement::Standing::kDark,
                     .since = card.standing_since,
                     .reason = std::nullopt,
                     .viewer_code = std::string(entitlement::ViewerCode(card)),
                     .why = {},
                     .what_to_do = {},
                     .evidence = {}};
  const auto last = record.location.last_verdict;
  if (answer.lit) {
    answer.why =
        fmt::format("The card is opened for area {} with box {}.", ToString(card.area), ToString(card.box));
    answer.what_to_do =
        "If the screen is dark all the same: leave the box on for a few minutes, or refresh the card.";
  } else if (!card.claim.held() && card.reason == entitlement::StandingReason::kNone) {
    answer.reason = Reason::kCardNotInAccount;
    answer.why = "The card is in stock and belongs to no account.";
  } else if (card.reason == entitlement::StandingReason::kWaiting) {
    answer.reason = Reason::kWaitingForInstallation;
    answer.why =
        fmt::format("The card waits for its installation (等待安装) in area {}.", ToString(card.area));
    if (last) {
      answer.why += fmt::format(" Its last report was judged {}.", geofence::NameOf(*last));
      const auto refused = std::optional<Reason>([&]() -> std::optional<Reason> {
        switch (*last) {
          case geofence::Verdict::kBlacklisted:
            return Reason::kInstallBlacklisted;
          case geofence::Verdict::kOutOfArea:
            return Reason::kInstallOutOfArea;
          case geofence::Verdict::kUnknownCell:
            return Reason::kInstallUnknownCell;
          case geofence::Verdict::kNoSignal:
            return Reason::kInstallNoSignal;
          default:
            return std::nullopt;
        }
      }());
      if (refused) answer.reason = refused;
    } else {
      answer.why += " It has not reported yet.";
    }
  } else if (card.reason == entitlement::StandingReason::kLocation) {
    answer.reason = Reason::kLocationBlacklisted;
    answer.why = fmt::format("The box was heard in a city, so it was switched off on {}.",
                             ToString(card.standing_since));
  } else if (card.reason == entitlement::StandingReason::kEvicted) {
    answer.reason = Reason::kCardEvicted;
    answer.why = fmt::format("The card was evicted on {}: somebody else may have its keys.",
                             ToString(card.standing_since));
  } else if (card.reason == entitlement::StandingReason::kClosed) {
    answer.reason = Reason::kAccountClosed;
    answer.why = "The account of this card is closed.";
  } else {
    answer.reason = Reason::kSwitchedOff;
    answer.why = fmt::format("The card is out of service ({}).", entitlement::NameOf(card.reason));
  }
  if (answer.reason) {
    answer.what_to_do = InfoOf(*answer.reason).cure;
    if (answer.viewer_code.empty()) answer.viewer_code = InfoOf(*answer.reason).viewer;
  }
  if (last) {
    answer.evidence.push_back(fmt::format("last report {}: {}; cells {}",
                                          ToString(record.location.last_report_time), geofence::NameOf(*last),
                                          CellsText(record.heard)));
  }
  if (record.interventions > 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto newest, executor_.Read<records::InterventionRecord>(
                                                   InterventionKey(number, record.interventions)));
    if (newest) {
      const intervention::Intervention& noted = newest->value.intervention;
      std::string line = fmt::format("{} {}: {} ({}); cells {}; policy {}", ToString(noted.decided),
                                     intervention::NameOf(noted.state), geofence::NameOf(noted.verdict),
                                     intervention::NameOf(noted.cause), noted.evidence, noted.policy_version);
      for (const auto& list : noted.lists)
        line += fmt::format("; list {} version {}", ToString(list.list), list.version);
      answer.evidence.push_back(std::move(line));
    }
  }
  return answer;
}

}  // namespace hearth::app
