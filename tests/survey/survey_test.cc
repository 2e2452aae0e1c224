#include "src/survey/survey.h"

#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/survey/testing.h"

namespace hearth::survey {
namespace {

namespace fs = std::filesystem;

NewImport Import(uint8_t n, Source source = Source::kTelco) {
  return {.id = RequestId::FromParts(UnixMillis(1000 + n), {n}),
          .source = source,
          .fingerprint = {n},
          .file_bytes = 100,
          .file_name = "cells.csv",
          .actor = "wang"};
}

std::vector<Row> Rows(uint64_t seed, size_t count, Source source) {
  std::mt19937_64 random(seed);
  std::vector<Row> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back(RandomRow(random, 50));
    rows.back().source = source;
  }
  return rows;
}

class SurveyTest : public testing::Test {
 protected:
  void Open(size_t run_rows = 100) {
    survey_.reset();
    auto survey = Survey::Open(dir_.path() / "survey", clock_,
                               {.run_rows = run_rows, .open_imports = 2, .kept_imports = 3});
    ASSERT_TRUE(survey) << survey.error().ToString();
    survey_ = std::move(*survey);
  }
  std::unique_ptr<Receiver> Begin(const NewImport& what) {
    auto receiver = survey_->Begin(what);
    EXPECT_TRUE(receiver) << receiver.error().ToString();
    return receiver ? std::move(*receiver) : nullptr;
  }
  ImportState Take(const NewImport& what, const std::vector<Row>& rows) {
    const auto receiver = Begin(what);
    const Bytes bytes = PackAll(rows);
    for (size_t at = 0; at < rows.size(); at += 7) {
      const size_t count = std::min<size_t>(7, rows.size() - at);
      EXPECT_TRUE(receiver->Add(at, ByteView(bytes).subspan(at * kRowBytes, count * kRowBytes)));
    }
    auto state = receiver->Finish(2, {});
    EXPECT_TRUE(state) << state.error().ToString();
    return state ? *state : ImportState();
  }
  std::map<geofence::Cell, Row> Register() {
    const auto table = survey_->table();
    EXPECT_TRUE(table);
    EXPECT_TRUE(*table == nullptr || (*table)->Verify());
    return Contents(table->get());
  }

  const TempDir dir_;
  FakeClock clock_{UnixMillis(1'000'000)};
  std::unique_ptr<Survey> survey_;
};

TEST_F(SurveyTest, NothingImportedNothingKnown) {
  Open();
  EXPECT_EQ(*survey_->table(), nullptr);
  EXPECT_TRUE(survey_->List().empty());
  EXPECT_EQ(survey_->Get(Import(1).id).error().reason(), Reason::kSurveyUnknown);
  EXPECT_EQ(survey_->Abort(Import(1).id).error().reason(), Reason::kSurveyUnknown);
}

TEST_F(SurveyTest, TheSameFileTwiceChangesNothing) {
  Open();
  const std::vector<Row> rows = Rows(1, 1000, Source::kTelco);
  const ImportState first = Take(Import(1), rows);
  EXPECT_EQ(first.stage, Stage::kMerged);
  EXPECT_EQ(first.rows, 1000U);
  EXPECT_EQ(first.rejected, 2U);
  EXPECT_EQ(first.counts.fresh + first.counts.doubles, 1000U);
  const auto known = Register();
  EXPECT_EQ(known.size(), first.counts.fresh);
  const auto table = *survey_->table();

  const ImportState again = Take(Import(2), rows);
  EXPECT_EQ(again.counts.unchanged, first.counts.fresh);
  EXPECT_EQ(again.counts.fresh + again.counts.changed, 0U);
  EXPECT_EQ(*survey_->table(), table) << "not even the file";
  EXPECT_EQ(again.generation, first.generation);

  Open();
  EXPECT_EQ(Register(), known);
  EXPECT_EQ(survey_->Get(Import(1).id)->counts, first.counts);
  EXPECT_EQ(survey_->List().size(), 2U);
  EXPECT_EQ(survey_->List()[0].what.id, Import(2).id) << "newest first";
}

TEST_F(SurveyTest, LowerAuthorityNeverOverwrites) {
  Open();
  Take(Import(1, Source::kTelco), {LteRow(1, Source::kTelco, 5), LteRow(2, Source::kTelco, 5)});
  const ImportState crowd =
      Take(Import(2, Source::kCrowd), {LteRow(1, Source::kCrowd, 99), LteRow(3, Source::kCrowd, 99)});
  EXPECT_EQ(crowd.counts, (MergeCounts{.fresh = 1, .lower = 1}));
  const ImportState collector = Take(Import(3, Source::kCollector),
                                     {LteRow(2, Source::kCollector, 99), LteRow(3, Source::kCollector, 1)});
  EXPECT_EQ(collector.counts, (MergeCounts{.changed = 1, .lower = 1}));
  const auto known = Register();
  EXPECT_EQ(known.at(LteRow(1, Source::kTelco, 5).cell), LteRow(1, Source::kTelco, 5));
  EXPECT_EQ(known.at(LteRow(3, Source::kCrowd, 0).cell), LteRow(3, Source::kCollector, 1));
}

TEST_F(SurveyTest, DryRunCountsAndForgets) {
  Open();
  Take(Import(1), Rows(1, 300, Source::kTelco));
  const auto known = Register();
  NewImport dry = Import(2);
  dry.dry_run = true;
  const ImportState counted = Take(dry, Rows(2, 300, Source::kTelco));
  const ImportState done = Take(Import(3), Rows(2, 300, Source::kTelco));
  EXPECT_EQ(counted.counts, done.counts);
  EXPECT_EQ(survey_->List().size(), 2U);
  EXPECT_FALSE(fs::exists(dir_.path() / "survey/imports" / dry.id.ToString()));
  EXPECT_NE(Register(), known);
}

TEST_F(SurveyTest, GoesOnBehindTheLastRun) {
  Open(100);
  const std::vector<Row> rows = Rows(1, 450, Source::kTelco);
  const Bytes bytes = PackAll(rows);
  {
    const auto receiver = Begin(Import(1));
    ASSERT_TRUE(receiver->Add(0, ByteView(bytes).first(350 * kRowBytes)));
    ASSERT_TRUE(receiver->Add(350, ByteView(bytes).subspan(350 * kRowBytes, 50 * kRowBytes)));
    EXPECT_EQ(receiver->Add(399, ByteView(bytes).first(kRowBytes)).error().reason(), Reason::kSurveyOffset);
    EXPECT_EQ(survey_->Begin(Import(2)).error().reason(), Reason::kSurveyBusy);
    EXPECT_EQ(survey_->Abort(Import(1).id).error().reason(), Reason::kSurveyBusy);
  }
  Open(100);
  EXPECT_TRUE(Register().empty()) << "nothing is in force before the end";
  // Another id, the same file: the one that was begun.
  NewImport same_file = Import(1);
  same_file.id = Import(9).id;
  const auto receiver = Begin(same_file);
  const ImportState state = receiver->state();
  EXPECT_EQ(state.what.id, Import(1).id);
  EXPECT_EQ(state.rows, 350U) << "the run of the last 50 was not full";
  EXPECT_EQ(state.sum, SumOf(ByteView(bytes).first(350 * kRowBytes)));
  ASSERT_TRUE(receiver->Add(350, ByteView(bytes).subspan(350 * kRowBytes)));
  ASSERT_TRUE(receiver->Finish(0, {}));
  const auto in_parts = Register();

  const TempDir other;
  auto whole = Survey::Open(other.path(), clock_);
  auto at_once = (*whole)->Begin(Import(1));
  ASSERT_TRUE((*at_once)->Add(0, bytes));
  ASSERT_TRUE((*at_once)->Finish(0, {}));
  EXPECT_EQ(Contents((*whole)->table()->get()), in_parts);
}

TEST_F(SurveyTest, AMergedImportAnswersAgain) {
  Open();
  const ImportState done = Take(Import(1), Rows(1, 30, Source::kTelco));
  const auto receiver = Begin(Import(1));
  EXPECT_EQ(receiver->state(), done);
  EXPECT_EQ(receiver->Add(30, {}).error().reason(), Reason::kSurveyOffset);
  EXPECT_EQ(*receiver->Finish(9, {}), done);
  EXPECT_EQ(survey_->Abort(Import(1).id).error().reason(), Reason::kSurveyBusy);
}

TEST_F(SurveyTest, Refusals) {
  Open();
  { (void)Begin(Import(1)); }
  NewImport other_source = Import(1);
  other_source.source = Source::kCrowd;
  EXPECT_EQ(survey_->Begin(other_source).error().reason(), Reason::kFieldInvalid);
  NewImport other_file = Import(1);
  other_file.fingerprint = {7};
  EXPECT_EQ(survey_->Begin(other_file).error().reason(), Reason::kFieldInvalid);
  { (void)Begin(Import(2)); }
  EXPECT_EQ(survey_->Begin(Import(3)).error().reason(), Reason::kLimitExceeded);
  EXPECT_TRUE(survey_->Abort(Import(2).id));
  EXPECT_EQ(survey_->Get(Import(2).id).error().reason(), Reason::kSurveyUnknown);

  const auto receiver = Begin(Import(3));
  Bytes bytes = PackAll({LteRow(1, Source::kTelco, 1), LteRow(2, Source::kCrowd, 1)});
  const Status wrong_source = receiver->Add(0, bytes);
  EXPECT_EQ(wrong_source.error().violations()[0].field, "rows[1]");
  EXPECT_EQ(receiver->Add(0, ByteView(bytes).first(kRowBytes)).error().reason(), Reason::kFieldInvalid)
      << "sticky";
  EXPECT_FALSE(receiver->Finish(0, {}));
}

TEST_F(SurveyTest, OldImportsAreForgotten) {
  Open();
  for (uint8_t n = 1; n <= 5; ++n) Take(Import(n), {LteRow(n, Source::kTelco, 1)});
  EXPECT_EQ(survey_->List().size(), 3U);
  EXPECT_EQ(Register().size(), 5U);
}

TEST_F(SurveyTest, ADamagedRegisterIsToldAndNothingIsBuiltOnIt) {
  Open();
  Take(Import(1), Rows(1, 300, Source::kTelco));
  survey_.reset();
  {
    std::fstream file(dir_.path() / "survey/register", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('x');
  }
  Open();
  EXPECT_EQ(survey_->table().error().reason(), Reason::kSurveyDamaged);
  EXPECT_EQ(survey_->Begin(Import(2)).error().reason(), Reason::kSurveyDamaged);
  survey_.reset();
  fs::remove(dir_.path() / "survey/register");
  Open();
  EXPECT_EQ(survey_->Get(Import(1).id)->stage, Stage::kMerged) << "it had been in the register";
  Take(Import(3), Rows(1, 300, Source::kTelco));
  EXPECT_FALSE(Register().empty());
}

// Whatever the moment at which it dies: what was acknowledged is there, and going on ends where an import
// without a break ends.
TEST_F(SurveyTest, KilledAtAnyMoment) {
  const std::vector<Row> base = Rows(7, 2000, Source::kCollector);
  const std::vector<Row> rows = Rows(8, 3000, Source::kTelco);
  const Bytes bytes = PackAll(rows);
  std::map<geofence::Cell, Row> expected;
  MergeCounts counts;
  {
    const TempDir whole;
    auto survey = Survey::Open(whole.path(), clock_, {.run_rows = 200});
    auto receiver = (*survey)->Begin(Import(1, Source::kCollector));
    ASSERT_TRUE((*receiver)->Add(0, PackAll(base)));
    ASSERT_TRUE((*receiver)->Finish(0, {}));
    receiver->reset();
    receiver = (*survey)->Begin(Import(2));
    ASSERT_TRUE((*receiver)->Add(0, bytes));
    counts = (*receiver)->Finish(0, {})->counts;
    expected = Contents((*survey)->table()->get());
  }
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto work = [&](const fs::path& path, bool quiet) {
    auto survey = Survey::Open(path, clock_, {.run_rows = 200});
    if (!survey) return false;
    auto receiver = (*survey)->Begin(Import(2));
    if (!receiver) return false;
    for (uint64_t at = (*receiver)->state().rows; at < rows.size(); at += 50) {
      const size_t count = std::min<size_t>(50, rows.size() - at);
      if (!(*receiver)->Add(at, ByteView(bytes).subspan(at * kRowBytes, count * kRowBytes))) return false;
    }
    const auto done = (*receiver)->Finish(0, {});
    return done && (quiet || Contents((*survey)->table()->get()) == expected) &&
           done->counts.fresh + done->counts.changed == counts.fresh + counts.changed;
  };
  for (int round = 0; round < 12; ++round) {
    const TempDir dir;
    {
      auto survey = Survey::Open(dir.path(), clock_, {.run_rows = 200});
      auto receiver = (*survey)->Begin(Import(1, Source::kCollector));
      ASSERT_TRUE((*receiver)->Add(0, PackAll(base)));
      ASSERT_TRUE((*receiver)->Finish(0, {}));
    }
    for (int kills = 0; kills < 4; ++kills) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) _exit(work(dir.path(), true) ? 0 : 1);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      kill(child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      EXPECT_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
    }
    EXPECT_TRUE(work(dir.path(), false));
  }
}

}  // namespace
}  // namespace hearth::survey
