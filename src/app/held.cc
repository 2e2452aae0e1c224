#include "src/app/held.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

namespace hearth::app {
namespace {

bool IsMeant(const SuccessorFilter& filter, const Successor& successor) {
  if (filter.area && successor.area != *filter.area) return false;
  if (filter.division != 0 && !intervention::DivisionHas(filter.division, successor.area)) return false;
  return filter.cells.empty() ||
         std::find(filter.cells.begin(), filter.cells.end(), successor.cell) != filter.cells.end();
}

}  // namespace

Result<PageOf<InterventionEvent>> Held::List(std::optional<AreaId> area, size_t size,
                                             std::string_view token) {
  uint64_t after = 0;
  if (!token.empty()) {
    const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), after);
    if (fault != std::errc() || end != token.data() + token.size()) {
      return Error(Reason::kPageTokenInvalid, "the page token is none of ours");
    }
  }
  std::vector<uint64_t> cards;
  column_.ForEach([&](const HeardRow& row) {
    if (row.held != 0 && row.card > after && (!area || row.area == area->value)) cards.push_back(row.card);
    return true;
  });
  std::sort(cards.begin(), cards.end());
  PageOf<InterventionEvent> page;
  for (const uint64_t number : cards) {
    if (page.items.size() == size) {
      page.next_token = fmt::format("{}", page.items.back().record.intervention.card.value);
      break;
    }
    const CardNumber card(number);
    HEARTH_ASSIGN_OR_RETURN(const auto record, executor_.Read<records::CardRecord>(CardKey(card)));
    if (!record || record->value.held == 0) continue;
    HEARTH_ASSIGN_OR_RETURN(
        auto waiting, executor_.Read<records::InterventionRecord>(InterventionKey(card, record->value.held)));
    if (!waiting) continue;
    const bool held = waiting->value.intervention.state == intervention::InterventionState::kHeld;
    page.items.push_back({.kind = held ? InterventionKind::kHeld : InterventionKind::kProposal,
                          .record = std::move(waiting->value)});
  }
  return page;
}

Result<std::vector<RowResult>> Held::Decide(const Request& request, const std::vector<CardNumber>& cards,
                                            bool release) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  if (cards.size() > limits_.rows_per_batch) {
    return Error(Reason::kLimitExceeded, fmt::format("at most {} cards at once", limits_.rows_per_batch));
  }
  std::vector<RowResult> rows;
  for (size_t i = 0; i < cards.size(); ++i) {
    Request one = request;
    one.id = request.id.ForRow(i + 1);
    RowResult row{.line = i + 1};
    const auto done = location_.Decide(one, cards[i], release);
    if (!done) {
      row.outcome = RowOutcome::kRefused;
      row.error = done.error();
    } else if (done->repeated) {
      row.outcome = RowOutcome::kExisted;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<Successor>> Held::Successors(const SuccessorFilter& filter) {
  if (!column_.loaded()) {
    return Error(Reason::kRolloutLoading,
                 fmt::format("the last reports of {} cards have been read so far", column_.size()));
  }
  const auto geo = geo_.snapshot();
  CellNumbers& cells = column_.cells();
  geofence::DriftSurvey survey({}, [&](uint32_t cell) { return cells.LastHeard(cell); });
  std::array<geofence::Sighting::Heard, HeardRow::kCells> heard{};
  column_.ForEach([&](const HeardRow& row) {
    if (row.location_standing() == intervention::Standing::kWaiting || row.count == 0) return true;
    const AreaId area(row.area);
    const CardRules rules = geo->RulesFor(CardNumber(row.card), area);
    const geofence::CardPlace place{
        .area = area, .strictness = rules.policy.strictness, .exempt = row.exempt != 0};
    for (size_t i = 0; i < row.count; ++i) {
      heard[i] = {.cell = row.cells[i],
                  .fate = geofence::FateOf(geo->cells_in_force.index(), place, cells.CellOf(row.cells[i]),
                                           rules.filter())};
    }
    survey.Add({.card = CardNumber(row.card),
                .area = area,
                .at = UnixMillis(int64_t{row.reported} * 1000),
                .home_cell = row.home_cell,
                .heard = std::span(heard).first(row.count)});
    return true;
  });
  std::vector<Successor> found;
  for (geofence::Successor& counts : std::move(survey).Take()) {
    Successor successor{.cell = cells.CellOf(counts.cell), .area = counts.area};
    const geofence::CellIndex index = geo->cells_in_force.index();
    index.ForEach(index.Find(successor.cell), [&](const geofence::ListRef& list) {
      if (list.kind == geofence::ListKind::kBlacklist) successor.blacklists.push_back(list.id);
    });
    for (const uint32_t cell : counts.beside) successor.beside.push_back(cells.CellOf(cell));
    for (const uint32_t cell : counts.instead_of) successor.instead_of.push_back(cells.CellOf(cell));
    successor.counts = std::move(counts);
    if (IsMeant(filter, successor)) found.push_back(std::move(successor));
  }
  return found;
}

Result<Accepted> Held::Accept(const Request& request, const SuccessorFilter& filter) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  HEARTH_ASSIGN_OR_RETURN(const auto successors, Successors(filter));
  std::map<std::pair<geofence::ListKind, AreaId>, WantedList> lists;
  Accepted accepted;
  std::set<AreaId> areas;
  for (const Successor& one : successors) {
    ++accepted.cells;
    areas.insert(one.area);
    WantedList& white = lists[{geofence::ListKind::kWhitelist, one.area}];
    white.edit = true;
    white.list.kind = geofence::ListKind::kWhitelist;
    white.list.id = one.area;
    white.list.cells.push_back(one.cell);
    for (const AreaId id : one.blacklists) {
      if (!geofence::Covers(id, one.area)) continue;
      WantedList& black = lists[{geofence::ListKind::kBlacklist, id}];
      black.edit = true;
      black.list.kind = geofence::ListKind::kBlacklist;
      black.list.id = id;
      black.remove.push_back(one.cell);
    }
  }
  accepted.areas = static_cast<uint32_t>(areas.size());
  if (lists.empty()) return accepted;
  WantedChange wanted;
  for (auto& [key, list] : lists) wanted.lists.push_back(std::move(list));
  wanted.at_once_if_harmless = true;
  uint64_t held_before = 0;
  uint64_t dark_before = 0;
  const auto count = [&](uint64_t& held, uint64_t& dark) {
    column_.ForEach([&](const HeardRow& row) {
      if (!areas.contains(AreaId(row.area))) return true;
      held += row.held;
      dark += row.location_standing() == intervention::Standing::kIntervened ? 1 : 0;
      return true;
    });
  };
  count(held_before, dark_before);
  HEARTH_ASSIGN_OR_RETURN(auto proposed, rollouts_.Propose(request, wanted));
  accepted.rollout = proposed.view.rollout.number;
  accepted.needs_approver = proposed.view.rollout.forecast.needs_approver;
  accepted.why_approver = proposed.view.rollout.forecast.why_approver;
  if (request.dry_run) return accepted;
  if (!intervention::IsOver(proposed.view.rollout.state)) {
    if (accepted.needs_approver && request.approver.empty()) return accepted;
    HEARTH_RETURN_IF_ERROR(rollouts_.Complete(request, accepted.rollout));
  }
  rollouts_.AwaitJudged();
  uint64_t held = 0;
  uint64_t dark = 0;
  count(held, dark);
  accepted.dropped = static_cast<uint32_t>(held_before - std::min(held, held_before));
  accepted.lifted = static_cast<uint32_t>(dark_before - std::min(dark, dark_before));
  return accepted;
}

}  // namespace hearth::app
