#include "entitlement/plan.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hearth::entitlement {
namespace {

using enum WindowKind;

constexpr int64_t kHour = 3'600'000;
constexpr UnixMillis kNow{1'795'392'000'000};

UnixMillis At(int64_t hours) { return UnixMillis(kNow.value + hours * kHour); }

Window Event(int64_t from, int64_t to, Criteria criteria = {}) {
  return {.kind = kEvent, .start = At(from), .end = At(to), .criteria = criteria};
}
Window FreeToAir(int64_t from, int64_t to) { return {.kind = kFreeToAir, .start = At(from), .end = At(to)}; }
Window Blackout(int64_t from, int64_t to, uint32_t division = 640100) {
  return {.kind = kBlackout, .start = At(from), .end = At(to), .division = division};
}
constexpr Criteria kProduct7 = {.mode = CriteriaMode::kProduct, .product = 7};
constexpr Criteria kOnlyHelan = {.division = 640122};

std::string FieldOf(const Error& error) {
  return error.violations().empty() ? "" : error.violations()[0].field;
}

TEST(CheckProduct, NamesTheFieldAtFault) {
  EXPECT_TRUE(CheckProduct({.id = 0, .name = "base"}));
  EXPECT_TRUE(CheckProduct({.id = 127, .name = std::string(64, 'a')}));
  EXPECT_EQ(FieldOf(CheckProduct({.id = 128, .name = "n"}).error()), "product.product_id");
  EXPECT_EQ(FieldOf(CheckProduct({.id = 1, .name = ""}).error()), "product.name");
  EXPECT_EQ(FieldOf(CheckProduct({.id = 1, .name = std::string(65, 'a')}).error()), "product.name");
}

TEST(CheckWindow, EachFaultHasItsReasonAndField) {
  struct Row {
    const char* name;
    Window window;
    std::function<void(Window&)> change;
    std::string reason;  // "": good
    std::string field;
  };
  const auto none = [](Window&) {};
  const Row rows[] = {
      {"event", Event(0, 1), none, "", ""},
      {"event with a product", Event(0, 1, kProduct7), none, "", ""},
      {"free to air", FreeToAir(0, 1), none, "", ""},
      {"blackout", Blackout(0, 1), none, "", ""},
      {"one second", Event(0, 1), [](Window& w) { w.end.value = w.start.value + 1000; }, "", ""},
      {"31 days", Event(0, 31 * 24), none, "", ""},
      {"400 days ahead", Event(400 * 24, 400 * 24 + 1), none, "", ""},
      {"over, but kept", Event(-7 * 24 - 1, -7 * 24), [](Window& w) { ++w.end.value; }, "", ""},
      {"longest texts", Event(0, 1),
       [](Window& w) {
         w.title = std::string(128, 't');
         w.event_id = std::string(64, 'i');
       },
       "", ""},
      {"product 128", Event(0, 1, {.mode = CriteriaMode::kProduct, .product = 128}), none, "FIELD_INVALID",
       "criteria.product"},
      {"product without its mode", Event(0, 1, {.product = 1}), none, "FIELD_INVALID", "criteria.product"},
      {"event with half a region", Event(0, 1, {.division = 64}), none, "FIELD_INVALID", "criteria.region"},
      {"event of a blackout's region", Event(0, 1), [](Window& w) { w.division = 640000; }, "FIELD_INVALID",
       "region"},
      {"free to air with criteria", FreeToAir(0, 1), [](Window& w) { w.criteria = kProduct7; },
       "FIELD_INVALID", "criteria"},
      {"free to air with a region", FreeToAir(0, 1), [](Window& w) { w.division = 640000; }, "FIELD_INVALID",
       "region"},
      {"blackout with criteria", Blackout(0, 1), [](Window& w) { w.criteria = kOnlyHelan; }, "FIELD_INVALID",
       "criteria"},
      {"blackout of nowhere", Blackout(0, 1, 0), none, "FIELD_MISSING", "region"},
      {"blackout of 5 digits", Blackout(0, 1, 99'999), none, "FIELD_INVALID", "region"},
      {"blackout of 7 digits", Blackout(0, 1, 1'000'000), none, "FIELD_INVALID", "region"},
      {"title of 129", Event(0, 1), [](Window& w) { w.title = std::string(129, 't'); }, "FIELD_INVALID",
       "title"},
      {"event id of 65", Event(0, 1), [](Window& w) { w.event_id = std::string(65, 'i'); }, "FIELD_INVALID",
       "event_id"},
      {"empty", Event(1, 1), none, "PLAN_WINDOW_LENGTH", "end"},
      {"backwards", Event(2, 1), none, "PLAN_WINDOW_LENGTH", "end"},
      {"999 ms", Event(0, 1), [](Window& w) { w.end.value = w.start.value + 999; }, "PLAN_WINDOW_LENGTH",
       "end"},
      {"31 days and a bit", Event(0, 31 * 24), [](Window& w) { ++w.end.value; }, "PLAN_WINDOW_LENGTH", "end"},
      {"all time", Event(0, 1),
       [](Window& w) {
         w.start = kTimeBegin;
         w.end = kTimeEnd;
       },
       "PLAN_WINDOW_LENGTH", "end"},
      {"no times", Event(0, 1), [](Window& w) { w.start = w.end = UnixMillis(0); }, "PLAN_OUT_OF_RANGE",
       "end"},
      {"401 days ahead", Event(400 * 24, 400 * 24 + 1), [](Window& w) { ++w.start.value; },
       "PLAN_OUT_OF_RANGE", "start"},
      {"at the end of time", Event(0, 1), [](Window& w) { w.start = w.end = kTimeEnd; }, "PLAN_OUT_OF_RANGE",
       "start"},
      {"over for 7 days", Event(-7 * 24 - 1, -7 * 24), none, "PLAN_OUT_OF_RANGE", "end"},
  };
  for (const Row& row : rows) {
    Window window = row.window;
    row.change(window);
    const Status status = CheckWindow(window, kNow);
    EXPECT_EQ(status ? "" : InfoOf(status.error().reason()).name, row.reason) << row.name;
    EXPECT_EQ(status ? "" : FieldOf(status.error()), row.field) << row.name;
  }
}

struct InForce {
  Criteria criteria;
  std::array<const Window*, kWindowKinds> windows{};
};

// Asks every window, one after the other.
InForce Naive(const Criteria& channel, const std::vector<Window>& windows, UnixMillis at) {
  InForce out{.criteria = channel};
  for (const Window& window : windows) {
    if (window.start <= at && at < window.end) out.windows[static_cast<size_t>(window.kind) - 1] = &window;
  }
  if (out.windows[0] != nullptr) out.criteria = out.windows[0]->criteria;
  if (out.windows[1] != nullptr) {
    out.criteria = {.mode = CriteriaMode::kOpen,
                    .division = out.criteria.division,
                    .division_except = out.criteria.division_except};
  }
  if (out.windows[2] != nullptr) {
    const uint32_t division = out.windows[2]->division;
    const bool fits =
        out.criteria.division == 0 || (out.criteria.division == division && out.criteria.division_except);
    if (!fits) out.criteria = {.mode = CriteriaMode::kClosed};
    if (fits) {
      out.criteria.division = division;
      out.criteria.division_except = true;
    }
  }
  return out;
}

Criteria AnyCriteria() {
  Criteria out;
  out.mode = *rc::gen::element(CriteriaMode::kClosed, CriteriaMode::kSubscribers, CriteriaMode::kProduct,
                               CriteriaMode::kOpen);
  if (out.mode == CriteriaMode::kProduct) out.product = static_cast<uint8_t>(*rc::gen::inRange(0, 128));
  out.division = *rc::gen::element<uint32_t>(0, 0, 640100, 640122);
  out.division_except = out.division != 0 && *rc::gen::arbitrary<bool>();
  return out;
}

// Windows that do not overlap within their kind, many of them touching.
std::vector<Window> AnyWindows() {
  std::vector<Window> out;
  for (const WindowKind kind : {kEvent, kFreeToAir, kBlackout}) {
    int64_t at = kNow.value;
    for (int left = *rc::gen::inRange(0, 12); left > 0; --left) {
      at += *rc::gen::element<int64_t>(0, 0, 1, 1000, 5000);
      const int64_t length = *rc::gen::element<int64_t>(1, 1000, 2000, 10'000);
      Window window{
          .number = out.size() + 1, .kind = kind, .start = UnixMillis(at), .end = UnixMillis(at + length)};
      if (kind == kEvent) window.criteria = AnyCriteria();
      if (kind == kBlackout) window.division = *rc::gen::element<uint32_t>(640100, 640122);
      out.push_back(window);
      at += length;
    }
  }
  SortWindows(out);
  return out;
}

RC_GTEST_PROP(Timeline, AgreesWithAskingEveryWindow, ()) {
  const Criteria channel = AnyCriteria();
  const std::vector<Window> windows = AnyWindows();
  const std::vector<PlanPiece> pieces = TimelineOf(channel, windows);
  std::vector<UnixMillis> instants = {kTimeBegin, kTimeEnd, kNow};
  for (const Window& window : windows) {
    for (const int64_t by : {-1, 0, 1}) {
      instants.emplace_back(window.start.value + by);
      instants.emplace_back(window.end.value + by);
    }
  }
  for (int i = 0; i < 20; ++i) instants.emplace_back(kNow.value + *rc::gen::inRange<int64_t>(-1000, 80'000));
  for (const UnixMillis at : instants) {
    const PlanPiece& piece = PieceAt(pieces, at);
    const InForce naive = Naive(channel, windows, at);
    RC_ASSERT(piece.criteria == naive.criteria);
    RC_ASSERT(piece.windows == naive.windows);
    RC_ASSERT(piece.from <= at);
  }
  for (size_t i = 1; i < pieces.size(); ++i) RC_ASSERT(pieces[i - 1].from < pieces[i].from);
}

TEST(Timeline, EachKindLiesOverTheFormer) {
  struct Row {
    const char* name;
    Criteria channel;
    std::vector<Window> windows;
    Criteria want;
    bool conflict = false;
  };
  const Criteria all_but_city = {.division = 640100, .division_except = true};
  const Criteria open_but_city = {.mode = CriteriaMode::kOpen, .division = 640100, .division_except = true};
  const Row rows[] = {
      {"nothing", kProduct7, {}, kProduct7},
      {"event", {}, {Event(0, 2, kProduct7)}, kProduct7},
      {"event that is over", {}, {Event(0, 1, kProduct7)}, {}},
      {"event to come", {}, {Event(2, 3, kProduct7)}, {}},
      {"free to air", kProduct7, {FreeToAir(0, 2)}, {.mode = CriteriaMode::kOpen}},
      {"free to air over an event with a region",
       {},
       {Event(0, 2, kOnlyHelan), FreeToAir(0, 2)},
       {.mode = CriteriaMode::kOpen, .division = 640122}},
      {"blackout", {}, {Blackout(0, 2)}, all_but_city},
      {"blackout over free to air", kProduct7, {FreeToAir(0, 2), Blackout(0, 2)}, open_but_city},
      {"blackout over the same region", all_but_city, {Blackout(0, 2)}, all_but_city},
      {"blackout over another region", kOnlyHelan, {Blackout(0, 2)}, {.mode = CriteriaMode::kClosed}, true},
      {"blackout over the region it blacks out",
       {.division = 640100},
       {Blackout(0, 2)},
       {.mode = CriteriaMode::kClosed},
       true},
  };
  for (const Row& row : rows) {
    std::vector<Window> windows = row.windows;
    SortWindows(windows);
    const auto pieces = TimelineOf(row.channel, windows);
    const PlanPiece& piece = PieceAt(pieces, At(1));
    EXPECT_EQ(piece.criteria, row.want) << row.name;
    EXPECT_EQ(piece.region_conflict, row.conflict) << row.name;
    EXPECT_EQ(CheckBase(row.channel, windows, At(1)).has_value(), !row.conflict) << row.name;
    EXPECT_TRUE(CheckBase(row.channel, windows, At(2))) << row.name;
  }
}

TEST(Timeline, TheWindowOnTopGivesTheAcId) {
  std::vector<Window> windows = {Event(0, 8), FreeToAir(2, 6), Blackout(4, 5)};
  windows[0].number = 0x10001;
  windows[1].number = 2;
  windows[2].number = 0x5FFFF;
  const auto pieces = TimelineOf({}, windows);
  EXPECT_EQ(PieceAt(pieces, At(-1)).ac_id(), 0);
  EXPECT_EQ(PieceAt(pieces, At(0)).ac_id(), 1);
  EXPECT_EQ(PieceAt(pieces, At(2)).ac_id(), 2);
  EXPECT_EQ(PieceAt(pieces, At(4)).ac_id(), 0xFFFF);
  EXPECT_EQ(PieceAt(pieces, At(5)).ac_id(), 2);
  EXPECT_EQ(PieceAt(pieces, At(8)).ac_id(), 0);
}

Result<PlanReplaced> Replace(const Criteria& channel, std::vector<Window> former, std::vector<Window> items,
                             const Limits& limits = {}, size_t elsewhere = 0) {
  SortWindows(former);
  std::vector<PlanItem> wanted;
  for (Window& item : items) wanted.push_back({wanted.size(), std::move(item)});
  return ReplaceWindows(channel, former, elsewhere, 100, At(0), At(24), std::move(wanted), limits);
}

TEST(ReplaceWindows, EachFaultIsThatOfItsItem) {
  struct Row {
    const char* name;
    Criteria channel;
    std::vector<Window> former;
    std::vector<Window> items;
    std::vector<std::string> refused;  // "index reason field"
  };
  const Row rows[] = {
      {"touching", {}, {Event(-2, 0), Event(24, 30)}, {Event(0, 10), Event(10, 24)}, {}},
      {"kinds do not touch each other", {}, {}, {Event(0, 10), FreeToAir(1, 2), Blackout(1, 5)}, {}},
      {"before from", {}, {}, {Event(-1, 1)}, {"0 PLAN_OUTSIDE_PUSH start"}},
      {"at to", {}, {}, {Event(23, 24), Event(24, 25)}, {"1 PLAN_OUTSIDE_PUSH start"}},
      {"ends after to", {}, {}, {Event(23, 30)}, {}},
      {"two items", {}, {}, {Event(0, 3), Event(2, 4)}, {"1 PLAN_OVERLAP start"}},
      {"two items, the later one first", {}, {}, {Event(2, 4), Event(0, 3)}, {"1 PLAN_OVERLAP end"}},
      {"the same twice", {}, {}, {Event(0, 3), Event(0, 3)}, {"1 PLAN_OVERLAP start"}},
      {"inside of a long one",
       {},
       {},
       {Event(0, 20), Event(2, 4), Event(6, 8)},
       {"1 PLAN_OVERLAP start", "2 PLAN_OVERLAP start"}},
      {"one that began before", {}, {Event(-2, 1)}, {Event(0, 3)}, {"0 PLAN_OVERLAP start"}},
      {"one that begins at to", {}, {Event(24, 30)}, {Event(20, 25)}, {"0 PLAN_OVERLAP end"}},
      {"one that is replaced", {}, {Event(1, 8)}, {Event(0, 3)}, {}},
      {"blackout over a region of the channel",
       kOnlyHelan,
       {},
       {Blackout(0, 1)},
       {"0 PLAN_REGION_CONFLICT region"}},
      {"blackout over a region of an event",
       {},
       {},
       {Event(0, 2, kOnlyHelan), Blackout(1, 3)},
       {"1 PLAN_REGION_CONFLICT region"}},
      {"event with a region under a blackout that stays",
       {},
       {Blackout(-2, 4)},
       {Event(2, 3, kOnlyHelan)},
       {"0 PLAN_REGION_CONFLICT region"}},
      {"event without one under it", kOnlyHelan, {}, {Event(0, 2), Blackout(0, 2)}, {}},
      {"several",
       {},
       {Event(-2, 1)},
       {Event(0, 2), Event(5, 7), Event(6, 8), Event(30, 31)},
       {"0 PLAN_OVERLAP start", "2 PLAN_OVERLAP start", "3 PLAN_OUTSIDE_PUSH start"}},
  };
  for (const Row& row : rows) {
    const auto replaced = Replace(row.channel, row.former, row.items);
    ASSERT_TRUE(replaced) << row.name << ": " << replaced.error().ToString();
    std::vector<std::string> refused;
    for (const PlanRefusal& refusal : replaced->refused) {
      refused.push_back(std::to_string(refusal.index) + " " +
                        std::string(InfoOf(refusal.error.reason()).name) + " " + FieldOf(refusal.error));
    }
    EXPECT_EQ(refused, row.refused) << row.name;
  }
}

TEST(ReplaceWindows, WhatIsTakenOutMayBareNoConflict) {
  const auto bared = Replace(kOnlyHelan, {Blackout(-1, 3), Event(0, 3)}, {});
  ASSERT_FALSE(bared);
  EXPECT_EQ(bared.error().reason(), Reason::kPlanRegionConflict);
  // What lies wholly before the range is no business of this push.
  EXPECT_TRUE(Replace(kOnlyHelan, {Blackout(-2, 0), Event(0, 3)}, {}));
}

TEST(ReplaceWindows, AChannelHoldsSoManyWindowsAndNoMore) {
  Limits limits;
  limits.plan_windows_per_channel = 4;
  EXPECT_TRUE(Replace({}, {Event(30, 31)}, {Event(0, 1), Event(1, 2)}, limits, 1)->refused.empty());
  const auto full = Replace({}, {Event(30, 31)}, {Event(2, 3), Event(0, 1), Event(1, 2)}, limits, 1);
  ASSERT_EQ(full->refused.size(), 1U);
  EXPECT_EQ(full->refused[0].index, 0U);  // the last in time
  EXPECT_EQ(full->refused[0].error.reason(), Reason::kPlanFull);
}

TEST(ReplaceWindows, NumbersStayWithTheirTerms) {
  std::vector<Window> former = {Event(0, 1, kProduct7), Event(1, 2), Event(2, 3), Event(3, 4), Event(30, 31)};
  for (size_t i = 0; i < former.size(); ++i) former[i].number = 11 + i;
  Window renamed = former[1];
  renamed.title = "live";
  const auto replaced = Replace({}, former, {Event(0, 1, kProduct7), renamed, Event(2, 3, kOnlyHelan)});
  ASSERT_TRUE(replaced);
  EXPECT_TRUE(replaced->refused.empty());
  EXPECT_EQ(replaced->existed, 1U);
  EXPECT_EQ(replaced->added, 2U);    // renamed, and the one with other criteria
  EXPECT_EQ(replaced->removed, 2U);  // of hour 2 with the old criteria, and of hour 3
  EXPECT_EQ(replaced->last_number, 101U);
  std::vector<uint64_t> numbers;
  for (const Window& window : replaced->windows) numbers.push_back(window.number);
  EXPECT_EQ(numbers, (std::vector<uint64_t>{11, 12, 101, 15}));
}

TEST(ReplaceWindows, NoWindowHasTheAcIdOfTheChannel) {
  const auto replaced =
      ReplaceWindows({}, {}, 0, 0x1FFFE, At(0), At(24), {{0, Event(0, 1)}, {1, Event(1, 2)}}, Limits());
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->windows[0].number, 0x1FFFFU);
  EXPECT_EQ(replaced->windows[1].number, 0x20001U);
}

}  // namespace
}  // namespace hearth::entitlement
