#include "entitlement/emergency.h"

#include <algorithm>

#include <fmt/format.h>

#include "entitlement/checks.h"

namespace hearth::entitlement {
namespace {

constexpr size_t kReferenceBytes = 128;
// A start that was meant as "now" when the proposal was written.
constexpr std::chrono::milliseconds kStartBack = std::chrono::minutes(5);

UnixMillis FullSecond(UnixMillis time) { return UnixMillis(time.value / 1000 * 1000); }

Result<std::vector<uint32_t>> CheckRegions(std::vector<uint32_t> regions) {
  if (regions.empty()) return MissingField("emergency.regions", "at least one, or everywhere");
  std::sort(regions.begin(), regions.end());
  regions.erase(std::unique(regions.begin(), regions.end()), regions.end());
  std::vector<uint32_t> kept;
  for (const uint32_t region : regions) {
    if (region != 0 && !IsDivision(region)) {
      return InvalidField("emergency.regions", "provinces, prefectures or counties: 2, 4 or 6 digits");
    }
    // A wider one sorts before those inside of it, as it ends in zeros.
    const auto holds = [&](uint32_t wider) { return DivisionContains(wider, region); };
    if (std::none_of(kept.begin(), kept.end(), holds)) kept.push_back(region);
  }
  if (kept.size() > kEmergencyRegions) {
    return InvalidField(
        "emergency.regions",
        fmt::format("at most {}: take the divisions above them, or propose two", kEmergencyRegions));
  }
  return kept;
}

Error Over(const Emergency& emergency) {
  const bool proposal = emergency.state == EmergencyState::kProposed;
  return Error(Reason::kEmergencyOver,
               fmt::format("alert {} {} at {}", emergency.number,
                           proposal ? "lapsed without approval" : "ended", ToString(EndOf(emergency))));
}

}  // namespace

UnixMillis EndOf(const Emergency& emergency) {
  const UnixMillis lapse = Plus(emergency.proposed, kProposalLife);
  const bool waits = emergency.approved_by.empty();
  if (waits && emergency.start == UnixMillis()) return lapse;
  const UnixMillis end = Plus(emergency.start, std::chrono::minutes(emergency.minutes));
  return waits ? std::min(lapse, end) : end;
}

Result<Emergency> CheckEmergency(Emergency wanted, UnixMillis now, const Limits& limits) {
  HEARTH_ASSIGN_OR_RETURN(wanted.regions, CheckRegions(std::move(wanted.regions)));
  if (wanted.minutes == 0 || wanted.minutes > kMaxEmergencyMinutes) {
    return InvalidField("emergency.duration_minutes", fmt::format("1 to {} minutes", kMaxEmergencyMinutes));
  }
  if (!wanted.service.none() && wanted.service.service == 0) {
    return InvalidField("emergency.service", "a service_id of 1 to 65535, or no service at all");
  }
  if (wanted.reference.size() > std::min(kReferenceBytes, limits.text_bytes)) {
    return InvalidField("emergency.reference", fmt::format("at most {} bytes", kReferenceBytes));
  }
  wanted.start = FullSecond(wanted.start);
  const bool set = wanted.start != UnixMillis();
  if (set && (wanted.start < Plus(now, -kStartBack) || wanted.start > Plus(now, kEmergencyAhead))) {
    return InvalidField("emergency.start", "within the next 30 days, or empty for when it is approved");
  }
  return wanted;
}

Result<Emergency> Approve(Emergency emergency, std::string_view actor, bool two_people, UnixMillis now) {
  if (emergency.state != EmergencyState::kProposed) {
    return Error(Reason::kEmergencyStateInvalid,
                 fmt::format("alert {} is {} already", emergency.number,
                             emergency.state == EmergencyState::kApproved ? "approved" : "cancelled"));
  }
  if (IsOver(emergency, now)) return Over(emergency);
  if (two_people && !emergency.drill && actor == emergency.proposed_by) {
    return Error(Reason::kSecondApproverNeeded,
                 fmt::format("alert {} is real and was proposed by {}: another person must approve it",
                             emergency.number, actor));
  }
  emergency.state = EmergencyState::kApproved;
  emergency.approved_by = actor;
  emergency.approved = now;
  if (emergency.start == UnixMillis()) emergency.start = FullSecond(now);
  return emergency;
}

Result<Emergency> Cancel(Emergency emergency, std::string_view actor, UnixMillis now) {
  if (emergency.state == EmergencyState::kCancelled) {
    return Error(Reason::kEmergencyStateInvalid,
                 fmt::format("alert {} is cancelled already", emergency.number));
  }
  if (IsOver(emergency, now)) return Over(emergency);
  emergency.state = EmergencyState::kCancelled;
  emergency.cancelled_by = actor;
  emergency.cancelled = now;
  return emergency;
}

std::string_view NameOf(EmergencyKind kind) {
  using enum EmergencyKind;
  switch (kind) {
    case kOther:
      return "OTHER";
    case kEarthquake:
      return "EARTHQUAKE";
    case kFlood:
      return "FLOOD";
    case kStorm:
      return "STORM";
    case kLandslide:
      return "LANDSLIDE";
    case kFire:
      return "FIRE";
    case kHazardousMaterial:
      return "HAZARDOUS_MATERIAL";
    case kPublicHealth:
      return "PUBLIC_HEALTH";
    case kPublicSafety:
      return "PUBLIC_SAFETY";
    case kColdAndSnow:
      return "COLD_AND_SNOW";
  }
  return "OTHER";
}

std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kRed:
      return "RED";
    case Severity::kOrange:
      return "ORANGE";
    case Severity::kYellow:
      return "YELLOW";
    case Severity::kBlue:
      return "BLUE";
  }
  return "RED";
}

}  // namespace hearth::entitlement
