// Lists and policy changed over the wire: proposed, previewed, approved by another, activated, undone; what
// waits for an operator.
#include <gmock/gmock.h>
#include <hearth/v1/rollout.grpc.pb.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using Stub = v1::RolloutService::Stub;

class RolloutServerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    ASSERT_NO_FATAL_FAILURE(SetUpSite());
    rollouts_ = v1::RolloutService::NewStub(channel_);
    v1::ReportResponse answer;
    ASSERT_TRUE(Client::Call(*client_->location, &v1::LocationService::Stub::Report,
                             SignedReport(1, kHomeCell), &answer)
                    .ok());
    ASSERT_EQ(answer.outcome(), v1::ACTIVATED);
  }

  grpc::Status Propose(const v1::ProposeHeader& header, const std::vector<v1::ListCells>& cells,
                       v1::RolloutResponse* out, const std::string& actor = "wang") {
    grpc::ClientContext context;
    context.AddMetadata("hearth-actor", actor);
    const auto writer = rollouts_->Propose(&context, out);
    v1::ProposeRequest message;
    *message.mutable_header() = header;
    writer->Write(message);
    for (const v1::ListCells& some : cells) {
      *message.mutable_cells() = some;
      writer->Write(message);
    }
    writer->WritesDone();
    return writer->Finish();
  }
  // The village's cell becomes the city's: the home goes dark.
  v1::Rollout ProposeLoss() {
    v1::ProposeHeader header;
    v1::ListChange& white = *header.add_lists();
    white.set_kind(v1::WHITELIST);
    white.set_list_id(kArea);
    v1::ListChange& black = *header.add_lists();
    black.set_kind(v1::BLACKLIST);
    black.set_list_id("640100001");
    black.set_edit(true);
    v1::ListCells other;
    other.set_list(0);
    other.add_cells("lte:460:00:1:1");
    v1::ListCells lost;
    lost.set_list(1);
    lost.add_cells(kHomeCell);
    v1::RolloutResponse out;
    const grpc::Status status = Propose(header, {other, lost}, &out);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return out.rollout();
  }
  grpc::Status Step(grpc::Status (Stub::*method)(grpc::ClientContext*, const v1::RolloutStepRequest&,
                                                 v1::RolloutResponse*),
                    uint64_t number, v1::RolloutResponse* out = nullptr, const std::string& reason = "why") {
    v1::RolloutStepRequest in;
    in.set_number(number);
    in.mutable_change()->set_reason(reason);
    return Client::Call(*rollouts_, method, in, out);
  }
  grpc::Status Activate(uint64_t number, const std::function<void(v1::ActivateRolloutRequest&)>& edit,
                        v1::RolloutResponse* out = nullptr) {
    v1::ActivateRolloutRequest in;
    in.set_number(number);
    in.mutable_change()->set_reason("the city has that number");
    in.set_at_once(true);
    edit(in);
    return Client::Call(*rollouts_, &Stub::Activate, in, out);
  }
  bool Lit() const {
    const auto card = head_end_->registry().Card(*ParseCardNumber(kCard));
    return card->value.card.standing != entitlement::Standing::kDark;
  }

  std::unique_ptr<Stub> rollouts_;
};

TEST_F(RolloutServerTest, FromProposalToUndo) {
  const v1::Rollout proposed = ProposeLoss();
  EXPECT_EQ(proposed.state(), v1::ROLLOUT_PREVIEWED);
  EXPECT_EQ(proposed.total().dark(), 1U);
  ASSERT_EQ(proposed.areas_size(), 1);
  EXPECT_EQ(proposed.areas(0).area_id(), kArea);
  ASSERT_EQ(proposed.lists_size(), 2);
  EXPECT_EQ(proposed.lists(0).removed(), 1U);
  EXPECT_TRUE(Lit());

  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "wang");
  v1::ListAffectedRequest who;
  who.set_number(proposed.number());
  const auto reader = rollouts_->ListAffected(&context, who);
  v1::AffectedCards cards;
  ASSERT_TRUE(reader->Read(&cards));
  ASSERT_EQ(cards.cards_size(), 1);
  EXPECT_EQ(cards.cards(0).card_number(), kCard);
  EXPECT_EQ(cards.cards(0).effect(), v1::GOES_DARK);
  EXPECT_EQ(cards.cards(0).serving_cell(), kHomeCell);
  EXPECT_TRUE(reader->Finish().ok());

  v1::RolloutResponse out;
  ASSERT_TRUE(Activate(
                  proposed.number(), [](auto&) {}, &out)
                  .ok());
  EXPECT_EQ(out.rollout().staging().stages(), 1U);
  head_end_->rollouts().AwaitJudged();
  EXPECT_FALSE(Lit());
  ASSERT_TRUE(Step(&Stub::Advance, proposed.number(), &out).ok());
  EXPECT_EQ(out.rollout().state(), v1::ROLLOUT_DONE);
  EXPECT_EQ(RefusalOf(Step(&Stub::Undo, proposed.number(), nullptr, "")).reason, "FIELD_MISSING");
  ASSERT_TRUE(Step(&Stub::Undo, proposed.number(), &out).ok());
  head_end_->rollouts().AwaitJudged();
  EXPECT_TRUE(Lit());

  v1::ListRolloutsResponse list;
  ASSERT_TRUE(Client::Call(*rollouts_, &Stub::List, v1::ListRolloutsRequest(), &list).ok());
  ASSERT_GE(list.rollouts_size(), 1);
  EXPECT_EQ(list.rollouts(0).number(), proposed.number());
  EXPECT_EQ(list.rollouts(0).state(), v1::ROLLOUT_UNDONE);
}

TEST_F(RolloutServerTest, AListThatCutsSomebodyOffIsNotInForceByItsImport) {
  v1::PutCellListResponse out;
  ASSERT_TRUE(PutList(v1::WHITELIST, kArea, {"lte:460:00:1:1"}, &out).ok());
  EXPECT_FALSE(out.in_force());
  EXPECT_NE(out.rollout(), 0U);
  v1::GetRolloutRequest in;
  in.set_number(out.rollout());
  in.set_preview(true);
  v1::RolloutResponse waiting;
  ASSERT_TRUE(Client::Call(*rollouts_, &Stub::Get, in, &waiting).ok());
  EXPECT_EQ(waiting.rollout().total().unknown(), 1U);
  ASSERT_TRUE(Step(&Stub::Withdraw, out.rollout()).ok());
  ASSERT_TRUE(PutList(v1::WHITELIST, kArea, {kHomeCell, "lte:460:00:1:1"}, &out).ok());
  EXPECT_TRUE(out.in_force());
}

TEST_F(RolloutServerTest, ThePolicyGoesTheSameWay) {
  v1::GetPolicyResponse now;
  ASSERT_TRUE(Client::Call(*rollouts_, &Stub::GetPolicy, v1::GetPolicyRequest(), &now).ok());
  EXPECT_EQ(now.policy().national().blacklisted_reports(), 2U);
  v1::ProposeHeader header;
  *header.mutable_policy() = now.policy();
  v1::RegionRules& region = *header.mutable_policy()->add_regions();
  region.set_division("6401");
  *region.mutable_rules() = now.policy().national();
  region.mutable_rules()->set_grace_hours(0);
  v1::RetiringNetwork& retiring = *header.mutable_policy()->add_retiring();
  retiring.set_network("460-01");
  retiring.set_radio(v1::GSM);
  retiring.set_day("2027-12-31");
  v1::RolloutResponse out;
  ASSERT_TRUE(Propose(header, {}, &out).ok());
  ASSERT_TRUE(Activate(out.rollout().number(), [](auto&) {}).ok());
  head_end_->rollouts().AwaitJudged();
  ASSERT_TRUE(Step(&Stub::Advance, out.rollout().number()).ok());
  ASSERT_TRUE(Client::Call(*rollouts_, &Stub::GetPolicy, v1::GetPolicyRequest(), &now).ok());
  EXPECT_EQ(now.policy().version(), out.rollout().policy_to());
  ASSERT_EQ(now.policy().regions_size(), 1);
  EXPECT_EQ(now.policy().regions(0).rules().grace_hours(), 0U);
  EXPECT_EQ(now.policy().retiring(0).day(), "2027-12-31");
}

TEST_F(RolloutServerTest, BadInputIsRefusedByItsField) {
  const uint64_t number = ProposeLoss().number();
  v1::RolloutResponse out;
  v1::ProposeHeader unknown;
  unknown.add_lists()->set_kind(v1::WHITELIST);
  unknown.mutable_lists(0)->set_list_id("640122008");
  v1::ListCells cells;
  cells.add_cells(kHomeCell);
  v1::ProposeHeader bad_policy;
  bad_policy.mutable_policy()->mutable_national()->set_blacklisted_reports(2);
  v1::ListCells elsewhere;
  elsewhere.set_list(7);
  struct Row {
    const char* name;
    grpc::Status status;
    const char* reason;
    const char* field;
  };
  const std::vector<Row> rows = {
      {"nothing", Propose({}, {}, &out), "FIELD_MISSING", "lists"},
      {"unknown area", Propose(unknown, {cells}, &out), "AREA_UNKNOWN", ""},
      {"cells of no list", Propose(unknown, {elsewhere}, &out), "FIELD_INVALID", "cells.list"},
      {"half a policy", Propose(bad_policy, {}, &out), "FIELD_INVALID", "policy.national.strictness"},
      {"no such rollout", Step(&Stub::Advance, 99), "ROLLOUT_UNKNOWN", ""},
      {"not active", Step(&Stub::Advance, number), "ROLLOUT_STATE_INVALID", ""},
      {"percents",
       Activate(number,
                [](auto& in) {
                  in.set_at_once(false);
                  in.add_percents(50);
                }),
       "FIELD_INVALID", ""},
      {"division",
       Activate(number,
                [](auto& in) {
                  in.set_at_once(false);
                  in.add_divisions("640");
                }),
       "FIELD_INVALID", "divisions[0]"},
      {"at once and percents", Activate(number, [](auto& in) { in.add_percents(100); }), "FIELD_INVALID",
       "at_once"},
  };
  for (const Row& row : rows) {
    const Refusal refusal = RefusalOf(row.status);
    EXPECT_EQ(refusal.reason, row.reason) << row.name << ": " << refusal.message;
    if (*row.field != 0) {
      EXPECT_THAT(refusal.fields, testing::Contains(std::string(row.field))) << row.name;
    }
  }
  EXPECT_TRUE(Lit());
}

TEST_F(RolloutServerTest, WhatWaitsForAnOperator) {
  v1::ListHeldResponse held;
  auto& stub = *client_->intervention;
  ASSERT_TRUE(
      Client::Call(stub, &v1::InterventionService::Stub::ListHeld, v1::ListHeldRequest(), &held).ok());
  EXPECT_EQ(held.interventions_size(), 0);
  v1::DecideHeldRequest release;
  release.mutable_change()->set_reason("seen in town");
  release.add_card_numbers(kCard);
  v1::DecideHeldResponse decided;
  ASSERT_TRUE(Client::Call(stub, &v1::InterventionService::Stub::Release, release, &decided).ok());
  ASSERT_EQ(decided.rows_size(), 1);
  EXPECT_EQ(decided.rows(0).reason(), "INTERVENTION_NOT_HELD");
  EXPECT_EQ(decided.refused(), 1U);
  v1::ListSuccessorsResponse successors;
  ASSERT_TRUE(Client::Call(stub, &v1::InterventionService::Stub::ListSuccessors, v1::ListSuccessorsRequest(),
                           &successors)
                  .ok());
  EXPECT_EQ(successors.successors_size(), 0);
  head_end_->alarms().Raise({.kind = records::AlarmKind::kClone,
                             .subject = kCard,
                             .text = "two places",
                             .areas = {},
                             .cards = {*ParseCardNumber(kCard)},
                             .at = clock_.Now()});
  head_end_->HousekeepNow();
  v1::ListAlarmsRequest open;
  open.set_open_only(true);
  v1::ListAlarmsResponse alarms;
  ASSERT_TRUE(Client::Call(stub, &v1::InterventionService::Stub::ListAlarms, open, &alarms).ok());
  ASSERT_EQ(alarms.alarms_size(), 1);
  EXPECT_EQ(alarms.alarms(0).kind(), "CLONE");
  EXPECT_EQ(alarms.alarms(0).cards(0), kCard);
  v1::CloseAlarmRequest close;
  close.set_number(alarms.alarms(0).number());
  close.mutable_change()->set_reason("card evicted");
  ASSERT_TRUE(Client::Call(stub, &v1::InterventionService::Stub::CloseAlarm, close).ok());
  close.mutable_change()->set_reason("again");
  EXPECT_EQ(RefusalOf(Client::Call(stub, &v1::InterventionService::Stub::CloseAlarm, close)).reason,
            "ALARM_CLOSED");
  ASSERT_TRUE(Client::Call(stub, &v1::InterventionService::Stub::ListAlarms, open, &alarms).ok());
  EXPECT_EQ(alarms.alarms_size(), 0);
}

}  // namespace
}  // namespace hearth::rpc
