#include "tools/bench/report_site.h"

#include <chrono>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "src/app/parallel.h"
#include "src/store/rocks/rocks_store.h"

namespace hearth::bench {
namespace {

constexpr BatchId kBatch(1);
constexpr RegionCode kVillage(640'122'100'200);
constexpr AreaId kArea(640'122'001);
constexpr AreaId kCityList(640'100'001);
// Reports are taken for 72 hours; the first ones are nearly as old, so that each card has a second to spare
// for every report of a long run.
constexpr int64_t kFirstReportAgo = 71LL * 3600 * 1000;

CardNumber CardOf(uint64_t n) { return CardNumber(640'000'000'000 + n); }
BoxSerial BoxOf(uint64_t n) { return BoxSerial(6'400'000'000'000'000 + n); }
SimNumber SimOf(uint64_t n) { return SimNumber(13'900'000'000 + n); }

geofence::Cell CellOf(uint32_t area, uint64_t cell) {
  return {.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .mnc_digits = 2, .area = area, .cell = cell};
}
std::vector<geofence::Cell> Cells(bool city) {
  const uint32_t area = city ? 33281 : 33301;
  return {CellOf(area, 27'340'801), CellOf(area, 27'340'802), CellOf(area, 27'340'803)};
}

// A valid identity number (GB 11643), another one for each n below 50,000.
std::string PersonIdOf(uint64_t n) {
  const std::string body = fmt::format("640122{}0101{:03}", 1950 + n / 1000 % 50, n % 1000);
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < body.size(); ++i) sum += (body[i] - '0') * kWeights[i];
  return body + "10X98765432"[sum % 11];
}

Status FirstRefusal(const std::vector<app::RowResult>& rows) {
  for (const app::RowResult& row : rows) {
    if (row.error) return *row.error;
  }
  return Ok();
}

template <typename T>
Status StatusOf(const Result<T>& result) {
  if (!result) return result.error();
  return Ok();
}

}  // namespace

ReportSite::ReportSite(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (uint8_t& byte : batch_key_) byte = static_cast<uint8_t>(random());
  options_.owner = "hearth-bench";
  options_.policy.national.blacklisted_reports = 1;
  options_.policy.breaker = {.cards = 1'000'000, .percent = 100, .national_per_hour = 10'000'000};
}

ReportSite::~ReportSite() = default;

Result<std::unique_ptr<ReportSite>> ReportSite::Create(const std::filesystem::path& dir, uint64_t seed,
                                                       size_t cards, size_t threads,
                                                       app::SectionSink* output) {
  std::unique_ptr<ReportSite> site(new ReportSite(seed));
  HEARTH_RETURN_IF_ERROR(site->Open(dir, output == nullptr ? site->sink_ : *output));
  HEARTH_RETURN_IF_ERROR(site->Fill(cards, threads));
  return site;
}

Status ReportSite::Open(const std::filesystem::path& dir, app::SectionSink& output) {
  HEARTH_ASSIGN_OR_RETURN(store_, store::OpenRocksStore(dir, clock_, metrics_));
  HEARTH_ASSIGN_OR_RETURN(auto master, crypto::MasterKey::FromText(std::string(64, '5'), "hearth-bench"));
  HEARTH_ASSIGN_OR_RETURN(head_, app::HeadEnd::Create(*store_, clock_, random_, std::move(master), {&output},
                                                      options_, metrics_, log_));
  return Ok();
}

app::Request ReportSite::NewRequest() {
  std::array<uint8_t, 10> bytes{};
  const uint64_t n = ++requests_;
  for (size_t i = 0; i < 8; ++i) bytes[9 - i] = static_cast<uint8_t>(n >> 8 * i);
  return {.id = RequestId::FromParts(clock_.Now(), bytes),
          .content_hash = app::HashContent(bytes),
          .actor = "bench",
          .reason = "bench",
          .approver = {},
          .dry_run = false,
          .if_revision = 0};
}

Status ReportSite::FillGeography() {
  std::vector<app::RegionRow> regions;
  for (const RegionLevel level : {RegionLevel::kProvince, RegionLevel::kPrefecture, RegionLevel::kCounty,
                                  RegionLevel::kTownship, RegionLevel::kVillage}) {
    const RegionCode parent = regions.empty() ? RegionCode() : regions.back().region->code;
    const RegionCode code = Ancestor(kVillage, level);
    regions.push_back(
        {.line = regions.size() + 1, .region = geofence::Region{code, ToString(code), parent, level}});
  }
  HEARTH_RETURN_IF_ERROR(FirstRefusal(head_->geo().ImportRegions(NewRequest(), regions)));
  HEARTH_RETURN_IF_ERROR(
      StatusOf(head_->geo().CreateArea(NewRequest(), {kArea, "bench", {geofence::WholeVillage(kVillage)}})));
  HEARTH_RETURN_IF_ERROR(
      StatusOf(head_->geo().StepArea(NewRequest(), kArea, geofence::AreaState::kSubmitted)));
  app::Request approval = NewRequest();
  approval.actor = "bench-second";
  HEARTH_RETURN_IF_ERROR(StatusOf(head_->geo().StepArea(approval, kArea, geofence::AreaState::kApproved)));
  HEARTH_RETURN_IF_ERROR(StatusOf(head_->geo().PutList(
      NewRequest(), {geofence::ListKind::kWhitelist, kArea, "home", Cells(/*city=*/false)})));
  return StatusOf(head_->geo().PutList(
      NewRequest(), {geofence::ListKind::kBlacklist, kCityList, "city", Cells(/*city=*/true)}));
}

Status ReportSite::FillPackage() {
  const app::ChannelRow channel{.line = 1,
                                .channel = entitlement::Channel{.service = ServiceId(1),
                                                                .name = "BENCH-1",
                                                                .name_zh = {},
                                                                .kind = entitlement::ChannelKind::kTv,
                                                                .province = 0,
                                                                .criteria = {}}};
  HEARTH_RETURN_IF_ERROR(FirstRefusal(head_->schedule().ImportChannels(NewRequest(), {channel})));
  return StatusOf(head_->schedule().PutPackage(NewRequest(), {PackageId(64), "bench", 64, {ServiceId(1)}}));
}

Status ReportSite::FillStock(size_t cards) {
  const crypto::BatchMaster master{crypto::Key128(batch_key_)};
  HEARTH_RETURN_IF_ERROR(StatusOf(head_->keys().ImportBatch(
      NewRequest(), {kBatch, CardOf(0), CardOf(kMaxCards), master.Copy()}, options_.limits)));
  std::vector<app::StockRow> stock;
  std::vector<app::RosterRow> roster;
  for (uint64_t n = 0; n < cards; ++n) {
    stock.push_back({.line = 3 * n + 1, .item = app::StockItem(app::StockCard{CardOf(n), kBatch})});
    stock.push_back(
        {.line = 3 * n + 2,
         .item = app::StockItem(app::StockBox{BoxOf(n), fmt::format("{:011}", n), fmt::format("{:015}", n),
                                              "B", crypto::ChipKey::Random(random_)})});
    stock.push_back(
        {.line = 3 * n + 3, .item = app::StockItem(app::StockSim{SimOf(n), fmt::format("{:019}", n)})});
    entitlement::Form form;
    form.form_number = fmt::format("BENCH-{:06}", n);
    form.person.name = fmt::format("viewer {}", n);
    form.person.person_id = PersonIdOf(n);
    form.person.phone = "13800000000";
    form.village = kVillage;
    form.devices = {.card = CardOf(n), .box = BoxOf(n), .sim = SimOf(n)};
    roster.push_back({.line = n + 1, .form = std::move(form)});
    HEARTH_ASSIGN_OR_RETURN(auto keys, crypto::CardKeysFor(master, CardOf(n)));
    homes_.push_back({.card = CardOf(n),
                      .box = BoxOf(n),
                      .sim = SimOf(n),
                      .key = std::move(keys.report),
                      .counter = 0,
                      .last_report = UnixMillis((clock_.Now().value - kFirstReportAgo) / 1000 * 1000),
                      .in_city = false});
  }
  HEARTH_RETURN_IF_ERROR(FirstRefusal(head_->registry().ImportStock(NewRequest(), stock)));
  return FirstRefusal(head_->registry().ImportRoster(NewRequest(), roster));
}

Status ReportSite::Fill(size_t cards, size_t threads) {
  HEARTH_RETURN_IF_ERROR(FillGeography());
  HEARTH_RETURN_IF_ERROR(FillPackage());
  HEARTH_RETURN_IF_ERROR(FillStock(cards));
  std::atomic<size_t> activated{0};
  app::InParallel(cards, threads, [&](size_t i) {
    const auto answer = Send(homes_[i], /*from_city=*/false);
    if (answer && answer->outcome == app::ReportOutcome::kActivated) ++activated;
  });
  if (activated != cards) {
    return Error(Reason::kInternal, fmt::format("{} of {} cards were activated", activated.load(), cards));
  }
  return Ok();
}

Result<app::Report> ReportSite::Make(Home& home, bool from_city) {
  home.last_report.value += 1000;
  app::Report report{.card = home.card,
                     .box = home.box,
                     .sim = home.sim,
                     .counter = ++home.counter,
                     .time = home.last_report,
                     .evidence = {},
                     .mac = {}};
  cas::ReportBody body{.card = home.card,
                       .box = home.box,
                       .sim = home.sim,
                       .counter = home.counter,
                       .utc = MessageSeconds(home.last_report),
                       .cells = {}};
  // No two homes hear the same: boxes that do are an alarm.
  uint32_t noise = signals_.fetch_add(1) * 2'654'435'761U;
  for (const geofence::Cell& cell : Cells(from_city)) {
    const auto signal = static_cast<int8_t>(-110 + static_cast<int>(noise >> 26));
    noise *= 747'796'405U;
    report.evidence.cells.push_back({.cell = cell, .signal_dbm = signal});
    body.cells.push_back({.cell = geofence::PackCell(cell), .signal_dbm = signal});
  }
  HEARTH_ASSIGN_OR_RETURN(report.mac, cas::SignReport(body, home.key));
  home.in_city = from_city;
  return report;
}

Result<app::ReportAnswer> ReportSite::Send(Home& home, bool from_city) {
  HEARTH_ASSIGN_OR_RETURN(const app::Report report, Make(home, from_city));
  return head_->location().Take(report);
}

void ReportSite::AwaitPump(double seconds) {
  const double until = WallSeconds() + seconds;
  while (head_->pump().waiting() > 0 && WallSeconds() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace hearth::bench
