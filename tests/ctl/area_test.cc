// hearthctl area and region: villages, homes, proposals, the map.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/files.h"
#include "tools/ctl/geojson.h"

namespace hearth::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kArea[] = "640122001";

v1::DescribeAreaResponse Described() {
  v1::DescribeAreaResponse out;
  v1::Area& area = *out.mutable_area();
  area.set_area_id(kArea);
  area.set_name("习岗镇 \"北\"");
  area.set_state(v1::APPROVED);
  area.set_list_version(3);
  area.set_cells(2);
  for (const v1::AreaState state : {v1::DRAFT, v1::SUBMITTED, v1::APPROVED}) {
    v1::AreaStepTaken& step = *area.add_steps();
    step.set_state(state);
    step.set_actor(state == v1::APPROVED ? "li" : "wang");
    step.mutable_time()->set_seconds(1'700'000'000 + state);
  }
  const std::pair<double, double> places[] = {{106.1, 38.1}, {106.2, 38.1}, {106.2, 38.2}};
  for (int i = 0; i < 4; ++i) {
    v1::VillageInfo& village = *out.add_villages();
    village.set_village("64012210020" + std::to_string(i));
    village.set_name("村" + std::to_string(i));
    village.set_planned_homes(100);
    village.set_installed_homes(i == 0 ? 130 : 10);
    if (i == 3) continue;
    village.mutable_place()->set_longitude(places[i].first);
    village.mutable_place()->set_latitude(places[i].second);
  }
  out.set_planned_homes(400);
  out.set_installed_homes(160);
  v1::AreaNetwork& network = *out.add_networks();
  network.set_radio("lte");
  network.set_network("460-00");
  network.set_cells(2);
  network.set_without_place(1);
  v1::AreaCell& cell = *out.add_cells();
  cell.set_cell("lte:460:00:33301:1");
  cell.set_known(true);
  cell.set_source("TELCO");
  cell.set_range_m(1500);
  cell.mutable_place()->set_longitude(106.15);
  cell.mutable_place()->set_latitude(38.15);
  out.add_cells()->set_cell("lte:460:00:33301:2");
  return out;
}

class AreaTest : public testing::Test {
 protected:
  FakeHeadEnd head_end_;
  TempDir dir_;
};

TEST_F(AreaTest, ShowTellsWhoWhenAndWhatIsMissing) {
  head_end_.geofence.describe_area = [](const v1::DescribeAreaRequest& request,
                                        v1::DescribeAreaResponse* response) {
    EXPECT_EQ(request.area_id(), kArea);
    *response = Described();
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"area", "show", kArea});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* text :
       {"version 3, 2 cells", "160 installed of 400 planned (40 %)", "SUBMITTED", "APPROVED", "li", "村3",
        "130 %", "China Mobile", "1 of 4 villages have no place", "hearthctl area propose 640122001"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

TEST_F(AreaTest, FindsByWords) {
  head_end_.geofence.find_areas = [](const v1::FindAreasRequest& request, v1::ListAreasResponse* response) {
    EXPECT_EQ(request.query(), "习岗");
    *response->add_areas() = Described().area();
    return grpc::Status::OK;
  };
  EXPECT_THAT(RunAgainst(head_end_, {"area", "find", "习岗"}).out, HasSubstr(kArea));
}

TEST_F(AreaTest, ProposesAndNeverAssigns) {
  head_end_.survey.propose_cells = [](const v1::ProposeCellsRequest& request,
                                      v1::ProposeCellsResponse* response) {
    EXPECT_EQ(request.within_m(), 2500U);
    const auto add = [&](const std::string& cell, double km, bool in_area, bool city) {
      v1::ProposedCell& out = *response->add_cells();
      out.mutable_cell()->set_cell(cell);
      out.mutable_cell()->set_source(v1::TELCO);
      out.mutable_cell()->set_has_position(true);
      out.mutable_cell()->set_longitude(106.1);
      out.mutable_cell()->set_latitude(38.1);
      out.mutable_cell()->set_range_m(900);
      out.set_km(km);
      out.set_village("640122100200");
      out.set_in_area(in_area);
      if (city) {
        out.add_lists()->set_kind(v1::BLACKLIST);
        out.mutable_lists(0)->set_list_id("640104001");
      }
    };
    add("lte:460:00:33301:1", 0.5, true, false);
    add("cdma:460:03:2:932184065", 1.25, false, false);
    add("lte:460:00:33301:9", 2.4, false, true);
    response->add_villages_without_place("640122100203");
    return grpc::Status::OK;
  };
  head_end_.geofence.get_cell_list = [](const v1::GetCellListRequest& request,
                                        v1::GetCellListResponse* response) {
    EXPECT_EQ(request.kind(), v1::WHITELIST);
    response->add_cells("lte:460:00:33301:1");
    response->add_cells("gsm:460:01:7:8");
    return grpc::Status::OK;
  };
  const Outcome outcome =
      RunAgainst(head_end_, {"area", "propose", kArea, "--within", "2.5", "--out", dir_.Path("cells.csv")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("3 cells, 1 of them new to the area, 1 on a blacklist"));
  EXPECT_THAT(outcome.out, HasSubstr("blacklist 640104001"));
  EXPECT_THAT(outcome.err, HasSubstr("640122100203"));
  // What the area has stays in the list, also beyond the distance; what a city has is not in it.
  EXPECT_EQ(dir_.Read("cells.csv"),
            "radio,mcc,net,area,cell,lon,lat,range\n"
            "lte,460,00,33301,1,106.1000000,38.1000000,900\n"
            "cdma,460,14224,2,1,106.1000000,38.1000000,900\n"
            "gsm,460,01,7,8,,,\n");
  const auto rows = ReadCells(dir_.Read("cells.csv"));
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->errors.empty());
  EXPECT_THAT(rows->rows, ElementsAre("lte:460:00:33301:1", "cdma:460:03:2:932184065", "gsm:460:01:7:8"));
}

// Positive when the ring goes counter-clockwise.
double AreaOf(const nlohmann::json& ring) {
  double sum = 0;
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    sum += ring[i][0].get<double>() * ring[i + 1][1].get<double>() -
           ring[i + 1][0].get<double>() * ring[i][1].get<double>();
  }
  return sum;
}

TEST_F(AreaTest, TheMapIsGeoJson) {
  head_end_.geofence.describe_area = [](const v1::DescribeAreaRequest& request,
                                        v1::DescribeAreaResponse* response) {
    EXPECT_TRUE(request.with_cells());
    *response = Described();
    response->mutable_area()->set_area_id(request.area_id());
    return grpc::Status::OK;
  };
  head_end_.geofence.list_areas = [](const v1::ListAreasRequest&, v1::ListAreasResponse* response) {
    for (const char* id : {"640122001", "640104002", "640122003"}) response->add_areas()->set_area_id(id);
    response->mutable_areas(2)->set_state(v1::RETIRED);
    response->add_areas()->set_area_id("650100001");
    return grpc::Status::OK;
  };
  Outcome outcome = RunAgainst(head_end_, {"area", "export", "--division", "6401", "--geojson", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto map = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(map["type"], "FeatureCollection");
  std::map<std::string, int> kinds;
  for (const auto& feature : map["features"]) {
    EXPECT_EQ(feature["type"], "Feature");
    ASSERT_TRUE(feature.contains("geometry") && feature.contains("properties"));
    const auto& properties = feature["properties"];
    ++kinds[properties["kind"].get<std::string>()];
    EXPECT_TRUE(properties["area"] == "640122001" || properties["area"] == "640104002");
    const auto& geometry = feature["geometry"];
    if (properties["kind"] != "area") {
      EXPECT_EQ(geometry["type"], "Point");
      EXPECT_EQ(geometry["coordinates"].size(), 2U);
      EXPECT_GT(geometry["coordinates"][0], 100) << "longitude first";
      continue;
    }
    EXPECT_EQ(properties["name"], "习岗镇 \"北\"");
    EXPECT_EQ(geometry["type"], "Polygon");
    const auto& ring = geometry["coordinates"][0];
    ASSERT_EQ(ring.size(), 4U);
    EXPECT_EQ(ring.front(), ring.back());
    EXPECT_GT(AreaOf(ring), 0) << "counter-clockwise";
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"area", 2}, {"village", 6}, {"cell", 2}}));
  outcome = RunAgainst(head_end_, {"area", "export", kArea, "--geojson", dir_.Path("map.json")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(nlohmann::json::accept(dir_.Read("map.json")));
  EXPECT_EQ(RunAgainst(head_end_, {"area", "export", "--geojson", "-"}).code, 2);
}

TEST(Hull, RingsOfPoints) {
  struct Row {
    const char* name;
    std::vector<MapPoint> points;
    std::vector<MapPoint> ring;
  };
  const Row rows[] = {
      {"none", {}, {}},
      {"two", {{0, 0}, {1, 1}}, {}},
      {"the same three times", {{0, 0}, {0, 0}, {0, 0}}, {}},
      {"on a line", {{0, 0}, {1, 1}, {2, 2}, {3, 3}}, {}},
      {"triangle", {{0, 0}, {0, 1}, {1, 0}}, {{0, 0}, {1, 0}, {0, 1}, {0, 0}}},
      {"one inside, one on the edge",
       {{0, 0}, {2, 0}, {2, 2}, {0, 2}, {1, 1}, {1, 0}},
       {{0, 0}, {2, 0}, {2, 2}, {0, 2}, {0, 0}}},
  };
  for (const Row& row : rows) EXPECT_EQ(HullOf(row.points), row.ring) << row.name;
}

TEST_F(AreaTest, VillagesAreNotedRowByRow) {
  std::vector<v1::VillageRow> taken;
  head_end_.geofence.import_villages = [&](const v1::ImportVillagesRequest& request,
                                           v1::ImportVillagesResponse* response) {
    for (const v1::VillageRow& row : request.rows()) {
      taken.push_back(row);
      v1::RowResult& result = *response->add_rows();
      result.set_line(row.line());
      result.set_outcome(v1::RowResult::DONE);
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunAgainst(head_end_, {"region", "natural-village", "64012210020101", "--name", "上庄"}).code, 0);
  EXPECT_EQ(taken.back().village(), "64012210020101");
  EXPECT_EQ(taken.back().name(), "上庄");
  EXPECT_EQ(RunAgainst(head_end_, {"region", "cable", "640122100201", "64012210020001"}).code, 0);
  EXPECT_EQ(taken.size(), 3U);
  EXPECT_TRUE(taken.back().cable());
  EXPECT_EQ(RunAgainst(head_end_, {"region", "cable", "640122100201", "--none"}).code, 0);
  EXPECT_TRUE(taken.back().has_cable());
  EXPECT_FALSE(taken.back().cable());
  EXPECT_EQ(RunAgainst(head_end_, {"region", "cable", "640122"}).code, 2);
  taken.clear();
  Outcome outcome =
      RunAgainst(head_end_, {"region", "plan",
                             dir_.Write("plan.csv",
                                        "村代码,计划户数\n640122100201,120\n64012210020101,0\n640122,5\n"
                                        "640122100202,many\n")});
  EXPECT_EQ(outcome.code, 1);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].planned_homes(), 120U);
  EXPECT_TRUE(taken[1].has_planned_homes());
  EXPECT_THAT(outcome.out, HasSubstr("planned_homes"));
  taken.clear();
  outcome = RunAgainst(head_end_, {"region", "places",
                                   dir_.Write("p.csv",
                                              "640122100201,106.35,38.55\n"
                                              "640122100202,206.35,38.55\n")});
  EXPECT_EQ(outcome.code, 1);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_DOUBLE_EQ(taken[0].place().longitude(), 106.35);
  EXPECT_FALSE(taken[0].has_cable() || taken[0].has_planned_homes() || taken[0].has_name());
}

TEST_F(AreaTest, HomesHaveTheirDenominators) {
  head_end_.geofence.get_homes = [](const v1::GetHomesRequest& request, v1::GetHomesResponse* response) {
    EXPECT_EQ(request.region(), "640122100");
    v1::HomesCount& total = *response->mutable_total();
    total.set_villages(12);
    total.set_with_plan(10);
    total.set_with_homes(7);
    total.set_natural_villages(30);
    total.set_naturals_with_plan(21);
    total.set_planned(200);
    total.set_installed(250);
    *response->add_villages() = Described().villages(0);
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"region", "homes", "640122100"});
  for (const char* text : {"125 %", "10/12", "7/12", "21/30", "130 %", "村0"}) {
    EXPECT_THAT(outcome.out, HasSubstr(text));
  }
}

}  // namespace
}  // namespace hearth::ctl
