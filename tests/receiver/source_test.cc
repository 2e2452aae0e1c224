#include "tools/receiver/source.h"

#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/receiver/temp_dir.h"

namespace hearth::receiver {
namespace {

using std::chrono::milliseconds;

void Append(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

std::string ReadFor(Source& source, milliseconds timeout) {
  std::string all;
  while (true) {
    const auto bytes = source.Read(timeout);
    EXPECT_TRUE(bytes.has_value());
    if (!bytes || bytes->empty()) return all;
    all += AsChars(*bytes);
  }
}

TEST(Splitter, CutsByLengthWhereverTheBytesBreak) {
  const Bytes stream = {0x82, 0x70, 0x02, 1, 2, 0xFF, 0xFF, 0x00, 0xB0, 0x01, 9, 0x83, 0x70, 0x00};
  for (size_t step = 1; step <= stream.size(); ++step) {
    SectionSplitter splitter;
    std::vector<size_t> sizes;
    for (size_t at = 0; at < stream.size(); at += step) {
      splitter.Add(ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
      while (const auto section = splitter.Next()) sizes.push_back(section->size());
    }
    EXPECT_EQ(sizes, (std::vector<size_t>{5, 4, 3})) << step;
    EXPECT_EQ(splitter.pending(), 0U);
  }
}

TEST(Splitter, KeepsWhatIsUnfinished) {
  SectionSplitter splitter;
  splitter.Add(Bytes{0x82, 0x70, 0x05, 1});
  EXPECT_FALSE(splitter.Next().has_value());
  EXPECT_EQ(splitter.pending(), 4U);
  splitter.Clear();
  EXPECT_EQ(splitter.pending(), 0U);
}

TEST(SourceFile, EndsAtTheEndUnlessFollowed) {
  const TempDir dir;
  Append(dir.File("air"), "abc");
  Source source = Source::Open(dir.File("air"), {}).value();
  EXPECT_EQ(ReadFor(source, milliseconds(1000)), "abc");
  EXPECT_TRUE(source.ended());
}

TEST(SourceFile, FollowWaitsForItGrowsWithItAndNoticesANewOne) {
  const TempDir dir;
  const std::string path = dir.File("air");
  EXPECT_EQ(Source::Open(path, {}).error().reason(), Reason::kFileUnreadable);
  Source source = Source::Open(path, {.follow = true, .skip_old = true}).value();
  EXPECT_EQ(ReadFor(source, milliseconds(5)), "");
  Append(path, "ab");  // made after Open: nothing of it is old
  EXPECT_EQ(ReadFor(source, milliseconds(20)), "ab");
  Append(path, "cd");
  EXPECT_EQ(ReadFor(source, milliseconds(20)), "cd");
  EXPECT_FALSE(source.ended());
  EXPECT_FALSE(source.TookNewFile());
  Append(dir.File("other"), "ef");
  std::filesystem::rename(dir.File("other"), path);
  EXPECT_EQ(ReadFor(source, milliseconds(20)), "ef");
  EXPECT_TRUE(source.TookNewFile());
  std::ofstream(path, std::ios::trunc) << "g";
  EXPECT_EQ(ReadFor(source, milliseconds(20)), "g");
  EXPECT_TRUE(source.TookNewFile());
}

TEST(SourceFile, SkipsWhatIsOldAndRefusesADirectory) {
  const TempDir dir;
  Append(dir.File("air"), "old");
  Source source = Source::Open(dir.File("air"), {.follow = true, .skip_old = true}).value();
  Append(dir.File("air"), "new");
  EXPECT_EQ(ReadFor(source, milliseconds(20)), "new");
  EXPECT_FALSE(Source::Open(dir.path(), {}).has_value());
}

TEST(SourcePipe, WaitsForAWriterAndEndsWithIt) {
  const TempDir dir;
  const std::string path = dir.File("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Source source = Source::Open(path, {}).value();
  EXPECT_EQ(ReadFor(source, milliseconds(5)), "");
  EXPECT_FALSE(source.ended());
  std::thread writer([&] { Append(path, "xyz"); });
  EXPECT_EQ(ReadFor(source, milliseconds(2000)), "xyz");
  writer.join();
  EXPECT_TRUE(source.ended());
}

TEST(SourceSocket, TcpAndUnix) {
  const TempDir dir;
  sockaddr_in tcp{};
  tcp.sin_family = AF_INET;
  tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&tcp), sizeof tcp), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  socklen_t size = sizeof tcp;
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&tcp), &size), 0);

  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  const std::string path = dir.File("s");
  std::copy(path.begin(), path.end(), std::begin(local.sun_path));
  const int local_listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(local_listener, reinterpret_cast<sockaddr*>(&local), sizeof local), 0);
  ASSERT_EQ(listen(local_listener, 1), 0);

  const std::pair<std::string, int> ends[] = {
      {"tcp:127.0.0.1:" + std::to_string(ntohs(tcp.sin_port)), listener}, {"unix:" + path, local_listener}};
  for (const auto& [spec, listening] : ends) {
    Source source = Source::Open(spec, {}).value();
    const int peer = accept(listening, nullptr, nullptr);
    ASSERT_GE(peer, 0);
    EXPECT_EQ(ReadFor(source, milliseconds(5)), "");
    EXPECT_FALSE(source.ended());
    ASSERT_EQ(write(peer, "123", 3), 3);
    close(peer);
    EXPECT_EQ(ReadFor(source, milliseconds(2000)), "123");
    EXPECT_TRUE(source.ended());
    close(listening);
  }
  EXPECT_FALSE(Source::Open("tcp:nowhere", {}).has_value());
  EXPECT_FALSE(Source::Open("unix:" + dir.File("none"), {}).has_value());
}

}  // namespace
}  // namespace hearth::receiver
