// hearth-receiver as people and scripts run it: options, output, exit codes, man page.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/receiver/air.h"
#include "tests/receiver/temp_dir.h"
#include "tools/receiver/factory.h"
#include "tools/receiver/files.h"
#include "tools/receiver/state.h"

namespace hearth::receiver {
namespace {

using Json = nlohmann::json;

const std::string kProgram = std::string(HEARTH_BIN_DIR) + "/hearth-receiver";

struct Ran {
  int exit_code = -1;
  std::string out;  // standard output and standard error

  Json json() const { return Json::parse(out); }
};

// Arguments are given to a shell; none of the tests' hold a blank or a quote.
Ran Call(const std::string& arguments) {
  Ran ran;
  FILE* pipe = popen((kProgram + " " + arguments + " 2>&1 </dev/null").c_str(), "r");
  std::array<char, 4096> chunk{};
  for (size_t got = 0; (got = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    ran.out.append(chunk.data(), got);
  const int status = pclose(pipe);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

constexpr CardNumber kFirstCard{640000000001};
constexpr BoxSerial kFirstBox{1000000000000001};
constexpr uint32_t kNow = 91'000'000;

// A factory of ten, card and box 3 made, and the keys to send them sections.
class Program : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(Call("personalise --out " + factory_ +
                   " --batch 1 --first-card 640000000001 --count 10 "
                   "--first-box 1000000000000001 --first-sim 14700000001 --seed 1")
                  .exit_code,
              0);
    const Ran made = Call("new --from " + factory_ + " --card 640000000003 --box 1000000000000003 " + place_);
    ASSERT_EQ(made.exit_code, 0) << made.out;
    card_key_ = MakeCard(factory_, card_).value().state().card_key;
    chip_key_ = MakeBox(factory_, box_, {}).value().state().chip_key;
    record_.standing.standing = Standing::kOn;
    record_.validity_day = kNoExpiryDay;
    record_.box = box_;
    record_.group = GroupId(5);
    record_.group_key = air::TestKey(3);
    record_.area = AreaId(640122001);
    record_.area_version = 1;
    const auto hash = CellHash(record_.area, ParseCell("lte:460:00:1:2").value());
    record_.cells.assign(hash.begin(), hash.begin() + 3);
  }

  void Append(const Bytes& section) {
    std::ofstream(air_, std::ios::binary | std::ios::app) << AsChars(section);
  }
  void AppendAll() {
    Append(air::MakePairing(chip_key_, {card_, box_, Stamp(1)}, air::PairingKey(card_key_, card_, box_)));
    Append(air::MakeRecord(card_key_, card_, Stamp(1), record_));
    Append(air::MakeGroup(air::TestKey(3), GroupId(5), 0, Stamp(1), Epoch(1), {0},
                          {{PackageId(64), air::TestKey(4)}}));
    Append(air::MakeServiceKeys(air::TestKey(4), {PackageId(64), Epoch(1), Stamp(1), Epoch(1)},
                                ServiceId(100), {air::TestKey(5)}));
  }
  Bytes Dark(uint64_t stamp) {
    return air::MakeStanding(card_key_, card_, Stamp(stamp), {Standing::kDark, StandingReason::kLocation});
  }
  std::string EcmHex() const {
    return ToHex(air::MakeEcm(air::TestKey(5), {kEcmEven, ServiceId(100), Epoch(1), kNow},
                              {{1, 0, 0}, {0, 0, 0}}, {Bytes(8, 0xAB), Bytes(8, 0xCD)}));
  }

  TempDir dir_;
  std::string factory_ = dir_.File("factory");
  std::string place_ = "--card-state " + dir_.File("card") + " --box-state " + dir_.File("box");
  std::string air_ = dir_.File("air");
  CardNumber card_{640000000003};
  BoxSerial box_{1000000000000003};
  Key card_key_;
  Key chip_key_;
  Record record_;
};

// An alert that the factory's own private key signed, begun a minute ago.
TEST_F(Program, AnAlarmWakesTheBoxAndItsCancelEndsIt) {
  const auto key = crypto::SigningKey::FromFile(factory_ + "/emergency.key");
  ASSERT_TRUE(key) << key.error().ToString();
  const auto utc = static_cast<uint32_t>(time(nullptr) - kEpoch2024Seconds - 60);
  EmergencyMessage message{.key_id = 1, .regions = {640122}};
  message.alert = {.number = 5,
                   .stamp = Stamp(uint64_t{utc} << 8),
                   .start = utc,
                   .minutes = 30,
                   .kind = 2,
                   .severity = 1,
                   .service = {1, 2, 3}};
  AppendAll();
  ASSERT_EQ(Call("feed --sections " + air_ + " " + place_).exit_code, 0);
  EXPECT_EQ(Call("power standby --json " + place_).json()["awake"], false);
  Append(air::MakeEmergency(message, *key));
  const Json fed = Call("feed --json --until alarm --sections " + air_ + " " + place_).json();
  EXPECT_EQ(fed["alarm"]["kind"], "earthquake");
  EXPECT_EQ(fed["alarm"]["severity"], "red");
  EXPECT_EQ(fed["alarm"]["drill"], false);
  EXPECT_EQ(fed["alarm"]["service"], "1.2.3");
  const Json status = Call("status --json " + place_).json();
  EXPECT_EQ(status["standby"], true);
  EXPECT_EQ(status["awake"], true);
  EXPECT_EQ(status["alarm"], fed["alarm"]);
  EXPECT_EQ(status["box"]["emergency_keys"].size(), 2U);
  EXPECT_NE(Call("status " + place_).out.find("ALARM: earthquake, red (I), until "), std::string::npos);
  const Ran watched = Call("watch --for 0.2 --sections " + air_ + " " + place_);
  EXPECT_NE(watched.out.find("\"event\":\"alarm\""), std::string::npos) << watched.out;

  message.alert.stamp = Stamp(message.alert.stamp.value + 1);
  message.alert.drill = true;
  Append(air::MakeEmergency(message, *key));
  EXPECT_EQ(Call("feed --until drill --sections " + air_ + " " + place_).exit_code, 0);
  EXPECT_NE(Call("status " + place_).out.find("DRILL (演练): earthquake"), std::string::npos);
  message.alert.stamp = Stamp(message.alert.stamp.value + 1);
  message.alert.cancelled = true;
  Append(air::MakeEmergency(message, *key));
  const Json cancelled = Call("feed --json --sections " + air_ + " " + place_).json();
  EXPECT_EQ(cancelled["alarm"], nullptr);
  EXPECT_EQ(cancelled["ignored"]["old_stamp"], 1);
  EXPECT_EQ(Call("status --json " + place_).json()["awake"], false);
}

TEST_F(Program, FromTheFactoryToThePictureAndIntoTheCity) {
  EXPECT_EQ(Call("status --json " + place_).json()["screen"], "E04");
  AppendAll();
  const Ran fed = Call("feed --json --sections " + air_ + " " + place_);
  EXPECT_EQ(fed.exit_code, 0) << fed.out;
  EXPECT_EQ(fed.json()["taken"], 4);
  EXPECT_EQ(fed.json()["lit"], true);

  const Ran ecm = Call("ecm --section " + EcmHex() + " " + place_);
  EXPECT_EQ(ecm.exit_code, 0);
  EXPECT_EQ(ecm.out, "abababababababab\nE04: The programme is closed to all.\n");

  EXPECT_EQ(Call("read --cell lte:460:00:1:2@-75 --cell gsm:460:00:9:9 --at 2026-11-20T00:00:00Z " + place_)
                .exit_code,
            0);
  const Ran report = Call("report --at 2026-11-20T00:00:05Z " + place_);
  ASSERT_EQ(report.exit_code, 0) << report.out;
  EXPECT_EQ(report.json()["card_number"], "640000000003");
  EXPECT_EQ(report.json()["box_serial"], "1000000000000003");
  EXPECT_EQ(report.json()["sim_number"], "14700000003");
  EXPECT_EQ(report.json()["counter"], 1);
  EXPECT_EQ(report.json()["time"], "2026-11-20T00:00:05.000Z");
  EXPECT_EQ(report.json()["cells"][0]["cell"], "lte:460:00:1:2");
  EXPECT_EQ(report.json()["cells"][0]["signal_dbm"], -75);
  EXPECT_EQ(report.json()["mac"].get<std::string>().size(), 16U);
  EXPECT_EQ(Call("report --no-signal " + place_).json()["counter"], 2);

  const std::string strange = "read --cell lte:460:00:7:7 " + place_;
  EXPECT_EQ(Call(strange + " --at 2026-11-20T01:00:00Z").exit_code, 0);
  EXPECT_EQ(Call(strange + " --powered-hours 71.9").exit_code, 0);
  EXPECT_EQ(Call(strange + " --powered-hours 0.1").exit_code, 3);
  const Ran dark = Call("ecm --json --section " + EcmHex() + " " + place_);
  EXPECT_EQ(dark.exit_code, 3);
  EXPECT_EQ(dark.json()["screen"], "E09");
  EXPECT_EQ(Call("read --cell lte:460:00:1:2 --powered-hours 1 " + place_).exit_code, 0);
}

TEST_F(Program, StatusTellsEverythingButKeys) {
  AppendAll();
  Call("feed --sections " + air_ + " " + place_);
  Call("read --no-signal " + place_);
  for (const char* how : {"", "--json "}) {
    const Ran status = Call("status " + std::string(how) + place_);
    EXPECT_EQ(status.exit_code, 0);
    for (const Key& key : {card_key_, chip_key_, air::TestKey(3), air::TestKey(4), air::TestKey(5)}) {
      EXPECT_EQ(status.out.find(ToHex(key.secret_bytes())), std::string::npos);
    }
    for (const char* shown : {"640000000003", "1000000000000003", "14700000003", "640122001"}) {
      EXPECT_NE(status.out.find(shown), std::string::npos) << shown;
    }
  }
}

TEST_F(Program, ACardIsCarriedIntoAnotherBox) {
  AppendAll();
  Call("feed --sections " + air_ + " " + place_);
  const std::string other = "--card-state " + dir_.File("card") + " --box-state " + dir_.File("box4");
  ASSERT_EQ(
      Call("new --from " + factory_ + " --box 1000000000000004 --box-state " + dir_.File("box4")).exit_code,
      0);
  const Ran carried = Call("ecm --section " + EcmHex() + " " + other);
  EXPECT_EQ(carried.exit_code, 3);
  EXPECT_EQ(carried.out.rfind("E14: ", 0), 0U) << carried.out;
  EXPECT_EQ(Call("status --json --box-state " + dir_.File("box4")).json()["screen"], "E01");
  EXPECT_EQ(Call("ecm --section " + EcmHex() + " " + place_).exit_code, 0);
}

TEST_F(Program, ExitCodesTellUsageFromBadInput) {
  std::ofstream(dir_.File("bad")) << "hearth-card 1\n";
  AppendAll();
  std::ofstream(dir_.File("cut"), std::ios::binary) << ReadWholeFile(air_).value() << "\x82\x70";
  struct Row {
    const char* name;
    std::string arguments;
    int exit_code;
  };
  const Row rows[] = {
      {"no command", "", 2},
      {"unknown command", "fly", 2},
      {"unknown option", "status --wings " + place_, 2},
      {"no box", "status", 2},
      {"help", "--help", 0},
      {"help of a command", "feed --help", 0},
      {"bad cell", "read --cell lte:1:2 " + place_, 2},
      {"no cell", "read " + place_, 2},
      {"cell and no signal", "read --no-signal --cell lte:460:00:1:2 " + place_, 2},
      {"bad module", "read --no-signal --module broken " + place_, 2},
      {"bad time", "read --no-signal --at yesterday " + place_, 2},
      {"bad condition", "feed --until happy --sections " + air_ + " " + place_, 2},
      {"bad hexadecimal", "ecm --section 8 " + place_, 2},
      {"report without card", "report --box-state " + dir_.File("box"), 2},
      {"report without reading", "report " + place_, 2},
      {"not an ECM", "ecm --section 00 " + place_, 4},
      {"no such state", "status --box-state " + dir_.File("none"), 4},
      {"damaged state", "status --box-state " + dir_.File("box") + " --card-state " + dir_.File("bad"), 4},
      {"no such sections", "feed --sections " + dir_.File("none") + " " + place_, 4},
      {"cut off sections", "feed --sections " + dir_.File("cut") + " " + place_, 4},
      {"condition not met", "feed --until dark --sections " + air_ + " " + place_, 3},
      {"state exists", "new --from " + factory_ + " --card 640000000004 --card-state " + dir_.File("card"),
       4},
      {"unknown card", "new --from " + factory_ + " --card 640000000011 --card-state " + dir_.File("c"), 4},
      {"unknown box", "new --from " + factory_ + " --box 1000000000000011 --box-state " + dir_.File("b"), 4},
      {"card without state", "new --from " + factory_ + " --card 640000000004", 2},
      {"batch exists",
       "personalise --batch 1 --count 1 --first-card 640000000001 --first-box 1000000000000001 --first-sim "
       "14700000001 --out " +
           factory_,
       4},
  };
  for (const Row& row : rows) {
    const Ran ran = Call(row.arguments);
    EXPECT_EQ(ran.exit_code, row.exit_code) << row.name << ": " << ran.out;
    EXPECT_NE(ran.out, "") << row.name;
  }
  EXPECT_EQ(ReadWholeFile(dir_.File("bad")).value(), "hearth-card 1\n");
}

TEST_F(Program, FeedFollowsUntilTheConditionHoldsAndLeavesTheStatesFree) {
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    AppendAll();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(Call("report --no-signal " + place_).exit_code, 0);  // while feed runs
    Append(Dark(2));
  });
  const Ran fed = Call("feed --json --follow --for 20 --until dark --sections " + air_ + " " + place_);
  EXPECT_EQ(fed.exit_code, 0) << fed.out;  // a card without record is dark: at once
  const Ran opened = Call("feed --json --follow --for 20 --until opens --ecm " + EcmHex() + " --sections " +
                          air_ + " " + place_);
  EXPECT_EQ(opened.exit_code, 0) << opened.out;
  const Ran dark = Call("feed --json --follow --for 20 --until E09 --sections " + air_ + " " + place_);
  EXPECT_EQ(dark.exit_code, 0) << dark.out;
  writer.join();
  EXPECT_EQ(Call("status --json " + place_).json()["card"]["counter"], 1);
  EXPECT_EQ(Call("feed --for 0.01 --follow --until lit --sections " + air_ + " " + place_).exit_code, 3);
}

TEST_F(Program, WatchPrintsAChangeWithinMilliseconds) {
  AppendAll();
  FILE* watch =
      popen((kProgram + " watch --for 20 --until E09 --sections " + air_ + " " + place_).c_str(), "r");
  std::array<char, 1024> line{};
  std::vector<std::string> events;
  std::chrono::steady_clock::time_point written;
  std::chrono::steady_clock::duration took{};
  while (fgets(line.data(), static_cast<int>(line.size()), watch) != nullptr) {
    const Json event = Json::parse(std::string(line.data()));
    events.push_back(event["event"].get<std::string>() + " " + event["screen"].get<std::string>());
    if (event["event"] == "caught_up") {
      written = std::chrono::steady_clock::now();
      Append(Dark(2));
    }
    took = std::chrono::steady_clock::now() - written;
  }
  EXPECT_EQ(WEXITSTATUS(pclose(watch)), 0);
  const std::vector<std::string> expected = {"start E04", "screen ", "caught_up ", "screen E09"};
  EXPECT_EQ(events, expected);
  // Some milliseconds on a quiet machine; the bound allows for a busy one.
  EXPECT_LT(std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), 1000);
  // Nothing was written back.
  EXPECT_EQ(Call("status --json " + place_).json()["card"]["record"], nullptr);
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

TEST_F(Program, ManPageAndHelpNameTheSameCommandsAndOptions) {
  std::string manual =
      ReadWholeFile(std::string(HEARTH_SOURCE_DIR) + "/tools/receiver/hearth-receiver.1").value();
  for (size_t at = 0; (at = manual.find("\\-", at)) != std::string::npos;) manual.erase(at, 1);
  std::set<std::string> offered = OptionsIn(Call("--help").out);
  const char* commands[] = {"personalise", "new",    "feed", "watch", "read",
                            "power",       "report", "ecm",  "play",  "status"};
  const std::string help = Call("--help").out;
  const std::string subcommands = help.substr(help.find("Subcommands:"));
  EXPECT_EQ(std::count(subcommands.begin(), subcommands.end(), '\n') - 3,
            static_cast<int64_t>(std::size(commands)))
      << "a subcommand this test does not know:\n"
      << subcommands;
  for (const std::string command : commands) {
    EXPECT_NE(help.find("\n  " + command + " "), std::string::npos) << command;
    EXPECT_NE(manual.find("\n.B " + command + "\n"), std::string::npos) << command;
    offered.merge(OptionsIn(Call(command + " --help").out));
  }
  EXPECT_EQ(offered, OptionsIn(manual));
}

TEST(Factory, NumbersRunOnAndCheckDigitsMatch) {
  // Published examples: the IMEI of GSMA TS.06 Annex, the card number of ISO/IEC 7812 texts.
  EXPECT_EQ(LuhnDigit("49015420323751"), '8');
  EXPECT_EQ(LuhnDigit("7992739871"), '3');
  const TempDir dir;
  SeededRandom random(5);
  BatchPlan plan{BatchId(7), kFirstCard, kFirstBox, SimNumber(14700000001), 300, "HH-S1"};
  ASSERT_TRUE(Personalise(plan, random, dir.File("f")));
  std::ifstream boxes(dir.File("f") + "/boxes.csv");
  std::string line;
  std::getline(boxes, line);
  EXPECT_EQ(line, "box_serial,encrypted_serial,imei,model,chip_key");
  std::set<std::string> serials, imeis, keys;
  while (std::getline(boxes, line)) {
    std::vector<std::string> fields;
    std::stringstream row(line);
    for (std::string field; std::getline(row, field, ',');) fields.push_back(field);
    ASSERT_EQ(fields.size(), 5U) << line;
    EXPECT_EQ(fields[0].size(), 16U);
    EXPECT_EQ(fields[1].size(), 11U);
    EXPECT_EQ(fields[2].size(), 15U);
    EXPECT_EQ(fields[2][14], LuhnDigit(fields[2].substr(0, 14)));
    EXPECT_TRUE(KeyFromHex(fields[4], "chip_key").has_value()) << line;
    serials.insert(fields[1]);
    imeis.insert(fields[2]);
    keys.insert(fields[4]);
  }
  EXPECT_EQ(serials.size(), 300U);
  EXPECT_EQ(imeis.size(), 300U);
  EXPECT_EQ(keys.size(), 300U);
}

TEST(Factory, CardKeysFollowFromTheBatchMaster) {
  const TempDir dir;
  SeededRandom random(5);
  BatchPlan plan{BatchId(7), kFirstCard, kFirstBox, SimNumber(14700000001), 3, "HH-S1"};
  ASSERT_TRUE(Personalise(plan, random, dir.File("f")));
  const std::string batches = ReadWholeFile(dir.File("f") + "/batches.csv").value();
  const Key master = KeyFromHex(batches.substr(batches.size() - 33, 32), "master").value();
  const Card card = MakeCard(dir.File("f"), CardNumber(640000000002)).value();
  EXPECT_EQ(card.state().card_key, DeriveCardKey(master, CardNumber(640000000002)));
  EXPECT_EQ(CardText(card.state()).find(ToHex(master.secret_bytes())), std::string::npos);
  EXPECT_EQ(MakeBox(dir.File("f"), BoxSerial(1000000000000002), SimNumber(14700000003)).value().state().sim,
            SimNumber(14700000003));
  EXPECT_EQ(MakeBox(dir.File("f"), BoxSerial(1000000000000002), SimNumber(14700000009)).error().reason(),
            Reason::kSimUnknown);
}

TEST(Factory, RefusesABatchThatRunsOutOfDigits) {
  const TempDir dir;
  SeededRandom random(5);
  const BatchPlan good{BatchId(7), kFirstCard, kFirstBox, SimNumber(14700000001), 3, "HH-S1"};
  struct Row {
    const char* name;
    std::function<void(BatchPlan&)> spoil;
  };
  const Row rows[] = {
      {"no cards", [](BatchPlan& p) { p.count = 0; }},
      {"too many", [](BatchPlan& p) { p.count = kMaxBatchCards + 1; }},
      {"batch 0", [](BatchPlan& p) { p.batch = BatchId(0); }},
      {"cards", [](BatchPlan& p) { p.first_card = CardNumber(kMaxCardNumber - 1); }},
      {"boxes", [](BatchPlan& p) { p.first_box = BoxSerial(kMaxBoxSerial - 1); }},
      {"SIMs", [](BatchPlan& p) { p.first_sim = SimNumber(99'999'999'998); }},
      {"model", [](BatchPlan& p) { p.model = "a,b"; }},
  };
  for (const Row& row : rows) {
    BatchPlan plan = good;
    row.spoil(plan);
    const Status made = Personalise(plan, random, dir.File("f"));
    ASSERT_FALSE(made.has_value()) << row.name;
    EXPECT_EQ(made.error().reason(), Reason::kFieldInvalid) << row.name;
    EXPECT_FALSE(std::filesystem::exists(dir.File("f"))) << row.name;
  }
}

}  // namespace
}  // namespace hearth::receiver
