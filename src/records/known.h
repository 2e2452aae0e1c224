// Inside src/records: whether an enum has a name for a value. Switches without a default, so that a new
// enumerator does not compile before it is listed here.
#pragma once

#include "entitlement/account.h"
#include "entitlement/emergency.h"
#include "entitlement/plan.h"
#include "entitlement/schedule.h"
#include "entitlement/standing.h"
#include "geofence/area.h"
#include "geofence/cell_list.h"
#include "geofence/verdict.h"
#include "intervention/decide.h"
#include "intervention/exemption.h"
#include "intervention/lifecycle.h"
#include "intervention/relocation.h"
#include "intervention/rollout.h"
#include "src/records/records.h"

namespace hearth::records {

constexpr bool Known(entitlement::SubsidyClass value) {
  using enum entitlement::SubsidyClass;
  switch (value) {
    case kNone:
    case kFiveGuarantee:
    case kDisabled:
    case kMilitaryFamily:
    case kOther:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::AccountState value) {
  using enum entitlement::AccountState;
  switch (value) {
    case kOpening:
    case kOpen:
    case kSwapping:
    case kClosed:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::IntentKind value) {
  using enum entitlement::IntentKind;
  switch (value) {
    case kOpen:
    case kSwap:
    case kClose:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::IntentPhase value) {
  using enum entitlement::IntentPhase;
  switch (value) {
    case kClaiming:
    case kAborting:
    case kFinishing:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::Standing value) {
  using enum entitlement::Standing;
  switch (value) {
    case kDark:
    case kOn:
    case kOnExempt:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::StandingReason value) {
  using enum entitlement::StandingReason;
  switch (value) {
    case kNone:
    case kWaiting:
    case kLocation:
    case kClosed:
    case kSwapped:
    case kOperator:
    case kEvicted:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::CriteriaMode value) {
  using enum entitlement::CriteriaMode;
  switch (value) {
    case kClosed:
    case kSubscribers:
    case kProduct:
    case kOpen:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::ChannelKind value) {
  using enum entitlement::ChannelKind;
  switch (value) {
    case kTv:
    case kRadio:
      return true;
  }
  return false;
}

constexpr bool Known(geofence::AreaState value) {
  using enum geofence::AreaState;
  switch (value) {
    case kDraft:
    case kSubmitted:
    case kApproved:
    case kOnFile:
    case kRetired:
      return true;
  }
  return false;
}

constexpr bool Known(geofence::ListKind value) {
  using enum geofence::ListKind;
  switch (value) {
    case kWhitelist:
    case kBlacklist:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::WindowKind value) {
  using enum entitlement::WindowKind;
  switch (value) {
    case kEvent:
    case kFreeToAir:
    case kBlackout:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::EmergencyKind value) {
  using enum entitlement::EmergencyKind;
  switch (value) {
    case kOther:
    case kEarthquake:
    case kFlood:
    case kStorm:
    case kLandslide:
    case kFire:
    case kHazardousMaterial:
    case kPublicHealth:
    case kPublicSafety:
    case kColdAndSnow:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::Severity value) {
  using enum entitlement::Severity;
  switch (value) {
    case kRed:
    case kOrange:
    case kYellow:
    case kBlue:
      return true;
  }
  return false;
}

constexpr bool Known(entitlement::EmergencyState value) {
  using enum entitlement::EmergencyState;
  switch (value) {
    case kProposed:
    case kApproved:
    case kCancelled:
      return true;
  }
  return false;
}

constexpr bool Known(geofence::Verdict value) {
  using enum geofence::Verdict;
  switch (value) {
    case kInArea:
    case kOutOfArea:
    case kBlacklisted:
    case kUnknownCell:
    case kNoSignal:
    case kExempt:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::Standing value) {
  using enum intervention::Standing;
  switch (value) {
    case kWaiting:
    case kActive:
    case kIntervened:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::Cause value) {
  using enum intervention::Cause;
  switch (value) {
    case kInPlace:
    case kFirstReport:
    case kReturned:
    case kInstallBlacklisted:
    case kInstallOutOfArea:
    case kInstallUnknownCell:
    case kInstallNoSignal:
    case kBlacklistedCounting:
    case kBlacklistedConfirmed:
    case kNeighbourHeard:
    case kNotAuthenticated:
    case kOutOfAreaCounting:
    case kOutOfAreaWindow:
    case kUnknownCell:
    case kNoSignal:
    case kStillAway:
    case kStale:
    case kReconsidered:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::InterventionState value) {
  using enum intervention::InterventionState;
  switch (value) {
    case kInForce:
    case kLifted:
    case kRefusedInstall:
    case kProposed:
    case kHeld:
    case kDropped:
    case kExpired:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::BreakerAnswer value) {
  using enum intervention::BreakerAnswer;
  switch (value) {
    case kOrder:
    case kOrderMoved:
    case kHoldArea:
    case kHoldNational:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::RolloutState value) {
  using enum intervention::RolloutState;
  switch (value) {
    case kProposed:
    case kPreviewed:
    case kActive:
    case kStopped:
    case kDone:
    case kUndone:
    case kWithdrawn:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::ExemptionState value) {
  using enum intervention::ExemptionState;
  switch (value) {
    case kReported:
    case kConfirmed:
    case kCollected:
    case kGranted:
    case kRefused:
    case kExpired:
    case kRevoked:
      return true;
  }
  return false;
}

constexpr bool Known(intervention::RelocationState value) {
  using enum intervention::RelocationState;
  switch (value) {
    case kRequested:
    case kApproved:
    case kConfirmed:
    case kTimedOut:
    case kCancelled:
      return true;
  }
  return false;
}

constexpr bool Known(geofence::Strictness value) {
  using enum geofence::Strictness;
  switch (value) {
    case kVillage:
    case kCounty:
    case kProvince:
      return true;
  }
  return false;
}

constexpr bool Known(AlarmKind value) {
  using enum AlarmKind;
  switch (value) {
    case kCellsDrift:
    case kBreaker:
    case kNationalCap:
    case kClone:
    case kIdenticalVectors:
    case kBulkOpenings:
    case kRolloutStopped:
      return true;
  }
  return false;
}

}  // namespace hearth::records
