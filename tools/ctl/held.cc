// hearthctl intervention held, release, drop: what waits for an operator.
#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/intervention.grpc.pb.h"
#include "src/base/ids.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Interventions = v1::InterventionService::Stub;

struct HeldFlags {
  std::string area;
};

int RunHeld(Session& session, const HeldFlags& flags) {
  v1::ListHeldRequest request;
  request.set_area_id(flags.area);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"card"},
               {"account"},
               {"area"},
               {"kind"},
               {"verdict"},
               {"why"},
               {"reported"},
               {"rollout"},
               {"cells"}});
  return session.List(&Interventions::ListHeld, request, [&](const v1::ListHeldResponse& answer) {
    for (const v1::Intervention& what : answer.interventions()) {
      table.Add({what.card_number(), OrDash(what.form_number()), OrDash(what.area_id()),
                 v1::InterventionKind_Name(what.kind()), v1::Verdict_Name(what.verdict()),
                 OrDash(what.breaker().empty() ? what.reason() : what.breaker()), LocalTime(what.reported()),
                 what.rollout() == 0 ? "-" : std::to_string(what.rollout()),
                 OrDash(fmt::format("{}", fmt::join(what.cells(), " ")))});
    }
    table.Print(session.out());
  });
}

struct DecideFlags {
  std::vector<std::string> cards;
  std::string file;
  std::string rejects;
  ChangeFlags change;
};

void DeclareDecide(CLI::App& command, DecideFlags& flags) {
  CLI::Option* cards = Card(command.add_option("cards", flags.cards, "The cards; one or more"));
  File(command.add_option("--file", flags.file, "Or a file: the first column of each line; - is stdin"))
      ->excludes(cards);
  File(command.add_option("--rejects", flags.rejects, "Write the refused ones there, as CSV"));
  DeclareChange(command, flags.change, true);
}

// A card and where it stood: its line in the file, or its place on the command line.
struct Line {
  uint64_t line = 0;
  std::string card;
};

// The first column of each line; lines without one, and a header, are passed over.
std::vector<Line> SplitLines(std::string_view text) {
  std::vector<Line> lines;
  for (uint64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view card = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    card = card.substr(0, card.find(','));
    const size_t begin = card.find_first_not_of(" \t\r\xEF\xBB\xBF");
    if (begin == std::string_view::npos) continue;
    card = card.substr(begin, card.find_last_not_of(" \t\r") + 1 - begin);
    if (lines.empty() && (card == "card" || card == "card_number")) continue;
    lines.push_back({number, std::string(card)});
  }
  return lines;
}

// The cards as they are sent; wrong numbers go into the report. FILE_UNREADABLE, LIMIT_EXCEEDED.
Result<std::vector<Line>> ReadCards(Session& session, const DecideFlags& flags, RowReport& report) {
  std::vector<Line> lines;
  for (const std::string& card : flags.cards) lines.push_back({lines.size() + 1, card});
  if (flags.file.empty()) return lines;
  HEARTH_ASSIGN_OR_RETURN(const std::string text, ReadFileOrInput(flags.file, session.io().in));
  for (Line& line : SplitLines(text)) {
    const auto card = ParseCardNumber(line.card);
    if (card) {
      lines.push_back(std::move(line));
    } else {
      report.AddFailure(line.line, LocalFailure(card.error(), kExitBadFile));
    }
  }
  return lines;
}

using DecideCall = grpc::Status (Interventions::*)(grpc::ClientContext*, const v1::DecideHeldRequest&,
                                                   v1::DecideHeldResponse*);

// Sends them, Limits::rows_per_batch in a call. Returns what stopped it.
std::optional<Failure> Decide(Session& session, const Client& client, DecideCall call,
                              const ChangeFlags& flags, std::span<const Line> lines, RowReport& report) {
  const auto id = session.request_id();
  if (!id) return LocalFailure(id.error(), kExitUsage);
  Progress progress(session, "cards", lines.size());
  const size_t most = Limits().rows_per_batch;
  uint64_t chunk = 0;
  for (size_t begin = 0; begin < lines.size(); begin += most) {
    const auto part = lines.subspan(begin, std::min(most, lines.size() - begin));
    v1::DecideHeldRequest request;
    session.FillChange(flags, ChunkRequestId(*id, chunk++), request.mutable_change());
    for (const Line& line : part) request.add_card_numbers(line.card);
    v1::DecideHeldResponse answer;
    auto failure = session.Retry(client, [&] { return client.Call(call, request, &answer); });
    if (failure) {
      failure->message += fmt::format(" ({} of {} cards were not sent)", lines.size() - begin, lines.size());
      return failure;
    }
    uint64_t seen_done = 0;
    for (v1::RowResult row : answer.rows()) {
      if (row.line() >= 1 && row.line() <= part.size()) row.set_line(part[row.line() - 1].line);
      seen_done += row.outcome() == v1::RowResult::DONE ? 1 : 0;
      report.Add(row);
    }
    // Also where only the refused ones are listed.
    report.AddDone(answer.done() - std::min<uint64_t>(answer.done(), seen_done));
    progress.Show(begin + part.size());
  }
  return std::nullopt;
}

int RunDecide(Session& session, const DecideFlags& flags, DecideCall call, std::string_view question) {
  if (flags.cards.empty() && flags.file.empty()) {
    return session.FailUsage(MissingField("CARD", "give cards, or a file of them with --file"));
  }
  RowReport report;
  const auto lines = ReadCards(session, flags, report);
  if (!lines) return session.FailFile(lines.error());
  if (lines->empty()) {
    if (report.refused() == 0) {
      return session.FailFile(MissingField("--file", fmt::format("{} holds no cards", flags.file)));
    }
    report.Finish(session, flags.rejects, std::nullopt);
    return kExitBadFile;
  }
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  if (!session.Confirm(fmt::format("{} held or proposed interventions: {}", lines->size(), question))) {
    return session.Declined();
  }
  const auto stopped = Decide(session, **client, call, flags.change, *lines, report);
  return report.Finish(session, flags.rejects, stopped);
}

int RunRelease(Session& session, const DecideFlags& flags) {
  return RunDecide(session, flags, &Interventions::Release, "order them? The cards go dark.");
}

int RunDrop(Session& session, const DecideFlags& flags) {
  return RunDecide(session, flags, &Interventions::Drop, "give them up? The cards stay lit.");
}

}  // namespace

void AddHeldCommands(Tree& tree) {
  tree.Add<HeldFlags>(
      "intervention", "held", "Those that wait for a decision: held by the breaker, or proposed",
      [](CLI::App& command, HeldFlags& flags) {
        AreaNumber(command.add_option("--area", flags.area, "Only cards of this area"));
      },
      RunHeld);
  tree.Add<DecideFlags>("intervention", "release", "Orders held and proposed ones: the cards go dark",
                        DeclareDecide, RunRelease);
  tree.Add<DecideFlags>("intervention", "drop", "Gives held and proposed ones up: the cards stay lit",
                        DeclareDecide, RunDrop);
}

}  // namespace hearth::ctl
