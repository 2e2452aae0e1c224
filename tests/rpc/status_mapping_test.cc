#include "src/rpc/status_mapping.h"

#include <gtest/gtest.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

constexpr char kSecret[] = "rocksdb says: key 0123 in /var/lib";

TEST(StatusMapping, EveryReasonReachesTheClientWithCodeCureAndViewerCode) {
  for (const ReasonInfo& info : AllReasons()) {
    SCOPED_TRACE(std::string(info.name));
    const Error error = Error(info.reason, "what went wrong")
                            .With("limit", "7")
                            .Field("form.card_number", "exactly 12 digits")
                            .Detail(kSecret);
    const grpc::Status status = ToGrpc(error);
    const Refusal refusal = RefusalOf(status);
    EXPECT_EQ(static_cast<int>(refusal.code), static_cast<int>(info.code));
    EXPECT_EQ(refusal.reason, info.name);
    EXPECT_EQ(refusal.domain, "hearth");
    EXPECT_EQ(refusal.metadata.at("cure"), info.cure);
    const auto viewer = refusal.metadata.find("viewer_code");
    EXPECT_EQ(viewer == refusal.metadata.end() ? "" : viewer->second, info.viewer);
    EXPECT_EQ(status.error_details().find(kSecret), std::string::npos);
    EXPECT_EQ(status.error_message().find(kSecret), std::string::npos);

    const bool ours = info.code == Code::kInternal;
    EXPECT_EQ(status.error_message() == "what went wrong", !ours);
    EXPECT_EQ(refusal.fields,
              ours ? std::vector<std::string>() : std::vector<std::string>{"form.card_number"});
    EXPECT_EQ(refusal.metadata.count("limit"), ours ? 0U : 1U);
  }
}

TEST(StatusMapping, SuccessIsOk) { EXPECT_TRUE(ToGrpc(Ok()).ok()); }

TEST(StatusMapping, StaysWithinWhatAClientTakes) {
  Error error(Reason::kFieldInvalid, std::string(10'000, 'm'));
  for (int i = 0; i < 1000; ++i) {
    error = std::move(error).Field("rows[" + std::to_string(i) + "].line", std::string(200, 'd'));
  }
  const grpc::Status status = ToGrpc(error);
  EXPECT_LE(status.error_message().size(), kMessageBytes);
  EXPECT_LE(status.error_details().size(), kDetailBytes);
  const Refusal refusal = RefusalOf(status);
  ASSERT_FALSE(refusal.fields.empty());
  EXPECT_EQ(refusal.fields[0], "rows[0].line");
  EXPECT_EQ(refusal.metadata.at("more_violations"), std::to_string(1000 - refusal.fields.size()));
}

TEST(StatusMapping, CutsTextBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "户";
  for (size_t shift = 0; shift < 3; ++shift) {
    const grpc::Status status = ToGrpc(Error(Reason::kCardUnknown, std::string(shift, 'x') + text));
    const std::string& message = status.error_message();
    ASSERT_TRUE(message.ends_with("..."));
    EXPECT_EQ((message.size() - 3 - shift) % 3, 0U) << "a character was cut";
  }
}

}  // namespace
}  // namespace hearth::rpc
