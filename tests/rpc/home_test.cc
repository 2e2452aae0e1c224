// Homes without signal and homes that move, over the wire: steps by several people, refusals by name, lists.
#include <gmock/gmock.h>
#include <hearth/v1/home.grpc.pb.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using grpc::StatusCode;
using Stub = v1::HomeService::Stub;
using testing::ElementsAre;

constexpr char kNextVillage[] = "640122100202";
constexpr char kNextArea[] = "640122002";
constexpr char kNextCell[] = "lte:460:00:33302:500";

class HomeServerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    ASSERT_NO_FATAL_FAILURE(SetUpSite());
    homes_ = v1::HomeService::NewStub(channel_);
  }
  using StepCall = grpc::Status (Stub::*)(grpc::ClientContext*, const v1::ExemptionStepRequest&,
                                          v1::ExemptionResponse*);
  grpc::Status Step(StepCall call, const std::string& actor, v1::ExemptionResponse* out = nullptr,
                    const std::string& reason = "seen") {
    v1::ExemptionStepRequest in;
    in.set_card_number(kCard);
    in.mutable_change()->set_reason(reason);
    return Client::Call(*homes_, call, in, out, actor);
  }
  v1::GrantExemptionRequest GrantRequest() {
    v1::GrantExemptionRequest in;
    in.set_card_number(kCard);
    in.mutable_change()->set_reason("a valley");
    in.mutable_change()->set_approver("zhao");
    in.mutable_change()->set_request_id(NewRequestId());
    in.mutable_expires()->set_seconds(clock_.Now().value / 1000 + 86'400);
    return in;
  }
  std::unique_ptr<Stub> homes_;
};

TEST_F(HomeServerTest, AnExemptionFromTheReportToTheRevocation) {
  EXPECT_EQ(RefusalOf(Step(&Stub::ConfirmExemption, "county")).reason, "EXEMPTION_UNKNOWN");
  EXPECT_EQ(RefusalOf(Step(&Stub::ReportExemption, "installer", nullptr, "")).reason, "FIELD_MISSING");
  ASSERT_TRUE(Step(&Stub::ReportExemption, "installer").ok());
  EXPECT_EQ(RefusalOf(Step(&Stub::CollectExemption, "province")).reason, "EXEMPTION_STATE_INVALID");
  ASSERT_TRUE(Step(&Stub::ConfirmExemption, "county").ok());
  ASSERT_TRUE(Step(&Stub::CollectExemption, "province").ok());
  v1::GrantExemptionRequest grant = GrantRequest();
  grant.add_cells("no cell");
  EXPECT_THAT(RefusalOf(Client::Call(*homes_, &Stub::GrantExemption, grant)).fields, ElementsAre("cells[0]"));
  grant.set_cells(0, kCityCell);
  v1::ExemptionResponse out;
  v1::ExemptionResponse again;
  ASSERT_TRUE(Client::Call(*homes_, &Stub::GrantExemption, grant, &out, "centre").ok());
  ASSERT_TRUE(Client::Call(*homes_, &Stub::GrantExemption, grant, &again, "centre").ok());
  EXPECT_TRUE(again.changed().repeated());
  EXPECT_EQ(again.exemption().SerializeAsString(), out.exemption().SerializeAsString());
  EXPECT_EQ(out.exemption().state(), v1::EXEMPTION_GRANTED);
  ASSERT_EQ(out.exemption().steps_size(), 4);
  EXPECT_EQ(out.exemption().steps(3).approver(), "zhao");
  EXPECT_EQ(head_end_->registry().Card(*ParseCardNumber(kCard))->value.card.standing,
            entitlement::Standing::kOnExempt);

  v1::GetExemptionRequest get;
  get.set_card_number(kCard);
  ASSERT_TRUE(Client::Call(*homes_, &Stub::GetExemption, get, &out).ok());
  EXPECT_EQ(out.exemption().form_number(), kForm);
  EXPECT_EQ(out.exemption().revision(), again.exemption().revision());
  v1::ListExemptionsRequest list;
  v1::ListExemptionsResponse page;
  list.add_states(v1::EXEMPTION_GRANTED);
  list.set_region("640122");
  ASSERT_TRUE(Client::Call(*homes_, &Stub::ListExemptions, list, &page).ok());
  EXPECT_EQ(page.exemptions_size(), 1);
  list.set_region("640104");
  ASSERT_TRUE(Client::Call(*homes_, &Stub::ListExemptions, list, &page).ok());
  EXPECT_EQ(page.exemptions_size(), 0);
  list.set_region("x");
  EXPECT_EQ(Client::Call(*homes_, &Stub::ListExemptions, list, &page).error_code(),
            StatusCode::INVALID_ARGUMENT);
  list.clear_region();
  list.add_states(static_cast<v1::ExemptionState>(99));
  EXPECT_THAT(RefusalOf(Client::Call(*homes_, &Stub::ListExemptions, list, &page)).fields,
              ElementsAre("states[1]"));

  v1::ExemptionStepRequest revoke;
  revoke.set_card_number(kCard);
  revoke.mutable_change()->set_reason("a mast");
  revoke.mutable_change()->set_if_revision(again.exemption().revision() + 1);
  EXPECT_EQ(RefusalOf(Client::Call(*homes_, &Stub::RevokeExemption, revoke)).reason, "REVISION_MISMATCH");
  revoke.mutable_change()->set_if_revision(again.exemption().revision());
  ASSERT_TRUE(Client::Call(*homes_, &Stub::RevokeExemption, revoke, &out).ok());
  EXPECT_EQ(out.exemption().state(), v1::EXEMPTION_REVOKED);
}

TEST_F(HomeServerTest, ARelocationFromTheRequestToTheConfirmation) {
  app::GeoState& geo = head_end_->geo();
  const auto request = [&](const std::string& actor) {
    app::Request made;
    made.id = *RequestId::Parse(NewRequestId());
    made.actor = actor;
    made.reason = "test";
    return made;
  };
  const RegionCode village = *ParseRegionCode(kNextVillage);
  const RegionCode township = Ancestor(village, RegionLevel::kTownship);
  const geofence::Region region{village, "next", township, RegionLevel::kVillage};
  ASSERT_FALSE(geo.ImportRegions(request("wang"), {{.line = 1, .region = region}}).front().error);
  const AreaId area = *ParseAreaId(kNextArea);
  ASSERT_TRUE(geo.CreateArea(request("wang"), {area, "next", {*geofence::ParsePlaceCode(kNextVillage)}}));
  ASSERT_TRUE(geo.StepArea(request("wang"), area, geofence::AreaState::kSubmitted));
  ASSERT_TRUE(geo.StepArea(request("li"), area, geofence::AreaState::kApproved));
  ASSERT_TRUE(PutList(v1::WHITELIST, kNextArea, {kNextCell}).ok());
  v1::RequestRelocationRequest ask;
  ask.set_card_number(kCard);
  ask.set_village(kNextVillage);
  ask.mutable_change()->set_reason("married");
  v1::RelocationResponse out;
  ASSERT_TRUE(Client::Call(*homes_, &Stub::RequestRelocation, ask, &out).ok());
  EXPECT_EQ(out.relocation().to_area(), kNextArea);
  EXPECT_EQ(out.relocation().days(), 30U);
  ask.set_village("64");
  EXPECT_THAT(RefusalOf(Client::Call(*homes_, &Stub::RequestRelocation, ask)).fields, ElementsAre("village"));
  v1::RelocationStepRequest step;
  step.set_card_number(kCard);
  step.mutable_change()->set_reason("papers seen");
  EXPECT_EQ(RefusalOf(Client::Call(*homes_, &Stub::ApproveRelocation, step)).reason,
            "SECOND_APPROVER_NEEDED");
  ASSERT_TRUE(Client::Call(*homes_, &Stub::ApproveRelocation, step, &out, "li").ok());
  EXPECT_EQ(out.relocation().state(), v1::RELOCATION_APPROVED);
  EXPECT_TRUE(out.relocation().has_ends());
  clock_.Advance(std::chrono::minutes(1));
  v1::ReportResponse answer;
  ASSERT_TRUE(Client::Call(*client_->location, &v1::LocationService::Stub::Report, SignedReport(1, kNextCell),
                           &answer)
                  .ok());
  EXPECT_EQ(answer.outcome(), v1::ACTIVATED);
  head_end_->HousekeepNow();
  v1::GetRelocationRequest get;
  get.set_card_number(kCard);
  ASSERT_TRUE(Client::Call(*homes_, &Stub::GetRelocation, get, &out).ok());
  EXPECT_EQ(out.relocation().state(), v1::RELOCATION_CONFIRMED);
  EXPECT_EQ(RefusalOf(Client::Call(*homes_, &Stub::CancelRelocation, step)).reason,
            "RELOCATION_STATE_INVALID");
  v1::GetAccountRequest account;
  account.set_form_number(kForm);
  v1::GetAccountResponse found;
  ASSERT_TRUE(Client::Call(*client_->registry, &v1::RegistryService::Stub::GetAccount, account, &found).ok());
  EXPECT_EQ(found.account().area_id(), kNextArea);
  v1::ListRelocationsRequest list;
  list.add_states(v1::RELOCATION_CONFIRMED);
  v1::ListRelocationsResponse page;
  ASSERT_TRUE(Client::Call(*homes_, &Stub::ListRelocations, list, &page).ok());
  EXPECT_EQ(page.relocations_size(), 1);
}

}  // namespace
}  // namespace hearth::rpc
