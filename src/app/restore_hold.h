// A site that runs on a restored backup, until somebody has reconciled it.
//
// The head-end's groups claim to hold every change of standing up to a moment. A store that was copied back
// lacks the changes since its backup, and would darken homes lit since, and light those switched off. So
// while it is held nothing is committed, not even by the head-end itself (each commit would take a sequence
// that the archive has given to another one), and no group goes on the air.
//
// Whether it is held lies in a view bucket of its own, which is no part of what is archived: a commit of a
// data or system bucket is just what must not be made.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "src/app/view_bucket.h"
#include "src/archive/format.h"
#include "src/base/metrics.h"

namespace hearth::app {

// Any thread, but for Create.
class RestoreHold {
 public:
  static Result<std::unique_ptr<RestoreHold>> Create(Executor& executor, MetricsRegistry& metrics,
                                                     Logger& log);

  bool held() const { return held_.load(); }
  // RESTORE_UNRECONCILED while it is held.
  Status Gate() const;
  // Durable when it returns. `why` is for people. Again: the first reason stays.
  Status Hold(const std::string& why);
  // Durable when it returns; from then on changes are taken.
  Status Lift();

 private:
  RestoreHold(Executor& executor, ViewBucket bucket, MetricsRegistry& metrics, Logger& log);
  Status Load();
  void Show(bool held);

  Executor& executor_;
  Logger& log_;
  Gauge& gauge_;
  std::atomic<bool> held_{false};
  mutable Mutex mu_;
  ViewBucket bucket_ HEARTH_GUARDED_BY(mu_);
  std::string why_ HEARTH_GUARDED_BY(mu_);
};

// Whether an archive that ends at `tails` has more, or other, changes than the store; says in words where.
Result<std::optional<std::string>> FindRestore(store::Store& store, const archive::Tails& tails);

}  // namespace hearth::app
