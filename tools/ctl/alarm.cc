// hearthctl alarm: what an operator has to look at.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/intervention.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Interventions = v1::InterventionService::Stub;

struct ListFlags {
  bool open = false;
};

v1::ListAlarmsRequest FirstPage(bool open) {
  v1::ListAlarmsRequest request;
  request.set_open_only(open);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  return request;
}

int RunList(Session& session, const ListFlags& flags) {
  Table table({{"alarm", true},
               {"state"},
               {"kind"},
               {"subject"},
               {"first"},
               {"last"},
               {"count", true},
               {"areas", true},
               {"cards", true},
               {"text"}});
  return session.List(
      &Interventions::ListAlarms, FirstPage(flags.open), [&](const v1::ListAlarmsResponse& answer) {
        for (const v1::Alarm& alarm : answer.alarms()) {
          table.Add({std::to_string(alarm.number()), alarm.has_closed() ? "closed" : "open", alarm.kind(),
                     alarm.subject(), LocalTime(alarm.first()), LocalTime(alarm.last()),
                     std::to_string(alarm.count()), std::to_string(alarm.areas_size()),
                     std::to_string(alarm.cards_size()), alarm.text()});
        }
        table.Print(session.out());
      });
}

struct NumberFlags {
  uint64_t number = 0;
};

void DeclareNumber(CLI::App& command, uint64_t& number) {
  command.add_option("number", number, "Number of the alarm")->type_name("N")->required();
}

// The API has only the list; newest first, so it ends where the number would stand.
tl::expected<v1::Alarm, Failure> Find(const Client& client, uint64_t number) {
  v1::ListAlarmsRequest request = FirstPage(false);
  while (true) {
    v1::ListAlarmsResponse answer;
    const grpc::Status status = client.Call(&Interventions::ListAlarms, request, &answer);
    if (!status.ok()) return tl::unexpected(client.Decode(status));
    bool older = false;
    for (const v1::Alarm& alarm : answer.alarms()) {
      if (alarm.number() == number) return alarm;
      older = older || alarm.number() < number;
    }
    if (older || answer.next_page_token().empty()) break;
    request.mutable_page()->set_token(answer.next_page_token());
  }
  return tl::unexpected(
      LocalFailure(Error(Reason::kAlarmUnknown, fmt::format("there is no alarm {}", number)), kExitRefused));
}

void PrintAlarm(const v1::Alarm& alarm, std::ostream& out) {
  Sheet sheet;
  sheet.Add("alarm", std::to_string(alarm.number()));
  sheet.Add("state", alarm.has_closed() ? "closed" : "open");
  sheet.Add("kind", alarm.kind());
  sheet.Add("subject", alarm.subject());
  sheet.Add("text", alarm.text());
  sheet.Add("first", LocalTime(alarm.first()));
  sheet.Add("last", LocalTime(alarm.last()));
  sheet.Add("count", std::to_string(alarm.count()));
  sheet.AddIf("areas", fmt::format("{}", fmt::join(alarm.areas(), " ")));
  if (alarm.has_closed()) {
    sheet.Add("closed", fmt::format("{}, {}", alarm.closed_by(), LocalTime(alarm.closed())));
    sheet.Add("why", alarm.closed_reason());
  }
  sheet.Print(out);
  if (alarm.cards().empty()) return;
  out << "\ncards\n";
  for (const std::string& card : alarm.cards()) out << Printable(card) << '\n';
}

int RunShow(Session& session, const NumberFlags& flags) {
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto alarm = Find(**client, flags.number);
  if (!alarm) return session.Fail(alarm.error());
  if (session.json()) {
    session.out() << Json(*alarm, JsonStyle::kPretty) << '\n';
  } else {
    PrintAlarm(*alarm, session.out());
  }
  return kExitOk;
}

struct CloseFlags {
  uint64_t number = 0;
  ChangeFlags change;
};

int RunClose(Session& session, const CloseFlags& flags) {
  v1::CloseAlarmRequest request;
  request.set_number(flags.number);
  return session.Change(&Interventions::CloseAlarm, request, flags.change,
                        [&](const v1::CloseAlarmResponse&) {
                          session.out() << fmt::format("alarm {}: closed\n", flags.number);
                        });
}

}  // namespace

void AddAlarmCommands(Tree& tree) {
  tree.Noun("alarm", "What an operator has to look at (告警)");
  tree.Add<ListFlags>(
      "alarm", "list", "All alarms, newest first",
      [](CLI::App& command, ListFlags& flags) {
        command.add_flag("--open", flags.open, "Only those that are not closed");
      },
      RunList);
  tree.Add<NumberFlags>(
      "alarm", "show", "One alarm with its areas and cards",
      [](CLI::App& command, NumberFlags& flags) { DeclareNumber(command, flags.number); }, RunShow);
  tree.Add<CloseFlags>(
      "alarm", "close", "Closes one; the same again makes a new one",
      [](CLI::App& command, CloseFlags& flags) {
        DeclareNumber(command, flags.number);
        DeclareChange(command, flags.change, true);
      },
      RunClose);
}

}  // namespace hearth::ctl
