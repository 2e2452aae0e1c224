// hearthctl product, plan.
#include <algorithm>

#include <fmt/format.h>

#include "hearth/v1/schedule.grpc.pb.h"
#include "src/base/limits.h"
#include "tools/ctl/criteria.h"
#include "tools/ctl/files.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Schedule = v1::ScheduleService::Stub;

struct ProductFlags {
  uint32_t id = 0;
  std::string name;
  ChangeFlags change;
};

void DeclareProduct(CLI::App& command, ProductFlags& flags) {
  command.add_option("--id", flags.id, "Number of the product, 0 to 127")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(0, 127).description(""));
  command.add_option("--name", flags.name, "Its name")->type_name("TEXT")->required();
  DeclareChange(command, flags.change, false);
}

Table ProductTable() { return Table({{"product", true}, {"name"}}); }

int RunProductPut(Session& session, const ProductFlags& flags) {
  v1::PutProductRequest request;
  request.mutable_product()->set_product_id(flags.id);
  request.mutable_product()->set_name(flags.name);
  return session.Change(&Schedule::PutProduct, request, flags.change,
                        [&](const v1::PutProductResponse& answer) {
                          Table table = ProductTable();
                          table.Add({std::to_string(answer.product().product_id()), answer.product().name()});
                          table.Print(session.out());
                        });
}

int RunProductList(Session& session, const NoFlags& /*flags*/) {
  Table table = ProductTable();
  return session.List(&Schedule::ListProducts, v1::ListProductsRequest(),
                      [&](const v1::ListProductsResponse& answer) {
                        for (const v1::Product& product : answer.products()) {
                          table.Add({std::to_string(product.product_id()), product.name()});
                        }
                        table.Print(session.out());
                      });
}

struct PushFlags {
  std::string file;
  std::string rejects;
  std::string from;
  std::string to;
  std::string services;
  ChangeFlags change;
};

void DeclarePush(CLI::App& command, PushFlags& flags) {
  File(command.add_option("file", flags.file,
                          "CSV: channel,kind,start,end,mode,product,region,title,event_id; - is stdin"))
      ->required();
  Time(command.add_option("--from", flags.from,
                          "Replace what begins from then on (default: the first start in the file)"));
  Time(command.add_option("--to", flags.to, "Replace what begins before then (default: the last end)"));
  command
      .add_option("--services", flags.services,
                  "Replace the plans of these, like 1-40,1064 (default: those in the file)")
      ->type_name("LIST");
  File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
  DeclareChange(command, flags.change, false);
}

int64_t Millis(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

Result<v1::PushPlanRequest> ToPush(const PushFlags& flags, const std::vector<PlanRow>& rows) {
  v1::PushPlanRequest request;
  if (!flags.services.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const auto services, ParseServices(flags.services, "--services"));
    for (const uint32_t service : services) request.add_service_ids(service);
  }
  const auto earlier = [](int64_t a, int64_t b) { return a < b; };
  std::vector<int64_t> starts;
  std::vector<int64_t> ends;
  for (const PlanRow& row : rows) {
    *request.add_items() = row.item;
    starts.push_back(Millis(row.item.start()));
    ends.push_back(Millis(row.item.end()));
  }
  if (rows.empty() && (flags.from.empty() || flags.to.empty())) {
    return MissingField("--from", "with --to, when the file has no windows");
  }
  UnixMillis from;
  UnixMillis to;
  if (flags.from.empty()) {
    from = UnixMillis(*std::min_element(starts.begin(), starts.end(), earlier));
  } else {
    HEARTH_ASSIGN_OR_RETURN(from, ParseTime(flags.from, "--from"));
  }
  if (flags.to.empty()) {
    to = UnixMillis(*std::max_element(ends.begin(), ends.end(), earlier));
  } else {
    HEARTH_ASSIGN_OR_RETURN(to, ParseTime(flags.to, "--to"));
  }
  *request.mutable_from() = ToTimestamp(from);
  *request.mutable_to() = ToTimestamp(to);
  return request;
}

int RunPush(Session& session, const PushFlags& flags) {
  const auto text = ReadFileOrInput(flags.file, session.io().in);
  if (!text) return session.FailFile(text.error());
  const auto rows = ReadPlan(*text);
  if (!rows) return session.FailFile(rows.error());
  RowReport report;
  report.AddLocal(session, rows->errors);
  // A plan is taken whole: what cannot be read would leave a hole in it.
  if (report.refused() > 0) {
    session.Note("nothing was sent: a plan is taken whole or not at all");
    return report.Finish(session, flags.rejects, std::nullopt);
  }
  auto request = ToPush(flags, rows->rows);
  if (!request) return session.FailUsage(request.error());
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  const auto id = session.request_id();
  if (!id) return session.FailUsage(id.error());
  session.FillChange(flags.change, *id, request->mutable_change());
  v1::PushPlanResponse answer;
  const auto failure =
      session.Retry(**client, [&] { return (*client)->Call(&Schedule::PushPlan, *request, &answer); });
  if (failure) return session.Fail(*failure);

  for (v1::RowResult row : answer.rows()) {
    // The head-end counts items; people look for lines of their file.
    if (row.line() >= 1 && row.line() <= rows->rows.size()) row.set_line(rows->rows[row.line() - 1].line);
    report.Add(row);
  }
  report.AddUnlisted(answer.refused() - std::min<uint64_t>(answer.refused(), report.refused()));
  report.AddDone(answer.done());
  report.AddExisted(answer.existed());
  report.Attach(fmt::format("{{\"changed\":{},\"removed\":{}}}", Json(answer.changed(), JsonStyle::kOneLine),
                            answer.removed()));
  if (report.refused() > 0) {
    session.Note("nothing was taken: a plan is taken whole or not at all");
  } else if (!session.json()) {
    if (answer.removed() > 0) session.out() << fmt::format("{} windows were taken out\n", answer.removed());
    if (!session.globals().dry_run) session.PrintChanged(answer.changed());
  }
  return report.Finish(session, flags.rejects, std::nullopt);
}

struct ChannelFlags {
  std::string channel;
  uint32_t service = 0;
};

void DeclareChannel(CLI::App& command, ChannelFlags& flags) {
  command.add_option("--channel", flags.channel, "Name of the channel")->type_name("NAME");
  command.add_option("--service", flags.service, "Number of the channel")
      ->type_name("N")
      ->check(CLI::Range(1, 65535).description(""));
}

template <typename Request>
void FillChannel(const ChannelFlags& flags, Request& request) {
  if (!flags.channel.empty()) {
    request.set_channel_name(flags.channel);
  } else if (flags.service != 0) {
    request.set_service_id(flags.service);
  }
}

struct ShowFlags {
  ChannelFlags channel;
  std::string from;
  std::string to;
};

std::string WindowTerms(const v1::PlanWindow& window) {
  if (window.kind() == v1::PlanWindow::BLACKOUT) return "all but " + window.region();
  if (window.kind() == v1::PlanWindow::FREE_TO_AIR) return "open to all";
  return CriteriaText(window.criteria());
}

Table WindowTable() {
  return Table({{"channel"}, {"kind"}, {"start"}, {"end"}, {"criteria"}, {"title"}, {"event"}});
}

void AddWindow(const v1::PlanWindow& window, Table& table) {
  table.Add({window.channel_name(), v1::PlanWindow::Kind_Name(window.kind()), LocalTime(window.start()),
             LocalTime(window.end()), WindowTerms(window), OrDash(window.title()),
             OrDash(window.event_id())});
}

int RunShow(Session& session, const ShowFlags& flags) {
  v1::ListPlanRequest request;
  FillChannel(flags.channel, request);
  // Checked by CLI11 already.
  if (!flags.from.empty()) *request.mutable_from() = ToTimestamp(*ParseTime(flags.from));
  if (!flags.to.empty()) *request.mutable_to() = ToTimestamp(*ParseTime(flags.to));
  request.mutable_page()->set_size(static_cast<uint32_t>(Limits().page_items));
  Table table = WindowTable();
  return session.List(&Schedule::ListPlan, request, [&](const v1::ListPlanResponse& answer) {
    for (const v1::PlanWindow& window : answer.windows()) AddWindow(window, table);
    table.Print(session.out());
  });
}

struct AtFlags {
  ChannelFlags channel;
  std::string at;
};

int RunAt(Session& session, const AtFlags& flags) {
  v1::GetInForceRequest request;
  FillChannel(flags.channel, request);
  if (!flags.at.empty()) *request.mutable_at() = ToTimestamp(*ParseTime(flags.at));
  return session.Read(&Schedule::GetInForce, request, [&](const v1::GetInForceResponse& answer) {
    Sheet sheet;
    sheet.Add("channel", fmt::format("{} ({})", answer.channel_name(), answer.service_id()));
    sheet.Add("at", LocalTime(answer.at()));
    sheet.Add("criteria", CriteriaText(answer.criteria()));
    sheet.Add("since", answer.has_since() ? LocalTime(answer.since()) : "always");
    sheet.Add("until", answer.has_until() ? LocalTime(answer.until()) : "further notice");
    sheet.Add("AC id", std::to_string(answer.ac_id()));
    sheet.AddIf("from", answer.windows().empty() ? "the channel's own criteria" : "");
    sheet.Print(session.out());
    Table table = WindowTable();
    for (const v1::PlanWindow& window : answer.windows()) AddWindow(window, table);
    if (!answer.windows().empty()) table.Print(session.out());
  });
}

}  // namespace

std::string CriteriaText(const v1::AccessCriteria& criteria) {
  std::string text;
  switch (criteria.mode()) {
    case v1::AccessCriteria::CLOSED:
      return "closed";
    case v1::AccessCriteria::OPEN_TO_ALL:
      text = "open to all";
      break;
    case v1::AccessCriteria::PRODUCT:
      text = fmt::format("product {}", criteria.product());
      break;
    default:
      text = "subscribers";
      break;
  }
  if (criteria.region().empty()) return text;
  return fmt::format("{}, {} {}", text, criteria.region_except() ? "except" : "only", criteria.region());
}

void AddPlanCommands(Tree& tree) {
  tree.Noun("product", "Products: rights that cards hold or not");
  tree.Add<ProductFlags>("product", "put", "Creates or renames a product", DeclareProduct, RunProductPut);
  tree.Add<NoFlags>("product", "list", "All products", DeclareNothing, RunProductList);
  tree.Noun("plan", "What channels air under, over time");
  tree.Add<PushFlags>("plan", "push", "Replaces a stretch of the plan, whole or not at all", DeclarePush,
                      RunPush);
  tree.Add<ShowFlags>(
      "plan", "show", "The windows of one channel or of all",
      [](CLI::App& command, ShowFlags& flags) {
        DeclareChannel(command, flags.channel);
        Time(command.add_option("--from", flags.from, "Windows that end after then"));
        Time(command.add_option("--to", flags.to, "Windows that begin before then"));
      },
      RunShow);
  tree.Add<AtFlags>(
      "plan", "at", "What is in force on a channel, and why",
      [](CLI::App& command, AtFlags& flags) {
        DeclareChannel(*OptionGroup(command, "channel", 1), flags.channel);
        Time(command.add_option("--at", flags.at, "At this time (default: now)"));
      },
      RunAt);
}

}  // namespace hearth::ctl
