// What comes with every change: repeats, ids that are too old or used twice, revisions read, dry runs. And
// bad input at the door.
#include <algorithm>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::AreaState;
using geofence::ListKind;

constexpr AreaId kSecondArea{640122002};
constexpr uint64_t kSpareVillage = 640122100202;

// A change of each kind, on a site where account 1 is open, and card 2 is switched off in account 2.
struct Kind {
  const char* name;
  Result<Change> (*run)(Site& site, const Request& request);
  bool has_revision;  // looks at if_revision
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// Stock may hold a key and so cannot be copied out of a list.
std::vector<StockRow> OneRow(StockItem item) {
  std::vector<StockRow> rows;
  rows.push_back({.line = 7, .item = std::move(item)});
  return rows;
}

template <typename T>
Result<Change> ChangeOf(const Result<T>& result) {
  if (!result) return result.error();
  return result->change;
}
Result<Change> Outcome(const std::vector<RowResult>& rows) {
  if (rows[0].outcome == RowOutcome::kRefused) return *rows[0].error;
  return Change{.committed = {}, .revision = 0, .repeated = rows[0].outcome == RowOutcome::kExisted};
}

const Kind kKinds[] = {
    {"open",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().registry().Open(request, FormOf(3)));
     },
     false},
    {"swap",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().registry().Swap(request, FormNumberOf(1), {{}, BoxOf(21), {}}));
     },
     true},
    {"close",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().registry().Close(request, FormNumberOf(1)));
     },
     true},
    {"roster",
     [](Site& site, const Request& request) {
       return Outcome(site.head().registry().ImportRoster(request, {{.line = 7, .form = FormOf(4)}}));
     },
     false},
    {"stock",
     [](Site& site, const Request& request) {
       return Outcome(
           site.head().registry().ImportStock(request, OneRow(StockCard{CardOf(399), BatchId(1)})));
     },
     false},
    {"regions",
     [](Site& site, const Request& request) {
       const geofence::Region region{RegionCode(640221), "大武口区", RegionCode(6402), RegionLevel::kCounty};
       return Outcome(site.head().geo().ImportRegions(request, {{.line = 7, .region = region}}));
     },
     false},
    {"area_create",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().geo().CreateArea(
           request, {kSecondArea, "二区", {geofence::PlaceCode(kSpareVillage)}}));
     },
     false},
    {"area_step",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().geo().StepArea(request, kArea, AreaState::kOnFile));
     },
     true},
    {"list",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().geo().PutList(
           request, {ListKind::kWhitelist, kArea, "", CellsOf({kHome[0], kRenumbered[0]})}));
     },
     true},
    {"channels",
     [](Site& site, const Request& request) {
       const entitlement::Channel channel{.service = ServiceId(3), .name = "CCTV-3", .name_zh = {}};
       return Outcome(site.head().schedule().ImportChannels(request, {{.line = 7, .channel = channel}}));
     },
     false},
    {"package",
     [](Site& site, const Request& request) {
       return ChangeOf(
           site.head().schedule().PutPackage(request, {PackageId(64), "宁夏", 64, {ServiceId(1)}}));
     },
     true},
    {"product",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().plans().PutProduct(request, {.id = 3, .name = "sport"}));
     },
     false},
    {"plan",
     [](Site& site, const Request& request) {
       const UnixMillis day(kEpoch2024Seconds * 1000 + 1200 * records::kDayMillis);
       const UnixMillis next(day.value + records::kDayMillis);
       const PlanPush::Item item{.channel = ServiceId(1), .window = {.start = day, .end = next}};
       return ChangeOf(site.head().plans().Push(
           request, {.from = day, .to = next, .services = {}, .items = {Result<PlanPush::Item>(item)}}));
     },
     false},
    {"batch",
     [](Site& site, const Request& request) {
       std::array<uint8_t, 16> key{1};
       return site.head().keys().ImportBatch(
           request, {BatchId(2), CardOf(1000), CardOf(1999), crypto::BatchMaster(crypto::Key128(key))},
           site.options.limits);
     },
     false},
    {"lift",
     [](Site& site, const Request& request) { return site.head().location().Lift(request, CardOf(2)); },
     true},
    {"evict",
     [](Site& site, const Request& request) {
       return ChangeOf(site.head().evictions().Evict(request, {CardOf(1)}));
     },
     false},
    {"refresh",
     [](Site& site, const Request& request) -> Result<Change> {
       HEARTH_ASSIGN_OR_RETURN(const auto refreshed,
                               site.head().pump().RefreshCard(request, CardOf(1), site.options.limits));
       return refreshed.change;
     },
     true},
};

class Requests : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    Home first = site.Installed(1);
    Home second = site.Installed(2);
    ASSERT_TRUE(site.Send(second, kCity));
    site.clock.Advance(std::chrono::minutes(1));
    ASSERT_TRUE(site.Send(second, kCity));
    site.clock.Advance(std::chrono::minutes(1));
  }
  Result<Change> Run(const Request& request) { return GetParam().run(site, request); }

  Site site;
};

TEST_P(Requests, ARepeatGetsTheFirstAnswerAndWritesNothing) {
  const Request request = site.NewRequest();
  const auto first = Run(request);
  ASSERT_TRUE(first) << first.error().ToString();
  EXPECT_FALSE(first->repeated);
  const auto before = site.Quiet();
  for (int i = 0; i < 2; ++i) {
    const auto repeat = Run(request);
    ASSERT_TRUE(repeat) << repeat.error().ToString();
    EXPECT_TRUE(repeat->repeated);
    EXPECT_EQ(repeat->revision, first->revision);
  }
  EXPECT_EQ(site.Sequences(), before);
  site.Restart();
  const auto repeat = Run(request);
  ASSERT_TRUE(repeat) << repeat.error().ToString();
  EXPECT_TRUE(repeat->repeated);
  EXPECT_EQ(repeat->revision, first->revision);
}

TEST_P(Requests, ADryRunWritesNothingAndForestallsNothing) {
  Request request = site.NewRequest();
  request.dry_run = true;
  const auto before = site.Quiet();
  for (int i = 0; i < 2; ++i) {
    const auto dry = Run(request);
    ASSERT_TRUE(dry) << dry.error().ToString();
    EXPECT_FALSE(dry->repeated);
  }
  EXPECT_EQ(site.Sequences(), before);
  request.dry_run = false;
  const auto done = Run(request);
  ASSERT_TRUE(done) << done.error().ToString();
  EXPECT_FALSE(done->repeated);
  EXPECT_NE(site.Sequences(), before);
}

TEST_P(Requests, AnIdWithOtherContentIsRefused) {
  Request request = site.NewRequest();
  ASSERT_TRUE(Run(request));
  request.content_hash[0] ^= 1;
  const auto before = site.Quiet();
  const auto reused = Run(request);
  // Rows are judged by what they say: a row that is there already is not written again under any id.
  if (reused) {
    EXPECT_TRUE(reused->repeated);
  } else {
    EXPECT_EQ(reused.error().reason(), Reason::kRequestIdReused);
  }
  EXPECT_EQ(site.Sequences(), before);
}

TEST_P(Requests, AnIdFromAnotherDayIsRefused) {
  Request request = site.NewRequest();
  const auto before = site.Quiet();
  const auto with_time = [&](std::chrono::minutes offset) {
    const UnixMillis time(site.clock.Now().value + std::chrono::milliseconds(offset).count());
    request.id = RequestId::FromParts(time, {1, 2, 3});
    return Run(request);
  };
  const auto old = with_time(-std::chrono::minutes(24 * 60 + 1));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().reason(), Reason::kRequestIdExpired);
  const auto future = with_time(std::chrono::minutes(61));
  ASSERT_FALSE(future);
  EXPECT_EQ(future.error().reason(), Reason::kRequestIdInvalid);
  EXPECT_EQ(site.Sequences(), before);
  EXPECT_TRUE(with_time(-std::chrono::minutes(24 * 60 - 1)));
}

class RequestsWithRevision : public Requests {};

TEST_P(RequestsWithRevision, ARevisionReadMustBeTheObjects) {
  Request request = site.NewRequest();
  request.if_revision = 1'000'000;
  const auto before = site.Quiet();
  const auto refused = Run(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::kRevisionMismatch);
  auto after = site.Sequences();
  auto ignored = before;
  const uint16_t registered = RequestKey(request.id).bucket.value;
  after.erase(registered);
  ignored.erase(registered);
  EXPECT_EQ(after, ignored);
}

INSTANTIATE_TEST_SUITE_P(App, Requests, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return kind.param.name; });

// The others make their object.
std::vector<Kind> KindsWithRevision() {
  std::vector<Kind> out;
  std::copy_if(std::begin(kKinds), std::end(kKinds), std::back_inserter(out),
               [](const Kind& kind) { return kind.has_revision; });
  return out;
}
INSTANTIATE_TEST_SUITE_P(App, RequestsWithRevision, testing::ValuesIn(KindsWithRevision()),
                         [](const auto& kind) { return kind.param.name; });

TEST(Revisions, TheOneAnsweredIsTheOneToSend) {
  Site site;
  const auto opened = site.Open(1);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->change.revision, opened->view.revision);
  EXPECT_EQ(site.head().registry().Get(FormNumberOf(1))->revision, opened->view.revision);
  Request request = site.NewRequest();
  request.if_revision = opened->view.revision;
  const auto swapped = site.head().registry().Swap(request, FormNumberOf(1), {{}, BoxOf(21), {}});
  ASSERT_TRUE(swapped) << swapped.error().ToString();
  Request stale = site.NewRequest();
  stale.if_revision = opened->view.revision;
  EXPECT_EQ(site.head().registry().Close(stale, FormNumberOf(1)).error().reason(), Reason::kRevisionMismatch);
}

TEST(RequestIds, OneIdServesOneAccount) {
  Site site;
  Request request = site.NewRequest();
  ASSERT_TRUE(site.head().registry().Open(request, FormOf(1)));
  request.content_hash[0] ^= 1;
  const auto other = site.head().registry().Open(request, FormOf(2));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason(), Reason::kRequestIdReused);
  EXPECT_EQ(site.head().registry().Get(FormNumberOf(2)).error().reason(), Reason::kAccountUnknown);
}

TEST(RequestIds, AnOpeningIsAnsweredAgainEvenWhenItCouldNotBeMadeNow) {
  Site site;
  const Request request = site.NewRequest();
  ASSERT_TRUE(site.head().registry().Open(request, FormOf(1)));
  ASSERT_TRUE(site.head().geo().StepArea(site.NewRequest(), kArea, AreaState::kRetired));
  EXPECT_EQ(site.Open(2).error().reason(), Reason::kNotInServiceArea);
  const auto repeat = site.head().registry().Open(request, FormOf(1));
  ASSERT_TRUE(repeat) << repeat.error().ToString();
  EXPECT_TRUE(repeat->change.repeated);
}

// --- Bad input

struct Bad {
  const char* name;
  Reason reason;
  // The error, or nothing when it was taken.
  std::optional<Error> (*run)(Site& site, const Request& request);
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

template <typename T>
std::optional<Error> ErrorOf(const Result<T>& result) {
  return result ? std::nullopt : std::optional<Error>(result.error());
}
std::optional<Error> ErrorOf(const std::vector<RowResult>& rows) {
  return rows[0].outcome == RowOutcome::kRefused ? rows[0].error : std::nullopt;
}
std::optional<Error> OpenWith(Site& site, const Request& request, void (*spoil)(entitlement::Form&)) {
  entitlement::Form form = FormOf(3);
  spoil(form);
  return ErrorOf(site.head().registry().Open(request, form));
}
std::optional<Error> ReportWith(Site& site, void (*spoil)(Report&)) {
  Home home = site.NewHome(1);
  for (int i = 0; i < 5; ++i) (void)site.Sign(home, kHome);  // its counter is ahead of all taken
  Report report = site.Sign(home, kHome);
  spoil(report);
  return ErrorOf(site.head().location().Take(report));
}
std::optional<Error> ReportHeard(Site& site, uint64_t card, uint64_t box, uint64_t sim) {
  Home home = site.NewHome(card, box, sim);
  for (int i = 0; i < 5; ++i) (void)site.Sign(home, kHome);
  return ErrorOf(site.Send(home, kHome));
}

#define OPEN_WITH(statement)                                                    \
  [](Site& site, const Request& request) {                                      \
    return OpenWith(site, request, [](entitlement::Form& form) { statement; }); \
  }
#define REPORT_WITH(statement) \
  [](Site& site, const Request&) { return ReportWith(site, [](Report& report) { statement; }); }

const Bad kBad[] = {
    {"form_number", Reason::kFieldInvalid, OPEN_WITH(form.form_number = "nx 3")},
    {"form_number_empty", Reason::kFieldMissing, OPEN_WITH(form.form_number.clear())},
    {"person_id", Reason::kFieldInvalid, OPEN_WITH(form.person.person_id.back() ^= 1)},
    {"name", Reason::kFieldInvalid, OPEN_WITH(form.person.name = "\xFF")},
    {"village_unknown", Reason::kRegionUnknown, OPEN_WITH(form.village = RegionCode(640122100999))},
    {"village_outside", Reason::kNotInServiceArea, OPEN_WITH(form.village = RegionCode(kSpareVillage))},
    {"card_unknown", Reason::kCardUnknown, OPEN_WITH(form.devices.card = CardOf(300))},
    {"box_unknown", Reason::kBoxUnknown, OPEN_WITH(form.devices.box = BoxOf(300))},
    {"sim_unknown", Reason::kSimUnknown, OPEN_WITH(form.devices.sim = SimOf(300))},
    {"card_zero", Reason::kFieldInvalid, OPEN_WITH(form.devices.card = CardNumber())},
    {"account_exists", Reason::kAccountExists, OPEN_WITH(form.form_number = FormNumberOf(1))},
    {"swap_unknown", Reason::kAccountUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().Swap(request, "NX-NOBODY", {{}, BoxOf(21), {}}));
     }},
    {"swap_to_unknown", Reason::kBoxUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().Swap(request, FormNumberOf(1), {{}, BoxOf(300), {}}));
     }},
    {"swap_nothing", Reason::kSwapChangesNothing,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().Swap(request, FormNumberOf(1), {{}, BoxOf(1), {}}));
     }},
    {"swap_without_reason", Reason::kFieldMissing,
     [](Site& site, const Request& request) {
       Request silent = request;
       silent.reason.clear();
       return ErrorOf(site.head().registry().Swap(silent, FormNumberOf(1), {{}, BoxOf(21), {}}));
     }},
    {"close_unknown", Reason::kAccountUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().Close(request, "NX-NOBODY"));
     }},
    {"close_bad_number", Reason::kFieldInvalid,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().Close(request, "../../etc"));
     }},
    {"stock_outside_batch", Reason::kCardOutsideBatch,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().ImportStock(
           request, OneRow(StockCard{CardOf(401), BatchId(1)})));
     }},
    {"stock_unknown_batch", Reason::kBatchUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().ImportStock(
           request, OneRow(StockCard{CardOf(399), BatchId(9)})));
     }},
    {"stock_other_box", Reason::kBoxExists,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().ImportStock(
           request, OneRow(StockBox{BoxOf(1), "00000000001", "000000000000001", "other model", {}})));
     }},
    {"stock_other_sim", Reason::kSimExists,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().registry().ImportStock(
           request, OneRow(StockSim{SimOf(1), "8986"})));
     }},
    {"batch_other", Reason::kBatchExists,
     [](Site& site, const Request& request) {
       std::array<uint8_t, 16> key{1};
       return ErrorOf(site.head().keys().ImportBatch(
           request,
           {BatchId(1), CardOf(1), CardOf(400), crypto::BatchMaster(crypto::Key128(key))},
           site.options.limits));
     }},
    {"batch_overlaps", Reason::kFieldInvalid,
     [](Site& site, const Request& request) {
       std::array<uint8_t, 16> key{1};
       return ErrorOf(site.head().keys().ImportBatch(
           request,
           {BatchId(2), CardOf(400), CardOf(500), crypto::BatchMaster(crypto::Key128(key))},
           site.options.limits));
     }},
    {"batch_zero_key", Reason::kFieldInvalid,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().keys().ImportBatch(request, {BatchId(2), CardOf(1000), CardOf(1001), {}},
                                                     site.options.limits));
     }},
    {"region_without_parent", Reason::kRegionUnknown,
     [](Site& site, const Request& request) {
       const geofence::Region region{RegionCode(640221001), "街道", RegionCode(640221), RegionLevel::kTownship};
       return ErrorOf(site.head().geo().ImportRegions(request, {{.line = 1, .region = region}}));
     }},
    {"region_renamed", Reason::kRegionConflict,
     [](Site& site, const Request& request) {
       const geofence::Region region{RegionCode(64), "陕西", RegionCode(0), RegionLevel::kProvince};
       return ErrorOf(site.head().geo().ImportRegions(request, {{.line = 1, .region = region}}));
     }},
    {"area_exists", Reason::kAreaExists,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().CreateArea(request, {kArea, "x", {geofence::PlaceCode(kSpareVillage)}}));
     }},
    {"area_village_taken", Reason::kAreaVillageTaken,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().CreateArea(request, {kSecondArea, "x", {geofence::PlaceCode(kVillage)}}));
     }},
    {"area_unknown", Reason::kAreaUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().StepArea(request, kSecondArea, AreaState::kSubmitted));
     }},
    {"area_state", Reason::kAreaStateInvalid,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().StepArea(request, kArea, AreaState::kSubmitted));
     }},
    {"list_without_area", Reason::kAreaUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(
           site.head().geo().PutList(request, {ListKind::kWhitelist, kSecondArea, "", CellsOf(kRenumbered)}));
     }},
    {"list_empty", Reason::kCellListEmpty,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().PutList(request, {ListKind::kWhitelist, kArea, "", {}}));
     }},
    {"list_unchanged", Reason::kCellListUnchanged,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().PutList(request, {ListKind::kWhitelist, kArea, "", CellsOf(kHome)}));
     }},
    {"list_both", Reason::kCellBothLists,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().geo().PutList(request, {ListKind::kWhitelist, kArea, "", CellsOf(kCity)}));
     }},
    {"channel_name_taken", Reason::kChannelExists,
     [](Site& site, const Request& request) {
       const entitlement::Channel channel{.service = ServiceId(3), .name = "CCTV-1", .name_zh = {}};
       return ErrorOf(site.head().schedule().ImportChannels(request, {{.line = 1, .channel = channel}}));
     }},
    {"channel_zero", Reason::kFieldInvalid,
     [](Site& site, const Request& request) {
       const entitlement::Channel channel{.service = ServiceId(0), .name = "x", .name_zh = {}};
       return ErrorOf(site.head().schedule().ImportChannels(request, {{.line = 1, .channel = channel}}));
     }},
    {"package_unknown_channel", Reason::kChannelUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(
           site.head().schedule().PutPackage(request, {PackageId(65), "x", 64, {ServiceId(77)}}));
     }},
    {"package_foreign_channel", Reason::kFieldInvalid,
     [](Site& site, const Request& request) {
       return ErrorOf(
           site.head().schedule().PutPackage(request, {PackageId(61), "x", 61, {ServiceId(1064)}}));
     }},
    {"lift_unknown", Reason::kCardUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().location().Lift(request, CardOf(300)));
     }},
    {"lift_lit", Reason::kNotUnderIntervention,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().location().Lift(request, CardOf(1)));
     }},
    {"refresh_unknown", Reason::kCardUnknown,
     [](Site& site, const Request& request) {
       return ErrorOf(site.head().pump().RefreshCard(request, CardOf(300), site.options.limits));
     }},
    {"explain_unknown", Reason::kCardUnknown,
     [](Site& site, const Request&) { return ErrorOf(site.head().location().Explain(CardOf(300))); }},
    {"report_forged", Reason::kReportMacInvalid, REPORT_WITH(report.mac[0] ^= 1)},
    {"report_other_cell", Reason::kReportMacInvalid, REPORT_WITH(report.evidence = EvidenceOf(kCity))},
    {"report_other_counter", Reason::kReportMacInvalid, REPORT_WITH(++report.counter)},
    {"report_no_evidence", Reason::kReportNoEvidence, REPORT_WITH(report.evidence.cells.clear())},
    {"report_both", Reason::kFieldInvalid, REPORT_WITH(report.evidence.no_signal = true)},
    {"report_cell_range", Reason::kFieldInvalid, REPORT_WITH(report.evidence.cells[0].cell.mcc = 0)},
    {"report_many_cells", Reason::kLimitExceeded,
     REPORT_WITH(report.evidence.cells.resize(33, report.evidence.cells[0]))},
    {"report_unknown_card", Reason::kCardUnknown, REPORT_WITH(report.card = CardOf(300))},
    {"report_from_stock", Reason::kCardNotInAccount,
     [](Site& site, const Request&) { return ReportHeard(site, 9, 9, 9); }},
    {"report_other_box", Reason::kBoxPairMismatch,
     [](Site& site, const Request&) { return ReportHeard(site, 1, 9, 1); }},
    {"report_other_sim", Reason::kSimPairMismatch,
     [](Site& site, const Request&) { return ReportHeard(site, 1, 1, 9); }},
    {"report_replayed", Reason::kReportReplayed,
     [](Site& site, const Request&) {
       Home home = site.NewHome(1);  // its counter begins anew
       return ErrorOf(site.Send(home, kHome));
     }},
    {"ecm_unknown_name", Reason::kChannelUnknown,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().ecm().Issue({.channel = "CCTV-99", .control_words = {Bytes(8)}}));
     }},
    {"ecm_unknown_service", Reason::kChannelUnknown,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().ecm().Issue({.channel = ServiceId(99), .control_words = {Bytes(8)}}));
     }},
    {"ecm_no_word", Reason::kControlWordInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {}}));
     }},
    {"ecm_three_words", Reason::kControlWordInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().ecm().Issue(
           {.channel = ServiceId(1), .control_words = {Bytes(8), Bytes(8), Bytes(8)}}));
     }},
    {"ecm_word_length", Reason::kControlWordInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {Bytes(7)}}));
     }},
    {"ecm_word_lengths", Reason::kControlWordInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(
           site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {Bytes(8), Bytes(16)}}));
     }},
    {"audit_of_what", Reason::kFieldInvalid,
     [](Site& site, const Request&) { return ErrorOf(ListAudit(site.head().executor(), "dog:1", 10, "")); }},
    {"audit_token", Reason::kPageTokenInvalid,
     [](Site& site, const Request&) { return ErrorOf(ListAudit(site.head().executor(), "site", 10, "x")); }},
    {"accounts_token", Reason::kPageTokenInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().views().ListAccounts(std::nullopt, 10, "x"));
     }},
    {"interventions_token", Reason::kPageTokenInvalid,
     [](Site& site, const Request&) {
       return ErrorOf(site.head().views().ListInterventions({}, 10, "x"));
     }},
};

class Door : public testing::TestWithParam<Bad> {};

TEST_P(Door, RefusesWithTheReasonAndWritesNothing) {
  Site site;
  ASSERT_TRUE(site.Open(1));
  Home home = site.NewHome(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(site.Send(home, kHome));
  auto before = site.Quiet();
  const Request request = site.NewRequest();
  const auto error = GetParam().run(site, request);
  ASSERT_TRUE(error) << "taken";
  EXPECT_EQ(InfoOf(error->reason()).name, InfoOf(GetParam().reason).name) << error->ToString();
  auto after = site.Sequences();
  // The id of a request may be remembered although what it asked for was refused.
  before.erase(RequestKey(request.id).bucket.value);
  after.erase(RequestKey(request.id).bucket.value);
  EXPECT_EQ(after, before);
}

INSTANTIATE_TEST_SUITE_P(App, Door, testing::ValuesIn(kBad), [](const auto& bad) { return bad.param.name; });

TEST(Door, ReportsFromAnotherTime) {
  Site site;
  ASSERT_TRUE(site.Open(1));
  Home home = site.NewHome(1);
  const Report old = site.Sign(home, kHome);
  site.clock.Advance(std::chrono::hours(72) + std::chrono::seconds(1));
  EXPECT_EQ(site.head().location().Take(old).error().reason(), Reason::kReportStale);
  const UnixMillis now = site.clock.Now();
  site.clock.Jump(UnixMillis(now.value + 301'000));
  const Report early = site.Sign(home, kHome);
  site.clock.Jump(now);
  EXPECT_EQ(site.head().location().Take(early).error().reason(), Reason::kReportFuture);
}

}  // namespace
}  // namespace hearth::app
