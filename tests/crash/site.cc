#include "tests/crash/site.h"

#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "geofence/cell.h"
#include "src/base/clock.h"
#include "src/cas/report.h"
#include "src/crypto/ladder.h"

namespace hearth::crash {
namespace {

constexpr char kArea[] = "640122001";
constexpr char kCell[] = "lte:460:00:33301:26879745";
constexpr int8_t kSignal = -80;
constexpr uint32_t kBatch = 1;
constexpr size_t kRowsPerCall = 1000;

void ExpectDone(const Verdict& verdict, std::string_view what) {
  EXPECT_TRUE(verdict.done()) << what << ": " << verdict.Text();
}

template <typename Response>
void ExpectRowsDone(const Answer<Response>& answer, std::string_view what) {
  ExpectDone(answer, what);
  EXPECT_EQ(answer.out.done(), static_cast<uint32_t>(answer.out.rows_size())) << what;
}

void ImportRegions(Client& client) {
  const std::vector<std::pair<const char*, const char*>> regions = {
      {"64", "宁夏回族自治区"}, {"6401", "银川市"},       {"640122", "贺兰县"},     {"640122100", "习岗镇"},
      {"640122101", "金贵镇"},  {kVillages[0], "黎明村"}, {kVillages[1], "新胜村"}, {kVillages[2], "金贵村"}};
  v1::ImportRegionsRequest request;
  uint64_t line = 0;
  for (const auto& [code, name] : regions) {
    const std::string text = code;
    v1::RegionRow& row = *request.add_rows();
    row.set_line(++line);
    v1::Region& region = *row.mutable_region();
    region.set_code(text);
    region.set_name(name);
    switch (text.size()) {
      case 2:
        region.set_level("province");
        break;
      case 4:
        region.set_level("prefecture");
        region.set_parent(text.substr(0, 2));
        break;
      case 6:
        region.set_level("county");
        region.set_parent(text.substr(0, 4));
        break;
      case 9:
        region.set_level("township");
        region.set_parent(text.substr(0, 6));
        break;
      default:
        region.set_level("village");
        region.set_parent(text.substr(0, 9));
        break;
    }
  }
  ExpectRowsDone(Client::Call(*client.geofence, &v1::GeofenceService::Stub::ImportRegions, request),
                 "regions");
}

void ImportSchedule(Client& client) {
  v1::ImportChannelsRequest channels;
  v1::PutPackageRequest package;
  package.mutable_package()->set_package_id(64);
  package.mutable_package()->set_name("NX public");
  package.mutable_package()->set_province("64");
  for (uint32_t n = 1; n <= 3; ++n) {
    v1::ChannelRow& row = *channels.add_rows();
    row.set_line(n);
    row.mutable_channel()->set_service_id(n);
    row.mutable_channel()->set_name(fmt::format("CCTV-{}", n));
    row.mutable_channel()->set_kind(v1::Channel::TV);
    package.mutable_package()->add_service_ids(n);
  }
  ExpectRowsDone(Client::Call(*client.schedule, &v1::ScheduleService::Stub::ImportChannels, channels),
                 "channels");
  ExpectDone(Client::Call(*client.schedule, &v1::ScheduleService::Stub::PutPackage, package), "package");
}

void ApproveArea(Client& client) {
  v1::CreateAreaRequest area;
  area.set_area_id(kArea);
  area.set_name("贺兰试点");
  for (const char* village : kVillages) area.add_villages(village);
  ExpectDone(Client::Call(*client.geofence, &v1::GeofenceService::Stub::CreateArea, area), "area");
  v1::StepAreaRequest step;
  step.set_area_id(kArea);
  step.set_to(v1::SUBMITTED);
  ExpectDone(Client::Call(*client.geofence, &v1::GeofenceService::Stub::StepArea, step), "submit");
  step.set_to(v1::APPROVED);
  ExpectDone(Client::Call(*client.geofence, &v1::GeofenceService::Stub::StepArea, step, "province-office"),
             "approve");
}

void PutWhitelist(Client& client) {
  grpc::ClientContext context;
  Client::Prepare(context, kActor);
  v1::PutCellListResponse response;
  const auto writer = client.geofence->PutCellList(&context, &response);
  v1::PutCellListRequest part;
  part.mutable_header()->set_kind(v1::WHITELIST);
  part.mutable_header()->set_list_id(kArea);
  part.mutable_header()->set_name("贺兰试点");
  writer->Write(part);
  part.mutable_cells()->add_cells(kCell);
  writer->Write(part);
  writer->WritesDone();
  ExpectDone(VerdictOf(writer->Finish()), "whitelist");
}

void ImportBatch(Client& client) {
  v1::ImportBatchRequest batch;
  batch.set_batch(kBatch);
  batch.set_first_card(CardText(0));
  batch.set_last_card(CardText(99'999));
  batch.set_master_key(kBatchKey);
  ExpectDone(Client::Call(*client.registry, &v1::RegistryService::Stub::ImportBatch, batch), "batch");
}

class StockImport {
 public:
  explicit StockImport(Client& client) : client_(client) {}
  ~StockImport() { Send(); }
  StockImport(const StockImport&) = delete;
  StockImport& operator=(const StockImport&) = delete;

  void Card(const std::string& number) {
    v1::StockCard& card = *Row().mutable_card();
    card.set_card_number(number);
    card.set_batch(kBatch);
  }
  void Box(const std::string& serial) {
    v1::StockBox& box = *Row().mutable_box();
    box.set_box_serial(serial);
    box.set_encrypted_serial(serial.substr(5));
    box.set_imei(serial.substr(1));
    box.set_model("HH-S1");
    box.set_chip_key(serial);  // 16 characters
  }
  void Sim(const std::string& number) {
    v1::StockSim& sim = *Row().mutable_sim();
    sim.set_sim_number(number);
    sim.set_iccid("89860000" + number);
  }

 private:
  v1::StockRow& Row() {
    if (request_.rows_size() == kRowsPerCall) Send();
    v1::StockRow& row = *request_.add_rows();
    row.set_line(static_cast<uint64_t>(request_.rows_size()));
    return row;
  }
  void Send() {
    ExpectRowsDone(Client::Call(*client_.registry, &v1::RegistryService::Stub::ImportStock, request_),
                   "stock");
    request_.Clear();
  }

  Client& client_;
  v1::ImportStockRequest request_;
};

void ImportStock(Client& client) {
  StockImport import(client);
  for (uint64_t n = 1; n <= kWorkers * kCardsEach; ++n) import.Card(CardText(n));
  for (uint64_t n = 1; n <= kWorkers * kBoxesEach; ++n) import.Box(BoxText(n));
  for (uint64_t n = 1; n <= kWorkers * kSimsEach; ++n) import.Sim(SimText(n));
  for (size_t pair = 0; pair < kPairs; ++pair) {
    for (uint64_t n = 0; n < kRacedBoxes; ++n) import.Box(RacedBoxText(pair, n));
  }
}

}  // namespace

std::string CardText(uint64_t n) { return fmt::format("{:012}", 640'000'000'000 + n); }
std::string BoxText(uint64_t n) { return fmt::format("{:016}", 6'400'000'000'000'000 + n); }
std::string SimText(uint64_t n) { return fmt::format("{:011}", 13'900'000'000 + n); }
std::string RacedBoxText(size_t pair, uint64_t n) {
  return BoxText(kWorkers * kBoxesEach + 1 + pair * kRacedBoxes + n);
}

std::string PersonId(uint64_t n) {
  const std::string body = fmt::format("64012219{:02}0101{:03}", 50 + n / 1000 % 50, n % 1000);
  constexpr int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < body.size(); ++i) sum += (body[i] - '0') * weights[i];
  return body + "10X98765432"[sum % 11];
}

void SetUpSite(const std::string& address) {
  Client client(address);
  ImportRegions(client);
  ImportSchedule(client);
  ApproveArea(client);
  PutWhitelist(client);
  ImportBatch(client);
  ImportStock(client);
}

v1::ReportRequest SignedReport(const std::string& card, const std::string& box, const std::string& sim,
                               uint32_t counter) {
  const UnixMillis now(SystemClock().Now().value / 1000 * 1000);
  v1::ReportRequest request;
  request.set_card_number(card);
  request.set_box_serial(box);
  request.set_sim_number(sim);
  request.set_counter(counter);
  request.mutable_time()->set_seconds(now.value / 1000);
  request.add_cells()->set_cell(kCell);
  request.mutable_cells(0)->set_signal_dbm(kSignal);

  const CardNumber number = *ParseCardNumber(card);
  const crypto::BatchMaster master(*crypto::Key128::FromBytes(AsBytes(kBatchKey)));
  const auto key = crypto::CardReportKeyFor(*crypto::CardKeyFor(master, number));
  const cas::ReportBody body{
      .card = number,
      .box = *ParseBoxSerial(box),
      .sim = *ParseSimNumber(sim),
      .counter = counter,
      .utc = MessageSeconds(now),
      .cells = {{.cell = geofence::PackCell(*geofence::ParseCell(kCell)), .signal_dbm = kSignal}}};
  const auto mac = cas::SignReport(body, *key);
  request.set_mac(mac->data(), mac->size());
  return request;
}

}  // namespace hearth::crash
