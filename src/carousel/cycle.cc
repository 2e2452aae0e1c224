#include "src/carousel/cycle.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hearth::carousel {
namespace {

// Numbers without a section are passed over, but not all of a nearly empty cycle within one packet time.
constexpr int kPassedOver = 4096;

}  // namespace

Cycle::Cycle(SectionAt section_at, CyclePosition position, const CycleOptions& options)
    : section_at_(std::move(section_at)), position_(position), options_(options) {}

bool Cycle::BeginPass(Time now) {
  const bool resumed = size_ == 0;  // the first look of this run
  if (!resumed) {
    if (whole_) last_pass_ = now - began_;
    ++position_.pass;
    position_.place = 0;
  }
  size_ = count_;
  if (size_ == 0) return false;
  places_ = std::bit_ceil(size_);
  if (position_.place >= places_) position_.place = 0;
  whole_ = position_.place == 0;
  began_ = now;
  begun_at_ = position_.place;
  return true;
}

// A segment holds the same numbers in each pass: those that a lasting order puts there.
uint64_t Cycle::NumberAt(uint64_t place) const {
  const uint64_t drawn = Mix(position_.seed + Mix(position_.pass));
  if (options_.segments <= 1) return Shuffle(places_, drawn).At(place);
  const uint64_t length = std::max<uint64_t>(1, places_ / std::bit_ceil(uint64_t{options_.segments}));
  const uint64_t segment = place / length;
  const uint64_t inside = Shuffle(length, drawn + segment).At(place % length);
  return Shuffle(places_, position_.seed).At(segment * length + inside);
}

std::optional<Section> Cycle::Peek(Time now) {
  if (held_) return std::nullopt;
  for (int passed = 0; !next_; ++passed) {
    if (passed == kPassedOver) return std::nullopt;
    if (size_ == 0 || position_.place >= places_) {
      if (size_ != 0 && whole_ && now - began_ < options_.min_pass) return std::nullopt;
      if (!BeginPass(now)) return std::nullopt;
    }
    const uint64_t number = NumberAt(position_.place);
    const Section section = number < size_ ? section_at_(number) : Section{};
    if (section.bytes > 0) {
      next_ = section;
    } else {
      ++position_.place;
    }
  }
  // Evenly over the least time of a pass.
  const double due = static_cast<double>(position_.place - begun_at_) / static_cast<double>(places_) *
                     static_cast<double>(options_.min_pass.count());
  if (static_cast<double>((now - began_).count()) < due) return std::nullopt;
  return next_;
}

double Cycle::done() const {
  const uint64_t places = places_ > 0 ? places_ : std::bit_ceil(std::max<uint64_t>(count_, 1));
  return std::min(1.0, static_cast<double>(position_.place) / static_cast<double>(places));
}

void Cycle::Advance(Time /*now*/) {
  next_.reset();
  ++position_.place;
}

void SetCycle::Put(Section section) {
  const auto [it, added] = places_.try_emplace(section.subject.value, static_cast<uint32_t>(items_.size()));
  if (added) {
    items_.push_back(section);
  } else {
    bytes_ -= items_[it->second].bytes;
    items_[it->second].bytes = section.bytes;
  }
  bytes_ += section.bytes;
}

void SetCycle::Swap(size_t a, size_t b) {
  if (a == b) return;
  std::swap(items_[a], items_[b]);
  places_[items_[a].subject.value] = static_cast<uint32_t>(a);
  places_[items_[b].subject.value] = static_cast<uint32_t>(b);
}

bool SetCycle::Remove(Subject subject) {
  const auto it = places_.find(subject.value);
  if (it == places_.end()) return false;
  size_t place = it->second;
  bytes_ -= items_[place].bytes;
  if (place < visited_) {  // the visited ones stay in front
    Swap(place, --visited_);
    place = visited_;
  }
  Swap(place, items_.size() - 1);
  drawn_ = false;
  places_.erase(subject.value);
  items_.pop_back();
  return true;
}

std::optional<Section> SetCycle::Peek(Time now) {
  if (items_.empty() || held_) return std::nullopt;
  if (visited_ >= items_.size() || began_ < Time(0)) {
    if (began_ >= Time(0) && now - began_ < min_pass_) return std::nullopt;
    if (began_ >= Time(0)) last_pass_ = now - began_;
    began_ = now;
    visited_ = 0;
    drawn_ = false;
  }
  if (!drawn_) {
    std::uniform_int_distribution<size_t> rest(visited_, items_.size() - 1);
    Swap(visited_, rest(random_));
    drawn_ = true;
  }
  const double due = static_cast<double>(visited_) / static_cast<double>(items_.size()) *
                     static_cast<double>(min_pass_.count());
  if (static_cast<double>((now - began_).count()) < due) return std::nullopt;
  return items_[visited_];
}

void SetCycle::Advance(Time /*now*/) {
  if (visited_ < items_.size()) ++visited_;
  drawn_ = false;
}

std::optional<Section> Alternate::Peek(Time now) {
  Feed* const turns[] = {&first_, &second_};
  const size_t begin = turn_ + 1 == every_ ? 1 : 0;
  for (const size_t at : {begin, 1 - begin}) {
    if (const auto section = turns[at]->Peek(now)) {
      chosen_ = turns[at];
      return section;
    }
  }
  chosen_ = nullptr;
  return std::nullopt;
}

void Alternate::Advance(Time now) {
  if (!chosen_) return;
  chosen_->Advance(now);
  turn_ = (turn_ + 1) % every_;
}

}  // namespace hearth::carousel
