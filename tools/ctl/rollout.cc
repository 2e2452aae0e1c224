// hearthctl rollout: changes of cell lists and policy, from the proposal to the undo.
#include "tools/ctl/rollout.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/rollout.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Rollouts = v1::RolloutService::Stub;

constexpr std::chrono::milliseconds kLook{1000};  // between two looks at a stage that is being judged

struct NumberFlags {
  uint64_t number = 0;
};

void DeclareNumber(CLI::App& command, uint64_t& number) {
  command.add_option("number", number, "Number of the rollout")->type_name("N")->required();
}

int RunShow(Session& session, const NumberFlags& flags) {
  v1::GetRolloutRequest request;
  request.set_number(flags.number);
  return session.Read(&Rollouts::Get, request, [&](const v1::RolloutResponse& answer) {
    const v1::Rollout& rollout = answer.rollout();
    PrintRollout(rollout, session.out());
    Table steps({{"time"}, {"state"}, {"actor"}, {"approver"}, {"reason"}});
    for (const v1::RolloutStep& step : rollout.steps()) {
      steps.Add({LocalTime(step.time()), v1::RolloutState_Name(step.state()), step.actor(),
                 OrDash(step.approver()), OrDash(step.reason())});
    }
    session.out() << '\n';
    steps.Print(session.out());
    session.out() << fmt::format("revision {}\n", rollout.revision());
    PrintNext(rollout, session.out());
  });
}

struct ListFlags {
  bool open = false;
};

std::string Subject(const v1::Rollout& rollout) {
  if (rollout.lists().empty()) return "policy";
  const std::string first = rollout.lists(0).list_id();
  const std::string policy = rollout.policy_to() != 0 ? " and the policy" : "";
  if (rollout.lists_size() == 1) return first + policy;
  return fmt::format("{} and {} more{}", first, rollout.lists_size() - 1, policy);
}

int RunList(Session& session, const ListFlags& flags) {
  v1::ListRolloutsRequest request;
  request.set_open_only(flags.open);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"rollout", true},
               {"state"},
               {"proposed"},
               {"actor"},
               {"stage"},
               {"dark", true},
               {"approver"},
               {"changes"}});
  return session.List(&Rollouts::List, request, [&](const v1::ListRolloutsResponse& answer) {
    for (const v1::Rollout& rollout : answer.rollouts()) {
      const v1::RolloutStep proposed = rollout.steps().empty() ? v1::RolloutStep() : rollout.steps(0);
      table.Add({std::to_string(rollout.number()), v1::RolloutState_Name(rollout.state()),
                 LocalTime(proposed.time()), OrDash(proposed.actor()),
                 rollout.staging().stage() == 0
                     ? "-"
                     : fmt::format("{}/{}", rollout.staging().stage(), rollout.staging().stages()),
                 std::to_string(rollout.total().dark()), rollout.needs_approver() ? "needed" : "-",
                 Subject(rollout)});
    }
    table.Print(session.out());
  });
}

struct AffectedFlags {
  uint64_t number = 0;
  std::string area;
  std::string file;
};

// RFC 3339 in UTC, for files.
std::string TimeText(const google::protobuf::Timestamp& time) {
  return ToString(UnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000));
}

// Where the affected cards go: a table, JSON lines, or a file that takes its name only when it is whole.
class AffectedSink {
 public:
  AffectedSink(Session& session, const std::string& path) : session_(session), path_(path) {}

  // FILE_UNREADABLE.
  Status Begin() {
    if (path_.empty()) return Ok();
    file_.open(path_ + ".new", std::ios::binary | std::ios::trunc);
    file_ << "card,area,effect,before,after,serving_cell,reported\n";
    if (!file_) return Error(Reason::kFileUnreadable, fmt::format("cannot write {}", path_));
    return Ok();
  }

  void Take(const v1::AffectedCards& part) {
    for (const v1::AffectedCard& card : part.cards()) {
      ++count_;
      if (!path_.empty()) {
        file_ << fmt::format("{},{},{},{},{},{},{}\n", card.card_number(), card.area_id(),
                             v1::Effect_Name(card.effect()), v1::Verdict_Name(card.before()),
                             v1::Verdict_Name(card.after()), card.serving_cell(),
                             card.has_reported() ? TimeText(card.reported()) : "");
      } else if (session_.json()) {
        session_.out() << Json(card, JsonStyle::kOneLine) << '\n';
      } else {
        table_.Add({card.card_number(), card.area_id(), v1::Effect_Name(card.effect()),
                    v1::Verdict_Name(card.before()), v1::Verdict_Name(card.after()),
                    OrDash(card.serving_cell()), LocalTime(card.reported())});
      }
    }
    if (path_.empty() && !session_.json()) table_.Print(session_.out());
    if (!path_.empty() && session_.io().err_is_terminal && !session_.json()) {
      session_.io().err << fmt::format("\rcards: {}", count_) << std::flush;
      shown_ = true;
    }
  }

  // FILE_UNREADABLE.
  Status Finish(bool whole) {
    if (shown_) session_.io().err << '\n';
    if (path_.empty()) return Ok();
    file_.close();
    std::error_code failed;
    if (!whole) {
      std::filesystem::remove(path_ + ".new", failed);
      return Ok();
    }
    if (file_) std::filesystem::rename(path_ + ".new", path_, failed);
    if (!file_ || failed) return Error(Reason::kFileUnreadable, fmt::format("cannot write {}", path_));
    if (session_.json()) {
      session_.out() << fmt::format("{{\"cards\":{}}}\n", count_);
    } else {
      session_.out() << fmt::format("{} cards written to {}\n", count_, path_);
    }
    return Ok();
  }

 private:
  Session& session_;
  const std::string path_;
  std::ofstream file_;
  Table table_{{{"card"}, {"area"}, {"effect"}, {"before"}, {"after"}, {"serving cell"}, {"reported"}}};
  uint64_t count_ = 0;
  bool shown_ = false;
};

int RunAffected(Session& session, const AffectedFlags& flags) {
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  AffectedSink sink(session, flags.file);
  if (const Status begun = sink.Begin(); !begun) return session.FailFile(begun.error());
  v1::ListAffectedRequest request;
  request.set_number(flags.number);
  request.set_area_id(flags.area);
  grpc::ClientContext context;
  (*client)->Prepare(context, std::nullopt);  // as long as there are cards
  Rollouts stub((*client)->channel());
  const auto reader = stub.ListAffected(&context, request);
  v1::AffectedCards part;
  while (reader->Read(&part)) sink.Take(part);
  const grpc::Status status = reader->Finish();
  const Status written = sink.Finish(status.ok());
  if (!status.ok()) return session.Fail((*client)->Decode(status));
  return written ? kExitOk : session.FailFile(written.error());
}

struct StepFlags {
  uint64_t number = 0;
  ChangeFlags change;
};

template <bool kReason>
void DeclareStep(CLI::App& command, StepFlags& flags) {
  DeclareNumber(command, flags.number);
  DeclareChange(command, flags.change, kReason);
}

using StepCall = grpc::Status (Rollouts::*)(grpc::ClientContext*, const v1::RolloutStepRequest&,
                                            v1::RolloutResponse*);

template <StepCall kCall>
int RunStep(Session& session, const StepFlags& flags) {
  v1::RolloutStepRequest request;
  request.set_number(flags.number);
  return session.Change(kCall, request, flags.change, [&](const v1::RolloutResponse& answer) {
    PrintRollout(answer.rollout(), session.out());
    PrintNext(answer.rollout(), session.out());
  });
}

// The rollout as it is, before a question about it. With `count` the preview is counted anew.
std::optional<Failure> ShowFirst(Session& session, uint64_t number, bool count) {
  auto client = session.Connect();
  if (!client) return client.error();
  v1::GetRolloutRequest request;
  request.set_number(number);
  request.set_preview(count);
  v1::RolloutResponse answer;
  const grpc::Status status = (*client)->Call(&Rollouts::Get, request, &answer);
  if (!status.ok()) return (*client)->Decode(status);
  if (!session.json()) PrintRollout(answer.rollout(), session.out());
  return std::nullopt;
}

// Shows and asks; nullopt: go on, else the exit code.
std::optional<int> Asked(Session& session, uint64_t number, bool count, std::string_view question) {
  if (!session.WouldAsk()) return std::nullopt;
  if (const auto failure = ShowFirst(session, number, count)) return session.Fail(*failure);
  if (!session.Confirm(question)) return session.Declined();
  return std::nullopt;
}

int RunAdvance(Session& session, const StepFlags& flags) {
  if (const auto code = Asked(session, flags.number, false, "Go on with the next stage?")) return *code;
  return RunStep<&Rollouts::Advance>(session, flags);
}

int RunResume(Session& session, const StepFlags& flags) {
  if (const auto code = Asked(session, flags.number, false, "Go on, and accept what went dark so far?")) {
    return *code;
  }
  return RunStep<&Rollouts::Resume>(session, flags);
}

int RunUndo(Session& session, const StepFlags& flags) {
  const std::string question = fmt::format(
      "Undo rollout {}? The former lists and policy are in force again everywhere.", flags.number);
  if (const auto code = Asked(session, flags.number, false, question)) return *code;
  return RunStep<&Rollouts::Undo>(session, flags);
}

struct ActivateFlags {
  uint64_t number = 0;
  std::vector<uint32_t> percents;
  std::vector<std::string> divisions;
  bool at_once = false;
  bool watch = false;
  ChangeFlags change;
};

void DeclareActivate(CLI::App& command, ActivateFlags& flags) {
  DeclareNumber(command, flags.number);
  CLI::App* stages = OptionGroup(command, "stages", 1);
  stages->require_option(0, 1);
  stages->add_option("--percents", flags.percents, "Stages in percent of the cards (default 1,10,50,100)")
      ->type_name("LIST")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->check(CLI::Range(1, 100).description(""));
  Division(stages->add_option("--regions", flags.divisions, "One stage for each division, then the rest")
               ->delimiter(',')
               ->expected(1)
               ->take_all());
  stages->add_flag("--at-once", flags.at_once, "One stage for all cards");
  command.add_flag("--watch", flags.watch, "Follow each stage until it is judged, then ask for the next");
  DeclareChange(command, flags.change, false);
}

std::string StagesText(const ActivateFlags& flags) {
  if (flags.at_once) return "for all cards at once";
  if (!flags.divisions.empty()) return fmt::format("region by region, {} first", flags.divisions.front());
  if (!flags.percents.empty()) {
    return fmt::format("in stages of {} percent", fmt::join(flags.percents, ", "));
  }
  return "in stages of 1, 10, 50, 100 percent";
}

// Follows an active rollout to its end, stage by stage. One thread.
class Follower {
 public:
  Follower(Session& session, const Client& client, const ActivateFlags& flags, RequestId id)
      : session_(session), client_(client), flags_(flags), id_(id) {}

  int Run(v1::RolloutResponse answer) {
    uint64_t step = 0;
    while (true) {
      if (const auto failure = AwaitJudged(answer)) return session_.Fail(*failure);
      const v1::Rollout& rollout = answer.rollout();
      if (rollout.state() != v1::ROLLOUT_ACTIVE) return End(answer);
      const v1::Staging& staging = rollout.staging();
      const bool last = staging.stage() >= staging.stages();
      if (!session_.Confirm(
              last ? "Tell the boxes and finish?"
                   : fmt::format("Go on with stage {} of {}?", staging.stage() + 1, staging.stages()))) {
        return End(answer);
      }
      v1::RolloutStepRequest request;
      session_.FillChange(flags_.change, ChunkRequestId(id_, ++step), request.mutable_change());
      request.mutable_change()->set_if_revision(0);  // what was given is that before the activation
      request.set_number(flags_.number);
      v1::RolloutResponse next;
      const auto failure =
          session_.Retry(client_, [&] { return client_.Call(&Rollouts::Advance, request, &next); });
      if (failure) return session_.Fail(*failure);
      answer = std::move(next);
    }
  }

 private:
  // Looks until the stage is judged or the rollout is not active any more.
  std::optional<Failure> AwaitJudged(v1::RolloutResponse& answer) {
    while (answer.rollout().state() == v1::ROLLOUT_ACTIVE && !answer.rollout().staging().judged()) {
      Tell(answer.rollout().staging());
      session_.io().sleep(kLook);
      v1::GetRolloutRequest request;
      request.set_number(flags_.number);
      const auto failure =
          session_.Retry(client_, [&] { return client_.Call(&Rollouts::Get, request, &answer); });
      if (failure) return failure;
    }
    Tell(answer.rollout().staging());
    return std::nullopt;
  }

  void Tell(const v1::Staging& staging) {
    const std::string text =
        fmt::format("stage {} of {}, {}: {} dark of {} forecast, {} back", staging.stage(), staging.stages(),
                    staging.judged() ? "judged" : "being judged", staging.dark(), staging.forecast_dark(),
                    staging.back());
    if (text != told_) session_.Note(text);
    told_ = text;
  }

  int End(const v1::RolloutResponse& answer) {
    if (session_.json()) {
      session_.out() << Json(answer, JsonStyle::kPretty) << '\n';
    } else {
      PrintRollout(answer.rollout(), session_.out());
      PrintNext(answer.rollout(), session_.out());
    }
    return answer.rollout().state() == v1::ROLLOUT_STOPPED ? kExitRefused : kExitOk;
  }

  Session& session_;
  const Client& client_;
  const ActivateFlags& flags_;
  const RequestId id_;
  std::string told_;
};

int RunActivate(Session& session, const ActivateFlags& flags) {
  const std::string question = fmt::format("Activate rollout {} {}?", flags.number, StagesText(flags));
  if (const auto code = Asked(session, flags.number, true, question)) return *code;
  v1::ActivateRolloutRequest request;
  request.set_number(flags.number);
  for (const uint32_t percent : flags.percents) request.add_percents(percent);
  for (const std::string& division : flags.divisions) request.add_divisions(division);
  request.set_at_once(flags.at_once);
  if (!flags.watch || session.globals().dry_run) {
    return session.Change(&Rollouts::Activate, request, flags.change, [&](const v1::RolloutResponse& answer) {
      PrintRollout(answer.rollout(), session.out());
      PrintNext(answer.rollout(), session.out());
    });
  }
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto id = session.request_id();
  if (!id) return session.FailUsage(id.error());
  session.FillChange(flags.change, *id, request.mutable_change());
  v1::RolloutResponse answer;
  const auto failure =
      session.Retry(**client, [&] { return (*client)->Call(&Rollouts::Activate, request, &answer); });
  if (failure) return session.Fail(*failure);
  return Follower(session, **client, flags, *id).Run(std::move(answer));
}

}  // namespace

void AddRolloutCommands(Tree& tree) {
  tree.Noun("rollout", "Changes of cell lists and policy: preview, stages, undo");
  AddProposeCommand(tree);
  tree.Add<StepFlags>("rollout", "preview", "Counts again who would go dark, as of now", DeclareStep<false>,
                      RunStep<&Rollouts::Preview>);
  tree.Add<NumberFlags>(
      "rollout", "show", "One rollout, and who did what",
      [](CLI::App& command, NumberFlags& flags) { DeclareNumber(command, flags.number); }, RunShow);
  tree.Add<ListFlags>(
      "rollout", "list", "All rollouts, newest first",
      [](CLI::App& command, ListFlags& flags) {
        command.add_flag("--open", flags.open, "Only those that are not over");
      },
      RunList);
  tree.Add<AffectedFlags>(
      "rollout", "affected", "Each card that it affects, and how",
      [](CLI::App& command, AffectedFlags& flags) {
        DeclareNumber(command, flags.number);
        AreaNumber(command.add_option("--area", flags.area, "Only cards of this area"));
        File(command.add_option("--export", flags.file, "Write them there, as CSV"));
      },
      RunAffected);
  tree.Add<ActivateFlags>("rollout", "activate", "Begins the first stage", DeclareActivate, RunActivate);
  tree.Add<StepFlags>("rollout", "advance", "Begins the next stage; after the last one tells the boxes",
                      DeclareStep<false>, RunAdvance);
  tree.Add<StepFlags>("rollout", "stop", "Stops between two stages or in one", DeclareStep<false>,
                      RunStep<&Rollouts::Stop>);
  tree.Add<StepFlags>("rollout", "resume", "Goes on after a stop", DeclareStep<false>, RunResume);
  tree.Add<StepFlags>("rollout", "withdraw", "Drops one that was not activated", DeclareStep<false>,
                      RunStep<&Rollouts::Withdraw>);
  tree.Add<StepFlags>("rollout", "undo", "One step back: former lists and policy, darkened homes lit again",
                      DeclareStep<true>, RunUndo);
}

}  // namespace hearth::ctl
