#include "src/app/plan_book.h"

#include <algorithm>

namespace hearth::app {
namespace {

using entitlement::Window;

uint32_t DayOf(UnixMillis time) {
  const int64_t day = time.value < 0 ? 0 : time.value / records::kDayMillis;
  return static_cast<uint32_t>(std::min<int64_t>(day, records::kMaxPlanDay));
}

}  // namespace

const std::vector<Window>& PlanState::PlanOf(ServiceId service) const {
  static const std::vector<Window> none;
  const auto plan = plans.find(service);
  return plan == plans.end() ? none : plan->second;
}

Result<std::unique_ptr<PlanBook>> PlanBook::Create(Executor& executor) {
  std::unique_ptr<PlanBook> book(new PlanBook(executor));
  HEARTH_RETURN_IF_ERROR(book->Reload());
  return book;
}

Status PlanBook::Reload() {
  const MutexLock reload(reload_mu_);
  auto next = std::make_shared<PlanState>();
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "product/", [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto product, records::Decode<entitlement::Product>(value));
        next->products.push_back(std::move(product));
        return Ok();
      }));
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "plan/", [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto day, records::Decode<records::PlanDay>(value));
        std::vector<Window>& plan = next->plans[day.service];
        plan.insert(plan.end(), std::make_move_iterator(day.windows.begin()),
                    std::make_move_iterator(day.windows.end()));
        return Ok();
      }));
  for (auto& [service, plan] : next->plans) entitlement::SortWindows(plan);
  const MutexLock lock(mu_);
  state_ = std::move(next);
  return Ok();
}

std::shared_ptr<const PlanState> PlanBook::state() const {
  const MutexLock lock(mu_);
  return state_;
}

Result<StoredPlan> StoredPlan::Read(Txn& txn, ServiceId service, UnixMillis first, UnixMillis last) {
  StoredPlan plan;
  plan.service_ = service;
  plan.head_.service = service;
  HEARTH_ASSIGN_OR_RETURN(auto head, txn.Read<records::PlanHead>(PlanHeadKey(service).key));
  if (head) plan.head_ = std::move(head->value);
  const auto& days = plan.head_.days;
  for (auto it = days.lower_bound(DayOf(first)); it != days.end() && it->first <= DayOf(last); ++it) {
    HEARTH_ASSIGN_OR_RETURN(auto day, txn.Read<records::PlanDay>(PlanDayKey(service, it->first).key));
    if (!day) return Error(Reason::kStoreCorrupt, "a day of a plan is missing");
    std::vector<Window>& windows = plan.days_[it->first] = std::move(day->value.windows);
    plan.windows_.insert(plan.windows_.end(), windows.begin(), windows.end());
  }
  entitlement::SortWindows(plan.windows_);
  return plan;
}

size_t StoredPlan::elsewhere() const {
  size_t all = 0;
  for (const auto& [day, count] : head_.days) all += count;
  return all - windows_.size();
}

size_t StoredPlan::Write(Txn& txn, const std::vector<Window>& windows, uint64_t last_number) {
  Days wanted;
  for (const Window& window : windows) wanted[DayOf(window.start)].push_back(window);
  size_t bytes = 0;
  const auto put = [&](const std::string& key, const auto& record) {
    std::string value = records::Encode(record);
    bytes += key.size() + value.size();
    txn.Put(key, std::move(value));
  };
  records::PlanHead head = head_;
  head.last_number = last_number;
  for (const auto& [day, former] : days_) {
    if (wanted.contains(day)) continue;
    txn.Delete(PlanDayKey(service_, day).key);
    head.days.erase(day);
  }
  for (auto& [day, list] : wanted) {
    head.days[day] = static_cast<uint32_t>(list.size());
    const auto former = days_.find(day);
    if (former != days_.end() && former->second == list) continue;
    put(PlanDayKey(service_, day).key,
        records::PlanDay{.service = service_, .day = day, .windows = std::move(list)});
  }
  // The head stays when no day does: numbers are never given twice.
  if (head != head_) put(PlanHeadKey(service_).key, head);
  return bytes;
}

}  // namespace hearth::app
