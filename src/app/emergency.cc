#include "src/app/emergency.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearth::app {
namespace {

using entitlement::Emergency;
using entitlement::EmergencyState;

// A division of six digits as the number people write: 640100 is 6401.
RegionCode CodeOf(uint32_t region) {
  if (region % 10'000 == 0) return RegionCode(region / 10'000);
  if (region % 100 == 0) return RegionCode(region / 100);
  return RegionCode(region);
}

std::string EmergencyObject(uint64_t number) { return fmt::format("emergency:{}", number); }

std::string Describe(const Emergency& emergency) {
  return fmt::format("{} {} {}, regions {}, {} minutes", emergency.drill ? "drill" : "alarm",
                     entitlement::NameOf(emergency.kind), entitlement::NameOf(emergency.severity),
                     fmt::join(emergency.regions, " "), emergency.minutes);
}

Error Unknown(uint64_t number) {
  return Error(Reason::kEmergencyUnknown, fmt::format("there is no alert {}", number));
}

// The head with those alerts taken out that are over by now.
Result<records::EmergencyHead> ReadHead(Txn& txn) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Read<records::EmergencyHead>(SiteKey("emergency").key));
  records::EmergencyHead head;
  if (!stored) return head;
  head.last_number = stored->value.last_number;
  for (const uint64_t number : stored->value.open) {
    HEARTH_ASSIGN_OR_RETURN(const auto alert, txn.Read<Emergency>(EmergencyKey(number).key));
    if (alert && !entitlement::IsOver(alert->value, txn.now())) head.open.push_back(number);
  }
  return head;
}

Result<Emergency> CancelStep(Emergency emergency, std::string_view actor, bool /*two_people*/,
                             UnixMillis now) {
  return entitlement::Cancel(std::move(emergency), actor, now);
}

}  // namespace

Status Emergencies::CheckSigner() const {
  if (keys_.emergency_signer() != nullptr) return Ok();
  return Error(Reason::kEmergencyKeyMissing, "no key to sign alerts with is configured");
}

Status Emergencies::CheckRegionsKnown(const Emergency& emergency) const {
  const auto geo = geo_.snapshot();
  for (const uint32_t region : emergency.regions) {
    if (region == 0 || geo->regions.Find(CodeOf(region)) != nullptr) continue;
    return Error(Reason::kRegionUnknown, fmt::format("division {} is not known", CodeOf(region).value))
        .Field("emergency.regions", "divisions that are known: a misspelt one would warn nobody");
  }
  return Ok();
}

// After a repeat: what the first call answered.
Result<EmergencyChanged> Emergencies::Answer(const Outcome& outcome) const {
  HEARTH_ASSIGN_OR_RETURN(Emergency emergency, records::Decode<Emergency>(outcome.answer));
  const bool over = entitlement::IsOver(emergency, executor_.clock().Now());
  return EmergencyChanged{
      .change = outcome.change,
      .view = {.emergency = std::move(emergency), .revision = outcome.change.revision, .over = over}};
}

Result<EmergencyChanged> Emergencies::Propose(const Request& request, const Emergency& wanted) {
  HEARTH_RETURN_IF_ERROR(CheckSigner());
  if (request.if_revision != 0) {
    return InvalidField("change.if_revision", "empty: a proposal is a new alert");
  }
  const Act act{.action = "emergency.propose", .object = "site", .detail = Describe(wanted)};
  const ObjectKey head_key = SiteKey("emergency");
  HEARTH_ASSIGN_OR_RETURN(
      const auto outcome,
      RunOnce(executor_, head_key.bucket, request, act, limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(Emergency emergency, entitlement::CheckEmergency(wanted, txn.now(), limits_));
        HEARTH_RETURN_IF_ERROR(CheckRegionsKnown(emergency));
        HEARTH_ASSIGN_OR_RETURN(records::EmergencyHead head, ReadHead(txn));
        if (head.open.size() >= limits_.emergencies_open) {
          return Error(Reason::kLimitExceeded,
                       fmt::format("{} alerts are not over yet, and boxes hold no more", head.open.size()));
        }
        emergency.number = ++head.last_number;
        emergency.state = EmergencyState::kProposed;
        emergency.proposed_by = request.actor;
        emergency.proposed = txn.now();
        head.open.push_back(emergency.number);
        txn.Write(head_key.key, head);
        txn.Write(EmergencyKey(emergency.number).key, emergency);
        txn.NameObject(EmergencyObject(emergency.number));
        return records::Encode(emergency);
      }));
  return Answer(outcome);
}

Result<EmergencyChanged> Emergencies::Run(const Request& request, uint64_t number, std::string_view action,
                                          Step step) {
  const ObjectKey key = EmergencyKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      const auto outcome,
      RunOnce(
          executor_, key.bucket, request, {.action = std::string(action), .object = EmergencyObject(number)},
          limits_, [&](Txn& txn) -> Result<std::string> {
            HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Read<Emergency>(key.key));
            if (!stored) return Unknown(number);
            HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, fmt::format("alert {}", number)));
            HEARTH_ASSIGN_OR_RETURN(Emergency emergency,
                                    step(stored->value, request.actor, two_people_, txn.now()));
            // A proposal that is dropped never was on the air.
            if (emergency.state == EmergencyState::kApproved || emergency.stamp.value != 0) {
              HEARTH_RETURN_IF_ERROR(CheckSigner());
              HEARTH_ASSIGN_OR_RETURN(emergency.stamp, txn.NextStamp(/*open=*/false));
              txn.Emit(records::EmergencyDue{.number = number});
            }
            txn.Write(key.key, emergency);
            return records::Encode(emergency);
          }));
  return Answer(outcome);
}

Result<EmergencyChanged> Emergencies::Approve(const Request& request, uint64_t number) {
  return Run(request, number, "emergency.approve", &entitlement::Approve);
}

Result<EmergencyChanged> Emergencies::Cancel(const Request& request, uint64_t number) {
  return Run(request, number, "emergency.cancel", &CancelStep);
}

Result<EmergencyView> Emergencies::Get(uint64_t number) const {
  HEARTH_ASSIGN_OR_RETURN(auto stored, executor_.Read<Emergency>(EmergencyKey(number)));
  if (!stored) return Unknown(number);
  const bool over = entitlement::IsOver(stored->value, executor_.clock().Now());
  return EmergencyView{.emergency = std::move(stored->value), .revision = stored->revision, .over = over};
}

Result<PageOf<EmergencyView>> Emergencies::List(bool open_only, size_t size, std::string_view token) const {
  std::string after;
  if (!token.empty()) {
    uint64_t last = 0;
    const auto parsed = std::from_chars(token.data(), token.data() + token.size(), last);
    if (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()) {
      return Error(Reason::kPageTokenInvalid, "this is no page token of alerts");
    }
    after = EmergencyKey(last).key;
  }
  const UnixMillis now = executor_.clock().Now();
  PageOf<EmergencyView> result;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(
        const auto page,
        executor_.store().Scan(store::kSystemBucket, store::Space::kObject, kEmergencyPrefix, after, 256));
    for (const auto& item : page.items) {
      if (result.items.size() == size) {
        result.next_token = fmt::format("{}", result.items.back().emergency.number);
        return result;
      }
      after = item.key;
      HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(item.value));
      HEARTH_ASSIGN_OR_RETURN(auto emergency, records::Decode<Emergency>(value.value));
      const bool over = entitlement::IsOver(emergency, now);
      if (open_only && over) continue;
      result.items.push_back({.emergency = std::move(emergency), .revision = value.revision, .over = over});
    }
    if (!page.more || page.items.empty()) return result;
  }
}

}  // namespace hearth::app
