#include "entitlement/plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "entitlement/checks.h"

namespace hearth::entitlement {
namespace {

constexpr size_t kTitleBytes = 128;
constexpr size_t kEventIdBytes = 64;

Status CheckContent(const Window& window) {
  if (window.kind == WindowKind::kEvent) {
    HEARTH_RETURN_IF_ERROR(CheckCriteria(window.criteria));
  } else if (window.criteria != Criteria()) {
    return InvalidField("criteria", "only of an EVENT");
  }
  if (window.kind != WindowKind::kBlackout && window.division != 0) {
    return InvalidField("region", "only of a BLACKOUT; that of an event is in its criteria");
  }
  if (window.kind == WindowKind::kBlackout && window.division == 0) {
    return MissingField("region", "the division that may not watch");
  }
  if (window.kind == WindowKind::kBlackout && !IsDivision(window.division)) {
    return InvalidField("region", "a province, prefecture or county");
  }
  if (window.title.size() > kTitleBytes) return InvalidField("title", "at most 128 bytes");
  if (window.event_id.size() > kEventIdBytes) return InvalidField("event_id", "at most 64 bytes");
  return Ok();
}

std::string PlaceText(const Criteria& criteria) {
  return fmt::format("{} {:06}", criteria.division_except ? "all but" : "only", criteria.division);
}

std::string WindowText(const Window& window) {
  return fmt::format("the {} from {} to {}", NameOf(window.kind), ToString(window.start),
                     ToString(window.end));
}

struct Laid {
  Criteria criteria;
  bool region_conflict = false;
};

// One kind over the other.
Laid Lay(const Criteria& channel, const PlanPiece& piece) {
  const Window* event = piece.Of(WindowKind::kEvent);
  Laid out{.criteria = event != nullptr ? event->criteria : channel};
  if (piece.Of(WindowKind::kFreeToAir) != nullptr) {
    out.criteria.mode = CriteriaMode::kOpen;
    out.criteria.product = 0;
  }
  const Window* blackout = piece.Of(WindowKind::kBlackout);
  if (blackout == nullptr) return out;
  const bool same = out.criteria.division_except && out.criteria.division == blackout->division;
  if (out.criteria.division != 0 && !same)
    return {.criteria = {.mode = CriteriaMode::kClosed}, .region_conflict = true};
  out.criteria.division = blackout->division;
  out.criteria.division_except = true;
  return out;
}

Error RegionConflict(const Window& blackout, const Criteria& base, std::string_view whose) {
  return Error(Reason::kPlanRegionConflict,
               fmt::format("the blackout of {:06} from {} to {} lies over {} for {}", blackout.division,
                           ToString(blackout.start), ToString(blackout.end), whose, PlaceText(base)))
      .Field("region", "none below a blackout, or the very same one");
}

Error ConflictOf(const PlanPiece& piece, const Criteria& channel) {
  const Window* event = piece.Of(WindowKind::kEvent);
  return RegionConflict(*piece.Of(WindowKind::kBlackout), event != nullptr ? event->criteria : channel,
                        event != nullptr ? "an event" : "criteria of the channel");
}

// A window and where it comes from: the index of an item, or none for one that stays.
struct PlanEntry {
  Window window;
  std::optional<size_t> index;
};

// One replacement, step by step.
class Replacement {
 public:
  Replacement(const Criteria& channel, std::span<const Window> former, UnixMillis from, UnixMillis to)
      : channel_(channel), from_(from), to_(to) {
    for (const Window& window : former) {
      if (window.start < from || window.start >= to) {
        entries_.push_back({window, std::nullopt});
      } else {
        taken_out_.emplace(std::pair(window.kind, window.start), window);
      }
    }
  }

  void AddItems(std::vector<PlanItem> items, size_t elsewhere, const Limits& limits);
  void RefuseOverlaps();
  Status RefuseRegionConflicts();
  PlanReplaced Finish(uint64_t last_number);

 private:
  void Refuse(size_t index, Error error) {
    if (refused_.insert(index).second) out_.refused.push_back({index, std::move(error)});
  }
  bool Refused(const PlanEntry& entry) const { return entry.index && refused_.contains(*entry.index); }

  const Criteria& channel_;
  const UnixMillis from_;
  const UnixMillis to_;
  std::vector<PlanEntry> entries_;
  std::map<std::pair<WindowKind, UnixMillis>, Window> taken_out_;
  std::set<size_t> refused_;
  PlanReplaced out_;
};

void Replacement::AddItems(std::vector<PlanItem> items, size_t elsewhere, const Limits& limits) {
  std::stable_sort(items.begin(), items.end(),
                   [](const PlanItem& a, const PlanItem& b) { return a.window.start < b.window.start; });
  for (PlanItem& item : items) {
    if (item.window.start < from_ || item.window.start >= to_) {
      Refuse(item.index, Error(Reason::kPlanOutsidePush,
                               fmt::format("it begins at {}, outside of {} to {}",
                                           ToString(item.window.start), ToString(from_), ToString(to_)))
                             .Field("start", "within from and to of the call"));
    } else if (entries_.size() + elsewhere >= limits.plan_windows_per_channel) {
      Refuse(item.index, Error(Reason::kPlanFull, fmt::format("the channel has {} windows, as many as may be",
                                                              limits.plan_windows_per_channel)));
    } else {
      entries_.push_back({std::move(item.window), item.index});
    }
  }
}

void Replacement::RefuseOverlaps() {
  std::stable_sort(entries_.begin(), entries_.end(), [](const PlanEntry& a, const PlanEntry& b) {
    return std::pair(a.window.kind, a.window.start) < std::pair(b.window.kind, b.window.start);
  });
  const PlanEntry* last = nullptr;  // of those before, the one that ends last
  for (const PlanEntry& entry : entries_) {
    if (last == nullptr || last->window.kind != entry.window.kind || entry.window.start >= last->window.end) {
      last = &entry;
      continue;
    }
    // Of two items the later one of the call is at fault; a window that stays never is.
    const bool this_one = entry.index && (!last->index || *entry.index > *last->index);
    const PlanEntry& fault = this_one ? entry : *last;
    const PlanEntry& other = this_one ? *last : entry;
    if (fault.index) {
      const std::string whose =
          other.index ? fmt::format("item {}", *other.index + 1) : "a window that stays";
      Refuse(*fault.index,
             Error(Reason::kPlanOverlap, fmt::format("it overlaps {}, {}", whose, WindowText(other.window)))
                 .Field(fault.window.start < other.window.start ? "end" : "start", "clear of that window"));
    }
    if (entry.window.end > last->window.end) last = &entry;
  }
}

Status Replacement::RefuseRegionConflicts() {
  std::vector<const PlanEntry*> sources;
  for (const PlanEntry& entry : entries_) {
    if (!Refused(entry)) sources.push_back(&entry);
  }
  std::stable_sort(sources.begin(), sources.end(), [](const PlanEntry* a, const PlanEntry* b) {
    return std::pair(a->window.start, a->window.kind) < std::pair(b->window.start, b->window.kind);
  });
  std::vector<Window> windows;
  windows.reserve(sources.size());
  for (const PlanEntry* entry : sources) windows.push_back(entry->window);
  const auto item_of = [&](const Window* window) -> std::optional<size_t> {
    return window == nullptr ? std::nullopt : sources[static_cast<size_t>(window - windows.data())]->index;
  };
  std::optional<Error> bared;
  const std::vector<PlanPiece> pieces = TimelineOf(channel_, windows);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const PlanPiece& piece = pieces[i];
    if (!piece.region_conflict || (i + 1 < pieces.size() && pieces[i + 1].from <= from_)) continue;
    auto fault = item_of(piece.Of(WindowKind::kBlackout));
    if (!fault) fault = item_of(piece.Of(WindowKind::kEvent));
    if (fault) {
      Refuse(*fault, ConflictOf(piece, channel_));
    } else if (!bared) {
      bared = ConflictOf(piece, channel_);
    }
  }
  if (bared && out_.refused.empty()) return *bared;
  out_.windows = std::move(windows);
  return Ok();
}

PlanReplaced Replacement::Finish(uint64_t last_number) {
  std::sort(out_.refused.begin(), out_.refused.end(),
            [](const PlanRefusal& a, const PlanRefusal& b) { return a.index < b.index; });
  for (Window& window : out_.windows) {
    if (window.start < from_ || window.start >= to_) continue;
    const auto former = taken_out_.find({window.kind, window.start});
    const bool same_terms = former != taken_out_.end() && former->second.end == window.end &&
                            former->second.criteria == window.criteria &&
                            former->second.division == window.division;
    if (same_terms) {
      window.number = former->second.number;
      const bool same = window == former->second;
      ++(same ? out_.existed : out_.added);
      taken_out_.erase(former);
      continue;
    }
    // The low 16 bits are an AC id, of which 0 is the channel's own criteria.
    do ++last_number;
    while ((last_number & 0xFFFF) == 0);
    window.number = last_number;
    ++out_.added;
  }
  out_.removed = taken_out_.size();
  out_.last_number = last_number;
  return std::move(out_);
}

}  // namespace

Status CheckProduct(const Product& product) {
  if (product.id > 127) return InvalidField("product.product_id", "0 to 127");
  if (product.name.empty() || product.name.size() > 64) return InvalidField("product.name", "1 to 64 bytes");
  return Ok();
}

std::string_view NameOf(WindowKind kind) {
  switch (kind) {
    case WindowKind::kEvent:
      return "EVENT";
    case WindowKind::kFreeToAir:
      return "FREE_TO_AIR";
    case WindowKind::kBlackout:
      return "BLACKOUT";
  }
  return "";
}

Status CheckWindow(const Window& window, UnixMillis now) {
  HEARTH_RETURN_IF_ERROR(CheckContent(window));
  if (window.start > Plus(now, kPlanAhead)) {
    return Error(Reason::kPlanOutOfRange,
                 fmt::format("it begins more than 400 days ahead, at {}", ToString(window.start)))
        .Field("start", "at most 400 days ahead");
  }
  // Before the length is taken: the difference of times far apart has no room in 64 bits.
  if (window.end <= Plus(now, -kPlanKept)) {
    return Error(Reason::kPlanOutOfRange,
                 fmt::format("it ended more than 7 days ago, at {}", ToString(window.end)))
        .Field("end", "at most 7 days ago");
  }
  if (window.end < Plus(window.start, kMinWindow) || window.start < Plus(window.end, -kMaxWindow)) {
    return Error(Reason::kPlanWindowLength,
                 fmt::format("it runs from {} to {}", ToString(window.start), ToString(window.end)))
        .Field("end", "1 second to 31 days after the start");
  }
  return Ok();
}

uint16_t PlanPiece::ac_id() const {
  for (size_t i = kWindowKinds; i > 0; --i) {
    if (windows[i - 1] != nullptr) return static_cast<uint16_t>(windows[i - 1]->number & 0xFFFF);
  }
  return 0;
}

void SortWindows(std::vector<Window>& windows) {
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) {
    return std::pair(a.start, a.kind) < std::pair(b.start, b.kind);
  });
}

std::vector<PlanPiece> TimelineOf(const Criteria& channel, std::span<const Window> windows) {
  std::array<std::vector<const Window*>, kWindowKinds> by_kind;
  std::vector<UnixMillis> instants = {kTimeBegin};
  for (const Window& window : windows) {
    by_kind[static_cast<size_t>(window.kind) - 1].push_back(&window);
    instants.push_back(window.start);
    instants.push_back(window.end);
  }
  std::sort(instants.begin(), instants.end());
  instants.erase(std::unique(instants.begin(), instants.end()), instants.end());

  std::array<size_t, kWindowKinds> next{};
  std::vector<PlanPiece> pieces;
  pieces.reserve(instants.size());
  for (const UnixMillis at : instants) {
    PlanPiece piece{.from = at, .criteria = {}};
    for (size_t kind = 0; kind < kWindowKinds; ++kind) {
      const auto& list = by_kind[kind];
      while (next[kind] < list.size() && list[next[kind]]->end <= at) ++next[kind];
      if (next[kind] < list.size() && list[next[kind]]->start <= at) piece.windows[kind] = list[next[kind]];
    }
    const Laid laid = Lay(channel, piece);
    piece.criteria = laid.criteria;
    piece.region_conflict = laid.region_conflict;
    pieces.push_back(piece);
  }
  return pieces;
}

const PlanPiece& PieceAt(std::span<const PlanPiece> pieces, UnixMillis at) {
  const auto next = std::upper_bound(pieces.begin(), pieces.end(), at,
                                     [](UnixMillis t, const PlanPiece& piece) { return t < piece.from; });
  return *std::prev(next);
}

Status CheckBase(const Criteria& channel, std::span<const Window> windows, UnixMillis now) {
  const std::vector<PlanPiece> pieces = TimelineOf(channel, windows);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool over = i + 1 < pieces.size() && pieces[i + 1].from <= now;
    if (pieces[i].region_conflict && !over) return ConflictOf(pieces[i], channel);
  }
  return Ok();
}

Result<PlanReplaced> ReplaceWindows(const Criteria& channel, std::span<const Window> former, size_t elsewhere,
                                    uint64_t last_number, UnixMillis from, UnixMillis to,
                                    std::vector<PlanItem> items, const Limits& limits) {
  Replacement replacement(channel, former, from, to);
  replacement.AddItems(std::move(items), elsewhere, limits);
  replacement.RefuseOverlaps();
  HEARTH_RETURN_IF_ERROR(replacement.RefuseRegionConflicts());
  return replacement.Finish(last_number);
}

}  // namespace hearth::entitlement
