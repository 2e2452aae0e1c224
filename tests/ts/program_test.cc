// hearth-scs, hearth-mux and hearth-receiver as people run them, against a head-end in this process.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "tests/ts/ffmpeg.h"
#include "tests/ts/peers.h"
#include "tools/receiver/state.h"

namespace hearth::ts {
namespace {

using Json = nlohmann::json;
using receiver::Home;

const std::string kBin = std::string(HEARTH_BIN_DIR) + "/";

struct Ran {
  int exit_code = -1;
  std::string out;  // standard output and standard error

  // The last line.
  Json json() const {
    const size_t end = out.find_last_not_of('\n');
    const size_t begin = out.rfind('\n', end);
    return Json::parse(out.substr(begin == std::string::npos ? 0 : begin + 1), nullptr, false);
  }
};

Ran Shell(const std::string& line) {
  Ran ran;
  FILE* pipe = popen((line + " 2>&1").c_str(), "r");
  std::array<char, 4096> chunk{};
  for (size_t got = 0; (got = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    ran.out.append(chunk.data(), got);
  const int status = pclose(pipe);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

Ran Call(const std::string& command) { return Shell(kBin + command + " </dev/null"); }

Bytes ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Everything a home gets from the air, as sections.
std::vector<Bytes> EmmsOf(const Home& home) {
  using namespace receiver;
  return {
      air::MakePairing(home.chip_key, {kCard, kBox, Stamp(100)}, air::PairingKey(home.card_key, kCard, kBox)),
      air::MakeRecord(home.card_key, kCard, Stamp(100), home.record),
      air::MakeGroup(home.group_key, kHomeGroup, 2, Stamp(100), Epoch(9), {17},
                     {{kPackage, home.package_key}}),
      air::MakeServiceKeys(home.package_key, {kPackage, Epoch(9), Stamp(100), Epoch(21)}, kService,
                           {home.service_key})};
}

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(HaveFfmpeg()) << "install ffmpeg: tools/packages.txt";
    clear_ = MakeStream(dir_, 6);
    ASSERT_FALSE(clear_.empty());
    std::ofstream(In("clear.ts"), std::ios::binary) << AsChars(clear_);
    SaveFresh();
  }
  std::string In(const std::string& name) const { return dir_.File(name); }
  // Card and box as the factory made them.
  void SaveFresh() {
    const Home fresh;
    ASSERT_TRUE(receiver::SaveCard(*fresh.receiver.card(), In("card")));
    ASSERT_TRUE(receiver::SaveBox(fresh.receiver.box(), In("box")));
  }
  void SaveInstalled() {
    ASSERT_TRUE(home_.Install());
    ASSERT_TRUE(receiver::SaveCard(*home_.receiver.card(), In("card")));
    ASSERT_TRUE(receiver::SaveBox(home_.receiver.box(), In("box")));
  }
  std::string Scs(const EcmgThread& ecmg, const std::string& more) const {
    return "hearth-scs --json --ecmg " + ecmg.address() + " --super-cas-id 0x4A750001 --ecm-id 100 --in " +
           In("clear.ts") + (more.find("--out") == std::string::npos ? " --out " + In("scrambled.ts") : "") +
           " --crypto-period 1s " + more;
  }
  std::string Play(const std::string& in) const {
    return "hearth-receiver play --json --in " + (in == "-" ? in : In(in)) + " --out " + In("seen.ts") +
           " --card-state " + In("card") + " --box-state " + In("box");
  }
  bool SeenAsItWas() const {
    const Bytes seen = ReadFile(In("seen.ts"));
    return PayloadOf(seen, 0x100) == PayloadOf(clear_, 0x100) &&
           PayloadOf(seen, 0x101) == PayloadOf(clear_, 0x101);
  }

  TempDir dir_;
  Bytes clear_;
  Home home_;
};

TEST_F(Programs, ScrambledAndSeenAgain) {
  SaveInstalled();
  for (const std::string algorithm : {"csa", "cissa"}) {
    const EcmgThread ecmg(home_, {});
    const Ran scs = Call(Scs(ecmg, "--algo " + algorithm));
    ASSERT_EQ(scs.exit_code, 0) << scs.out;
    EXPECT_EQ(scs.json()["services"][0]["periods"], 6) << scs.out;
    EXPECT_EQ(ecmg.ecms(), 7) << "one ahead";
    EXPECT_EQ(FrameMd5(dir_, ReadFile(In("scrambled.ts"))), "");
    const Ran play = Call(Play("scrambled.ts"));
    EXPECT_EQ(play.exit_code, 0) << play.out;
    EXPECT_EQ(play.json()["periods_lit"], 6) << play.out;
    EXPECT_EQ(play.json()["dark_packets"], 0) << play.out;
    EXPECT_TRUE(SeenAsItWas());
  }
}

TEST_F(Programs, WithoutRightsTheScreenSaysWhy) {
  const EcmgThread ecmg(home_, {});
  ASSERT_EQ(Call(Scs(ecmg, "")).exit_code, 0);
  const Ran play = Call(Play("scrambled.ts"));
  EXPECT_EQ(play.exit_code, 3) << play.out;
  EXPECT_EQ(play.json()["screen"], "E04");
  EXPECT_EQ(play.json()["dark_packets"], play.json()["packets"]);
  EXPECT_EQ(ReadFile(In("seen.ts")), ReadFile(In("scrambled.ts")));
  const Ran empty =
      Call("hearth-receiver play --json --in " + In("scrambled.ts") + " --box-state " + In("box"));
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_EQ(empty.json()["screen"], "E01") << empty.out;
  const Ran clear = Call(Play("clear.ts"));
  EXPECT_EQ(clear.exit_code, 0) << clear.out;
  EXPECT_EQ(clear.json()["clear"], true);
  EXPECT_EQ(Call(Play("clear.ts") + " --service 9").exit_code, 4);
  EXPECT_EQ(Call(Play("card")).exit_code, 4);
}

TEST_F(Programs, AnotherEcmgTakesOverAndNoCardNotices) {
  SaveInstalled();
  EcmgThread::Options dying;
  dying.close_after_ecms = 3;
  const EcmgThread first(home_, dying);
  const EcmgThread second(home_, {});
  const Ran scs = Call(Scs(first, "--ecmg " + second.address()));
  ASSERT_EQ(scs.exit_code, 0) << scs.out;
  EXPECT_GE(scs.json()["reconnects"], 1) << scs.out;
  EXPECT_GE(second.ecms(), 3);
  EXPECT_EQ(Call(Play("scrambled.ts")).exit_code, 0);
  EXPECT_TRUE(SeenAsItWas());
}

TEST_F(Programs, AnOlderEcmgIsSpokenToInItsVersion) {
  SaveInstalled();
  EcmgThread::Options old;
  old.highest_version = 2;
  const EcmgThread ecmg(home_, old);
  const Ran scs = Call(Scs(ecmg, "--access-criteria 0102ff"));
  ASSERT_EQ(scs.exit_code, 0) << scs.out;
  EXPECT_NE(scs.out.find("protocol version 2"), std::string::npos) << scs.out;
  EXPECT_EQ(ToHex(ecmg.last_criteria()), "0102ff");
  EXPECT_EQ(Call(Play("scrambled.ts")).exit_code, 0);
}

TEST_F(Programs, ScsSaysWhatIsWrong) {
  const EcmgThread ecmg(home_, {});
  struct Row {
    const char* name;
    std::string command;
    int exit_code;
    const char* says;
  };
  const std::string rest = " --in " + In("clear.ts") + " --out " + In("scrambled.ts");
  const std::string to = "hearth-scs --ecmg " + ecmg.address() + " --super-cas-id ";
  const Row rows[] = {
      {"no ECMG", "hearth-scs --ecmg 127.0.0.1:1 --super-cas-id 1" + rest, 3,
       "cannot connect to 127.0.0.1:1"},
      {"bad address", "hearth-scs --ecmg nowhere --super-cas-id 1" + rest, 2, "--ecmg"},
      {"Super_CAS_id", to + "0x11110001" + rest, 3, "unknown Super_CAS_id"},
      {"ECM_id", to + "0x4A750001 --ecm-id 7" + rest, 3, "unknown ECM_id"},
      {"programme", to + "0x4A750001 --ecm-id 100 --service 5" + rest, 4, "no programme 5"},
      {"ECM PID", to + "0x4A750001 --ecm-id 100 --ecm-pid 0x100" + rest, 4, "in use"},
      {"crypto period", to + "0x4A750001 --ecm-id 100 --crypto-period 500ms" + rest, 2, "1000 ms"},
      {"no file", to + "0x4A750001 --ecm-id 100 --in " + In("missing"), 4, "missing"},
      {"two services, one id", to + "0x4A750001 --ecm-id 100 --service 1 --service 2" + rest, 2, "--ecm-id"},
      {"hexadecimal", to + "0x4A750001 --ecm-id 100 --access-criteria 1" + rest, 2, "--access-criteria"},
  };
  for (const Row& row : rows) {
    const Ran ran = Call(row.command);
    EXPECT_EQ(ran.exit_code, row.exit_code) << row.name << ": " << ran.out;
    EXPECT_NE(ran.out.find(row.says), std::string::npos) << row.name << ": " << ran.out;
  }
}

TEST_F(Programs, LiveThroughAPipeAndCarriedToTown) {
  SaveInstalled();
  const EcmgThread ecmg(home_, {});
  Ran play;
  std::thread viewer(
      [&] { play = Shell(kBin + Scs(ecmg, "--realtime --out -") + " 2>/dev/null | " + kBin + Play("-")); });
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  // An hour of power between the two readings.
  const std::string read = "hearth-receiver read --card-state " + In("card") + " --box-state " + In("box") +
                           " --powered-hours 1 --cell " + receiver::kCityCell;
  EXPECT_EQ(Call(read).exit_code, 0);
  EXPECT_EQ(Call(read).exit_code, 3);
  viewer.join();
  EXPECT_EQ(play.exit_code, 3) << play.out;
  EXPECT_EQ(play.json()["screen"], "E09") << play.out;
  EXPECT_GE(play.json()["periods_lit"], 1) << play.out;
  EXPECT_GT(play.json()["dark_packets"], 200) << play.out;
}

// How many packets fit the filter; -1 when tshark fails.
int FoundByTshark(const std::string& file, const std::string& filter) {
  FILE* pipe = popen(
      ("tshark -r " + file + " -Y '" + filter + "' -T fields -e frame.number 2>/dev/null").c_str(), "r");
  int lines = 0;
  for (int c = 0; (c = fgetc(pipe)) != EOF;) lines += c == '\n' ? 1 : 0;
  return pclose(pipe) == 0 ? lines : -1;
}

uint16_t PortIn(const std::string& file, int line = 0) {
  for (int i = 0; i < 500; ++i) {
    std::ifstream in(file);
    std::string text;
    for (int at = 0; at <= line && std::getline(in, text); ++at) {
      if (at == line) return static_cast<uint16_t>(std::stoul(text));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return 0;
}

simulcrypt::EmmgOptions Emmg() {
  simulcrypt::EmmgOptions options;
  options.client_id = 0x4A750001;
  options.bandwidth_kbps = 100;
  return options;
}

TEST_F(Programs, AFreshCardLightsUpWithTheEmmsOfTheStream) {
  const EcmgThread ecmg(home_, {});
  ASSERT_EQ(Call(Scs(ecmg, "")).exit_code, 0);
  Ran mux;
  std::thread running([&] {
    mux = Call("hearth-mux --json --in " + In("scrambled.ts") + " --out " + In("full.ts") + " --port-file " +
               In("ports") + " --bandwidth 200");
  });
  const EmmgResult sent = SendEmms(PortIn(In("ports")), Emmg(), EmmsOf(home_));
  running.join();
  EXPECT_TRUE(sent.sent) << sent.failure;
  ASSERT_EQ(mux.exit_code, 0) << mux.out;
  EXPECT_EQ(mux.json()["streams"][0]["sections"], 4) << mux.out;
  const Ran play = Call(Play("full.ts"));
  EXPECT_EQ(play.exit_code, 0) << play.out;
  EXPECT_EQ(play.json()["emms_taken"], 4) << play.out;
  EXPECT_GE(play.json()["periods_lit"], 4) << play.out;
  // What an outsider makes of it.
  EXPECT_EQ(FoundByTshark(In("full.ts"), "_ws.malformed || _ws.expert.severity >= Warning"), 0);
  EXPECT_EQ(FoundByTshark(In("full.ts"), "mpeg_sect && mp2t.pid == 0x500"), 4) << "EMMs";
  EXPECT_GT(FoundByTshark(In("full.ts"), "mpeg_sect && mp2t.pid == 0x300"), 50) << "ECMs";
  EXPECT_GT(FoundByTshark(In("full.ts"), "mpeg_ca"), 50) << "CATs";
  // The card keeps what it took: from now on all of it is seen.
  EXPECT_EQ(Call(Play("full.ts")).exit_code, 0);
  EXPECT_TRUE(SeenAsItWas());
}

TEST_F(Programs, MuxWithoutAStreamKeepsTheSections) {
  for (const bool udp : {false, true}) {
    std::filesystem::remove(In("ports"));
    Ran mux;
    std::thread running([&] {
      mux = Call("hearth-mux --json --sections-out " + In("air") + " --port-file " + In("ports") +
                 " --udp 127.0.0.1:0 --until-sections 4 --for 20 --out " + In("emms.ts") +
                 " --rate 500 --packed");
    });
    const uint16_t port = PortIn(In("ports"));
    const EmmgResult sent = SendEmms(port, Emmg(), EmmsOf(home_), udp ? PortIn(In("ports"), 1) : uint16_t{0});
    running.join();
    EXPECT_TRUE(sent.sent) << sent.failure;
    ASSERT_EQ(mux.exit_code, 0) << mux.out;
    EXPECT_EQ(mux.json()["streams"][0]["sections"], 4) << mux.out;
    SaveFresh();
    const Ran fed = Call("hearth-receiver feed --json --sections " + In("air") + " --card-state " +
                         In("card") + " --box-state " + In("box"));
    EXPECT_EQ(fed.json()["taken"], 4) << fed.out;
    EXPECT_EQ(ReadFile(In("emms.ts")).size() % 188, 0U);
  }
}

TEST_F(Programs, MuxSaysWhatIsWrong) {
  EXPECT_EQ(Call("hearth-mux --listen 203.0.113.1:1 --for 1").exit_code, 3);
  EXPECT_EQ(Call("hearth-mux --listen nowhere --for 1").exit_code, 2);
  EXPECT_EQ(Call("hearth-mux --emm-pid 3 --for 1").exit_code, 2);
  EXPECT_EQ(Call("hearth-mux --in " + In("missing") + " --out " + In("x")).exit_code, 4);
  EXPECT_EQ(Call("hearth-mux --private 1 --for 1").exit_code, 2);
}

// The words that begin with "--" and a letter.
std::set<std::string> OptionsIn(const std::string& text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz-";
  std::set<std::string> options;
  for (size_t at = 0; (at = text.find("--", at)) != std::string::npos;) {
    const size_t end = std::min(text.find_first_not_of(kLetters, at), text.size());
    if (end > at + 3) options.insert(text.substr(at, end - at));
    at = end;
  }
  return options;
}

TEST(ManPages, NameTheOptionsOfTheHelp) {
  const std::map<std::string, std::string> pages = {{"hearth-scs", "tools/scs/hearth-scs.1"},
                                                    {"hearth-mux", "tools/mux/hearth-mux.1"}};
  for (const auto& [program, page] : pages) {
    const Bytes bytes = ReadFile(std::string(HEARTH_SOURCE_DIR) + "/" + page);
    std::string manual(AsChars(bytes));
    for (size_t at = 0; (at = manual.find("\\-", at)) != std::string::npos;) manual.erase(at, 1);
    EXPECT_EQ(OptionsIn(Call(program + " --help").out), OptionsIn(manual)) << program;
  }
}

}  // namespace
}  // namespace hearth::ts
