// Bad input at the gRPC door: each row is one request, the code, reason and field it must be refused with,
// and after all of them nothing has been written.

#include <functional>

#include <gmock/gmock.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using grpc::StatusCode;

class DoorTest : public ServerTest {
 protected:
  Limits TestLimits() const override {
    Limits limits;
    limits.rows_per_batch = 10;
    limits.cells_per_list = 5;
    limits.plan_items = 20;
    limits.villages_per_area = 3;
    return limits;
  }

  grpc::Status Open(const std::function<void(v1::OpenAccountRequest&)>& edit) {
    v1::OpenAccountRequest in;
    *in.mutable_form() = GoodForm();
    edit(in);
    return Client::Call(*client_->registry, &v1::RegistryService::Stub::OpenAccount, in);
  }
  grpc::Status Swap(const std::function<void(v1::SwapDeviceRequest&)>& edit) {
    v1::SwapDeviceRequest in;
    in.mutable_change()->set_reason("broken");
    in.set_form_number(kForm);
    edit(in);
    return Client::Call(*client_->registry, &v1::RegistryService::Stub::SwapDevice, in);
  }
  grpc::Status Batch(const std::function<void(v1::ImportBatchRequest&)>& edit) {
    v1::ImportBatchRequest in;
    in.set_batch(2);
    in.set_first_card("650000000000");
    in.set_last_card("650000000099");
    in.set_master_key("0123456789abcdef");
    edit(in);
    return Client::Call(*client_->registry, &v1::RegistryService::Stub::ImportBatch, in);
  }
  grpc::Status Roster(const std::vector<uint64_t>& lines) {
    v1::ImportRosterRequest in;
    for (const uint64_t line : lines) {
      in.add_rows()->set_line(line);
      *in.mutable_rows(in.rows_size() - 1)->mutable_form() = GoodForm();
    }
    return Client::Call(*client_->registry, &v1::RegistryService::Stub::ImportRoster, in);
  }
  grpc::Status Package(const std::function<void(v1::Package&)>& edit) {
    v1::PutPackageRequest in;
    in.mutable_package()->set_package_id(9);
    in.mutable_package()->set_name("n");
    in.mutable_package()->set_province("64");
    in.mutable_package()->add_service_ids(101);
    edit(*in.mutable_package());
    return Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PutPackage, in);
  }
  grpc::Status Product(uint32_t id, const std::string& name) {
    v1::PutProductRequest in;
    in.mutable_product()->set_product_id(id);
    in.mutable_product()->set_name(name);
    return Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PutProduct, in);
  }
  // A good item of channel 101, `minutes` from now, an hour long.
  v1::PlanItem Item(int64_t minutes = 60) const {
    v1::PlanItem item;
    item.set_service_id(101);
    item.set_kind(v1::PlanWindow::EVENT);
    item.mutable_start()->set_seconds(clock_.Now().value / 1000 + minutes * 60);
    item.mutable_end()->set_seconds(item.start().seconds() + 3600);
    return item;
  }
  // A day from now on, with one good item.
  v1::PushPlanRequest GoodPush() const {
    v1::PushPlanRequest in;
    in.mutable_from()->set_seconds(clock_.Now().value / 1000);
    in.mutable_to()->set_seconds(in.from().seconds() + 86'400);
    *in.add_items() = Item();
    return in;
  }
  grpc::Status Push(const std::function<void(v1::PushPlanRequest&)>& edit) {
    v1::PushPlanRequest in = GoodPush();
    edit(in);
    return Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, in);
  }
  grpc::Status InForce(const std::function<void(v1::GetInForceRequest&)>& edit) {
    v1::GetInForceRequest in;
    in.set_service_id(101);
    edit(in);
    return Client::Call(*client_->schedule, &v1::ScheduleService::Stub::GetInForce, in);
  }
  grpc::Status Plan(const std::function<void(v1::ListPlanRequest&)>& edit) {
    return Read<v1::ListPlanRequest>(*client_->schedule, &v1::ScheduleService::Stub::ListPlan, edit);
  }
  grpc::Status Ecm(const std::function<void(v1::IssueEcmRequest&)>& edit) {
    v1::IssueEcmRequest in;
    in.set_service_id(101);
    in.add_control_words("01234567");
    edit(in);
    return Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::IssueEcm, in);
  }
  grpc::Status Evict(const std::function<void(v1::EvictCardsRequest&)>& edit) {
    v1::EvictCardsRequest in;
    in.mutable_change()->set_reason("cloned");
    in.add_card_numbers(kCard);
    edit(in);
    return Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::EvictCards, in);
  }
  grpc::Status Area(const std::function<void(v1::CreateAreaRequest&)>& edit) {
    v1::CreateAreaRequest in;
    in.set_area_id("640122009");
    in.set_name("n");
    in.add_villages(kVillage);
    edit(in);
    return Client::Call(*client_->geofence, &v1::GeofenceService::Stub::CreateArea, in);
  }
  grpc::Status Step(const std::string& area, int to) {
    v1::StepAreaRequest in;
    in.set_area_id(area);
    in.set_to(static_cast<v1::AreaState>(to));
    return Client::Call(*client_->geofence, &v1::GeofenceService::Stub::StepArea, in);
  }
  grpc::Status Report(const std::function<void(v1::ReportRequest&)>& edit) {
    v1::ReportRequest in = SignedReport(1, kHomeCell);
    edit(in);
    return Client::Call(*client_->location, &v1::LocationService::Stub::Report, in);
  }
  grpc::Status Lift(const std::function<void(v1::LiftInterventionRequest&)>& edit) {
    v1::LiftInterventionRequest in;
    in.mutable_change()->set_reason("by hand");
    in.set_card_number(kCard);
    edit(in);
    return Client::Call(*client_->intervention, &v1::InterventionService::Stub::Lift, in);
  }
  grpc::Status Stream(const std::vector<v1::PutCellListRequest>& messages) {
    grpc::ClientContext context;
    context.AddMetadata("hearth-actor", "wang");
    v1::PutCellListResponse out;
    auto writer = client_->geofence->PutCellList(&context, &out);
    for (const auto& message : messages) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  }
  static v1::PutCellListRequest Header(int kind, const std::string& id) {
    v1::PutCellListRequest message;
    message.mutable_header()->set_kind(static_cast<v1::ListKind>(kind));
    message.mutable_header()->set_list_id(id);
    return message;
  }
  static v1::PutCellListRequest Cells(const std::vector<std::string>& cells) {
    v1::PutCellListRequest message;
    message.mutable_cells();
    for (const std::string& cell : cells) message.mutable_cells()->add_cells(cell);
    return message;
  }
  template <typename In, typename Stub, typename Out>
  static grpc::Status Read(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const In&, Out*),
                           const std::function<void(In&)>& edit) {
    In in;
    edit(in);
    return Client::Call(stub, method, in);
  }
};

TEST_F(DoorTest, BadInputIsRefusedByFieldAndWritesNothing) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  const auto before = SettledSequences();
  const std::string old_id =
      RequestId::FromParts(UnixMillis(clock_.Now().value - 25LL * 3600 * 1000), {1, 2, 3}).ToString();
  const std::string future_id =
      RequestId::FromParts(UnixMillis(clock_.Now().value + 2LL * 3600 * 1000), {1, 2, 3}).ToString();
  const std::string many(600, 'x');

  struct Row {
    const char* name;
    grpc::Status status;
    StatusCode code;
    const char* reason;
    const char* field;  // the first one at fault; "": none is named
  };
  const StatusCode bad = StatusCode::INVALID_ARGUMENT;
  const char* const invalid = "FIELD_INVALID";
  const char* const missing = "FIELD_MISSING";
  const Row rows[] = {
      {"change: id no UUID", Open([](auto& in) { in.mutable_change()->set_request_id("17"); }), bad,
       "REQUEST_ID_INVALID", "change.request_id"},
      {"change: id of version 4",
       Open([](auto& in) { in.mutable_change()->set_request_id("8f14e45f-ceea-467f-a5d1-0242ac130003"); }),
       bad, "REQUEST_ID_INVALID", "change.request_id"},
      {"change: id too old", Open([&](auto& in) { in.mutable_change()->set_request_id(old_id); }),
       StatusCode::FAILED_PRECONDITION, "REQUEST_ID_EXPIRED", ""},
      {"change: id of the future", Open([&](auto& in) { in.mutable_change()->set_request_id(future_id); }),
       bad, "REQUEST_ID_INVALID", ""},
      {"change: reason too long", Open([&](auto& in) { in.mutable_change()->set_reason(many); }), bad,
       invalid, "change.reason"},
      {"change: approver too long", Open([&](auto& in) { in.mutable_change()->set_approver(many); }), bad,
       invalid, "change.approver"},
      {"change: approver is the actor", Open([](auto& in) { in.mutable_change()->set_approver("wang"); }),
       StatusCode::FAILED_PRECONDITION, "SECOND_APPROVER_NEEDED", "change.approver"},

      {"form: none", Open([](auto& in) { in.clear_form(); }), bad, missing, "form.village"},
      {"form: number empty", Open([](auto& in) { in.mutable_form()->clear_form_number(); }), bad, missing,
       "form.form_number"},
      {"form: number in lower case", Open([](auto& in) { in.mutable_form()->set_form_number("nx-1"); }), bad,
       invalid, "form.form_number"},
      {"form: number too long",
       Open([](auto& in) { in.mutable_form()->set_form_number(std::string(33, 'A')); }), bad, invalid,
       "form.form_number"},
      {"form: card of 11 digits", Open([](auto& in) { in.mutable_form()->set_card_number("64000000001"); }),
       bad, invalid, "form.card_number"},
      {"form: card all zero", Open([](auto& in) { in.mutable_form()->set_card_number("000000000000"); }), bad,
       invalid, "form.card_number"},
      {"form: box with a letter",
       Open([](auto& in) { in.mutable_form()->set_box_serial("064000000000001O"); }), bad, invalid,
       "form.box_serial"},
      {"form: SIM begins with 0", Open([](auto& in) { in.mutable_form()->set_sim_number("03995000017"); }),
       bad, invalid, "form.sim_number"},
      {"form: village of a township", Open([](auto& in) { in.mutable_form()->set_village("640122100"); }),
       bad, "REGION_NOT_VILLAGE", "form.village"},
      {"form: wrong check digit",
       Open([](auto& in) { in.mutable_form()->mutable_person()->set_person_id("110105194912310021"); }), bad,
       invalid, "form.person.person_id"},
      {"form: no name", Open([](auto& in) { in.mutable_form()->mutable_person()->clear_name(); }), bad,
       invalid, "form.person.name"},
      {"form: phone with words",
       Open([](auto& in) { in.mutable_form()->mutable_person()->set_phone("call me"); }), bad, invalid,
       "form.person.phone"},
      {"form: address too long",
       Open([&](auto& in) { in.mutable_form()->mutable_person()->set_address(many); }), bad, invalid,
       "form.person.address"},
      {"form: unknown subsidy", Open([](auto& in) {
         in.mutable_form()->mutable_person()->set_subsidy_class(static_cast<v1::Person::SubsidyClass>(9));
       }),
       bad, invalid, "form.person.subsidy_class"},

      {"roster: no rows", Roster({}), bad, missing, "rows"},
      {"roster: row without line", Roster({1, 0}), bad, missing, "rows[1].line"},
      {"roster: line twice", Roster({1, 2, 1}), bad, invalid, "rows[2].line"},
      {"roster: too many rows", Roster({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), StatusCode::RESOURCE_EXHAUSTED,
       "LIMIT_EXCEEDED", "rows"},

      {"swap: nothing named", Swap([](auto&) {}), bad, "SWAP_CHANGES_NOTHING", ""},
      {"swap: bad card", Swap([](auto& in) { in.set_new_card_number("1"); }), bad, invalid,
       "new_card_number"},
      {"swap: bad box", Swap([](auto& in) { in.set_new_box_serial("1"); }), bad, invalid, "new_box_serial"},
      {"swap: bad SIM", Swap([](auto& in) { in.set_new_sim_number("1"); }), bad, invalid, "new_sim_number"},
      {"swap: no form number", Swap([](auto& in) { in.clear_form_number(); }), bad, missing, "form_number"},

      {"batch: 0", Batch([](auto& in) { in.set_batch(0); }), bad, missing, "batch"},
      {"batch: 65536", Batch([](auto& in) { in.set_batch(65536); }), bad, invalid, "batch"},
      {"batch: range upside down", Batch([](auto& in) { in.set_last_card("640000000000"); }), bad, invalid,
       "last_card"},
      {"batch: no key", Batch([](auto& in) { in.clear_master_key(); }), bad, missing, "master_key"},
      {"batch: key of 15 bytes", Batch([](auto& in) { in.set_master_key("0123456789abcde"); }), bad, invalid,
       "master_key"},

      {"package: 0", Package([](auto& in) { in.set_package_id(0); }), bad, missing, "package.package_id"},
      {"package: no province", Package([](auto& in) { in.clear_province(); }), bad, invalid,
       "package.province"},
      {"package: province of four digits", Package([](auto& in) { in.set_province("6401"); }), bad, invalid,
       "package.province"},
      {"package: no services", Package([](auto& in) { in.clear_service_ids(); }), bad, missing,
       "package.service_ids"},
      {"package: service 70000", Package([](auto& in) { in.add_service_ids(70000); }), bad, invalid,
       "package.service_ids[1]"},

      {"evict: no reason", Evict([](auto& in) { in.mutable_change()->clear_reason(); }), bad, missing,
       "change.reason"},
      {"evict: no card", Evict([](auto& in) { in.clear_card_numbers(); }), bad, missing, "card_numbers"},
      {"evict: 11 digits", Evict([](auto& in) { in.add_card_numbers("64000000001"); }), bad, invalid,
       "card_numbers[1]"},
      {"evict: twice", Evict([](auto& in) { in.add_card_numbers(kCard); }), bad, invalid, "card_numbers[1]"},
      {"evict: unknown", Evict([](auto& in) { in.set_card_numbers(0, "640000000999"); }),
       StatusCode::NOT_FOUND, "CARD_UNKNOWN", "card_numbers[0]"},
      {"evict: rate", Evict([](auto& in) { in.set_rate_kbps(1'000'001); }), bad, invalid, "rate_kbps"},
      {"evict: revision", Evict([](auto& in) { in.mutable_change()->set_if_revision(3); }), bad, invalid,
       "change.if_revision"},
      {"evict: 101 cards", Evict([](auto& in) {
         for (int i = 0; i < 100; ++i) in.add_card_numbers(kCard);
       }),
       StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", ""},
      {"ECM: no channel", Ecm([](auto& in) { in.clear_channel(); }), bad, missing, "channel"},
      {"ECM: service 0", Ecm([](auto& in) { in.set_service_id(0); }), bad, missing, "service_id"},
      {"ECM: name too long", Ecm([&](auto& in) { in.set_channel_name(many); }), bad, invalid, "channel_name"},
      {"ECM: CP number 65536", Ecm([](auto& in) { in.set_cp_number(65536); }), bad, invalid, "cp_number"},
      {"ECM: no control word", Ecm([](auto& in) { in.clear_control_words(); }), bad, "CONTROL_WORD_INVALID",
       ""},
      {"ECM: three control words", Ecm([](auto& in) {
         in.add_control_words("01234567");
         in.add_control_words("01234567");
       }),
       bad, "CONTROL_WORD_INVALID", ""},
      {"ECM: control word of 7 bytes", Ecm([](auto& in) { in.set_control_words(0, "0123456"); }), bad,
       "CONTROL_WORD_INVALID", ""},
      {"ECM: unknown channel", Ecm([](auto& in) { in.set_service_id(999); }), StatusCode::NOT_FOUND,
       "CHANNEL_UNKNOWN", ""},

      {"area: serial 000", Area([](auto& in) { in.set_area_id("640122000"); }), bad, invalid, "area_id"},
      {"area: no name", Area([](auto& in) { in.clear_name(); }), bad, invalid, "name"},
      {"area: name too long", Area([&](auto& in) { in.set_name(many); }), bad, invalid, "name"},
      {"area: bad village", Area([](auto& in) { in.add_villages("64012"); }), bad, invalid, "villages[1]"},
      {"area: too many villages", Area([](auto& in) {
         for (int i = 0; i < 3; ++i) in.add_villages(kVillage);
       }),
       StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", "villages"},
      {"area: step to nowhere", Step(kArea, 0), bad, invalid, "to"},
      {"area: step to an unknown state", Step(kArea, 17), bad, invalid, "to"},
      {"area: step of an unknown area", Step("640122008", v1::SUBMITTED), StatusCode::NOT_FOUND,
       "AREA_UNKNOWN", ""},

      {"list: no message", Stream({}), bad, missing, "header"},
      {"list: cells before the header", Stream({Cells({kHomeCell})}), bad, missing, "header"},
      {"list: two headers", Stream({Header(v1::WHITELIST, kArea), Header(v1::WHITELIST, kArea)}), bad,
       invalid, "header"},
      {"list: neither", Stream({v1::PutCellListRequest()}), bad, missing, "part"},
      {"list: no kind", Stream({Header(0, kArea), Cells({kHomeCell})}), bad, invalid, "header.kind"},
      {"list: unknown kind", Stream({Header(7, kArea), Cells({kHomeCell})}), bad, invalid, "header.kind"},
      {"list: bad number", Stream({Header(v1::WHITELIST, "1"), Cells({kHomeCell})}), bad, invalid,
       "header.list_id"},
      {"list: no cells", Stream({Header(v1::WHITELIST, kArea)}), StatusCode::FAILED_PRECONDITION,
       "CELL_LIST_EMPTY", ""},
      {"list: bad cell in the second message",
       Stream({Header(v1::WHITELIST, kArea), Cells({kHomeCell}), Cells({"lte:460:0:1:1"})}), bad, invalid,
       "cells[1]"},
      {"list: too many cells",
       Stream({Header(v1::WHITELIST, kArea), Cells(std::vector<std::string>(6, kHomeCell))}),
       StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", "cells"},
      {"list: of an unknown area", Stream({Header(v1::WHITELIST, "640122008"), Cells({kHomeCell})}),
       StatusCode::NOT_FOUND, "AREA_UNKNOWN", ""},

      {"report: bad card", Report([](auto& in) { in.set_card_number("x"); }), bad, invalid, "card_number"},
      {"report: no box", Report([](auto& in) { in.clear_box_serial(); }), bad, missing, "box_serial"},
      {"report: bad SIM", Report([](auto& in) { in.set_sim_number("1"); }), bad, invalid, "sim_number"},
      {"report: no time", Report([](auto& in) { in.clear_time(); }), bad, missing, "time"},
      {"report: part of a second", Report([](auto& in) { in.mutable_time()->set_nanos(1); }), bad, invalid,
       "time"},
      {"report: time before 1970", Report([](auto& in) { in.mutable_time()->set_seconds(-5); }), bad, invalid,
       "time"},
      {"report: bad cell", Report([](auto& in) { in.mutable_cells(0)->set_cell("wifi"); }), bad, invalid,
       "cells[0].cell"},
      {"report: signal 128", Report([](auto& in) { in.mutable_cells(0)->set_signal_dbm(128); }), bad, invalid,
       "cells[0].signal_dbm"},
      {"report: 33 cells", Report([](auto& in) {
         for (int i = 0; i < 32; ++i) in.add_cells()->set_cell(kHomeCell);
       }),
       StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", "cells"},
      {"report: no MAC", Report([](auto& in) { in.clear_mac(); }), StatusCode::UNAUTHENTICATED,
       "REPORT_UNSIGNED", ""},
      {"report: a fix beside cells", Report([](auto& in) { in.mutable_fix()->set_accuracy_m(5); }), bad,
       invalid, "fix"},
      {"report: MAC of 9 bytes", Report([](auto& in) { in.mutable_mac()->push_back('x'); }), bad, invalid,
       "mac"},
      {"report: wrong MAC", Report([](auto& in) { (*in.mutable_mac())[0] ^= 1; }),
       StatusCode::PERMISSION_DENIED, "REPORT_MAC_INVALID", ""},
      {"report: unknown card", Report([](auto& in) { in.set_card_number("640000000018"); }),
       StatusCode::NOT_FOUND, "CARD_UNKNOWN", ""},

      {"lift: no reason", Lift([](auto& in) { in.mutable_change()->clear_reason(); }), bad, missing,
       "change.reason"},
      {"lift: bad card", Lift([](auto& in) { in.set_card_number("1"); }), bad, invalid, "card_number"},
      {"lift: nothing to lift", Lift([](auto&) {}), StatusCode::FAILED_PRECONDITION, "NOT_UNDER_INTERVENTION",
       ""},

      {"account: by nothing",
       Read<v1::GetAccountRequest>(*client_->registry, &v1::RegistryService::Stub::GetAccount, [](auto&) {}),
       bad, missing, "by"},
      {"account: unknown form",
       Read<v1::GetAccountRequest>(*client_->registry, &v1::RegistryService::Stub::GetAccount,
                                   [](auto& in) { in.set_form_number("NX-99"); }),
       StatusCode::NOT_FOUND, "ACCOUNT_UNKNOWN", ""},
      {"accounts: bad region",
       Read<v1::ListAccountsRequest>(*client_->registry, &v1::RegistryService::Stub::ListAccounts,
                                     [](auto& in) { in.set_region("0"); }),
       bad, invalid, "region"},
      {"accounts: page too large",
       Read<v1::ListAccountsRequest>(*client_->registry, &v1::RegistryService::Stub::ListAccounts,
                                     [](auto& in) { in.mutable_page()->set_size(1001); }),
       bad, invalid, "page.size"},
      {"accounts: page token too long",
       Read<v1::ListAccountsRequest>(*client_->registry, &v1::RegistryService::Stub::ListAccounts,
                                     [&](auto& in) { in.mutable_page()->set_token(many); }),
       bad, "PAGE_TOKEN_INVALID", "page.token"},
      {"accounts: no revision token",
       Read<v1::ListAccountsRequest>(*client_->registry, &v1::RegistryService::Stub::ListAccounts,
                                     [](auto& in) { in.set_revision_token("r1.x"); }),
       bad, invalid, "revision_token"},
      {"explain: by nothing",
       Read<v1::ExplainRequest>(*client_->location, &v1::LocationService::Stub::Explain, [](auto&) {}), bad,
       missing, "by"},
      {"regions: unknown level",
       Read<v1::FindRegionsRequest>(*client_->geofence, &v1::GeofenceService::Stub::FindRegions,
                                    [](auto& in) { in.set_level("hamlet"); }),
       bad, invalid, "level"},
      {"regions: limit too large",
       Read<v1::FindRegionsRequest>(*client_->geofence, &v1::GeofenceService::Stub::FindRegions,
                                    [](auto& in) { in.set_limit(1001); }),
       bad, invalid, "limit"},
      {"list: unknown",
       Read<v1::GetCellListRequest>(*client_->geofence, &v1::GeofenceService::Stub::GetCellList,
                                    [](auto& in) {
                                      in.set_kind(v1::WHITELIST);
                                      in.set_list_id("640122777");
                                    }),
       StatusCode::NOT_FOUND, "CELL_LIST_UNKNOWN", ""},
      {"product: 128", Product(128, "n"), bad, invalid, "product.product_id"},
      {"product: no name", Product(1, ""), bad, invalid, "product.name"},
      {"product: long name", Product(1, many), bad, invalid, "product.name"},
      {"plan: no from", Push([](auto& in) { in.clear_from(); }), bad, missing, "from"},
      {"plan: no to", Push([](auto& in) { in.clear_to(); }), bad, missing, "to"},
      {"plan: half a millisecond", Push([](auto& in) { in.mutable_to()->set_nanos(500); }), bad, invalid,
       "to"},
      {"plan: in 1969", Push([](auto& in) { in.mutable_from()->set_seconds(-1); }), bad, invalid, "from"},
      {"plan: in the year 10000", Push([](auto& in) { in.mutable_to()->set_seconds(253'402'300'800); }), bad,
       invalid, "to"},
      {"plan: backwards", Push([](auto& in) { in.mutable_to()->set_seconds(in.from().seconds()); }), bad,
       invalid, "to"},
      {"plan: nothing", Push([](auto& in) { in.clear_items(); }), bad, missing, "items"},
      {"plan: 21 items", Push([&](auto& in) {
         while (in.items_size() < 21) *in.add_items() = Item();
       }),
       StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", "items"},
      {"plan: service 0", Push([](auto& in) { in.add_service_ids(0); }), bad, missing, "service_ids[0]"},
      {"plan: service of 17 bits", Push([](auto& in) { in.add_service_ids(65'536); }), bad, invalid,
       "service_ids[0]"},
      {"plan: service of nobody", Push([](auto& in) { in.add_service_ids(7); }), StatusCode::NOT_FOUND,
       "CHANNEL_UNKNOWN", "service_ids[0]"},
      {"plan: a revision", Push([](auto& in) { in.mutable_change()->set_if_revision(1); }), bad, invalid,
       "change.if_revision"},
      {"plan: approver is the actor", Push([](auto& in) { in.mutable_change()->set_approver("wang"); }),
       StatusCode::FAILED_PRECONDITION, "SECOND_APPROVER_NEEDED", "change.approver"},
      {"in force: of no channel", InForce([](auto& in) { in.clear_channel(); }), bad, missing, "channel"},
      {"in force: service 0", InForce([](auto& in) { in.set_service_id(0); }), bad, missing, "service_id"},
      {"in force: no name", InForce([](auto& in) { in.set_channel_name(""); }), bad, invalid, "channel_name"},
      {"in force: unknown", InForce([](auto& in) { in.set_channel_name("X"); }), StatusCode::NOT_FOUND,
       "CHANNEL_UNKNOWN", ""},
      {"in force: a nanosecond", InForce([](auto& in) { in.mutable_at()->set_nanos(1); }), bad, invalid,
       "at"},
      {"in force: long ago",
       InForce([&](auto& in) { in.mutable_at()->set_seconds(clock_.Now().value / 1000 - 8LL * 86'400); }),
       StatusCode::OUT_OF_RANGE, "PLAN_OUT_OF_RANGE", "at"},
      {"plan list: page too large", Plan([](auto& in) { in.mutable_page()->set_size(1001); }), bad, invalid,
       "page.size"},
      {"plan list: token", Plan([](auto& in) { in.mutable_page()->set_token("p1.x"); }), bad,
       "PAGE_TOKEN_INVALID", ""},
      {"plan list: long token", Plan([&](auto& in) { in.mutable_page()->set_token(many); }), bad,
       "PAGE_TOKEN_INVALID", "page.token"},
      {"plan list: unknown", Plan([](auto& in) { in.set_service_id(7); }), StatusCode::NOT_FOUND,
       "CHANNEL_UNKNOWN", ""},
      {"plan list: backwards", Plan([](auto& in) {
         in.mutable_from()->set_seconds(2);
         in.mutable_to()->set_seconds(1);
       }),
       bad, invalid, "to"},
      {"audit: of nothing",
       Read<v1::ListAuditRequest>(*client_->admin, &v1::AdminService::Stub::ListAudit, [](auto&) {}), bad,
       invalid, "object"},
      {"clock: no reason",
       Read<v1::AcceptClockRequest>(*client_->admin, &v1::AdminService::Stub::AcceptClock, [](auto&) {}), bad,
       missing, "change.reason"},
  };
  for (const Row& row : rows) {
    const Refusal refusal = RefusalOf(row.status);
    EXPECT_EQ(refusal.code, row.code) << row.name << ": " << refusal.message;
    EXPECT_EQ(refusal.reason, row.reason) << row.name << ": " << refusal.message;
    const std::string field = refusal.fields.empty() ? "" : refusal.fields[0];
    EXPECT_EQ(field, row.field) << row.name << ": " << refusal.message;
    EXPECT_FALSE(refusal.metadata.count("cure") == 0 || refusal.metadata.at("cure").empty()) << row.name;
  }
  EXPECT_EQ(Sequences(), before) << "a refused call has written something";
}

TEST_F(DoorTest, AllFieldsAtFaultAreNamedAtOnce) {
  v1::OpenAccountRequest in;
  *in.mutable_form() = GoodForm();
  in.mutable_form()->set_card_number("1");
  in.mutable_form()->set_box_serial("2");
  in.mutable_form()->mutable_person()->clear_name();
  in.mutable_form()->clear_form_number();
  const Refusal refusal =
      RefusalOf(Client::Call(*client_->registry, &v1::RegistryService::Stub::OpenAccount, in));
  EXPECT_THAT(refusal.fields, testing::UnorderedElementsAre("form.card_number", "form.box_serial",
                                                            "form.person.name", "form.form_number"));
}

// A bad row is reported by its line; the good ones beside it are taken.
TEST_F(DoorTest, RowsStandForThemselves) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  struct Row {
    const char* name;
    std::function<void(v1::StockRow&)> edit;
    const char* reason;  // "": done
    const char* field;
  };
  const Row rows[] = {
      {"a card", [](auto& row) { row.mutable_card()->set_card_number("640000000018"); }, "", ""},
      {"a card of no batch",
       [](auto& row) {
         row.mutable_card()->set_card_number("640000000019");
         row.mutable_card()->set_batch(0);
       },
       "FIELD_MISSING", "card.batch"},
      {"a card of 3 digits", [](auto& row) { row.mutable_card()->set_card_number("640"); }, "FIELD_INVALID",
       "card.card_number"},
      {"nothing", [](auto& row) { row.clear_item(); }, "FIELD_MISSING", "item"},
      {"a box without key",
       [](auto& row) {
         row.mutable_box()->set_box_serial("0640000000000018");
         row.mutable_box()->set_encrypted_serial("10000000018");
         row.mutable_box()->set_imei("860000000000018");
         row.mutable_box()->set_model("HHT-1");
       },
       "FIELD_MISSING", "box.chip_key"},
      {"a SIM with half an ICCID",
       [](auto& row) {
         row.mutable_sim()->set_sim_number("13995000018");
         row.mutable_sim()->set_iccid("89860000");
       },
       "FIELD_INVALID", "sim.iccid"},
      {"a card of an unknown batch",
       [](auto& row) {
         row.mutable_card()->set_card_number("640000000020");
         row.mutable_card()->set_batch(77);
       },
       "BATCH_UNKNOWN", ""},
      {"a second card", [](auto& row) { row.mutable_card()->set_card_number("640000000021"); }, "", ""},
  };
  v1::ImportStockRequest in;
  for (const Row& row : rows) {
    v1::StockRow& out = *in.add_rows();
    out.set_line(100 + static_cast<uint64_t>(in.rows_size()));
    out.mutable_card()->set_batch(1);
    row.edit(out);
  }
  v1::ImportRowsResponse out;
  const grpc::Status status =
      Client::Call(*client_->registry, &v1::RegistryService::Stub::ImportStock, in, &out);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(out.rows_size(), in.rows_size());
  for (int i = 0; i < out.rows_size(); ++i) {
    EXPECT_EQ(out.rows(i).line(), in.rows(i).line()) << rows[i].name;
    EXPECT_EQ(out.rows(i).reason(), rows[i].reason) << rows[i].name;
    EXPECT_EQ(out.rows(i).field(), rows[i].field) << rows[i].name;
  }
  EXPECT_EQ(out.done(), 2U);
  EXPECT_EQ(out.refused(), 6U);
}

TEST_F(DoorTest, EachItemOfAPlanIsToldByItsPlace) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  struct Row {
    const char* name;
    std::function<void(v1::PlanItem&)> edit;
    const char* reason;
    const char* field;
  };
  const Row rows[] = {
      {"good", [](auto&) {}, "", ""},
      {"no channel", [](auto& in) { in.clear_channel(); }, "FIELD_MISSING", "channel"},
      {"channel 0", [](auto& in) { in.set_service_id(0); }, "FIELD_MISSING", "service_id"},
      {"channel of 17 bits", [](auto& in) { in.set_service_id(65'536); }, "FIELD_INVALID", "service_id"},
      {"unknown channel", [](auto& in) { in.set_channel_name("CCTV-99"); }, "CHANNEL_UNKNOWN", "channel"},
      {"no kind", [](auto& in) { in.clear_kind(); }, "FIELD_MISSING", "kind"},
      {"kind 4", [](auto& in) { in.set_kind(static_cast<v1::PlanWindow::Kind>(4)); }, "FIELD_INVALID",
       "kind"},
      {"kind 257", [](auto& in) { in.set_kind(static_cast<v1::PlanWindow::Kind>(257)); }, "FIELD_INVALID",
       "kind"},
      {"no start", [](auto& in) { in.clear_start(); }, "FIELD_MISSING", "start"},
      {"negative nanos", [](auto& in) { in.mutable_end()->set_nanos(-1); }, "FIELD_INVALID", "end"},
      {"empty", [](auto& in) { *in.mutable_end() = in.start(); }, "PLAN_WINDOW_LENGTH", "end"},
      {"tomorrow",
       [](auto& in) {
         in.mutable_start()->set_seconds(in.start().seconds() + 86'400);
         in.mutable_end()->set_seconds(in.end().seconds() + 86'400);
       },
       "PLAN_OUTSIDE_PUSH", "start"},
      {"mode 9", [](auto& in) { in.mutable_criteria()->set_mode(static_cast<v1::AccessCriteria::Mode>(9)); },
       "FIELD_INVALID", "criteria.mode"},
      {"product without mode", [](auto& in) { in.mutable_criteria()->set_product(3); }, "FIELD_INVALID",
       "criteria.product"},
      {"product that is not there",
       [](auto& in) {
         in.mutable_criteria()->set_mode(v1::AccessCriteria::PRODUCT);
         in.mutable_criteria()->set_product(9);
       },
       "PRODUCT_UNKNOWN", "criteria.product"},
      {"region of a village", [](auto& in) { in.mutable_criteria()->set_region(kVillage); }, "FIELD_INVALID",
       "criteria.region"},
      {"blackout with criteria",
       [](auto& in) {
         in.set_kind(v1::PlanWindow::BLACKOUT);
         in.mutable_criteria();
       },
       "FIELD_INVALID", "criteria"},
      {"blackout of nowhere", [](auto& in) { in.set_kind(v1::PlanWindow::BLACKOUT); }, "FIELD_MISSING",
       "region"},
      {"event of a blackout's region", [](auto& in) { in.set_region("64"); }, "FIELD_INVALID", "region"},
      {"long title", [](auto& in) { in.set_title(std::string(129, 't')); }, "FIELD_INVALID", "title"},
  };
  v1::PushPlanRequest in = GoodPush();
  in.clear_items();
  for (const Row& row : rows) {
    v1::PlanItem& item = *in.add_items();
    item = Item(60 * in.items_size());
    row.edit(item);
  }
  ASSERT_EQ(in.items_size(), 20);
  const auto before = SettledSequences();
  v1::PushPlanResponse out;
  const grpc::Status status =
      Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, in, &out);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(out.refused(), 19U);
  EXPECT_EQ(out.done(), 0U);
  // Ten are listed, as the limit of this test says.
  ASSERT_EQ(out.rows_size(), 10);
  EXPECT_EQ(Sequences(), before);
  for (size_t i = 1; i < std::size(rows); ++i) {
    v1::PushPlanRequest one = GoodPush();
    rows[i].edit(*one.mutable_items(0));
    v1::PushPlanResponse answer;
    ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, one, &answer).ok());
    ASSERT_EQ(answer.rows_size(), 1) << rows[i].name;
    for (const v1::RowResult* row :
         {&answer.rows(0), i <= 10 ? &out.rows(static_cast<int>(i) - 1) : nullptr}) {
      if (row == nullptr) continue;
      EXPECT_EQ(row->line(), row == &answer.rows(0) ? 1 : i + 1) << rows[i].name;
      EXPECT_EQ(row->outcome(), v1::RowResult::REFUSED) << rows[i].name;
      EXPECT_EQ(row->reason(), rows[i].reason) << rows[i].name << ": " << row->message();
      EXPECT_EQ(row->field(), rows[i].field) << rows[i].name << ": " << row->message();
      EXPECT_NE(row->cure(), "") << rows[i].name;
    }
  }
  EXPECT_EQ(Sequences(), before);
}

TEST_F(DoorTest, CriteriaAndRegionsAreChecked) {
  struct Row {
    const char* name;
    std::function<void(v1::Channel&)> edit;
    const char* field;
  };
  const Row rows[] = {
      {"no kind", [](auto& in) { in.clear_kind(); }, "channel.kind"},
      {"kind 9", [](auto& in) { in.set_kind(static_cast<v1::Channel::Kind>(9)); }, "channel.kind"},
      {"no name", [](auto& in) { in.clear_name(); }, "channel.name"},
      {"province of a county", [](auto& in) { in.set_province("640122"); }, "channel.province"},
      {"mode 9", [](auto& in) { in.mutable_criteria()->set_mode(static_cast<v1::AccessCriteria::Mode>(9)); },
       "channel.criteria.mode"},
      {"product 128",
       [](auto& in) {
         in.mutable_criteria()->set_mode(v1::AccessCriteria::PRODUCT);
         in.mutable_criteria()->set_product(128);
       },
       "channel.criteria.product"},
      {"product without mode", [](auto& in) { in.mutable_criteria()->set_product(3); },
       "channel.criteria.product"},
      {"region of a village", [](auto& in) { in.mutable_criteria()->set_region(kVillage); },
       "channel.criteria.region"},
      {"all but nothing", [](auto& in) { in.mutable_criteria()->set_region_except(true); },
       "channel.criteria.region_except"},
  };
  const auto before = SettledSequences();
  v1::ImportChannelsRequest in;
  for (const Row& row : rows) {
    in.add_rows()->set_line(static_cast<uint64_t>(in.rows_size()));
    v1::Channel& channel = *in.mutable_rows(in.rows_size() - 1)->mutable_channel();
    channel.set_service_id(500);
    channel.set_name("X");
    channel.set_kind(v1::Channel::TV);
    row.edit(channel);
  }
  v1::ImportChannelsResponse out;
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::ImportChannels, in, &out).ok());
  for (int i = 0; i < out.rows_size(); ++i) EXPECT_EQ(out.rows(i).field(), rows[i].field) << rows[i].name;

  v1::ImportRegionsRequest regions;
  const std::vector<v1::Region> bad = [] {
    std::vector<v1::Region> list(4);
    list[0].set_code("640");
    list[1].set_code("64");
    list[2].set_code("6401");
    list[2].set_name("n");
    list[2].set_parent("65");
    list[3].set_code("6401");
    list[3].set_name("n");
    list[3].set_level("village");
    return list;
  }();
  for (const v1::Region& region : bad) {
    regions.add_rows()->set_line(static_cast<uint64_t>(regions.rows_size()));
    *regions.mutable_rows(regions.rows_size() - 1)->mutable_region() = region;
  }
  v1::ImportRegionsResponse regions_out;
  ASSERT_TRUE(
      Client::Call(*client_->geofence, &v1::GeofenceService::Stub::ImportRegions, regions, &regions_out)
          .ok());
  const char* const fields[] = {"region.code", "region.name", "region.parent", "region.level"};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(regions_out.rows(i).field(), fields[i]);
  EXPECT_EQ(Sequences(), before);
}

}  // namespace
}  // namespace hearth::rpc
