#include "src/app/home_index.h"

#include <algorithm>

namespace hearth::app {

void HomeIndex::Schedule(uint64_t card, Entry& entry, std::optional<UnixMillis> due) {
  if (entry.due) due_.erase({entry.due->value, card});
  entry.due = due;
  if (due) due_.emplace(due->value, card);
}

void HomeIndex::Put(CardNumber card, const HomeRow& row) {
  const MutexLock lock(mu_);
  const auto [found, fresh] = rows_.try_emplace(card.value);
  Entry& entry = found->second;
  if (!fresh) --counts_[entry.row.state];
  ++counts_[row.state];
  entry.row = row;
  Schedule(card.value, entry, row.due);
}

std::vector<CardNumber> HomeIndex::After(CardNumber after, const HomeFilter& filter, size_t most) const {
  const auto below = [&](RegionCode village) {
    return village.value != 0 && Contains(filter.region, village);
  };
  const MutexLock lock(mu_);
  std::vector<CardNumber> cards;
  for (auto it = rows_.upper_bound(after.value); it != rows_.end() && cards.size() < most; ++it) {
    const HomeRow& row = it->second.row;
    const bool meant = filter.states.empty() || std::find(filter.states.begin(), filter.states.end(),
                                                          row.state) != filter.states.end();
    if (!meant) continue;
    if (filter.region.value != 0 && !below(row.village) && !below(row.other)) continue;
    cards.emplace_back(it->first);
  }
  return cards;
}

std::vector<CardNumber> HomeIndex::Due(UnixMillis now, size_t most) const {
  const MutexLock lock(mu_);
  std::vector<CardNumber> cards;
  for (const auto& [time, card] : due_) {
    if (time > now.value || cards.size() == most) break;
    cards.emplace_back(card);
  }
  return cards;
}

void HomeIndex::Defer(CardNumber card, UnixMillis until) {
  const MutexLock lock(mu_);
  const auto found = rows_.find(card.value);
  if (found != rows_.end() && found->second.due) Schedule(card.value, found->second, until);
}

size_t HomeIndex::Count(uint8_t state) const {
  const MutexLock lock(mu_);
  const auto found = counts_.find(state);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace hearth::app
