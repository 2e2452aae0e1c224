#include "src/app/suspicion.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::app {
namespace {

constexpr int64_t kHourMillis = 3'600'000;
// With fewer cells the same signals are no surprise.
constexpr size_t kLeastCells = 3;

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 32);
}

uint64_t HashOf(const geofence::Evidence& evidence) {
  uint64_t hash = evidence.cells.size();
  for (const geofence::HeardCell& heard : evidence.cells) {
    const geofence::Cell& cell = heard.cell;
    hash = Mix(hash, uint64_t{cell.mcc} << 48 | uint64_t{cell.mnc} << 32 | cell.area);
    hash = Mix(hash, cell.cell << 16 | static_cast<uint64_t>(cell.radio) << 8 |
                         static_cast<uint8_t>(heard.signal_dbm));
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace

Suspicion::Suspicion(Alarms& alarms, const Limits& limits) : alarms_(alarms), limits_(limits) {}

void Suspicion::Clone(CardNumber card, AreaId area, UnixMillis at, const std::string& text) {
  Sign sign{.kind = records::AlarmKind::kClone, .subject = "card:" + ToString(card), .text = text, .at = at};
  if (area.value != 0) sign.areas.push_back(area);
  sign.cards.push_back(card);
  alarms_.Raise(sign);
}

void Suspicion::Took(CardNumber card, AreaId area, UnixMillis at, const geofence::Evidence& evidence) {
  if (evidence.cells.size() < kLeastCells) return;
  const uint64_t hash = HashOf(evidence);
  const size_t n = hash % kSlots;
  const auto seconds = static_cast<uint32_t>(at.value / 1000);
  const auto window = static_cast<uint32_t>(std::chrono::seconds(limits_.identical_window).count());
  std::array<uint64_t, kCards> cards{};
  {
    const MutexLock lock(slot_mu_[n % kLocks]);
    Slot& slot = slots_[n];
    const uint32_t age = seconds > slot.since ? seconds - slot.since : slot.since - seconds;
    if (slot.hash != hash || age > window) {
      const bool keep = slot.hash != hash && slot.count > 1 && age <= window;
      if (!keep) slot = {.hash = hash, .since = seconds, .count = 1, .cards = {card.value}};
      return;
    }
    const auto known = slot.cards.begin() + std::min<size_t>(slot.count, kCards);
    if (std::find(slot.cards.begin(), known, card.value) != known) return;
    if (slot.count < kCards) slot.cards[slot.count] = card.value;
    ++slot.count;
    if (slot.count < limits_.identical_cards) return;
    cards = slot.cards;
  }
  Sign sign{
      .kind = records::AlarmKind::kIdenticalVectors,
      .subject = fmt::format("vector:{:016x}", hash),
      .text = fmt::format("{} or more cards reported exactly the same {} cells and signals, serving cell {}",
                          limits_.identical_cards, evidence.cells.size(),
                          geofence::ToString(evidence.cells.front().cell)),
      .at = at};
  if (area.value != 0) sign.areas.push_back(area);
  for (const uint64_t one : cards) {
    if (one != 0) sign.cards.push_back(CardNumber(one));
  }
  sign.cards.push_back(card);
  std::sort(sign.cards.begin(), sign.cards.end());
  alarms_.Raise(sign);
}

void Suspicion::Opened(CardNumber card, AreaId area, UnixMillis at, const geofence::Cell& serving) {
  const std::string cell = geofence::ToString(serving);
  Sign sign{.kind = records::AlarmKind::kBulkOpenings, .subject = "cell:" + cell, .at = at};
  {
    const MutexLock lock(mu_);
    const auto old = [&](const auto& opening) { return at.value - opening.first.value > kHourMillis; };
    if (openings_.size() >= kOpeningCells && !openings_.contains(cell)) {
      std::erase_if(openings_, [&](const auto& known) { return old(known.second.back()); });
      if (openings_.size() >= kOpeningCells) return;
    }
    auto& openings = openings_[cell];
    while (!openings.empty() && old(openings.front())) openings.pop_front();
    openings.emplace_back(at, card);
    if (openings.size() <= limits_.openings_per_cell) return;
    sign.text = fmt::format("more than {} cards were opened on cell {} within an hour",
                            limits_.openings_per_cell, cell);
    for (const auto& [time, opened] : openings) sign.cards.push_back(opened);
    // The alarm has them; what comes on top is counted by it.
    openings.erase(openings.begin(), openings.end() - static_cast<ptrdiff_t>(limits_.openings_per_cell));
  }
  sign.areas.push_back(area);
  std::sort(sign.cards.begin(), sign.cards.end());
  sign.cards.erase(std::unique(sign.cards.begin(), sign.cards.end()), sign.cards.end());
  alarms_.Raise(sign);
}

}  // namespace hearth::app
