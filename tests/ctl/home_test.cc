// hearthctl exemption and relocation: what is sent and what is shown.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCard = "640000000017";

void Fill(v1::Exemption* exemption, v1::ExemptionState state) {
  exemption->set_card_number(kCard);
  exemption->set_state(state);
  exemption->set_form_number("NX-1");
  exemption->set_village("640122100201");
  if (state == v1::EXEMPTION_GRANTED) exemption->mutable_expires()->set_seconds(1'795'409'000);
  v1::ExemptionStep& step = *exemption->add_steps();
  step.set_state(v1::EXEMPTION_REPORTED);
  step.set_actor("installer");
  step.set_reason("no bars");
  step.mutable_time()->set_seconds(1'795'000'000);
  v1::ExemptionStep& last = *exemption->add_steps();
  last.set_state(state);
  last.set_actor("centre");
  last.set_approver("zhao");
  last.set_reason("a valley");
  exemption->set_revision(7);
}

void Fill(v1::Relocation* relocation, v1::RelocationState state) {
  relocation->set_card_number(kCard);
  relocation->set_state(state);
  relocation->set_from_area("640122001");
  relocation->set_to_area("640122002");
  relocation->set_from_village("640122100201");
  relocation->set_to_village("64012210220001");
  relocation->set_days(30);
  v1::RelocationStep& step = *relocation->add_steps();
  step.set_state(state);  // by a report or the time: nobody's name
  relocation->set_revision(9);
}

class HomeCommands : public ::testing::Test {
 protected:
  HomeCommands() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
  }
  Outcome Run(const std::vector<std::string>& args) const { return RunAgainst(head_end_, args); }
  FakeHeadEnd head_end_;
};

TEST_F(HomeCommands, EachStepOfAnExemptionGoesToItsCall) {
  std::vector<std::string> seen;
  for (const std::string name : {"report", "confirm", "collect", "refuse", "revoke"}) {
    head_end_.homes.exemption[name] = [&seen, name](const v1::ExemptionStepRequest& in,
                                                    v1::ExemptionResponse* out) {
      seen.push_back(name + " " + in.card_number() + " " + in.change().reason());
      Fill(out->mutable_exemption(), v1::EXEMPTION_REPORTED);
      return grpc::Status::OK;
    };
    const Outcome outcome = Run({"exemption", name, kCard, "--reason", "why", "--yes"});
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("reported"));
  }
  EXPECT_THAT(seen,
              ElementsAre("report 640000000017 why", "confirm 640000000017 why", "collect 640000000017 why",
                          "refuse 640000000017 why", "revoke 640000000017 why"));
  EXPECT_EQ(Run({"exemption", "report", kCard}).code, kExitUsage) << "a reason is needed";
  EXPECT_EQ(Run({"exemption", "report", "12", "--reason", "why"}).code, kExitUsage);
}

TEST_F(HomeCommands, AGrantSaysUntilWhenAndForWhichCells) {
  v1::GrantExemptionRequest sent;
  head_end_.homes.grant = [&](const v1::GrantExemptionRequest& in, v1::ExemptionResponse* out) {
    sent = in;
    Fill(out->mutable_exemption(), v1::EXEMPTION_GRANTED);
    return grpc::Status::OK;
  };
  const Outcome outcome =
      Run({"--dry-run", "exemption", "grant", kCard, "--until", "2027-12-31T00:00:00+08:00", "--cell",
           "lte:460:00:1:1", "--cell", "lte:460:00:1:2", "--approver", "zhao", "--reason", "a valley"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(sent.expires().seconds(), 1'830'182'400);
  EXPECT_THAT(sent.cells(), ElementsAre("lte:460:00:1:1", "lte:460:00:1:2"));
  EXPECT_EQ(sent.change().approver(), "zhao");
  EXPECT_TRUE(sent.change().dry_run());
  EXPECT_THAT(outcome.out, HasSubstr("granted"));
  EXPECT_THAT(outcome.out, HasSubstr("zhao"));
  EXPECT_EQ(Run({"exemption", "grant", kCard, "--until", "tomorrow", "--reason", "a"}).code, kExitUsage);
  head_end_.homes.grant = [&](const v1::GrantExemptionRequest&, v1::ExemptionResponse*) {
    return Refusal(Error(Reason::kSecondApproverNeeded, "somebody else approves"));
  };
  const Outcome refused =
      Run({"exemption", "grant", kCard, "--until", "2027-12-31T00:00:00+08:00", "--reason", "a valley"});
  EXPECT_NE(refused.code, kExitOk);
  EXPECT_THAT(refused.err, HasSubstr("SECOND_APPROVER_NEEDED"));
}

TEST_F(HomeCommands, ListsFilterAndGoPageByPage) {
  std::vector<std::string> tokens;
  head_end_.homes.list_exemptions = [&](const v1::ListExemptionsRequest& in,
                                        v1::ListExemptionsResponse* out) {
    EXPECT_THAT(in.states(), ElementsAre(v1::EXEMPTION_CONFIRMED, v1::EXEMPTION_GRANTED));
    EXPECT_EQ(in.region(), "640122");
    tokens.push_back(in.page().token());
    Fill(out->add_exemptions(), v1::EXEMPTION_GRANTED);
    if (tokens.size() == 1) out->set_next_page_token("640000000017");
    return grpc::Status::OK;
  };
  const std::vector<std::string> args = {"exemption", "list",    "--state",  "confirmed",
                                         "--state",   "granted", "--region", "640122"};
  const Outcome outcome = Run(args);
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(tokens, ElementsAre("", "640000000017"));
  EXPECT_THAT(outcome.out, HasSubstr("2026-11-23"));
  EXPECT_EQ(Run({"exemption", "list", "--state", "lost"}).code, kExitUsage);

  head_end_.homes.list_relocations = [&](const v1::ListRelocationsRequest& in,
                                         v1::ListRelocationsResponse* out) {
    EXPECT_THAT(in.states(), ElementsAre(v1::RELOCATION_TIMED_OUT));
    Fill(out->add_relocations(), v1::RELOCATION_TIMED_OUT);
    return grpc::Status::OK;
  };
  const Outcome moves = Run({"relocation", "list", "--state", "timed-out"});
  EXPECT_EQ(moves.code, kExitOk) << moves.err;
  EXPECT_THAT(moves.out, HasSubstr("timed-out"));
  EXPECT_THAT(moves.out, HasSubstr("(hearthd)"));
  const Outcome json = Run({"--json", "relocation", "list", "--state", "timed-out"});
  EXPECT_THAT(json.out, HasSubstr("RELOCATION_TIMED_OUT"));
}

TEST_F(HomeCommands, ARelocationIsAskedForApprovedAndShown) {
  head_end_.homes.request = [](const v1::RequestRelocationRequest& in, v1::RelocationResponse* out) {
    EXPECT_EQ(in.village(), "64012210220001");
    EXPECT_EQ(in.days(), 60U);
    EXPECT_EQ(in.change().reason(), "married");
    Fill(out->mutable_relocation(), v1::RELOCATION_REQUESTED);
    return grpc::Status::OK;
  };
  Outcome outcome =
      Run({"relocation", "request", kCard, "64012210220001", "--days", "60", "--reason", "married"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("area 640122002 village 64012210220001"));
  std::vector<std::string> seen;
  for (const std::string name : {"approve", "cancel"}) {
    head_end_.homes.relocation[name] = [&seen, name](const v1::RelocationStepRequest& in,
                                                     v1::RelocationResponse* out) {
      seen.push_back(name + " " + in.card_number());
      Fill(out->mutable_relocation(), v1::RELOCATION_APPROVED);
      return grpc::Status::OK;
    };
    EXPECT_EQ(Run({"relocation", name, kCard, "--reason", "papers seen"}).code, kExitOk);
  }
  EXPECT_THAT(seen, ElementsAre("approve 640000000017", "cancel 640000000017"));
  head_end_.homes.get_relocation = [](const v1::GetRelocationRequest& in, v1::RelocationResponse* out) {
    EXPECT_EQ(in.card_number(), kCard);
    Fill(out->mutable_relocation(), v1::RELOCATION_CONFIRMED);
    return grpc::Status::OK;
  };
  outcome = Run({"relocation", "show", kCard});
  EXPECT_THAT(outcome.out, HasSubstr("confirmed"));
  EXPECT_THAT(outcome.out, HasSubstr("revision 9"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("waits until")));
  head_end_.homes.get_exemption = [](const v1::GetExemptionRequest&, v1::ExemptionResponse*) {
    return Refusal(Error(Reason::kExemptionUnknown, "nobody reported it"));
  };
  EXPECT_THAT(Run({"exemption", "show", kCard}).err, HasSubstr("EXEMPTION_UNKNOWN"));
}

}  // namespace
}  // namespace hearth::ctl
