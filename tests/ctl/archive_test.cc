// hearthctl archive: what a spoilt archive gives, and what of a sound one is sent.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/archive/reader.h"
#include "src/archive/writer.h"
#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ArchiveCommand : public ::testing::Test {
 protected:
  ArchiveCommand() {
    std::string name = (fs::temp_directory_path() / "hearth-ctl-archive-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    auto writer = archive::Writer::Open(
        {.directory = dir_, .identity = {.site = "NX", .key_check = {1, 2, 3, 4, 5, 6, 7, 8}}});
    EXPECT_TRUE(writer);
    for (uint64_t n = 1; n <= 6; ++n) {
      const uint16_t bucket = n % 2 == 0 ? 7 : 9;
      const archive::Change change{.bucket = bucket,
                                   .sequence = (n + 1) / 2,
                                   .seal = {5, 5},
                                   .record = "record " + std::to_string(n),
                                   .audit = "audit"};
      EXPECT_TRUE((*writer)->Append({&change, 1}, 1));
    }
    v1::BucketEnd* have = head_end_.admin.have.add_buckets();
    have->set_bucket(7);
    have->set_sequence(2);
    head_end_.admin.summary.set_held(true);
    head_end_.admin.summary.set_changes(4);
    head_end_.admin.summary.set_cards_lit(1);
    head_end_.admin.summary.set_plan("plan-1");
    head_end_.admin.differences.emplace_back();
    head_end_.admin.differences[0].set_kind(v1::Difference::CARD_LIT);
    head_end_.admin.differences[0].set_object("card:640000000001");
  }
  ~ArchiveCommand() override { fs::remove_all(dir_); }

  Outcome Run(std::vector<std::string> args, Surroundings surroundings = {}) {
    return RunAgainst(head_end_, args, std::move(surroundings));
  }
  // One byte of the last frame but one.
  void Spoil() {
    std::fstream file(archive::SegmentsOf(dir_)->back(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-60, std::ios::end);
    file.put('\x7F');
  }

  fs::path dir_;
  FakeHeadEnd head_end_;
};

TEST_F(ArchiveCommand, VerifyCountsAndNamesThePlaceOfAFault) {
  Outcome outcome = Run({"archive", "verify", dir_.string()});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("NX"));
  EXPECT_THAT(outcome.out, HasSubstr("6"));
  Spoil();
  outcome = Run({"archive", "verify", dir_.string()});
  EXPECT_EQ(outcome.code, kExitBadFile);
  EXPECT_THAT(outcome.out, HasSubstr("ARCHIVE_DAMAGED: 0000000001.archive at byte"));
  outcome = Run({"--json", "archive", "verify", (dir_ / "0000000001.archive").string()});
  EXPECT_EQ(outcome.code, kExitBadFile);
  EXPECT_THAT(outcome.out, HasSubstr("\"reason\":\"ARCHIVE_DAMAGED\""));
  outcome = Run({"archive", "verify", (dir_ / "none").string()});
  EXPECT_EQ(outcome.code, kExitBadFile);
}

TEST_F(ArchiveCommand, ReconcileSendsWhatTheHeadEndLacksTwice) {
  const fs::path list = dir_ / "list.csv";
  const Outcome outcome =
      Run({"--yes", "archive", "reconcile", dir_.string(), "--reason", "disk", "--list", list.string()});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("cards lit"));
  EXPECT_THAT(outcome.out, HasSubstr("reconciled: 4 changes are committed"));
  std::ifstream in(list);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), "object,change\ncard:640000000001,card lit\n");
  ASSERT_EQ(head_end_.admin.reconciled.size(), 2U);
  for (size_t pass = 0; pass < 2; ++pass) {
    const auto& messages = head_end_.admin.reconciled[pass];
    ASSERT_EQ(messages.size(), 3U);
    EXPECT_EQ(messages[0].header().site(), "NX");
    EXPECT_EQ(messages[0].header().plan(), pass == 0 ? "" : "plan-1");
    EXPECT_EQ(messages[0].header().change().dry_run(), pass == 0);
    ASSERT_EQ(messages[1].changes().changes_size(), 4);  // three of bucket 9, one of bucket 7
    EXPECT_EQ(messages[1].changes().changes(3).record(), "record 6");
    ASSERT_EQ(messages[2].ends().ends_size(), 2);
    EXPECT_EQ(messages[2].ends().ends(0).bucket(), 7U);
    EXPECT_EQ(messages[2].ends().ends(0).sequence(), 3U);
    EXPECT_EQ(messages[2].ends().ends(0).checksum_at_have(), archive::Checksum(std::string_view("record 4")));
    EXPECT_EQ(messages[2].ends().ends(1).checksum_at_have(), 0U);
  }
}

TEST_F(ArchiveCommand, NothingIsCommittedInADryRunOrOfASpoiltArchive) {
  EXPECT_EQ(Run({"--dry-run", "archive", "reconcile", dir_.string()}).code, kExitOk);
  EXPECT_EQ(head_end_.admin.reconciled.size(), 1U);
  EXPECT_EQ(Run({"archive", "reconcile", dir_.string()}).code, kExitUsage) << "no reason";
  EXPECT_EQ(Run({"archive", "reconcile"}).code, kExitUsage);
  EXPECT_EQ(Run({"archive", "reconcile", dir_.string(), "--without-archive", "--reason", "x"}).code,
            kExitUsage);
  Spoil();
  const Outcome outcome = Run({"--yes", "archive", "reconcile", dir_.string(), "--reason", "x"});
  EXPECT_EQ(outcome.code, kExitBadFile);
  EXPECT_THAT(outcome.err, HasSubstr("ARCHIVE_DAMAGED"));
  for (const auto& messages : head_end_.admin.reconciled) EXPECT_EQ(messages[0].header().plan(), "");
}

TEST_F(ArchiveCommand, WithoutAnArchiveItSaysWhatThatRisks) {
  std::string reason;
  head_end_.admin.release_restore = [&](const v1::ReleaseRestoreRequest& request,
                                        v1::ReleaseRestoreResponse*) {
    reason = request.change().reason();
    return grpc::Status::OK;
  };
  const Outcome outcome =
      Run({"--yes", "archive", "reconcile", "--without-archive", "--reason", "no archive"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(reason, "no archive");
  EXPECT_THAT(outcome.err, HasSubstr("homes opened since go dark"));
}

}  // namespace
}  // namespace hearth::ctl
