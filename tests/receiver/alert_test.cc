// Emergency broadcast in the box: docs/messages.md section 6, "Emergency".
#include "tools/receiver/alert.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/receiver/home.h"

namespace hearth::receiver {
namespace {

constexpr uint64_t kStamp = uint64_t{kNow} << 8;

UnixMillis At(uint64_t seconds) {
  return UnixMillis((static_cast<int64_t>(kNow + seconds) + kEpoch2024Seconds) * 1000);
}
// "ALARM 7", "DRILL 7" for each that sounds.
std::string Sounds(const Home& home) {
  std::string out;
  for (const Alert& alert : home.receiver.alarms()) {
    out += (out.empty() ? "" : " ") + std::string(alert.drill ? "DRILL " : "ALARM ") +
           std::to_string(alert.number);
  }
  return out;
}
EmergencyMessage With(const std::function<void(EmergencyMessage&)>& change) {
  EmergencyMessage message = Home::Flood();
  change(message);
  return message;
}
EmergencyMessage Cancelled(uint64_t stamp = kStamp + 1) {
  EmergencyMessage message = Home::Flood(stamp);
  message.alert.cancelled = true;
  return message;
}

TEST(Alert, SoundsInItsRegionsOnly) {
  struct Row {
    const char* name;
    std::vector<uint32_t> regions;
    bool installed;
    bool sounds;
  };
  // The home is in area 640122001.
  const Row rows[] = {
      {"its county", {640122}, true, true},
      {"its prefecture", {640100}, true, true},
      {"its province", {640000}, true, true},
      {"everywhere", {0}, true, true},
      {"everywhere, without an area", {0}, false, true},
      {"the last of many", {110000, 630000, 640122}, true, true},
      {"a county beside it", {640121}, true, false},
      {"a prefecture beside it", {640200}, true, false},
      {"another province", {650000}, true, false},
      {"its county, without an area", {640122}, false, false},
  };
  for (const Row& row : rows) {
    Home home;
    if (row.installed) {
      ASSERT_TRUE(home.Install());
    }
    const Why why = home.SendAlert(With([&](auto& m) { m.regions = row.regions; }));
    EXPECT_EQ(why, row.sounds ? Why::kTaken : Why::kNotMine) << row.name;
    EXPECT_EQ(Sounds(home), row.sounds ? "ALARM 7" : "") << row.name;
  }
}

TEST(Alert, NeedsNoCardAndNoPicture) {
  Home home;
  home.receiver.Remove();
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.regions = {0}; })), Why::kTaken);
  EXPECT_EQ(Sounds(home), "ALARM 7");
  EXPECT_EQ(home.Screen(), "E01");
}

TEST(Alert, WakesFromStandbyAndGoesBack) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.receiver.SetStandby(true);
  EXPECT_FALSE(home.receiver.awake());
  home.SendAlert(Home::Flood());
  EXPECT_TRUE(home.receiver.awake());
  home.SendAlert(Cancelled());
  EXPECT_FALSE(home.receiver.awake());
}

TEST(Alert, ADrillIsShownAsADrill) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendAlert(With([](auto& m) { m.alert.drill = true; }));
  EXPECT_EQ(Sounds(home), "DRILL 7");
  const std::string text = AlarmText(home.receiver.alarms().front());
  EXPECT_EQ(text.rfind("DRILL (演练): flood, orange (II), until ", 0), 0U) << text;
  EXPECT_NE(text.find("tune to 65280.3.101"), std::string::npos) << text;
  EXPECT_EQ(text.find("ALARM"), std::string::npos) << text;
}

TEST(Alert, RunsFromItsStartToItsEnd) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.alert.start = kNow + 60; })), Why::kTaken);
  EXPECT_EQ(Sounds(home), "");
  home.receiver.SetTime(At(59));
  EXPECT_EQ(Sounds(home), "");
  home.receiver.SetTime(At(60));
  EXPECT_EQ(Sounds(home), "ALARM 7");
  home.receiver.SetTime(At(60 + 7199));
  EXPECT_EQ(Sounds(home), "ALARM 7");
  home.receiver.SetTime(At(60 + 7200));
  EXPECT_EQ(Sounds(home), "");
}

// The card's clock counts, and no time that is unsigned.
TEST(Alert, AnEcmTellsTheTime) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendAlert(Home::Flood());
  home.Opens({1, 0, 0}, kNow + 7199);
  EXPECT_EQ(Sounds(home), "ALARM 7");
  home.Opens({1, 0, 0}, kNow + 7200);
  EXPECT_EQ(Sounds(home), "");
}

TEST(Alert, CancelEndsItAndAReplayDoesNotBringItBack) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kTaken);
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kTaken) << "a repetition";
  EXPECT_EQ(home.SendAlert(Cancelled()), Why::kTaken);
  EXPECT_EQ(Sounds(home), "");
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kOldStamp);
  EXPECT_EQ(home.SendAlert(Cancelled()), Why::kTaken);
  EXPECT_EQ(Sounds(home), "");
  home.receiver.SetTime(At(7200));
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kOver);
  EXPECT_EQ(home.SendAlert(Cancelled()), Why::kOver);
  EXPECT_TRUE(home.receiver.box().state().alerts.held.empty());
}

TEST(Alert, ACancelThatCameFirstCounts) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendAlert(Cancelled()), Why::kTaken);
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kOldStamp);
  EXPECT_EQ(Sounds(home), "");
}

// A newer authentic message tells that time has passed, also without ECMs.
TEST(Alert, AReplayFromBeforeANewerAlertIsOver) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendAlert(With([](auto& m) {
    m.alert.number = 9;
    m.alert.stamp = Stamp(kStamp + (uint64_t{7200} << 8));
    m.alert.start = kNow + 7200;
    m.regions = {110000};  // not even for this home
  }));
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kOver);
}

TEST(Alert, ACancelIsHeardAfterAMove) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendAlert(Home::Flood());
  home.record.area = AreaId(110101001);
  home.SendRecord(200);
  EXPECT_EQ(home.SendAlert(Cancelled()), Why::kTaken);
  EXPECT_EQ(Sounds(home), "");
}

TEST(Alert, EveryFlippedBitIsRefused) {
  Home home;
  ASSERT_TRUE(home.Install());
  const AlertState before = home.receiver.box().state().alerts;
  const Bytes good = air::MakeEmergency(Home::Flood());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(home.receiver.Feed(bad).why, Why::kTaken) << bit;
    EXPECT_EQ(home.receiver.box().state().alerts, before) << bit;
  }
  EXPECT_EQ(home.receiver.Feed(good).why, Why::kTaken);
}

TEST(Alert, RulesOfTheForm) {
  struct Row {
    const char* name;
    std::function<void(EmergencyMessage&)> change;
  };
  const Row rows[] = {
      {"no minutes", [](auto& m) { m.alert.minutes = 0; }},
      {"kind 0", [](auto& m) { m.alert.kind = 0; }},
      {"severity 0", [](auto& m) { m.alert.severity = 0; }},
      {"severity 5", [](auto& m) { m.alert.severity = 5; }},
      {"a reserved bit", [](auto& m) { m.alert.severity = 0x0A; }},
      {"half a pointer",
       [](auto& m) {
         m.alert.service = {1, 2, 0};
       }},
      {"no region", [](auto& m) { m.regions.clear(); }},
      {"32 regions",
       [](auto& m) {
         m.regions.clear();
         for (uint32_t i = 0; i < 32; ++i) m.regions.push_back(640000 + i);
       }},
      {"regions out of order",
       [](auto& m) {
         m.regions = {640122, 640000};
       }},
      {"a region twice",
       [](auto& m) {
         m.regions = {640122, 640122};
       }},
      {"everywhere and more",
       [](auto& m) {
         m.regions = {0, 640122};
       }},
      {"a region of 5 digits", [](auto& m) { m.regions = {99999}; }},
  };
  for (const Row& row : rows) {
    Home home;
    ASSERT_TRUE(home.Install());
    EXPECT_EQ(home.SendAlert(With(row.change)), Why::kMalformed) << row.name;
  }
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.alert.kind = 200; })), Why::kTaken) << "a kind to come";
  EXPECT_NE(AlarmText(home.receiver.alarms().front()).find(": other, "), std::string::npos);
}

TEST(Alert, AHigherKeyIdEndsTheLowerOnes) {
  Home home;
  ASSERT_TRUE(home.Install());
  // The thief of key 1: an alarm with the largest stamp, which sets the clock far ahead.
  EXPECT_EQ(home.SendAlert(With([](auto& m) {
    m.alert.stamp = Stamp(0xFF'FFFF'FFFF);
    m.alert.start = UINT32_MAX;
  })),
            Why::kTaken);
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kOver);
  EXPECT_EQ(home.SendAlert(With([](auto& m) {
    m.key_id = 2;
    m.alert.drill = true;
    m.regions = {110000};
  })),
            Why::kNotMine);
  EXPECT_EQ(home.receiver.box().state().alerts.lowest_key, 2);
  EXPECT_TRUE(home.receiver.box().state().alerts.held.empty());
  EXPECT_EQ(home.SendAlert(Home::Flood()), Why::kNoKey);
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.key_id = 2; })), Why::kTaken);
  EXPECT_EQ(Sounds(home), "ALARM 7");
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.key_id = 3; })), Why::kNoKey);
}

TEST(Alert, TheGravestAlarmComesFirst) {
  Home home;
  ASSERT_TRUE(home.Install());
  const auto send = [&](uint16_t number, bool drill, uint8_t severity, uint64_t stamp) {
    EXPECT_EQ(home.SendAlert(With([&](auto& m) {
      m.alert.number = number;
      m.alert.drill = drill;
      m.alert.severity = severity;
      m.alert.stamp = Stamp(kStamp + stamp);
    })),
              Why::kTaken);
  };
  send(1, true, 1, 9);
  send(2, false, 3, 0);
  send(3, false, 2, 1);
  send(4, false, 2, 2);
  EXPECT_EQ(Sounds(home), "ALARM 4 ALARM 3 ALARM 2 DRILL 1");
}

TEST(Alert, ABoxHasRoomFor64) {
  Home home;
  ASSERT_TRUE(home.Install());
  for (uint16_t i = 0; i < 64; ++i) {
    EXPECT_EQ(home.SendAlert(With([&](auto& m) { m.alert.number = i; })), Why::kTaken);
  }
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.alert.number = 64; })), Why::kFull);
  EXPECT_EQ(home.SendAlert(With([](auto& m) { m.alert.number = 63; })), Why::kTaken);
  home.receiver.SetTime(At(7200));
  EXPECT_EQ(home.SendAlert(With([](auto& m) {
    m.alert.number = 64;
    m.alert.start = kNow + 7200;
  })),
            Why::kTaken);
}

}  // namespace
}  // namespace hearth::receiver
