// hearthctl emergency.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/v1/schedule.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/files.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using v1::Emergency;
using Schedule = v1::ScheduleService::Stub;

const std::vector<std::string> kKinds = {
    "other", "earthquake",         "flood",         "storm",         "landslide",
    "fire",  "hazardous-material", "public-health", "public-safety", "cold-and-snow"};
const std::vector<std::string> kSeverities = {"red", "orange", "yellow", "blue"};

// The number of `name` in the API's enum: its place in the list, from 1.
int NumberOf(const std::string& name, const std::vector<std::string>& names) {
  return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin()) + 1;
}

std::string NameOf(int number, const std::vector<std::string>& names) {
  const auto place = static_cast<size_t>(number) - 1;
  return place < names.size() ? names[place] : std::to_string(number);
}

// Without --approver: the approver of an alert is who calls approve.
void DeclareReason(CLI::App& command, ChangeFlags& flags) {
  command.add_option("--reason", flags.reason, "Why; kept in the audit")->type_name("TEXT");
}

struct ProposeFlags {
  std::vector<std::string> regions;
  bool everywhere = false;
  std::string kind;
  std::string severity;
  std::string service;
  std::string reference;
  std::string start;
  uint32_t minutes = 0;
  bool drill = false;
  ChangeFlags change;
};

// "65280.3.101": original network, transport stream, service. FIELD_INVALID.
Result<Emergency::Service> ParseService(std::string_view text) {
  const Error bad = InvalidField("--service", "three numbers, like 65280.3.101");
  std::array<uint32_t, 3> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    const auto used = static_cast<size_t>(end - text.data());
    const bool last = i + 1 == numbers.size();
    if (error != std::errc() || (last ? used != text.size() : used == text.size() || *end != '.')) return bad;
    text.remove_prefix(last ? used : used + 1);
  }
  Emergency::Service service;
  service.set_original_network_id(numbers[0]);
  service.set_transport_stream_id(numbers[1]);
  service.set_service_id(numbers[2]);
  return service;
}

void DeclarePropose(CLI::App& command, ProposeFlags& flags) {
  CLI::App* where = OptionGroup(command, "where", 1);
  RegionNumber(where->add_option("--region", flags.regions,
                                 "A province, prefecture or county to warn; may be given often"))
      ->expected(1)
      ->take_all();
  where->add_flag("--everywhere", flags.everywhere, "Warn every box");
  OneOf(command.add_option("--kind", flags.kind, "What it is about"), kKinds)->required();
  OneOf(command.add_option("--severity", flags.severity, "How grave it is"), kSeverities)->required();
  command.add_option("--minutes", flags.minutes, "How long boxes sound, 1 to 10080")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(1, 10080).description(""));
  Time(command.add_option("--start", flags.start, "When they begin (default: when it is approved)"));
  command
      .add_option("--service", flags.service,
                  "Service that boxes tune to: original network, transport stream, service")
      ->type_name("N.N.N");
  command.add_option("--reference", flags.reference, "Name of the message at the issuing office")
      ->type_name("TEXT");
  command.add_flag("--drill", flags.drill, "Boxes show it as a drill");
  DeclareReason(command, flags.change);
}

std::string Where(const Emergency& emergency) {
  return emergency.everywhere() ? "everywhere" : fmt::format("{}", fmt::join(emergency.regions(), " "));
}

std::string StateText(const Emergency& emergency) {
  switch (emergency.state()) {
    case Emergency::PROPOSED:
      return emergency.over() ? "lapsed" : "proposed";
    case Emergency::APPROVED:
      return emergency.over() ? "ended" : "approved";
    case Emergency::CANCELLED:
      return "cancelled";
    default:
      return Emergency::State_Name(emergency.state());
  }
}

std::string ByAt(const std::string& who, const google::protobuf::Timestamp& when) {
  return who.empty() ? "" : fmt::format("{}, {}", who, LocalTime(when));
}

void PrintEmergency(const Emergency& emergency, std::ostream& out) {
  Sheet sheet;
  sheet.Add("alert", fmt::format("{}{}", emergency.number(), emergency.drill() ? " (drill)" : ""));
  sheet.Add("state", StateText(emergency));
  sheet.Add("kind", NameOf(emergency.kind(), kKinds));
  sheet.Add("severity", NameOf(emergency.severity(), kSeverities));
  sheet.Add("where", Where(emergency));
  sheet.Add("start", emergency.has_start() ? LocalTime(emergency.start()) : "when it is approved");
  sheet.Add("minutes", std::to_string(emergency.duration_minutes()));
  sheet.Add(emergency.has_start() ? "end" : "lapses", LocalTime(emergency.end()));
  const Emergency::Service& service = emergency.service();
  sheet.AddIf("service", emergency.has_service()
                             ? fmt::format("{}.{}.{}", service.original_network_id(),
                                           service.transport_stream_id(), service.service_id())
                             : "");
  sheet.AddIf("reference", emergency.reference());
  sheet.Add("proposed by", ByAt(emergency.proposed_by(), emergency.proposed()));
  sheet.AddIf("approved by", ByAt(emergency.approved_by(), emergency.approved()));
  sheet.AddIf("cancelled by", ByAt(emergency.cancelled_by(), emergency.cancelled()));
  sheet.Print(out);
}

int RunPropose(Session& session, const ProposeFlags& flags) {
  v1::ProposeEmergencyRequest request;
  Emergency& emergency = *request.mutable_emergency();
  for (const std::string& region : flags.regions) emergency.add_regions(region);
  emergency.set_everywhere(flags.everywhere);
  emergency.set_kind(static_cast<Emergency::Kind>(NumberOf(flags.kind, kKinds)));
  emergency.set_severity(static_cast<Emergency::Severity>(NumberOf(flags.severity, kSeverities)));
  emergency.set_duration_minutes(flags.minutes);
  emergency.set_reference(flags.reference);
  emergency.set_drill(flags.drill);
  // Checked by CLI11 already.
  if (!flags.start.empty()) *emergency.mutable_start() = ToTimestamp(*ParseTime(flags.start));
  if (!flags.service.empty()) {
    auto service = ParseService(flags.service);
    if (!service) return session.FailUsage(service.error());
    *emergency.mutable_service() = *service;
  }
  return session.Change(
      &Schedule::ProposeEmergency, request, flags.change,
      [&](const v1::EmergencyResponse& answer) { PrintEmergency(answer.emergency(), session.out()); });
}

struct StepFlags {
  uint64_t number = 0;
  ChangeFlags change;
};

void DeclareStep(CLI::App& command, StepFlags& flags) {
  command.add_option("number", flags.number, "Number of the alert")->type_name("N")->required();
  DeclareReason(command, flags.change);
}

int RunApprove(Session& session, const StepFlags& flags) {
  if (!session.Confirm(fmt::format("Put alert {} on the air?", flags.number))) return session.Declined();
  v1::ApproveEmergencyRequest request;
  request.set_number(flags.number);
  return session.Change(
      &Schedule::ApproveEmergency, request, flags.change,
      [&](const v1::EmergencyResponse& answer) { PrintEmergency(answer.emergency(), session.out()); });
}

int RunCancel(Session& session, const StepFlags& flags) {
  v1::CancelEmergencyRequest request;
  request.set_number(flags.number);
  return session.Change(
      &Schedule::CancelEmergency, request, flags.change,
      [&](const v1::EmergencyResponse& answer) { PrintEmergency(answer.emergency(), session.out()); });
}

struct ListFlags {
  bool open = false;
};

int RunList(Session& session, const ListFlags& flags) {
  v1::ListEmergenciesRequest request;
  request.set_open_only(flags.open);
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table({{"alert", true},
               {"drill"},
               {"state"},
               {"kind"},
               {"severity"},
               {"where"},
               {"start"},
               {"end"},
               {"proposed by"},
               {"approved by"}});
  return session.List(&Schedule::ListEmergencies, request, [&](const v1::ListEmergenciesResponse& answer) {
    for (const Emergency& emergency : answer.emergencies()) {
      table.Add({std::to_string(emergency.number()), std::string(YesNo(emergency.drill())),
                 StateText(emergency), NameOf(emergency.kind(), kKinds),
                 NameOf(emergency.severity(), kSeverities), Where(emergency), LocalTime(emergency.start()),
                 LocalTime(emergency.end()), emergency.proposed_by(), OrDash(emergency.approved_by())});
    }
    table.Print(session.out());
  });
}

struct ShowFlags {
  uint64_t number = 0;
};

int RunShow(Session& session, const ShowFlags& flags) {
  v1::GetEmergencyRequest request;
  request.set_number(flags.number);
  return session.Read(&Schedule::GetEmergency, request, [&](const v1::GetEmergencyResponse& answer) {
    PrintEmergency(answer.emergency(), session.out());
    session.out() << fmt::format("revision {}\n", answer.emergency().revision());
  });
}

}  // namespace

void AddEmergencyCommands(Tree& tree) {
  tree.Noun("emergency", "Emergency broadcast: alerts that wake boxes");
  tree.Add<ProposeFlags>("emergency", "propose", "Writes an alert down; nothing goes on the air",
                         DeclarePropose, RunPropose);
  tree.Add<StepFlags>("emergency", "approve", "Puts a proposed alert on the air", DeclareStep, RunApprove);
  tree.Add<StepFlags>("emergency", "cancel", "Ends an alarm, or drops a proposal", DeclareStep, RunCancel);
  tree.Add<ListFlags>(
      "emergency", "list", "All alerts",
      [](CLI::App& command, ListFlags& flags) {
        command.add_flag("--open", flags.open, "Only those that are not over");
      },
      RunList);
  tree.Add<ShowFlags>(
      "emergency", "show", "One alert, and who did what",
      [](CLI::App& command, ShowFlags& flags) {
        command.add_option("number", flags.number, "Number of the alert")->type_name("N")->required();
      },
      RunShow);
}

}  // namespace hearth::ctl
