#include "tools/receiver/state.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/receiver/home.h"
#include "tests/receiver/temp_dir.h"
#include "tools/receiver/files.h"

namespace hearth::receiver {
namespace {

// A home with something in every field.
void FillHome(Home& home) {
  home.record.cells = HashesOf(kArea, 3, {kHomeCell, kHomeCell2});
  ASSERT_TRUE(home.Install());
  home.SendServiceKeys(101, 22);
  home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 12, 9, 1, 3);
  home.SendTable(TableKind::kArea, kArea, 200, {}, 12, 9, 2, 3);
  home.SendTable(TableKind::kDeny, AreaId(640000001), 100, {});
  home.Opens();
  ASSERT_TRUE(home.receiver.mutable_card()->SignReport({}).has_value());
  home.Hear(10, Hears({kStrangeCell, "gsm:460:00:1:2@-71"}));
  home.Hear(20, Hears({kCityCell}));
  home.Hear(80, Hears({kCityCell, "nr:460:15:1:2@-90"}));
  EmergencyMessage drill = Home::Flood();
  drill.alert.number = 8;
  drill.alert.drill = true;
  home.SendAlert(Home::Flood());
  home.SendAlert(drill);
  drill.alert.cancelled = true;
  home.SendAlert(drill);
  home.receiver.SetStandby(true);
}

void Spit(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

TEST(State, RoundTripsEveryField) {
  Home home;
  FillHome(home);
  const TempDir dir;
  ASSERT_TRUE(SaveCard(*home.receiver.card(), dir.File("card")));
  ASSERT_TRUE(SaveBox(home.receiver.box(), dir.File("box")));
  const Card card = LoadCard(dir.File("card")).value();
  const Box box = LoadBox(dir.File("box")).value();
  EXPECT_EQ(card.state(), home.card());
  EXPECT_EQ(box.state(), home.receiver.box().state());
  EXPECT_EQ(box.state().darkness, Darkness::kDenyList);
  Receiver again(box, card);
  EXPECT_EQ(again.screen(), home.receiver.screen());
}

TEST(State, FilesAreForTheOwnerAlone) {
  Home home;
  const TempDir dir;
  Spit(dir.File("card"), "was readable by all");
  chmod(dir.File("card").c_str(), 0644);
  ASSERT_TRUE(SaveCard(*home.receiver.card(), dir.File("card")));
  struct stat info {};
  ASSERT_EQ(stat(dir.File("card").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(State, EveryDamageIsSeen) {
  Home home;
  FillHome(home);
  for (const std::string& text : {CardText(home.card()), BoxText(home.receiver.box().state())}) {
    const bool card = text.rfind("hearth-card", 0) == 0;
    const auto parses = [&](const std::string& damaged) {
      return card ? ParseCardText(damaged).has_value() : ParseBoxText(damaged).has_value();
    };
    ASSERT_TRUE(parses(text));
    for (size_t at = 0; at < text.size(); ++at) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      EXPECT_FALSE(parses(flipped)) << at;
      EXPECT_FALSE(parses(text.substr(0, at))) << at;
    }
    EXPECT_FALSE(parses(text + "x"));
  }
}

TEST(State, WrongContentUnderARightSumIsRefused) {
  const auto sealed = [](const std::string& body) {
    return body + "end " + ToHex(Sha256(AsBytes(body))) + "\n";
  };
  const std::string key(32, 'a');
  const std::string start =
      "hearth-card 1\nnumber 1\ncard_key " + key + "\nclock 0\ncounter 0\nstanding 0 0 0\n";
  EXPECT_TRUE(ParseCardText(sealed(start)).has_value());
  for (const char* line :
       {"number 2\n", "surprise 1\n", "record 5 00\n", "package 1 2 3 4\n", "package 70000 2 3 4 aa\n",
        "cells 3 640122001 1 3 72 -\n", "cells 1 640122001 1 2 72 -\n", "cells 1 640122001 1 3 72 0011\n",
        "part 1 640122001 1 1 0 3 72 0 -\n", "part 1 640122001 1 1 2 3 72 2 -\n", "table 1 x 1\n",
        "service 1 1 "
        "00\n",
        "\n", "clock 0 0\n"}) {
    const auto state = ParseCardText(sealed(start + line));
    ASSERT_FALSE(state.has_value()) << line;
    EXPECT_EQ(state.error().reason(), Reason::kStoreCorrupt);
  }
  EXPECT_FALSE(ParseCardText(sealed("hearth-card 2\n")).has_value());
  EXPECT_FALSE(ParseCardText(sealed("hearth-box 1\n")).has_value());
  EXPECT_FALSE(ParseCardText(sealed("")).has_value());
  EXPECT_FALSE(ParseCardText("").has_value());
}

TEST(State, ABadFileIsNamedAndLeftAsItIs) {
  const TempDir dir;
  Spit(dir.File("card"), "garbage");
  const auto card = LoadCard(dir.File("card"));
  ASSERT_FALSE(card.has_value());
  EXPECT_EQ(card.error().reason(), Reason::kStoreCorrupt);
  EXPECT_NE(card.error().message().find(dir.File("card")), std::string::npos);
  EXPECT_EQ(ReadWholeFile(dir.File("card")).value(), "garbage");
  EXPECT_EQ(LoadBox(dir.File("none")).error().reason(), Reason::kFileUnreadable);
}

TEST(State, AFailedSaveLeavesTheOldState) {
  Home home;
  const TempDir dir;
  ASSERT_TRUE(SaveCard(*home.receiver.card(), dir.File("card")));
  const std::string before = ReadWholeFile(dir.File("card")).value();
  std::filesystem::create_directory(dir.File("card.new"));  // in the way of the new file
  FillHome(home);
  const Status saved = SaveCard(*home.receiver.card(), dir.File("card"));
  ASSERT_FALSE(saved.has_value());
  EXPECT_EQ(saved.error().reason(), Reason::kStoreIo);
  EXPECT_EQ(ReadWholeFile(dir.File("card")).value(), before);
}

TEST(State, KilledAtAnyMomentLeavesAWholeState) {
  Home home;
  ASSERT_TRUE(home.Install());
  const TempDir dir;
  const std::string path = dir.File("card");
  ASSERT_TRUE(SaveCard(*home.receiver.card(), path));
  uint32_t last = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto card = LoadCard(path);
      while (card && card->SignReport({}) && SaveCard(*card, path)) {
      }
      _exit(1);
    }
    usleep(static_cast<useconds_t>(1000 + 700 * round));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto card = LoadCard(path);
    ASSERT_TRUE(card.has_value()) << card.error().ToString();
    EXPECT_GE(card->state().counter, last);
    last = card->state().counter;
    CardState expected = home.card();
    expected.counter = last;
    EXPECT_EQ(card->state(), expected);
  }
  EXPECT_GT(last, 0U);
}

TEST(State, LocksExcludeEachOther) {
  const TempDir dir;
  std::atomic<bool> second{false};
  std::thread waiting;
  {
    auto lock = StateLock::Take(dir.File("card"));
    ASSERT_TRUE(lock.has_value());
    waiting = std::thread([&] { second = StateLock::Take(dir.File("card")).has_value(); });
    usleep(50'000);
    EXPECT_FALSE(second);
    EXPECT_TRUE(StateLock::Take(dir.File("box")).has_value());
  }
  waiting.join();
  EXPECT_TRUE(second);
}

}  // namespace
}  // namespace hearth::receiver
