// hearthctl card evict: what is sent, what is said first, and what is made of the answer.
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

class EvictCommand : public ::testing::Test {
 protected:
  EvictCommand() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
    head_end_.entitlement.evict_cards = [this](const v1::EvictCardsRequest& request,
                                               v1::EvictCardsResponse* answer) {
      calls_.push_back(request);
      v1::EvictCardsResponse::Card& card = *answer->add_cards();
      card.set_card_number(request.card_numbers(0));
      card.set_group(7);
      card.set_form_number("NX-1");
      answer->set_groups(1);
      answer->set_survivors(253);
      answer->set_messages(257);
      answer->set_bytes(46'900);
      answer->set_packets(257);
      answer->set_rate_kbps(request.rate_kbps());
      answer->set_air_seconds(0.386);
      answer->mutable_open_until()->set_seconds(1'795'478'400);
      if (!request.change().dry_run()) answer->mutable_changed()->set_revision_token("r1.16384.12");
      return grpc::Status::OK;
    };
  }
  Outcome Run(std::vector<std::string> args, Surroundings surroundings = {}) {
    args.insert(args.begin(), {"card", "evict"});
    return RunAgainst(head_end_, args, std::move(surroundings));
  }

  FakeHeadEnd head_end_;
  std::vector<v1::EvictCardsRequest> calls_;
};

const std::vector<std::string> kTwo = {"640000000001", "640000000002", "--reason", "cloned"};

TEST_F(EvictCommand, SaysWhatItCostsAndAsks) {
  const Outcome no = Run(kTwo, {.input = "n\n", .terminal = true});
  EXPECT_EQ(no.code, kExitUsage);
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_TRUE(calls_[0].change().dry_run());
  EXPECT_THAT(calls_[0].card_numbers(), ElementsAre("640000000001", "640000000002"));
  EXPECT_THAT(no.err, AllOf(HasSubstr("253"),
                            HasSubstr("257 messages, 46900 bytes, 257 packets: 0.4 s at 1000 kbit/s"),
                            HasSubstr("2026-11-24 08:00:00"), HasSubstr("Evict?")));
  EXPECT_THAT(no.out, IsEmpty());

  const Outcome yes = Run(kTwo, {.input = "y\n", .terminal = true});
  EXPECT_EQ(yes.code, kExitOk) << yes.err;
  ASSERT_EQ(calls_.size(), 3U);
  EXPECT_FALSE(calls_[2].change().dry_run());
  EXPECT_EQ(calls_[2].change().reason(), "cloned");
  EXPECT_THAT(yes.out,
              AllOf(HasSubstr("card 640000000001 of account NX-1 leaves group 7"), HasSubstr("r1.16384.12")));
}

TEST_F(EvictCommand, DoesNotAskWhereNobodySitsOrWithYes) {
  auto args = kTwo;
  EXPECT_EQ(Run(args).code, kExitOk);
  args.insert(args.end(), {"--yes", "--rate", "300kbit/s"});
  EXPECT_EQ(Run(args, {.terminal = true}).code, kExitOk);
  ASSERT_EQ(calls_.size(), 2U);
  EXPECT_EQ(calls_[0].rate_kbps(), 1000U);
  EXPECT_EQ(calls_[1].rate_kbps(), 300U);
}

TEST_F(EvictCommand, ADryRunOnlySays) {
  auto args = kTwo;
  args.emplace_back("--dry-run");
  const Outcome outcome = Run(args, {.terminal = true});
  EXPECT_EQ(outcome.code, kExitOk);
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_TRUE(calls_[0].change().dry_run());
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("253"), HasSubstr("nothing was changed")));
}

TEST_F(EvictCommand, ARepeatIsNotPlannedAgain) {
  auto args = kTwo;
  args.insert(args.end(), {"--request-id", "01935a3e-0000-7000-8000-000000000001"});
  EXPECT_EQ(Run(args, {.input = "y\n", .terminal = true}).code, kExitOk);
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_EQ(calls_[0].change().request_id(), "01935a3e-0000-7000-8000-000000000001");
}

TEST_F(EvictCommand, JsonIsOneDocument) {
  auto args = kTwo;
  args.emplace_back("--json");
  const Outcome outcome = Run(args, {.input = "y\n", .terminal = true});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_TRUE(outcome.out.starts_with("{")) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("\"survivors\": 253"));
}

TEST_F(EvictCommand, ARefusalIsToldBeforeTheQuestion) {
  head_end_.entitlement.evict_cards = [](const v1::EvictCardsRequest&, v1::EvictCardsResponse*) {
    return Refusal(Error(Reason::kCardEvicted, "card 640000000001 was evicted"));
  };
  const Outcome outcome = Run(kTwo, {.input = "y\n", .terminal = true});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_THAT(outcome.err, HasSubstr("swap it for another card"));
}

TEST_F(EvictCommand, WhatCannotBeSentIsRefusedHere) {
  EXPECT_EQ(Run({"--reason", "cloned"}).code, kExitUsage) << "no card";
  EXPECT_EQ(Run({"640000000001"}).code, kExitUsage) << "no reason";
  EXPECT_EQ(Run({"64000000000", "--reason", "cloned"}).code, kExitUsage) << "11 digits";
  EXPECT_EQ(Run({"640000000001", "--reason", "cloned", "--rate", "fast"}).code, kExitUsage);
  EXPECT_THAT(calls_, IsEmpty());
}

}  // namespace
}  // namespace hearth::ctl
