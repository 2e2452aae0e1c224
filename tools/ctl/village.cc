// hearthctl region: natural villages, cable, planned homes, places.
#include "tools/ctl/village.h"

#include <fmt/format.h>

#include "hearth/v1/geofence.grpc.pb.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Geofence = v1::GeofenceService::Stub;

// Rows that are not from a file: one call, one line each.
int SendVillages(Session& session, const std::vector<v1::VillageRow>& rows, const ChangeFlags& flags) {
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  RowReport report;
  uint64_t chunk = 0;
  const auto stopped = SendRows(session, **client, &Geofence::ImportVillages, "villages",
                                std::span<const v1::VillageRow>(rows), flags, chunk, report);
  return report.Finish(session, "", stopped);
}

struct NaturalFlags {
  std::string village;
  std::string name;
  ChangeFlags change;
};

void DeclareNatural(CLI::App& command, NaturalFlags& flags) {
  VillageNumber(
      command.add_option("village", flags.village, "12 digits of the village and a serial 01 to 99"))
      ->required();
  command.add_option("--name", flags.name, "What people call it")->type_name("TEXT")->required();
  DeclareChange(command, flags.change, false);
}

int RunNatural(Session& session, const NaturalFlags& flags) {
  v1::VillageRow row;
  row.set_line(1);
  row.set_village(flags.village);
  row.set_name(flags.name);
  return SendVillages(session, {row}, flags.change);
}

struct CableFlags {
  std::vector<std::string> villages;
  bool none = false;
  ChangeFlags change;
};

void DeclareCable(CLI::App& command, CableFlags& flags) {
  VillageNumber(
      command.add_option("village", flags.villages, "12-digit codes, 14 of natural villages; one or more"))
      ->required();
  command.add_flag("--none", flags.none, "Take the mark away");
  DeclareChange(command, flags.change, false);
}

int RunCable(Session& session, const CableFlags& flags) {
  std::vector<v1::VillageRow> rows;
  for (const std::string& village : flags.villages) {
    v1::VillageRow& row = rows.emplace_back();
    row.set_line(rows.size());
    row.set_village(village);
    row.set_cable(!flags.none);
  }
  return SendVillages(session, rows, flags.change);
}

int RunPlan(Session& session, const ImportFlags& flags) {
  return ImportFile(session, flags, ReadPlannedHomes, &Geofence::ImportVillages, "villages");
}

int RunPlaces(Session& session, const ImportFlags& flags) {
  return ImportFile(session, flags, ReadPlaces, &Geofence::ImportVillages, "villages");
}

struct HomesFlags {
  std::string region;
};

void DeclareHomes(CLI::App& command, HomesFlags& flags) {
  RegionNumber(command.add_option("region", flags.region, "The division; left out: everything"));
}

std::string Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{} %", part * 100 / whole);
}

std::string OfAll(uint32_t part, uint32_t whole) { return fmt::format("{}/{}", part, whole); }

int RunHomes(Session& session, const HomesFlags& flags) {
  v1::GetHomesRequest request;
  request.set_region(flags.region);
  return session.Read(&Geofence::GetHomes, request, [&](const v1::GetHomesResponse& answer) {
    Table table({{"division"},
                 {"planned", true},
                 {"installed", true},
                 {"done", true},
                 {"villages planned", true},
                 {"with homes", true},
                 {"with cable", true},
                 {"natural planned", true},
                 {"with cable", true},
                 {"name"}});
    const auto add = [&](const std::string& region, const v1::HomesCount& count, const std::string& name) {
      table.Add({region, std::to_string(count.planned()), std::to_string(count.installed()),
                 Percent(count.installed(), count.planned()), OfAll(count.with_plan(), count.villages()),
                 OfAll(count.with_homes(), count.villages()), OfAll(count.with_cable(), count.villages()),
                 OfAll(count.naturals_with_plan(), count.natural_villages()),
                 OfAll(count.naturals_with_cable(), count.natural_villages()), name});
    };
    for (const v1::HomesBelow& below : answer.below()) add(below.region(), below.count(), below.name());
    add(flags.region.empty() ? "all" : flags.region, answer.total(), "");
    table.Print(session.out());
    if (answer.villages_size() > 0) {
      session.out() << '\n';
      PrintVillages(session, answer.villages());
    }
  });
}

}  // namespace

void PrintVillages(Session& session, const google::protobuf::RepeatedPtrField<v1::VillageInfo>& villages) {
  Table table({{"village"},
               {"cable"},
               {"planned", true},
               {"installed", true},
               {"done", true},
               {"place"},
               {"area"},
               {"name"}});
  for (const v1::VillageInfo& village : villages) {
    const bool both = village.has_planned_homes() && village.has_installed_homes();
    table.Add({village.village(), std::string(YesNo(village.cable())),
               village.has_planned_homes() ? std::to_string(village.planned_homes()) : "-",
               village.has_installed_homes() ? std::to_string(village.installed_homes()) : "-",
               both ? Percent(village.installed_homes(), village.planned_homes()) : "-",
               village.has_place()
                   ? fmt::format("{:.5f} {:.5f}", village.place().longitude(), village.place().latitude())
                   : "-",
               OrDash(village.area_id()), village.name()});
  }
  table.Print(session.out());
}

void AddVillageCommands(Tree& tree) {
  tree.Add<NaturalFlags>("region", "natural-village", "Names a natural village", DeclareNatural, RunNatural);
  tree.Add<CableFlags>("region", "cable", "Marks villages that cable reaches: nothing is sold there",
                       DeclareCable, RunCable);
  tree.Add<ImportFlags>(
      "region", "plan", "Takes planned homes",
      [](CLI::App& command, ImportFlags& flags) { DeclareImport(command, flags, "village,planned_homes"); },
      RunPlan);
  tree.Add<ImportFlags>(
      "region", "places", "Takes the places of villages",
      [](CLI::App& command, ImportFlags& flags) {
        DeclareImport(command, flags, "village,longitude,latitude");
      },
      RunPlaces);
  tree.Add<HomesFlags>("region", "homes", "Planned homes against installed ones", DeclareHomes, RunHomes);
}

}  // namespace hearth::ctl
