#include "src/carousel/queue.h"

#include <algorithm>

namespace hearth::carousel {

void Queue::Line(Entry& entry) {
  entry.version = ++versions_;
  if (entry.item.sends == 0) {
    line_.emplace_back(entry.item.subject.value, entry.version);
    ++waiting_;
    waiting_bytes_ += entry.item.bytes;
  } else {
    repeating_.push({entry.item.due, entry.item.subject.value, entry.version});
  }
}

void Queue::Put(Section section, Time now) {
  Entry& entry = items_[section.subject.value];
  const bool waits = entry.version != 0 && entry.item.sends == 0;
  if (waits) {
    waiting_bytes_ += section.bytes - entry.item.bytes;
    entry.item.bytes = section.bytes;
    return;  // its wait is counted from the older one
  }
  entry.item = {
      .subject = section.subject, .bytes = section.bytes, .order = ++orders_, .put = now, .due = now};
  Line(entry);
}

void Queue::Restore(const Item& item) {
  Entry& entry = items_[item.subject.value];
  entry.item = item;
  orders_ = std::max(orders_, item.order);
  Line(entry);
}

bool Queue::Remove(Subject subject) {
  const auto it = items_.find(subject.value);
  if (it == items_.end()) return false;
  if (it->second.item.sends == 0) {
    --waiting_;
    waiting_bytes_ -= it->second.item.bytes;
  }
  items_.erase(it);
  return true;
}

const Queue::Item* Queue::Find(Subject subject) const {
  const auto it = items_.find(subject.value);
  return it == items_.end() ? nullptr : &it->second.item;
}

void Queue::Leave(std::unordered_map<uint64_t, Entry>::iterator entry) {
  left_.push_back(entry->second.item.subject);
  items_.erase(entry);
}

Queue::Entry* Queue::FrontFirst() {
  for (; !line_.empty(); line_.pop_front()) {
    const auto it = items_.find(line_.front().first);
    if (it != items_.end() && it->second.version == line_.front().second) return &it->second;
  }
  return nullptr;
}

Queue::Entry* Queue::FrontRepeat(Time now) {
  for (; !repeating_.empty(); repeating_.pop()) {
    const auto it = items_.find(repeating_.top().subject);
    if (it == items_.end() || it->second.version != repeating_.top().version) continue;
    if (decay_.lasting || now - it->second.item.on_air <= 2 * decay_.bound) return &it->second;
    Leave(it);
  }
  return nullptr;
}

void Queue::Sent(Entry& entry, Time now) {
  Item& item = entry.item;
  if (item.sends == 0) {
    --waiting_;
    waiting_bytes_ -= item.bytes;
    item.on_air = now;
  }
  Time gap = decay_.first;
  for (uint32_t i = 0; i < item.sends && gap <= decay_.bound; ++i) gap *= 2;
  ++item.sends;
  if (gap > decay_.bound && !decay_.lasting) return Leave(items_.find(item.subject.value));
  item.due = now + std::min(gap, decay_.bound);
  Line(entry);
}

Time Queue::Oldest(Time now) {
  const Entry* front = FrontFirst();
  return front ? now - front->item.put : Time(0);
}

void Queue::ForEach(const std::function<void(const Item&)>& each) const {
  for (const auto& [subject, entry] : items_) each(entry.item);
}

std::optional<Section> Queue::Firsts::Peek(Time /*now*/) {
  const Entry* front = queue_.FrontFirst();
  if (!front) return std::nullopt;
  return Section{front->item.subject, front->item.bytes};
}

void Queue::Firsts::Advance(Time now) {
  Entry* front = queue_.FrontFirst();
  if (!front) return;
  queue_.line_.pop_front();
  queue_.Sent(*front, now);
}

std::optional<Section> Queue::Repeats::Peek(Time now) {
  const Entry* front = queue_.FrontRepeat(now);
  if (!front || front->item.due > now) return std::nullopt;
  return Section{front->item.subject, front->item.bytes};
}

void Queue::Repeats::Advance(Time now) {
  Entry* front = queue_.FrontRepeat(now);
  if (!front) return;
  queue_.repeating_.pop();
  queue_.Sent(*front, now);
}

}  // namespace hearth::carousel
