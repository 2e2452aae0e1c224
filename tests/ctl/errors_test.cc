// How failures look and what they exit with: every shape of a status the head-end or the network can give.
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Shape {
  const char* name;
  grpc::Status status;
  int code;
  const char* text;  // the whole block on stderr; "" when checked in part only
  const char* json;
};

std::vector<Shape> Shapes() {
  return {
      {"reason with cure", Refusal(Error(Reason::kCardInUse, "card 640000000001 belongs to account NX-1")),
       kExitRefused,
       "error: CARD_IN_USE: card 640000000001 belongs to account NX-1\n"
       "cure: Use another card, or close the account that holds it.\n",
       R"({"error":{"code":"ALREADY_EXISTS","reason":"CARD_IN_USE","message":"card 640000000001 belongs to account NX-1","cure":"Use another card, or close the account that holds it.","viewer_code":"","fields":[]}})"},
      {"viewer code", Refusal(Error(Reason::kCardUnknown, "card 640000000009 is not in stock")), kExitRefused,
       "error: CARD_UNKNOWN: card 640000000009 is not in stock\n"
       "cure: The card is not in stock: import its batch first, or check the number.\n"
       "viewer code: E02\n",
       R"({"error":{"code":"NOT_FOUND","reason":"CARD_UNKNOWN","message":"card 640000000009 is not in stock","cure":"The card is not in stock: import its batch first, or check the number.","viewer_code":"E02","fields":[]}})"},
      {"one field, which the message names", Refusal(InvalidField("by.card_number", "exactly 12 digits")),
       kExitRefused,
       "error: FIELD_INVALID: by.card_number: exactly 12 digits\n"
       "cure: Correct the field named in the violation and send the request again.\n",
       R"({"error":{"code":"INVALID_ARGUMENT","reason":"FIELD_INVALID","message":"by.card_number: exactly 12 digits","cure":"Correct the field named in the violation and send the request again.","viewer_code":"","fields":[{"field":"by.card_number","description":"exactly 12 digits"}]}})"},
      {"two fields",
       Refusal(
           Error(Reason::kFieldInvalid, "the form is wrong").Field("a", "is short").Field("b", "is long")),
       kExitRefused,
       "error: FIELD_INVALID: the form is wrong\n"
       "  a: is short\n"
       "  b: is long\n"
       "cure: Correct the field named in the violation and send the request again.\n",
       R"({"error":{"code":"INVALID_ARGUMENT","reason":"FIELD_INVALID","message":"the form is wrong","cure":"Correct the field named in the violation and send the request again.","viewer_code":"","fields":[{"field":"a","description":"is short"},{"field":"b","description":"is long"}]}})"},
      {"no details",
       {grpc::StatusCode::INTERNAL, "it broke"},
       kExitRefused,
       "error: INTERNAL: it broke\n",
       R"({"error":{"code":"INTERNAL","reason":"","message":"it broke","cure":"","viewer_code":"","fields":[]}})"},
      {"details that are no google.rpc.Status",
       {grpc::StatusCode::NOT_FOUND, "gone", "\xFF\xFF\xFF"},
       kExitRefused,
       "error: NOT_FOUND: gone\n",
       R"({"error":{"code":"NOT_FOUND","reason":"","message":"gone","cure":"","viewer_code":"","fields":[]}})"},
      {"a terminal escape in the message",
       {grpc::StatusCode::INTERNAL, "a\x1B[2Jb\nerror: x"},
       kExitRefused,
       "error: INTERNAL: a?[2Jb?error: x\n",
       R"({"error":{"code":"INTERNAL","reason":"","message":"a\u001b[2Jb\u000aerror: x","cure":"","viewer_code":"","fields":[]}})"},
      {"shutting down, with a reason", Refusal(Error(Reason::kShuttingDown, "the daemon is stopping")),
       kExitRefused,
       "error: SHUTTING_DOWN: the daemon is stopping\n"
       "cure: Repeat with the same request id when the daemon is back.\n",
       R"({"error":{"code":"UNAVAILABLE","reason":"SHUTTING_DOWN","message":"the daemon is stopping","cure":"Repeat with the same request id when the daemon is back.","viewer_code":"","fields":[]}})"},
  };
}

TEST(Errors, EveryShapeAsTextAndAsJson) {
  for (const Shape& shape : Shapes()) {
    FakeHeadEnd head_end;
    head_end.registry.get_account = [&](const auto&, auto*) { return shape.status; };
    const std::vector<std::string> args = {"account", "show", "--form", "NX-1"};
    const Outcome text = RunAgainst(head_end, args);
    EXPECT_EQ(text.code, shape.code) << shape.name;
    EXPECT_EQ(text.err, shape.text) << shape.name;
    EXPECT_EQ(text.out, "") << shape.name;

    auto with_json = args;
    with_json.emplace_back("--json");
    const Outcome json = RunAgainst(head_end, with_json);
    EXPECT_EQ(json.code, shape.code) << shape.name;
    EXPECT_EQ(json.out, shape.json + std::string("\n")) << shape.name;
    EXPECT_EQ(json.err, "") << shape.name;
  }
}

TEST(Errors, ARefusalWithoutMetadataGetsTheCureOfOurTable) {
  google::rpc::ErrorInfo info;
  info.set_reason("CARD_UNKNOWN");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  FakeHeadEnd head_end;
  head_end.registry.get_account = [&](const auto&, auto*) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such card", details.SerializeAsString());
  };
  const Outcome outcome = RunAgainst(head_end, {"account", "show", "--card", "640000000001"});
  EXPECT_THAT(outcome.err, HasSubstr("cure: The card is not in stock"));
  EXPECT_THAT(outcome.err, HasSubstr("viewer code: E02"));
}

TEST(Errors, NobodyListens) {
  std::string address;
  {
    const FakeHeadEnd head_end;
    address = head_end.address();
  }
  const Outcome outcome = RunHearthctl({"status", "--insecure", "--server", address});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.err, StartsWith("error: UNAVAILABLE: "));
  EXPECT_THAT(outcome.err, HasSubstr("cure: Check that hearthd runs and that " + address));
}

TEST(Errors, NoAnswerInTime) {
  FakeHeadEnd head_end;
  head_end.admin.get_status = [](const auto&, auto*) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end, {"status", "--timeout", "0.05"});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.err, StartsWith("error: DEADLINE_EXCEEDED: "));
  EXPECT_THAT(outcome.err, HasSubstr("--timeout"));
}

TEST(Errors, TlsAgainstAPlainServerIsUnreachable) {
  const FakeHeadEnd head_end;
  const TempDir dir;
  const std::string ca = dir.Write("ca.pem", "no certificate");
  const Outcome outcome =
      RunHearthctl({"status", "--ca", ca, "--server", head_end.address(), "--timeout", "5"});
  EXPECT_EQ(outcome.code, kExitUnreachable);
  EXPECT_THAT(outcome.err, StartsWith("error: "));
}

}  // namespace
}  // namespace hearth::ctl
