// hearthctl location, explain, why.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "hearth/v1/location.grpc.pb.h"
#include "src/base/bytes.h"
#include "tools/ctl/files.h"
#include "tools/ctl/json_stream.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
namespace json = google::protobuf::util;
using Location = v1::LocationService::Stub;

// A report has at most 32 cells; a longer object is no report.
constexpr size_t kMaxReportBytes = size_t{64} * 1024;

// A report as hearth-receiver prints it: ReportRequest in JSON, but the MAC in hexadecimal.
Result<v1::ReportRequest> ParseReport(const std::string& text) {
  google::protobuf::Struct object;
  if (const auto parsed = json::JsonStringToMessage(text, &object); !parsed.ok()) {
    return Error(Reason::kFieldInvalid, "the report is no JSON: " + std::string(parsed.message()));
  }
  std::string mac;
  if (const auto found = object.fields().find("mac"); found != object.fields().end()) {
    const auto bytes = FromHex(found->second.string_value());
    if (!bytes) return InvalidField("mac", "must be 16 hexadecimal digits");
    mac = std::string(AsChars(*bytes));
    object.mutable_fields()->erase("mac");
  }
  std::string rest;
  v1::ReportRequest request;
  if (!json::MessageToJsonString(object, &rest).ok()) return InvalidField("report", "must be a JSON object");
  if (const auto parsed = json::JsonStringToMessage(rest, &request); !parsed.ok()) {
    return Error(Reason::kFieldInvalid, "this is no report: " + std::string(parsed.message()));
  }
  request.set_mac(mac);
  return request;
}

// "lte:460:00:33301:26879745@-70"; without "@" the signal is 0.
Result<v1::HeardCell> ParseHeardCell(const std::string& text) {
  v1::HeardCell cell;
  const size_t at = text.find('@');
  cell.set_cell(text.substr(0, at));
  if (at == std::string::npos) return cell;
  std::string_view signal = std::string_view(text).substr(at + 1);
  const bool negative = !signal.empty() && signal.front() == '-';
  if (negative) signal.remove_prefix(1);
  HEARTH_ASSIGN_OR_RETURN(const uint32_t value, ParseNumber(signal, 128, "--cell"));
  cell.set_signal_dbm(negative ? -static_cast<int32_t>(value) : static_cast<int32_t>(value));
  return cell;
}

struct ReportFlags {
  std::string file;
  std::string card;
  std::string box;
  std::string sim;
  uint32_t counter = 0;
  std::string time;
  std::vector<std::string> cells;
  std::string mac;
};

Result<v1::ReportRequest> FromFlags(const ReportFlags& flags, const Clock& clock) {
  v1::ReportRequest request;
  if (flags.card.empty()) return MissingField("--card", "give a report by --file, or --card and the others");
  request.set_card_number(flags.card);
  request.set_box_serial(flags.box);
  request.set_sim_number(flags.sim);
  request.set_counter(flags.counter);
  UnixMillis time = clock.Now();
  if (!flags.time.empty()) {
    HEARTH_ASSIGN_OR_RETURN(time, ParseTime(flags.time, "--time"));
  }
  request.mutable_time()->set_seconds(time.value / 1000);
  for (const std::string& text : flags.cells) {
    HEARTH_ASSIGN_OR_RETURN(*request.add_cells(), ParseHeardCell(text));
  }
  const auto mac = FromHex(flags.mac);
  if (!mac) return InvalidField("--mac", "must be 16 hexadecimal digits");
  request.set_mac(std::string(AsChars(*mac)));
  return request;
}

void PrintReport(Session& session, const std::string& card, const v1::ReportResponse& answer) {
  if (session.json()) {
    session.out() << Json(answer, JsonStyle::kOneLine) << '\n';
    return;
  }
  std::string line = fmt::format("card {}: {} ({})", card, v1::ReportOutcome_Name(answer.outcome()),
                                 v1::Verdict_Name(answer.verdict()));
  if (!answer.reason().empty()) line += fmt::format(" {}: {}", answer.reason(), answer.message());
  if (!answer.viewer_code().empty()) line += fmt::format(" [viewer code {}]", answer.viewer_code());
  session.out() << Printable(line) << '\n';
  for (const std::string& cell : answer.unknown_cells()) {
    session.out() << "  unknown cell " << Printable(cell) << '\n';
  }
}

// Sends one. A repeat is harmless: the card's counter tells it. The failure is left to the caller.
std::optional<Failure> Send(Session& session, const v1::ReportRequest& request) {
  auto client = session.Connect();
  if (!client) return client.error();
  v1::ReportResponse answer;
  auto failure =
      session.Retry(**client, [&] { return (*client)->Call(&Location::Report, request, &answer); });
  if (!failure) PrintReport(session, request.card_number(), answer);
  return failure;
}

// Sends the reports of a stream as they come. Refused ones do not stop the others.
int SendAll(Session& session, std::istream& in) {
  JsonObjects objects(in, kMaxReportBytes);
  uint64_t sent = 0;
  int refused_code = kExitOk;
  while (true) {
    const auto text = objects.Next();
    if (!text) return session.FailFile(text.error());
    if (text->empty()) break;
    const auto request = ParseReport(*text);
    if (!request) return session.FailFile(request.error());
    ++sent;
    session.out().flush();
    const auto failure = Send(session, *request);
    if (!failure) continue;
    const int code = session.Fail(*failure);
    if (code != kExitRefused) return code;
    refused_code = code;
  }
  if (sent == 0) return session.FailFile(Error(Reason::kFieldMissing, "there is no report in the file"));
  return refused_code != kExitOk && sent > 1 ? kExitRowsRefused : refused_code;
}

int RunReport(Session& session, const ReportFlags& flags) {
  if (!flags.file.empty() && !flags.card.empty()) {
    return session.FailUsage(InvalidField("--card", "goes not together with --file"));
  }
  if (flags.file == "-") return SendAll(session, session.io().in);
  if (!flags.file.empty()) {
    std::ifstream in(flags.file, std::ios::binary);
    if (!in) return session.FailFile(Error(Reason::kFileUnreadable, "cannot open " + flags.file));
    return SendAll(session, in);
  }
  const auto request = FromFlags(flags, session.io().clock);
  if (!request) return session.FailUsage(request.error());
  const auto failure = Send(session, *request);
  return failure ? session.Fail(*failure) : kExitOk;
}

void DeclareReport(CLI::App& command, ReportFlags& flags) {
  File(command.add_option("--file", flags.file, "Reports in JSON, one or many; - is stdin. Else:"));
  Card(command.add_option("--card", flags.card, "Card number"));
  Box(command.add_option("--box", flags.box, "Box serial"));
  Sim(command.add_option("--sim", flags.sim, "SIM number"));
  command.add_option("--counter", flags.counter, "The card's counter; it must grow")->type_name("N");
  command.add_option("--time", flags.time, "When the cells were heard, RFC 3339 (default now)")
      ->type_name("TIME");
  command
      .add_option("--cell", flags.cells,
                  "A cell heard, like lte:460:00:33301:26879745@-70; serving cell first")
      ->type_name("CELL[@DBM]")
      ->allow_extra_args(false);
  command.add_option("--mac", flags.mac, "MAC of the card, 16 hexadecimal digits")->type_name("HEX");
}

struct WhyFlags {
  std::string number;  // of the card, as an argument
  std::string lang;
  std::string form;
  std::string card;
  std::string box;
  std::string sim;
};

void DeclareLanguage(CLI::App& command, WhyFlags& flags) {
  static const std::vector<std::string> kLanguages = {"en", "zh"};
  OneOf(command.add_option("--lang", flags.lang, "In English or Chinese (default: by LANG)"), kLanguages);
}

void DeclareWhy(CLI::App& command, WhyFlags& flags) {
  CLI::App* by = OptionGroup(command, "by", 1);
  Card(by->add_option("--card", flags.card, "By card number"));
  by->add_option("--form", flags.form, "By number of the five-part form")->type_name("FORM");
  Box(by->add_option("--box", flags.box, "By box serial"));
  Sim(by->add_option("--sim", flags.sim, "By SIM number"));
  DeclareLanguage(command, flags);
}

void DeclareExplain(CLI::App& command, WhyFlags& flags) {
  Card(command.add_option("CARD", flags.number, "Card number"));
  command.add_option("--form", flags.form, "Or the number of the five-part form")->type_name("FORM");
  Box(command.add_option("--box", flags.box, "Or the box serial"));
  Sim(command.add_option("--sim", flags.sim, "Or the SIM number"));
  DeclareLanguage(command, flags);
}

// What people set their terminals to.
bool WantsChinese(const std::string& lang) {
  if (!lang.empty()) return lang == "zh";
  const char* const set = std::getenv("LANG");  // NOLINT(concurrency-mt-unsafe): one thread
  return set != nullptr && std::string_view(set).starts_with("zh");
}

int RunWhy(Session& session, const WhyFlags& flags) {
  v1::ExplainRequest request;
  if (!flags.card.empty()) request.set_card_number(flags.card);
  if (!flags.form.empty()) request.set_form_number(flags.form);
  if (!flags.box.empty()) request.set_box_serial(flags.box);
  if (!flags.sim.empty()) request.set_sim_number(flags.sim);
  request.set_language(WantsChinese(flags.lang) ? v1::CHINESE : v1::ENGLISH);
  return session.Read(&Location::Explain, request, [&](const v1::ExplainResponse& answer) {
    session.out() << fmt::format("card {} is {} since {}\n", Printable(answer.card_number()),
                                 answer.lit() ? "lit" : "dark", LocalTime(answer.since()));
    Sheet sheet;
    sheet.AddIf("reason", answer.reason());
    sheet.AddIf("viewer code", answer.viewer_code());
    sheet.AddIf("screen", answer.screen());
    sheet.AddIf("why", answer.why());
    sheet.AddIf("what to do", answer.what_to_do());
    sheet.AddIf("would change", answer.would_change());
    sheet.AddIf("delivery", answer.delivery());
    sheet.AddIf("area", answer.area_id());
    if (answer.held() != 0)
      sheet.Add("held", fmt::format("{}-{}", Printable(answer.card_number()), answer.held()));
    sheet.Print(session.out());
    if (answer.evidence_size() > 0) session.out() << "evidence:\n";
    for (const std::string& line : answer.evidence()) session.out() << "  " << Printable(line) << '\n';
  });
}

int RunExplain(Session& session, const WhyFlags& flags) {
  const auto given = {!flags.number.empty(), !flags.form.empty(), !flags.box.empty(), !flags.sim.empty()};
  if (std::count(given.begin(), given.end(), true) != 1) {
    return session.FailUsage(InvalidField("CARD", "give a card number, or one of --form, --box and --sim"));
  }
  WhyFlags by = flags;
  if (!flags.number.empty()) by.card = flags.number;
  return RunWhy(session, by);
}

}  // namespace

void AddLocationCommands(Tree& tree) {
  tree.Noun("location", "What boxes hear");
  tree.Add<ReportFlags>("location", "report", "Sends location reports", DeclareReport, RunReport);
  tree.Add<WhyFlags>("explain", "", "Why is this home dark, or lit? State, reason, evidence, what to do",
                     DeclareExplain, RunExplain);
  tree.Add<WhyFlags>("why", "", "Why is this home dark? As explain; by options only", DeclareWhy, RunWhy);
}

}  // namespace hearth::ctl
