#include "src/log/log.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "src/log/line.h"

namespace hearth::log {
namespace {

using testing::ElementsAre;

constexpr const char* kTime = "2026-11-23T04:50:12.345Z";

class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::string name = (std::filesystem::temp_directory_path() / "hearth-log-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LogFile() override { std::filesystem::remove_all(folder_); }

  static std::vector<std::string> Lines(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  FakeClock clock_{*ParseTime(kTime)};
  std::filesystem::path folder_;
};

TEST(JsonString, EscapesEverythingThatJsonDoesNotAllow) {
  struct Row {
    const char* name;
    std::string_view in;
    std::string_view out;
  };
  using std::string_view_literals::operator""sv;
  const Row rows[] = {
      {"plain", "cell 460-00-1", R"("cell 460-00-1")"},
      {"empty", "", R"("")"},
      {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
      {"line ends", "a\nb\r\tc", R"("a\nb\r\tc")"},
      {"NUL", "a\0b"sv, R"("a\u0000b")"},
      {"escape sequence", "\x1b[31m", R"("\u001b[31m")"},
      {"delete", "\x7f", R"("\u007f")"},
      {"C1 control", "\xC2\x9B", R"("\u009b")"},
      {"two bytes", "\xC3\xA9", "\"\xC3\xA9\""},
      {"Chinese", "户户通", "\"户户通\""},
      {"four bytes", "\xF0\x9F\x94\xA5", "\"\xF0\x9F\x94\xA5\""},
      {"stray continuation", "a\x80z", "\"a\xEF\xBF\xBDz\""},
      {"cut sequence", "a\xE6\x88", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"overlong slash", "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"overlong three bytes", "\xE0\x80\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"above U+10FFFF", "\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const Row& row : rows) EXPECT_EQ(JsonString(row.in), row.out) << row.name;
}

TEST(JsonLine, HasFixedKeysFirstAndNeverTwice) {
  const UnixMillis time = *ParseTime(kTime);
  EXPECT_EQ(JsonLine(time, LogLevel::kInfo, "started", {}),
            R"({"time":"2026-11-23T04:50:12.345Z","level":"info","event":"started"})");
  EXPECT_EQ(JsonLine(time, LogLevel::kError, "x\"y", {{"rows", 3}, {"time", "late"}, {"k\n", "v"}}),
            R"({"time":"2026-11-23T04:50:12.345Z","level":"error","event":"x\"y","rows":"3",)"
            R"("time_":"late","k\n":"v"})");
}

TEST(TextLine, QuotesWhatCouldForgeALine) {
  const UnixMillis time = *ParseTime(kTime);
  EXPECT_EQ(
      TextLine(time, LogLevel::kWarn, "output_failed",
               {{"file", "/var/lib/hearth/sections"}, {"why", "no space"}, {"a", ""}, {"b", "x=y\n"}}),
      "2026-11-23T04:50:12.345Z WARN  output_failed file=/var/lib/hearth/sections why=\"no space\" a=\"\" "
      "b=\"x=y\\n\"");
}

TEST_F(LogFile, WritesWhatReachesTheLevel) {
  const auto file = folder_ / "hearth.log";
  auto logger = LineLogger::Create({LogLevel::kWarn, Format::kText, file}, clock_);
  ASSERT_TRUE(logger.has_value()) << logger.error().ToString();
  (*logger)->Info("below");
  (*logger)->Warn("at");
  (*logger)->SetLevel(LogLevel::kDebug);
  (*logger)->Debug("now_too");
  EXPECT_THAT(Lines(file),
              ElementsAre("2026-11-23T04:50:12.345Z WARN  at", "2026-11-23T04:50:12.345Z DEBUG now_too"));
}

TEST_F(LogFile, AppendsAndReopensAfterRotation) {
  const auto file = folder_ / "hearth.log";
  std::ofstream(file) << "before\n";
  auto logger = LineLogger::Create({LogLevel::kInfo, Format::kText, file}, clock_);
  ASSERT_TRUE(logger.has_value());
  (*logger)->Info("one");
  std::filesystem::rename(file, folder_ / "hearth.log.1");
  (*logger)->Info("two");
  ASSERT_TRUE((*logger)->Reopen().has_value());
  (*logger)->Info("three");
  EXPECT_THAT(Lines(folder_ / "hearth.log.1"), ElementsAre("before", "2026-11-23T04:50:12.345Z INFO  one",
                                                           "2026-11-23T04:50:12.345Z INFO  two"));
  EXPECT_THAT(Lines(file), ElementsAre("2026-11-23T04:50:12.345Z INFO  three"));
}

TEST_F(LogFile, KeepsTheOldFileWhenReopeningFails) {
  const auto inner = folder_ / "inner";
  std::filesystem::create_directory(inner);
  auto logger = LineLogger::Create({LogLevel::kInfo, Format::kText, inner / "hearth.log"}, clock_);
  ASSERT_TRUE(logger.has_value());
  std::filesystem::rename(inner, folder_ / "moved");
  const Status reopened = (*logger)->Reopen();
  ASSERT_FALSE(reopened.has_value());
  EXPECT_EQ(reopened.error().reason(), Reason::kFileUnreadable);
  (*logger)->Info("still_here");
  EXPECT_THAT(Lines(folder_ / "moved" / "hearth.log"),
              ElementsAre("2026-11-23T04:50:12.345Z INFO  still_here"));
}

TEST_F(LogFile, RefusesAFileItCannotOpen) {
  for (const auto& file : {folder_ / "no-folder" / "hearth.log", folder_}) {
    const auto logger = LineLogger::Create({LogLevel::kInfo, Format::kJson, file}, clock_);
    ASSERT_FALSE(logger.has_value()) << file;
    EXPECT_EQ(logger.error().reason(), Reason::kFileUnreadable) << file;
  }
}

TEST_F(LogFile, LinesOfManyThreadsStayWholeAcrossReopening) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  const auto file = folder_ / "hearth.log";
  auto logger = LineLogger::Create({LogLevel::kInfo, Format::kText, file}, clock_);
  ASSERT_TRUE(logger.has_value());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kLines; ++i) (*logger)->Info("line", {{"thread", thread}, {"i", i}});
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE((*logger)->Reopen().has_value());
  for (auto& thread : threads) thread.join();

  std::set<std::string> wanted;
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int i = 0; i < kLines; ++i) {
      wanted.insert(fmt::format("{} INFO  line thread={} i={}", kTime, thread, i));
    }
  }
  const auto lines = Lines(file);
  EXPECT_EQ(lines.size(), wanted.size());
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), wanted);
}

TEST(Log, WritesToStandardErrorWithoutAFile) {
  const FakeClock clock(*ParseTime(kTime));
  testing::internal::CaptureStderr();
  auto logger = LineLogger::Create({}, clock);
  ASSERT_TRUE(logger.has_value());
  (*logger)->Info("hello", {{"name", "户户通"}});
  EXPECT_TRUE((*logger)->Reopen().has_value());
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      "{\"time\":\"2026-11-23T04:50:12.345Z\",\"level\":\"info\",\"event\":\"hello\",\"name\":\"户户通\"}\n");
}

}  // namespace
}  // namespace hearth::log
