// Files of rows: sent in chunks, every bad row reported by line, no good row lost.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "hearth/v1/common.pb.h"
#include "src/base/limits.h"
#include "src/import/row_error.h"
#include "tools/ctl/files.h"
#include "tools/ctl/session.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {

// What became of the rows of one or several files. One thread.
class RowReport {
 public:
  // Several files in one report: their rows are named "cards line 7". Empty: one file.
  void BeginFile(std::string name);
  // What the parser on this side found; a warning is only told.
  void AddLocal(Session& session, const std::vector<import::RowError>& errors);
  void Add(const hearth::v1::RowResult& result);
  // A row that was a call of its own and was refused.
  void AddFailure(uint64_t line, const Failure& failure);

  // Rows that were taken by a call that does not answer row by row.
  void AddDone(uint64_t count) { done_ += count; }
  void AddExisted(uint64_t count) { existed_ += count; }
  // Refused rows that the answer counts but does not list.
  void AddUnlisted(uint64_t count);
  // Further members of the JSON object: those of `object`, which must not be empty.
  void Attach(std::string_view object);

  uint64_t refused() const { return refused_; }

  // Prints the refused rows, by line, and the summary; writes them as CSV to `rejects_path` unless that is
  // empty. `stopped` ended the work early. Returns the exit code.
  int Finish(Session& session, const std::string& rejects_path, const std::optional<Failure>& stopped);

 private:
  struct Entry {
    size_t file_order = 0;
    std::string file;
    hearth::v1::RowResult row;
  };

  void Refuse(hearth::v1::RowResult row);
  void PrintTable(Session& session, const std::string& rejects_path) const;
  std::string JsonMembers() const;
  Status WriteRejects(const std::string& path) const;

  size_t file_order_ = 0;
  std::string file_;
  std::string attached_;
  std::vector<Entry> entries_;
  std::optional<uint64_t> last_refused_;  // line in this file: several errors of a row are one refused row
  uint64_t done_ = 0;
  uint64_t existed_ = 0;
  uint64_t refused_ = 0;
  uint64_t unlisted_ = 0;
};

// A line on a terminal's stderr that is written over; nothing elsewhere.
class Progress {
 public:
  Progress(Session& session, std::string what, size_t total)
      : session_(session), what_(std::move(what)), total_(total) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void Show(size_t count);

 private:
  Session& session_;
  const std::string what_;
  const size_t total_;
  bool shown_ = false;
};

// Sends rows in chunks of Limits::rows_per_batch by a call whose request has `change` and `rows`, each chunk
// under its own request id, counting from `chunk`. Returns what stopped it.
template <typename Stub, typename Request, typename Response, typename Row>
std::optional<Failure> SendRows(Session& session, const Client& client,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const std::string& what, std::span<const Row> rows, const ChangeFlags& flags,
                                uint64_t& chunk, RowReport& report) {
  const auto id = session.request_id();
  if (!id) return LocalFailure(id.error(), kExitUsage);
  Progress progress(session, what, rows.size());
  const size_t chunk_rows = Limits().rows_per_batch;
  for (size_t begin = 0; begin < rows.size(); begin += chunk_rows, ++chunk) {
    const auto part = rows.subspan(begin, std::min(chunk_rows, rows.size() - begin));
    Request request;
    session.FillChange(flags, ChunkRequestId(*id, chunk), request.mutable_change());
    for (const Row& row : part) *request.add_rows() = row;
    Response response;
    auto failure = session.Retry(client, [&] { return client.Call(method, request, &response); });
    if (failure) {
      failure->message += fmt::format(" ({} of {} {} were not sent)", rows.size() - begin, rows.size(), what);
      return failure;
    }
    for (const auto& result : response.rows()) report.Add(result);
    progress.Show(begin + part.size());
  }
  return std::nullopt;
}

// Flags of "NOUN import FILE".
struct ImportFlags {
  std::string file;
  std::string rejects;
  ChangeFlags change;
};

// Declares them; `columns` says what the file holds.
void DeclareImport(CLI::App& command, ImportFlags& flags, const std::string& columns);

// Reads the whole file first, so that a wrong file changes nothing; then sends its rows.
template <typename Stub, typename Request, typename Response, typename Row>
int ImportFile(Session& session, const ImportFlags& flags, Result<FileRows<Row>> (*read)(std::string_view),
               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const std::string& what) {
  const auto text = ReadFileOrInput(flags.file, session.io().in);
  if (!text) return session.FailFile(text.error());
  const auto rows = read(*text);
  if (!rows) return session.FailFile(rows.error());
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  RowReport report;
  report.AddLocal(session, rows->errors);
  uint64_t chunk = 0;
  const auto stopped = SendRows(session, **client, method, what, std::span<const Row>(rows->rows),
                                flags.change, chunk, report);
  return report.Finish(session, flags.rejects, stopped);
}

}  // namespace hearth::ctl
