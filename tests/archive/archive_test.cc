#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "src/archive/reader.h"
#include "src/archive/writer.h"

namespace hearth::archive {
namespace {

namespace fs = std::filesystem;

class ArchiveFiles : public testing::Test {
 protected:
  ArchiveFiles() {
    std::string name = (fs::temp_directory_path() / "hearth-archive-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
  }
  ~ArchiveFiles() override { fs::remove_all(dir_); }

  WriterOptions Options(size_t segment_bytes = size_t{1} << 20) const {
    return {.directory = dir_,
            .identity = {.site = "银川", .key_check = {1, 2, 3}},
            .segment_bytes = segment_bytes};
  }
  std::unique_ptr<Writer> Open(size_t segment_bytes = size_t{1} << 20) const {
    auto writer = Writer::Open(Options(segment_bytes));
    EXPECT_TRUE(writer) << writer.error().ToString();
    return writer ? std::move(*writer) : nullptr;
  }
  static Change Make(uint16_t bucket, uint64_t sequence) {
    return {.bucket = bucket,
            .sequence = sequence,
            .seal = {9, 8, 7},
            .record = "record " + std::to_string(bucket) + "/" + std::to_string(sequence) +
                      std::string(sequence, '.'),
            .audit = sequence % 2 == 0 ? "audit" : ""};
  }
  Survey Read(std::vector<Change>* changes = nullptr, const WalkOptions& options = {}) const {
    auto survey = Walk(dir_, options, [&](Change&& change) {
      if (changes != nullptr) changes->push_back(std::move(change));
      return Ok();
    });
    EXPECT_TRUE(survey) << survey.error().ToString();
    return survey ? std::move(*survey) : Survey();
  }
  fs::path Newest() const { return SegmentsOf(dir_)->back(); }

  fs::path dir_;
};

// The bytes are fixed: docs/archive.md.
TEST(ArchiveFormat, Vectors) {
  EXPECT_EQ(Checksum(std::string_view("123456789")), 0xE3069283U);
  const Header header{.number = 7,
                      .created_ms = 1'800'000'000'000,
                      .identity = {.site = "NX", .key_check = {1, 2, 3, 4, 5, 6, 7, 8}},
                      .tails = {{3, {.sequence = 9, .checksum = 0xAABBCCDD}}}};
  const Bytes bytes = EncodeHeader(header);
  EXPECT_EQ(ToHex(ByteView(bytes).first(bytes.size() - 4)),
            "4845415254484152"
            "0001"
            "0000002f"
            "0000000000000007"
            "000001a3185c5000"
            "0102030405060708"
            "00030003"
            "024e58"
            "0001"
            "00030000000000000009aabbccdd");
  size_t used = 0;
  const auto back = DecodeHeader(bytes, used);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, header);
  EXPECT_EQ(used, bytes.size());
  Bytes frame;
  AppendFrame({.bucket = 3, .sequence = 10, .seal = {0x5E}, .record = "R", .audit = "A"}, frame);
  EXPECT_EQ(ToHex(ByteView(frame).subspan(8)), "0003000000000000000a015e000000015241");
  EXPECT_EQ(DecodeFrame(frame).state, FrameState::kWhole);
  EXPECT_EQ(SegmentName(7), "0000000007.archive");
  EXPECT_EQ(SegmentNumber("0000000007.archive"), 7U);
  EXPECT_FALSE(SegmentNumber("0000000007.archive.new"));
}

// No prefix and no changed byte is ever taken for something else.
TEST(ArchiveFormat, EveryCutAndEveryChangedByteIsSeen) {
  Bytes frame;
  const Change change{.bucket = 3, .sequence = 10, .seal = {0x5E}, .record = "record", .audit = "audit"};
  AppendFrame(change, frame);
  for (size_t n = 1; n < frame.size(); ++n) {
    EXPECT_NE(DecodeFrame(ByteView(frame).first(n)).state, FrameState::kWhole) << n;
  }
  for (size_t i = 0; i < frame.size(); ++i) {
    Bytes changed = frame;
    changed[i] ^= 0x40;
    EXPECT_NE(DecodeFrame(changed).state, FrameState::kWhole) << i;
  }
  const Bytes header =
      EncodeHeader({.number = 1, .created_ms = 2, .identity = {.site = "x", .key_check = {}}, .tails = {}});
  for (size_t i = 0; i < header.size(); ++i) {
    size_t used = 0;
    Bytes changed = header;
    changed[i] ^= 0x01;
    EXPECT_FALSE(DecodeHeader(changed, used)) << i;
    EXPECT_FALSE(DecodeHeader(ByteView(header).first(i), used)) << i;
  }
}

TEST_F(ArchiveFiles, GoesOnWhereItEndedAndRotates) {
  std::vector<Change> written;
  for (int round = 0; round < 5; ++round) {
    const auto writer = Open(200);
    for (int i = 0; i < 4; ++i) {
      const uint16_t bucket = i % 2 == 0 ? 5 : 16384;
      const auto known = writer->tails().find(bucket);
      written.push_back(Make(bucket, known == writer->tails().end() ? 1 : known->second.sequence + 1));
      ASSERT_TRUE(writer->Append({&written.back(), 1}, 1000));
    }
  }
  std::vector<Change> read;
  const Survey survey = Read(&read);
  EXPECT_EQ(read, written);
  EXPECT_TRUE(survey.faults.empty());
  EXPECT_GT(survey.segments, 3U);
  EXPECT_EQ(survey.end.at(5).sequence, 10U);
  EXPECT_EQ(survey.end.at(16384).checksum, Checksum(written.back().record));
  // Who has most of it reads the last segments only, and learns what the archive knows of where it stands.
  std::vector<Change> rest;
  const Survey later = Read(&rest, {.have = {{5, 9}, {16384, 9}}});
  EXPECT_GT(later.skipped, 0U);
  EXPECT_EQ(later.at_have.at(5), Checksum(Make(5, 9).record));
  EXPECT_EQ(rest.back(), written.back());
}

TEST_F(ArchiveFiles, TornTailOfAnyLengthIsCutOff) {
  {
    const auto writer = Open();
    const std::vector<Change> changes = {Make(1, 1), Make(1, 2)};
    ASSERT_TRUE(writer->Append(changes, 1));
  }
  const auto whole = *ReadSegment(Newest());
  Bytes last;
  AppendFrame(Make(1, 2), last);
  const size_t sound = whole.size() - last.size();
  for (size_t size = sound; size <= whole.size() + 3; ++size) {
    Bytes bytes = whole;
    bytes.resize(size, 0);
    if (size == whole.size()) bytes.back() ^= 0xFF;  // its length is there, not all of its pages
    std::ofstream(Newest(), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const auto writer = Open();
    EXPECT_FALSE(writer->damage());
    const uint64_t kept = size > whole.size() ? 2 : 1;
    EXPECT_EQ(writer->tails().at(1).sequence, kept) << size;
    EXPECT_EQ(fs::file_size(Newest()), kept == 2 ? whole.size() : sound) << size;
    const Change next = Make(1, kept + 1);
    ASSERT_TRUE(writer->Append({&next, 1}, 2));
    EXPECT_TRUE(Read().faults.empty());
  }
}

TEST_F(ArchiveFiles, DamageIsLeftAndToldWithItsPlace) {
  std::vector<Change> changes;
  for (uint64_t n = 1; n <= 4; ++n) changes.push_back(Make(1, n));
  ASSERT_TRUE(Open()->Append(changes, 1));
  Bytes first;
  AppendFrame(changes[0], first);
  auto bytes = *ReadSegment(Newest());
  size_t at = 0;
  ASSERT_TRUE(DecodeHeader(bytes, at));
  at += first.size();
  bytes[at + 12] ^= 1;
  std::ofstream(Newest(), std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const Survey survey = Read();
  ASSERT_GE(survey.faults.size(), 1U);
  EXPECT_EQ(survey.faults[0].error.reason(), Reason::kArchiveDamaged);
  EXPECT_EQ(survey.faults[0].offset, at);
  EXPECT_EQ(survey.faults[0].file, Newest());
  const fs::path damaged = Newest();
  const auto writer = Open();
  ASSERT_TRUE(writer->damage());
  EXPECT_EQ(writer->tails().at(1).sequence, 1U);
  ASSERT_TRUE(writer->Append({&changes[1], 1}, 2));
  EXPECT_EQ(*ReadSegment(damaged), bytes) << "evidence is not touched";
  EXPECT_NE(Newest(), damaged);
}

TEST_F(ArchiveFiles, GapsAndMissingSegmentsAreFaults) {
  {
    const auto writer = Open(1);
    for (uint64_t n = 1; n <= 5; ++n) {
      const Change change = Make(1, n);
      ASSERT_TRUE(writer->Append({&change, 1}, 1));
    }
    writer->Skip(1, 8);
    const Change change = Make(1, 9);
    ASSERT_TRUE(writer->Append({&change, 1}, 1));
    const Change wrong = Make(1, 11);
    EXPECT_FALSE(writer->Append({&wrong, 1}, 1));
  }
  Survey survey = Read();
  ASSERT_EQ(survey.faults.size(), 1U);
  EXPECT_EQ(survey.faults[0].error.reason(), Reason::kArchiveGap);
  EXPECT_NE(survey.faults[0].error.message().find("bucket 1 ends at sequence 5 and goes on behind 8"),
            std::string::npos)
      << survey.faults[0].error.message();
  fs::remove((*SegmentsOf(dir_))[2]);
  survey = Read();
  EXPECT_GE(survey.faults.size(), 2U);
}

TEST_F(ArchiveFiles, ForeignAndLockedDirectoriesAreRefused) {
  const auto writer = Open();
  const Change change = Make(1, 1);
  ASSERT_TRUE(writer->Append({&change, 1}, 1));
  EXPECT_EQ(Writer::Open(Options()).error().reason(), Reason::kArchiveUnwritable);
  WriterOptions other = Options();
  other.directory = dir_ / "copy";
  fs::create_directory(other.directory);
  fs::copy(Newest(), other.directory / Newest().filename());
  other.identity.site = "another";
  EXPECT_EQ(Writer::Open(other).error().reason(), Reason::kArchiveForeign);
  const auto aside = writer->SetAside(5);
  ASSERT_TRUE(aside);
  EXPECT_TRUE(fs::exists(*aside / SegmentName(1)));
  ASSERT_TRUE(writer->Append({&change, 1}, 1));
  EXPECT_TRUE(Read().faults.empty());
}

TEST_F(ArchiveFiles, AppendThatFailsHalfWayLeavesNothingAndIsTriedAgain) {
  const auto writer = Open();
  const Change first = Make(1, 1);
  ASSERT_TRUE(writer->Append({&first, 1}, 1));
  const auto size = fs::file_size(Newest());
  rlimit former{};
  ::getrlimit(RLIMIT_FSIZE, &former);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{.rlim_cur = size + 10, .rlim_max = former.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const Change second = Make(1, 2);
  const Status refused = writer->Append({&second, 1}, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::kArchiveUnwritable);
  EXPECT_EQ(writer->tails().at(1).sequence, 1U);
  EXPECT_EQ(fs::file_size(Newest()), size);
  ::setrlimit(RLIMIT_FSIZE, &former);
  ASSERT_TRUE(writer->Append({&second, 1}, 1));
  std::vector<Change> read;
  EXPECT_TRUE(Read(&read).faults.empty());
  EXPECT_EQ(read, (std::vector<Change>{first, second}));
}

}  // namespace
}  // namespace hearth::archive
