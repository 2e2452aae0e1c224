// Emergency broadcast over the API: what comes in, what goes out, and every field that is refused.
#include <functional>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using Schedule = v1::ScheduleService::Stub;

class EmergencyRpc : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    ASSERT_NO_FATAL_FAILURE(SetUpSite());
  }
  v1::ProposeEmergencyRequest Good() {
    v1::ProposeEmergencyRequest in;
    in.mutable_change()->set_request_id(NewRequestId());
    v1::Emergency& emergency = *in.mutable_emergency();
    emergency.set_kind(v1::Emergency::FLOOD);
    emergency.set_severity(v1::Emergency::ORANGE);
    emergency.add_regions("640122");
    emergency.set_duration_minutes(90);
    return in;
  }
  template <typename Request, typename Method>
  grpc::Status Step(Method method, uint64_t number, const std::string& actor,
                    v1::EmergencyResponse* out = nullptr) {
    Request in;
    in.mutable_change()->set_request_id(NewRequestId());
    in.set_number(number);
    return Client::Call(*client_->schedule, method, in, out, actor);
  }
};

TEST_F(EmergencyRpc, ProposedApprovedListedAndCancelled) {
  v1::ProposeEmergencyRequest in = Good();
  v1::Emergency& wanted = *in.mutable_emergency();
  wanted.add_regions("6401");
  wanted.mutable_service()->set_original_network_id(65280);
  wanted.mutable_service()->set_transport_stream_id(3);
  wanted.mutable_service()->set_service_id(101);
  wanted.set_reference("NX-15");
  v1::EmergencyResponse out;
  const grpc::Status proposed = Client::Call(*client_->schedule, &Schedule::ProposeEmergency, in, &out, "li");
  ASSERT_TRUE(proposed.ok()) << proposed.error_message();
  const v1::Emergency& emergency = out.emergency();
  EXPECT_EQ(emergency.number(), 1U);
  EXPECT_EQ(emergency.state(), v1::Emergency::PROPOSED);
  ASSERT_EQ(emergency.regions_size(), 1) << "6401 holds 640122";
  EXPECT_EQ(emergency.regions(0), "6401");
  EXPECT_EQ(emergency.service().original_network_id(), 65280U);
  EXPECT_EQ(emergency.reference(), "NX-15");
  EXPECT_FALSE(emergency.has_start());
  EXPECT_EQ(emergency.proposed_by(), "li");
  EXPECT_EQ(emergency.revision(), out.changed().revision());

  const Refusal self = RefusalOf(Step<v1::ApproveEmergencyRequest>(&Schedule::ApproveEmergency, 1, "li"));
  EXPECT_EQ(self.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(self.reason, "SECOND_APPROVER_NEEDED");
  const grpc::Status approved =
      Step<v1::ApproveEmergencyRequest>(&Schedule::ApproveEmergency, 1, "wang", &out);
  ASSERT_TRUE(approved.ok()) << approved.error_message();
  EXPECT_EQ(out.emergency().state(), v1::Emergency::APPROVED);
  EXPECT_EQ(out.emergency().approved_by(), "wang");
  EXPECT_EQ(out.emergency().end().seconds() - out.emergency().start().seconds(), 5400);

  v1::ProposeEmergencyRequest drill = Good();
  drill.mutable_emergency()->set_drill(true);
  drill.mutable_emergency()->clear_regions();
  drill.mutable_emergency()->set_everywhere(true);
  ASSERT_TRUE(Client::Call(*client_->schedule, &Schedule::ProposeEmergency, drill, &out, "li").ok());
  EXPECT_TRUE(out.emergency().everywhere());
  EXPECT_TRUE(Step<v1::ApproveEmergencyRequest>(&Schedule::ApproveEmergency, 2, "li").ok());

  const grpc::Status cancelled = Step<v1::CancelEmergencyRequest>(&Schedule::CancelEmergency, 1, "li", &out);
  ASSERT_TRUE(cancelled.ok()) << cancelled.error_message();
  EXPECT_EQ(out.emergency().state(), v1::Emergency::CANCELLED);
  v1::GetEmergencyRequest get;
  get.set_number(1);
  v1::GetEmergencyResponse got;
  ASSERT_TRUE(Client::Call(*client_->schedule, &Schedule::GetEmergency, get, &got, "").ok());
  EXPECT_EQ(got.emergency().SerializeAsString(), out.emergency().SerializeAsString());
  v1::ListEmergenciesRequest list;
  list.mutable_page()->set_size(1);
  v1::ListEmergenciesResponse page;
  ASSERT_TRUE(Client::Call(*client_->schedule, &Schedule::ListEmergencies, list, &page, "").ok());
  ASSERT_EQ(page.emergencies_size(), 1);
  list.mutable_page()->set_token(page.next_page_token());
  ASSERT_TRUE(Client::Call(*client_->schedule, &Schedule::ListEmergencies, list, &page, "").ok());
  ASSERT_EQ(page.emergencies_size(), 1);
  EXPECT_EQ(page.emergencies(0).number(), 2U);
  EXPECT_TRUE(page.emergencies(0).drill());
}

TEST_F(EmergencyRpc, EachFieldAtFaultIsNamed) {
  struct Row {
    const char* name;
    std::function<void(v1::ProposeEmergencyRequest&)> edit;
    const char* reason;
    const char* field;
  };
  const Row rows[] = {
      {"no kind", [](auto& in) { in.mutable_emergency()->clear_kind(); }, "FIELD_MISSING", "emergency.kind"},
      {"kind 11", [](auto& in) { in.mutable_emergency()->set_kind(static_cast<v1::Emergency::Kind>(11)); },
       "FIELD_INVALID", "emergency.kind"},
      {"no severity", [](auto& in) { in.mutable_emergency()->clear_severity(); }, "FIELD_MISSING",
       "emergency.severity"},
      {"severity 5",
       [](auto& in) { in.mutable_emergency()->set_severity(static_cast<v1::Emergency::Severity>(5)); },
       "FIELD_INVALID", "emergency.severity"},
      {"no region", [](auto& in) { in.mutable_emergency()->clear_regions(); }, "FIELD_MISSING",
       "emergency.regions"},
      {"an empty region", [](auto& in) { in.mutable_emergency()->add_regions(""); }, "FIELD_INVALID",
       "emergency.regions[1]"},
      {"a village", [](auto& in) { in.mutable_emergency()->add_regions(kVillage); }, "FIELD_INVALID",
       "emergency.regions[1]"},
      {"unknown", [](auto& in) { in.mutable_emergency()->add_regions("99"); }, "REGION_UNKNOWN",
       "emergency.regions"},
      {"everywhere and a region", [](auto& in) { in.mutable_emergency()->set_everywhere(true); },
       "FIELD_INVALID", "emergency.everywhere"},
      {"no duration", [](auto& in) { in.mutable_emergency()->clear_duration_minutes(); }, "FIELD_INVALID",
       "emergency.duration_minutes"},
      {"a duration of 17 bits", [](auto& in) { in.mutable_emergency()->set_duration_minutes(65'536 + 90); },
       "FIELD_INVALID", "emergency.duration_minutes"},
      {"service 0", [](auto& in) { in.mutable_emergency()->mutable_service()->set_original_network_id(1); },
       "FIELD_INVALID", "emergency.service.service_id"},
      {"a network of 17 bits",
       [](auto& in) {
         in.mutable_emergency()->mutable_service()->set_service_id(1);
         in.mutable_emergency()->mutable_service()->set_original_network_id(65'536);
       },
       "FIELD_INVALID", "emergency.service.original_network_id"},
      {"a long reference", [](auto& in) { in.mutable_emergency()->set_reference(std::string(129, 'r')); },
       "FIELD_INVALID", "emergency.reference"},
      {"a start long ago", [](auto& in) { in.mutable_emergency()->mutable_start()->set_seconds(1); },
       "FIELD_INVALID", "emergency.start"},
      {"half a nanosecond", [](auto& in) { in.mutable_emergency()->mutable_start()->set_nanos(1); },
       "FIELD_INVALID", "emergency.start"},
      {"a revision", [](auto& in) { in.mutable_change()->set_if_revision(1); }, "FIELD_INVALID",
       "change.if_revision"},
  };
  const auto before = SettledSequences();
  for (const Row& row : rows) {
    v1::ProposeEmergencyRequest in = Good();
    row.edit(in);
    const Refusal refusal = RefusalOf(Client::Call(*client_->schedule, &Schedule::ProposeEmergency, in));
    EXPECT_EQ(refusal.reason, row.reason) << row.name << ": " << refusal.message;
    EXPECT_EQ(refusal.fields.empty() ? "" : refusal.fields[0], row.field) << row.name;
    EXPECT_NE(refusal.metadata.at("cure"), "") << row.name;
  }
  const Refusal unknown = RefusalOf(Step<v1::CancelEmergencyRequest>(&Schedule::CancelEmergency, 9, "li"));
  EXPECT_EQ(unknown.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(unknown.reason, "EMERGENCY_UNKNOWN");
  EXPECT_EQ(Sequences(), before);
}

}  // namespace
}  // namespace hearth::rpc
