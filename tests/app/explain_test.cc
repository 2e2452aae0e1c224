// Why is this home dark: what is said in each situation, in both languages.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/app/explain_text.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

TEST(ExplainText, IsCompleteInBothLanguages) {
  const auto chinese = [](std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
  };
  const auto expect = [&](std::string_view english, std::string_view translated, const std::string& what) {
    EXPECT_FALSE(english.empty()) << what;
    EXPECT_FALSE(chinese(english)) << what << ": " << english;
    EXPECT_TRUE(chinese(translated)) << what << ": " << translated;
    // Every name in braces stands in both.
    for (const std::string_view name :
         {"{area}", "{box}", "{since}", "{time}", "{cell}", "{fate}", "{list}", "{version}", "{policy}",
          "{verdict}", "{cells}", "{number}", "{hours}", "{state}", "{cause}"}) {
      EXPECT_EQ(english.find(name) == english.npos, translated.find(name) == translated.npos)
          << what << " " << name;
    }
  };
  for (size_t i = 0; i < kSituations; ++i) {
    const auto situation = static_cast<Situation>(i);
    const SituationText& english = TextOf(situation, Language::kEnglish);
    const SituationText& translated = TextOf(situation, Language::kChinese);
    const std::string what = "situation " + std::to_string(i);
    expect(english.why, translated.why, what + " why");
    expect(english.what_to_do, translated.what_to_do, what + " what to do");
    expect(english.would_change, translated.would_change, what + " would change");
    EXPECT_EQ(ReasonOf(situation).has_value(), situation > Situation::kLitHeld) << what;
  }
  const auto both = [&](const std::string& what, auto&& text, auto... args) {
    expect(text(args..., Language::kEnglish), text(args..., Language::kChinese), what);
  };
  for (const std::string_view code : ScreenCodes()) both("screen", ScreenText, code);
  // Every code that a reason carries is explained.
  for (const ReasonInfo& info : AllReasons()) both(std::string(info.name), ScreenText, info.viewer);
  for (uint8_t i = 1; i <= 4; ++i) both("delivery", DeliveryText, static_cast<DeliveryState>(i));
  for (uint8_t i = 1; i <= 6; ++i) both("verdict", VerdictText, static_cast<geofence::Verdict>(i));
  for (uint8_t i = 1; i <= 4; ++i) both("fate", FateText, static_cast<geofence::CellFate>(i));
  for (size_t i = 0; i < kOfflines; ++i) both("offline", OfflineText, static_cast<Offline>(i));
  for (size_t i = 0; i < kLines; ++i) {
    if (static_cast<Line>(i) != Line::kIntervention) both("line", LineText, static_cast<Line>(i));
  }
}

class Explains : public testing::Test {
 protected:
  Explanation Of(uint64_t n, Language language = Language::kEnglish) {
    auto explanation = site.head().location().Explain(CardOf(n), language);
    EXPECT_TRUE(explanation) << explanation.error().ToString();
    return explanation ? std::move(*explanation) : Explanation{};
  }
  static std::string Evidence(const Explanation& explanation) {
    std::string all;
    for (const std::string& line : explanation.evidence) all += line + "\n";
    return all;
  }
  Site site;
};

TEST_F(Explains, EverySituationOfACard) {
  EXPECT_EQ(Of(1).reason, Reason::kCardNotInAccount);
  EXPECT_EQ(Of(1).viewer_code, "E02");
  ASSERT_TRUE(site.Open(1));
  Home home = site.NewHome(1);
  EXPECT_EQ(Of(1).reason, Reason::kWaitingForInstallation);
  EXPECT_THAT(Of(1).why, HasSubstr("has not reported yet"));
  EXPECT_EQ(Of(1).area, kArea);
  struct Row {
    const Heard& heard;
    Reason reason;
    std::string_view offline;
  };
  const Heard nothing;
  for (const Row& row : {Row{kCity, Reason::kInstallBlacklisted, "serving cell is a city's"},
                         Row{kRenumbered, Reason::kInstallUnknownCell, "72 hours on cells"},
                         Row{nothing, Reason::kInstallNoSignal, "deaf for 72 hours"}}) {
    site.clock.Advance(minutes(1));
    ASSERT_TRUE(site.Send(home, row.heard));
    const Explanation why = Of(1);
    EXPECT_EQ(why.reason, row.reason);
    EXPECT_FALSE(why.lit);
    EXPECT_EQ(why.viewer_code, "E09");
    EXPECT_THAT(why.screen, HasSubstr("not authorised in this place"));
    EXPECT_THAT(Evidence(why), HasSubstr(row.offline));
  }
  site.clock.Advance(minutes(1));
  ASSERT_EQ(site.Send(home, kHome)->outcome, ReportOutcome::kActivated);
  site.Drain();
  Explanation why = Of(1);
  EXPECT_TRUE(why.lit);
  EXPECT_FALSE(why.reason);
  EXPECT_THAT(why.why, HasSubstr("is open for area 640122001"));
  EXPECT_THAT(Evidence(why), HasSubstr("cell " + kHome[0] + "@-80: own area, list 640122001 version 1"));
  EXPECT_THAT(Evidence(why), HasSubstr("policy version 1"));
  EXPECT_THAT(why.delivery, HasSubstr("on the air"));

  // Observed reports count although the store does not have them yet.
  site.clock.Advance(minutes(10));
  ASSERT_EQ(site.Send(home, kRenumbered)->outcome, ReportOutcome::kObserved);
  why = Of(1);
  EXPECT_THAT(why.why, HasSubstr("on no list"));
  EXPECT_THAT(Evidence(why), HasSubstr("cell " + kRenumbered[0] + ": on no list"));
  EXPECT_THAT(why.delivery, HasSubstr("has reported since"));
  site.clock.Advance(minutes(1));
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kCounted);
  EXPECT_THAT(Of(1).why, HasSubstr("last reports came from elsewhere"));
  site.clock.Advance(minutes(2));
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kSwitchedOff);
  why = Of(1);
  EXPECT_EQ(why.reason, Reason::kLocationBlacklisted);
  EXPECT_THAT(why.would_change, HasSubstr("One report from a cell of its area"));
  EXPECT_THAT(Evidence(why), HasSubstr("BLACKLISTED_CONFIRMED"));
  const Explanation chinese = Of(1, Language::kChinese);
  EXPECT_THAT(chinese.why, HasSubstr("城区基站"));
  EXPECT_THAT(chinese.what_to_do, HasSubstr("搬回"));
  EXPECT_THAT(chinese.screen, HasSubstr("E09"));
  EXPECT_THAT(Evidence(chinese), HasSubstr("城区,名单 640100001 第 1 版"));

  ASSERT_TRUE(site.Swap(1, {.card = CardOf(2), .box = BoxOf(1), .sim = SimOf(1)}));
  EXPECT_THAT(Of(1).why, HasSubstr("replaced by another one"));
  ASSERT_TRUE(site.Close(1));
  EXPECT_EQ(Of(2).reason, Reason::kAccountClosed);
}

}  // namespace
}  // namespace hearth::app
