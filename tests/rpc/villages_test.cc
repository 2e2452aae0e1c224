// Natural villages, cable, homes and proposals through the services: what an area may hold, who may sell
// where.
#include <cmath>

#include <gmock/gmock.h>

#include "src/survey/row.h"
#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

using Geofence = v1::GeofenceService::Stub;

constexpr char kShared[] = "640122100202";  // a village with two natural ones
constexpr char kNorth[] = "64012210020201";
constexpr char kSouth[] = "64012210020202";

class VillagesTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    SetUpSite();
    v1::ImportRegionsRequest regions;
    v1::RegionRow& row = *regions.add_rows();
    row.set_line(1);
    row.mutable_region()->set_code(kShared);
    row.mutable_region()->set_name("新平村");
    ASSERT_TRUE(Client::Call(*client_->geofence, &Geofence::ImportRegions, regions).ok());
  }
  // The reason of each row, "" when it was taken.
  std::vector<std::string> Note(const std::vector<v1::VillageRow>& rows, bool dry_run = false) const {
    v1::ImportVillagesRequest request;
    request.mutable_change()->set_dry_run(dry_run);
    for (const v1::VillageRow& row : rows) {
      *request.add_rows() = row;
      request.mutable_rows(request.rows_size() - 1)->set_line(static_cast<uint64_t>(request.rows_size()));
    }
    v1::ImportVillagesResponse response;
    EXPECT_TRUE(Client::Call(*client_->geofence, &Geofence::ImportVillages, request, &response).ok());
    std::vector<std::string> reasons;
    for (const auto& result : response.rows()) {
      reasons.push_back(result.outcome() == v1::RowResult::EXISTED ? "existed" : result.reason());
    }
    return reasons;
  }
  static v1::VillageRow Named(const std::string& village, const std::string& name) {
    v1::VillageRow row;
    row.set_village(village);
    row.set_name(name);
    return row;
  }
  static v1::VillageRow Cable(const std::string& village, bool cable = true) {
    v1::VillageRow row;
    row.set_village(village);
    row.set_cable(cable);
    return row;
  }
  static v1::VillageRow Planned(const std::string& village, uint32_t homes) {
    v1::VillageRow row;
    row.set_village(village);
    row.set_planned_homes(homes);
    return row;
  }
  static v1::VillageRow At(const std::string& village, double longitude, double latitude) {
    v1::VillageRow row;
    row.set_village(village);
    row.mutable_place()->set_longitude(longitude);
    row.mutable_place()->set_latitude(latitude);
    return row;
  }
  // The reason, "" when it worked.
  std::string Create(const std::string& id, const std::vector<std::string>& villages) const {
    v1::CreateAreaRequest request;
    request.set_area_id(id);
    request.set_name("area " + id);
    for (const std::string& village : villages) request.add_villages(village);
    const grpc::Status status = Client::Call(*client_->geofence, &Geofence::CreateArea, request);
    return status.ok() ? "" : RefusalOf(status).reason;
  }
  std::string Step(const std::string& id, v1::AreaState to, const std::string& actor) const {
    v1::StepAreaRequest request;
    request.set_area_id(id);
    request.set_to(to);
    const grpc::Status status = Client::Call<Geofence, v1::StepAreaRequest, v1::AreaResponse>(
        *client_->geofence, &Geofence::StepArea, request, nullptr, actor);
    return status.ok() ? "" : RefusalOf(status).reason;
  }
  void Approve(const std::string& id) const {
    EXPECT_EQ(Step(id, v1::SUBMITTED, "wang"), "");
    EXPECT_EQ(Step(id, v1::APPROVED, "li"), "");
  }
  std::string WouldOpen(const std::string& village) const {
    v1::OpenAccountRequest request;
    *request.mutable_form() = GoodForm();
    request.mutable_form()->set_form_number("NX-2");
    request.mutable_form()->set_village(village);
    request.mutable_change()->set_dry_run(true);
    v1::OpenAccountResponse response;
    const grpc::Status status =
        Client::Call(*client_->registry, &v1::RegistryService::Stub::OpenAccount, request, &response);
    return status.ok() ? response.account().area_id() : RefusalOf(status).reason;
  }
};

TEST_F(VillagesTest, AVillageIsSharedByItsNaturalVillages) {
  EXPECT_EQ(Create("640122002", {kNorth}), "REGION_UNKNOWN");
  EXPECT_THAT(Note({Named(kNorth, "上庄"), Named(kSouth, "下庄")}), testing::ElementsAre("", ""));
  EXPECT_THAT(Note({Named(kNorth, "上庄")}), testing::ElementsAre("existed"));
  EXPECT_EQ(Create("640122002", {kNorth}), "");
  EXPECT_EQ(Create("640122003", {kNorth}), "AREA_VILLAGE_TAKEN");
  EXPECT_EQ(Create("640122003", {kShared}), "AREA_VILLAGE_TAKEN");
  EXPECT_EQ(Create("640122003", {kSouth}), "");
  v1::GetAreaRequest get;
  get.set_area_id("640122002");
  v1::AreaResponse area;
  ASSERT_TRUE(Client::Call(*client_->geofence, &Geofence::GetArea, get, &area).ok());
  EXPECT_THAT(area.area().villages(), testing::ElementsAre(kNorth));

  EXPECT_EQ(WouldOpen(kShared), "NOT_IN_SERVICE_AREA");
  Approve("640122002");
  EXPECT_NE(WouldOpen(kShared), "NOT_IN_SERVICE_AREA") << "one area sells in the village: it is that one";
  EXPECT_EQ(WouldOpen(kSouth), "NOT_IN_SERVICE_AREA");
  Approve("640122003");
  EXPECT_EQ(WouldOpen(kShared), "NOT_IN_SERVICE_AREA") << "two do: the form has to say which part";
  EXPECT_NE(WouldOpen(kSouth), "NOT_IN_SERVICE_AREA");
  v1::FindAreasRequest find;
  for (const auto& [query, count] : std::map<std::string, int>{{"下庄", 1},
                                                               {"新平", 2},
                                                               {"640122", 3},
                                                               {kNorth, 1},
                                                               {"贺兰", 3},
                                                               {"area 640122003", 1},
                                                               {"nowhere", 0}}) {
    find.set_query(query);
    v1::ListAreasResponse found;
    ASSERT_TRUE(Client::Call(*client_->geofence, &Geofence::FindAreas, find, &found).ok());
    EXPECT_EQ(found.areas_size(), count) << query;
  }
}

TEST_F(VillagesTest, CableIsExcludedWhileTheNeighbourIsNot) {
  EXPECT_THAT(Note({Named(kNorth, "上庄"), Named(kSouth, "下庄"), Cable(kNorth)}),
              testing::ElementsAre("", "", ""));
  EXPECT_EQ(Create("640122002", {kShared}), "AREA_VILLAGE_CABLE");
  EXPECT_EQ(Create("640122002", {kNorth}), "AREA_VILLAGE_CABLE");
  EXPECT_EQ(Create("640122002", {kSouth}), "");
  // A draft may lose a village to cable; then it can be neither submitted nor approved.
  EXPECT_THAT(Note({Cable(kSouth)}), testing::ElementsAre(""));
  EXPECT_EQ(Step("640122002", v1::SUBMITTED, "wang"), "AREA_VILLAGE_CABLE");
  EXPECT_THAT(Note({Cable(kSouth, false)}), testing::ElementsAre(""));
  EXPECT_EQ(Step("640122002", v1::SUBMITTED, "wang"), "");
  EXPECT_THAT(Note({Cable(kSouth)}), testing::ElementsAre(""));
  EXPECT_EQ(Step("640122002", v1::APPROVED, "li"), "AREA_VILLAGE_CABLE");
  EXPECT_THAT(Note({Cable(kSouth, false)}), testing::ElementsAre(""));
  EXPECT_EQ(Step("640122002", v1::APPROVED, "li"), "");
  EXPECT_THAT(Note({Cable(kSouth), Cable(kShared), Cable(kVillage)}),
              testing::ElementsAre("AREA_VILLAGE_CABLE", "AREA_VILLAGE_CABLE", "AREA_VILLAGE_CABLE"));
  EXPECT_EQ(Step("640122002", v1::RETIRED, "li"), "");
  EXPECT_THAT(Note({Cable(kSouth)}), testing::ElementsAre(""));
}

TEST_F(VillagesTest, RowsAreJudgedOneByOne) {
  const std::vector<v1::VillageRow> rows = {
      Planned(kShared, 5),          Planned("640122100999", 5), Planned("640122", 5),
      Planned(kNorth, 5),           Named(kShared, "x"),        At(kShared, 181, 0),
      At(kShared, std::nan(""), 0), v1::VillageRow(),           Planned(kShared, 6)};
  const auto expected =
      testing::ElementsAre("", "REGION_UNKNOWN", "REGION_NOT_VILLAGE", "REGION_UNKNOWN", "FIELD_INVALID",
                           "FIELD_INVALID", "FIELD_INVALID", testing::_, "");
  const auto before = SettledSequences();
  EXPECT_THAT(Note(rows, true), expected);
  EXPECT_EQ(SettledSequences(), before);
  EXPECT_THAT(Note(rows), expected);
  EXPECT_EQ(Note({Planned(kShared, 6)}), std::vector<std::string>{"existed"});
}

TEST_F(VillagesTest, HomesRollUpWithTheirDenominators) {
  Note({Named(kNorth, "上庄"), Named(kSouth, "下庄"), Planned(kNorth, 30), Planned(kVillage, 100),
        Cable(kSouth)});
  v1::GetHomesRequest request;
  v1::GetHomesResponse homes;
  for (const char* region : {"", "64", "640122", "640122100"}) {
    request.set_region(region);
    ASSERT_TRUE(Client::Call(*client_->geofence, &Geofence::GetHomes, request, &homes).ok());
    const v1::HomesCount& total = homes.total();
    EXPECT_EQ(total.villages(), 2U) << region;
    EXPECT_EQ(total.with_plan(), 2U);
    EXPECT_EQ(total.natural_villages(), 2U);
    EXPECT_EQ(total.naturals_with_plan(), 1U);
    EXPECT_EQ(total.naturals_with_cable(), 1U);
    EXPECT_EQ(total.planned(), 130U) << "a village without a plan has that of its parts";
    EXPECT_EQ(total.installed(), 0U) << "the home of the fixture waits for its installation";
  }
  EXPECT_EQ(homes.below_size(), 0);
  ASSERT_EQ(homes.villages_size(), 4);
  EXPECT_EQ(homes.villages(0).name(), "黎明村");
  EXPECT_EQ(homes.villages(0).area_id(), kArea);
  EXPECT_EQ(homes.villages(2).name(), "上庄");
  request.set_region("65");
  EXPECT_EQ(RefusalOf(Client::Call(*client_->geofence, &Geofence::GetHomes, request, &homes)).reason,
            "REGION_UNKNOWN");
}

TEST_F(VillagesTest, CellsAreProposedByDistanceAndShown) {
  const auto row = [](uint64_t cell, double longitude, double latitude) {
    survey::Row out{
        .cell = {.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .area = 33301, .cell = cell},
        .source = survey::Source::kTelco};
    out.position = geofence::Position{.latitude_e7 = static_cast<int32_t>(latitude * 1e7),
                                      .longitude_e7 = static_cast<int32_t>(longitude * 1e7)};
    return std::string(AsChars(survey::Pack(out).bytes));
  };
  // kHomeCell two kilometres away, another one, and one far off; the city's cell near by.
  survey::Row city{.cell = *geofence::ParseCell(kCityCell), .source = survey::Source::kCrowd};
  city.source = survey::Source::kTelco;
  city.position = geofence::Position{.latitude_e7 = 385'600'000, .longitude_e7 = 1'063'500'000};
  grpc::ClientContext context;
  context.AddMetadata("hearth-actor", "wang");
  const auto stream = client_->survey->Import(&context);
  v1::ImportSurveyRequest request;
  request.mutable_header()->set_import_id(NewRequestId());
  request.mutable_header()->set_source(v1::TELCO);
  stream->Write(request);
  request.mutable_rows()->set_rows(row(26879745, 106.37, 38.55) + row(7, 106.351, 38.55) +
                                   row(8, 107.35, 38.55) + std::string(AsChars(survey::Pack(city).bytes)));
  stream->Write(request);
  request.mutable_end();
  stream->Write(request);
  stream->WritesDone();
  v1::ImportSurveyResponse answer;
  while (stream->Read(&answer)) {
  }
  ASSERT_TRUE(stream->Finish().ok());

  v1::ProposeCellsRequest propose;
  propose.set_area_id(kArea);
  propose.set_within_m(5000);
  v1::ProposeCellsResponse proposal;
  const auto ask = [&] {
    return Client::Call(*client_->survey, &v1::SurveyService::Stub::ProposeCells, propose, &proposal);
  };
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(proposal.cells_size(), 0);
  EXPECT_THAT(proposal.villages_without_place(), testing::ElementsAre(kVillage));
  Note({At(kVillage, 106.35, 38.55)});
  ASSERT_TRUE(ask().ok());
  ASSERT_EQ(proposal.cells_size(), 3);
  EXPECT_EQ(proposal.cells(0).cell().cell(), "lte:460:00:33301:7");
  EXPECT_LT(proposal.cells(0).km(), 0.1);
  EXPECT_FALSE(proposal.cells(0).in_area());
  EXPECT_EQ(proposal.cells(1).cell().cell(), kCityCell);
  EXPECT_EQ(proposal.cells(1).lists(0).kind(), v1::BLACKLIST);
  EXPECT_TRUE(proposal.cells(2).in_area());
  EXPECT_EQ(proposal.cells(2).village(), kVillage);
  EXPECT_EQ(proposal.villages_without_place_size(), 0);
  propose.set_limit(2);
  EXPECT_EQ(RefusalOf(ask()).reason, "LIMIT_EXCEEDED");
  propose.set_within_m(0);
  EXPECT_EQ(RefusalOf(ask()).reason, "FIELD_INVALID");
  propose.set_within_m(1);
  propose.set_area_id("640122999");
  EXPECT_EQ(RefusalOf(ask()).reason, "AREA_UNKNOWN");

  v1::DescribeAreaRequest describe;
  describe.set_area_id(kArea);
  describe.set_with_cells(true);
  v1::DescribeAreaResponse area;
  ASSERT_TRUE(Client::Call(*client_->geofence, &Geofence::DescribeArea, describe, &area).ok());
  ASSERT_EQ(area.cells_size(), 1);
  EXPECT_DOUBLE_EQ(area.cells(0).place().longitude(), 106.37);
  EXPECT_EQ(area.networks(0).network(), "460-00");
  EXPECT_EQ(area.cells_without_place(), 0U);
  EXPECT_FALSE(area.no_register());
  EXPECT_EQ(area.villages(0).name(), "黎明村");
  EXPECT_EQ(area.area().steps_size(), 3);
}

// A cell may be on the whitelists of several areas.
TEST_F(VillagesTest, ACellServesSeveralAreas) {
  EXPECT_EQ(Create("640122002", {kShared}), "");
  Approve("640122002");
  ASSERT_TRUE(PutList(v1::WHITELIST, "640122002", {kHomeCell}).ok());
  v1::GetSurveyCellRequest ask;
  ask.set_cell(kHomeCell);
  v1::GetSurveyCellResponse known;
  ASSERT_TRUE(Client::Call(*client_->survey, &v1::SurveyService::Stub::GetCell, ask, &known).ok());
  ASSERT_EQ(known.lists_size(), 2);
  EXPECT_EQ(known.lists(0).list_id(), kArea);
  EXPECT_EQ(known.lists(1).list_id(), "640122002");
}

}  // namespace
}  // namespace hearth::rpc
