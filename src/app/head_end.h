// The whole head-end behind the API: builds the parts over one store in the right order, and ends them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/app/alarms.h"
#include "src/app/archiver.h"
#include "src/app/area_info.h"
#include "src/app/audit.h"
#include "src/app/column.h"
#include "src/app/ecm_service.h"
#include "src/app/emergency.h"
#include "src/app/evict.h"
#include "src/app/exemptions.h"
#include "src/app/geo.h"
#include "src/app/guard.h"
#include "src/app/held.h"
#include "src/app/keys.h"
#include "src/app/location.h"
#include "src/app/plans.h"
#include "src/app/pump.h"
#include "src/app/reconcile.h"
#include "src/app/registry.h"
#include "src/app/relocations.h"
#include "src/app/restore_hold.h"
#include "src/app/rollouts.h"
#include "src/app/schedule.h"
#include "src/app/site_clock.h"
#include "src/app/survey.h"
#include "src/app/views.h"

namespace hearth::app {

struct HeadEndOptions {
  std::string owner = "hearthd";
  EpochPlan epochs;
  // Of a site that has none stored yet; from then on rollouts change it.
  intervention::PolicyBook policy;
  AirOptions air;
  Limits limits;
  std::chrono::hours change_records{24 * 7};
  // Without one no alert can be put on the air.
  std::shared_ptr<const EmergencySigner> emergency_signer;
  bool emergency_two_people = true;
  std::string site = "site";      // name in the archive
  std::filesystem::path archive;  // directory; empty: none
  size_t archive_segment_bytes = size_t{64} << 20;
  std::vector<GatewayOptions> gateways;
  Whereabouts whereabouts;
  std::filesystem::path survey;  // directory of the register of cells; empty: none
  // Actors of the centre, who may let a card move to another county.
  std::vector<std::string> centre;
  // The operator says that the store is a restored backup.
  bool restored = false;
};

// Everything passed to Create must outlive the head-end.
class HeadEnd {
 public:
  static Result<std::unique_ptr<HeadEnd>> Create(store::Store& store, const Clock& clock,
                                                 RandomSource& random, crypto::MasterKey master,
                                                 const std::vector<SectionSink*>& sinks,
                                                 const HeadEndOptions& options, MetricsRegistry& metrics,
                                                 Logger& log);
  // Stops taking changes, lets the pump send what is due, ends the threads.
  ~HeadEnd();

  // Changes are refused with SHUTTING_DOWN from now on; watchers are ended.
  void BeginShutdown();

  bool shutting_down() const { return shutting_down_.load(); }

  // Wakes the housekeeper (time persisted each minute, what is old trimmed, the epoch followed) and waits for
  // a round begun after the call. Any thread, while the head-end lives.
  void HousekeepNow();

  Registry& registry() { return *registry_; }
  Schedule& schedule() { return *schedule_; }
  Plans& plans() { return *plans_; }
  Emergencies& emergencies() { return *emergencies_; }
  Evictions& evictions() { return *evictions_; }
  KeyKeeper& keys() { return *keys_; }
  EcmService& ecm() { return *ecm_; }
  GeoState& geo() { return *geo_; }
  Location& location() { return *location_; }
  Rollouts& rollouts() { return *rollouts_; }
  Held& held() { return *held_; }
  Exemptions& exemptions() { return *exemptions_; }
  Relocations& relocations() { return *relocations_; }
  Alarms& alarms() { return *alarms_; }
  ObservedSaver& saver() { return *saver_; }
  Gateways& gateways() { return *gateways_; }
  // What every installed card hears; filled in the background after a start, see HeardColumn::loaded.
  HeardColumn& column() { return *column_; }
  CellRegister& cell_register() { return *cell_register_; }
  const AreaDesk& area_desk() const { return *area_desk_; }
  Views& views() { return *views_; }
  Pump& pump() { return *pump_; }
  SiteClock& clock() { return *site_clock_; }
  Executor& executor() { return *executor_; }
  RestoreHold& restore() { return *restore_; }
  Reconciler& reconciler() { return *reconciler_; }
  // nullptr without an archive.
  Archiver* archiver() { return archiver_.get(); }
  const HeadEndOptions& options() const { return options_; }

 private:
  HeadEnd(HeadEndOptions options, Logger& log) : options_(std::move(options)), log_(log) {}
  Whereabouts WhereaboutsOf(const HeadEndOptions& options) const;
  Status FindWhetherRestored(const archive::Writer* writer);
  Result<Committed> EndHold(const Request& request, std::string_view action, bool set_aside);
  Status ReloadAll();
  Status LoadHomes();
  void LoadColumn();
  void Housekeep();
  Status Trim();

  HeadEndOptions options_;
  Logger& log_;
  std::unique_ptr<StampTracker> stamps_;
  CellNumbers cells_;
  std::unique_ptr<HeardColumn> column_;
  HomeIndex exempt_homes_;
  HomeIndex moving_homes_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<RestoreHold> restore_;
  std::unique_ptr<SiteClock> site_clock_;
  std::unique_ptr<PlanBook> plan_book_;
  std::unique_ptr<KeyKeeper> keys_;
  std::unique_ptr<GeoState> geo_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Schedule> schedule_;
  std::unique_ptr<Plans> plans_;
  std::unique_ptr<Emergencies> emergencies_;
  std::unique_ptr<Evictions> evictions_;
  std::unique_ptr<EcmService> ecm_;
  std::unique_ptr<Alarms> alarms_;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<ObservedSaver> saver_;
  std::unique_ptr<Gateways> gateways_;
  std::unique_ptr<Location> location_;
  std::unique_ptr<Rollouts> rollouts_;
  std::unique_ptr<Held> held_;
  std::unique_ptr<Exemptions> exemptions_;
  std::unique_ptr<Relocations> relocations_;
  std::unique_ptr<CellRegister> cell_register_;
  std::unique_ptr<AreaDesk> area_desk_;
  std::unique_ptr<Archiver> archiver_;
  std::unique_ptr<Views> views_;
  std::unique_ptr<Pump> pump_;
  std::unique_ptr<Reconciler> reconciler_;
  std::atomic<bool> shutting_down_{false};
  Mutex mu_;
  CondVar wake_;
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  uint64_t rounds_asked_ HEARTH_GUARDED_BY(mu_) = 0;
  uint64_t rounds_done_ HEARTH_GUARDED_BY(mu_) = 0;
  std::thread housekeeper_;
  std::thread column_loader_;
};

}  // namespace hearth::app
