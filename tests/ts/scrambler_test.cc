// The tool scrambler and the virtual receiver against each other, over streams that ffmpeg made and judges.
#include "tools/scs/scrambler.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include <gtest/gtest.h>

#include "tests/receiver/home.h"
#include "tests/ts/ffmpeg.h"
#include "tools/receiver/tuner.h"

namespace hearth::ts {
namespace {

using mpegts::Packet;
using receiver::Home;
using scs::Ecm;
using scs::PeriodWord;
using std::chrono::milliseconds;

constexpr Pid kEcmPid{0x0300};
constexpr Pid kPmtPid{0x1000};
constexpr uint16_t kVideo = 0x100;
constexpr uint16_t kSound = 0x101;
constexpr uint16_t kCaSystem = 0x4A75;

// Bytes that repeat from run to run. One thread.
class CountingRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out)
      byte = static_cast<uint8_t>(state_ = state_ * 1103515245U + 12345U, state_ >> 16);
  }

 private:
  uint32_t state_ = 1;
};

// An ECMG in the process: real ECMs under the service key of a home, for services 100, 101 …
class FakeEcmg final : public scs::EcmSource {
 public:
  explicit FakeEcmg(const Home& home) : home_(home) {}

  const scs::EcmTerms& terms() const override { return terms_; }
  Status Ask(size_t stream, uint16_t cp_number, const std::vector<PeriodWord>& words) override {
    asked_.emplace_back(stream, cp_number);
    std::vector<Bytes> sealed;
    for (const PeriodWord& word : words) {
      sealed.push_back(word.word);
      const auto [known, fresh] = words_[stream].try_emplace(word.cp_number, word.word);
      EXPECT_TRUE(fresh || known->second == word.word) << "the word of a period never changes";
    }
    EXPECT_EQ(words.size(), terms_.cw_per_msg);
    EXPECT_EQ(words.back().cp_number, static_cast<uint16_t>(cp_number + terms_.lead_cw));
    const receiver::EcmHead head{words[0].cp_number % 2 == 0 ? receiver::kEcmEven : receiver::kEcmOdd,
                                 ServiceId(static_cast<uint16_t>(100 + stream)), Epoch(21), receiver::kNow};
    const std::vector<receiver::AcRecord> criteria(words.size(), {1, 0, 0});
    pending_.push_back(
        {stream, cp_number, receiver::air::MakeEcm(home_.service_key, head, criteria, sealed)});
    if (terms_.ts_packets) {
      mpegts::Packetiser packetiser(Pid(0x77), mpegts::Packing::kPadded);
      std::vector<Packet> packets;
      EXPECT_TRUE(packetiser.Add(pending_.back().datagram, &packets));
      pending_.back().datagram.assign(packets[0].begin(), packets[0].end());
    }
    return Ok();
  }
  Result<std::vector<Ecm>> Take(milliseconds) override {
    if (silent_) return std::vector<Ecm>();
    return std::exchange(pending_, {});
  }

  scs::EcmTerms terms_;
  bool silent_ = false;
  std::vector<std::pair<size_t, uint16_t>> asked_;
  std::map<size_t, std::map<uint16_t, Bytes>> words_;

 private:
  const Home& home_;
  std::vector<Ecm> pending_;
};

// Card and box of a home before the tuner.
class Viewer final : public receiver::TunerHost {
 public:
  explicit Viewer(Home& home) : home_(home) {}
  void OnEmm(ByteView section) override { home_.receiver.Feed(section); }
  receiver::EcmResult OnEcm(ByteView section) override { return home_.receiver.Ecm(section); }
  void OnPeriod(const receiver::Period& period) override {
    periods.push_back(period);
    if (on_period) on_period(period);
  }

  std::vector<receiver::Period> periods;
  std::function<void(const receiver::Period&)> on_period;

 private:
  Home& home_;
};

template <typename Take>
void ForEachPacket(ByteView stream, const Take& take) {
  for (size_t at = 0; at + mpegts::kPacketBytes <= stream.size(); at += mpegts::kPacketBytes) {
    Packet packet;
    std::copy_n(stream.begin() + static_cast<ptrdiff_t>(at), packet.size(), packet.begin());
    take(packet);
  }
}

Bytes Play(Viewer& viewer, ByteView stream, const receiver::TunerOptions& options = {}) {
  receiver::Tuner tuner(options, viewer);
  Bytes out;
  ForEachPacket(stream, [&](Packet packet) {
    tuner.Push(packet);
    out.insert(out.end(), packet.begin(), packet.end());
  });
  tuner.Finish();
  EXPECT_EQ(tuner.Missing(), "");
  return out;
}

scs::ScramblerOptions OptionsOf(Algorithm algorithm, uint16_t services = 1) {
  scs::ScramblerOptions options;
  options.crypto = {algorithm, milliseconds(2000)};
  options.ca_system_id = kCaSystem;
  options.patience = milliseconds(0);
  for (uint16_t i = 0; i < services; ++i) {
    options.services.push_back({static_cast<uint16_t>(i + 1), Pid(static_cast<uint16_t>(kEcmPid.value + i))});
  }
  return options;
}

Result<Bytes> Scramble(scs::Scrambler& scrambler, ByteView stream) {
  Bytes out;
  Status status = Ok();
  ForEachPacket(stream, [&](const Packet& packet) {
    if (status) status = scrambler.Push(packet, &out);
  });
  HEARTH_RETURN_IF_ERROR(std::move(status));
  HEARTH_RETURN_IF_ERROR(scrambler.Finish(&out));
  return out;
}

Bytes Scrambled(FakeEcmg& ecmg, const scs::ScramblerOptions& options, ByteView stream) {
  CountingRandom random;
  auto scrambler = scs::Scrambler::Create(options, ecmg, random).value();
  auto out = Scramble(*scrambler, stream);
  EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message());
  return out.value_or(Bytes());
}

// 15 seconds; made once for all tests.
const Bytes& Clear(int programmes = 1) {
  static const TempDir dir;
  static std::map<int, Bytes> made;
  Bytes& stream = made[programmes];
  if (stream.empty()) stream = MakeStream(dir, 15, programmes);
  return stream;
}

class ScramblerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(HaveFfmpeg()) << "install ffmpeg: tools/packages.txt";
    ASSERT_GT(Clear().size(), 1'000'000U);
    ASSERT_TRUE(home_.Install());
  }

  Home home_;
  FakeEcmg ecmg_{home_};
  Viewer viewer_{home_};
  TempDir dir_;
};

class EachAlgorithm : public ScramblerTest, public testing::WithParamInterface<Algorithm> {};

TEST_P(EachAlgorithm, ThePictureIsBitExactWithTheRightAndGoneWithout) {
  const std::string frames = FrameMd5(dir_, Clear());
  EXPECT_GT(std::count(frames.begin(), frames.end(), '\n'), 375 + 600) << "pictures and sound";
  const Bytes scrambled = Scrambled(ecmg_, OptionsOf(GetParam()), Clear());
  EXPECT_EQ(FrameMd5(dir_, scrambled), "") << "nothing decodes without the words";

  const Bytes seen = Play(viewer_, scrambled);
  EXPECT_EQ(PayloadOf(seen, kVideo), PayloadOf(Clear(), kVideo));
  EXPECT_EQ(PayloadOf(seen, kSound), PayloadOf(Clear(), kSound));
  EXPECT_EQ(FrameMd5(dir_, seen), frames);
  ASSERT_EQ(viewer_.periods.size(), 8U);
  for (const auto& period : viewer_.periods) {
    EXPECT_TRUE(period.lit()) << period.number;
    EXPECT_EQ(period.parity, ParityOf(static_cast<uint16_t>(period.number)));
    EXPECT_NEAR(static_cast<double>(period.begin.count()) / 1e9, 2.0 * static_cast<double>(period.number),
                0.05);
  }

  ASSERT_TRUE(home_.SendStanding(200, receiver::Standing::kDark, receiver::StandingReason::kLocation) ==
              receiver::Why::kTaken);
  viewer_.periods.clear();
  const Bytes unseen = Play(viewer_, scrambled);
  EXPECT_EQ(FrameMd5(dir_, unseen), "");
  EXPECT_EQ(unseen, scrambled);
  for (const auto& period : viewer_.periods) {
    EXPECT_EQ(period.dark, period.packets);
    EXPECT_EQ(period.screen.code, "E09");
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachAlgorithm, testing::Values(Algorithm::kCsa, Algorithm::kCissa),
                         [](const auto& row) { return std::string(NameOf(row.param)); });

TEST_F(ScramblerTest, TheStreamKeepsItsRateItsTablesTellAndNothingElseChanges) {
  CountingRandom random;
  auto scrambler = scs::Scrambler::Create(OptionsOf(Algorithm::kCissa), ecmg_, random).value();
  const Bytes scrambled = Scramble(*scrambler, Clear()).value();
  // Most ECMs take null packets' places; where ffmpeg sends a picture in one burst there is none.
  EXPECT_EQ(scrambled.size(), Clear().size() + scrambler->inserter().inserted() * mpegts::kPacketBytes);
  EXPECT_LT(scrambler->inserter().inserted(), scrambler->counts(0).ecm_packets / 3);
  std::map<Pid, uint8_t> continuity;
  std::map<Pid, SectionAssembler> tables;
  std::set<uint8_t> versions;
  size_t ecms = 0;
  ForEachPacket(scrambled, [&](const Packet& packet) {
    const auto header = mpegts::ReadPacketHeader(packet);
    ASSERT_TRUE(header);
    if (header->pid != mpegts::kNullPid && header->payload_bytes() > 0) {
      const auto [last, first] = continuity.try_emplace(header->pid, header->continuity);
      if (!first) {
        EXPECT_EQ(header->continuity, (last->second + 1) & 0x0F) << header->pid.value;
      }
      last->second = header->continuity;
    }
    const bool component = header->pid.value == kVideo || header->pid.value == kSound;
    EXPECT_EQ(header->scrambling != mpegts::kClear, component && header->payload_bytes() > 0);
    tables[header->pid].Push(packet, [&](ByteView section) {
      if (header->pid == kEcmPid) ++ecms;
      if (header->pid != kPmtPid) return;
      const Pmt pmt = ParsePmt(section).value();
      versions.insert(pmt.head.version);
      const std::vector<mpegts::CaDescriptor> expected = {{kCaSystem, kEcmPid, {0x01}}};
      EXPECT_EQ(FindCaDescriptors(pmt.descriptors), expected);
      EXPECT_TRUE(HasDescriptor(pmt.descriptors, kScramblingDescriptorTag));
    });
  });
  EXPECT_EQ(versions, std::set<uint8_t>{1});
  EXPECT_NEAR(static_cast<double>(ecms), 150, 10) << "each 100 ms";
  EXPECT_EQ(PayloadOf(scrambled, 0), PayloadOf(Clear(), 0));
  EXPECT_EQ(PayloadOf(scrambled, 0x11), PayloadOf(Clear(), 0x11));
}

TEST_F(ScramblerTest, CarriedToTownItGoesDarkWithinTheNextPeriodAndComesBack) {
  const Bytes scrambled = Scrambled(ecmg_, OptionsOf(Algorithm::kCsa), Clear());
  viewer_.on_period = [&](const receiver::Period& period) {
    if (period.number == 2) {
      home_.Hear(100, receiver::Hears({receiver::kCityCell}));
      home_.Hear(170, receiver::Hears({receiver::kCityCell}));
    }
    if (period.number == 4) home_.Hear(200, receiver::Hears({receiver::kHomeCell}));
  };
  const Bytes seen = Play(viewer_, scrambled);
  ASSERT_EQ(viewer_.periods.size(), 8U);
  for (const auto& period : viewer_.periods) {
    // One repetition of the ECM tells it: some packets of the period are still open, or still dark.
    const double share = static_cast<double>(period.dark) / static_cast<double>(period.packets);
    const bool in_town = period.number == 3 || period.number == 4;
    EXPECT_NEAR(share, in_town ? 1.0 : 0.0, 0.15) << period.number;
    if (in_town) {
      EXPECT_EQ(period.screen.code, "E09");
    }
  }
  EXPECT_TRUE(viewer_.periods.back().lit());
}

TEST_F(ScramblerTest, EachProgrammeHasItsOwnWordsAndEcms) {
  const Bytes& clear = Clear(2);
  const Bytes scrambled = Scrambled(ecmg_, OptionsOf(Algorithm::kCsa, 2), clear);
  EXPECT_NE(ecmg_.words_[0].at(0), ecmg_.words_[1].at(0));
  const Bytes first = Play(viewer_, scrambled, {1, {}, 1});
  for (const unsigned pid : {0x100U, 0x101U}) EXPECT_EQ(PayloadOf(first, pid), PayloadOf(clear, pid));
  for (const unsigned pid : {0x102U, 0x103U}) EXPECT_EQ(PayloadOf(first, pid), PayloadOf(scrambled, pid));
  // The card holds the key of service 100 only.
  viewer_.periods.clear();
  EXPECT_EQ(Play(viewer_, scrambled, {2, {}, 1}), scrambled);
  ASSERT_FALSE(viewer_.periods.empty());
  EXPECT_EQ(viewer_.periods[0].screen.code, "E04");
  // With its key, in place of the other's.
  ASSERT_EQ(home_.receiver
                .Feed(receiver::air::MakeServiceKeys(home_.package_key,
                                                     {receiver::kPackage, Epoch(9), Stamp(300), Epoch(21)},
                                                     ServiceId(101), {home_.service_key}))
                .why,
            receiver::Why::kTaken);
  const Bytes second = Play(viewer_, scrambled, {2, {}, 1});
  for (const unsigned pid : {0x102U, 0x103U}) EXPECT_EQ(PayloadOf(second, pid), PayloadOf(clear, pid));
}

TEST_F(ScramblerTest, OneOfSeveralProgrammesLeavesTheOthersClear) {
  const Bytes& clear = Clear(2);
  scs::ScramblerOptions options = OptionsOf(Algorithm::kCsa, 2);
  options.services.erase(options.services.begin());
  const Bytes scrambled = Scrambled(ecmg_, options, clear);
  for (const unsigned pid : {0x100U, 0x101U, 0x1000U})
    EXPECT_EQ(PayloadOf(scrambled, pid), PayloadOf(clear, pid));
  EXPECT_NE(PayloadOf(scrambled, 0x102), PayloadOf(clear, 0x102));
}

struct TermsRow {
  const char* name;
  int delay_start_ms;
  int delay_stop_ms;
  uint8_t lead_cw;
  uint8_t cw_per_msg;
  bool ts_packets;
  // When the ECM of the next period is first on the air, before (-) or after the change of words.
  double expected_ms;
};

void PrintTo(const TermsRow& row, std::ostream* out) { *out << row.name; }

class EachTerms : public ScramblerTest, public testing::WithParamInterface<TermsRow> {};

// The changes of parity and of ECM in a stream, in seconds.
struct Changes {
  std::vector<double> words;
  std::vector<double> ecms;
};
Changes ChangesIn(ByteView stream) {
  Changes changes;
  StreamClock clock{Pid(kVideo)};
  SectionAssembler ecms;
  uint8_t control = 0;
  Bytes last;
  ForEachPacket(stream, [&](const Packet& packet) {
    const double now = static_cast<double>(clock.Push(packet).count()) / 1e9;
    const auto header = mpegts::ReadPacketHeader(packet);
    if (header->scrambling != mpegts::kClear &&
        header->scrambling != std::exchange(control, header->scrambling)) {
      changes.words.push_back(now);
    }
    if (header->pid == kEcmPid) {
      ecms.Push(packet, [&](ByteView section) {
        if (std::exchange(last, Bytes(section.begin(), section.end())) != last) changes.ecms.push_back(now);
      });
    }
  });
  return changes;
}

TEST_P(EachTerms, AreKept) {
  const TermsRow& row = GetParam();
  ecmg_.terms_.delay_start = milliseconds(row.delay_start_ms);
  ecmg_.terms_.delay_stop = milliseconds(row.delay_stop_ms);
  ecmg_.terms_.lead_cw = row.lead_cw;
  ecmg_.terms_.cw_per_msg = row.cw_per_msg;
  ecmg_.terms_.ts_packets = row.ts_packets;
  const Bytes scrambled = Scrambled(ecmg_, OptionsOf(Algorithm::kCsa), Clear());
  const Changes changes = ChangesIn(scrambled);
  ASSERT_GE(changes.words.size(), 7U);
  ASSERT_GE(changes.ecms.size(), 7U);
  for (size_t i = 1; i < 7; ++i) {
    EXPECT_NEAR(1000 * (changes.ecms[i] - changes.words[i]), row.expected_ms, 40) << i;
  }
  const Bytes seen = Play(viewer_, scrambled);
  EXPECT_EQ(PayloadOf(seen, kVideo), PayloadOf(Clear(), kVideo));
}

INSTANTIATE_TEST_SUITE_P(All, EachTerms,
                         testing::Values(TermsRow{"Defaults", 0, 0, 1, 2, false, 0},
                                         TermsRow{"Later", 400, 400, 1, 2, false, 400},
                                         TermsRow{"LaterWithGap", 400, 0, 1, 2, false, 400},
                                         TermsRow{"TsPackets", 100, 100, 1, 2, true, 100},
                                         TermsRow{"OneWordAhead", -800, -800, 0, 1, false, -800}),
                         [](const auto& row) { return row.param.name; });

TEST_F(ScramblerTest, ALateEcmProlongsThePeriodAndNothingGoesDark) {
  scs::ScramblerOptions options = OptionsOf(Algorithm::kCsa);
  options.wait_for_ecms = false;
  CountingRandom random;
  auto scrambler = scs::Scrambler::Create(options, ecmg_, random).value();
  Bytes scrambled;
  ForEachPacket(Clear(), [&](const Packet& packet) {
    const double now = static_cast<double>(scrambler->now().count()) / 1e9;
    ecmg_.silent_ = now > 3 && now < 7;
    ASSERT_TRUE(scrambler->Push(packet, &scrambled));
  });
  EXPECT_EQ(scrambler->counts(0).late, 1U);
  EXPECT_NEAR(static_cast<double>(scrambler->counts(0).late_longest.count()) / 1e9, 1, 0.1);
  Play(viewer_, scrambled);
  std::vector<int> begins;
  for (const auto& period : viewer_.periods) {
    EXPECT_TRUE(period.lit()) << period.number;
    begins.push_back(static_cast<int>((period.begin + milliseconds(50)) / std::chrono::seconds(1)));
  }
  EXPECT_EQ(begins, (std::vector<int>{0, 2, 4, 7, 9, 11, 13}));
}

TEST_F(ScramblerTest, WhatCannotBeScrambledIsRefused) {
  CountingRandom random;
  struct Row {
    const char* name;
    std::function<void(scs::ScramblerOptions&)> spoil;
    const char* says;
  };
  const Row rows[] = {
      {"unknown programme", [](auto& o) { o.services[0].programme = 9; }, "no programme 9"},
      {"ECM PID of the video", [](auto& o) { o.services[0].ecm_pid = Pid(kVideo); }, "in use"},
      {"ECM PID of the PMT", [](auto& o) { o.services[0].ecm_pid = kPmtPid; }, "in use"},
      {"silent ECMG", [&](auto&) { ecmg_.silent_ = true; }, "did not send the first ECMs"},
      {"short crypto period", [](auto& o) { o.crypto.crypto_period = milliseconds(900); }, "1000 ms"},
  };
  for (const Row& row : rows) {
    scs::ScramblerOptions options = OptionsOf(Algorithm::kCsa);
    ecmg_.silent_ = false;
    row.spoil(options);
    auto scrambler = scs::Scrambler::Create(options, ecmg_, random).value();
    const auto out = Scramble(*scrambler, Clear());
    ASSERT_FALSE(out.has_value()) << row.name;
    EXPECT_NE(out.error().ToString().find(row.says), std::string::npos)
        << row.name << ": " << out.error().ToString();
  }
  FakeEcmg ecmg(home_);
  const Bytes scrambled = Scrambled(ecmg, OptionsOf(Algorithm::kCsa), Clear());
  auto again = scs::Scrambler::Create(OptionsOf(Algorithm::kCsa), ecmg_, random).value();
  EXPECT_NE(Scramble(*again, scrambled).error().message().find("CA system already"), std::string::npos);
  auto empty = scs::Scrambler::Create(OptionsOf(Algorithm::kCsa), ecmg_, random).value();
  EXPECT_NE(Scramble(*empty, {}).error().message().find("no PAT"), std::string::npos);
}

TEST_F(ScramblerTest, OptionsThatCannotBeAreRefused) {
  CountingRandom random;
  const std::function<void(scs::ScramblerOptions&)> spoils[] = {
      [](auto& o) { o.services.clear(); },
      [](auto& o) { o.services[1].programme = 1; },
      [](auto& o) { o.services[1].programme = {}; },
      [](auto& o) { o.services[1].ecm_pid = kEcmPid; },
      [](auto& o) { o.services[1].ecm_pid = Pid(0x000F); },
      [](auto& o) { o.services[1].ecm_pid = mpegts::kNullPid; },
      [](auto& o) { o.private_bytes = Bytes(300, 0); },
  };
  for (const auto& spoil : spoils) {
    scs::ScramblerOptions options = OptionsOf(Algorithm::kCsa, 2);
    spoil(options);
    const auto made = scs::Scrambler::Create(options, ecmg_, random);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().reason(), Reason::kFieldInvalid);
  }
}

}  // namespace
}  // namespace hearth::ts
