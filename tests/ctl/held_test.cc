// What waits for an operator: held interventions, successor cells, alarms.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class HeldCommands : public ::testing::Test {
 protected:
  HeldCommands() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
    const auto decide = [this](const v1::DecideHeldRequest& request, v1::DecideHeldResponse* answer) {
      decided_.push_back(request);
      for (int i = 0; i < request.card_numbers_size(); ++i) {
        const bool held = request.card_numbers(i) != "640000000009";
        v1::RowResult& row = *answer->add_rows();
        row.set_line(static_cast<uint64_t>(i) + 1);
        row.set_outcome(held ? v1::RowResult::DONE : v1::RowResult::REFUSED);
        if (!held) row.set_reason("INTERVENTION_NOT_HELD");
        held ? answer->set_done(answer->done() + 1) : answer->set_refused(answer->refused() + 1);
      }
      return grpc::Status::OK;
    };
    head_end_.intervention.release = decide;
    head_end_.intervention.drop = decide;
    head_end_.intervention.accept_successors = [this](const v1::AcceptSuccessorsRequest& request,
                                                      v1::AcceptSuccessorsResponse* answer) {
      accepted_.push_back(request);
      *answer = acceptance_;
      return grpc::Status::OK;
    };
    acceptance_.set_rollout(14);
    acceptance_.set_cells(8);
    acceptance_.set_areas(3);
    acceptance_.set_dropped(40);
    acceptance_.set_lifted(2);
  }

  TempDir dir_;
  FakeHeadEnd head_end_;
  std::vector<v1::DecideHeldRequest> decided_;
  std::vector<v1::AcceptSuccessorsRequest> accepted_;
  v1::AcceptSuccessorsResponse acceptance_;
};

TEST_F(HeldCommands, TheHeldOnesWithTheirEvidence) {
  head_end_.intervention.list_held = [](const v1::ListHeldRequest& request, v1::ListHeldResponse* answer) {
    EXPECT_EQ(request.area_id(), "640122001");
    v1::Intervention& what = *answer->add_interventions();
    what.set_kind(v1::HELD);
    what.set_card_number("640000000001");
    what.set_verdict(v1::BLACKLISTED);
    what.set_breaker("HOLD_AREA");
    what.set_rollout(12);
    what.add_cells("lte:460:00:33301:5");
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"intervention", "held", "--area", "640122001"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("640000000001"), HasSubstr("HELD"), HasSubstr("HOLD_AREA"),
                                 HasSubstr("12 "), HasSubstr("lte:460:00:33301:5")));
}

TEST_F(HeldCommands, ReleasingAsksAndDroppingToo) {
  const std::vector<std::string> args = {"intervention", "release",  "640000000001",
                                         "640000000002", "--reason", "seen in the city"};
  const Outcome no = RunAgainst(head_end_, args, {.input = "n\n", .terminal = true});
  EXPECT_EQ(no.code, kExitUsage);
  EXPECT_THAT(no.err, HasSubstr("2 held or proposed interventions: order them? The cards go dark."));
  EXPECT_THAT(decided_, IsEmpty());
  const Outcome yes = RunAgainst(head_end_, args, {.input = "y\n", .terminal = true});
  EXPECT_EQ(yes.code, kExitOk) << yes.err;
  ASSERT_THAT(decided_, SizeIs(1));
  EXPECT_THAT(decided_[0].card_numbers(), ElementsAre("640000000001", "640000000002"));
  EXPECT_EQ(decided_[0].change().reason(), "seen in the city");
  EXPECT_THAT(yes.out, HasSubstr("2 done, 0 existed, 0 refused"));
  const Outcome drop = RunAgainst(head_end_, {"intervention", "drop", "640000000001", "--reason", "x"},
                                  {.input = "n\n", .terminal = true});
  EXPECT_THAT(drop.err, HasSubstr("The cards stay lit."));
}

TEST_F(HeldCommands, CardsOfAFileAreToldByTheirLines) {
  const std::string content = "card,area\n640000000001,640122001\n\nx\n640000000009\r\n640000000002";
  const std::string file = dir_.Write("held.csv", content);
  const Outcome outcome = RunAgainst(head_end_, {"intervention", "release", "--file", file, "--reason", "x",
                                                 "--rejects", dir_.Path("rejects.csv")});
  EXPECT_EQ(outcome.code, kExitRowsRefused) << outcome.err;
  ASSERT_THAT(decided_, SizeIs(1));
  EXPECT_THAT(decided_[0].card_numbers(), ElementsAre("640000000001", "640000000009", "640000000002"));
  EXPECT_THAT(outcome.out, HasSubstr("2 done, 0 existed, 2 refused"));
  EXPECT_THAT(dir_.Read("rejects.csv"), AllOf(HasSubstr(",4,"), HasSubstr(",5,"), HasSubstr("NOT_HELD")));
  EXPECT_EQ(RunAgainst(head_end_, {"intervention", "drop", "--file", "-", "--reason", "x"},
                       {.input = "640000000001\n"})
                .code,
            kExitOk);
}

TEST_F(HeldCommands, ThousandCardsInACallUnderIdsOfTheirOwn) {
  std::string content;
  for (int i = 0; i < 1001; ++i) content += std::to_string(640'000'001'000 + i) + "\n";
  content += "640000000009\n";
  const Outcome outcome =
      RunAgainst(head_end_, {"intervention", "release", "--file", dir_.Write("f", content), "--reason", "x"});
  EXPECT_EQ(outcome.code, kExitRowsRefused);
  ASSERT_THAT(decided_, SizeIs(2));
  EXPECT_EQ(decided_[0].card_numbers_size(), 1000);
  EXPECT_NE(decided_[0].change().request_id(), decided_[1].change().request_id());
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("1002  "), HasSubstr("1001 done, 0 existed, 1 refused")));
}

TEST_F(HeldCommands, WhatIsWrongIsNotSent) {
  struct Row {
    const char* name;
    std::vector<std::string> args;
    int code;
  };
  const std::string empty = dir_.Write("empty", "card\n");
  const Row rows[] = {
      {"no cards", {"intervention", "release", "--reason", "x"}, kExitUsage},
      {"no reason", {"intervention", "release", "640000000001"}, kExitUsage},
      {"cards and a file",
       {"intervention", "drop", "640000000001", "--file", empty, "--reason", "x"},
       kExitUsage},
      {"11 digits", {"intervention", "drop", "64000000001", "--reason", "x"}, kExitUsage},
      {"a file without cards", {"intervention", "drop", "--file", empty, "--reason", "x"}, kExitBadFile},
      {"a file of mistakes",
       {"intervention", "drop", "--file", dir_.Write("bad", "a\nb\n"), "--reason", "x"},
       kExitBadFile},
      {"no such file", {"intervention", "drop", "--file", "/no/such", "--reason", "x"}, kExitBadFile},
      {"accept everywhere", {"cells", "accept", "--reason", "x"}, kExitUsage},
      {"accept twice",
       {"cells", "accept", "--area", "640122001", "--division", "64", "--reason", "x"},
       kExitUsage},
      {"accept without a reason", {"cells", "accept", "--division", "64"}, kExitUsage},
      {"a village", {"cells", "successors", "--division", "640122100201"}, kExitUsage},
      {"close without a reason", {"alarm", "close", "7"}, kExitUsage},
      {"another kind", {"intervention", "list", "--kind", "other"}, kExitUsage},
  };
  for (const Row& row : rows) EXPECT_EQ(RunAgainst(head_end_, row.args).code, row.code) << row.name;
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_THAT(accepted_, IsEmpty());
}

TEST_F(HeldCommands, InterventionsByDivisionAndKind) {
  v1::ListInterventionsRequest listed;
  head_end_.intervention.list = [&](const v1::ListInterventionsRequest& request,
                                    v1::ListInterventionsResponse* answer) {
    listed = request;
    answer->add_interventions()->set_delivery("BOUNDED_BY_EPOCH");
    return grpc::Status::OK;
  };
  const Outcome list = RunAgainst(
      head_end_, {"intervention", "list", "--division", "6401", "--kind", "switch-off", "--kind", "expired"});
  EXPECT_EQ(list.code, kExitOk) << list.err;
  EXPECT_EQ(listed.division(), "6401");
  EXPECT_THAT(listed.kinds(), ElementsAre(v1::SWITCH_OFF, v1::EXPIRED));
  EXPECT_THAT(list.out, HasSubstr("BOUNDED_BY_EPOCH"));

  v1::WatchInterventionsRequest watched;
  head_end_.intervention.watch = [&](const v1::WatchInterventionsRequest& request,
                                     grpc::ServerWriter<v1::InterventionEvent>* writer) {
    watched = request;
    v1::InterventionEvent event;
    event.mutable_intervention()->set_kind(v1::HELD);
    writer->Write(event);
    return std::optional<grpc::Status>();
  };
  EXPECT_EQ(
      RunAgainst(head_end_, {"intervention", "watch", "--division", "64", "--kind", "held", "--count", "1"})
          .code,
      kExitOk);
  EXPECT_EQ(watched.division(), "64");
  EXPECT_THAT(watched.kinds(), ElementsAre(v1::HELD));
}

TEST_F(HeldCommands, SuccessorsAsATable) {
  head_end_.intervention.list_successors = [](const v1::ListSuccessorsRequest& request,
                                              v1::ListSuccessorsResponse* answer) {
    EXPECT_EQ(request.division(), "6401");
    v1::Successor& one = *answer->add_successors();
    one.set_cell("lte:460:00:33301:7");
    one.set_area_id("640122001");
    one.set_blacklist("640104001");
    one.set_cards(41);
    one.set_together(38);
    one.add_beside("lte:460:00:33301:5");
    one.add_instead_of("lte:460:00:33301:6");
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"cells", "successors", "--division", "6401"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("instead of"), HasSubstr("lte:460:00:33301:7  640122001  640104001     41"),
                    HasSubstr("lte:460:00:33301:6")));
}

TEST_F(HeldCommands, AcceptingSaysFirstHowMany) {
  const std::vector<std::string> args = {
      "cells", "accept", "--area", "640122001", "--cell", "lte:460:00:33301:7", "--reason", "renumbered"};
  const Outcome no = RunAgainst(head_end_, args, {.input = "n\n", .terminal = true});
  EXPECT_EQ(no.code, kExitUsage);
  ASSERT_THAT(accepted_, SizeIs(1));
  EXPECT_TRUE(accepted_[0].change().dry_run());
  EXPECT_THAT(no.err, AllOf(HasSubstr("8 cells of 3 areas"), HasSubstr("Accept them?")));
  const Outcome yes = RunAgainst(head_end_, args);
  EXPECT_EQ(yes.code, kExitOk) << yes.err;
  ASSERT_THAT(accepted_, SizeIs(2));
  EXPECT_FALSE(accepted_[1].change().dry_run());
  EXPECT_EQ(accepted_[1].area_id(), "640122001");
  EXPECT_THAT(accepted_[1].cells(), ElementsAre("lte:460:00:33301:7"));
  EXPECT_THAT(yes.out, AllOf(HasSubstr("8 cells come to the whitelists of 3 areas"),
                             HasSubstr("40 held interventions dropped, 2 cards lit again"),
                             HasSubstr("rollout undo 14")));
}

TEST_F(HeldCommands, AcceptingAboveTheCapWaitsForASecondPerson) {
  acceptance_.set_needs_approver(true);
  acceptance_.set_why_approver("1200 cards go dark");
  const std::vector<std::string> args = {"cells", "accept", "--division", "64", "--reason", "x"};
  const Outcome waits = RunAgainst(head_end_, args);
  EXPECT_THAT(waits.out, AllOf(HasSubstr("1200 cards go dark"), HasSubstr("nothing is in force yet"),
                               HasSubstr("rollout activate 14 --reason TEXT --approver NAME")));
  auto approved = args;
  approved.insert(approved.end(), {"--approver", "wang"});
  EXPECT_THAT(RunAgainst(head_end_, approved).out, HasSubstr("40 held interventions dropped"));
  auto dry = args;
  dry.emplace_back("--dry-run");
  EXPECT_THAT(RunAgainst(head_end_, dry).out,
              AllOf(HasSubstr("would come"), HasSubstr("nothing was changed"), Not(HasSubstr("next:"))));
  acceptance_ = {};
  EXPECT_THAT(RunAgainst(head_end_, args).out, HasSubstr("there is nothing to accept"));
}

TEST_F(HeldCommands, AlarmsAreListedShownAndClosed) {
  std::vector<bool> open_only;
  head_end_.intervention.list_alarms = [&](const v1::ListAlarmsRequest& request,
                                           v1::ListAlarmsResponse* answer) {
    open_only.push_back(request.open_only());
    const bool first = request.page().token().empty();
    v1::Alarm& alarm = *answer->add_alarms();
    alarm.set_number(first ? 9 : 7);
    alarm.set_kind("CLONE");
    alarm.set_subject("640000000001");
    alarm.set_count(3);
    alarm.add_cards("640000000001");
    if (!first) alarm.mutable_closed()->set_seconds(1'795'409'412);
    if (!first) alarm.set_closed_by("li");
    if (first) answer->set_next_page_token("9");
    return grpc::Status::OK;
  };
  uint64_t closed = 0;
  head_end_.intervention.close_alarm = [&](const v1::CloseAlarmRequest& request, auto*) {
    closed = request.number();
    EXPECT_EQ(request.change().reason(), "evicted");
    return grpc::Status::OK;
  };
  const Outcome list = RunAgainst(head_end_, {"alarm", "list", "--open"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("9  open"), HasSubstr("7  closed"), HasSubstr("CLONE")));
  EXPECT_THAT(open_only, ElementsAre(true, true));
  const Outcome shown = RunAgainst(head_end_, {"alarm", "show", "7"});
  EXPECT_EQ(shown.code, kExitOk) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("cards\n640000000001"), HasSubstr("li, 2026-11-23")));
  EXPECT_THAT(RunAgainst(head_end_, {"alarm", "show", "7", "--json"}).out, HasSubstr("\"number\": \"7\""));
  const Outcome none = RunAgainst(head_end_, {"alarm", "show", "8"});
  EXPECT_EQ(none.code, kExitRefused);
  EXPECT_THAT(none.err, HasSubstr("ALARM_UNKNOWN"));
  EXPECT_EQ(RunAgainst(head_end_, {"alarm", "close", "9", "--reason", "evicted"}).code, kExitOk);
  EXPECT_EQ(closed, 9U);
}

}  // namespace
}  // namespace hearth::ctl
