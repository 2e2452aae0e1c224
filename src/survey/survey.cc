#include "src/survey/survey.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "src/survey/file.h"
#include "src/survey/table_writer.h"

namespace hearth::survey {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxStateBytes = 4096;

Error Unwritable(const fs::path& path, const std::error_code& error) {
  return Error(Reason::kSurveyUnwritable, fmt::format("{} cannot be changed", path.string()))
      .Detail(error.message());
}

Status RemoveAll(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Status(Unwritable(path, error)) : Ok();
}

Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? Status(Unwritable(path, error)) : Ok();
}

bool SameFile(const NewImport& a, const NewImport& b) {
  return a.source == b.source && a.fingerprint == b.fingerprint && a.file_bytes == b.file_bytes;
}

bool Fingerprinted(const NewImport& what) { return what.fingerprint != std::array<uint8_t, 32>{}; }

// What a row is sorted by: its cell, then its place.
struct SortKey {
  uint64_t high;
  uint32_t low;
  uint32_t index;
  auto operator<=>(const SortKey&) const = default;
};

}  // namespace

// ---- Receiver

Receiver::Receiver(Survey& survey, const ImportState& state)
    : survey_(survey), begun_(state), durable_(state), received_(state.rows), sum_(state.sum) {
  if (state.rows == 0) sum_ = Sum64();
}

Receiver::~Receiver() {
  if (written_.valid()) (void)written_.get();
  const MutexLock lock(survey_.mu_);
  survey_.receiving_.reset();
  if (begun_.what.dry_run) {
    (void)survey_.Remove(begun_.what.id);
    survey_.imports_.erase(begun_.what.id);
  }
}

ImportState Receiver::state() const {
  const MutexLock lock(mu_);
  return durable_;
}

Status Receiver::Add(uint64_t offset, ByteView rows) {
  HEARTH_RETURN_IF_ERROR(failed_);
  if (begun_.stage != Stage::kReceiving) return Error(Reason::kSurveyOffset, "this import is finished");
  if (offset != received_) {
    return Error(Reason::kSurveyOffset, fmt::format("row {} is next, not {}", received_, offset));
  }
  if (rows.size() % kRowBytes != 0) return InvalidField("rows", "a multiple of 32 bytes");
  const size_t count = rows.size() / kRowBytes;
  const size_t before = gathered_.size();
  gathered_.resize(before + count);
  std::memcpy(gathered_.data() + before, rows.data(), rows.size());
  for (size_t i = before; i < gathered_.size(); ++i) {
    if (IsRow(gathered_[i]) && gathered_[i].source() == begun_.what.source) continue;
    failed_ = InvalidField(fmt::format("rows[{}]", i - before),
                           "a cell in range from the source of the import, and 0 for what is not known");
    return failed_;
  }
  sum_.Add(rows);
  received_ += count;
  return gathered_.size() < survey_.options_.run_rows ? Ok() : HandOver();
}

// Waits for the run being written.
Status Receiver::Settle() {
  if (written_.valid()) failed_ = written_.get();
  return failed_;
}

Status Receiver::HandOver() {
  HEARTH_RETURN_IF_ERROR(Settle());
  if (gathered_.empty()) return Ok();
  std::swap(gathered_, writing_);
  gathered_.clear();
  gathered_.reserve(survey_.options_.run_rows);
  written_ = std::async(std::launch::async, [this, rows = received_, sum = sum_.value()] {
    return WriteRun(writing_, rows, sum);
  });
  return Ok();
}

Status Receiver::WriteRun(std::vector<PackedRow>& rows, uint64_t rows_then, uint64_t sum_then) {
  std::vector<SortKey> keys(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    keys[i] = {.high = rows[i].high(), .low = rows[i].low(), .index = static_cast<uint32_t>(i)};
  }
  std::sort(keys.begin(), keys.end());
  ImportState next = state();
  const fs::path path = survey_.RunPath(next.what.id, next.runs + 1);
  HEARTH_ASSIGN_OR_RETURN(TableWriter out,
                          TableWriter::Create(path, TableKind::kRun, 0, survey_.clock_.Now()));
  for (size_t i = 0; i < keys.size();) {
    const PackedRow* row = &rows[keys[i].index];
    size_t end = i + 1;
    for (; end < keys.size() && keys[end].high == keys[i].high && keys[end].low == keys[i].low; ++end) {
      const PackedRow& later = rows[keys[end].index];
      if (EffectOf(*row, later) == Effect::kChanged) row = &later;
      ++next.doubles;
    }
    HEARTH_RETURN_IF_ERROR(out.Append(*row));
    i = end;
  }
  HEARTH_RETURN_IF_ERROR(out.Finish());
  HEARTH_RETURN_IF_ERROR(SyncDirectory(path.parent_path()));
  ++next.runs;
  next.rows = rows_then;
  next.sum = sum_then;
  next.changed = survey_.clock_.Now();
  HEARTH_RETURN_IF_ERROR(survey_.Save(next));
  const MutexLock lock(mu_);
  durable_ = next;
  return Ok();
}

Result<ImportState> Receiver::Finish(uint64_t rejected,
                                     const std::function<void(uint64_t merged)>& progress) {
  HEARTH_RETURN_IF_ERROR(failed_);
  if (begun_.stage == Stage::kMerged) return begun_;
  HEARTH_RETURN_IF_ERROR(HandOver());
  HEARTH_RETURN_IF_ERROR(Settle());
  ImportState last = state();
  last.rejected = rejected;
  HEARTH_ASSIGN_OR_RETURN(begun_, survey_.MergeRuns(std::move(last), progress));
  const MutexLock lock(mu_);
  durable_ = begun_;
  return begun_;
}

// ---- Survey

Result<std::unique_ptr<Survey>> Survey::Open(const fs::path& directory, const Clock& clock,
                                             const SurveyOptions& options) {
  std::unique_ptr<Survey> survey(new Survey(directory, clock, options));
  HEARTH_RETURN_IF_ERROR(MakeDirectory(directory / "imports"));
  HEARTH_RETURN_IF_ERROR(RemoveAll(directory / "register.new"));
  HEARTH_RETURN_IF_ERROR(survey->OpenRegister());
  HEARTH_RETURN_IF_ERROR(survey->LoadImports());
  return survey;
}

Status Survey::OpenRegister() {
  const MutexLock lock(mu_);
  const fs::path path = directory_ / "register";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return Ok();
  auto table = Table::Open(path, TableKind::kRegister);
  if (table) {
    table_ = std::move(*table);
  } else {
    damage_ = Error(Reason::kSurveyDamaged, table.error().message()).Detail(table.error().detail());
  }
  return Ok();
}

Status Survey::LoadImports() {
  const MutexLock lock(mu_);
  const uint64_t generation = table_ == nullptr ? 0 : table_->generation();
  std::error_code error;
  std::vector<fs::path> directories;
  for (const auto& entry : fs::directory_iterator(directory_ / "imports", error))
    directories.push_back(entry.path());
  if (error) return Unwritable(directory_, error);
  for (const fs::path& path : directories) {
    const auto id = RequestId::Parse(path.filename().string());
    if (!id) continue;
    const auto bytes = ReadWhole(path / "state", kMaxStateBytes);
    auto state = bytes ? DecodeImportState(*bytes) : Result<ImportState>(bytes.error());
    // Begun and not yet noted down, or a dry run: nothing of it counts. One that is damaged is left to
    // people.
    if (!bytes || (state && state->what.dry_run)) HEARTH_RETURN_IF_ERROR(RemoveAll(path));
    if (!state || state->what.dry_run || state->what.id != *id) continue;
    // Noted as merged, but the register was not yet renamed. (Where the runs are gone it was, and somebody
    // has taken the register away since.)
    if (state->stage == Stage::kMerged && state->generation > generation && damage_.has_value() &&
        state->runs > 0 && fs::exists(RunPath(*id, state->runs), error)) {
      state->stage = Stage::kReceiving;
    }
    if (state->stage == Stage::kMerged && damage_.has_value()) HEARTH_RETURN_IF_ERROR(RemoveRuns(*state));
    imports_[*id] = *state;
  }
  ForgetOld();
  return Ok();
}

fs::path Survey::ImportDir(const RequestId& id) const { return directory_ / "imports" / id.ToString(); }

fs::path Survey::RunPath(const RequestId& id, uint32_t run) const {
  return ImportDir(id) / fmt::format("{:05}", run);
}

Status Survey::Save(const ImportState& state) {
  HEARTH_RETURN_IF_ERROR(WriteWhole(ImportDir(state.what.id) / "state", Encode(state)));
  const MutexLock lock(mu_);
  imports_[state.what.id] = state;
  return Ok();
}

Status Survey::RemoveRuns(const ImportState& state) {
  for (uint32_t run = 1; run <= state.runs; ++run)
    HEARTH_RETURN_IF_ERROR(RemoveAll(RunPath(state.what.id, run)));
  return Ok();
}

Status Survey::Remove(const RequestId& id) { return RemoveAll(ImportDir(id)); }

// Ids begin with their time: the first are the oldest.
void Survey::ForgetOld() {
  size_t merged = 0;
  for (const auto& [id, state] : imports_) merged += state.stage == Stage::kMerged ? 1 : 0;
  for (auto it = imports_.begin(); merged > options_.kept_imports && it != imports_.end();) {
    if (it->second.stage != Stage::kMerged || receiving_ == it->first || !Remove(it->first)) {
      ++it;
      continue;
    }
    it = imports_.erase(it);
    --merged;
  }
}

Result<std::shared_ptr<const Table>> Survey::table() const {
  const MutexLock lock(mu_);
  HEARTH_RETURN_IF_ERROR(damage_);
  return table_;
}

Result<std::unique_ptr<Receiver>> Survey::Begin(const NewImport& what) {
  ImportState state{.what = what, .began = clock_.Now(), .changed = clock_.Now(), .sum = Sum64().value()};
  bool known = false;
  {
    const MutexLock lock(mu_);
    HEARTH_RETURN_IF_ERROR(damage_);
    if (receiving_) {
      return Error(Reason::kSurveyBusy, fmt::format("import {} is being taken in", receiving_->ToString()));
    }
    size_t open = 0;
    for (const auto& [id, other] : imports_) {
      if (other.stage == Stage::kReceiving) ++open;
      const bool same = !what.dry_run && other.stage == Stage::kReceiving && Fingerprinted(what) &&
                        SameFile(other.what, what);
      if (id != what.id && (known || !same)) continue;
      state = other;
      known = true;
      if (id == what.id) break;
    }
    if (known && (state.what.source != what.source ||
                  (Fingerprinted(what) && Fingerprinted(state.what) && !SameFile(state.what, what)))) {
      return InvalidField("import_id", fmt::format("import {} is of another file or source: {} ({})",
                                                   state.what.id.ToString(), state.what.file_name,
                                                   NameOf(state.what.source)));
    }
    if (!known && open >= options_.open_imports) {
      return Error(Reason::kLimitExceeded,
                   fmt::format("{} imports are open: go on with them, or abort them", open));
    }
    receiving_ = state.what.id;
  }
  std::unique_ptr<Receiver> receiver(new Receiver(*this, state));
  if (known) return receiver;
  HEARTH_RETURN_IF_ERROR(MakeDirectory(ImportDir(state.what.id)));
  HEARTH_RETURN_IF_ERROR(SyncDirectory(directory_ / "imports"));
  HEARTH_RETURN_IF_ERROR(Save(state));
  return receiver;
}

Status Survey::Abort(const RequestId& id) {
  const MutexLock lock(mu_);
  const auto it = imports_.find(id);
  if (it == imports_.end())
    return Error(Reason::kSurveyUnknown, fmt::format("there is no import {}", id.ToString()));
  if (receiving_ == id)
    return Error(Reason::kSurveyBusy, fmt::format("import {} is being taken in", id.ToString()));
  if (it->second.stage == Stage::kMerged) {
    return InvalidField("import_id",
                        fmt::format("{} is in the register and cannot be taken back", id.ToString()));
  }
  HEARTH_RETURN_IF_ERROR(Remove(id));
  imports_.erase(it);
  return Ok();
}

Result<ImportState> Survey::Get(const RequestId& id) const {
  const MutexLock lock(mu_);
  const auto it = imports_.find(id);
  if (it == imports_.end())
    return Error(Reason::kSurveyUnknown, fmt::format("there is no import {}", id.ToString()));
  return it->second;
}

std::vector<ImportState> Survey::List() const {
  const MutexLock lock(mu_);
  std::vector<ImportState> all;
  for (auto it = imports_.rbegin(); it != imports_.rend(); ++it) all.push_back(it->second);
  return all;
}

// The file is left unfinished when nothing changes.
Result<MergeCounts> Survey::WriteRegister(const fs::path& path, const Table* now,
                                          std::span<const std::shared_ptr<const Table>> runs,
                                          const std::function<void(uint64_t)>& progress) {
  const uint64_t generation = now == nullptr ? 1 : now->generation() + 1;
  HEARTH_ASSIGN_OR_RETURN(TableWriter out,
                          TableWriter::Create(path, TableKind::kRegister, generation, clock_.Now()));
  HEARTH_ASSIGN_OR_RETURN(const MergeCounts counts,
                          Merge(
                              now, runs, &out, [this] { return stop_.load(); }, progress));
  if (counts.fresh + counts.changed > 0) HEARTH_RETURN_IF_ERROR(out.Finish());
  return counts;
}

// The order of the steps is what makes a crash harmless: the next register is whole, then the import is noted
// as in it, then it takes its place; only then the runs go.
Result<ImportState> Survey::MergeRuns(ImportState state, const std::function<void(uint64_t)>& progress) {
  HEARTH_ASSIGN_OR_RETURN(const auto now, table());
  std::vector<std::shared_ptr<const Table>> runs;
  for (uint32_t run = 1; run <= state.runs; ++run) {
    HEARTH_ASSIGN_OR_RETURN(runs.emplace_back(), Table::Open(RunPath(state.what.id, run), TableKind::kRun,
                                                             mapped::Access::kSequential));
  }
  state.generation = now == nullptr ? 0 : now->generation();
  state.stage = Stage::kMerged;
  state.changed = clock_.Now();
  if (state.what.dry_run || runs.empty()) {
    HEARTH_ASSIGN_OR_RETURN(state.counts,
                            Merge(
                                now.get(), runs, nullptr, [this] { return stop_.load(); }, progress));
    state.counts.doubles += state.doubles;
    if (!state.what.dry_run) HEARTH_RETURN_IF_ERROR(Save(state));
    return state;
  }
  const fs::path beside = directory_ / "register.new";
  auto counts = WriteRegister(beside, now.get(), runs, progress);
  if (!counts) {
    (void)RemoveAll(beside);  // it may be what filled the disk
    return std::move(counts).error();
  }
  state.counts = *counts;
  state.counts.doubles += state.doubles;
  const bool changes = counts->fresh + counts->changed > 0;
  if (changes) ++state.generation;
  HEARTH_RETURN_IF_ERROR(Save(state));
  if (changes) {
    HEARTH_RETURN_IF_ERROR(Replace(beside, directory_ / "register"));
    HEARTH_ASSIGN_OR_RETURN(auto next, Table::Open(directory_ / "register", TableKind::kRegister));
    const MutexLock lock(mu_);
    table_ = std::move(next);
  } else {
    HEARTH_RETURN_IF_ERROR(RemoveAll(beside));
  }
  runs.clear();
  (void)RemoveRuns(state);  // or at the next start
  const MutexLock lock(mu_);
  ForgetOld();
  return state;
}

}  // namespace hearth::survey
