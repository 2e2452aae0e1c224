// The register of cells: everything known of them from operators, field collectors and crowd data. It never
// decides anything; it proposes cells for areas and shows what is plausible.
//
//   DIR/register             the table of all cells
//   DIR/register.new         the next one while it is written
//   DIR/imports/<id>/state   an import: what it is and how far it got
//   DIR/imports/<id>/00001   its sorted runs, until they are in the register
//
// An import: rows come in the order of their file and are gathered, sorted and written as runs; what is in a
// run is durable and never asked for again. At the end the runs and the register are merged into the next
// register, which takes the place of the old one by renaming. A crash at any moment loses at most the rows
// behind the last run: the sender goes on from there.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/clock.h"
#include "src/base/mutex.h"
#include "src/survey/import_state.h"
#include "src/survey/table.h"

namespace hearth::survey {

struct SurveyOptions {
  // Rows of a run: two of them and their keys are in memory, 100 bytes a row, while an import comes in.
  size_t run_rows = size_t{2} << 20;
  // Imports that were begun and not finished; each may hold a file's worth of disk.
  size_t open_imports = 16;
  // Finished imports that are still told about.
  size_t kept_imports = 100;
};

class Survey;

// An import being taken in; there is one at a time. One thread. Must not outlive the Survey. Ended without
// Finish, the import stays open (a dry run is forgotten).
class Receiver {
 public:
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // How far it is durable.
  ImportState state() const;
  // Rows behind the `offset` ones that came before: packed, of the import's source. SURVEY_OFFSET when they
  // do not follow, FIELD_INVALID for bytes that are no rows, SURVEY_UNWRITABLE; after an error nothing more
  // is taken.
  Status Add(uint64_t offset, ByteView rows);
  // All rows have come, and `rejected` others were in the file: merges. In a dry run the register stays as it
  // is. SURVEY_UNWRITABLE, SURVEY_DAMAGED, SHUTTING_DOWN: the import stays open. `progress` as in Merge.
  Result<ImportState> Finish(uint64_t rejected, const std::function<void(uint64_t merged)>& progress);

 private:
  friend class Survey;
  Receiver(Survey& survey, const ImportState& state);
  Status HandOver();
  Status Settle();
  Status WriteRun(std::vector<PackedRow>& rows, uint64_t rows_then, uint64_t sum_then);

  Survey& survey_;
  ImportState begun_;  // as it was when this began, then as written last
  mutable Mutex mu_;
  ImportState durable_ HEARTH_GUARDED_BY(mu_);
  uint64_t received_ = 0;
  Sum64 sum_;
  std::vector<PackedRow> gathered_;
  std::vector<PackedRow> writing_;  // of the run being written
  std::future<Status> written_;
  Status failed_;
};

// Any thread.
class Survey {
 public:
  // Makes the directory where needed, clears away what a crash left. A damaged register is no error here: all
  // that needs it answers SURVEY_DAMAGED. SURVEY_UNWRITABLE. The clock must outlive it.
  static Result<std::unique_ptr<Survey>> Open(const std::filesystem::path& directory, const Clock& clock,
                                              const SurveyOptions& options = {});

  // The register as it is now; nullptr when nothing was ever imported. SURVEY_DAMAGED.
  Result<std::shared_ptr<const Table>> table() const;

  // Begins an import, or goes on with one: that of this id, or else (unless dry) an open one of the same file
  // (fingerprint and size) and source, whose id is then in the receiver's state. FIELD_INVALID (an id that
  // belongs to another file or source), SURVEY_BUSY (another one is being taken in), LIMIT_EXCEEDED (too many
  // open ones). Of a merged one Add refuses, and Finish gives what became of it.
  Result<std::unique_ptr<Receiver>> Begin(const NewImport& what);
  // Forgets an open import and its rows. SURVEY_UNKNOWN, SURVEY_BUSY (it is being taken in), FIELD_INVALID
  // (it is in the register).
  Status Abort(const RequestId& id);
  // SURVEY_UNKNOWN.
  Result<ImportState> Get(const RequestId& id) const;
  // Newest first.
  std::vector<ImportState> List() const;

  // Ends merging soon, with SHUTTING_DOWN, now and in future.
  void Stop() { stop_.store(true); }

 private:
  friend class Receiver;
  Survey(std::filesystem::path directory, const Clock& clock, const SurveyOptions& options)
      : directory_(std::move(directory)), clock_(clock), options_(options) {}

  Status OpenRegister();
  Status LoadImports();
  std::filesystem::path ImportDir(const RequestId& id) const;
  std::filesystem::path RunPath(const RequestId& id, uint32_t run) const;
  Status Save(const ImportState& state);
  Status RemoveRuns(const ImportState& state);
  void ForgetOld() HEARTH_REQUIRES(mu_);
  Status Remove(const RequestId& id);
  Result<MergeCounts> WriteRegister(const std::filesystem::path& path, const Table* now,
                                    std::span<const std::shared_ptr<const Table>> runs,
                                    const std::function<void(uint64_t)>& progress);
  Result<ImportState> MergeRuns(ImportState state, const std::function<void(uint64_t)>& progress);

  const std::filesystem::path directory_;
  const Clock& clock_;
  const SurveyOptions options_;
  std::atomic<bool> stop_{false};
  mutable Mutex mu_;
  std::shared_ptr<const Table> table_ HEARTH_GUARDED_BY(mu_);
  Status damage_ HEARTH_GUARDED_BY(mu_);
  std::map<RequestId, ImportState> imports_ HEARTH_GUARDED_BY(mu_);
  std::optional<RequestId> receiving_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::survey
