#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/gateway/section_outputs.h"

namespace hearth::gateway {
namespace {

namespace fs = std::filesystem;

// A section of `size` bytes, at least 3, filled with `fill`.
Bytes Section(size_t size, uint8_t fill) {
  Bytes section(size, fill);
  section[0] = 0x82;
  section[1] = static_cast<uint8_t>(0x70 | (size - 3) >> 8);
  section[2] = static_cast<uint8_t>(size - 3);
  return section;
}

Bytes Joined(const std::vector<Bytes>& sections) {
  Bytes out;
  for (const Bytes& section : sections) out.insert(out.end(), section.begin(), section.end());
  return out;
}

Bytes ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

class FileSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "hearth-gateway-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<FileSink> Open() {
    auto sink = FileSink::Create(path(), log_);
    EXPECT_TRUE(sink) << sink.error().ToString();
    return sink ? std::move(*sink) : nullptr;
  }
  fs::path path() const { return folder_ / "sections"; }

  fs::path folder_;
  NullLogger log_;
};

TEST_F(FileSinkTest, AppendsAndSurvivesRestarts) {
  const std::vector<Bytes> first = {Section(24, 1), Section(182, 2)};
  const std::vector<Bytes> second = {Section(81, 3)};
  ASSERT_TRUE(Open()->Write(first));
  ASSERT_TRUE(Open()->Write(second));
  Bytes expected = Joined(first);
  const Bytes more = Joined(second);
  expected.insert(expected.end(), more.begin(), more.end());
  EXPECT_EQ(ReadFile(path()), expected);

  struct stat found {};
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0137, 0U) << "nobody but the group may read it";
}

TEST_F(FileSinkTest, CutsATornSectionAtOpening) {
  const Bytes whole = Joined({Section(24, 1), Section(4098, 2)});
  const Bytes next = Section(182, 3);
  for (const size_t torn : {0, 1, 2, 3, 100, 181}) {
    Bytes content = whole;
    content.insert(content.end(), next.begin(), next.begin() + static_cast<ptrdiff_t>(torn));
    WriteFile(path(), content);
    auto sink = Open();
    EXPECT_EQ(ReadFile(path()), whole) << torn << " bytes of a torn section";
    ASSERT_TRUE(sink->Write(std::vector<Bytes>{next}));
    EXPECT_EQ(ReadFile(path()).size(), whole.size() + next.size());
  }
}

TEST_F(FileSinkTest, FindsTheEndOfALargeFile) {
  Bytes content;
  for (int i = 0; i < 2000; ++i) {
    const Bytes section = Section(1000 + static_cast<size_t>(i), static_cast<uint8_t>(i));
    content.insert(content.end(), section.begin(), section.end());
  }
  Bytes torn = content;
  torn.insert(torn.end(), {0x84, 0x70});
  WriteFile(path(), torn);
  Open();
  EXPECT_EQ(ReadFile(path()), content);
}

// A limit on the size of files stands in for a full disk: the write that crosses it is a short one.
TEST_F(FileSinkTest, AShortWriteLeavesNoTornSection) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto sink = Open();
  const std::vector<Bytes> first = {Section(100, 1)};
  const std::vector<Bytes> second = {Section(60, 2), Section(60, 3)};
  ASSERT_TRUE(sink->Write(first));

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 180;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status refused = sink->Write(second);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::kOutputFailed);
  EXPECT_EQ(ReadFile(path()), Joined(first));
  ASSERT_TRUE(sink->Write(second)) << "tried again";
  EXPECT_EQ(ReadFile(path()).size(), 220U);
}

TEST_F(FileSinkTest, RefusesWhatItCannotOpen) {
  for (const fs::path& bad : {folder_ / "no" / "such" / "folder", folder_}) {
    const auto sink = FileSink::Create(bad, log_);
    ASSERT_FALSE(sink) << bad;
    EXPECT_EQ(sink.error().reason(), Reason::kOutputFailed);
  }
}

TEST_F(FileSinkTest, APipeNeedsAReaderAndNeverHangs) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const auto begin = std::chrono::steady_clock::now();
  auto sink = Open();
  ASSERT_NE(sink, nullptr);
  const std::vector<Bytes> sections = {Section(24, 1), Section(182, 2)};
  EXPECT_FALSE(sink->Write(sections)) << "no reader yet";

  int reader = ::open(path().c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(sink->Write(sections));
  Bytes got(1000);
  const ssize_t count = ::read(reader, got.data(), got.size());
  ASSERT_GT(count, 0);
  got.resize(static_cast<size_t>(count));
  EXPECT_EQ(got, Joined(sections));

  ::close(reader);
  EXPECT_FALSE(sink->Write(sections)) << "the reader has gone";
  reader = ::open(path().c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(sink->Write(sections)) << "another one has come";
  ::close(reader);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(FileSinkTest, AFullPipeLosesAndTearsNothing) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const int reader = ::open(path().c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  auto sink = Open();
  Bytes sent;
  Bytes got;
  bool was_full = false;
  for (int i = 0; i < 100; ++i) {
    const std::vector<Bytes> batch(7, Section(4000, static_cast<uint8_t>(i)));
    if (sink->Write(batch)) {
      const Bytes bytes = Joined(batch);
      sent.insert(sent.end(), bytes.begin(), bytes.end());
      continue;
    }
    was_full = true;
    Bytes part(50'000);
    const ssize_t count = ::read(reader, part.data(), part.size());
    if (count > 0) got.insert(got.end(), part.begin(), part.begin() + count);
  }
  EXPECT_TRUE(was_full);
  // Until the rest of the last batch that was taken is out, the sink refuses the next one.
  Bytes part(50'000);
  while (got.size() < sent.size()) {
    const ssize_t count = ::read(reader, part.data(), part.size());
    if (count > 0) {
      got.insert(got.end(), part.begin(), part.begin() + count);
      continue;
    }
    const std::vector<Bytes> last = {Section(3, 0)};
    if (sink->Write(last)) sent.insert(sent.end(), last[0].begin(), last[0].end());
  }
  EXPECT_EQ(got, sent);
  ::close(reader);
}

}  // namespace
}  // namespace hearth::gateway
