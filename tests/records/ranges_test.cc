// Decode refuses each number, enum value and length that no Encode wrote.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/v1/store.pb.h"
#include "src/records/records.h"

namespace hearth::records {
namespace {

namespace pb = store::v1;

const RequestId kRequest = RequestId::FromParts(UnixMillis(1'700'000'000'000), {1, 2, 3});

entitlement::Account SampleAccount() {
  entitlement::Account account;
  account.form.form_number = "NX-1";
  account.form.village = RegionCode(640122100201);
  account.intent = entitlement::Intent{.id = kRequest};
  return account;
}
CardRecord SampleCard() {
  CardRecord record;
  record.card.number = CardNumber(640000000017);
  record.heard.push_back(
      {.cell = {.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .area = 1, .cell = 2},
       .signal_dbm = -90});
  return record;
}
GroupRecord SampleGroup() {
  GroupRecord record;
  record.group.id = GroupId(7);
  record.group.township = RegionCode(640122100);
  record.group.members.push_back({.card = CardNumber(640000000017), .on = true, .stamp = Stamp(5)});
  return record;
}
entitlement::Channel SampleChannel() { return {.service = ServiceId(101), .name = "CCTV-1", .name_zh = ""}; }
PackageRecord SamplePackage() {
  PackageRecord record;
  record.package = {.id = PackageId(1), .name = "NX", .province = 64, .services = {ServiceId(101)}};
  return record;
}
PlanHead SampleHead() {
  return {.service = ServiceId(101), .last_number = 1, .days = {{20'000, 1}, {20'001, 2}}};
}
PlanDay SampleDay() {
  PlanDay day{.service = ServiceId(101), .day = 20'000, .windows = {}};
  for (const auto kind : {entitlement::WindowKind::kEvent, entitlement::WindowKind::kBlackout}) {
    day.windows.push_back({.number = 1,
                           .kind = kind,
                           .start = UnixMillis(20'000 * kDayMillis),
                           .end = UnixMillis(20'000 * kDayMillis + 1000)});
  }
  return day;
}
geofence::Area SampleArea() {
  return {.id = AreaId(640122001),
          .name = "north",
          .villages = {RegionCode(640122100201)},
          .state = geofence::AreaState::kDraft,
          .steps = {{geofence::AreaState::kDraft, "li", UnixMillis(1)}}};
}
CellListHead SampleList() { return {.id = AreaId(640122001), .name = "n", .actor = "li"}; }
InterventionRecord SampleIntervention() {
  InterventionRecord record;
  record.intervention.id = "1";
  record.intervention.card = CardNumber(640000000017);
  record.intervention.lists.push_back({.list = AreaId(640122001), .version = 1});
  return record;
}
OutboxEntry Effect(decltype(OutboxEntry::effect) effect) { return {.time = UnixMillis(1), .effect = effect}; }
OutboxEntry SampleStanding() { return Effect(StandingChanged{.card = CardNumber(1)}); }
OutboxEntry SampleMember() {
  return Effect(MemberChanged{.group = GroupId(7), .change = {.card = CardNumber(1)}});
}

struct Row {
  std::string name;
  std::string kind;   // as the message names it
  std::string field;  // as the detail names it
  std::optional<Error> before;
  std::optional<Error> after;
};

// Decodes the sample as it is, and again with one thing changed in its bytes.
template <typename Message, typename T>
Row Changed(std::string name, std::string kind, std::string field, const T& sample,
            const std::function<void(Message&)>& change) {
  Row row{std::move(name), std::move(kind), std::move(field), std::nullopt, std::nullopt};
  Message message;
  EXPECT_TRUE(message.ParseFromString(Encode(sample)));
  if (auto value = Decode<T>(message.SerializeAsString()); !value) row.before = value.error();
  change(message);
  if (auto value = Decode<T>(message.SerializeAsString()); !value) row.after = value.error();
  return row;
}

void ExpectRefused(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_FALSE(row.before) << row.name << ": the sample itself is refused: " << row.before->detail();
    ASSERT_TRUE(row.after) << row.name << " is taken";
    EXPECT_EQ(row.after->reason(), Reason::kStoreCorrupt) << row.name;
    EXPECT_EQ(row.after->message(), "a stored " + row.kind + " is damaged") << row.name;
    EXPECT_THAT(row.after->detail(), ::testing::StartsWith(row.kind + ": " + row.field + " is ")) << row.name;
  }
}

TEST(Ranges, Accounts) {
  const auto row = [](std::string name, std::string field, const std::function<void(pb::Account&)>& change) {
    return Changed<pb::Account>(std::move(name), "account", std::move(field), SampleAccount(), change);
  };
  ExpectRefused({
      row("no form number", "form_number", [](auto& m) { m.clear_form_number(); }),
      row("subsidy class", "person.subsidy_class", [](auto& m) { m.mutable_person()->set_subsidy_class(5); }),
      row("village of 11 digits", "village", [](auto& m) { m.set_village(64012210020); }),
      row("village of 13 digits", "village", [](auto& m) { m.set_village(6401221002010); }),
      row("13-digit card", "devices.card", [](auto& m) { m.mutable_devices()->set_card(1'000'000'000'000); }),
      row("17-digit box", "devices.box",
          [](auto& m) { m.mutable_devices()->set_box(10'000'000'000'000'000); }),
      row("12-digit SIM", "devices.sim", [](auto& m) { m.mutable_devices()->set_sim(100'000'000'000); }),
      row("10-digit area", "area", [](auto& m) { m.set_area(1'000'000'000); }),
      row("state 0", "state", [](auto& m) { m.set_state(0); }),
      row("state 5", "state", [](auto& m) { m.set_state(5); }),
      row("state 257, which is 1 in a byte", "state", [](auto& m) { m.set_state(257); }),
      row("group of 25 bits", "place.group", [](auto& m) { m.mutable_place()->set_group(0x1000000); }),
      row("slot 256", "place.slot", [](auto& m) { m.mutable_place()->set_slot(256); }),
      row("intent without id", "intent.id", [](auto& m) { m.mutable_intent()->clear_id(); }),
      row("intent id of 15 bytes", "intent.id",
          [](auto& m) { m.mutable_intent()->set_id(std::string(15, 'x')); }),
      row("intent id that is no UUID version 7", "intent.id",
          [](auto& m) { m.mutable_intent()->set_id(std::string(16, '\0')); }),
      row("intent kind", "intent.kind", [](auto& m) { m.mutable_intent()->set_kind(4); }),
      row("intent phase", "intent.phase", [](auto& m) { m.mutable_intent()->set_phase(0); }),
      row("intent's card", "devices.card",
          [](auto& m) { m.mutable_intent()->mutable_wanted()->set_card(UINT64_MAX); }),
      row("content hash of 31 bytes", "intent.content_hash",
          [](auto& m) { m.mutable_intent()->set_content_hash(std::string(31, 'x')); }),
  });
}

TEST(Ranges, Cards) {
  const auto row = [](std::string name, std::string field, const std::function<void(pb::Card&)>& change) {
    return Changed<pb::Card>(std::move(name), "card", std::move(field), SampleCard(), change);
  };
  ExpectRefused({
      row("number 0", "number", [](auto& m) { m.set_number(0); }),
      row("13 digits", "number", [](auto& m) { m.set_number(1'000'000'000'000); }),
      row("batch of 17 bits", "batch", [](auto& m) { m.set_batch(0x10000); }),
      row("claim's intent of 17 bytes", "claim.intent",
          [](auto& m) { m.mutable_claim()->set_intent(std::string(17, 'x')); }),
      row("settled of 1 byte", "settled", [](auto& m) { m.set_settled("x"); }),
      row("generation 256", "generation", [](auto& m) { m.set_generation(256); }),
      row("standing 3", "standing", [](auto& m) { m.set_standing(3); }),
      row("reason 7", "reason", [](auto& m) { m.set_reason(7); }),
      row("rights of 15 bytes", "rights", [](auto& m) { m.set_rights(std::string(15, 'x')); }),
      row("no rights", "rights", [](auto& m) { m.clear_rights(); }),
      row("expiry of 17 bits", "rights_expiry_day", [](auto& m) { m.set_rights_expiry_day(0x10000); }),
      row("validity of 17 bits", "validity_day", [](auto& m) { m.set_validity_day(0x10000); }),
      row("standing stamp of 41 bits", "standing_stamp",
          [](auto& m) { m.set_standing_stamp(0x100'0000'0000); }),
      row("record stamp of 41 bits", "record_stamp", [](auto& m) { m.set_record_stamp(0x100'0000'0000); }),
      row("pairing stamp of 41 bits", "pairing_stamp", [](auto& m) { m.set_pairing_stamp(0x100'0000'0000); }),
      row("no location", "location.standing", [](auto& m) { m.clear_location(); }),
      row("location's standing 4", "location.standing",
          [](auto& m) { m.mutable_location()->set_standing(4); }),
      row("last verdict 7", "location.last_verdict",
          [](auto& m) { m.mutable_location()->set_last_verdict(7); }),
      row("heard cell of 10 bytes", "heard.cell",
          [](auto& m) { m.mutable_heard(0)->mutable_cell()->pop_back(); }),
      row("heard cell of no radio", "heard.cell",
          [](auto& m) { m.mutable_heard(0)->set_cell(std::string(11, '\0')); }),
      row("signal 128", "heard.signal_dbm", [](auto& m) { m.mutable_heard(0)->set_signal_dbm(128); }),
      row("signal -129", "heard.signal_dbm", [](auto& m) { m.mutable_heard(0)->set_signal_dbm(-129); }),
      row("installed cell of 12 bytes", "installed_cell",
          [](auto& m) { m.set_installed_cell(std::string(12, 'x')); }),
  });
}

TEST(Ranges, DevicesAndGroups) {
  const auto group = [](std::string name, std::string field, const std::function<void(pb::Group&)>& change) {
    return Changed<pb::Group>(std::move(name), "group", std::move(field), SampleGroup(), change);
  };
  ExpectRefused({
      Changed<pb::Claim>("claim of no UUID", "claim", "claim.intent",
                         entitlement::Claim{.account = "A", .intent = kRequest},
                         [](auto& m) { m.set_intent(std::string(16, 'x')); }),
      Changed<pb::Box>("box 0", "box", "serial", BoxRecord{.serial = BoxSerial(1)},
                       [](auto& m) { m.set_serial(0); }),
      Changed<pb::Box>("box of 17 digits", "box", "serial", BoxRecord{.serial = BoxSerial(1)},
                       [](auto& m) { m.set_serial(kMaxBoxSerial + 1); }),
      Changed<pb::Sim>("SIM 0", "SIM", "number", SimRecord{.number = SimNumber(13900000001)},
                       [](auto& m) { m.set_number(0); }),
      Changed<pb::Batch>("batch of 17 bits", "batch", "id", BatchRecord{.last = CardNumber(1)},
                         [](auto& m) { m.set_id(0x10000); }),
      Changed<pb::Batch>("batch of no cards", "batch", "last_card", BatchRecord{.last = CardNumber(1)},
                         [](auto& m) { m.set_last_card(0); }),
      Changed<pb::Township>("township's group", "township", "current_group", TownshipRecord{},
                            [](auto& m) { m.set_current_group(0x1000000); }),
      group("group 0", "id", [](auto& m) { m.set_id(0); }),
      group("group of 25 bits", "id", [](auto& m) { m.set_id(0x1000000); }),
      group("generation 256", "generation", [](auto& m) { m.set_generation(256); }),
      group("township of 5 digits", "township", [](auto& m) { m.set_township(64012); }),
      group("no township", "township", [](auto& m) { m.set_township(0); }),
      group("257 members", "count of members",
            [](auto& m) {
              for (int i = 0; i < 256; ++i) m.add_members();
            }),
      group("member's card", "member.card",
            [](auto& m) { m.mutable_members(0)->set_card(1'000'000'000'000); }),
      group("member's stamp", "member.stamp",
            [](auto& m) { m.mutable_members(0)->set_stamp(0x100'0000'0000); }),
  });
}

TEST(Ranges, Schedule) {
  const auto channel = [](std::string name, std::string field,
                          const std::function<void(pb::Channel&)>& change) {
    return Changed<pb::Channel>(std::move(name), "channel", std::move(field), SampleChannel(), change);
  };
  const auto package = [](std::string name, std::string field,
                          const std::function<void(pb::Package&)>& change) {
    return Changed<pb::Package>(std::move(name), "package", std::move(field), SamplePackage(), change);
  };
  ExpectRefused({
      channel("service 0", "service", [](auto& m) { m.set_service(0); }),
      channel("service of 17 bits", "service", [](auto& m) { m.set_service(0x10000); }),
      channel("kind 0", "kind", [](auto& m) { m.set_kind(0); }),
      channel("kind 3", "kind", [](auto& m) { m.set_kind(3); }),
      channel("province of 3 digits", "province", [](auto& m) { m.set_province(100); }),
      channel("mode 4", "criteria.mode", [](auto& m) { m.mutable_criteria()->set_mode(4); }),
      channel("product 128", "criteria.product", [](auto& m) { m.mutable_criteria()->set_product(128); }),
      channel("division of 7 digits", "criteria.division",
              [](auto& m) { m.mutable_criteria()->set_division(1'000'000); }),
      package("package 0", "id", [](auto& m) { m.set_id(0); }),
      package("package of 17 bits", "id", [](auto& m) { m.set_id(0x10000); }),
      package("province of 3 digits", "province", [](auto& m) { m.set_province(100); }),
      package("service 0", "service", [](auto& m) { m.set_services(0, 0); }),
      package("256 services", "count of services",
              [](auto& m) {
                for (int i = 0; i < 255; ++i) m.add_services(1);
              }),
  });
}

TEST(Ranges, ProductsAndPlans) {
  const auto head = [](std::string name, std::string field,
                       const std::function<void(pb::PlanHead&)>& change) {
    return Changed<pb::PlanHead>(std::move(name), "plan", std::move(field), SampleHead(), change);
  };
  const auto day = [](std::string name, std::string field, const std::function<void(pb::PlanDay&)>& change) {
    return Changed<pb::PlanDay>(std::move(name), "day of a plan", std::move(field), SampleDay(), change);
  };
  const auto event = [](pb::PlanDay & m) -> auto& { return *m.mutable_windows(0); };
  const auto blackout = [](pb::PlanDay & m) -> auto& { return *m.mutable_windows(1); };
  ExpectRefused({
      Changed<pb::Product>("product 128", "product", "id", entitlement::Product{.id = 3, .name = "n"},
                           [](auto& m) { m.set_id(128); }),
      head("service 0", "service", [](auto& m) { m.set_service(0); }),
      head("after the year 9999", "day", [](auto& m) { m.mutable_days(1)->set_day(kMaxPlanDay + 1); }),
      head("a day twice", "day", [](auto& m) { m.mutable_days(1)->set_day(20'000); }),
      head("a day without windows", "windows", [](auto& m) { m.mutable_days(0)->set_windows(0); }),
      day("service of 17 bits", "service", [](auto& m) { m.set_service(0x10000); }),
      day("after the year 9999", "day", [](auto& m) { m.set_day(kMaxPlanDay + 1); }),
      day("window 0", "number", [&](auto& m) { event(m).set_number(0); }),
      day("kind 0", "kind", [&](auto& m) { event(m).set_kind(0); }),
      day("kind 4", "kind", [&](auto& m) { event(m).set_kind(4); }),
      day("on another day", "start_ms", [&](auto& m) { event(m).set_start_ms(kDayMillis); }),
      day("no duration", "duration_ms", [&](auto& m) { event(m).set_duration_ms(0); }),
      day("32 days", "duration_ms", [&](auto& m) { event(m).set_duration_ms(32 * kDayMillis); }),
      day("mode 4", "criteria.mode", [&](auto& m) { event(m).mutable_criteria()->set_mode(4); }),
      day("event of a division", "division", [&](auto& m) { event(m).set_division(640100); }),
      day("division of 7 digits", "division", [&](auto& m) { blackout(m).set_division(1'000'000); }),
      day("blackout with criteria", "criteria",
          [&](auto& m) { blackout(m).mutable_criteria()->set_mode(1); }),
  });
}

TEST(Ranges, Geofence) {
  const auto area = [](std::string name, std::string field, const std::function<void(pb::Area&)>& change) {
    return Changed<pb::Area>(std::move(name), "area", std::move(field), SampleArea(), change);
  };
  const auto list = [](std::string name, std::string field,
                       const std::function<void(pb::CellListHead&)>& change) {
    return Changed<pb::CellListHead>(std::move(name), "cell list", std::move(field), SampleList(), change);
  };
  const auto region = [](std::string name, std::string field,
                         const std::function<void(pb::Region&)>& change) {
    return Changed<pb::Region>(std::move(name), "region", std::move(field),
                               geofence::Region{.code = RegionCode(64), .name = "Ningxia", .parent = {}},
                               change);
  };
  const auto village = [](std::string name, std::string field,
                          const std::function<void(pb::Village&)>& change) {
    return Changed<pb::Village>(std::move(name), "village", std::move(field),
                                geofence::Village{.place = geofence::PlaceCode(64012210020101)}, change);
  };
  ExpectRefused({
      village("place 0", "place", [](auto& m) { m.set_place(0); }),
      village("a township", "place", [](auto& m) { m.set_place(640122100); }),
      village("serial 0", "place", [](auto& m) { m.set_place(64012210020100); }),
      village("15 digits", "place", [](auto& m) { m.set_place(640122100201011); }),
      village("half a position", "position", [](auto& m) { m.set_latitude_e7(1); }),
      village("beyond the pole", "position",
              [](auto& m) {
                m.set_latitude_e7(900'000'001);
                m.set_longitude_e7(0);
              }),
      area("whole village as natural", "natural", [](auto& m) { m.add_naturals(640122100201); }),
      region("code 0", "code", [](auto& m) { m.set_code(0); }),
      region("code of 3 digits", "code", [](auto& m) { m.set_code(640); }),
      region("code of 13 digits", "code", [](auto& m) { m.set_code(6401221002010); }),
      region("parent of 1 digit", "parent", [](auto& m) { m.set_parent(6); }),
      area("area 0", "id", [](auto& m) { m.set_id(0); }),
      area("village", "village", [](auto& m) { m.set_villages(0, 0); }),
      area("state", "state", [](auto& m) { m.set_state(6); }),
      area("state of a step", "step.state", [](auto& m) { m.mutable_steps(0)->set_state(0); }),
      list("kind 0", "kind", [](auto& m) { m.set_kind(0); }),
      list("kind 3", "kind", [](auto& m) { m.set_kind(3); }),
      list("list 0", "id", [](auto& m) { m.set_id(0); }),
      list("stamp", "stamp", [](auto& m) { m.set_stamp(0x100'0000'0000); }),
  });
}

TEST(Ranges, Interventions) {
  const auto row = [](std::string name, std::string field,
                      const std::function<void(pb::Intervention&)>& change) {
    return Changed<pb::Intervention>(std::move(name), "intervention", std::move(field), SampleIntervention(),
                                     change);
  };
  ExpectRefused({
      row("no id", "id", [](auto& m) { m.clear_id(); }),
      row("card 0", "card", [](auto& m) { m.set_card(0); }),
      row("state 0", "state", [](auto& m) { m.set_state(0); }),
      row("state 8", "state", [](auto& m) { m.set_state(8); }),
      row("cause 0", "cause", [](auto& m) { m.set_cause(0); }),
      row("cause 4, a gap", "cause", [](auto& m) { m.set_cause(4); }),
      row("cause 31", "cause", [](auto& m) { m.set_cause(31); }),
      row("verdict 0", "verdict", [](auto& m) { m.set_verdict(0); }),
      row("verdict 7", "verdict", [](auto& m) { m.set_verdict(7); }),
      row("list of 10 digits", "list", [](auto& m) { m.mutable_lists(0)->set_list(1'000'000'000); }),
      row("area of 10 digits", "area", [](auto& m) { m.set_area(1'000'000'000); }),
  });
}

TEST(Ranges, Alerts) {
  const entitlement::Emergency sample{.number = 1, .regions = {640122}, .minutes = 90};
  const auto row = [&](std::string name, std::string field,
                       const std::function<void(pb::Emergency&)>& change) {
    return Changed<pb::Emergency>(std::move(name), "alert", std::move(field), sample, change);
  };
  ExpectRefused({
      row("number 0", "number", [](auto& m) { m.set_number(0); }),
      row("state 0", "state", [](auto& m) { m.set_state(0); }),
      row("state 4", "state", [](auto& m) { m.set_state(4); }),
      row("kind 0", "kind", [](auto& m) { m.set_kind(0); }),
      row("kind 11", "kind", [](auto& m) { m.set_kind(11); }),
      row("severity 5", "severity", [](auto& m) { m.set_severity(5); }),
      row("no region", "count of regions", [](auto& m) { m.clear_regions(); }),
      row("region of 7 digits", "region", [](auto& m) { m.set_regions(0, 1'000'000); }),
      row("service of 17 bits", "service", [](auto& m) { m.set_service(65536); }),
      row("no duration", "minutes", [](auto& m) { m.set_minutes(0); }),
      row("more than a week", "minutes", [](auto& m) { m.set_minutes(10'081); }),
      row("stamp", "stamp", [](auto& m) { m.set_stamp(0x100'0000'0000); }),
      Changed<pb::Outbox>("alert 0 due", "outbox entry", "emergency", SampleStanding(),
                          [](auto& m) { m.set_emergency(0); }),
  });
}

TEST(Ranges, Evictions) {
  const Eviction sample{.cards = {{.card = CardNumber(17), .group = GroupId(7)}}};
  const auto row = [&](std::string name, std::string field,
                       const std::function<void(pb::Eviction&)>& change) {
    return Changed<pb::Eviction>(std::move(name), "eviction", std::move(field), sample, change);
  };
  ExpectRefused({
      row("id of 3 bytes", "id", [](auto& m) { m.set_id("abc"); }),
      row("no hash", "content_hash", [](auto& m) { m.clear_content_hash(); }),
      row("card 0", "cards.card", [](auto& m) { m.mutable_cards(0)->set_card(0); }),
      row("group 0", "cards.group", [](auto& m) { m.mutable_cards(0)->set_group(0); }),
      row("group of 25 bits", "cards.group", [](auto& m) { m.mutable_cards(0)->set_group(1U << 24); }),
  });
}

TEST(Ranges, WhatGoesWithACommit) {
  const auto row = [](std::string name, std::string field, const OutboxEntry& sample,
                      const std::function<void(pb::Outbox&)>& change) {
    return Changed<pb::Outbox>(std::move(name), "outbox entry", std::move(field), sample, change);
  };
  const OutboxEntry group = Effect(GroupDue{.group = GroupId(7)});
  const OutboxEntry table = Effect(TableDue{.id = AreaId(640122001)});
  ExpectRefused({
      row("no effect", "effect", SampleStanding(), [](auto& m) { m.clear_effect(); }),
      row("urgency 3", "urgency", SampleStanding(), [](auto& m) { m.set_urgency(3); }),
      row("standing of card 0", "standing.card", SampleStanding(),
          [](auto& m) { m.mutable_standing()->set_card(0); }),
      row("standing 3", "standing.standing", SampleStanding(),
          [](auto& m) { m.mutable_standing()->set_standing(3); }),
      row("reason 7", "standing.reason", SampleStanding(),
          [](auto& m) { m.mutable_standing()->set_reason(7); }),
      row("stamp", "standing.stamp", SampleStanding(),
          [](auto& m) { m.mutable_standing()->set_stamp(0x100'0000'0000); }),
      row("record of card 0", "record_of_card", SampleStanding(), [](auto& m) { m.set_record_of_card(0); }),
      row("pairing of card 0", "pairing_of_card", SampleStanding(),
          [](auto& m) { m.set_pairing_of_card(0); }),
      row("keys of package 0", "service_keys_of_package", SampleStanding(),
          [](auto& m) { m.set_service_keys_of_package(0); }),
      row("keys of a package of 17 bits", "service_keys_of_package", SampleStanding(),
          [](auto& m) { m.set_service_keys_of_package(0x10000); }),
      row("member of group 0", "member.group", SampleMember(),
          [](auto& m) { m.mutable_member()->set_group(0); }),
      row("member of card 0", "member.card", SampleMember(),
          [](auto& m) { m.mutable_member()->set_card(0); }),
      row("slot 256", "member.slot", SampleMember(), [](auto& m) { m.mutable_member()->set_slot(256); }),
      row("group 0", "group.group", group, [](auto& m) { m.mutable_group()->set_group(0); }),
      row("group's stamp", "group.at_least", group,
          [](auto& m) { m.mutable_group()->set_at_least(0x100'0000'0000); }),
      row("table of kind 0", "table.kind", table, [](auto& m) { m.mutable_table()->set_kind(0); }),
      row("table 0", "table.id", table, [](auto& m) { m.mutable_table()->set_id(0); }),
      Changed<pb::Dedup>("hash of 33 bytes", "request id", "content_hash", Dedup{},
                         [](auto& m) { m.set_content_hash(std::string(33, 'x')); }),
      Changed<pb::Audit>("previous hash of 31 bytes", "audit entry", "previous_hash", Audit{},
                         [](auto& m) { m.set_previous_hash(std::string(31, 'x')); }),
  });
}

// A record says no more about an object than its kind, so that nothing personal reaches a client.
TEST(Ranges, TheMessageNamesOnlyTheKind) {
  entitlement::Account account = SampleAccount();
  account.form.person.name = "Li Guilan";
  pb::Account message;
  ASSERT_TRUE(message.ParseFromString(Encode(account)));
  message.set_state(9);
  const auto result = Decode<entitlement::Account>(message.SerializeAsString());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "a stored account is damaged");
  EXPECT_EQ(result.error().detail(), "account: state is not a value that has a name");
  EXPECT_TRUE(result.error().violations().empty());
}

}  // namespace
}  // namespace hearth::records
