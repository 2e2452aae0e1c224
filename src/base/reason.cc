#include "src/base/reason.h"

#include <algorithm>

namespace hearth {
namespace {

constexpr ReasonInfo kReasons[] = {
    {Reason::kFieldInvalid, "FIELD_INVALID", Code::kInvalidArgument,
     "Correct the field named in the violation and send the request again.", ""},
    {Reason::kFieldMissing, "FIELD_MISSING", Code::kInvalidArgument,
     "Fill in the field named in the violation.", ""},
    {Reason::kRequestIdInvalid, "REQUEST_ID_INVALID", Code::kInvalidArgument,
     "Send a UUID version 7 made for this request.", ""},
    {Reason::kRequestIdExpired, "REQUEST_ID_EXPIRED", Code::kFailedPrecondition,
     "The request id is older than 24 hours: read the object first, then send a new id.", ""},
    {Reason::kRequestIdReused, "REQUEST_ID_REUSED", Code::kInvalidArgument,
     "This id was used for another request: make a new UUID version 7 for each new request.", ""},
    {Reason::kRevisionMismatch, "REVISION_MISMATCH", Code::kAborted,
     "The object has changed since you read it: read it again and decide anew.", ""},
    {Reason::kLimitExceeded, "LIMIT_EXCEEDED", Code::kResourceExhausted,
     "Send less at a time; the limit is named in the message.", ""},
    {Reason::kNotPermitted, "NOT_PERMITTED", Code::kPermissionDenied,
     "Ask for the role that this call needs.", ""},
    {Reason::kActorMissing, "ACTOR_MISSING", Code::kUnauthenticated,
     "Present a client certificate, or in development mode the metadata key hearth-actor.", ""},
    {Reason::kPageTokenInvalid, "PAGE_TOKEN_INVALID", Code::kInvalidArgument,
     "Use the page token exactly as it was returned, with the same filter.", ""},
    {Reason::kWatchCompacted, "WATCH_COMPACTED", Code::kOutOfRange,
     "The token is older than what is kept: list the current state, then watch without a token.", ""},
    {Reason::kWatchTokenInvalid, "WATCH_TOKEN_INVALID", Code::kInvalidArgument,
     "Use the resume token exactly as it was sent.", ""},
    {Reason::kOverloaded, "OVERLOADED", Code::kResourceExhausted,
     "Wait a moment and repeat with the same request id.", ""},
    {Reason::kShuttingDown, "SHUTTING_DOWN", Code::kUnavailable,
     "Repeat with the same request id when the daemon is back.", ""},
    {Reason::kSecondApproverNeeded, "SECOND_APPROVER_NEEDED", Code::kFailedPrecondition,
     "Name a second approver who is not the actor.", ""},
    {Reason::kAccountUnknown, "ACCOUNT_UNKNOWN", Code::kNotFound, "Check the form number.", ""},
    {Reason::kAccountExists, "ACCOUNT_EXISTS", Code::kAlreadyExists,
     "This five-part form is open already: amend the account or use the right form number.", ""},
    {Reason::kAccountClosed, "ACCOUNT_CLOSED", Code::kFailedPrecondition,
     "The account is closed: reopen it first.", ""},
    {Reason::kAccountPending, "ACCOUNT_PENDING", Code::kUnavailable,
     "The opening is still being settled: repeat in a moment with the same request id.", ""},
    {Reason::kCardUnknown, "CARD_UNKNOWN", Code::kNotFound,
     "The card is not in stock: import its batch first, or check the number.", "E02"},
    {Reason::kCardInUse, "CARD_IN_USE", Code::kAlreadyExists,
     "Use another card, or close the account that holds it.", ""},
    {Reason::kCardExists, "CARD_EXISTS", Code::kAlreadyExists, "The card is in stock already.", ""},
    {Reason::kCardNotInAccount, "CARD_NOT_IN_ACCOUNT", Code::kFailedPrecondition,
     "The card belongs to no open account: open one first.", "E02"},
    {Reason::kCardEvicted, "CARD_EVICTED", Code::kFailedPrecondition,
     "Somebody else has the card's keys: swap it for another card, this one never opens anything again.",
     "E04"},
    {Reason::kBoxUnknown, "BOX_UNKNOWN", Code::kNotFound,
     "The box is not in stock: import the manufacturer's file first, or check the serial.", ""},
    {Reason::kBoxInUse, "BOX_IN_USE", Code::kAlreadyExists,
     "Use another box, or close the account that holds it.", ""},
    {Reason::kBoxExists, "BOX_EXISTS", Code::kAlreadyExists, "The box is in stock already.", ""},
    {Reason::kBoxPairMismatch, "BOX_PAIR_MISMATCH", Code::kFailedPrecondition,
     "Put the card back into its own box, or record a device swap.", "E14"},
    {Reason::kSimUnknown, "SIM_UNKNOWN", Code::kNotFound,
     "The SIM is not in stock: import it first, or check the phone number.", ""},
    {Reason::kSimInUse, "SIM_IN_USE", Code::kAlreadyExists,
     "Use another SIM, or close the account that holds it.", ""},
    {Reason::kSimExists, "SIM_EXISTS", Code::kAlreadyExists, "The SIM is in stock already.", ""},
    {Reason::kSimPairMismatch, "SIM_PAIR_MISMATCH", Code::kFailedPrecondition,
     "Put back the SIM of the form, or record a device swap.", "E14"},
    {Reason::kPersonInUse, "PERSON_IN_USE", Code::kAlreadyExists,
     "One person holds one account: close the other account first.", ""},
    {Reason::kBatchUnknown, "BATCH_UNKNOWN", Code::kNotFound, "Import the card batch first.", ""},
    {Reason::kBatchExists, "BATCH_EXISTS", Code::kAlreadyExists,
     "The batch is known already; a batch is never changed.", ""},
    {Reason::kCardOutsideBatch, "CARD_OUTSIDE_BATCH", Code::kInvalidArgument,
     "The card number is not in the batch's range.", ""},
    {Reason::kSwapChangesNothing, "SWAP_CHANGES_NOTHING", Code::kInvalidArgument,
     "Name at least one device that differs from the account's present ones.", ""},
    {Reason::kConcurrentEdit, "CONCURRENT_EDIT", Code::kAborted,
     "Someone else is changing the same subscriber: read it again when they are done.", ""},
    {Reason::kRegionUnknown, "REGION_UNKNOWN", Code::kNotFound,
     "Check the division code, or import the divisions first.", ""},
    {Reason::kRegionNotVillage, "REGION_NOT_VILLAGE", Code::kInvalidArgument,
     "Give the code of a village (12 digits).", ""},
    {Reason::kRegionConflict, "REGION_CONFLICT", Code::kAborted,
     "The file contradicts a division that is in use: correct the file.", ""},
    {Reason::kAreaUnknown, "AREA_UNKNOWN", Code::kNotFound,
     "Check the area number with `hearthctl area list`.", ""},
    {Reason::kAreaExists, "AREA_EXISTS", Code::kAlreadyExists,
     "Take another area number, or amend this area.", ""},
    {Reason::kAreaStateInvalid, "AREA_STATE_INVALID", Code::kFailedPrecondition,
     "The area is not in the state this step needs: draft, submitted, approved, on file, retired.", ""},
    {Reason::kAreaVillageTaken, "AREA_VILLAGE_TAKEN", Code::kFailedPrecondition,
     "The village belongs to another area: take it out there first.", ""},
    {Reason::kNotInServiceArea, "NOT_IN_SERVICE_AREA", Code::kFailedPrecondition,
     "No approved service area holds this village: submit and approve one, or correct the village.", "E09"},
    {Reason::kAreaOutsideCounty, "AREA_OUTSIDE_COUNTY", Code::kInvalidArgument,
     "All villages of an area lie in the county its number begins with.", ""},
    {Reason::kCellListUnknown, "CELL_LIST_UNKNOWN", Code::kNotFound,
     "Check the list with `hearthctl cells list`.", ""},
    {Reason::kCellListEmpty, "CELL_LIST_EMPTY", Code::kFailedPrecondition,
     "The list holds no valid cell: correct the file.", ""},
    {Reason::kCellListUnchanged, "CELL_LIST_UNCHANGED", Code::kAlreadyExists,
     "The list in force holds exactly these cells: nothing to do.", ""},
    {Reason::kCellBothLists, "CELL_BOTH_LISTS", Code::kInvalidArgument,
     "A cell cannot be on the whitelist and the blacklist of the same place: correct one of them.", ""},
    {Reason::kCellUnknownNetwork, "CELL_UNKNOWN_NETWORK", Code::kInvalidArgument,
     "Check MCC and MNC against the national list.", ""},
    {Reason::kCellSnapshotInvalid, "CELL_SNAPSHOT_INVALID", Code::kDataLoss,
     "The snapshot of the cell lists is damaged: delete the file, it is built anew from the lists.", ""},
    {Reason::kChannelUnknown, "CHANNEL_UNKNOWN", Code::kNotFound,
     "Check the channel with `hearthctl channel list`.", ""},
    {Reason::kChannelExists, "CHANNEL_EXISTS", Code::kAlreadyExists,
     "The channel or its service number is taken.", ""},
    {Reason::kPackageUnknown, "PACKAGE_UNKNOWN", Code::kNotFound,
     "Check the package with `hearthctl package list`.", ""},
    {Reason::kPackageFull, "PACKAGE_FULL", Code::kResourceExhausted,
     "A package holds at most the number of services in the message.", ""},
    {Reason::kNoPackageForProvince, "NO_PACKAGE_FOR_PROVINCE", Code::kFailedPrecondition,
     "Define a package for the card's province first.", "E04"},
    {Reason::kControlWordInvalid, "CONTROL_WORD_INVALID", Code::kInvalidArgument,
     "Send one or two control words of 8 or 16 bytes.", ""},
    {Reason::kEpochNotReady, "EPOCH_NOT_READY", Code::kUnavailable,
     "The keys of this epoch are not ready: look at `hearthctl status`.", ""},
    {Reason::kGroupFull, "GROUP_FULL", Code::kResourceExhausted, "Repeat: a new group is being made.", ""},
    {Reason::kProductUnknown, "PRODUCT_UNKNOWN", Code::kNotFound,
     "Define the product with `hearthctl product put`, or correct its number.", ""},
    {Reason::kPlanWindowLength, "PLAN_WINDOW_LENGTH", Code::kInvalidArgument,
     "A window lasts from 1 second to 31 days: correct its start or its end.", ""},
    {Reason::kPlanOutOfRange, "PLAN_OUT_OF_RANGE", Code::kOutOfRange,
     "A plan reaches 7 days back and 400 days ahead: correct the time.", ""},
    {Reason::kPlanOutsidePush, "PLAN_OUTSIDE_PUSH", Code::kInvalidArgument,
     "An item begins within from and to and belongs to a channel that the call replaces: correct either.",
     ""},
    {Reason::kPlanOverlap, "PLAN_OVERLAP", Code::kInvalidArgument,
     "Windows of one kind of one channel do not overlap: shorten one, or push a range that replaces the "
     "other.",
     ""},
    {Reason::kPlanRegionConflict, "PLAN_REGION_CONFLICT", Code::kFailedPrecondition,
     "An ECM holds one region: for the time of the blackout take the region out of the criteria below it, or "
     "leave out the blackout.",
     ""},
    {Reason::kPlanFull, "PLAN_FULL", Code::kResourceExhausted,
     "The channel's plan holds no more windows: push fewer days ahead.", ""},
    {Reason::kEmergencyUnknown, "EMERGENCY_UNKNOWN", Code::kNotFound,
     "Check the number of the alert with `hearthctl emergency list`.", ""},
    {Reason::kEmergencyStateInvalid, "EMERGENCY_STATE_INVALID", Code::kFailedPrecondition,
     "Look at the alert with `hearthctl emergency show`: it is approved or cancelled already.", ""},
    {Reason::kEmergencyOver, "EMERGENCY_OVER", Code::kFailedPrecondition,
     "The alert has ended, or its proposal has lapsed: propose it again if it is still needed.", ""},
    {Reason::kEmergencyKeyMissing, "EMERGENCY_KEY_MISSING", Code::kFailedPrecondition,
     "Configure [emergency] key_file and restart the daemon: see docs/security.md.", ""},
    {Reason::kReportMacInvalid, "REPORT_MAC_INVALID", Code::kPermissionDenied,
     "The report is not from this card: check card and box; nothing was changed.", "E11"},
    {Reason::kReportReplayed, "REPORT_REPLAYED", Code::kAlreadyExists,
     "A report with this counter is known: send the next counter.", ""},
    {Reason::kReportStale, "REPORT_STALE", Code::kOutOfRange,
     "The report is older than the card's last decision or the allowed age.", ""},
    {Reason::kReportFuture, "REPORT_FUTURE", Code::kOutOfRange,
     "The report's time lies ahead of the head-end's clock: check the box's clock.", ""},
    {Reason::kReportNoEvidence, "REPORT_NO_EVIDENCE", Code::kInvalidArgument,
     "Send at least one cell, a fix, or say that there is no signal.", ""},
    {Reason::kInstallBlacklisted, "INSTALL_BLACKLISTED", Code::kFailedPrecondition,
     "The box hears a city cell: install it at the home of the form.", "E09"},
    {Reason::kInstallOutOfArea, "INSTALL_OUT_OF_AREA", Code::kFailedPrecondition,
     "The box is outside the service area of the form: install it there.", "E09"},
    {Reason::kInstallUnknownCell, "INSTALL_UNKNOWN_CELL", Code::kFailedPrecondition,
     "The cell is on no list: have it surveyed and assigned, then report again.", "E09"},
    {Reason::kInstallNoSignal, "INSTALL_NO_SIGNAL", Code::kFailedPrecondition,
     "No base station heard: attach the antenna, or apply for an exemption.", "E09"},
    {Reason::kLocationBlacklisted, "LOCATION_BLACKLISTED", Code::kFailedPrecondition,
     "Bring the box back to its home: one report from there switches it on again.", "E09"},
    {Reason::kLocationOutOfArea, "LOCATION_OUT_OF_AREA", Code::kFailedPrecondition,
     "An operator decides: bring the box back to its home, or apply for a relocation.", "E09"},
    {Reason::kWaitingForInstallation, "WAITING_FOR_INSTALLATION", Code::kFailedPrecondition,
     "Connect the box at the home of the form and let it report its base station.", "E09"},
    {Reason::kSwitchedOff, "SWITCHED_OFF", Code::kFailedPrecondition,
     "Ask the centre: the card was switched off by hand or taken out of service.", "E04"},
    {Reason::kInterventionUnknown, "INTERVENTION_UNKNOWN", Code::kNotFound,
     "Check the intervention with `hearthctl intervention list`.", ""},
    {Reason::kNotUnderIntervention, "NOT_UNDER_INTERVENTION", Code::kFailedPrecondition,
     "The card is not under intervention.", ""},
    {Reason::kRowColumns, "ROW_COLUMNS", Code::kInvalidArgument,
     "Give the row as many fields as the header has.", ""},
    {Reason::kRowFieldInvalid, "ROW_FIELD_INVALID", Code::kInvalidArgument,
     "Correct the field named in the row report.", ""},
    {Reason::kRowDuplicate, "ROW_DUPLICATE", Code::kAlreadyExists,
     "The row stands twice in the file: remove one.", ""},
    {Reason::kHeaderInvalid, "HEADER_INVALID", Code::kInvalidArgument,
     "Use the column names of the documentation.", ""},
    {Reason::kEncodingInvalid, "ENCODING_INVALID", Code::kInvalidArgument, "Save the file as UTF-8.", ""},
    {Reason::kFileUnreadable, "FILE_UNREADABLE", Code::kInvalidArgument,
     "Check the path and the permissions of the file.", ""},
    {Reason::kRowTooLong, "ROW_TOO_LONG", Code::kResourceExhausted,
     "A row is longer than the limit: check for a missing line end or quote.", ""},
    {Reason::kConfigSyntax, "CONFIG_SYNTAX", Code::kInvalidArgument, "Correct the TOML at the line named.",
     ""},
    {Reason::kConfigUnknownKey, "CONFIG_UNKNOWN_KEY", Code::kInvalidArgument,
     "Remove the key or correct its spelling; deploy/hearth.example.toml lists all keys.", ""},
    {Reason::kConfigValueInvalid, "CONFIG_VALUE_INVALID", Code::kInvalidArgument,
     "Give the key a value in the range named.", ""},
    {Reason::kConfigMissing, "CONFIG_MISSING", Code::kInvalidArgument,
     "Add the key; deploy/hearth.example.toml shows it.", ""},
    {Reason::kSectionTruncated, "SECTION_TRUNCATED", Code::kInvalidArgument,
     "The section is shorter than its length field says.", ""},
    {Reason::kSectionMalformed, "SECTION_MALFORMED", Code::kInvalidArgument,
     "The section does not follow docs/messages.md.", "E05"},
    {Reason::kSectionUnknownTable, "SECTION_UNKNOWN_TABLE", Code::kInvalidArgument,
     "The table_id is none of ours.", ""},
    {Reason::kSectionUnknownSuite, "SECTION_UNKNOWN_SUITE", Code::kInvalidArgument,
     "The suite is not supported.", ""},
    {Reason::kSectionNotAuthentic, "SECTION_NOT_AUTHENTIC", Code::kPermissionDenied,
     "The section was made under another key or was changed on the way.", ""},
    {Reason::kSectionTooLong, "SECTION_TOO_LONG", Code::kInvalidArgument,
     "The content does not fit into one section.", ""},
    {Reason::kStampReplayed, "STAMP_REPLAYED", Code::kOutOfRange,
     "A newer message of the same subject was obeyed already.", ""},
    {Reason::kKeyFileInvalid, "KEY_FILE_INVALID", Code::kInvalidArgument,
     "Check the key file: its form is described in docs/security.md.", ""},
    {Reason::kKeyUnwrapFailed, "KEY_UNWRAP_FAILED", Code::kDataLoss,
     "The master key does not open what is stored: is it the site's own key?", ""},
    {Reason::kCryptoFailed, "CRYPTO_FAILED", Code::kInternal, "The crypto library refused: see the log.", ""},
    {Reason::kStoreConflict, "STORE_CONFLICT", Code::kAborted, "Repeat with the same request id.", ""},
    {Reason::kStoreFenced, "STORE_FENCED", Code::kUnavailable,
     "Another daemon owns this part of the store now: ask it.", ""},
    {Reason::kStoreReadOnly, "STORE_READ_ONLY", Code::kUnavailable,
     "A write to disk failed: nothing is accepted until the disk is mended and the daemon restarted.", ""},
    {Reason::kStoreCorrupt, "STORE_CORRUPT", Code::kDataLoss,
     "Restore the store from a backup: see docs/operations.md.", ""},
    {Reason::kStoreFull, "STORE_FULL", Code::kResourceExhausted, "Free disk space, then restart.", ""},
    {Reason::kStoreLeaseHeld, "STORE_LEASE_HELD", Code::kUnavailable,
     "Another daemon holds the partition: wait until its lease ends.", ""},
    {Reason::kStoreKeyPresent, "STORE_KEY_PRESENT", Code::kAlreadyExists, "The key is taken.", ""},
    {Reason::kStoreIo, "STORE_IO", Code::kUnavailable, "Reading the store failed: see the log.", ""},
    {Reason::kClockJump, "CLOCK_JUMP", Code::kUnavailable,
     "The site's clock jumped: check the time, then `hearthctl clock accept`.", ""},
    {Reason::kOutputFailed, "OUTPUT_FAILED", Code::kUnavailable,
     "The section output cannot be written: see the log; it is tried again.", ""},
    {Reason::kLaneFileInvalid, "LANE_FILE_INVALID", Code::kDataLoss,
     "Copy the file for ECM lanes again from the daemon that writes it.", ""},
    {Reason::kInternal, "INTERNAL", Code::kInternal,
     "This is a defect in Hearth: please report it with the log.", ""},
};

}  // namespace

std::span<const ReasonInfo> AllReasons() { return kReasons; }

const ReasonInfo& InfoOf(Reason reason) {
  const auto* row = std::lower_bound(std::begin(kReasons), std::end(kReasons), reason,
                                     [](const ReasonInfo& info, Reason r) { return info.reason < r; });
  if (row == std::end(kReasons) || row->reason != reason) return *std::prev(std::end(kReasons));
  return *row;
}

const ReasonInfo* FindReason(std::string_view name) {
  const auto* row = std::find_if(std::begin(kReasons), std::end(kReasons),
                                 [&](const ReasonInfo& info) { return info.name == name; });
  return row == std::end(kReasons) ? nullptr : row;
}

std::string_view NameOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kAlreadyExists:
      return "ALREADY_EXISTS";
    case Code::kPermissionDenied:
      return "PERMISSION_DENIED";
    case Code::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case Code::kFailedPrecondition:
      return "FAILED_PRECONDITION";
    case Code::kAborted:
      return "ABORTED";
    case Code::kOutOfRange:
      return "OUT_OF_RANGE";
    case Code::kInternal:
      return "INTERNAL";
    case Code::kUnavailable:
      return "UNAVAILABLE";
    case Code::kDataLoss:
      return "DATA_LOSS";
    case Code::kUnauthenticated:
      return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

}  // namespace hearth
