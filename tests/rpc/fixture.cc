#include "tests/rpc/fixture.h"

#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "src/cas/report.h"
#include "src/crypto/ladder.h"
#include "src/crypto/wrap.h"
#include "src/store/memory_store.h"

namespace hearth::rpc {
namespace {

constexpr char kMasterKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string kBatchKey = "batch-master-key";
const std::string kChipKey = "chip-key-of-box1";

void ExpectOk(const grpc::Status& status, std::string_view what) {
  const Refusal refusal = RefusalOf(status);
  ASSERT_TRUE(status.ok()) << what << ": " << refusal.reason << " " << status.error_message();
}

template <typename Response>
void ExpectAllDone(const Response& response, std::string_view what) {
  for (const auto& row : response.rows()) {
    EXPECT_EQ(row.outcome(), v1::RowResult::DONE) << what << ": " << row.ShortDebugString();
  }
}

}  // namespace

Refusal RefusalOf(const grpc::Status& status) {
  Refusal out;
  out.code = status.error_code();
  out.message = status.error_message();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return out;
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest fields;
    if (any.UnpackTo(&info)) {
      out.reason = info.reason();
      out.domain = info.domain();
      out.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (any.UnpackTo(&fields)) {
      for (const auto& violation : fields.field_violations()) out.fields.push_back(violation.field());
    }
  }
  return out;
}

Client::Client(const std::shared_ptr<grpc::Channel>& channel)
    : registry(v1::RegistryService::NewStub(channel)),
      schedule(v1::ScheduleService::NewStub(channel)),
      entitlement(v1::EntitlementService::NewStub(channel)),
      geofence(v1::GeofenceService::NewStub(channel)),
      location(v1::LocationService::NewStub(channel)),
      intervention(v1::InterventionService::NewStub(channel)),
      admin(v1::AdminService::NewStub(channel)),
      stats(v1::StatsService::NewStub(channel)),
      survey(v1::SurveyService::NewStub(channel)) {}

void KeepingLogger::Log(LogLevel, std::string_view event, std::initializer_list<LogField> fields) {
  const MutexLock lock(mu_);
  text_ += event;
  for (const LogField& field : fields) text_ += fmt::format(" {}={}", field.key, field.value);
  text_ += '\n';
}

bool KeepingLogger::Has(std::string_view text) const {
  const MutexLock lock(mu_);
  return text_.find(text) != std::string::npos;
}

void ServerTest::SetUp() {
  auto store = store::OpenMemoryStore(clock_, metrics_, TestLimits());
  ASSERT_TRUE(store) << store.error().ToString();
  store_ = std::move(*store);
  auto master = crypto::MasterKey::FromText(kMasterKey, "test");
  ASSERT_TRUE(master);
  app::HeadEndOptions options;
  options.limits = TestLimits();
  options.epochs.zero = UnixMillis(kEpoch2024Seconds * 1000);
  options.emergency_signer = std::make_shared<const app::EmergencySigner>(app::EmergencySigner{
      .key = crypto::SigningKey::FromSeed(crypto::Key256(std::array<uint8_t, 32>{1})).value()});
  std::string pattern = (std::filesystem::temp_directory_path() / "hearth-rpc-XXXXXX").string();
  survey_ = mkdtemp(pattern.data());
  options.survey = survey_;
  Configure(options);
  auto head_end =
      app::HeadEnd::Create(*store_, clock_, random_, std::move(*master), {}, options, metrics_, log_);
  ASSERT_TRUE(head_end) << head_end.error().ToString();
  head_end_ = std::move(*head_end);
  const ServerOptions server_options{.listen = {"127.0.0.1", 0},
                                     .tls = std::nullopt,
                                     .limits = TestLimits(),
                                     .version = "1.2.3",
                                     .site = "test"};
  auto server = Server::Start(*head_end_, server_options, clock_, random_, metrics_, log_);
  ASSERT_TRUE(server) << server.error().ToString();
  server_ = std::move(*server);
  channel_ = grpc::CreateChannel(ToString(server_->listening()), grpc::InsecureChannelCredentials());
  client_ = std::make_unique<Client>(channel_);
}

ServerTest::~ServerTest() {
  std::error_code ignored;
  if (!survey_.empty()) std::filesystem::remove_all(survey_, ignored);
}

v1::FivePartForm ServerTest::GoodForm() {
  v1::FivePartForm form;
  form.set_form_number(kForm);
  form.mutable_person()->set_name("马建国");
  form.mutable_person()->set_person_id("11010519491231002X");
  form.mutable_person()->set_phone("13900000001");
  form.set_village(kVillage);
  form.set_card_number(kCard);
  form.set_box_serial(kBox);
  form.set_sim_number(kSim);
  return form;
}

std::string ServerTest::NewRequestId() {
  std::array<uint8_t, 10> random{};
  random_.Fill(random);
  return RequestId::FromParts(clock_.Now(), random).ToString();
}

std::map<uint16_t, uint64_t> ServerTest::Sequences() const {
  std::map<uint16_t, uint64_t> out;
  const auto sequences = store_->Sequences();
  for (const auto& bucket : *sequences) {
    if (bucket.bucket <= store::kSystemBucket) out[bucket.bucket.value] = bucket.sequence;
  }
  return out;
}

std::map<uint16_t, uint64_t> ServerTest::SettledSequences() const {
  std::map<uint16_t, uint64_t> last;
  std::map<uint16_t, uint64_t> now = Sequences();
  for (int tries = 0; tries < 200 && (now != last || head_end_->pump().waiting() != 0); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    last = std::exchange(now, Sequences());
  }
  return now;
}

grpc::Status ServerTest::PutList(v1::ListKind kind, const std::string& id,
                                 const std::vector<std::string>& cells, v1::PutCellListResponse* out,
                                 const v1::Change& change) const {
  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "wang");
  v1::PutCellListResponse ignored;
  auto writer = client_->geofence->PutCellList(&context, out == nullptr ? &ignored : out);
  v1::PutCellListRequest message;
  *message.mutable_header()->mutable_change() = change;
  message.mutable_header()->set_kind(kind);
  message.mutable_header()->set_list_id(id);
  message.mutable_header()->set_name("list " + id);
  writer->Write(message);
  // One cell a message: the spread over messages must not matter.
  for (const std::string& cell : cells) {
    v1::PutCellListRequest part;
    part.mutable_cells()->add_cells(cell);
    writer->Write(part);
  }
  writer->WritesDone();
  return writer->Finish();
}

void ServerTest::SetUpSite() {
  v1::ImportRegionsRequest regions;
  uint64_t line = 0;
  for (const auto& [code, name] : std::map<std::string, std::string>{{"64", "宁夏回族自治区"},
                                                                     {"6401", "银川市"},
                                                                     {"640122", "贺兰县"},
                                                                     {"640122100", "习岗镇"},
                                                                     {kVillage, "黎明村"}}) {
    v1::RegionRow& row = *regions.add_rows();
    row.set_line(++line);
    row.mutable_region()->set_code(code);
    row.mutable_region()->set_name(name);
  }
  v1::ImportRegionsResponse regions_done;
  ExpectOk(
      Client::Call(*client_->geofence, &v1::GeofenceService::Stub::ImportRegions, regions, &regions_done),
      "regions");
  ExpectAllDone(regions_done, "regions");

  v1::ImportChannelsRequest channels;
  channels.add_rows()->set_line(1);
  channels.mutable_rows(0)->mutable_channel()->set_service_id(101);
  channels.mutable_rows(0)->mutable_channel()->set_name("CCTV-1");
  channels.mutable_rows(0)->mutable_channel()->set_kind(v1::Channel::TV);
  v1::ImportChannelsResponse channels_done;
  ExpectOk(
      Client::Call(*client_->schedule, &v1::ScheduleService::Stub::ImportChannels, channels, &channels_done),
      "channels");
  ExpectAllDone(channels_done, "channels");
  v1::PutPackageRequest package;
  package.mutable_package()->set_package_id(1);
  package.mutable_package()->set_name("宁夏");
  package.mutable_package()->set_province("64");
  package.mutable_package()->add_service_ids(101);
  ExpectOk(Client::Call(*client_->schedule, &v1::ScheduleService::Stub::PutPackage, package), "package");

  v1::CreateAreaRequest area;
  area.set_area_id(kArea);
  area.set_name("习岗镇服务区");
  area.add_villages(kVillage);
  ExpectOk(Client::Call(*client_->geofence, &v1::GeofenceService::Stub::CreateArea, area), "area");
  v1::StepAreaRequest step;
  step.set_area_id(kArea);
  step.set_to(v1::SUBMITTED);
  ExpectOk(Client::Call(*client_->geofence, &v1::GeofenceService::Stub::StepArea, step), "submit");
  step.set_to(v1::APPROVED);
  v1::AreaResponse approved;
  ExpectOk(Client::Call(*client_->geofence, &v1::GeofenceService::Stub::StepArea, step, &approved, "li"),
           "approve");
  ExpectOk(PutList(v1::WHITELIST, kArea, {kHomeCell}), "whitelist");
  ExpectOk(PutList(v1::BLACKLIST, "640104001", {kCityCell}), "blacklist");

  v1::ImportBatchRequest batch;
  batch.set_batch(1);
  batch.set_first_card("640000000000");
  batch.set_last_card("640000000999");
  batch.set_master_key(kBatchKey);
  ExpectOk(Client::Call(*client_->registry, &v1::RegistryService::Stub::ImportBatch, batch), "batch");
  v1::ImportStockRequest stock;
  for (line = 1; line <= 3; ++line) stock.add_rows()->set_line(line);
  stock.mutable_rows(0)->mutable_card()->set_card_number(kCard);
  stock.mutable_rows(0)->mutable_card()->set_batch(1);
  v1::StockBox& box = *stock.mutable_rows(1)->mutable_box();
  box.set_box_serial(kBox);
  box.set_encrypted_serial("10000000017");
  box.set_imei("860000000000017");
  box.set_model("HHT-1");
  box.set_chip_key(kChipKey);
  stock.mutable_rows(2)->mutable_sim()->set_sim_number(kSim);
  stock.mutable_rows(2)->mutable_sim()->set_iccid("8986000000000000017");
  v1::ImportRowsResponse stock_done;
  ExpectOk(Client::Call(*client_->registry, &v1::RegistryService::Stub::ImportStock, stock, &stock_done),
           "stock");
  ExpectAllDone(stock_done, "stock");

  v1::OpenAccountRequest open;
  *open.mutable_form() = GoodForm();
  ExpectOk(Client::Call(*client_->registry, &v1::RegistryService::Stub::OpenAccount, open), "open");
}

v1::ReportRequest ServerTest::SignedReport(uint32_t counter, const std::string& cell) const {
  const UnixMillis now(clock_.Now().value / 1000 * 1000);
  v1::ReportRequest request;
  request.set_card_number(kCard);
  request.set_box_serial(kBox);
  request.set_sim_number(kSim);
  request.set_counter(counter);
  request.mutable_time()->set_seconds(now.value / 1000);
  request.add_cells()->set_cell(cell);
  request.mutable_cells(0)->set_signal_dbm(-80);

  const CardNumber card = *ParseCardNumber(kCard);
  const crypto::BatchMaster master(*crypto::Key128::FromBytes(AsBytes(kBatchKey)));
  const auto key = crypto::CardReportKeyFor(*crypto::CardKeyFor(master, card));
  const cas::ReportBody body{
      .card = card,
      .box = *ParseBoxSerial(kBox),
      .sim = *ParseSimNumber(kSim),
      .counter = counter,
      .utc = MessageSeconds(now),
      .cells = {{.cell = geofence::PackCell(*geofence::ParseCell(cell)), .signal_dbm = -80}}};
  const auto mac = cas::SignReport(body, *key);
  request.set_mac(mac->data(), mac->size());
  return request;
}

}  // namespace hearth::rpc
