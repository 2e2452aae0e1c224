#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include "src/rpc/call_context.h"
#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

// gRPC ships neither the health nor the reflection messages for C++ here; the few bytes needed are written
// and read by hand (protobuf wire format).
std::string Field(int number, const std::string& text) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(text.size()) + text;
}

class PlainServerTest : public ServerTest {
 protected:
  // The answer's bytes of any unary method, or of the first message of a stream.
  std::string CallRaw(const std::string& method, const std::string& request, bool stream = false) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const grpc::Slice slice(request);
    const grpc::ByteBuffer in(&slice, 1);
    grpc::ByteBuffer out;
    grpc::Status status;
    const auto wait = [&] {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return ok;
    };
    if (stream) {
      auto call = stub.PrepareCall(&context, method, &queue);
      call->StartCall(nullptr);
      wait();
      call->Write(in, nullptr);
      wait();
      call->Read(&out, nullptr);
      wait();
      call->WritesDone(nullptr);
      wait();
      call->Finish(&status, nullptr);
      wait();
    } else {
      auto call = stub.PrepareUnaryCall(&context, method, in, &queue);
      call->StartCall();
      call->Finish(&out, &status, nullptr);
      wait();
    }
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
    std::vector<grpc::Slice> slices;
    if (out.Valid()) (void)out.Dump(&slices);
    std::string bytes;
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    return bytes;
  }
  // grpc.health.v1.HealthCheckResponse.status: 1 serving, 2 not serving.
  int Health() {
    const std::string answer = CallRaw("/grpc.health.v1.Health/Check", "");
    return answer.size() == 2 && answer[0] == 0x08 ? answer[1] : -1;
  }
  grpc::Status Close(const v1::Change& change, v1::CloseAccountResponse* out = nullptr,
                     const std::string& actor = "wang") {
    v1::CloseAccountRequest in;
    *in.mutable_change() = change;
    in.set_form_number(kForm);
    return Client::Call(*client_->registry, &v1::RegistryService::Stub::CloseAccount, in, out, actor);
  }
  v1::GetAccountResponse GetAccount() {
    v1::GetAccountRequest in;
    in.set_form_number(kForm);
    v1::GetAccountResponse out;
    EXPECT_TRUE(Client::Call(*client_->registry, &v1::RegistryService::Stub::GetAccount, in, &out).ok());
    return out;
  }
  v1::ReportResponse Report(uint32_t counter, const std::string& cell) {
    v1::ReportResponse out;
    const grpc::Status status = Client::Call(*client_->location, &v1::LocationService::Stub::Report,
                                             SignedReport(counter, cell), &out, "");
    EXPECT_TRUE(status.ok()) << status.error_message();
    return out;
  }
};

TEST_F(PlainServerTest, HealthSaysServingUntilItDrains) {
  EXPECT_EQ(Health(), 1);
  server_->Drain();
  EXPECT_EQ(Health(), 2);
}

TEST_F(PlainServerTest, AnIdleClientDoesNotHoldUpTheEnd) {
  EXPECT_EQ(Health(), 1);  // the client's connection stays
  const auto begin = std::chrono::steady_clock::now();
  server_->Shutdown(std::chrono::minutes(1));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_F(PlainServerTest, ReflectionListsEveryService) {
  // ServerReflectionRequest.list_services = 7
  const std::string answer = CallRaw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                     Field(7, "*"), /*stream=*/true);
  for (const char* service : {"RegistryService", "ScheduleService", "EntitlementService", "GeofenceService",
                              "LocationService", "InterventionService", "AdminService", "StatsService"}) {
    EXPECT_THAT(answer, HasSubstr(std::string("hearth.v1.") + service));
  }
  EXPECT_THAT(answer, HasSubstr("grpc.health.v1.Health"));
}

TEST_F(PlainServerTest, AChangeNeedsAnActorAndReadingDoesNot) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::Change change;
  change.set_reason("moved away");
  const auto before = SettledSequences();
  const Refusal none = RefusalOf(Close(change, nullptr, ""));
  EXPECT_EQ(none.code, StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(none.reason, "ACTOR_MISSING");
  EXPECT_EQ(RefusalOf(Close(change, nullptr, std::string(300, 'a'))).reason, "ACTOR_MISSING");
  EXPECT_EQ(Sequences(), before);

  v1::GetAccountRequest in;
  in.set_form_number(kForm);
  EXPECT_TRUE(Client::Call(*client_->registry, &v1::RegistryService::Stub::GetAccount, in,
                           static_cast<v1::GetAccountResponse*>(nullptr), "")
                  .ok());
  ASSERT_TRUE(Close(change, nullptr, "zhao").ok());
  const v1::GetAccountResponse account = GetAccount();
  EXPECT_EQ(account.account().history().rbegin()->actor(), "zhao");
  EXPECT_EQ(account.account().history().rbegin()->reason(), "moved away");
}

TEST_F(PlainServerTest, ARepeatedRequestIsAnsweredAgainAndDoneOnce) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::Change change;
  change.set_request_id(NewRequestId());
  change.set_reason("moved away");
  v1::CloseAccountResponse first;
  ASSERT_TRUE(Close(change, &first).ok());
  EXPECT_FALSE(first.changed().repeated());
  EXPECT_EQ(first.account().state(), v1::CLOSED);
  const auto before = SettledSequences();

  v1::CloseAccountResponse second;
  const grpc::Status repeated = Close(change, &second);
  ASSERT_TRUE(repeated.ok()) << repeated.error_message();
  EXPECT_TRUE(second.changed().repeated());
  EXPECT_EQ(second.changed().revision(), first.changed().revision());
  EXPECT_EQ(Sequences(), before);

  change.set_reason("another reason");
  EXPECT_EQ(RefusalOf(Close(change)).reason, "REQUEST_ID_REUSED");
  // The same bytes for another method are other content too.
  v1::RefreshCardRequest same_bytes;
  change.set_reason("moved away");
  *same_bytes.mutable_change() = change;
  same_bytes.set_card_number(kForm);
  v1::CloseAccountRequest former;
  *former.mutable_change() = change;
  former.set_form_number(kForm);
  EXPECT_EQ(same_bytes.SerializeAsString(), former.SerializeAsString());
  EXPECT_NE(Call::ContentOf(same_bytes), Call::ContentOf(former));
  change.clear_request_id();
  EXPECT_EQ(RefusalOf(Close(change)).reason, "ACCOUNT_CLOSED") << "a new request, made by the server's id";
}

TEST_F(PlainServerTest, ARepeatedListIsRecognisedHoweverItWasCutIntoMessages) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::Change change;
  change.set_request_id(NewRequestId());
  const std::vector<std::string> cells = {kHomeCell, "lte:460:00:33301:26879746"};
  v1::PutCellListResponse first;
  ASSERT_TRUE(PutList(v1::WHITELIST, kArea, cells, &first, change).ok());
  EXPECT_EQ(first.added(), 1U);
  EXPECT_EQ(first.kept(), 1U);

  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "wang");
  v1::PutCellListResponse second;
  auto writer = client_->geofence->PutCellList(&context, &second);
  v1::PutCellListRequest message;
  *message.mutable_header()->mutable_change() = change;
  message.mutable_header()->set_kind(v1::WHITELIST);
  message.mutable_header()->set_list_id(kArea);
  message.mutable_header()->set_name(std::string("list ") + kArea);
  writer->Write(message);
  for (const std::string& cell : cells) message.mutable_cells()->add_cells(cell);
  writer->Write(message);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(second.changed().repeated());
  EXPECT_EQ(second.version(), first.version());
}

TEST_F(PlainServerTest, ADryRunAndAStaleRevisionChangeNothing) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  const auto before = SettledSequences();
  v1::Change change;
  change.set_reason("moved away");
  change.set_dry_run(true);
  const grpc::Status dry = Close(change);
  EXPECT_TRUE(dry.ok()) << dry.error_message();
  EXPECT_EQ(Sequences(), before);
  EXPECT_EQ(GetAccount().account().state(), v1::OPEN);

  change.set_dry_run(false);
  change.set_if_revision(GetAccount().account().revision() + 1);
  const Refusal refusal = RefusalOf(Close(change));
  EXPECT_EQ(refusal.code, StatusCode::ABORTED);
  EXPECT_EQ(refusal.reason, "REVISION_MISMATCH");
  EXPECT_EQ(Sequences(), before);
  change.set_if_revision(GetAccount().account().revision());
  EXPECT_TRUE(Close(change).ok());
}

TEST_F(PlainServerTest, AnEcmComesWithoutTheStore) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  const auto before = SettledSequences();
  v1::IssueEcmRequest in;
  in.set_channel_name("CCTV-1");
  in.set_cp_number(7);
  in.add_control_words("01234567");
  in.add_control_words("89abcdef");
  v1::IssueEcmResponse out;
  const grpc::Status status =
      Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::IssueEcm, in, &out, "");
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_GT(out.section().size(), 3U);
  EXPECT_EQ(static_cast<uint8_t>(out.section()[0]), 0x81U) << "two words from an odd CP number on";
  EXPECT_EQ(Sequences(), before);
}

TEST_F(PlainServerTest, APlanIsPushedReadBackAndAired) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::PutProductRequest product;
  product.mutable_product()->set_product_id(7);
  product.mutable_product()->set_name("体育");
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PutProduct, product).ok());
  v1::ListProductsResponse products;
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::ListProducts,
                           v1::ListProductsRequest(), &products)
                  .ok());
  ASSERT_EQ(products.products_size(), 1);
  EXPECT_EQ(products.products(0).name(), "体育");

  const int64_t now = clock_.Now().value / 1000;
  v1::PushPlanRequest in;
  in.mutable_change()->set_request_id(NewRequestId());
  in.mutable_from()->set_seconds(now);
  in.mutable_to()->set_seconds(now + 86'400);
  const auto add = [&](v1::PlanWindow::Kind kind, int64_t from, int64_t to) -> v1::PlanItem& {
    v1::PlanItem& item = *in.add_items();
    item.set_channel_name("CCTV-1");
    item.set_kind(kind);
    item.mutable_start()->set_seconds(now + from);
    item.mutable_end()->set_seconds(now + to);
    return item;
  };
  v1::PlanItem& match = add(v1::PlanWindow::EVENT, 3600, 7200);
  match.mutable_criteria()->set_mode(v1::AccessCriteria::PRODUCT);
  match.mutable_criteria()->set_product(7);
  match.set_title("足球");
  match.set_event_id("E-1");
  add(v1::PlanWindow::FREE_TO_AIR, 5400, 7200).mutable_end()->set_nanos(500'000'000);
  add(v1::PlanWindow::BLACKOUT, 3600, 5400).set_region("6401");
  v1::PushPlanResponse out;
  in.mutable_change()->set_dry_run(true);
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, in, &out).ok());
  EXPECT_EQ(out.done(), 3U);
  in.mutable_change()->set_dry_run(false);
  const grpc::Status pushed =
      Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, in, &out);
  ASSERT_TRUE(pushed.ok()) << pushed.error_message();
  EXPECT_EQ(out.done(), 3U);
  EXPECT_NE(out.changed().revision_token(), "");
  EXPECT_FALSE(out.changed().repeated());
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PushPlan, in, &out).ok());
  EXPECT_TRUE(out.changed().repeated());
  EXPECT_EQ(out.done(), 3U);

  v1::GetInForceRequest ask;
  ask.set_service_id(101);
  ask.mutable_at()->set_seconds(now + 4000);
  v1::GetInForceResponse in_force;
  ASSERT_TRUE(
      Client::Call(*client_->schedule, &v1::ScheduleService::Stub::GetInForce, ask, &in_force, "").ok());
  EXPECT_EQ(in_force.channel_name(), "CCTV-1");
  EXPECT_EQ(in_force.criteria().mode(), v1::AccessCriteria::PRODUCT);
  EXPECT_EQ(in_force.criteria().product(), 7U);
  EXPECT_EQ(in_force.criteria().region(), "6401");
  EXPECT_TRUE(in_force.criteria().region_except());
  EXPECT_EQ(in_force.since().seconds(), now + 3600);
  EXPECT_EQ(in_force.until().seconds(), now + 5400);
  ASSERT_EQ(in_force.windows_size(), 2);
  EXPECT_EQ(in_force.windows(0).title(), "足球");
  EXPECT_EQ(in_force.windows(1).kind(), v1::PlanWindow::BLACKOUT);
  EXPECT_EQ(in_force.windows(1).region(), "6401");
  EXPECT_EQ(in_force.ac_id(), in_force.windows(1).number());
  ask.clear_at();
  ASSERT_TRUE(
      Client::Call(*client_->schedule, &v1::ScheduleService::Stub::GetInForce, ask, &in_force, "").ok());
  EXPECT_EQ(in_force.at().seconds(), now);
  EXPECT_EQ(in_force.windows_size(), 0);
  EXPECT_FALSE(in_force.has_since());
  EXPECT_EQ(in_force.criteria().mode(), v1::AccessCriteria::SUBSCRIBERS);

  v1::ListPlanRequest list;
  list.mutable_page()->set_size(2);
  v1::ListPlanResponse page;
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::ListPlan, list, &page, "").ok());
  EXPECT_EQ(page.windows_size(), 2);
  EXPECT_EQ(page.windows(0).event_id(), "E-1");
  list.mutable_page()->set_token(page.next_page_token());
  ASSERT_TRUE(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::ListPlan, list, &page, "").ok());
  ASSERT_EQ(page.windows_size(), 1);
  EXPECT_EQ(page.windows(0).kind(), v1::PlanWindow::FREE_TO_AIR);
  EXPECT_EQ(page.windows(0).end().nanos(), 500'000'000);
  EXPECT_FALSE(page.windows(0).has_criteria());
  EXPECT_EQ(page.next_page_token(), "");

  // The AC id of the ECM (docs/messages.md: bytes 12 and 13) names the window on top.
  clock_.Advance(std::chrono::seconds(6000));
  v1::IssueEcmRequest ecm;
  ecm.set_service_id(101);
  ecm.add_control_words("01234567");
  v1::IssueEcmResponse made;
  ASSERT_TRUE(Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::IssueEcm, ecm, &made).ok());
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(made.section()[at]); };
  EXPECT_EQ(byte(12) << 8 | byte(13), static_cast<int>(page.windows(0).number()));
}

TEST_F(PlainServerTest, AReportInstallsAndTheViewsSeeIt) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  EXPECT_EQ(GetAccount().card().reason(), v1::WAITING_FOR_INSTALLATION);
  const v1::ReportResponse installed = Report(1, kHomeCell);
  EXPECT_EQ(installed.outcome(), v1::ACTIVATED);
  EXPECT_EQ(installed.verdict(), v1::IN_AREA);
  const v1::GetAccountResponse account = GetAccount();
  EXPECT_EQ(account.card().standing(), v1::ON);
  EXPECT_EQ(account.card().installed_cell(), kHomeCell);
  ASSERT_EQ(account.card().last_cells_size(), 1);
  EXPECT_EQ(account.card().last_cells(0).signal_dbm(), -80);

  v1::GetCountsRequest in;
  in.set_revision_token(installed.changed().revision_token());
  v1::GetCountsResponse counts;
  ASSERT_TRUE(Client::Call(*client_->stats, &v1::StatsService::Stub::GetCounts, in, &counts).ok());
  EXPECT_EQ(counts.total().registered(), 1U);
  EXPECT_EQ(counts.total().activated(), 1U);
  ASSERT_EQ(counts.below_size(), 1);
  EXPECT_EQ(counts.below(0).region(), "64");
  EXPECT_EQ(counts.below(0).name(), "宁夏回族自治区");

  v1::GetEntitlementRequest rights;
  rights.set_card_number(kCard);
  v1::GetEntitlementResponse entitlement;
  ASSERT_TRUE(
      Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::GetEntitlement, rights, &entitlement)
          .ok());
  EXPECT_THAT(entitlement.package_ids(), testing::ElementsAre(1U));
  EXPECT_THAT(entitlement.service_ids(), testing::ElementsAre(101U));
  EXPECT_EQ(entitlement.delivery().state(), v1::QUEUED) << "there is no output";
  EXPECT_FALSE(entitlement.delivery().has_bounded()) << "it is lit";
}

TEST_F(PlainServerTest, TheCarouselTellsItsState) {
  v1::GetCarouselResponse out;
  ASSERT_TRUE(Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::GetCarousel,
                           v1::GetCarouselRequest(), &out)
                  .ok());
  EXPECT_GT(out.bounded().seconds(), out.time().seconds());
  EXPECT_FALSE(out.groups_held());
}

TEST_F(PlainServerTest, AnEvictionSaysWhatItCostsAndIsDone) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::EvictCardsRequest in;
  in.mutable_change()->set_request_id(NewRequestId());
  in.mutable_change()->set_reason("cloned");
  in.mutable_change()->set_dry_run(true);
  in.add_card_numbers(kCard);
  const auto evict = [&](v1::EvictCardsResponse* out) {
    return Client::Call(*client_->entitlement, &v1::EntitlementService::Stub::EvictCards, in, out);
  };
  v1::EvictCardsResponse plan;
  ASSERT_TRUE(evict(&plan).ok());
  ASSERT_EQ(plan.cards_size(), 1);
  EXPECT_EQ(plan.cards(0).card_number(), kCard);
  EXPECT_EQ(plan.cards(0).group(), 1U);
  EXPECT_EQ(plan.cards(0).form_number(), kForm);
  EXPECT_EQ(plan.groups(), 1U);
  EXPECT_EQ(plan.survivors(), 0U);
  EXPECT_EQ(plan.rate_kbps(), 1000U);
  EXPECT_GT(plan.messages(), 2U);
  EXPECT_GT(plan.bytes(), 24U);
  EXPECT_NEAR(plan.air_seconds(), static_cast<double>(plan.packets()) * 188 * 8 / 1e6, 1e-9);
  EXPECT_GT(plan.open_until().seconds(), clock_.Now().value / 1000);
  EXPECT_EQ(GetAccount().card().reason(), v1::WAITING_FOR_INSTALLATION);

  in.mutable_change()->set_request_id(NewRequestId());
  in.mutable_change()->set_dry_run(false);
  in.set_rate_kbps(2000);
  v1::EvictCardsResponse done;
  const grpc::Status status = evict(&done);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(done.changed().revision_token().empty());
  EXPECT_NEAR(done.air_seconds(), plan.air_seconds() / 2, 1e-9);
  const v1::GetAccountResponse account = GetAccount();
  EXPECT_EQ(account.card().reason(), v1::EVICTED);
  EXPECT_EQ(account.card().group(), 0U);
  EXPECT_EQ(account.card().viewer_code(), "E04");
  v1::EvictCardsResponse again;
  ASSERT_TRUE(evict(&again).ok());
  EXPECT_TRUE(again.changed().repeated());
  in.mutable_change()->set_request_id(NewRequestId());
  EXPECT_EQ(RefusalOf(evict(&again)).reason, "CARD_EVICTED");
}

TEST_F(PlainServerTest, StatusTellsWhatRuns) {
  v1::GetStatusResponse out;
  ASSERT_TRUE(
      Client::Call(*client_->admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest(), &out).ok());
  EXPECT_EQ(out.version(), "1.2.3");
  EXPECT_EQ(out.site(), "test");
  EXPECT_TRUE(out.insecure_development());
  EXPECT_FALSE(out.store_read_only());
}

class WatchTest : public PlainServerTest {
 protected:
  struct Watching {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::InterventionEvent>> reader;
    v1::InterventionEvent event;
  };
  std::unique_ptr<Watching> Watch(const std::string& token) {
    v1::WatchInterventionsRequest in;
    in.set_resume_token(token);
    return Watch(in);
  }
  std::unique_ptr<Watching> Watch(const v1::WatchInterventionsRequest& in) {
    auto watching = std::make_unique<Watching>();
    watching->reader = client_->intervention->Watch(&watching->context, in);
    return watching;
  }
  // The next message that holds an event.
  static bool NextEvent(Watching& watching) {
    while (watching.reader->Read(&watching.event)) {
      if (watching.event.has_intervention()) return true;
    }
    return false;
  }
  // Installs the card, then takes it to town: two reports from a city cell.
  void SwitchOff() {
    EXPECT_EQ(Report(1, kHomeCell).outcome(), v1::ACTIVATED);
    clock_.Advance(std::chrono::minutes(5));
    EXPECT_EQ(Report(2, kCityCell).outcome(), v1::COUNTED);
    clock_.Advance(std::chrono::minutes(5));
    EXPECT_EQ(Report(3, kCityCell).outcome(), v1::SWITCHED_OFF);
  }
};

TEST_F(WatchTest, BeginsWithATokenAndResumesBehindIt) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  auto watch = Watch("");
  ASSERT_TRUE(watch->reader->Read(&watch->event));
  EXPECT_FALSE(watch->event.has_intervention());
  const std::string token = watch->event.resume_token();
  EXPECT_FALSE(token.empty());
  EXPECT_LT(token.size(), 4096U);

  SwitchOff();
  ASSERT_TRUE(NextEvent(*watch));
  const v1::Intervention& seen = watch->event.intervention();
  EXPECT_EQ(seen.kind(), v1::SWITCH_OFF);
  EXPECT_EQ(seen.card_number(), kCard);
  EXPECT_EQ(seen.form_number(), kForm);
  EXPECT_EQ(seen.verdict(), v1::BLACKLISTED);
  EXPECT_THAT(seen.cells(), testing::ElementsAre(kCityCell));
  const std::string behind = watch->event.resume_token();
  watch->context.TryCancel();
  while (watch->reader->Read(&watch->event)) {
  }
  EXPECT_EQ(watch->reader->Finish().error_code(), StatusCode::CANCELLED);

  auto again = Watch(token);
  ASSERT_TRUE(NextEvent(*again)) << "the same event, from before it";
  EXPECT_EQ(again->event.intervention().card_number(), kCard);
  again->context.TryCancel();

  auto later = Watch(behind);
  v1::LiftInterventionRequest lift;
  lift.mutable_change()->set_reason("let him");
  lift.set_card_number(kCard);
  ASSERT_TRUE(Client::Call(*client_->intervention, &v1::InterventionService::Stub::Lift, lift).ok());
  ASSERT_TRUE(NextEvent(*later));
  EXPECT_EQ(later->event.intervention().kind(), v1::LIFTED_BY_OPERATOR) << "not the switching off again";
  EXPECT_EQ(later->event.intervention().actor(), "wang");
  later->context.TryCancel();
}

// A watcher of one county and kind hears of nothing else, and its token passes over what it did not hear.
TEST_F(WatchTest, IsFilteredByDivisionAndKind) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::WatchInterventionsRequest elsewhere;
  elsewhere.set_division("11");
  v1::WatchInterventionsRequest here;
  here.set_division("64");
  here.add_kinds(v1::LIFTED_BY_OPERATOR);
  auto other = Watch(elsewhere);
  auto lifts = Watch(here);
  ASSERT_TRUE(other->reader->Read(&other->event));
  ASSERT_TRUE(lifts->reader->Read(&lifts->event));
  const std::string begin = other->event.resume_token();
  SwitchOff();
  v1::LiftInterventionRequest lift;
  lift.mutable_change()->set_reason("let him");
  lift.set_card_number(kCard);
  ASSERT_TRUE(Client::Call(*client_->intervention, &v1::InterventionService::Stub::Lift, lift).ok());
  ASSERT_TRUE(NextEvent(*lifts));
  EXPECT_EQ(lifts->event.intervention().kind(), v1::LIFTED_BY_OPERATOR) << "not the switching off";
  do {
    ASSERT_TRUE(other->reader->Read(&other->event));
    ASSERT_FALSE(other->event.has_intervention());
  } while (other->event.resume_token() == begin);
  other->context.TryCancel();
  lifts->context.TryCancel();

  v1::ListInterventionsRequest list;
  v1::ListInterventionsResponse out;
  list.set_division("11");
  ASSERT_TRUE(Client::Call(*client_->intervention, &v1::InterventionService::Stub::List, list, &out).ok());
  EXPECT_EQ(out.interventions_size(), 0);
  list.set_division("123");
  EXPECT_EQ(RefusalOf(Client::Call(*client_->intervention, &v1::InterventionService::Stub::List, list, &out))
                .reason,
            "FIELD_INVALID");
  list.clear_division();
  list.add_kinds(v1::INTERVENTION_KIND_UNSPECIFIED);
  EXPECT_EQ(RefusalOf(Client::Call(*client_->intervention, &v1::InterventionService::Stub::List, list, &out))
                .reason,
            "FIELD_INVALID");
}

TEST_F(WatchTest, AListSaysHowFarTheMessageOfOneInForceHasCome) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  SwitchOff();
  v1::ListInterventionsRequest list;
  v1::ListInterventionsResponse out;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  do {  // the views follow the commit
    ASSERT_TRUE(Client::Call(*client_->intervention, &v1::InterventionService::Stub::List, list, &out).ok());
  } while (out.interventions_size() == 0 && std::chrono::steady_clock::now() < end);
  ASSERT_EQ(out.interventions_size(), 1);
  EXPECT_THAT(out.interventions(0).delivery(), testing::AnyOf("QUEUED", "SENT", "BOUNDED_BY_EPOCH"));
}

TEST_F(WatchTest, RefusesABadTokenAndEndsWithTheHeadEnd) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  auto bad = Watch("no token of ours");
  EXPECT_FALSE(bad->reader->Read(&bad->event));
  EXPECT_EQ(RefusalOf(bad->reader->Finish()).reason, "WATCH_TOKEN_INVALID");
  auto longer = Watch(std::string(5000, 'x'));
  EXPECT_FALSE(longer->reader->Read(&longer->event));
  EXPECT_EQ(RefusalOf(longer->reader->Finish()).reason, "WATCH_TOKEN_INVALID");

  auto watch = Watch("");
  ASSERT_TRUE(watch->reader->Read(&watch->event));
  const auto begin = std::chrono::steady_clock::now();
  head_end_->BeginShutdown();
  while (watch->reader->Read(&watch->event)) {
  }
  const Refusal end = RefusalOf(watch->reader->Finish());
  EXPECT_EQ(end.code, StatusCode::UNAVAILABLE);
  EXPECT_EQ(end.reason, "SHUTTING_DOWN");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));

  v1::StepAreaRequest change;
  change.set_area_id(kArea);
  change.set_to(v1::ON_FILE);
  const Refusal refused =
      RefusalOf(Client::Call(*client_->geofence, &v1::GeofenceService::Stub::StepArea, change));
  EXPECT_EQ(refused.reason, "SHUTTING_DOWN");
}

class SmallServerTest : public PlainServerTest {
 protected:
  Limits TestLimits() const override {
    Limits limits;
    limits.requests_in_flight = 1;
    limits.open_watches = 1;
    return limits;
  }
};

TEST_F(SmallServerTest, MoreRequestsThanTheLimitAreToldSo) {
  // An upload that has begun holds the one place there is.
  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "wang");
  v1::PutCellListResponse ignored;
  auto upload = client_->geofence->PutCellList(&context, &ignored);
  v1::PutCellListRequest header;
  header.mutable_header()->set_kind(v1::WHITELIST);
  header.mutable_header()->set_list_id(kArea);
  upload->Write(header);

  Refusal refusal;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (refusal.reason.empty() && std::chrono::steady_clock::now() < end) {
    refusal =
        RefusalOf(Client::Call(*client_->admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest()));
  }
  EXPECT_EQ(refusal.code, StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refusal.reason, "OVERLOADED");
  upload->WritesDone();
  EXPECT_FALSE(upload->Finish().ok());
  EXPECT_TRUE(Client::Call(*client_->admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest()).ok());
}

TEST_F(SmallServerTest, WatchesHaveALimitOfTheirOwn) {
  grpc::ClientContext first_context;
  auto first = client_->intervention->Watch(&first_context, v1::WatchInterventionsRequest());
  v1::InterventionEvent event;
  ASSERT_TRUE(first->Read(&event));
  EXPECT_TRUE(Client::Call(*client_->admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest()).ok())
      << "a watch is no request in flight";
  grpc::ClientContext second_context;
  auto second = client_->intervention->Watch(&second_context, v1::WatchInterventionsRequest());
  EXPECT_FALSE(second->Read(&event));
  EXPECT_EQ(RefusalOf(second->Finish()).reason, "LIMIT_EXCEEDED");
  first_context.TryCancel();
}

TEST_F(PlainServerTest, APortInUseIsRefused) {
  const ServerOptions options{
      .listen = server_->listening(), .tls = std::nullopt, .limits = {}, .version = "", .site = ""};
  const auto second = Server::Start(*head_end_, options, clock_, random_, metrics_, log_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), Reason::kConfigValueInvalid);
}

}  // namespace
}  // namespace hearth::rpc
