#include "src/rpc/convert_rollout.h"

#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "src/base/field_errors.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

namespace hearth::rpc {
namespace {

using intervention::Policy;
using intervention::PolicyBook;

constexpr int64_t kDaySeconds = 24LL * 3600;

std::string DivisionOf(uint32_t division) { return division == 0 ? "" : fmt::format("{}", division); }

std::string DayText(int64_t day) {
  const std::time_t seconds = day * kDaySeconds;
  std::tm date{};
  ::gmtime_r(&seconds, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

int64_t DayFrom(const std::string& text, const std::string& field, FieldErrors& errors) {
  std::tm date{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &date);
  if (text.size() != 10 || end == nullptr || *end != 0) {
    errors.Add(InvalidField(field, "a day, as 2027-12-31"));
    return 0;
  }
  return ::timegm(&date) / kDaySeconds;
}

Policy RulesFrom(const v1::PolicyRules& rules, const std::string& field, FieldErrors& errors) {
  static_assert(static_cast<int>(geofence::Strictness::kProvince) == v1::STRICTNESS_PROVINCE);
  errors.Require(
      rules.strictness() != v1::STRICTNESS_UNSPECIFIED && v1::Strictness_IsValid(rules.strictness()),
      field + ".strictness", "VILLAGE, COUNTY or PROVINCE");
  errors.Require(rules.grace_hours() <= 240, field + ".grace_hours", "0 to 240 hours");
  Policy out;
  out.strictness = static_cast<geofence::Strictness>(rules.strictness());
  out.blacklisted_reports = static_cast<int>(std::min(rules.blacklisted_reports(), 1000U));
  out.blacklisted_gap = std::chrono::seconds(rules.blacklisted_gap_seconds());
  out.out_of_area_reports = static_cast<int>(std::min(rules.out_of_area_reports(), 1000U));
  out.out_of_area_window = std::chrono::minutes(rules.out_of_area_window_minutes());
  out.grace_hours = static_cast<uint8_t>(std::min(rules.grace_hours(), 255U));
  return out;
}

v1::PolicyRules ToProto(const Policy& policy) {
  v1::PolicyRules out;
  out.set_strictness(static_cast<v1::Strictness>(policy.strictness));
  out.set_blacklisted_reports(static_cast<uint32_t>(policy.blacklisted_reports));
  out.set_blacklisted_gap_seconds(static_cast<uint32_t>(policy.blacklisted_gap.count()));
  out.set_out_of_area_reports(static_cast<uint32_t>(policy.out_of_area_reports));
  out.set_out_of_area_window_minutes(static_cast<uint32_t>(policy.out_of_area_window.count()));
  out.set_grace_hours(policy.grace_hours);
  return out;
}

// "460-01", "310-410".
void NetworkFrom(const std::string& text, const std::string& field, intervention::RetiringNetwork& out,
                 FieldErrors& errors) {
  const size_t dash = text.find('-');
  const std::string_view mcc = std::string_view(text).substr(0, dash);
  const std::string_view mnc = dash == std::string::npos ? "" : std::string_view(text).substr(dash + 1);
  const auto number = [](std::string_view digits, uint16_t& value) {
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return fault == std::errc() && end == digits.data() + digits.size();
  };
  out.mnc_digits = static_cast<uint8_t>(mnc.size());
  const bool good =
      mcc.size() == 3 && (mnc.size() == 2 || mnc.size() == 3) && number(mcc, out.mcc) && number(mnc, out.mnc);
  errors.Require(good, field, "MCC and MNC, as 460-01 or 310-410");
}

intervention::RetiringNetwork RetiringFrom(const v1::RetiringNetwork& network, const std::string& field,
                                           FieldErrors& errors) {
  intervention::RetiringNetwork out;
  NetworkFrom(network.network(), field + ".network", out, errors);
  errors.Require(v1::Radio_IsValid(network.radio()), field + ".radio", "a radio, or none for all");
  out.radio = static_cast<uint8_t>(network.radio());
  out.region = RegionCode(errors.Take(PlainDivisionFrom(network.division(), field + ".division")));
  out.day = DayFrom(network.day(), field + ".day", errors);
  return out;
}

app::WantedList ListFrom(const v1::ListChange& list, const std::string& field, FieldErrors& errors) {
  app::WantedList out;
  out.list.kind = errors.Take(ListKindFrom(list.kind(), field + ".kind"));
  out.list.id = errors.Take(ParseAreaId(list.list_id(), field + ".list_id"));
  out.list.name = errors.Text(list.name(), field + ".name");
  out.edit = list.edit();
  errors.Require(list.edit() || list.remove().empty(), field + ".remove", "only with edit");
  for (int i = 0; i < list.remove_size(); ++i) {
    out.remove.push_back(
        errors.Take(geofence::ParseCell(list.remove(i), fmt::format("{}.remove[{}]", field, i))));
  }
  return out;
}

v1::Forecast ToProto(const intervention::Forecast& counts, AreaId area, uint64_t installed) {
  v1::Forecast out;
  if (area.value != 0) out.set_area_id(ToString(area));
  out.set_installed(installed);
  out.set_judged(counts.judged);
  out.set_dark(counts.dark);
  out.set_old_dark(counts.old_dark);
  out.set_back(counts.back);
  out.set_unknown(counts.unknown);
  out.set_proposed(counts.proposed);
  out.set_silent(counts.silent);
  out.set_box(counts.box);
  return out;
}

v1::Staging ToProto(const intervention::Staging& staging) {
  v1::Staging out;
  for (const uint8_t percent : staging.percents) out.add_percents(percent);
  for (const uint32_t region : staging.regions) out.add_divisions(DivisionOf(region));
  out.set_stage(staging.stage);
  out.set_stages(staging.stage == 0 ? 0 : intervention::StagesOf(staging));
  out.set_judged(staging.judged);
  out.set_dark(staging.dark);
  out.set_back(staging.back);
  out.set_forecast_dark(staging.forecast_dark);
  out.set_stopped_why(staging.stopped_why);
  return out;
}

}  // namespace

Result<uint32_t> PlainDivisionFrom(std::string_view text, std::string_view field) {
  if (text.empty()) return 0U;
  uint32_t division = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), division);
  const bool number = fault == std::errc() && end == text.data() + text.size();
  if (!number || text[0] == '0' || !intervention::IsDivision(division)) {
    return InvalidField(std::string(field), "a division of 2, 4 or 6 digits");
  }
  return division;
}

Result<PolicyBook> PolicyFrom(const v1::Policy& policy, const Limits& limits) {
  FieldErrors errors(limits);
  PolicyBook out;
  out.national = RulesFrom(policy.national(), "policy.national", errors);
  for (int i = 0; i < policy.regions_size(); ++i) {
    const std::string field = fmt::format("policy.regions[{}]", i);
    const uint32_t division =
        errors.Take(PlainDivisionFrom(policy.regions(i).division(), field + ".division"));
    errors.Require(division != 0 && !out.regions.contains(division), field + ".division",
                   "a division of 2, 4 or 6 digits, each once");
    out.regions[division] = RulesFrom(policy.regions(i).rules(), field + ".rules", errors);
  }
  out.breaker = {.window = std::chrono::minutes(policy.breaker().window_minutes()),
                 .cards = policy.breaker().cards(),
                 .percent = policy.breaker().percent(),
                 .national_per_hour = policy.breaker().national_per_hour()};
  out.changes = {.cards = policy.changes().cards(),
                 .percent = policy.changes().percent(),
                 .total = policy.changes().total(),
                 .evidence_days = policy.changes().evidence_days()};
  for (int i = 0; i < policy.retiring_size(); ++i) {
    out.retiring.push_back(RetiringFrom(policy.retiring(i), fmt::format("policy.retiring[{}]", i), errors));
  }
  if (Status status = errors.status(); !status) return status.error();
  HEARTH_RETURN_IF_ERROR(out.Check());
  return out;
}

Result<app::WantedChange> WantedChangeFrom(const v1::ProposeHeader& header, const Limits& limits) {
  FieldErrors errors(limits);
  app::WantedChange wanted;
  for (int i = 0; i < header.lists_size(); ++i) {
    wanted.lists.push_back(ListFrom(header.lists(i), fmt::format("header.lists[{}]", i), errors));
  }
  if (header.has_policy()) {
    wanted.policy = errors.Take(PolicyFrom(header.policy(), limits));
    wanted.policy_read = header.policy().version();
  }
  return errors.Finish(std::move(wanted));
}

Status AddCells(const v1::ListCells& cells, const Limits& limits, app::WantedChange& wanted) {
  if (cells.list() >= wanted.lists.size()) {
    return InvalidField("cells.list", fmt::format("the header has {} lists", wanted.lists.size()));
  }
  std::vector<geofence::Cell>& into = wanted.lists[cells.list()].list.cells;
  v1::CellBatch batch;
  *batch.mutable_cells() = cells.cells();
  return AddCells(batch, limits, into);
}

Result<intervention::Staging> StagingFrom(const v1::ActivateRolloutRequest& request, const Limits& limits) {
  FieldErrors errors(limits);
  intervention::Staging staging;
  for (const uint32_t percent : request.percents()) {
    errors.Require(percent >= 1 && percent <= 100, "percents", "1 to 100, ascending, the last 100");
    staging.percents.push_back(static_cast<uint8_t>(std::min(percent, 100U)));
  }
  for (int i = 0; i < request.divisions_size(); ++i) {
    const uint32_t division =
        errors.Take(PlainDivisionFrom(request.divisions(i), fmt::format("divisions[{}]", i)));
    errors.Require(division != 0, fmt::format("divisions[{}]", i), "a division of 2, 4 or 6 digits");
    staging.regions.push_back(division);
  }
  errors.Require(!request.at_once() || (staging.percents.empty() && staging.regions.empty()), "at_once",
                 "without percents and divisions");
  if (Status status = errors.status(); !status) return status.error();
  if (request.at_once()) staging.percents = {100};
  if (staging.percents.empty() && staging.regions.empty()) staging = intervention::DefaultStaging();
  HEARTH_RETURN_IF_ERROR(intervention::CheckStaging(staging));
  return staging;
}

Result<app::SuccessorFilter> SuccessorFilterFrom(std::string_view area, std::string_view division) {
  app::SuccessorFilter filter;
  HEARTH_ASSIGN_OR_RETURN(filter.area, AreaFilterFrom(area));
  HEARTH_ASSIGN_OR_RETURN(filter.division, PlainDivisionFrom(division, "division"));
  return filter;
}

v1::Policy ToProto(const PolicyBook& policy) {
  v1::Policy out;
  out.set_version(policy.version);
  *out.mutable_national() = ToProto(policy.national);
  for (const auto& [division, rules] : policy.regions) {
    v1::RegionRules& region = *out.add_regions();
    region.set_division(DivisionOf(division));
    *region.mutable_rules() = ToProto(rules);
  }
  out.mutable_breaker()->set_window_minutes(static_cast<uint32_t>(policy.breaker.window.count()));
  out.mutable_breaker()->set_cards(policy.breaker.cards);
  out.mutable_breaker()->set_percent(policy.breaker.percent);
  out.mutable_breaker()->set_national_per_hour(policy.breaker.national_per_hour);
  out.mutable_changes()->set_cards(policy.changes.cards);
  out.mutable_changes()->set_percent(policy.changes.percent);
  out.mutable_changes()->set_total(policy.changes.total);
  out.mutable_changes()->set_evidence_days(policy.changes.evidence_days);
  for (const intervention::RetiringNetwork& from : policy.retiring) {
    v1::RetiringNetwork& to = *out.add_retiring();
    to.set_network(fmt::format("{:03}-{:0{}}", from.mcc, from.mnc, from.mnc_digits));
    to.set_radio(static_cast<v1::Radio>(from.radio));
    to.set_division(from.region.value == 0 ? "" : ToString(from.region));
    to.set_day(DayText(from.day));
  }
  return out;
}

v1::Rollout ToProto(const app::RolloutView& view) {
  static_assert(static_cast<int>(intervention::RolloutState::kWithdrawn) == v1::ROLLOUT_WITHDRAWN);
  const intervention::Rollout& rollout = view.rollout;
  v1::Rollout out;
  out.set_number(rollout.number);
  out.set_state(static_cast<v1::RolloutState>(rollout.state));
  for (const intervention::ListEdit& from : rollout.lists) {
    v1::ListEdit& to = *out.add_lists();
    to.set_kind(from.blacklist ? v1::BLACKLIST : v1::WHITELIST);
    to.set_list_id(ToString(from.list));
    to.set_from_version(from.from);
    to.set_to_version(from.to);
    to.set_added(from.added);
    to.set_removed(from.removed);
    to.set_kept(from.kept);
  }
  out.set_policy_from(rollout.policy_from);
  out.set_policy_to(rollout.policy_to);
  if (rollout.forecast.at.value != 0) *out.mutable_previewed() = ToTimestamp(rollout.forecast.at);
  uint64_t installed = 0;
  constexpr size_t kMaxAreas = 1000;
  for (size_t i = 0; i < view.areas.size(); ++i) {
    const app::AreaForecast& area = view.areas[i];
    installed += area.installed;
    if (i < kMaxAreas) *out.add_areas() = ToProto(area.counts, area.area, area.installed);
  }
  *out.mutable_total() = ToProto(rollout.forecast, AreaId(), installed);
  out.set_needs_approver(rollout.forecast.needs_approver);
  out.set_why_approver(rollout.forecast.why_approver);
  *out.mutable_staging() = ToProto(rollout.staging);
  for (const intervention::RolloutStep& from : rollout.steps) {
    v1::RolloutStep& to = *out.add_steps();
    to.set_state(static_cast<v1::RolloutState>(from.state));
    to.set_actor(from.actor);
    to.set_approver(from.approver);
    to.set_reason(from.reason);
    *to.mutable_time() = ToTimestamp(from.at);
  }
  out.set_revision(view.revision);
  return out;
}

v1::AffectedCard ToProto(const app::AffectedCard& card, const app::CellNumbers& cells) {
  static_assert(static_cast<int>(app::Effect::kDarkInBox) == v1::DARK_IN_BOX);
  v1::AffectedCard out;
  out.set_card_number(ToString(card.card));
  out.set_area_id(ToString(card.area));
  out.set_effect(static_cast<v1::Effect>(card.effect));
  out.set_before(ToProto(card.before));
  out.set_after(ToProto(card.after));
  if (card.serving_cell != 0) out.set_serving_cell(geofence::ToString(cells.CellOf(card.serving_cell)));
  *out.mutable_reported() = ToTimestamp(card.reported);
  return out;
}

v1::Successor ToProto(const app::Successor& successor) {
  v1::Successor out;
  out.set_cell(geofence::ToString(successor.cell));
  out.set_area_id(ToString(successor.area));
  if (!successor.blacklists.empty()) out.set_blacklist(ToString(successor.blacklists.front()));
  out.set_cards(successor.counts.cards);
  out.set_together(successor.counts.together);
  out.set_instead(successor.counts.instead);
  out.set_as_serving(successor.counts.as_serving);
  *out.mutable_first() = ToTimestamp(successor.counts.first);
  *out.mutable_last() = ToTimestamp(successor.counts.last);
  for (const geofence::Cell& cell : successor.beside) out.add_beside(geofence::ToString(cell));
  for (const geofence::Cell& cell : successor.instead_of) out.add_instead_of(geofence::ToString(cell));
  return out;
}

v1::AcceptSuccessorsResponse ToProto(const app::Accepted& accepted) {
  v1::AcceptSuccessorsResponse out;
  out.set_rollout(accepted.rollout);
  out.set_cells(accepted.cells);
  out.set_areas(accepted.areas);
  out.set_dropped(accepted.dropped);
  out.set_lifted(accepted.lifted);
  out.set_needs_approver(accepted.needs_approver);
  out.set_why_approver(accepted.why_approver);
  return out;
}

v1::Alarm ToProto(const records::Alarm& alarm) {
  v1::Alarm out;
  out.set_number(alarm.number);
  out.set_kind(std::string(records::NameOf(alarm.kind)));
  out.set_subject(alarm.subject);
  out.set_text(alarm.text);
  for (const AreaId area : alarm.areas) out.add_areas(ToString(area));
  for (const CardNumber card : alarm.cards) out.add_cards(ToString(card));
  *out.mutable_first() = ToTimestamp(alarm.first);
  *out.mutable_last() = ToTimestamp(alarm.last);
  out.set_count(alarm.count);
  if (alarm.closed.value != 0) *out.mutable_closed() = ToTimestamp(alarm.closed);
  out.set_closed_by(alarm.closed_by);
  out.set_closed_reason(alarm.closed_reason);
  return out;
}

}  // namespace hearth::rpc
