// hearthctl rollout propose: new cell lists, edits of lists and a policy as one change.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include "hearth/v1/rollout.grpc.pb.h"
#include "tools/ctl/rollout.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Rollouts = v1::RolloutService::Stub;

// Some 300 KB: far below Limits::grpc_message_bytes.
constexpr size_t kCellsPerMessage = 10'000;

struct ProposeFlags {
  std::string area;
  std::string blacklist;
  std::string cells;
  std::string add;
  std::string remove;
  std::string name;
  std::vector<std::string> also;
  std::string policy;
  std::string rejects;
  ChangeFlags change;
};

void DeclarePropose(CLI::App& command, ProposeFlags& flags) {
  CLI::App* list = OptionGroup(command, "list", 1);
  list->require_option(0, 1);
  AreaNumber(list->add_option("--area", flags.area, "Change the whitelist of this area (服务区域基站集)"));
  AreaNumber(list->add_option("--blacklist", flags.blacklist, "Change this blacklist (城区基站集)"));
  CLI::Option* cells = File(
      command.add_option("--cells", flags.cells, "All cells of the list: CSV as of OpenCellID; - is stdin"));
  CLI::Option* add = File(command.add_option("--add", flags.add, "Or: cells that come to it"));
  CLI::Option* remove = File(command.add_option("--remove", flags.remove, "and cells that leave it"));
  cells->excludes(add)->excludes(remove);
  command.add_option("--name", flags.name, "Name of the list from then on")->type_name("TEXT");
  command
      .add_option("--also", flags.also,
                  "A further list with all its cells: area:640122002:FILE or blacklist:640104001:FILE; "
                  "may be given often")
      ->type_name("KIND:LIST:FILE")
      ->expected(1)
      ->take_all();
  File(command.add_option("--policy", flags.policy, "A policy in JSON, as \"policy show --json\" prints it"));
  File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
  DeclareChange(command, flags.change, false);
}

// Reads the files of a proposal; what cannot be read of their rows goes into the report.
class ProposalReader {
 public:
  ProposalReader(Session& session, RowReport& report) : session_(session), report_(report) {}

  Result<Proposal> Read(const ProposeFlags& flags) {
    HEARTH_RETURN_IF_ERROR(ReadList(flags));
    for (const std::string& text : flags.also) HEARTH_RETURN_IF_ERROR(ReadAlso(text));
    HEARTH_RETURN_IF_ERROR(ReadPolicy(flags.policy));
    return std::move(proposal_);
  }

 private:
  v1::ListChange& AddList(bool whitelist, const std::string& id) {
    proposal_.cells.emplace_back();
    v1::ListChange& list = *proposal_.header.add_lists();
    list.set_kind(whitelist ? v1::WHITELIST : v1::BLACKLIST);
    list.set_list_id(id);
    return list;
  }

  Status ReadList(const ProposeFlags& flags) {
    if (flags.area.empty() && flags.blacklist.empty()) return Ok();
    v1::ListChange& list = AddList(!flags.area.empty(), flags.area.empty() ? flags.blacklist : flags.area);
    list.set_name(flags.name);
    if (!flags.cells.empty()) return ReadAll(flags.cells);
    list.set_edit(true);
    if (!flags.add.empty()) {
      HEARTH_ASSIGN_OR_RETURN(proposal_.cells.back(), CellsOf(flags.add));
    }
    if (!flags.remove.empty()) {
      HEARTH_ASSIGN_OR_RETURN(const auto gone, CellsOf(flags.remove));
      for (const std::string& cell : gone) list.add_remove(cell);
    }
    return Ok();
  }

  Status ReadAlso(const std::string& text) {
    const size_t first = text.find(':');
    const size_t second = text.find(':', first + 1);
    const std::string kind = text.substr(0, first);
    AddList(kind == "area", text.substr(first + 1, second - first - 1));
    return ReadAll(text.substr(second + 1));
  }

  Status ReadAll(const std::string& path) {
    HEARTH_ASSIGN_OR_RETURN(proposal_.cells.back(), CellsOf(path));
    if (!proposal_.cells.back().empty()) return Ok();
    return Error(Reason::kCellListEmpty, fmt::format("{} holds no cells", path));
  }

  Result<std::vector<std::string>> CellsOf(const std::string& path) {
    HEARTH_ASSIGN_OR_RETURN(const std::string text, ReadFileOrInput(path, session_.io().in));
    HEARTH_ASSIGN_OR_RETURN(auto rows, ReadCells(text));
    report_.BeginFile(path);
    report_.AddLocal(session_, rows.errors);
    report_.AddDone(rows.rows.size());
    return std::move(rows.rows);
  }

  Status ReadPolicy(const std::string& path) {
    if (path.empty()) return Ok();
    HEARTH_ASSIGN_OR_RETURN(const std::string text, ReadFileOrInput(path, session_.io().in));
    const auto parsed = google::protobuf::util::JsonStringToMessage(text, proposal_.header.mutable_policy());
    if (parsed.ok()) return Ok();
    return Error(Reason::kFieldInvalid,
                 fmt::format("{} is no policy: {}", path, parsed.message().as_string()));
  }

  Session& session_;
  RowReport& report_;
  Proposal proposal_;
};

// FIELD_MISSING, FIELD_INVALID: what options cannot say of themselves.
Status CheckFlags(const ProposeFlags& flags) {
  const bool list = !flags.area.empty() || !flags.blacklist.empty();
  const bool files = !flags.cells.empty() || !flags.add.empty() || !flags.remove.empty();
  if (list && !files) return MissingField("--cells", "give --cells, or --add and --remove, for the list");
  if (!list && (files || !flags.name.empty())) {
    return MissingField("--area", "say which list: --area or --blacklist");
  }
  if (!list && flags.also.empty() && flags.policy.empty()) {
    return MissingField("--area", "nothing is proposed: give a list, --also or --policy");
  }
  for (const std::string& text : flags.also) {
    const size_t first = text.find(':');
    const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
    const std::string kind = text.substr(0, first);
    if (second == std::string::npos || second + 1 == text.size() || (kind != "area" && kind != "blacklist")) {
      return InvalidField("--also", "must be like area:640122002:FILE or blacklist:640104001:FILE");
    }
    HEARTH_RETURN_IF_ERROR(ParseAreaId(text.substr(first + 1, second - first - 1), "--also"));
  }
  const std::array<const std::string*, 4> inputs = {&flags.cells, &flags.add, &flags.remove, &flags.policy};
  const auto is_input = [](const std::string* file) { return *file == "-"; };
  if (std::count_if(inputs.begin(), inputs.end(), is_input) > 1) {
    return InvalidField("--cells", "only one file can come from stdin");
  }
  return Ok();
}

void PrintProposal(Session& session, const v1::RolloutResponse& answer) {
  PrintRollout(answer.rollout(), session.out());
  session.PrintChanged(answer.changed());
  if (!session.globals().dry_run) PrintNext(answer.rollout(), session.out());
}

int RunPropose(Session& session, const ProposeFlags& flags) {
  if (const Status status = CheckFlags(flags); !status) return session.FailUsage(status.error());
  RowReport report;
  auto proposal = ProposalReader(session, report).Read(flags);
  if (!proposal) return session.FailFile(proposal.error());
  const auto sent = [](const auto& cells) { return !cells.empty(); };
  const bool removes = proposal->header.lists_size() > 0 && proposal->header.lists(0).remove_size() > 0;
  const bool any = removes || proposal->header.has_policy() ||
                   std::any_of(proposal->cells.begin(), proposal->cells.end(), sent);
  if (!any) {
    // All rows of the files are wrong.
    report.Finish(session, flags.rejects, std::nullopt);
    return kExitBadFile;
  }
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  v1::RolloutResponse answer;
  const auto failure = Propose(session, **client, flags.change, std::move(*proposal), &answer);
  if (failure) return session.Fail(*failure);
  if (session.json()) {
    report.Attach(Json(answer, JsonStyle::kOneLine));
    return report.Finish(session, flags.rejects, std::nullopt);
  }
  int code = kExitOk;
  if (report.refused() > 0 || !flags.rejects.empty()) {
    code = report.Finish(session, flags.rejects, std::nullopt);
    session.out() << '\n';
  }
  PrintProposal(session, answer);
  return code;
}

// One attempt at the whole stream.
grpc::Status Send(Session& session, const Client& client, const Proposal& proposal,
                  v1::RolloutResponse* answer) {
  size_t total = 0;
  for (const auto& cells : proposal.cells) total += cells.size();
  Progress progress(session, "cells", total);
  grpc::ClientContext context;
  client.Prepare(context);
  Rollouts stub(client.channel());
  const auto writer = stub.Propose(&context, answer);
  v1::ProposeRequest message;
  *message.mutable_header() = proposal.header;
  bool open = writer->Write(message);
  size_t count = 0;
  for (size_t list = 0; list < proposal.cells.size(); ++list) {
    const auto& cells = proposal.cells[list];
    for (size_t begin = 0; open && begin < cells.size(); begin += kCellsPerMessage) {
      message.mutable_cells()->set_list(static_cast<uint32_t>(list));
      message.mutable_cells()->clear_cells();
      const size_t end = std::min(begin + kCellsPerMessage, cells.size());
      for (size_t i = begin; i < end; ++i) message.mutable_cells()->add_cells(cells[i]);
      open = writer->Write(message);
      progress.Show(count += end - begin);
    }
  }
  // A write fails when the head-end has answered already; Finish then says what.
  writer->WritesDone();
  return writer->Finish();
}

}  // namespace

std::optional<Failure> Propose(Session& session, const Client& client, const ChangeFlags& flags,
                               Proposal proposal, v1::RolloutResponse* answer) {
  const auto id = session.request_id();
  if (!id) return LocalFailure(id.error(), kExitUsage);
  session.FillChange(flags, *id, proposal.header.mutable_change());
  return session.Retry(client, [&] { return Send(session, client, proposal, answer); });
}

void AddProposeCommand(Tree& tree) {
  tree.Add<ProposeFlags>("rollout", "propose", "Proposes lists or a policy and shows who would go dark",
                         DeclarePropose, RunPropose);
}

}  // namespace hearth::ctl
