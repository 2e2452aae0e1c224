// The stable reason codes of Hearth: every refusal a client can see has one. Programs match on the name,
// operators read the cure, and a viewer on the phone reads out the code of the last column.
//
// Names are never reused or renamed. docs/reason-codes.md is printed from this table and a test compares
// the two.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth {

// The class of a failure; the same set as the canonical gRPC codes, so that src/rpc maps one to one.
enum class Code : uint8_t {
  kInvalidArgument = 3,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

enum class Reason : uint16_t {
  // Requests as such.
  kFieldInvalid = 1,
  kFieldMissing = 2,
  kRequestIdInvalid = 3,
  kRequestIdExpired = 4,
  kRequestIdReused = 5,
  kRevisionMismatch = 6,
  kLimitExceeded = 7,
  kNotPermitted = 8,
  kActorMissing = 9,
  kPageTokenInvalid = 10,
  kWatchCompacted = 11,
  kWatchTokenInvalid = 12,
  kOverloaded = 13,
  kShuttingDown = 14,
  kSecondApproverNeeded = 15,

  // Registry.
  kAccountUnknown = 100,
  kAccountExists = 101,
  kAccountClosed = 102,
  kAccountPending = 103,
  kCardUnknown = 110,
  kCardInUse = 111,
  kCardExists = 112,
  kCardNotInAccount = 113,
  kCardEvicted = 114,
  kBoxUnknown = 120,
  kBoxInUse = 121,
  kBoxExists = 122,
  kBoxPairMismatch = 123,
  kSimUnknown = 130,
  kSimInUse = 131,
  kSimExists = 132,
  kSimPairMismatch = 133,
  kPersonInUse = 140,
  kBatchUnknown = 150,
  kBatchExists = 151,
  kCardOutsideBatch = 152,
  kSwapChangesNothing = 160,
  kConcurrentEdit = 161,

  // Regions, areas and lists.
  kRegionUnknown = 200,
  kRegionNotVillage = 201,
  kRegionConflict = 202,
  kAreaUnknown = 210,
  kAreaExists = 211,
  kAreaStateInvalid = 212,
  kAreaVillageTaken = 213,
  kNotInServiceArea = 214,
  kAreaOutsideCounty = 215,
  kAreaVillageCable = 216,
  kAreaInUse = 217,
  kCellListUnknown = 220,
  kCellListEmpty = 221,
  kCellListUnchanged = 222,
  kCellBothLists = 223,
  kCellUnknownNetwork = 224,
  kCellSnapshotInvalid = 225,
  kSurveyUnknown = 226,
  kSurveyOffset = 227,
  kSurveyBusy = 228,
  kSurveyDamaged = 229,
  kRolloutUnknown = 230,
  kRolloutStateInvalid = 231,
  kRolloutOverlaps = 232,
  kRolloutUnchanged = 233,
  kRolloutStale = 234,
  kRolloutLoading = 235,
  kSurveyUnwritable = 236,

  // Schedule and entitlement.
  kChannelUnknown = 300,
  kChannelExists = 301,
  kPackageUnknown = 302,
  kPackageFull = 303,
  kNoPackageForProvince = 304,
  kControlWordInvalid = 305,
  kEpochNotReady = 306,
  kGroupFull = 307,
  kProductUnknown = 308,
  kPlanWindowLength = 310,
  kPlanOutOfRange = 311,
  kPlanOutsidePush = 312,
  kPlanOverlap = 313,
  kPlanRegionConflict = 314,
  kPlanFull = 315,
  kEmergencyUnknown = 320,
  kEmergencyStateInvalid = 321,
  kEmergencyOver = 322,
  kEmergencyKeyMissing = 323,

  // Location and intervention.
  kReportMacInvalid = 400,
  kReportReplayed = 401,
  kReportStale = 402,
  kReportFuture = 403,
  kReportNoEvidence = 404,
  kReportImpossibleTravel = 405,
  kReportGatewayLimit = 406,
  kReportUnsigned = 407,
  kInstallBlacklisted = 410,
  kInstallOutOfArea = 411,
  kInstallUnknownCell = 412,
  kInstallNoSignal = 413,
  kLocationBlacklisted = 414,
  kLocationOutOfArea = 415,
  kWaitingForInstallation = 416,
  kSwitchedOff = 417,
  kInterventionUnknown = 420,
  kNotUnderIntervention = 421,
  kInterventionNotHeld = 422,
  kInterventionHeld = 423,
  kAlarmUnknown = 430,
  kAlarmClosed = 431,
  kExemptionUnknown = 440,
  kExemptionStateInvalid = 441,
  kRelocationUnknown = 445,
  kRelocationStateInvalid = 446,

  // Rows of files (CSV, rosters, cell lists).
  kRowColumns = 500,
  kRowFieldInvalid = 501,
  kRowDuplicate = 502,
  kHeaderInvalid = 503,
  kEncodingInvalid = 504,
  kFileUnreadable = 505,
  kRowTooLong = 506,

  // Configuration.
  kConfigSyntax = 600,
  kConfigUnknownKey = 601,
  kConfigValueInvalid = 602,
  kConfigMissing = 603,

  // Bytes on the air.
  kSectionTruncated = 700,
  kSectionMalformed = 701,
  kSectionUnknownTable = 702,
  kSectionUnknownSuite = 703,
  kSectionNotAuthentic = 704,
  kSectionTooLong = 705,
  kStampReplayed = 706,

  // Keys.
  kKeyFileInvalid = 800,
  kKeyUnwrapFailed = 801,
  kCryptoFailed = 802,

  // Store and site.
  kStoreConflict = 900,
  kStoreFenced = 901,
  kStoreReadOnly = 902,
  kStoreCorrupt = 903,
  kStoreFull = 904,
  kStoreLeaseHeld = 905,
  kStoreKeyPresent = 906,
  kStoreIo = 907,
  kClockJump = 910,
  kOutputFailed = 911,
  kLaneFileInvalid = 912,
  kRestoreUnreconciled = 913,
  kRestoreNotHeld = 914,
  kArchiveGap = 915,
  kArchiveDamaged = 916,
  kArchiveForeign = 917,
  kArchiveDiverged = 918,
  kArchiveBehind = 919,
  kArchiveUnwritable = 920,
  kInternal = 999,
};

struct ReasonInfo {
  Reason reason;
  std::string_view name;    // SCREAMING_SNAKE, stable
  Code code;                // the gRPC class
  std::string_view cure;    // one sentence: what the caller can do
  std::string_view viewer;  // code on the viewer's screen (E04, E09, E14 …) or ""
};

// All reasons, in the order of their numbers.
std::span<const ReasonInfo> AllReasons();

// The row of one reason. Any thread.
const ReasonInfo& InfoOf(Reason reason);

// The row with this name, or nullptr.
const ReasonInfo* FindReason(std::string_view name);

std::string_view NameOf(Code code);

}  // namespace hearth
