#include "src/app/survey.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::app {

using survey::ImportState;
using survey::Stage;

namespace {

// What was noted last: the import's id.
constexpr std::string_view kNoted = "survey";

std::string WordsOf(const ImportState& state) {
  return fmt::format("import {} of {} ({})", state.what.id.ToString(), state.what.file_name,
                     NameOf(state.what.source));
}

}  // namespace

std::vector<geofence::ListRef> ListsOf(const geofence::CellIndex& lists, const geofence::Cell& cell) {
  std::vector<geofence::ListRef> all;
  lists.ForEach(lists.Find(cell), [&](const geofence::ListRef& list) { all.push_back(list); });
  std::sort(all.begin(), all.end());
  // While a rollout is under way two versions of a list may count.
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) { return a.kind == b.kind && a.id == b.id; }),
            all.end());
  return all;
}

CellRegister::CellRegister(Executor& executor, GeoState& geo, MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      geo_(geo),
      log_(log),
      cells_(metrics.GetGauge("hearth_survey_cells", "Cells in the register.")),
      open_imports_(
          metrics.GetGauge("hearth_survey_open_imports", "Imports that were begun and not finished.")),
      rows_(metrics.GetCounter("hearth_survey_rows_total",
                               "Rows of imports that were merged into the register.")) {}

std::unique_ptr<CellRegister> CellRegister::Create(const std::filesystem::path& directory, Executor& executor,
                                                   GeoState& geo, MetricsRegistry& metrics, Logger& log) {
  std::unique_ptr<CellRegister> cells(new CellRegister(executor, geo, metrics, log));
  if (directory.empty()) {
    cells->unopened_ = Error(Reason::kConfigMissing, "survey.dir: this head-end keeps no register of cells");
    return cells;
  }
  auto survey = survey::Survey::Open(directory, executor.clock());
  if (!survey) {
    cells->unopened_ = survey.error();
    log.Error("survey.unopened", {{"error", survey.error().ToString()}, {"cause", survey.error().detail()}});
    return cells;
  }
  cells->survey_ = std::move(*survey);
  if (const auto table = cells->survey_->table(); !table) {
    log.Error("survey.damaged", {{"error", table.error().ToString()}});
  }
  cells->Measure();
  return cells;
}

Result<survey::Survey*> CellRegister::Open() const {
  HEARTH_RETURN_IF_ERROR(unopened_);
  return survey_.get();
}

void CellRegister::Measure() {
  const auto table = survey_->table();
  cells_.Set(table && *table != nullptr ? static_cast<double>((*table)->rows()) : 0);
  double open = 0;
  for (const ImportState& state : survey_->List()) open += state.stage == Stage::kReceiving ? 1 : 0;
  open_imports_.Set(open);
}

Result<Committed> CellRegister::Note(const Request& request, std::string action, std::string detail,
                                     const RequestId& id) {
  const Act act{.actor = request.actor,
                .action = std::move(action),
                .object = "site",
                .reason = request.reason,
                .approver = request.approver,
                .detail = std::move(detail)};
  return executor_.Run(store::kSystemBucket, act, [&](Txn& txn) -> Status {
    txn.Put(SiteKey(kNoted).key, id.ToString());
    return Ok();
  });
}

Result<std::unique_ptr<survey::Receiver>> CellRegister::Begin(const Request& request,
                                                              survey::NewImport what) {
  HEARTH_ASSIGN_OR_RETURN(survey::Survey* const survey, Open());
  what.actor = request.actor;
  what.dry_run = request.dry_run;
  HEARTH_ASSIGN_OR_RETURN(auto receiver, survey->Begin(what));
  const ImportState state = receiver->state();
  if (!what.dry_run && state.rows == 0 && state.stage == Stage::kReceiving) {
    HEARTH_RETURN_IF_ERROR(Note(request, "survey.begin", WordsOf(state), state.what.id));
  }
  Measure();
  return receiver;
}

Result<ImportState> CellRegister::Finish(const Request& request, survey::Receiver& receiver,
                                         uint64_t rejected,
                                         const std::function<void(uint64_t merged)>& progress) {
  const bool again = receiver.state().stage == Stage::kMerged;
  HEARTH_ASSIGN_OR_RETURN(const ImportState done, receiver.Finish(rejected, progress));
  if (again || done.what.dry_run) return done;
  const survey::MergeCounts& counts = done.counts;
  rows_.Add(static_cast<double>(done.rows));
  Measure();
  log_.Info("survey.merged", {{"import", done.what.id.ToString()},
                              {"file", done.what.file_name},
                              {"rows", done.rows},
                              {"new", counts.fresh},
                              {"changed", counts.changed},
                              {"generation", done.generation}});
  HEARTH_RETURN_IF_ERROR(Note(request, "survey.import",
                              fmt::format("{}: {} rows, {} rejected, {} new, {} changed", WordsOf(done),
                                          done.rows, done.rejected, counts.fresh, counts.changed),
                              done.what.id));
  return done;
}

Result<Change> CellRegister::Abort(const Request& request, const RequestId& id) {
  HEARTH_ASSIGN_OR_RETURN(survey::Survey* const survey, Open());
  HEARTH_ASSIGN_OR_RETURN(const ImportState state, survey->Get(id));
  Change change;
  if (request.dry_run) return change;
  HEARTH_RETURN_IF_ERROR(survey->Abort(id));
  Measure();
  HEARTH_ASSIGN_OR_RETURN(change.committed, Note(request, "survey.abort", WordsOf(state), id));
  change.revision = change.committed.sequence;
  return change;
}

Result<ImportState> CellRegister::Get(const RequestId& id) const {
  HEARTH_ASSIGN_OR_RETURN(survey::Survey* const survey, Open());
  return survey->Get(id);
}

Result<std::vector<ImportState>> CellRegister::List() const {
  HEARTH_ASSIGN_OR_RETURN(survey::Survey* const survey, Open());
  return survey->List();
}

Result<std::shared_ptr<const survey::Table>> CellRegister::table() const {
  HEARTH_ASSIGN_OR_RETURN(survey::Survey* const survey, Open());
  return survey->table();
}

Result<CellKnown> CellRegister::Find(const geofence::Cell& cell) const {
  HEARTH_ASSIGN_OR_RETURN(const auto now, table());
  CellKnown known{.row = std::nullopt, .lists = ListsOf(geo_.snapshot()->cells_in_force.index(), cell)};
  if (now != nullptr) {
    HEARTH_ASSIGN_OR_RETURN(known.row, now->Find(cell));
  }
  return known;
}

void CellRegister::Stop() {
  if (survey_ != nullptr) survey_->Stop();
}

}  // namespace hearth::app
