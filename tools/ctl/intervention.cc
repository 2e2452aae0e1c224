// hearthctl intervention: who was switched off and on by location.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "hearth/v1/intervention.grpc.pb.h"
#include "src/base/bytes.h"
#include "src/base/limits.h"
#include "tools/ctl/files.h"
#include "tools/ctl/rollout.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Interventions = v1::InterventionService::Stub;

constexpr size_t kMaxTokenBytes = size_t{4} * 1024;  // of the API
constexpr int kReconnects = 5;
constexpr std::chrono::milliseconds kFirstWait{100};
constexpr std::chrono::milliseconds kLongestWait{2000};

std::string Join(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : " ") + text;
  return out;
}

// In the order of the API's enum, from 1.
const std::vector<std::string> kKinds = {"refused-install", "switch-off", "restore", "proposal",
                                         "lifted",          "held",       "dropped", "expired"};

struct FilterFlags {
  std::string division;
  std::vector<std::string> kinds;
};

void DeclareFilter(CLI::App& command, FilterFlags& flags) {
  Division(command.add_option("--division", flags.division, "Only cards whose area lies there"));
  OneOf(command.add_option("--kind", flags.kinds, "Only of this kind; may be given often"), kKinds)
      ->expected(1)
      ->take_all();
}

template <typename Request>
void FillFilter(const FilterFlags& flags, Request& request) {
  request.set_division(flags.division);
  for (const std::string& kind : flags.kinds) {
    const auto place = std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin();
    request.add_kinds(static_cast<v1::InterventionKind>(place + 1));
  }
}

struct WatchFlags {
  FilterFlags filter;
  std::string resume_file;
  uint64_t count = 0;  // 0: no end
  double seconds = 0;  // 0: no end
};

// A watch over several connections: what to resume from, and when to end.
class Watcher {
 public:
  Watcher(Session& session, const Client& client, const WatchFlags& flags)
      : session_(session), client_(client), flags_(flags), begin_(session.io().clock.Steady()) {}

  Status ReadToken() {
    if (flags_.resume_file.empty() || !std::filesystem::exists(flags_.resume_file)) return Ok();
    HEARTH_ASSIGN_OR_RETURN(const std::string hex, ReadFile(flags_.resume_file, 2 * kMaxTokenBytes + 1));
    const auto bytes = FromHex(std::string_view(hex).substr(0, hex.find_last_not_of("\r\n") + 1));
    if (!bytes) {
      return Error(Reason::kFileUnreadable, fmt::format("{} holds no resume token", flags_.resume_file));
    }
    token_ = std::string(AsChars(*bytes));
    return Ok();
  }

  int Run() {
    std::chrono::milliseconds wait = kFirstWait;
    for (int tries = 1;; ++tries) {
      stream_heard_ = false;
      const grpc::Status status = Stream();
      if (ended_) return code_;
      if (stream_heard_) {
        tries = 1;
        wait = kFirstWait;
      }
      const Failure failure = client_.Decode(status);
      if (status.ok() || !failure.retryable || tries >= kReconnects) return End(status, failure);
      session_.Note(fmt::format("the watch broke ({}: {}); resuming in {} ms", failure.code, failure.message,
                                wait.count()));
      session_.io().sleep(wait);
      wait = std::min(2 * wait, kLongestWait);
    }
  }

 private:
  // How long the next stream may last; nullopt without --for.
  std::optional<std::chrono::milliseconds> Left() const {
    if (flags_.seconds <= 0) return std::nullopt;
    const auto passed =
        std::chrono::duration_cast<std::chrono::milliseconds>(session_.io().clock.Steady() - begin_);
    const auto all = std::chrono::milliseconds(std::llround(flags_.seconds * 1000));
    return std::max(all - passed, std::chrono::milliseconds(0));
  }

  // The only deadline of a stream is the one of --for.
  int End(const grpc::Status& status, const Failure& failure) {
    const bool time_is_over = heard_ && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    return status.ok() || time_is_over ? kExitOk : session_.Fail(failure);
  }

  // One connection, until it ends or enough was seen.
  grpc::Status Stream() {
    grpc::ClientContext context;
    client_.Prepare(context, Left());
    Interventions stub(client_.channel());
    v1::WatchInterventionsRequest request;
    request.set_resume_token(token_);
    FillFilter(flags_.filter, request);
    const auto reader = stub.Watch(&context, request);
    v1::InterventionEvent event;
    while (!ended_ && reader->Read(&event)) Take(event);
    if (ended_) context.TryCancel();
    return reader->Finish();
  }

  void Take(const v1::InterventionEvent& event) {
    if (!stream_heard_) {
      session_.Note(token_.empty() ? "watching from now on" : "watching from the resume token on");
    }
    heard_ = stream_heard_ = true;
    if (event.has_intervention()) {
      session_.json() ? PrintJson(event) : PrintLine(event);
      session_.out().flush();
      ended_ = ++seen_ == flags_.count;
    }
    // Kept only after the event was printed: a crash in between prints it again, it never loses it.
    if (!event.resume_token().empty() && event.resume_token() != token_) KeepToken(event.resume_token());
  }

  void KeepToken(const std::string& token) {
    token_ = token;
    if (flags_.resume_file.empty()) return;
    const Status written = WriteFile(flags_.resume_file, ToHex(AsBytes(token_)) + "\n");
    if (written) return;
    ended_ = true;
    code_ = session_.FailFile(written.error());
  }

  void PrintJson(const v1::InterventionEvent& event) {
    const auto received = std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
    session_.out() << fmt::format(
        "{{\"received_ns\":{},\"pushed_ns\":{},\"pushed\":{},\"intervention\":{}}}\n", received,
        event.pushed().seconds() * 1'000'000'000 + event.pushed().nanos(),
        Json(event.pushed(), JsonStyle::kOneLine), Json(event.intervention(), JsonStyle::kOneLine));
  }

  void PrintLine(const v1::InterventionEvent& event) {
    const v1::Intervention& what = event.intervention();
    session_.out() << Printable(fmt::format("{} {} card {} account {} area {} {} {} {}",
                                            LocalTime(what.decided()), v1::InterventionKind_Name(what.kind()),
                                            what.card_number(), OrDash(what.form_number()),
                                            OrDash(what.area_id()), v1::Verdict_Name(what.verdict()),
                                            OrDash(what.reason()), Join(what.cells())))
                   << '\n';
  }

  Session& session_;
  const Client& client_;
  const WatchFlags& flags_;
  const std::chrono::nanoseconds begin_;
  std::string token_;
  uint64_t seen_ = 0;
  bool heard_ = false;         // a message came
  bool stream_heard_ = false;  // a message came on this connection
  bool ended_ = false;         // enough was seen, or the token could not be kept
  int code_ = kExitOk;
};

int RunWatch(Session& session, const WatchFlags& flags) {
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  Watcher watcher(session, **client, flags);
  const Status token = watcher.ReadToken();
  if (!token) return session.FailFile(token.error());
  return watcher.Run();
}

void DeclareWatch(CLI::App& command, WatchFlags& flags) {
  DeclareFilter(command, flags.filter);
  File(command.add_option("--resume-file", flags.resume_file,
                          "Keeps there how far the watch has come; a later one goes on from it"));
  command.add_option("--count", flags.count, "End after so many interventions")->type_name("N");
  command.add_option("--for", flags.seconds, "End after this time")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e9).description(""));
}

struct ListFlags {
  std::string card;
  bool in_force = false;
  FilterFlags filter;
};

int RunList(Session& session, const ListFlags& flags) {
  v1::ListInterventionsRequest request;
  request.set_card_number(flags.card);
  request.set_in_force_only(flags.in_force);
  FillFilter(flags.filter, request);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"decided"},
               {"kind"},
               {"card"},
               {"account"},
               {"area"},
               {"verdict"},
               {"reason"},
               {"delivery"},
               {"cells"},
               {"actor"}});
  return session.List(&Interventions::List, request, [&](const v1::ListInterventionsResponse& answer) {
    for (const v1::Intervention& what : answer.interventions()) {
      table.Add({LocalTime(what.decided()), v1::InterventionKind_Name(what.kind()), what.card_number(),
                 OrDash(what.form_number()), OrDash(what.area_id()), v1::Verdict_Name(what.verdict()),
                 OrDash(what.reason()), OrDash(what.delivery()), OrDash(Join(what.cells())),
                 OrDash(what.actor())});
    }
    table.Print(session.out());
  });
}

struct LiftFlags {
  std::string card;
  ChangeFlags change;
};

int RunLift(Session& session, const LiftFlags& flags) {
  v1::LiftInterventionRequest request;
  request.set_card_number(flags.card);
  if (!session.Confirm(fmt::format("Lift the intervention on card {}? It is lit again.", flags.card))) {
    return session.Declined();
  }
  return session.Change(&Interventions::Lift, request, flags.change,
                        [&](const v1::LiftInterventionResponse&) {
                          session.out() << fmt::format("card {}: intervention lifted\n", flags.card);
                        });
}

}  // namespace

void AddInterventionCommands(Tree& tree) {
  tree.Noun("intervention", "Switching off and on by location (实时干预)");
  tree.Add<WatchFlags>("intervention", "watch", "Every intervention as it happens", DeclareWatch, RunWatch);
  tree.Add<ListFlags>(
      "intervention", "list", "Interventions, newest first",
      [](CLI::App& command, ListFlags& flags) {
        Card(command.add_option("--card", flags.card, "Only of this card"));
        command.add_flag("--in-force", flags.in_force, "Only those in force now");
        DeclareFilter(command, flags.filter);
      },
      RunList);
  tree.Add<LiftFlags>(
      "intervention", "lift", "Lifts one by hand",
      [](CLI::App& command, LiftFlags& flags) {
        Card(command.add_option("card", flags.card, "The card"))->required();
        DeclareChange(command, flags.change, true);
      },
      RunLift);
}

}  // namespace hearth::ctl
