#include "entitlement/account.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/base/field_errors.h"

namespace hearth::entitlement {
namespace {

// Length and smallest code point of the UTF-8 sequence that begins with `lead` (RFC 3629); 0: none does.
struct Utf8Lead {
  size_t length = 0;
  uint32_t smallest = 0;
};
Utf8Lead LeadOf(unsigned char lead) {
  if (lead < 0x80) return {1, 0};
  if (lead >> 5 == 6) return {2, 0x80};
  if (lead >> 4 == 14) return {3, 0x800};
  if (lead >> 3 == 30) return {4, 0x10000};
  return {};
}

// Characters of valid UTF-8; nullopt when it is not UTF-8.
std::optional<size_t> Characters(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++count) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto [length, smallest] = LeadOf(lead);
    if (length == 0 || i + length > text.size()) return std::nullopt;
    uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return std::nullopt;
      point = point << 6 | (next & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < smallest || point > 0x10FFFF || surrogate) return std::nullopt;
    i += length;
  }
  return count;
}

HistoryEntry Entry(const Actor& actor, std::string action, std::string detail) {
  return {.time = actor.now,
          .actor = actor.name,
          .action = std::move(action),
          .detail = std::move(detail),
          .reason = actor.reason,
          .approver = actor.approver};
}

std::string Describe(const Devices& devices) {
  return fmt::format("card {}, box {}, SIM {}", ToString(devices.card), ToString(devices.box),
                     ToString(devices.sim));
}

Intent NewIntent(const RequestId& id, IntentKind kind, const Actor& actor) {
  Intent intent;
  intent.id = id;
  intent.kind = kind;
  intent.actor = actor.name;
  intent.reason = actor.reason;
  intent.approver = actor.approver;
  intent.started = actor.now;
  return intent;
}

Status CheckChangeable(const Account& account, const Actor& actor) {
  if (actor.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  if (account.state == AccountState::kClosed) {
    return Error(Reason::kAccountClosed, fmt::format("account {} is closed", account.form.form_number));
  }
  if (account.intent) {
    return Error(Reason::kConcurrentEdit,
                 fmt::format("account {} is being changed by {} since {}", account.form.form_number,
                             account.intent->actor, ToString(account.intent->started)));
  }
  return Ok();
}

}  // namespace

Status CheckFormNumber(std::string_view text, std::string_view field) {
  if (text.empty()) return MissingField(std::string(field), "the number printed on the five-part form");
  const bool good = text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!good) return InvalidField(std::string(field), "1 to 32 of A-Z, 0-9 and '-'");
  return Ok();
}

Status CheckForm(const Form& form, const Limits& limits) {
  FieldErrors errors(limits);
  errors.Check(CheckFormNumber(form.form_number, "form.form_number"));
  const auto name = Characters(form.person.name);
  errors.Require(name && *name >= 1 && *name <= 64, "form.person.name", "1 to 64 characters of UTF-8");
  errors.Check(CheckPersonId(form.person.person_id, "form.person.person_id"));
  // A person is known by this text, so it has one spelling only.
  errors.Require(!form.person.person_id.ends_with('x'), "form.person.person_id",
                 "ends in upper-case X, not x");
  const std::string& phone = form.person.phone;
  const bool digits = std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
  errors.Require(phone.empty() || (digits && phone.size() >= 7 && phone.size() <= 20), "form.person.phone",
                 "7 to 20 digits, or empty");
  errors.Text(form.person.address, "form.person.address");
  errors.Require(Characters(form.person.address).has_value(), "form.person.address", "UTF-8");
  errors.Require(form.village.value != 0 && LevelOf(form.village) == RegionLevel::kVillage, "form.village",
                 "the 12-digit code of the home's village");
  errors.Require(form.natural_village <= 99, "form.village", "a serial 01 to 99 behind the village");
  errors.Require(form.devices.card.value != 0, "form.card_number", "12 digits, not all zero");
  errors.Require(form.devices.box.value != 0, "form.box_serial", "16 digits, not all zero");
  errors.Require(form.devices.sim.value != 0, "form.sim_number", "11 digits");
  return errors.status();
}

Result<Account> DecideOpen(const Form& form, AreaId area, const Account* existing, const RequestId& id,
                           const Actor& actor) {
  if (existing != nullptr) {
    if (existing->state == AccountState::kOpening) {
      return Error(Reason::kAccountPending,
                   fmt::format("account {} is being opened by {}", form.form_number,
                               existing->intent ? existing->intent->actor : "another request"));
    }
    return Error(Reason::kAccountExists,
                 fmt::format("account {} exists ({})", form.form_number,
                             existing->state == AccountState::kClosed ? "closed" : "open"));
  }
  Account account;
  account.form = form;
  account.area = area;
  account.state = AccountState::kOpening;
  account.intent = NewIntent(id, IntentKind::kOpen, actor);
  account.intent->wanted = form.devices;
  return account;
}

Result<Account> DecideSwap(Account account, const Devices& wanted, const RequestId& id, const Actor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckChangeable(account, actor));
  const Devices& now = account.form.devices;
  Devices next = now;
  if (wanted.card.value != 0) next.card = wanted.card;
  if (wanted.box.value != 0) next.box = wanted.box;
  if (wanted.sim.value != 0) next.sim = wanted.sim;
  if (next == now) {
    return Error(Reason::kSwapChangesNothing,
                 fmt::format("account {} has these devices already", account.form.form_number));
  }
  account.state = AccountState::kSwapping;
  account.intent = NewIntent(id, IntentKind::kSwap, actor);
  account.intent->wanted = next;
  account.intent->place = account.place;
  if (next.card != now.card) account.intent->released.card = now.card;
  if (next.box != now.box) account.intent->released.box = now.box;
  if (next.sim != now.sim) account.intent->released.sim = now.sim;
  return account;
}

Result<Account> DecideClose(Account account, const RequestId& id, const Actor& actor) {
  HEARTH_RETURN_IF_ERROR(CheckChangeable(account, actor));
  Intent intent = NewIntent(id, IntentKind::kClose, actor);
  intent.phase = IntentPhase::kFinishing;
  intent.wanted = account.form.devices;
  intent.released = account.form.devices;
  intent.place = account.place;
  account.intent = std::move(intent);
  account.state = AccountState::kClosed;
  account.history.push_back(Entry(actor, "close", Describe(account.form.devices)));
  return account;
}

Account TakeEffect(Account account, UnixMillis now) {
  Intent& intent = *account.intent;
  const Actor actor{.name = intent.actor, .reason = intent.reason, .approver = intent.approver, .now = now};
  if (intent.kind == IntentKind::kOpen) {
    account.history.push_back(Entry(actor, "open", Describe(intent.wanted)));
  } else {
    std::string what;
    if (intent.released.card.value != 0) what += " card";
    if (intent.released.box.value != 0) what += " box";
    if (intent.released.sim.value != 0) what += " SIM";
    account.history.push_back(
        Entry(actor, "swap" + what,
              fmt::format("{} → {}", Describe(account.form.devices), Describe(intent.wanted))));
  }
  account.form.devices = intent.wanted;
  account.place = intent.place;
  account.state = AccountState::kOpen;
  intent.phase = IntentPhase::kFinishing;
  return account;
}

Account BeginAbort(Account account) {
  account.intent->phase = IntentPhase::kAborting;
  return account;
}

Account Moved(Account account, AreaId area, RegionCode village, uint8_t natural_village, const Actor& actor) {
  account.history.push_back(
      Entry(actor, "relocate",
            fmt::format("village {} area {} → village {} area {}", ToString(account.form.village),
                        ToString(account.area), ToString(village), ToString(area))));
  std::erase(account.left, village);
  if (account.form.village != village &&
      std::find(account.left.begin(), account.left.end(), account.form.village) == account.left.end()) {
    account.left.push_back(account.form.village);
  }
  account.area = area;
  account.form.village = village;
  account.form.natural_village = natural_village;
  return account;
}

Account CardEvicted(Account account, GroupId group, const Actor& actor) {
  account.place = {};
  account.history.push_back(
      Entry(actor, "evict card",
            fmt::format("card {} from group {}", ToString(account.form.devices.card), group.value)));
  return account;
}

Account Finished(Account account) {
  account.intent.reset();
  return account;
}

}  // namespace hearth::entitlement
