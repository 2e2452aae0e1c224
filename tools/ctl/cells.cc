// hearthctl cells: whitelists of areas and blacklists of cities.
#include <algorithm>

#include <fmt/format.h>

#include "hearth/v1/geofence.grpc.pb.h"
#include "tools/ctl/rollout.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Geofence = v1::GeofenceService::Stub;

// Some 300 KB: far below Limits::grpc_message_bytes.
constexpr size_t kCellsPerMessage = 10'000;

// Which list: exactly one of the two.
struct ListFlags {
  std::string area;
  std::string blacklist;

  v1::ListKind kind() const { return area.empty() ? v1::BLACKLIST : v1::WHITELIST; }
  const std::string& id() const { return area.empty() ? blacklist : area; }
  std::string Words() const {
    return area.empty() ? fmt::format("blacklist {}", blacklist)
                        : fmt::format("the whitelist of area {}", area);
  }
};

void DeclareListChoice(CLI::App& command, ListFlags& flags) {
  CLI::App* list = OptionGroup(command, "list", 1);
  AreaNumber(list->add_option("--area", flags.area, "The whitelist of this area"));
  AreaNumber(list->add_option("--blacklist", flags.blacklist,
                              "This blacklist: 6-digit division whose boxes hold it, and serial"));
}

struct PutFlags {
  std::string file;
  std::string name;
  std::string rejects;
  ListFlags list;
  ChangeFlags change;
};

// One attempt at the whole stream.
grpc::Status Put(const Client& client, const v1::PutCellListHeader& header,
                 const std::vector<std::string>& cells, v1::PutCellListResponse* response) {
  grpc::ClientContext context;
  client.Prepare(context);
  Geofence stub(client.channel());
  const auto writer = stub.PutCellList(&context, response);
  v1::PutCellListRequest message;
  *message.mutable_header() = header;
  bool open = writer->Write(message);
  for (size_t begin = 0; open && begin < cells.size(); begin += kCellsPerMessage) {
    message.mutable_cells()->clear_cells();
    const size_t end = std::min(begin + kCellsPerMessage, cells.size());
    for (size_t i = begin; i < end; ++i) message.mutable_cells()->add_cells(cells[i]);
    open = writer->Write(message);
  }
  // A write fails when the head-end has answered already; Finish then says what.
  writer->WritesDone();
  return writer->Finish();
}

void PrintDiff(Session& session, const ListFlags& list, const v1::PutCellListResponse& diff, bool done) {
  // A list that somebody goes dark by is in force only when its rollout was activated.
  const bool waits = done && diff.rollout() != 0 && !diff.in_force();
  session.out() << fmt::format("{} {}: version {}, {} cells: {} added, {} removed, {} kept\n", list.Words(),
                               done && !waits ? "now has" : "would have", diff.version(), diff.cells(),
                               diff.added(), diff.removed(), diff.kept());
  if (!waits) return;
  session.out() << fmt::format(
      "nothing is in force yet: homes would go dark by it, so it is rollout {}\nnext: {}\n", diff.rollout(),
      RolloutCommand("show", diff.rollout()));
}

// Shows the diff before asking; a list that is replaced can darken every home of its area.
tl::expected<bool, Failure> ShownAndConfirmed(Session& session, const Client& client, const PutFlags& flags,
                                              v1::PutCellListHeader header,
                                              const std::vector<std::string>& cells) {
  if (!session.WouldAsk()) return true;
  header.mutable_change()->set_dry_run(true);
  v1::PutCellListResponse diff;
  if (auto failure = session.Retry(client, [&] { return Put(client, header, cells, &diff); })) {
    return tl::unexpected(*failure);
  }
  PrintDiff(session, flags.list, diff, false);
  return session.Confirm("Replace it?");
}

int RunImport(Session& session, const PutFlags& flags) {
  const auto text = ReadFileOrInput(flags.file, session.io().in);
  if (!text) return session.FailFile(text.error());
  const auto rows = ReadCells(*text);
  if (!rows) return session.FailFile(rows.error());
  if (rows->rows.empty() && rows->errors.empty()) {
    return session.FailFile(Error(Reason::kCellListEmpty, fmt::format("{} holds no cells", flags.file)));
  }
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto id = session.request_id();
  if (!id) return session.FailUsage(id.error());
  v1::PutCellListHeader header;
  session.FillChange(flags.change, *id, header.mutable_change());
  header.set_kind(flags.list.kind());
  header.set_list_id(flags.list.id());
  header.set_name(flags.name);

  RowReport report;
  report.AddLocal(session, rows->errors);
  if (rows->rows.empty()) {
    report.Finish(session, flags.rejects, std::nullopt);
    return kExitBadFile;
  }
  if (session.WouldAsk() && report.refused() > 0) {
    session.Note(fmt::format("{} rows of the file are refused and would be missing", report.refused()));
  }
  const auto go_on = ShownAndConfirmed(session, **client, flags, header, rows->rows);
  if (!go_on) return session.Fail(go_on.error());
  if (!*go_on) return session.Declined();

  v1::PutCellListResponse answer;
  const auto failure = session.Retry(**client, [&] { return Put(**client, header, rows->rows, &answer); });
  if (failure) return report.Finish(session, flags.rejects, failure);
  report.AddDone(rows->rows.size());
  if (session.json()) {
    report.Attach(Json(answer, JsonStyle::kOneLine));
  } else {
    PrintDiff(session, flags.list, answer, !session.globals().dry_run);
    session.PrintChanged(answer.changed());
  }
  return report.Finish(session, flags.rejects, std::nullopt);
}

std::string KindName(v1::ListKind kind) { return kind == v1::WHITELIST ? "whitelist" : "blacklist"; }

int RunList(Session& session, const NoFlags& /*flags*/) {
  Table table({{"kind"}, {"list"}, {"version", true}, {"cells", true}, {"since"}, {"actor"}, {"name"}});
  return session.List(&Geofence::ListCellLists, v1::ListCellListsRequest(),
                      [&](const v1::ListCellListsResponse& answer) {
                        for (const v1::CellList& list : answer.lists()) {
                          table.Add({KindName(list.kind()), list.list_id(), std::to_string(list.version()),
                                     std::to_string(list.cells()), LocalTime(list.activated()), list.actor(),
                                     OrDash(list.name())});
                        }
                        table.Print(session.out());
                      });
}

int RunShow(Session& session, const ListFlags& flags) {
  v1::GetCellListRequest request;
  request.set_kind(flags.kind());
  request.set_list_id(flags.id());
  return session.Read(&Geofence::GetCellList, request, [&](const v1::GetCellListResponse& answer) {
    Sheet sheet;
    sheet.Add("list", answer.list().list_id());
    sheet.Add("kind", KindName(answer.list().kind()));
    sheet.AddIf("name", answer.list().name());
    sheet.Add("version", std::to_string(answer.list().version()));
    sheet.Add("since", LocalTime(answer.list().activated()));
    sheet.Add("actor", answer.list().actor());
    sheet.Add("cells", std::to_string(answer.list().cells()));
    sheet.Print(session.out());
    session.out() << '\n';
    for (const std::string& cell : answer.cells()) session.out() << Printable(cell) << '\n';
  });
}

struct UnknownFlags {
  std::string area;
  uint32_t limit = 0;
};

int RunUnknown(Session& session, const UnknownFlags& flags) {
  v1::ListUnknownCellsRequest request;
  request.set_area_id(flags.area);
  request.set_limit(flags.limit);
  request.set_revision_token(session.globals().revision_token);
  Table table({{"cell"}, {"area"}, {"cards", true}, {"first seen"}, {"last seen"}});
  return session.List(&Geofence::ListUnknownCells, request, [&](const v1::ListUnknownCellsResponse& answer) {
    for (const v1::UnknownCell& cell : answer.cells()) {
      table.Add({cell.cell(), OrDash(cell.area_id()), std::to_string(cell.cards()),
                 LocalTime(cell.first_seen()), LocalTime(cell.last_seen())});
    }
    table.Print(session.out());
  });
}

}  // namespace

void AddCellCommands(Tree& tree) {
  tree.Noun("cells", "Cell lists: whitelists of areas, blacklists of cities");
  tree.Add<PutFlags>(
      "cells", "import", "Replaces the cells of one list",
      [](CLI::App& command, PutFlags& flags) {
        File(command.add_option("file", flags.file, "CSV in the columns of OpenCellID; - is stdin"))
            ->required();
        DeclareListChoice(command, flags.list);
        command.add_option("--name", flags.name, "Name of the list")->type_name("TEXT");
        File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
        DeclareChange(command, flags.change, false);
      },
      RunImport);
  tree.Add<NoFlags>("cells", "list", "All cell lists", DeclareNothing, RunList);
  tree.Add<ListFlags>("cells", "show", "One list with its cells", DeclareListChoice, RunShow);
  tree.Add<UnknownFlags>(
      "cells", "unknown", "Cells that cards report and no list has, most reported first",
      [](CLI::App& command, UnknownFlags& flags) {
        AreaNumber(command.add_option("--area", flags.area, "Only reported by cards of this area"));
        command.add_option("--limit", flags.limit, "At most so many (default 100)")->type_name("N");
      },
      RunUnknown);
}

}  // namespace hearth::ctl
