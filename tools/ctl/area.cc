// hearthctl region, area: divisions and service areas.
#include <fmt/format.h>

#include "hearth/v1/geofence.grpc.pb.h"
#include "tools/ctl/files.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/survey_import.h"
#include "tools/ctl/village.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Geofence = v1::GeofenceService::Stub;

int RunRegionImport(Session& session, const ImportFlags& flags) {
  return ImportFile(session, flags, ReadRegions, &Geofence::ImportRegions, "divisions");
}

struct FindFlags {
  std::string query;
  std::string level;
  uint32_t limit = 0;
};

void DeclareFind(CLI::App& command, FindFlags& flags) {
  static const std::vector<std::string> levels = {"province", "prefecture", "county", "township", "village"};
  command.add_option("query", flags.query, "Part of a name, or the beginning of a code")
      ->type_name("TEXT")
      ->required();
  OneOf(command.add_option("--level", flags.level, "Only divisions of this level"), levels);
  command.add_option("--limit", flags.limit, "At most so many (default 50)")->type_name("N");
}

int RunFind(Session& session, const FindFlags& flags) {
  v1::FindRegionsRequest request;
  request.set_query(flags.query);
  request.set_level(flags.level);
  request.set_limit(flags.limit);
  Table table({{"code"}, {"level"}, {"name"}, {"path"}});
  return session.List(&Geofence::FindRegions, request, [&](const v1::FindRegionsResponse& answer) {
    for (const v1::Region& region : answer.regions()) {
      table.Add({region.code(), region.level(), region.name(), region.path()});
    }
    table.Print(session.out());
  });
}

void PrintArea(Session& session, const v1::Area& area) {
  Sheet sheet;
  sheet.Add("area", area.area_id());
  sheet.Add("name", area.name());
  sheet.Add("state", v1::AreaState_Name(area.state()));
  sheet.Add("whitelist", area.list_version() == 0
                             ? "none yet"
                             : fmt::format("version {}, {} cells", area.list_version(), area.cells()));
  sheet.Add("villages", std::to_string(area.villages_size()));
  sheet.Add("revision", std::to_string(area.revision()));
  sheet.Print(session.out());
}

struct CreateFlags {
  std::string id;
  std::string name;
  std::vector<std::string> villages;
  std::string villages_file;
  ChangeFlags change;
};

void DeclareCreate(CLI::App& command, CreateFlags& flags) {
  AreaNumber(command.add_option("id", flags.id, "6-digit county and serial 001 to 999"))->required();
  command.add_option("--name", flags.name, "Its name")->type_name("TEXT")->required();
  CLI::App* villages = OptionGroup(command, "villages", 1);
  VillageNumber(villages->add_option("--village", flags.villages,
                                     "12-digit codes, 14 of natural villages; one or more"));
  File(villages->add_option("--villages-file", flags.villages_file, "CSV with the column village"));
  DeclareChange(command, flags.change, false);
}

int RunCreate(Session& session, const CreateFlags& flags) {
  std::vector<std::string> villages = flags.villages;
  if (!flags.villages_file.empty()) {
    const auto text = ReadFileOrInput(flags.villages_file, session.io().in);
    if (!text) return session.FailFile(text.error());
    auto rows = ReadVillages(*text);
    if (!rows) return session.FailFile(rows.error());
    // An area with a village missing would refuse its homes, so one bad line refuses the file.
    RowReport report;
    report.AddLocal(session, rows->errors);
    if (report.refused() > 0) {
      report.Finish(session, "", std::nullopt);
      return kExitBadFile;
    }
    villages = std::move(rows->rows);
  }
  v1::CreateAreaRequest request;
  request.set_area_id(flags.id);
  request.set_name(flags.name);
  for (std::string& village : villages) request.add_villages(std::move(village));
  return session.Change(&Geofence::CreateArea, request, flags.change,
                        [&](const v1::AreaResponse& answer) { PrintArea(session, answer.area()); });
}

// What to do next about the cells of an area.
std::string HintFor(const v1::DescribeAreaResponse& answer) {
  const std::string& id = answer.area().area_id();
  if (answer.no_register())
    return "no register of cells is there to propose any: see survey.dir of hearthd\n";
  uint32_t unplaced = 0;
  for (const v1::VillageInfo& village : answer.villages()) unplaced += village.has_place() ? 0 : 1;
  std::string hint;
  if (unplaced > 0) {
    hint = fmt::format("{} of {} villages have no place: hearthctl region places FILE\n", unplaced,
                       answer.villages_size());
  }
  if (unplaced < static_cast<uint32_t>(answer.villages_size())) {
    hint +=
        fmt::format("cells near its villages: hearthctl area propose {} --within 5 --out cells.csv\n", id);
  }
  return hint;
}

struct AreaFlags {
  std::string id;
};

void DeclareArea(CLI::App& command, AreaFlags& flags) {
  AreaNumber(command.add_option("id", flags.id, "The area"))->required();
}

struct StepFlags {
  std::string id;
  ChangeFlags change;
};

void DeclareStep(CLI::App& command, StepFlags& flags) {
  AreaNumber(command.add_option("id", flags.id, "The area"))->required();
  DeclareChange(command, flags.change, false);
}

template <v1::AreaState kTo>
int RunStep(Session& session, const StepFlags& flags) {
  v1::StepAreaRequest request;
  request.set_area_id(flags.id);
  request.set_to(kTo);
  if (kTo == v1::RETIRED &&
      !session.Confirm(fmt::format("Retire area {}? It is never sold in again.", flags.id))) {
    return session.Declined();
  }
  return session.Change(&Geofence::StepArea, request, flags.change,
                        [&](const v1::AreaResponse& answer) { PrintArea(session, answer.area()); });
}

std::string Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{} %", part * 100 / whole);
}

int RunShow(Session& session, const AreaFlags& flags) {
  v1::DescribeAreaRequest request;
  request.set_area_id(flags.id);
  return session.Read(&Geofence::DescribeArea, request, [&](const v1::DescribeAreaResponse& answer) {
    PrintArea(session, answer.area());
    session.out() << fmt::format("homes:  {} installed of {} planned ({})\n", answer.installed_homes(),
                                 answer.planned_homes(),
                                 Percent(answer.installed_homes(), answer.planned_homes()));
    Table steps({{"time"}, {"state"}, {"actor"}});
    for (const v1::AreaStepTaken& step : answer.area().steps()) {
      steps.Add({LocalTime(step.time()), v1::AreaState_Name(step.state()), step.actor()});
    }
    session.out() << '\n';
    steps.Print(session.out());
    session.out() << '\n';
    PrintVillages(session, answer.villages());
    if (answer.networks_size() > 0) session.out() << '\n';
    Table networks({{"radio"}, {"network"}, {"operator"}, {"cells", true}, {"without a place", true}});
    for (const v1::AreaNetwork& network : answer.networks()) {
      networks.Add({network.radio(), network.network(), OperatorOfNetwork(network.network()),
                    std::to_string(network.cells()), std::to_string(network.without_place())});
    }
    networks.Print(session.out());
    session.out() << '\n' << HintFor(answer);
  });
}

int RunList(Session& session, const NoFlags& /*flags*/) {
  Table table({{"area"}, {"state"}, {"villages", true}, {"list", true}, {"cells", true}, {"name"}});
  return session.List(&Geofence::ListAreas, v1::ListAreasRequest(), [&](const v1::ListAreasResponse& answer) {
    for (const v1::Area& area : answer.areas()) {
      table.Add({area.area_id(), v1::AreaState_Name(area.state()), std::to_string(area.villages_size()),
                 std::to_string(area.list_version()), std::to_string(area.cells()), area.name()});
    }
    table.Print(session.out());
  });
}

}  // namespace

void AddAreaCommands(Tree& tree) {
  tree.Noun("region", "Administrative divisions");
  tree.Add<ImportFlags>(
      "region", "import", "Takes divisions",
      [](CLI::App& command, ImportFlags& flags) { DeclareImport(command, flags, "code,name,parent,level"); },
      RunRegionImport);
  tree.Add<FindFlags>("region", "find", "Divisions by name or code", DeclareFind, RunFind);
  tree.Noun("area", "Service areas");
  tree.Add<CreateFlags>("area", "create", "Drafts a service area", DeclareCreate, RunCreate);
  tree.Add<StepFlags>("area", "submit", "Submits a draft for approval", DeclareStep, RunStep<v1::SUBMITTED>);
  tree.Add<StepFlags>("area", "approve", "Approves what another actor submitted", DeclareStep,
                      RunStep<v1::APPROVED>);
  tree.Add<StepFlags>("area", "file", "Puts an approved area on file", DeclareStep, RunStep<v1::ON_FILE>);
  tree.Add<StepFlags>("area", "retire",
                      "Ends the sale in an area. Refused (AREA_IN_USE) while homes are in it", DeclareStep,
                      RunStep<v1::RETIRED>);
  tree.Add<AreaFlags>("area", "show", "One area with its steps, villages, homes and cells", DeclareArea,
                      RunShow);
  tree.Add<NoFlags>("area", "list", "All areas", DeclareNothing, RunList);
}

}  // namespace hearth::ctl
