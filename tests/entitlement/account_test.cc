#include "entitlement/account.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/entitlement/samples.h"

namespace hearth::entitlement {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> FieldsOf(const Status& status) {
  std::vector<std::string> fields;
  if (status) return fields;
  for (const FieldViolation& violation : status.error().violations()) fields.push_back(violation.field);
  return fields;
}

std::string Repeat(std::string_view text, size_t count) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

TEST(CheckForm, TakesWhatIsWellFormed) {
  struct Row {
    const char* name;
    std::function<void(Form&)> change;
  };
  const Row rows[] = {
      {"as it is", [](Form&) {}},
      {"form number of 1", [](Form& f) { f.form_number = "7"; }},
      {"form number of 32", [](Form& f) { f.form_number = std::string(32, 'Z'); }},
      {"name of 1", [](Form& f) { f.person.name = "李"; }},
      {"name of 64 characters of 3 bytes", [](Form& f) { f.person.name = Repeat("李", 64); }},
      {"name with a character of 4 bytes", [](Form& f) { f.person.name = "\xF0\xA0\x80\x80"; }},
      {"the last code point", [](Form& f) { f.person.name = "\xF4\x8F\xBF\xBF"; }},
      {"no phone", [](Form& f) { f.person.phone.clear(); }},
      {"phone of 7", [](Form& f) { f.person.phone = "1234567"; }},
      {"phone of 20", [](Form& f) { f.person.phone = std::string(20, '1'); }},
      {"no address", [](Form& f) { f.person.address.clear(); }},
      {"address of 512 bytes", [](Form& f) { f.person.address = std::string(512, 'a'); }},
      {"card with leading zeros", [](Form& f) { f.devices.card = CardNumber(1); }},
  };
  for (const Row& row : rows) {
    Form form = GoodForm();
    row.change(form);
    const Status status = CheckForm(form, Limits{});
    EXPECT_TRUE(status.has_value()) << row.name << ": " << (status ? "" : status.error().ToString());
  }
}

TEST(CheckForm, NamesTheFieldAtFault) {
  struct Row {
    const char* name;
    const char* field;
    std::function<void(Form&)> change;
    Reason reason = Reason::kFieldInvalid;
  };
  const Row rows[] = {
      {"no form number", "form.form_number", [](Form& f) { f.form_number.clear(); }, Reason::kFieldMissing},
      {"form number of 33", "form.form_number", [](Form& f) { f.form_number = std::string(33, 'A'); }},
      {"form number in lower case", "form.form_number", [](Form& f) { f.form_number = "nx-1"; }},
      {"form number with a slash", "form.form_number", [](Form& f) { f.form_number = "NX/1"; }},
      {"no name", "form.person.name", [](Form& f) { f.person.name.clear(); }},
      {"name of 65", "form.person.name", [](Form& f) { f.person.name = Repeat("李", 65); }},
      {"name cut inside a character", "form.person.name", [](Form& f) { f.person.name = "李\xE6\x9D"; }},
      {"name of a lone tail byte", "form.person.name", [](Form& f) { f.person.name = "\x80"; }},
      {"name in GB 18030", "form.person.name", [](Form& f) { f.person.name = "\xC0\xEE"; }},
      {"overlong slash", "form.person.name", [](Form& f) { f.person.name = "\xC0\xAF"; }},
      {"surrogate", "form.person.name", [](Form& f) { f.person.name = "\xED\xA0\x80"; }},
      {"past the last code point", "form.person.name", [](Form& f) { f.person.name = "\xF4\x90\x80\x80"; }},
      {"no identity number", "form.person.person_id", [](Form& f) { f.person.person_id.clear(); }},
      {"wrong check digit", "form.person.person_id",
       [](Form& f) { f.person.person_id = "110105194912310021"; }},
      {"lower-case x, a second spelling of one person", "form.person.person_id",
       [](Form& f) { f.person.person_id = "11010519491231002x"; }},
      {"phone of 6", "form.person.phone", [](Form& f) { f.person.phone = "123456"; }},
      {"phone of 21", "form.person.phone", [](Form& f) { f.person.phone = std::string(21, '1'); }},
      {"phone with a hyphen", "form.person.phone", [](Form& f) { f.person.phone = "0951-8888888"; }},
      {"address of 513 bytes", "form.person.address",
       [](Form& f) { f.person.address = std::string(513, 'a'); }},
      {"address that is not UTF-8", "form.person.address", [](Form& f) { f.person.address = "\xFF"; }},
      {"no village", "form.village", [](Form& f) { f.village = RegionCode(0); }},
      {"a township", "form.village", [](Form& f) { f.village = RegionCode(640122100); }},
      {"no card", "form.card_number", [](Form& f) { f.devices.card = CardNumber(0); }},
      {"no box", "form.box_serial", [](Form& f) { f.devices.box = BoxSerial(0); }},
      {"no SIM", "form.sim_number", [](Form& f) { f.devices.sim = SimNumber(0); }},
  };
  for (const Row& row : rows) {
    Form form = GoodForm();
    row.change(form);
    const Status status = CheckForm(form, Limits{});
    ASSERT_FALSE(status.has_value()) << row.name;
    EXPECT_EQ(status.error().reason(), row.reason) << row.name;
    EXPECT_THAT(FieldsOf(status), ElementsAre(row.field)) << row.name;
  }
}

TEST(CheckForm, NamesEveryFieldAtFaultInTheOrderOfTheForm) {
  EXPECT_THAT(FieldsOf(CheckForm(Form{}, Limits{})),
              ElementsAre("form.form_number", "form.person.name", "form.person.person_id", "form.village",
                          "form.card_number", "form.box_serial", "form.sim_number"));
}

TEST(CheckFormNumber, MissingIsNotInvalid) {
  EXPECT_EQ(CheckFormNumber("").error().reason(), Reason::kFieldMissing);
  EXPECT_EQ(CheckFormNumber("a").error().reason(), Reason::kFieldInvalid);
  EXPECT_THAT(FieldsOf(CheckFormNumber("a", "swap.form_number")), ElementsAre("swap.form_number"));
}

TEST(DecideOpen, BeginsAnAccountThatIsNotInForce) {
  const auto account = DecideOpen(GoodForm(), AreaId(640122001), nullptr, Request(1), By("wang"));
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(account->state, AccountState::kOpening);
  EXPECT_EQ(account->form, GoodForm());
  EXPECT_EQ(account->area, AreaId(640122001));
  EXPECT_TRUE(account->history.empty());
  ASSERT_TRUE(account->intent.has_value());
  EXPECT_EQ(account->intent->id, Request(1));
  EXPECT_EQ(account->intent->kind, IntentKind::kOpen);
  EXPECT_EQ(account->intent->phase, IntentPhase::kClaiming);
  EXPECT_EQ(account->intent->wanted, kDevices);
  EXPECT_EQ(account->intent->released, Devices{});
  EXPECT_EQ(account->intent->actor, "wang");
  EXPECT_EQ(account->intent->approver, "chief");
  EXPECT_EQ(account->intent->started, UnixMillis(1000));
}

TEST(DecideOpen, ANumberIsUsedOnce) {
  struct Row {
    const char* name;
    AccountState state;
    bool intent;
    Reason reason;
  };
  const Row rows[] = {
      {"being opened", AccountState::kOpening, true, Reason::kAccountPending},
      {"open", AccountState::kOpen, false, Reason::kAccountExists},
      {"just opened, cards still being told", AccountState::kOpen, true, Reason::kAccountExists},
      {"swapping", AccountState::kSwapping, true, Reason::kAccountExists},
      {"closed", AccountState::kClosed, false, Reason::kAccountExists},
      {"just closed", AccountState::kClosed, true, Reason::kAccountExists},
  };
  for (const Row& row : rows) {
    Account existing = OpenAccount();
    existing.state = row.state;
    if (row.intent) existing.intent = Intent{.id = Request(9), .actor = "zhao"};
    const auto account = DecideOpen(GoodForm(), AreaId(640122001), &existing, Request(1), By("wang"));
    ASSERT_FALSE(account.has_value()) << row.name;
    EXPECT_EQ(account.error().reason(), row.reason) << row.name;
  }
}

const Devices kOthers = {
    .card = CardNumber(640000000099), .box = BoxSerial(6400000000000099), .sim = SimNumber(13900000099)};

TEST(DecideSwap, ClaimsTheNewAndRemembersTheOld) {
  struct Row {
    const char* name;
    Devices wanted;
    Devices next;
    Devices released;
  };
  const Row rows[] = {
      {"card", {.card = kOthers.card}, {kOthers.card, kDevices.box, kDevices.sim}, {.card = kDevices.card}},
      {"box", {.box = kOthers.box}, {kDevices.card, kOthers.box, kDevices.sim}, {.box = kDevices.box}},
      {"SIM", {.sim = kOthers.sim}, {kDevices.card, kDevices.box, kOthers.sim}, {.sim = kDevices.sim}},
      {"all", kOthers, kOthers, kDevices},
      {"card; the box is named, but it is the same",
       {.card = kOthers.card, .box = kDevices.box},
       {kOthers.card, kDevices.box, kDevices.sim},
       {.card = kDevices.card}},
  };
  for (const Row& row : rows) {
    const auto account = DecideSwap(OpenAccount(), row.wanted, Request(2), By("wang"));
    ASSERT_TRUE(account.has_value()) << row.name;
    EXPECT_EQ(account->state, AccountState::kSwapping) << row.name;
    EXPECT_EQ(account->form.devices, kDevices) << row.name << ": the old ones are in force";
    EXPECT_EQ(account->intent->kind, IntentKind::kSwap) << row.name;
    EXPECT_EQ(account->intent->phase, IntentPhase::kClaiming) << row.name;
    EXPECT_EQ(account->intent->wanted, row.next) << row.name;
    EXPECT_EQ(account->intent->released, row.released) << row.name;
    EXPECT_EQ(account->intent->place, OpenAccount().place) << row.name;
    EXPECT_EQ(account->intent->reason, "lost card") << row.name;
  }
}

TEST(DecideSwapAndClose, RefuseWhatCannotChange) {
  struct Row {
    const char* name;
    AccountState state;
    bool intent;
    const char* reason_given;
    Reason reason;
  };
  const Row rows[] = {
      {"no reason", AccountState::kOpen, false, "", Reason::kFieldMissing},
      {"no reason comes before closed", AccountState::kClosed, false, "", Reason::kFieldMissing},
      {"closed", AccountState::kClosed, false, "moved away", Reason::kAccountClosed},
      {"closed and cards still being told", AccountState::kClosed, true, "moved away",
       Reason::kAccountClosed},
      {"being opened", AccountState::kOpening, true, "moved away", Reason::kConcurrentEdit},
      {"being swapped", AccountState::kSwapping, true, "moved away", Reason::kConcurrentEdit},
      {"opened, cards still being told", AccountState::kOpen, true, "moved away", Reason::kConcurrentEdit},
  };
  for (const Row& row : rows) {
    Account account = OpenAccount();
    account.state = row.state;
    if (row.intent) account.intent = Intent{.id = Request(9), .actor = "zhao"};
    const Actor actor = By("wang", row.reason_given);
    const auto swapped = DecideSwap(account, kOthers, Request(2), actor);
    const auto closed = DecideClose(account, Request(2), actor);
    ASSERT_FALSE(swapped.has_value() || closed.has_value()) << row.name;
    EXPECT_EQ(swapped.error().reason(), row.reason) << row.name;
    EXPECT_EQ(closed.error().reason(), row.reason) << row.name;
    if (row.reason == Reason::kConcurrentEdit) {
      EXPECT_THAT(swapped.error().message(), HasSubstr("zhao"));
    }
    if (row.reason == Reason::kFieldMissing) {
      EXPECT_THAT(FieldsOf(Status(closed.error())), ElementsAre("change.reason"));
    }
  }
}

TEST(DecideSwap, RefusesWhatChangesNothing) {
  for (const Devices& wanted : {Devices{}, kDevices, Devices{.box = kDevices.box}}) {
    const auto account = DecideSwap(OpenAccount(), wanted, Request(2), By("wang"));
    ASSERT_FALSE(account.has_value());
    EXPECT_EQ(account.error().reason(), Reason::kSwapChangesNothing);
  }
}

TEST(DecideClose, IsInForceAtOnceAndFreesEverything) {
  const auto account = DecideClose(OpenAccount(), Request(3), By("wang", "moved away", 5000));
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(account->state, AccountState::kClosed);
  EXPECT_EQ(account->intent->kind, IntentKind::kClose);
  EXPECT_EQ(account->intent->phase, IntentPhase::kFinishing);
  EXPECT_EQ(account->intent->released, kDevices);
  EXPECT_EQ(account->intent->place, OpenAccount().place);
  EXPECT_EQ(account->form.devices, kDevices) << "who had what stays on record";
  ASSERT_EQ(account->history.size(), 1U);
  EXPECT_EQ(account->history[0].action, "close");
  EXPECT_EQ(account->history[0].time, UnixMillis(5000));
  EXPECT_EQ(account->history[0].actor, "wang");
  EXPECT_EQ(account->history[0].reason, "moved away");
  EXPECT_EQ(account->history[0].approver, "chief");
}

TEST(TakeEffect, OpeningComesIntoForce) {
  Account account = *DecideOpen(GoodForm(), AreaId(640122001), nullptr, Request(1), By("wang"));
  account.intent->place = {.group = GroupId(7), .slot = 9};
  account = TakeEffect(std::move(account), UnixMillis(2000));
  EXPECT_EQ(account.state, AccountState::kOpen);
  EXPECT_EQ(account.intent->phase, IntentPhase::kFinishing);
  EXPECT_EQ(account.form.devices, kDevices);
  EXPECT_EQ(account.place, (GroupSlot{.group = GroupId(7), .slot = 9}));
  ASSERT_EQ(account.history.size(), 1U);
  EXPECT_EQ(account.history[0].action, "open");
  EXPECT_EQ(account.history[0].time, UnixMillis(2000));
  EXPECT_EQ(account.history[0].actor, "wang");
  EXPECT_FALSE(Finished(account).intent.has_value());
  EXPECT_EQ(Finished(account).state, AccountState::kOpen);
}

TEST(TakeEffect, HistorySaysWhatWasSwapped) {
  struct Row {
    const char* action;
    Devices wanted;
  };
  const Row rows[] = {
      {"swap card", {.card = kOthers.card}},
      {"swap box", {.box = kOthers.box}},
      {"swap SIM", {.sim = kOthers.sim}},
      {"swap card box SIM", kOthers},
  };
  for (const Row& row : rows) {
    const Account before = *DecideSwap(OpenAccount(), row.wanted, Request(2), By("wang"));
    const Account after = TakeEffect(before, UnixMillis(2000));
    EXPECT_EQ(after.state, AccountState::kOpen) << row.action;
    EXPECT_EQ(after.form.devices, before.intent->wanted) << row.action;
    EXPECT_EQ(after.intent->released, before.intent->released) << row.action;
    ASSERT_EQ(after.history.size(), 1U) << row.action;
    EXPECT_EQ(after.history[0].action, row.action);
    EXPECT_THAT(after.history[0].detail, HasSubstr(ToString(kDevices.card))) << row.action;
    EXPECT_EQ(after.history[0].reason, "lost card") << row.action;
  }
}

TEST(BeginAbort, LeavesTheOldInForce) {
  const Account account = BeginAbort(*DecideSwap(OpenAccount(), kOthers, Request(2), By("wang")));
  EXPECT_EQ(account.intent->phase, IntentPhase::kAborting);
  EXPECT_EQ(account.form.devices, kDevices);
  EXPECT_TRUE(account.history.empty());
}

TEST(Moved, ToAnotherHomeAndBackKeepsDevicesAndPlace) {
  const Account before = OpenAccount();
  const RegionCode first = before.form.village;
  const RegionCode next(640122102200);
  const Account there = Moved(before, AreaId(640122002), next, 3, By("wang"));
  EXPECT_EQ(there.area, AreaId(640122002));
  EXPECT_EQ(there.form.village, next);
  EXPECT_EQ(there.form.natural_village, 3);
  EXPECT_EQ(there.left, std::vector<RegionCode>{first});
  EXPECT_EQ(there.place, before.place);
  EXPECT_EQ(there.form.devices, before.form.devices);
  ASSERT_EQ(there.history.size(), before.history.size() + 1);
  EXPECT_EQ(there.history.back().action, "relocate");
  EXPECT_THAT(there.history.back().detail, HasSubstr("area 640122002"));
  const Account back = Moved(there, before.area, first, 0, By("li"));
  EXPECT_EQ(back.left, std::vector<RegionCode>{next}) << "a village is in the list, or is the home";
}

}  // namespace
}  // namespace hearth::entitlement
