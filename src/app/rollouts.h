// Changes of cell lists and of the policy (RolloutService): proposed with a preview, activated in stages,
// undone. The rules are intervention/rollout.h; here they meet lists, cards and the store.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "intervention/rollout.h"
#include "src/app/alarms.h"
#include "src/app/geo.h"
#include "src/app/location.h"
#include "src/app/preview.h"

namespace hearth::app {

// One list as a rollout is to make it.
struct WantedList {
  PutCellList list;
  // With edit: `list.cells` come to, and `remove` go from, what is in force.
  bool edit = false;
  std::vector<geofence::Cell> remove;
};
struct WantedChange {
  std::vector<WantedList> lists;
  std::optional<intervention::PolicyBook> policy;  // its version is given by the head-end
  uint32_t policy_read =
      0;  // the version it was made from: ROLLOUT_STALE when another is in force; 0: not checked
  // When nobody is cut off or proposed by it: in force at once.
  bool at_once_if_harmless = false;
};

struct RolloutView {
  intervention::Rollout rollout;
  uint64_t revision = 0;
  // Only after a preview of this call.
  std::vector<AreaForecast> areas;
};
struct RolloutChanged {
  Change change;
  RolloutView view;
};

// Threads: any. One thread of its own judges the cards of a stage again.
class Rollouts {
 public:
  // What is passed must outlive it. Takes up what a crash interrupted.
  static Result<std::unique_ptr<Rollouts>> Create(Executor& executor, GeoState& geo, HeardColumn& column,
                                                  Location& location, Alarms& alarms, const Limits& limits,
                                                  Logger& log);
  ~Rollouts();

  // Judges what a crash, or the hold after a restore, left unjudged.
  Status Recover();

  // Errors as in rollout.proto.
  Result<RolloutChanged> Propose(const Request& request, const WantedChange& wanted);
  Result<RolloutChanged> Preview(const Request& request, uint64_t number);
  // Every card that one of PREVIEWED, ACTIVE or STOPPED affects, as of now, from any thread of the preview's.
  Status Affected(uint64_t number, std::optional<AreaId> area,
                  const std::function<void(const AffectedCard&)>& each);
  Result<RolloutChanged> Activate(const Request& request, uint64_t number, intervention::Staging staging);
  Result<RolloutChanged> Advance(const Request& request, uint64_t number);
  Result<RolloutChanged> Stop(const Request& request, uint64_t number);
  Result<RolloutChanged> Resume(const Request& request, uint64_t number);
  Result<RolloutChanged> Withdraw(const Request& request, uint64_t number);
  Result<RolloutChanged> Undo(const Request& request, uint64_t number);

  // All stages in one, to its end: activates (SECOND_APPROVER_NEEDED …), waits until every card is judged,
  // and puts it in force. ROLLOUT_STATE_INVALID when it stopped by itself on the way.
  Status Complete(const Request& request, uint64_t number);

  Result<RolloutView> Get(uint64_t number);
  // The same with its areas, counted as of now; nothing is kept.
  Result<RolloutView> Counted(uint64_t number);
  // Newest first.
  Result<PageOf<RolloutView>> List(bool open_only, size_t size, std::string_view token);

  // The cells of a retired area are nobody's home any more, so it is retired only when it has no home left:
  // AREA_IN_USE, ROLLOUT_LOADING until the column is filled; else as GeoState::StepArea.
  Result<AreaChanged> RetireArea(const Request& request, AreaId id);

  // A report switched a card off by a version that a rollout under way brought.
  void NoteDark(uint64_t number);
  // Waits until no stage is being judged; for tests and shutdown.
  void AwaitJudged();

 private:
  using Rollout = intervention::Rollout;
  using Decision = std::function<Result<Rollout>(Rollout, const intervention::RolloutActor&)>;
  struct Prepared;

  Rollouts(Executor& executor, GeoState& geo, HeardColumn& column, Location& location, Alarms& alarms,
           const Limits& limits, Logger& log);

  Result<bool> IsRepeat(const Request& request);
  Result<Prepared> Prepare(const WantedChange& wanted);
  Result<PutCellList> Resolve(const WantedList& wanted) const;
  Status CheckOverlap(const Rollout& rollout);
  Result<app::Preview> PreviewOf(const Rollout& rollout, const std::vector<geofence::CellList>& lists,
                                 const std::optional<intervention::PolicyBook>& policy,
                                 const std::function<void(const AffectedCard&)>& each = nullptr)
      HEARTH_REQUIRES(geo_.change_mutex());
  Result<app::Preview> PreviewStored(const Rollout& rollout,
                                     const std::function<void(const AffectedCard&)>& each = nullptr)
      HEARTH_REQUIRES(geo_.change_mutex());
  // One step of a stored rollout. `also` writes what belongs to it.
  Result<RolloutChanged> Step(const Request& request, uint64_t number, std::string_view action,
                              const Decision& decide,
                              const std::function<Status(Txn&, const Rollout& before, Rollout& after)>& also);
  Result<std::vector<geofence::CellList>> ListsOf(const Rollout& rollout) const;
  Result<Rollout> Write(Txn& txn, const Request& request, const Prepared& prepared,
                        const intervention::Forecast& forecast);
  Status FinishAtOnce(Txn& txn, const Request& request, const std::vector<geofence::CellList>& lists,
                      Rollout& rollout);
  Status TakeEffect(Txn& txn, const Rollout& rollout, const std::vector<geofence::CellList>& lists,
                    const std::string& actor);
  Status Revert(Txn& txn, const Rollout& before, const Request& request);
  Status Forget(Txn& txn, const Rollout& rollout);
  Result<uint64_t> CountForecast(const Rollout& rollout, const intervention::Staging& staging, uint32_t stage)
      HEARTH_REQUIRES(geo_.change_mutex());
  Result<RolloutChanged> AnswerOf(const Outcome& outcome, std::vector<AreaForecast> areas);

  // The thread that judges.
  void Run();
  void Judge(uint64_t number);
  bool AwaitColumn(std::chrono::milliseconds patience);
  void JudgeCards(const Rollout& rollout, const UnderWay& under_way, bool undo, uint64_t& dark,
                  uint64_t& back);
  void Finish(uint64_t number, uint32_t stage, uint64_t dark, uint64_t back,
              const std::optional<std::string>& stop);
  void Wake(uint64_t number);

  Executor& executor_;
  GeoState& geo_;
  HeardColumn& column_;
  Location& location_;
  Alarms& alarms_;
  const Limits limits_;
  Logger& log_;

  Mutex mu_;
  CondVar wake_;
  std::set<uint64_t> waiting_ HEARTH_GUARDED_BY(mu_);
  std::map<uint64_t, uint64_t> noted_ HEARTH_GUARDED_BY(mu_);
  bool working_ HEARTH_GUARDED_BY(mu_) = false;
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace hearth::app
