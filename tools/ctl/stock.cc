// hearthctl batch, stock: cards, boxes and SIMs as they were delivered.
#include <fmt/format.h>

#include "hearth/v1/registry.grpc.pb.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Registry = v1::RegistryService::Stub;

// A batch is a call of its own; one that is refused stops the others only when nothing answers.
int RunBatchImport(Session& session, const ImportFlags& flags) {
  const auto text = ReadFileOrInput(flags.file, session.io().in);
  if (!text) return session.FailFile(text.error());
  const auto rows = ReadBatches(*text);
  if (!rows) return session.FailFile(rows.error());
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto id = session.request_id();
  if (!id) return session.FailUsage(id.error());
  RowReport report;
  report.AddLocal(session, rows->errors);
  uint64_t number = 0;
  for (const BatchRow& row : rows->rows) {
    v1::ImportBatchRequest request = row.request;
    session.FillChange(flags.change, ChunkRequestId(*id, number++), request.mutable_change());
    v1::ImportBatchResponse response;
    const auto failure =
        session.Retry(**client, [&] { return (*client)->Call(&Registry::ImportBatch, request, &response); });
    if (failure && failure->exit_code == kExitUnreachable)
      return report.Finish(session, flags.rejects, failure);
    if (failure) {
      report.AddFailure(row.line, *failure);
      continue;
    }
    v1::RowResult result;
    result.set_outcome(response.changed().repeated() ? v1::RowResult::EXISTED : v1::RowResult::DONE);
    report.Add(result);
  }
  return report.Finish(session, flags.rejects, std::nullopt);
}

struct StockFlags {
  std::string cards;
  std::string boxes;
  std::string sims;
  std::string rejects;
  ChangeFlags change;
};

struct StockFile {
  const char* name;
  const std::string& path;
  Result<FileRows<v1::StockRow>> (*read)(std::string_view);
};

// All files are read before the first row is sent, so that a wrong file changes nothing.
int RunStockImport(Session& session, const StockFlags& flags) {
  const StockFile files[] = {{"cards", flags.cards, ReadCardStock},
                             {"boxes", flags.boxes, ReadBoxStock},
                             {"sims", flags.sims, ReadSimStock}};
  std::vector<std::pair<std::string, FileRows<v1::StockRow>>> all;
  for (const StockFile& file : files) {
    if (file.path.empty()) continue;
    const auto text = ReadFile(file.path);
    if (!text) return session.FailFile(text.error());
    auto rows = file.read(*text);
    if (!rows) return session.FailFile(rows.error());
    all.emplace_back(file.name, std::move(*rows));
  }
  if (all.empty()) return session.FailUsage(MissingField("--cards", "give --cards, --boxes or --sims"));
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  RowReport report;
  uint64_t chunk = 0;
  for (const auto& [name, rows] : all) {
    report.BeginFile(name);
    report.AddLocal(session, rows.errors);
    const auto stopped = SendRows(session, **client, &Registry::ImportStock, name,
                                  std::span<const v1::StockRow>(rows.rows), flags.change, chunk, report);
    if (stopped) return report.Finish(session, flags.rejects, stopped);
  }
  return report.Finish(session, flags.rejects, std::nullopt);
}

}  // namespace

void AddStockCommands(Tree& tree) {
  tree.Noun("batch", "Personalisation batches of cards");
  tree.Add<ImportFlags>(
      "batch", "import", "Makes batches known: number range and master key",
      [](CLI::App& command, ImportFlags& flags) {
        DeclareImport(command, flags, "batch,first_card,last_card,master_key");
      },
      RunBatchImport);
  tree.Noun("stock", "Cards, boxes and SIMs in stock");
  tree.Add<StockFlags>(
      "stock", "import", "Takes deliveries into stock; again is harmless",
      [](CLI::App& command, StockFlags& flags) {
        File(command.add_option("--cards", flags.cards, "CSV: card_number,batch"));
        File(command.add_option("--boxes", flags.boxes,
                                "CSV: box_serial,encrypted_serial,imei,model,chip_key"));
        File(command.add_option("--sims", flags.sims, "CSV: sim_number,iccid"));
        File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
        DeclareChange(command, flags.change, false);
      },
      RunStockImport);
}

}  // namespace hearth::ctl
