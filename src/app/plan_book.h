// The plans of all channels and the products: as committed, in memory; and how they lie in the store.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "entitlement/plan.h"
#include "src/app/executor.h"

namespace hearth::app {

// Immutable once published.
struct PlanState {
  std::map<ServiceId, std::vector<entitlement::Window>> plans;  // sorted; services that have windows
  std::vector<entitlement::Product> products;                   // by id

  // Empty for a service without a plan.
  const std::vector<entitlement::Window>& PlanOf(ServiceId service) const;
};

// Threads: any. The executor must outlive it.
class PlanBook {
 public:
  static Result<std::unique_ptr<PlanBook>> Create(Executor& executor);

  // Reads everything again; after a commit that changed plans or products.
  Status Reload();
  std::shared_ptr<const PlanState> state() const;

 private:
  explicit PlanBook(Executor& executor) : executor_(executor) {}

  Executor& executor_;
  Mutex reload_mu_;
  mutable Mutex mu_;
  std::shared_ptr<const PlanState> state_ HEARTH_GUARDED_BY(mu_);
};

// One channel's windows of some days, read and written inside one command.
class StoredPlan {
 public:
  // Those that begin from the day of `first` to the day of `last`.
  static Result<StoredPlan> Read(Txn& txn, ServiceId service, UnixMillis first, UnixMillis last);

  const std::vector<entitlement::Window>& windows() const { return windows_; }
  // How many the channel has on other days.
  size_t elsewhere() const;
  uint64_t last_number() const { return head_.last_number; }

  // Puts `windows`, which begin within the days read, in place of those read. Writes only days that differ.
  // Returns the bytes written.
  size_t Write(Txn& txn, const std::vector<entitlement::Window>& windows, uint64_t last_number);

 private:
  using Days = std::map<uint32_t, std::vector<entitlement::Window>>;

  ServiceId service_;
  records::PlanHead head_;
  Days days_;                                 // those read
  std::vector<entitlement::Window> windows_;  // of them, sorted
};

}  // namespace hearth::app
