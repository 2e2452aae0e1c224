// hearthctl area: search, cells proposed by distance, the map.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "hearth/v1/geofence.grpc.pb.h"
#include "hearth/v1/survey.grpc.pb.h"
#include "tools/ctl/files.h"
#include "tools/ctl/geojson.h"
#include "tools/ctl/survey_import.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Geofence = v1::GeofenceService::Stub;
using Survey = v1::SurveyService::Stub;

struct FindFlags {
  std::string query;
  uint32_t limit = 0;
};

void DeclareFind(CLI::App& command, FindFlags& flags) {
  command
      .add_option("query", flags.query,
                  "Part of the name of an area, village or division, or the beginning of a number")
      ->type_name("TEXT")
      ->required();
  command.add_option("--limit", flags.limit, "At most so many (default 50)")->type_name("N");
}

int RunFind(Session& session, const FindFlags& flags) {
  v1::FindAreasRequest request;
  request.set_query(flags.query);
  request.set_limit(flags.limit);
  Table table({{"area"}, {"state"}, {"villages", true}, {"cells", true}, {"name"}});
  return session.List(&Geofence::FindAreas, request, [&](const v1::ListAreasResponse& answer) {
    for (const v1::Area& area : answer.areas()) {
      table.Add({area.area_id(), v1::AreaState_Name(area.state()), std::to_string(area.villages_size()),
                 std::to_string(area.cells()), area.name()});
    }
    table.Print(session.out());
  });
}

struct ProposeFlags {
  std::string id;
  double within_km = 5;
  std::string out;
};

void DeclarePropose(CLI::App& command, ProposeFlags& flags) {
  AreaNumber(command.add_option("id", flags.id, "The area"))->required();
  command.add_option("--within", flags.within_km, "Distance from its villages, kilometres (default 5)")
      ->type_name("KM")
      ->check(CLI::Range(0.001, 100.0));
  File(command.add_option(
      "--out", flags.out,
      "Write a list for `cells import` there: the whitelist as it is, and what is proposed"));
}

bool OnBlacklist(const v1::ProposedCell& cell) {
  return std::any_of(cell.lists().begin(), cell.lists().end(),
                     [](const v1::ListOfCell& list) { return list.kind() == v1::BLACKLIST; });
}

std::string ListsText(const v1::ProposedCell& cell) {
  std::string text;
  for (const v1::ListOfCell& list : cell.lists()) {
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", list.kind() == v1::BLACKLIST ? "blacklist " : "",
                        list.list_id());
  }
  return OrDash(text);
}

// "lte:460:00:33301:7" as the columns of a cell list. Of a CDMA cell the SID stands where others have the
// MNC.
std::string RowOf(const std::string& cell) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= cell.size();) {
    const size_t end = std::min(cell.find(':', begin), cell.size());
    parts.push_back(cell.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() != 5) return "";
  if (parts[0] == "cdma") {
    const auto number = ParseNumber(parts[4], UINT32_MAX, "cell").value_or(0);
    parts[2] = std::to_string(number >> 16);
    parts[4] = std::to_string(number & 0xFFFF);
  }
  return fmt::format("{},{},{},{},{}", parts[0], parts[1], parts[2], parts[3], parts[4]);
}

std::string PlaceText(const v1::SurveyCell& cell) {
  return fmt::format("{:.7f},{:.7f},{}", cell.longitude(), cell.latitude(),
                     cell.has_range_m() ? std::to_string(cell.range_m()) : "");
}

// `cells import` replaces a list, so what is on it now has to be in the file.
tl::expected<std::string, Failure> ListFile(const Client& client, const std::string& area,
                                            const v1::ProposeCellsResponse& proposal) {
  v1::GetCellListRequest request;
  request.set_kind(v1::WHITELIST);
  request.set_list_id(area);
  v1::GetCellListResponse list;
  const grpc::Status status = client.Call(&Geofence::GetCellList, request, &list);
  if (!status.ok()) {
    Failure failure = client.Decode(status);
    if (failure.reason != InfoOf(Reason::kCellListUnknown).name) return tl::unexpected(std::move(failure));
  }
  std::string csv = "radio,mcc,net,area,cell,lon,lat,range\n";
  std::set<std::string> written;
  for (const v1::ProposedCell& cell : proposal.cells()) {
    if (OnBlacklist(cell) && !cell.in_area()) continue;
    csv += fmt::format("{},{}\n", RowOf(cell.cell().cell()), PlaceText(cell.cell()));
    written.insert(cell.cell().cell());
  }
  for (const std::string& cell : list.cells()) {
    if (!written.contains(cell)) csv += RowOf(cell) + ",,,\n";
  }
  return csv;
}

void PrintProposal(Session& session, const v1::ProposeCellsResponse& answer) {
  Table table({{"km", true}, {"cell"}, {"operator"}, {"source"}, {"village"}, {"lists that have it"}});
  uint64_t fresh = 0;
  uint64_t city = 0;
  for (const v1::ProposedCell& cell : answer.cells()) {
    fresh += cell.in_area() || OnBlacklist(cell) ? 0 : 1;
    city += OnBlacklist(cell) ? 1 : 0;
    table.Add({fmt::format("{:.2f}", cell.km()), cell.cell().cell(), OperatorOf(cell.cell().cell()),
               SourceName(cell.cell().source()), cell.village(), ListsText(cell)});
  }
  table.Print(session.out());
  session.out() << fmt::format("{} cells, {} of them new to the area, {} on a blacklist\n",
                               answer.cells_size(), fresh, city);
  for (const std::string& village : answer.villages_without_place()) {
    session.Note(fmt::format("village {} has no place: nothing was looked for around it", village));
  }
}

int RunPropose(Session& session, const ProposeFlags& flags) {
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  v1::ProposeCellsRequest request;
  request.set_area_id(flags.id);
  request.set_within_m(static_cast<uint32_t>(std::lround(flags.within_km * 1000)));
  v1::ProposeCellsResponse answer;
  const grpc::Status status = (*client)->Call(&Survey::ProposeCells, request, &answer);
  if (!status.ok()) return session.Fail((*client)->Decode(status));
  if (!flags.out.empty()) {
    const auto csv = ListFile(**client, flags.id, answer);
    if (!csv) return session.Fail(csv.error());
    const Status written = WriteFile(flags.out, *csv);
    if (!written) return session.FailFile(written.error());
  }
  if (session.json()) {
    session.out() << Json(answer, JsonStyle::kPretty) << '\n';
    return kExitOk;
  }
  PrintProposal(session, answer);
  if (!flags.out.empty()) {
    session.out() << fmt::format("look through {}, then: hearthctl cells import {} --area {}\n", flags.out,
                                 flags.out, flags.id);
  }
  return kExitOk;
}

struct ExportFlags {
  std::string id;
  std::string division;
  std::string file;
};

void DeclareExport(CLI::App& command, ExportFlags& flags) {
  AreaNumber(command.add_option("id", flags.id, "The area"));
  RegionNumber(command.add_option("--division", flags.division, "Instead, all areas in this division"));
  File(command.add_option("--geojson", flags.file, "Write the map there; - is stdout"))->required();
}

int RunExport(Session& session, const ExportFlags& flags) {
  if (flags.id.empty() == flags.division.empty()) {
    return session.FailUsage(MissingField("id", "an area, or else --division"));
  }
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  std::vector<std::string> ids = {flags.id};
  if (!flags.division.empty()) {
    v1::ListAreasResponse all;
    const grpc::Status listed = (*client)->Call(&Geofence::ListAreas, v1::ListAreasRequest(), &all);
    if (!listed.ok()) return session.Fail((*client)->Decode(listed));
    ids.clear();
    const std::string division = flags.division.substr(0, 6);  // areas are numbered by county
    for (const v1::Area& area : all.areas()) {
      if (area.state() != v1::RETIRED && area.area_id().starts_with(division)) ids.push_back(area.area_id());
    }
  }
  std::vector<v1::DescribeAreaResponse> areas;
  for (const std::string& id : ids) {
    v1::DescribeAreaRequest request;
    request.set_area_id(id);
    request.set_with_cells(true);
    const grpc::Status status = (*client)->Call(&Geofence::DescribeArea, request, &areas.emplace_back());
    if (!status.ok()) return session.Fail((*client)->Decode(status));
  }
  const std::string map = ToGeoJson(areas);
  if (flags.file == "-") {
    session.out() << map;
    return kExitOk;
  }
  const Status written = WriteFile(flags.file, map);
  if (!written) return session.FailFile(written.error());
  session.out() << fmt::format("{} areas in {}\n", areas.size(), flags.file);
  return kExitOk;
}

}  // namespace

void AddAreaMapCommands(Tree& tree) {
  tree.Add<FindFlags>("area", "find", "Areas by name, village or number", DeclareFind, RunFind);
  tree.Add<ProposeFlags>("area", "propose", "Cells near the villages of an area", DeclarePropose, RunPropose);
  tree.Add<ExportFlags>("area", "export", "Areas as a map (GeoJSON)", DeclareExport, RunExport);
}

}  // namespace hearth::ctl
