// hearthctl survey: the register of cells.
#include <filesystem>

#include <fmt/format.h>

#include "hearth/v1/survey.grpc.pb.h"
#include "tools/ctl/survey_import.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Survey = v1::SurveyService::Stub;

void DeclareSurveyImport(CLI::App& command, SurveyImportFlags& flags) {
  static const std::vector<std::string> sources = {"telco", "collector", "crowd"};
  File(command.add_option("file", flags.file,
                          "CSV as OpenCellID writes it, plain or gzip, with or without header; - is stdin"))
      ->required();
  OneOf(command.add_option("--source", flags.source,
                           "Who says so (default crowd, which overwrites nothing else)"),
        sources);
  File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
  command.add_option("--resume", flags.resume, "Go on with this import")->type_name("UUID");
  Time(command.add_option("--as-of", flags.as_of, "How recent rows without a time are, RFC 3339"));
  DeclareChange(command, flags.change, false);
}

std::string StageName(v1::SurveyImport::Stage stage) {
  return stage == v1::SurveyImport::RECEIVING ? "open" : "merged";
}

int RunList(Session& session, const NoFlags& /*flags*/) {
  Table table({{"import"},
               {"began"},
               {"source"},
               {"stage"},
               {"rows", true},
               {"new", true},
               {"changed", true},
               {"actor"},
               {"file"}});
  return session.List(
      &Survey::ListImports, v1::ListSurveyImportsRequest(), [&](const v1::ListSurveyImportsResponse& answer) {
        for (const v1::SurveyImport& import : answer.imports()) {
          table.Add({import.import_id(), LocalTime(import.began()), SourceName(import.source()),
                     StageName(import.stage()), std::to_string(import.rows()), std::to_string(import.fresh()),
                     std::to_string(import.replaced()), import.actor(), OrDash(import.file_name())});
        }
        table.Print(session.out());
      });
}

struct IdFlags {
  std::string id;
};

void DeclareId(CLI::App& command, IdFlags& flags) {
  command.add_option("id", flags.id, "The import")->type_name("UUID")->required();
}

int RunShow(Session& session, const IdFlags& flags) {
  v1::GetSurveyImportRequest request;
  request.set_import_id(flags.id);
  return session.Read(&Survey::GetImport, request, [&](const v1::GetSurveyImportResponse& answer) {
    const v1::SurveyImport& import = answer.import();
    Sheet sheet;
    sheet.Add("stage", StageName(import.stage()));
    sheet.Add("actor", import.actor());
    sheet.Add("began", LocalTime(import.began()));
    sheet.Add("changed", LocalTime(import.changed()));
    sheet.Print(session.out());
    PrintImport(session, import);
    if (import.stage() == v1::SurveyImport::RECEIVING) {
      session.out() << fmt::format("go on: hearthctl survey import FILE --source {} --resume {}\n",
                                   SourceName(import.source()), import.import_id());
    }
  });
}

struct AbortFlags {
  std::string id;
  ChangeFlags change;
};

void DeclareAbort(CLI::App& command, AbortFlags& flags) {
  command.add_option("id", flags.id, "The import")->type_name("UUID")->required();
  DeclareChange(command, flags.change, false);
}

int RunAbort(Session& session, const AbortFlags& flags) {
  v1::AbortSurveyImportRequest request;
  request.set_import_id(flags.id);
  return session.Change(&Survey::AbortImport, request, flags.change,
                        [&](const v1::AbortSurveyImportResponse&) {
                          session.out() << fmt::format("import {} and its rows are forgotten\n", flags.id);
                        });
}

struct CellFlags {
  std::string cell;
};

void DeclareCell(CLI::App& command, CellFlags& flags) {
  command.add_option("cell", flags.cell, "radio:mcc:mnc:area:cell, as lte:460:00:33301:26879745")
      ->type_name("CELL")
      ->required();
}

int RunCell(Session& session, const CellFlags& flags) {
  v1::GetSurveyCellRequest request;
  request.set_cell(flags.cell);
  return session.Read(&Survey::GetCell, request, [&](const v1::GetSurveyCellResponse& answer) {
    const v1::SurveyCell& cell = answer.cell();
    Sheet sheet;
    sheet.Add("cell", cell.cell());
    sheet.Add("operator", OperatorOf(cell.cell()));
    sheet.Add("in the register", answer.known() ? SourceName(cell.source()) : "no");
    if (cell.has_position())
      sheet.Add("place", fmt::format("{:.7f} {:.7f}", cell.longitude(), cell.latitude()));
    if (cell.has_range_m()) sheet.Add("range", fmt::format("{} m", cell.range_m()));
    if (cell.has_samples()) sheet.Add("samples", std::to_string(cell.samples()));
    if (cell.has_updated()) sheet.Add("updated", LocalTime(cell.updated()));
    std::string lists;
    for (const v1::ListOfCell& list : answer.lists()) {
      lists += fmt::format("{}{} {}", lists.empty() ? "" : ", ",
                           list.kind() == v1::WHITELIST ? "whitelist" : "blacklist", list.list_id());
    }
    sheet.Add("lists", OrDash(lists));
    sheet.Print(session.out());
  });
}

int RunStatus(Session& session, const NoFlags& /*flags*/) {
  return session.Read(
      &Survey::GetStatus, v1::GetSurveyStatusRequest(), [&](const v1::GetSurveyStatusResponse& answer) {
        Sheet sheet;
        sheet.Add("cells", std::to_string(answer.cells()));
        sheet.Add("with a place", std::to_string(answer.with_position()));
        sheet.Add("generation", std::to_string(answer.generation()));
        sheet.Add("since", LocalTime(answer.since()));
        sheet.Add("bytes", std::to_string(answer.bytes()));
        sheet.Add("open imports", std::to_string(answer.open_imports()));
        sheet.Print(session.out());
        Table table(
            {{"radio"}, {"network"}, {"operator"}, {"source"}, {"cells", true}, {"with a place", true}});
        for (const v1::SurveyNetwork& network : answer.networks()) {
          table.Add({v1::Radio_Name(network.radio()), network.network(), OperatorOfNetwork(network.network()),
                     SourceName(network.source()), std::to_string(network.cells()),
                     std::to_string(network.with_position())});
        }
        if (answer.networks_size() > 0) session.out() << '\n';
        table.Print(session.out());
      });
}

}  // namespace

void AddSurveyCommands(Tree& tree) {
  tree.Noun("survey", "The register of cells: what telcos, field collectors and the crowd know of them");
  tree.Add<SurveyImportFlags>("survey", "import", "Takes a list of cells into the register",
                              DeclareSurveyImport, RunSurveyImport);
  tree.Add<NoFlags>("survey", "list", "The imports", DeclareNothing, RunList);
  tree.Add<IdFlags>("survey", "show", "One import", DeclareId, RunShow);
  tree.Add<AbortFlags>("survey", "abort", "Forgets an open import", DeclareAbort, RunAbort);
  tree.Add<CellFlags>("survey", "cell", "What is known of a cell", DeclareCell, RunCell);
  tree.Add<NoFlags>("survey", "status", "Cells by network, radio and source", DeclareNothing, RunStatus);
}

}  // namespace hearth::ctl
