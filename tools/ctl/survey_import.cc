#include "tools/ctl/survey_import.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "hearth/v1/survey.grpc.pb.h"
#include "src/base/limits.h"
#include "src/crypto/primitives.h"
#include "src/import/cells.h"
#include "src/import/gzip.h"
#include "src/import/networks.h"
#include "src/survey/row.h"
#include "tools/ctl/rows.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

constexpr size_t kReadBytes = size_t{1} << 20;  // the first piece makes the fingerprint
constexpr size_t kRowsPerMessage = 20'000;      // 640 KB: far below Limits::grpc_message_bytes
constexpr size_t kShown = 20;                   // refused rows on the screen
constexpr std::chrono::milliseconds kTellTerminal{500};
constexpr std::chrono::seconds kTellLog{30};

std::string Quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

// Refused rows: into the file as they come, counted by column and reason, the first ones kept to be shown.
class Rejects {
 public:
  Status Open(const std::string& path) {
    path_ = path;
    if (path.empty()) return Ok();
    file_.open(path + ".new", std::ios::binary | std::ios::trunc);
    file_ << "line,field,reason,message,cure\n";
    return file_ ? Ok() : Status(Error(Reason::kFileUnreadable, fmt::format("cannot write {}", path)));
  }

  void Add(const import::RowError& error) {
    const std::string reason(InfoOf(error.reason).name);
    if (error.warning) {
      ++warnings_[{error.column, reason}];
      return;
    }
    // Several faults of a row are one refused row.
    if (last_line_ != error.line) ++rows_;
    last_line_ = error.line;
    ++reasons_[{error.column, reason}];
    if (first_.size() < kShown) first_.push_back(error);
    if (!path_.empty()) {
      file_ << fmt::format("{},{},{},{},{}\n", error.line, Quoted(error.column), reason,
                           Quoted(error.message), Quoted(error.suggestion));
    }
  }

  Status Close() {
    if (path_.empty()) return Ok();
    file_.close();
    std::error_code failed;
    if (file_) std::filesystem::rename(path_ + ".new", path_, failed);
    if (!file_ || failed) return Error(Reason::kFileUnreadable, fmt::format("cannot write {}", path_));
    return Ok();
  }

  uint64_t rows() const { return rows_; }

  void Print(Session& session) const {
    Table shown({{"line", true}, {"field"}, {"reason"}, {"message"}, {"cure"}});
    for (const import::RowError& error : first_) {
      shown.Add({std::to_string(error.line), OrDash(error.column), std::string(InfoOf(error.reason).name),
                 error.message, OrDash(error.suggestion)});
    }
    if (!first_.empty()) shown.Print(session.out());
    if (rows_ > first_.size()) {
      session.out() << (path_.empty() ? "… and more: --rejects writes them all\n"
                                      : fmt::format("… and more in {}\n", path_));
    }
    PrintCounts(session, "rejected", reasons_);
    PrintCounts(session, "warning, kept", warnings_);
  }
  std::string Json() const {
    return fmt::format("\"rejected_rows\":{},\"rejected_by\":[{}],\"warnings\":[{}]", rows_,
                       CountsJson(reasons_), CountsJson(warnings_));
  }

 private:
  using Counts = std::map<std::pair<std::string, std::string>, uint64_t>;  // column, reason

  static void PrintCounts(Session& session, const std::string& what, const Counts& counts) {
    if (counts.empty()) return;
    Table table({{what}, {"reason"}, {"times", true}});
    for (const auto& [key, count] : counts) table.Add({OrDash(key.first), key.second, Grouped(count)});
    session.out() << '\n';
    table.Print(session.out());
  }
  static std::string CountsJson(const Counts& counts) {
    std::string json;
    for (const auto& [key, count] : counts) {
      json += fmt::format("{}{{\"field\":{},\"reason\":{},\"times\":{}}}", json.empty() ? "" : ",",
                          JsonString(key.first), JsonString(key.second), count);
    }
    return json;
  }

  std::string path_;
  std::ofstream file_;
  uint64_t rows_ = 0;
  std::optional<uint64_t> last_line_;
  Counts reasons_;
  Counts warnings_;
  std::vector<import::RowError> first_;
};

// Rows by radio and network.
class Networks {
 public:
  void Add(const import::CellRow& row) {
    const uint32_t key = static_cast<uint32_t>(row.radio) << 24 | uint32_t{row.mcc} << 12 | row.mnc << 1 |
                         (row.mnc_digits == 3 ? 1U : 0U);
    if (key != last_ || count_ == nullptr) count_ = &counts_[key];
    last_ = key;
    ++*count_;
  }
  void Print(Session& session) const {
    Table table({{"radio"}, {"network"}, {"operator"}, {"rows", true}});
    for (const auto& [key, count] : counts_) {
      const std::string network = NetworkOf(key);
      table.Add({RadioOf(key), network, OperatorOfNetwork(network), Grouped(count)});
    }
    session.out() << '\n';
    table.Print(session.out());
  }
  std::string Json() const {
    std::string json;
    for (const auto& [key, count] : counts_) {
      json += fmt::format("{}{{\"radio\":\"{}\",\"network\":\"{}\",\"operator\":{},\"rows\":{}}}",
                          json.empty() ? "" : ",", RadioOf(key), NetworkOf(key),
                          JsonString(OperatorOfNetwork(NetworkOf(key))), count);
    }
    return fmt::format("\"networks\":[{}]", json);
  }

 private:
  static std::string RadioOf(uint32_t key) { return v1::Radio_Name(static_cast<v1::Radio>(key >> 24)); }
  static std::string NetworkOf(uint32_t key) {
    return fmt::format("{:03}-{:0{}}", key >> 12 & 0xFFF, key >> 1 & 0x7FF, (key & 1) != 0 ? 3 : 2);
  }

  std::map<uint32_t, uint64_t> counts_;
  uint32_t last_ = 0;
  uint64_t* count_ = nullptr;
};

// What happens on the way, on stderr: written over on a terminal, a line now and then elsewhere.
class Watcher {
 public:
  Watcher(Session& session, uint64_t file_bytes)
      : session_(session), file_bytes_(file_bytes), begun_(session.io().clock.Steady()), told_(begun_) {}
  ~Watcher() {
    if (shown_) session_.io().err << '\n';
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Read(uint64_t rows, uint64_t rejected, uint64_t bytes) {
    if (!Due()) return;
    const double seconds = std::chrono::duration<double>(told_ - begun_).count();
    const std::string percent =
        file_bytes_ == 0 ? "" : fmt::format(", {} %", std::min<uint64_t>(100, bytes * 100 / file_bytes_));
    Tell(fmt::format("{} rows, {} rejected, {} rows/s{}", Grouped(rows), Grouped(rejected),
                     Grouped(static_cast<uint64_t>(static_cast<double>(rows) / std::max(seconds, 0.001))),
                     percent));
  }
  void Merged(uint64_t cells) {
    if (Due()) Tell(fmt::format("merging: {} cells", Grouped(cells)));
  }

 private:
  bool Due() {
    const auto now = session_.io().clock.Steady();
    const bool terminal = session_.io().err_is_terminal;
    if (session_.json() || now - told_ < (terminal ? std::chrono::nanoseconds(kTellTerminal) : kTellLog))
      return false;
    told_ = now;
    return true;
  }
  void Tell(const std::string& text) {
    if (!session_.io().err_is_terminal) {
      session_.io().err << text << '\n' << std::flush;
      return;
    }
    session_.io().err << fmt::format("\r{:<70}", text) << std::flush;
    shown_ = true;
  }

  Session& session_;
  const uint64_t file_bytes_;
  const std::chrono::nanoseconds begun_;
  std::chrono::nanoseconds told_;
  bool shown_ = false;
};

using Stream = grpc::ClientReaderWriter<v1::ImportSurveyRequest, v1::ImportSurveyResponse>;

// One try: the file is read, sent, and the answer waited for.
class Try {
 public:
  Try(Session& session, const Client& client, const SurveyImportFlags& flags, v1::ImportSurveyHeader header,
      std::istream& in)
      : session_(session),
        client_(client),
        header_(std::move(header)),
        source_(static_cast<survey::Source>(header_.source())),
        in_(in),
        watcher_(session, header_.file_bytes()),
        reader_(Limits(), {[this](const import::CellRow& row) { Take(row); },
                           [this](const import::RowError& error) { rejects_.Add(error); }}),
        unpacker_([this](std::string_view plain) { return reader_.Feed(plain); }) {
    if (!flags.as_of.empty()) as_of_ = ParseTime(flags.as_of)->value / 1000;
    status_ = rejects_.Open(flags.rejects);
  }

  // `piece` is the file's beginning. Not OK: the call failed. With OK, `status` may say what went wrong here.
  grpc::Status Run(std::string piece) {
    if (!status_) return grpc::Status::OK;
    grpc::ClientContext context;
    client_.Prepare(context, std::nullopt);
    v1::SurveyService::Stub stub(client_.channel());
    const std::unique_ptr<Stream> stream = stub.Import(&context);
    stream_ = stream.get();
    if (!Begin()) return stream_->Finish();
    // Answers come while rows go out; a stream that nobody reads would stand still.
    std::thread answers([this] { ReadAnswers(); });
    SendFile(std::move(piece));
    if (!status_) context.TryCancel();
    stream_->WritesDone();
    answers.join();
    const grpc::Status status = stream_->Finish();
    return status_ ? status : grpc::Status::OK;
  }

  // What went wrong on this side.
  const Status& status() const { return status_; }
  const std::string& import_id() const { return begun_.import_id(); }
  bool resumed() const { return begun_.durable() > 0; }
  Rejects& rejects() { return rejects_; }
  const Networks& networks() const { return networks_; }
  const std::optional<v1::SurveyImport>& done() const { return done_; }

 private:
  bool Begin() {
    v1::ImportSurveyRequest request;
    *request.mutable_header() = header_;
    v1::ImportSurveyResponse answer;
    if (!stream_->Write(request) || !stream_->Read(&answer) || !answer.has_begun()) return false;
    begun_ = answer.begun();
    if (begun_.durable() > 0) {
      session_.Note(fmt::format("going on with import {} behind {} rows", begun_.import_id(),
                                Grouped(begun_.durable())));
    }
    if (begun_.durable() == 0 && !header_.change().dry_run()) {
      session_.Note(fmt::format("import {}", begun_.import_id()));
    }
    return true;
  }

  void ReadAnswers() {
    v1::ImportSurveyResponse answer;
    while (stream_->Read(&answer)) {
      if (answer.has_done()) done_ = answer.done();
      // Rows are read no more by then: only this thread tells.
      if (answer.part_case() == v1::ImportSurveyResponse::kMerged) watcher_.Merged(answer.merged());
    }
  }

  void SendFile(std::string piece) {
    uint64_t bytes = 0;
    while (!piece.empty() && status_ && open_) {
      bytes += piece.size();
      status_ = unpacker_.Feed(piece);
      if (status_ && other_file_) status_ = OtherFile();
      watcher_.Read(rows_, rejects_.rows(), bytes);
      piece = ReadPiece(in_);
    }
    if (status_ && in_.bad()) status_ = Error(Reason::kFileUnreadable, "reading the file failed");
    if (status_ && open_) status_ = unpacker_.Finish();
    if (status_ && open_) status_ = reader_.Finish();
    if (status_ && open_ && (other_file_ || rows_ < begun_.durable())) status_ = OtherFile();
    if (status_) status_ = rejects_.Close();
    if (!status_) return;
    Send();
    v1::ImportSurveyRequest request;
    request.mutable_end()->set_rejected(rejects_.rows());
    if (open_) stream_->Write(request);
  }

  void Take(const import::CellRow& in) {
    networks_.Add(in);
    survey::Row row = survey::RowOf(in, source_);
    if (!row.updated && as_of_ > 0 && as_of_ <= UINT32_MAX) row.updated = static_cast<uint32_t>(as_of_);
    const survey::PackedRow packed = survey::Pack(row);
    ++rows_;
    if (rows_ <= begun_.durable()) {
      sum_.Add(packed.bytes);
      if (rows_ == begun_.durable() && sum_.value() != begun_.sum()) other_file_ = true;
      return;
    }
    if (begun_.finished() || other_file_) return;
    batch_.append(reinterpret_cast<const char*>(packed.bytes.data()), packed.bytes.size());
    if (batch_.size() >= kRowsPerMessage * survey::kRowBytes) Send();
  }

  Error OtherFile() const {
    return Error(Reason::kSurveyOffset,
                 fmt::format("the first {} rows are not those that import {} was begun with",
                             begun_.durable(), begun_.import_id()));
  }

  void Send() {
    if (batch_.empty() || !open_) return;
    v1::ImportSurveyRequest request;
    request.mutable_rows()->set_offset(rows_ - batch_.size() / survey::kRowBytes);
    request.mutable_rows()->set_rows(std::move(batch_));
    // It fails when the head-end has ended the call; Finish then says why.
    open_ = stream_->Write(request);
    batch_.clear();
  }

 public:
  static std::string ReadPiece(std::istream& in) {
    std::string piece(kReadBytes, '\0');
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<size_t>(in.gcount()));
    return piece;
  }

 private:
  Session& session_;
  const Client& client_;
  const v1::ImportSurveyHeader header_;
  const survey::Source source_;
  std::istream& in_;
  int64_t as_of_ = 0;  // Unix seconds; 0: not given
  Watcher watcher_;
  Rejects rejects_;
  Networks networks_;
  v1::SurveyBegun begun_;
  Stream* stream_ = nullptr;  // of the call that Run makes
  uint64_t rows_ = 0;
  survey::Sum64 sum_;
  std::string batch_;
  bool open_ = true;         // the head-end takes what is sent
  bool other_file_ = false;  // it does not begin with the rows that are durable
  Status status_;
  std::optional<v1::SurveyImport> done_;
  import::CellReader reader_;
  import::Unpacker unpacker_;
};

v1::SurveySource SourceOf(const std::string& name) {
  return name == "telco" ? v1::TELCO : name == "collector" ? v1::COLLECTOR : v1::CROWD;
}

// The file, the tries at it, and the answer.
class Job {
 public:
  Job(Session& session, const SurveyImportFlags& flags) : session_(session), flags_(flags) {}

  int Run() {
    auto client = session_.Connect();
    if (!client) return session_.Fail(client.error());
    const auto id = session_.request_id();
    if (!id) return session_.FailUsage(id.error());
    session_.FillChange(flags_.change, *id, header_.mutable_change());
    header_.set_import_id(flags_.resume.empty() ? id->ToString() : flags_.resume);
    header_.set_source(SourceOf(flags_.source));
    header_.set_file_name(flags_.file == "-" ? "stdin"
                                             : std::filesystem::path(flags_.file).filename().string());
    const auto failure = session_.Retry(**client, [&] { return Once(**client); });
    if (!local_) return session_.FailFile(local_.error());
    if (failure) return Stopped(*failure);
    return Report();
  }

 private:
  grpc::Status Once(const Client& client) {
    if (flags_.file == "-" && try_) {
      local_ =
          Error(Reason::kFileUnreadable,
                fmt::format("the connection broke, and stdin cannot be read again: send the same rows with "
                            "--resume {}",
                            try_->import_id()));
      return grpc::Status::OK;
    }
    std::ifstream file;
    std::istream* in = &session_.io().in;
    std::error_code ignored;
    if (flags_.file != "-") {
      file.open(flags_.file, std::ios::binary);
      if (!file || std::filesystem::is_directory(flags_.file, ignored)) {
        local_ = Error(Reason::kFileUnreadable, fmt::format("cannot open {}", flags_.file));
        return grpc::Status::OK;
      }
      in = &file;
      const auto size = std::filesystem::file_size(flags_.file, ignored);
      if (!ignored) header_.set_file_bytes(size);
    }
    std::string first = Try::ReadPiece(*in);
    const auto fingerprint = crypto::Sha256(AsBytes(first));
    header_.set_fingerprint(fingerprint.data(), fingerprint.size());
    try_ = std::make_unique<Try>(session_, client, flags_, header_, *in);
    const grpc::Status status = try_->Run(std::move(first));
    if (!try_->status()) {
      local_ = try_->status();
      return grpc::Status::OK;
    }
    // A next try goes on with what this one has begun.
    if (!try_->import_id().empty() && !header_.change().dry_run()) header_.set_import_id(try_->import_id());
    return status;
  }

  int Stopped(Failure failure) {
    if (try_ && !try_->import_id().empty() && !header_.change().dry_run()) {
      failure.cure += fmt::format(" Then go on with --resume {}.", try_->import_id());
    }
    return session_.Fail(failure);
  }

  int Report() {
    const int code = try_->rejects().rows() > 0 ? kExitRowsRefused : kExitOk;
    const v1::SurveyImport import = try_->done().value_or(v1::SurveyImport());
    if (session_.json()) {
      session_.out() << fmt::format("{{\"import\":{},{},{}}}\n", Json(import, JsonStyle::kOneLine),
                                    try_->rejects().Json(), try_->networks().Json());
      return code;
    }
    try_->rejects().Print(session_);
    try_->networks().Print(session_);
    session_.out() << '\n';
    PrintImport(session_, import);
    if (import.dry_run()) session_.out() << "dry run: nothing was changed\n";
    return code;
  }

  Session& session_;
  const SurveyImportFlags& flags_;
  v1::ImportSurveyHeader header_;
  std::unique_ptr<Try> try_;
  Status local_;  // what went wrong on this side
};

}  // namespace

int RunSurveyImport(Session& session, const SurveyImportFlags& flags) {
  if (!flags.resume.empty() && !RequestId::Parse(flags.resume)) {
    return session.FailUsage(
        InvalidField("--resume", "a UUID of version 7, as `hearthctl survey list` shows it"));
  }
  return Job(session, flags).Run();
}

std::string SourceName(v1::SurveySource source) {
  return source == v1::TELCO       ? "telco"
         : source == v1::COLLECTOR ? "collector"
         : source == v1::CROWD     ? "crowd"
                                   : "-";
}

void PrintImport(Session& session, const v1::SurveyImport& import) {
  Sheet sheet;
  sheet.AddIf("import", import.import_id());
  sheet.AddIf("file", import.file_name());
  sheet.Add("source", SourceName(import.source()));
  sheet.Add("rows", fmt::format("{} taken, {} rejected", Grouped(import.rows()), Grouped(import.rejected())));
  if (import.stage() == v1::SurveyImport::MERGED) {
    sheet.Add("new", Grouped(import.fresh()));
    sheet.Add("changed", Grouped(import.replaced()));
    sheet.Add("unchanged", Grouped(import.unchanged()));
    sheet.Add("less recent", Grouped(import.older()));
    sheet.Add("lower authority", Grouped(import.lower()));
    sheet.Add("doubled in the file", Grouped(import.doubles()));
  }
  sheet.Print(session.out());
}

std::string OperatorOfNetwork(const std::string& network) {
  const size_t dash = network.find('-');
  if (dash == std::string::npos) return "-";
  const auto mcc = ParseNumber(network.substr(0, dash), 999, "mcc");
  const auto mnc = ParseNumber(network.substr(dash + 1), 999, "mnc");
  if (!mcc || !mnc) return "-";
  const import::Network* found = import::FindNetwork(static_cast<uint16_t>(*mcc), static_cast<uint16_t>(*mnc),
                                                     static_cast<uint8_t>(network.size() - dash - 1));
  return found == nullptr ? "-" : std::string(found->name);
}

std::string OperatorOf(const std::string& cell) {
  const size_t mcc = cell.find(':');
  const size_t mnc = cell.find(':', mcc + 1);
  const size_t end = cell.find(':', mnc + 1);
  if (end == std::string::npos) return "-";
  return OperatorOfNetwork(cell.substr(mcc + 1, mnc - mcc - 1) + "-" + cell.substr(mnc + 1, end - mnc - 1));
}

}  // namespace hearth::ctl
