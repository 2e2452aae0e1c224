// The register of cells behind the API (SurveyService): imports with their audit, what is known of a cell,
// and cells proposed for an area.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "src/app/geo.h"
#include "src/app/request.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/survey/survey.h"

namespace hearth::app {

struct CellKnown {
  std::optional<survey::Row> row;  // nullopt: the register does not have it
  std::vector<geofence::ListRef> lists;
};

// Threads: any. What it is given must outlive it.
class CellRegister {
 public:
  // `directory` empty: there is no register, and every call answers CONFIG_MISSING. Nothing else rests on the
  // register: one that is damaged or cannot be opened is logged, and every call answers with the cause.
  static std::unique_ptr<CellRegister> Create(const std::filesystem::path& directory, Executor& executor,
                                              GeoState& geo, MetricsRegistry& metrics, Logger& log);

  // As survey::Survey. Unless it is a dry run or only goes on with another one, the beginning is in the
  // audit.
  Result<std::unique_ptr<survey::Receiver>> Begin(const Request& request, survey::NewImport what);
  // Merges, notes it in the audit.
  Result<survey::ImportState> Finish(const Request& request, survey::Receiver& receiver, uint64_t rejected,
                                     const std::function<void(uint64_t merged)>& progress);
  Result<Change> Abort(const Request& request, const RequestId& id);
  Result<survey::ImportState> Get(const RequestId& id) const;
  Result<std::vector<survey::ImportState>> List() const;
  // nullptr: nothing was imported yet.
  Result<std::shared_ptr<const survey::Table>> table() const;
  Result<CellKnown> Find(const geofence::Cell& cell) const;

  // Merging ends soon.
  void Stop();

 private:
  CellRegister(Executor& executor, GeoState& geo, MetricsRegistry& metrics, Logger& log);
  Result<survey::Survey*> Open() const;
  Result<Committed> Note(const Request& request, std::string action, std::string detail, const RequestId& id);
  void Measure();

  Executor& executor_;
  GeoState& geo_;
  Logger& log_;
  Gauge& cells_;
  Gauge& open_imports_;
  Counter& rows_;
  std::unique_ptr<survey::Survey> survey_;
  Status unopened_;  // why there is none
};

// The lists that have a cell, whitelists first.
std::vector<geofence::ListRef> ListsOf(const geofence::CellIndex& lists, const geofence::Cell& cell);

}  // namespace hearth::app
