// The five-part form (五联单) as an account: one person, one box, one card, one SIM, bound one to one; and
// the pure decisions of its life. Uniqueness across accounts is settled by claims (claim.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::entitlement {

// The numbers of all enums here are on disk: never reused.
enum class SubsidyClass : uint8_t {
  kNone = 0,
  kFiveGuarantee = 1,   // 五保户
  kDisabled = 2,        // 残疾人
  kMilitaryFamily = 3,  // 军烈属
  kOther = 4,
};

struct Person {
  std::string name;       // 1 to 64 characters of UTF-8
  std::string person_id;  // GB 11643, 18 characters, upper-case X
  std::string phone;      // 7 to 20 digits, or empty
  std::string address;
  SubsidyClass subsidy_class = SubsidyClass::kNone;

  bool operator==(const Person&) const = default;
};

// The devices of an account; at most one of each.
struct Devices {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;

  bool operator==(const Devices&) const = default;
};

struct Form {
  std::string form_number;  // 1 to 32 of A-Z, 0-9 and '-': names the account for ever
  Person person;
  RegionCode village;
  Devices devices;
  uint8_t natural_village = 0;  // serial 1 to 99 of the natural village (自然村) in it; 0: not named

  bool operator==(const Form&) const = default;
};

// FIELD_INVALID with one violation for each field at fault ("form.person.person_id"), in the order of the
// form.
Status CheckForm(const Form& form, const Limits& limits);
// The rule for a form number alone.
Status CheckFormNumber(std::string_view text, std::string_view field = "form_number");

enum class AccountState : uint8_t { kOpening = 1, kOpen = 2, kSwapping = 3, kClosed = 4 };

enum class IntentKind : uint8_t { kOpen = 1, kSwap = 2, kClose = 3 };

// Where a change that spans buckets stands.
//   kClaiming   the new devices are being claimed; nothing is in force yet
//   kAborting   a claim was refused; what was claimed is being released
//   kFinishing  in force; the cards and the released devices are being told
enum class IntentPhase : uint8_t { kClaiming = 1, kAborting = 2, kFinishing = 3 };

struct GroupSlot {
  GroupId group;
  uint8_t slot = 0;

  bool operator==(const GroupSlot&) const = default;
};

struct Intent {
  RequestId id;  // the request's; names the claims made for it
  IntentKind kind = IntentKind::kOpen;
  IntentPhase phase = IntentPhase::kClaiming;
  Devices wanted;    // the devices once in force; for kClose those being freed
  Devices released;  // kFinishing: the devices to free; zero where nothing is to be freed
  GroupSlot place;   // of the wanted card
  std::string actor;
  std::string reason;
  std::string approver;
  UnixMillis started;
  // SHA-256 of the request's content: what its id is remembered by once the intent is in force.
  std::array<uint8_t, 32> content_hash{};

  bool operator==(const Intent&) const = default;
};

struct HistoryEntry {
  UnixMillis time;
  std::string actor;
  std::string action;
  std::string detail;
  std::string reason;
  std::string approver;

  bool operator==(const HistoryEntry&) const = default;
};

struct Account {
  Form form;  // with the devices in force
  AreaId area;
  AccountState state = AccountState::kOpening;
  GroupSlot place;  // of the card in force
  std::optional<Intent> intent;
  std::vector<HistoryEntry> history;  // oldest first
  std::vector<RegionCode> left;       // villages it moved away from, oldest first, each once

  bool operator==(const Account&) const = default;
};

// Who acts, why, and when it is decided.
struct Actor {
  std::string name;
  std::string reason;
  std::string approver;
  UnixMillis now;
};

// Begins an opening. `existing`: the account with this form number, or nullptr.
//   ACCOUNT_EXISTS (open or closed), ACCOUNT_PENDING (another request is opening it)
Result<Account> DecideOpen(const Form& form, AreaId area, const Account* existing, const RequestId& id,
                           const Actor& actor);
// Begins a swap; fields of `wanted` that are zero stay as they are.
//   FIELD_MISSING (no reason), ACCOUNT_CLOSED, CONCURRENT_EDIT (an intent is under way), SWAP_CHANGES_NOTHING
Result<Account> DecideSwap(Account account, const Devices& wanted, const RequestId& id, const Actor& actor);
// Closes at once (nothing has to be claimed): phase kFinishing.
//   FIELD_MISSING (no reason), ACCOUNT_CLOSED, CONCURRENT_EDIT
Result<Account> DecideClose(Account account, const RequestId& id, const Actor& actor);

// All claims are held: the intent comes into force. The account must have an intent in phase kClaiming.
Account TakeEffect(Account account, UnixMillis now);
// A claim was refused.
Account BeginAbort(Account account);
// The card in force was evicted: the account has no place in a group any more, until its card is swapped.
Account CardEvicted(Account account, GroupId group, const Actor& actor);
// The subscriber has moved house (移机): the account's home is another one from now on. The card keeps its
// place in its group, which is a place on the air and not on the map. The account must have no intent.
Account Moved(Account account, AreaId area, RegionCode village, uint8_t natural_village, const Actor& actor);
// The intent is done with; only kFinishing intents of an account that stays.
Account Finished(Account account);

}  // namespace hearth::entitlement
