#include "src/survey/merge.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace hearth::survey {
namespace {

constexpr uint64_t kAskEvery = 65'536;  // rows

// One table, row by row; its blocks are checked as they are read.
class Cursor {
 public:
  Cursor(const Table* table, size_t order) : table_(table), order_(order) {}

  // False at the end.
  Result<bool> Next() {
    if (at_ == block_.size()) {
      first_ += block_.size();
      if (table_ == nullptr || first_ == table_->rows()) return false;
      HEARTH_ASSIGN_OR_RETURN(block_, table_->BlockAt(first_));
      at_ = 0;
    }
    row_ = &block_[at_++];
    high_ = row_->high();
    low_ = row_->low();
    return true;
  }
  const PackedRow& row() const { return *row_; }
  bool SameCell(const Cursor& other) const { return IsAt(other.high_, other.low_); }
  bool IsAt(uint64_t high, uint32_t low) const { return high_ == high && low_ == low; }
  uint64_t high() const { return high_; }
  uint32_t low() const { return low_; }
  bool Before(const Cursor& other) const {
    if (high_ != other.high_) return high_ < other.high_;
    if (low_ != other.low_) return low_ < other.low_;
    return order_ < other.order_;
  }

 private:
  const Table* table_;
  const size_t order_;
  uint64_t first_ = 0;
  std::span<const PackedRow> block_;
  size_t at_ = 0;
  const PackedRow* row_ = nullptr;
  uint64_t high_ = 0;
  uint32_t low_ = 0;
};

bool Behind(const Cursor* a, const Cursor* b) { return b->Before(*a); }

// The rows of all runs, one for each cell.
class RunRows {
 public:
  explicit RunRows(std::span<const std::shared_ptr<const Table>> runs) {
    cursors_.reserve(runs.size());
    for (const auto& run : runs) cursors_.emplace_back(run.get(), cursors_.size());
  }

  Status Start() {
    for (Cursor& cursor : cursors_) {
      HEARTH_ASSIGN_OR_RETURN(const bool more, cursor.Next());
      if (more) heap_.push_back(&cursor);
    }
    std::make_heap(heap_.begin(), heap_.end(), Behind);
    return Ok();
  }
  bool empty() const { return heap_.empty(); }
  const Cursor& front() const { return *heap_.front(); }

  // The row for the next cell; adds to `doubles` those it has passed over.
  Result<PackedRow> Take(uint64_t& doubles) {
    PackedRow row = heap_.front()->row();
    const uint64_t high = heap_.front()->high();
    const uint32_t low = heap_.front()->low();
    HEARTH_RETURN_IF_ERROR(Advance());
    while (!heap_.empty() && heap_.front()->IsAt(high, low)) {
      if (EffectOf(row, heap_.front()->row()) == Effect::kChanged) row = heap_.front()->row();
      ++doubles;
      HEARTH_RETURN_IF_ERROR(Advance());
    }
    return row;
  }

 private:
  Status Advance() {
    std::pop_heap(heap_.begin(), heap_.end(), Behind);
    HEARTH_ASSIGN_OR_RETURN(const bool more, heap_.back()->Next());
    if (more) {
      std::push_heap(heap_.begin(), heap_.end(), Behind);
    } else {
      heap_.pop_back();
    }
    return Ok();
  }

  std::vector<Cursor> cursors_;
  std::vector<Cursor*> heap_;
};

}  // namespace

Result<MergeCounts> Merge(const Table* register_now, std::span<const std::shared_ptr<const Table>> runs,
                          TableWriter* out, const std::function<bool()>& stopped,
                          const std::function<void(uint64_t merged)>& progress) {
  MergeCounts counts;
  RunRows offered(runs);
  HEARTH_RETURN_IF_ERROR(offered.Start());
  Cursor present(register_now, runs.size());
  HEARTH_ASSIGN_OR_RETURN(bool more, present.Next());
  const auto write = [&](const PackedRow& row) { return out == nullptr ? Ok() : out->Append(row); };
  for (uint64_t merged = 0; more || !offered.empty(); ++merged) {
    if (merged % kAskEvery == 0) {
      if (stopped && stopped()) return Error(Reason::kShuttingDown, "the merging was stopped");
      if (progress) progress(merged);
    }
    const bool same = more && !offered.empty() && present.SameCell(offered.front());
    if (more && !same && (offered.empty() || present.Before(offered.front()))) {
      HEARTH_RETURN_IF_ERROR(write(present.row()));
      HEARTH_ASSIGN_OR_RETURN(more, present.Next());
      continue;
    }
    HEARTH_ASSIGN_OR_RETURN(const PackedRow row, offered.Take(counts.doubles));
    if (!same) {
      ++counts.fresh;
      HEARTH_RETURN_IF_ERROR(write(row));
      continue;
    }
    const Effect effect = EffectOf(present.row(), row);
    ++(effect == Effect::kChanged     ? counts.changed
       : effect == Effect::kUnchanged ? counts.unchanged
       : effect == Effect::kOlder     ? counts.older
                                      : counts.lower);
    HEARTH_RETURN_IF_ERROR(write(effect == Effect::kChanged ? row : present.row()));
    HEARTH_ASSIGN_OR_RETURN(more, present.Next());
  }
  return counts;
}

}  // namespace hearth::survey
