#include "tools/ctl/rows.h"

#include <algorithm>

namespace hearth::ctl {
namespace {

// A longer table nobody reads on a screen, when there is a file with all of it.
constexpr size_t kRowsShownBesideFile = 20;

std::string Quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

}  // namespace

void RowReport::BeginFile(std::string name) {
  ++file_order_;
  file_ = std::move(name);
  last_refused_.reset();
}

void RowReport::AddLocal(Session& session, const std::vector<import::RowError>& errors) {
  for (const import::RowError& error : errors) {
    if (error.warning) {
      session.Note(fmt::format("line {}: {}: {} (the row is kept)", error.line, error.column, error.message));
      continue;
    }
    hearth::v1::RowResult row;
    row.set_line(error.line);
    row.set_outcome(hearth::v1::RowResult::REFUSED);
    row.set_reason(std::string(InfoOf(error.reason).name));
    row.set_message(error.message);
    row.set_field(error.column);
    row.set_cure(error.suggestion.empty() ? std::string(InfoOf(error.reason).cure) : error.suggestion);
    Refuse(std::move(row));
  }
}

void RowReport::Add(const hearth::v1::RowResult& result) {
  switch (result.outcome()) {
    case hearth::v1::RowResult::DONE:
      ++done_;
      return;
    case hearth::v1::RowResult::EXISTED:
      ++existed_;
      return;
    default:
      Refuse(result);
  }
}

void RowReport::AddFailure(uint64_t line, const Failure& failure) {
  hearth::v1::RowResult row;
  row.set_line(line);
  row.set_outcome(hearth::v1::RowResult::REFUSED);
  row.set_reason(failure.reason);
  row.set_message(failure.message);
  row.set_cure(failure.cure);
  if (!failure.fields.empty()) row.set_field(failure.fields[0].field);
  Refuse(std::move(row));
}

void RowReport::AddUnlisted(uint64_t count) {
  unlisted_ += count;
  refused_ += count;
}

void RowReport::Attach(std::string_view object) {
  attached_ += fmt::format("{},", object.substr(1, object.size() - 2));
}

void RowReport::Refuse(hearth::v1::RowResult row) {
  if (last_refused_ != row.line()) ++refused_;
  last_refused_ = row.line();
  entries_.push_back({file_order_, file_, std::move(row)});
}

void RowReport::PrintTable(Session& session, const std::string& rejects_path) const {
  if (entries_.empty()) return;
  Table table({{"line", true}, {"field"}, {"reason"}, {"message"}, {"cure"}});
  const size_t shown =
      rejects_path.empty() ? entries_.size() : std::min(entries_.size(), kRowsShownBesideFile);
  for (size_t i = 0; i < shown; ++i) {
    const Entry& entry = entries_[i];
    const auto& row = entry.row;
    table.Add({fmt::format("{}{}{}", entry.file, entry.file.empty() ? "" : " ", row.line()),
               OrDash(row.field()), row.reason(), row.message(), row.cure()});
  }
  table.Print(session.out());
  if (shown < entries_.size()) {
    session.out() << fmt::format("… and {} more in {}\n", entries_.size() - shown, rejects_path);
  }
  if (unlisted_ > 0)
    session.out() << fmt::format("… and {} more that the head-end does not list\n", unlisted_);
}

std::string RowReport::JsonMembers() const {
  std::string rows;
  for (const auto& [order, file, row] : entries_) {
    std::string json = Json(row, JsonStyle::kOneLine);
    if (!file.empty()) json = fmt::format("{{\"file\":{},{}", JsonString(file), json.substr(1));
    rows += fmt::format("{}\n  {}", rows.empty() ? "" : ",", json);
  }
  return fmt::format("{}\"done\":{},\"existed\":{},\"refused\":{},\"rows\":[{}]", attached_, done_, existed_,
                     refused_, rows);
}

Status RowReport::WriteRejects(const std::string& path) const {
  std::string csv = "file,line,field,reason,message,cure\n";
  for (const auto& [order, file, row] : entries_) {
    csv += fmt::format("{},{},{},{},{},{}\n", Quoted(file), row.line(), Quoted(row.field()),
                       Quoted(row.reason()), Quoted(row.message()), Quoted(row.cure()));
  }
  return WriteFile(path, csv);
}

int RowReport::Finish(Session& session, const std::string& rejects_path,
                      const std::optional<Failure>& stopped) {
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.file_order, a.row.line()) < std::pair(b.file_order, b.row.line());
  });
  std::optional<Failure> failure = stopped;
  if (!rejects_path.empty()) {
    const Status written = WriteRejects(rejects_path);
    if (!written && !failure) failure = LocalFailure(written.error(), kExitBadFile);
  }
  const int code = refused_ > 0 ? kExitRowsRefused : kExitOk;
  if (session.json()) {
    if (failure) return session.Fail(*failure, "," + JsonMembers());
    session.out() << '{' << JsonMembers() << "}\n";
    return code;
  }
  PrintTable(session, rejects_path);
  session.out() << fmt::format("{}{} done, {} existed, {} refused\n",
                               session.globals().dry_run ? "dry run, nothing was changed: " : "", done_,
                               existed_, refused_);
  return failure ? session.Fail(*failure) : code;
}

void DeclareImport(CLI::App& command, ImportFlags& flags, const std::string& columns) {
  File(command.add_option("file", flags.file, "CSV: " + columns + "; - is stdin"))->required();
  File(command.add_option("--rejects", flags.rejects, "Write the refused rows there, as CSV"));
  DeclareChange(command, flags.change, false);
}

void Progress::Show(size_t count) {
  if (!session_.io().err_is_terminal || session_.json()) return;
  session_.io().err << fmt::format("\r{}: {} of {}", what_, count, total_) << std::flush;
  shown_ = true;
}

Progress::~Progress() {
  if (shown_) session_.io().err << '\n';
}

}  // namespace hearth::ctl
