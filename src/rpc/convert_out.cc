#include "src/rpc/convert_out.h"

#include <algorithm>
#include <string_view>

namespace hearth::rpc {
namespace {

// The enums below have the same numbers in the domain and in the API; these hold the two together.
static_assert(static_cast<int>(app::DifferenceKind::kAccountOpened) == v1::Difference::ACCOUNT_OPENED &&
              static_cast<int>(app::DifferenceKind::kCardDarkened) == v1::Difference::CARD_DARKENED);
static_assert(static_cast<int>(entitlement::StandingReason::kWaiting) == v1::WAITING_FOR_INSTALLATION &&
              static_cast<int>(entitlement::StandingReason::kEvicted) == v1::EVICTED);
static_assert(static_cast<int>(geofence::Verdict::kInArea) == v1::IN_AREA &&
              static_cast<int>(geofence::Verdict::kExempt) == v1::EXEMPT);
static_assert(static_cast<int>(app::RowOutcome::kDone) == v1::RowResult::DONE &&
              static_cast<int>(app::RowOutcome::kRefused) == v1::RowResult::REFUSED);
static_assert(static_cast<int>(entitlement::SubsidyClass::kFiveGuarantee) == v1::Person::FIVE_GUARANTEE &&
              static_cast<int>(entitlement::SubsidyClass::kOther) == v1::Person::OTHER);
static_assert(static_cast<int>(entitlement::AccountState::kOpening) == v1::OPENING &&
              static_cast<int>(entitlement::AccountState::kClosed) == v1::CLOSED);
static_assert(static_cast<int>(geofence::AreaState::kDraft) == v1::DRAFT &&
              static_cast<int>(geofence::AreaState::kRetired) == v1::RETIRED);
static_assert(static_cast<int>(geofence::ListKind::kWhitelist) == v1::WHITELIST &&
              static_cast<int>(geofence::ListKind::kBlacklist) == v1::BLACKLIST);
static_assert(static_cast<int>(app::ReportOutcome::kObserved) == v1::OBSERVED &&
              static_cast<int>(app::ReportOutcome::kProposed) == v1::PROPOSED &&
              static_cast<int>(app::ReportOutcome::kHeld) == v1::REPORT_HELD);
static_assert(static_cast<int>(app::InterventionKind::kRefusedInstall) == v1::REFUSED_INSTALL &&
              static_cast<int>(app::InterventionKind::kExpired) == v1::EXPIRED);

// An absent time is 0 in the domain and unset in the API.
template <typename Message, typename Setter>
void SetTime(UnixMillis time, Message& message, Setter mutable_field) {
  if (time.value != 0) *(message.*mutable_field)() = ToTimestamp(time);
}

template <typename Id>
std::string TextOrEmpty(Id id) {
  return id.value == 0 ? std::string() : ToString(id);
}

std::string_view NameOfLevel(RegionLevel level) {
  switch (level) {
    case RegionLevel::kProvince:
      return "province";
    case RegionLevel::kPrefecture:
      return "prefecture";
    case RegionLevel::kCounty:
      return "county";
    case RegionLevel::kTownship:
      return "township";
    case RegionLevel::kVillage:
      return "village";
  }
  return "";
}

std::string Digits2(uint16_t province) { return province == 0 ? std::string() : std::to_string(province); }

v1::AccessCriteria::Mode ModeToProto(entitlement::CriteriaMode mode) {
  switch (mode) {
    case entitlement::CriteriaMode::kClosed:
      return v1::AccessCriteria::CLOSED;
    case entitlement::CriteriaMode::kSubscribers:
      return v1::AccessCriteria::SUBSCRIBERS;
    case entitlement::CriteriaMode::kProduct:
      return v1::AccessCriteria::PRODUCT;
    case entitlement::CriteriaMode::kOpen:
      return v1::AccessCriteria::OPEN_TO_ALL;
  }
  return v1::AccessCriteria::MODE_UNSPECIFIED;
}

v1::FivePartForm FormToProto(const entitlement::Form& form) {
  v1::FivePartForm out;
  out.set_form_number(form.form_number);
  v1::Person& person = *out.mutable_person();
  person.set_name(form.person.name);
  person.set_person_id(form.person.person_id);
  person.set_phone(form.person.phone);
  person.set_address(form.person.address);
  person.set_subsidy_class(static_cast<v1::Person::SubsidyClass>(form.person.subsidy_class));
  out.set_village(TextOrEmpty(form.village));
  if (form.natural_village != 0) out.set_village(fmt::format("{}{:02}", out.village(), form.natural_village));
  out.set_card_number(TextOrEmpty(form.devices.card));
  out.set_box_serial(TextOrEmpty(form.devices.box));
  out.set_sim_number(TextOrEmpty(form.devices.sim));
  return out;
}

// The evidence of an intervention is text, "lte:460:00:33301:26879745@-87 …"; here only the cells count.
void AddCellTexts(std::string_view evidence, google::protobuf::RepeatedPtrField<std::string>& cells) {
  while (!evidence.empty()) {
    const std::string_view heard = evidence.substr(0, evidence.find(' '));
    const std::string_view cell = heard.substr(0, heard.find('@'));
    if (!cell.empty()) *cells.Add() = std::string(cell);
    evidence.remove_prefix(std::min(heard.size() + 1, evidence.size()));
  }
}

}  // namespace

std::string DivisionText(uint32_t division) {
  if (division == 0) return "";
  // Zeros at the right stand for whole levels.
  while (division % 100 == 0) division /= 100;
  return std::to_string(division);
}

google::protobuf::Timestamp ToTimestamp(UnixMillis time) {
  google::protobuf::Timestamp out;
  int64_t seconds = time.value / 1000;
  int64_t millis = time.value % 1000;
  if (millis < 0) {  // nanos count upwards, before 1970 too
    millis += 1000;
    --seconds;
  }
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>(millis * 1'000'000));
  return out;
}

v1::Changed ToProto(const app::Change& change) {
  v1::Changed out;
  out.set_revision_token(app::RevisionToken(change.committed));
  out.set_revision(change.revision);
  out.set_repeated(change.repeated);
  return out;
}

v1::Standing ToProto(entitlement::Standing standing) {
  switch (standing) {
    case entitlement::Standing::kDark:
      return v1::DARK;
    case entitlement::Standing::kOn:
      return v1::ON;
    case entitlement::Standing::kOnExempt:
      return v1::ON_EXEMPT;
  }
  return v1::STANDING_UNSPECIFIED;
}

v1::StandingReason ToProto(entitlement::StandingReason reason) {
  return static_cast<v1::StandingReason>(reason);
}

v1::Verdict ToProto(geofence::Verdict verdict) { return static_cast<v1::Verdict>(verdict); }

void AddRows(const std::vector<app::RowResult>& rows,
             google::protobuf::RepeatedPtrField<v1::RowResult>& results) {
  for (const app::RowResult& row : rows) {
    v1::RowResult& out = *results.Add();
    out.set_line(row.line);
    out.set_outcome(static_cast<v1::RowResult::Outcome>(row.outcome));
    if (!row.error) continue;
    const Error& error = *row.error;
    out.set_reason(std::string(InfoOf(error.reason()).name));
    out.set_message(error.code() == Code::kInternal ? "an internal error; the daemon's log has the cause"
                                                    : error.message());
    out.set_cure(std::string(error.cure()));
    if (!error.violations().empty()) out.set_field(error.violations().front().field);
  }
}

template <typename Response>
void FillRows(const std::vector<app::RowResult>& rows, Response& response) {
  AddRows(rows, *response.mutable_rows());
  const auto count = [&](app::RowOutcome outcome) {
    return static_cast<uint32_t>(std::count_if(
        rows.begin(), rows.end(), [&](const app::RowResult& row) { return row.outcome == outcome; }));
  };
  response.set_done(count(app::RowOutcome::kDone));
  response.set_existed(count(app::RowOutcome::kExisted));
  response.set_refused(count(app::RowOutcome::kRefused));
}

template void FillRows(const std::vector<app::RowResult>&, v1::ImportRowsResponse&);
template void FillRows(const std::vector<app::RowResult>&, v1::ImportChannelsResponse&);
template void FillRows(const std::vector<app::RowResult>&, v1::ImportRegionsResponse&);
template void FillRows(const std::vector<app::RowResult>&, v1::ImportVillagesResponse&);

v1::Account ToProto(const app::AccountView& view) {
  v1::Account out;
  const entitlement::Account& account = view.account;
  *out.mutable_form() = FormToProto(account.form);
  out.set_state(static_cast<v1::AccountState>(account.state));
  out.set_area_id(TextOrEmpty(account.area));
  out.set_revision(view.revision);
  for (const entitlement::HistoryEntry& entry : account.history) {
    v1::HistoryEntry& line = *out.add_history();
    SetTime(entry.time, line, &v1::HistoryEntry::mutable_time);
    line.set_actor(entry.actor);
    line.set_action(entry.action);
    line.set_detail(entry.detail);
    line.set_reason(entry.reason);
    line.set_approver(entry.approver);
  }
  return out;
}

v1::CardStatus ToProto(const records::CardRecord& record) {
  v1::CardStatus out;
  const entitlement::Card& card = record.card;
  out.set_card_number(ToString(card.number));
  out.set_standing(ToProto(card.standing));
  out.set_reason(ToProto(card.reason));
  SetTime(card.standing_since, out, &v1::CardStatus::mutable_since);
  out.set_viewer_code(std::string(entitlement::ViewerCode(card)));
  out.set_group(card.place.group.value);
  out.set_slot(card.place.slot);
  const intervention::LocationState& location = record.location;
  if (location.last_verdict) out.set_last_verdict(ToProto(*location.last_verdict));
  SetTime(location.last_report_time, out, &v1::CardStatus::mutable_last_report);
  for (const geofence::HeardCell& heard : record.heard) {
    v1::HeardCell& cell = *out.add_last_cells();
    cell.set_cell(ToString(heard.cell));
    cell.set_signal_dbm(heard.signal_dbm);
  }
  if (record.installed_cell) out.set_installed_cell(ToString(*record.installed_cell));
  out.set_counter(static_cast<uint32_t>(location.last_counter.value_or(0)));
  return out;
}

v1::AccountSummary ToProto(const app::AccountSummary& summary) {
  v1::AccountSummary out;
  out.set_form_number(summary.form_number);
  out.set_village(TextOrEmpty(summary.village));
  out.set_name(summary.name);
  out.set_card_number(TextOrEmpty(summary.card));
  out.set_state(static_cast<v1::AccountState>(summary.state));
  return out;
}

v1::Channel ToProto(const entitlement::Channel& channel) {
  v1::Channel out;
  out.set_service_id(channel.service.value);
  out.set_name(channel.name);
  out.set_name_zh(channel.name_zh);
  out.set_kind(channel.kind == entitlement::ChannelKind::kRadio ? v1::Channel::RADIO : v1::Channel::TV);
  out.set_province(Digits2(channel.province));
  *out.mutable_criteria() = ToProto(channel.criteria);
  return out;
}

v1::AccessCriteria ToProto(const entitlement::Criteria& criteria) {
  v1::AccessCriteria out;
  out.set_mode(ModeToProto(criteria.mode));
  out.set_product(criteria.product);
  out.set_region(DivisionText(criteria.division));
  out.set_region_except(criteria.division_except);
  return out;
}

v1::Package ToProto(const entitlement::Package& package, Epoch epoch) {
  v1::Package out;
  out.set_package_id(package.id.value);
  out.set_name(package.name);
  out.set_province(Digits2(package.province));
  for (const ServiceId service : package.services) out.add_service_ids(service.value);
  out.set_epoch(epoch.value);
  return out;
}

v1::Region ToProto(const geofence::Region& region, const geofence::RegionTree& tree) {
  v1::Region out;
  out.set_code(ToString(region.code));
  out.set_name(region.name);
  out.set_parent(TextOrEmpty(region.parent));
  out.set_level(std::string(NameOfLevel(region.level)));
  out.set_path(tree.PathName(region.code));
  return out;
}

v1::Area ToProto(const app::AreaView& view) {
  v1::Area out;
  out.set_area_id(ToString(view.area.id));
  out.set_name(view.area.name);
  for (const geofence::PlaceCode place : geofence::PlacesOf(view.area)) out.add_villages(ToString(place));
  out.set_state(static_cast<v1::AreaState>(view.area.state));
  for (const geofence::AreaStep& step : view.area.steps) {
    v1::AreaStepTaken& taken = *out.add_steps();
    taken.set_state(static_cast<v1::AreaState>(step.state));
    SetTime(step.at, taken, &v1::AreaStepTaken::mutable_time);
    taken.set_actor(step.actor);
  }
  out.set_list_version(view.list_version);
  out.set_cells(view.cells);
  out.set_revision(view.revision);
  return out;
}

v1::CellList ToProto(const records::CellListHead& head) {
  v1::CellList out;
  out.set_kind(static_cast<v1::ListKind>(head.kind));
  out.set_list_id(ToString(head.id));
  out.set_name(head.name);
  out.set_version(head.version);
  out.set_cells(head.cells);
  SetTime(head.activated, out, &v1::CellList::mutable_activated);
  out.set_actor(head.actor);
  return out;
}

v1::UnknownCell ToProto(const app::UnknownCell& cell) {
  v1::UnknownCell out;
  out.set_cell(ToString(cell.cell));
  out.set_area_id(TextOrEmpty(cell.area));
  out.set_cards(cell.cards);
  SetTime(cell.first_seen, out, &v1::UnknownCell::mutable_first_seen);
  SetTime(cell.last_seen, out, &v1::UnknownCell::mutable_last_seen);
  return out;
}

v1::ReportResponse ToProto(const app::ReportAnswer& answer) {
  v1::ReportResponse out;
  out.set_outcome(static_cast<v1::ReportOutcome>(answer.outcome));
  out.set_verdict(ToProto(answer.verdict));
  if (answer.reason) out.set_reason(std::string(InfoOf(*answer.reason).name));
  out.set_message(answer.message);
  out.set_viewer_code(answer.viewer_code);
  if (answer.committed.wrote) {
    out.mutable_changed()->set_revision_token(app::RevisionToken(answer.committed));
    out.mutable_changed()->set_revision(answer.committed.sequence);
  }
  for (const geofence::Cell& cell : answer.unknown_cells) out.add_unknown_cells(ToString(cell));
  return out;
}

v1::ExplainResponse ToProto(const app::Explanation& explanation) {
  v1::ExplainResponse out;
  out.set_card_number(ToString(explanation.card));
  out.set_lit(explanation.lit);
  SetTime(explanation.since, out, &v1::ExplainResponse::mutable_since);
  if (explanation.reason) out.set_reason(std::string(InfoOf(*explanation.reason).name));
  out.set_viewer_code(explanation.viewer_code);
  out.set_why(explanation.why);
  out.set_what_to_do(explanation.what_to_do);
  for (const std::string& line : explanation.evidence) out.add_evidence(line);
  out.set_delivery(explanation.delivery);
  out.set_would_change(explanation.would_change);
  out.set_screen(explanation.screen);
  if (explanation.area.value != 0) out.set_area_id(ToString(explanation.area));
  out.set_held(explanation.held);
  return out;
}

v1::Intervention ToProto(const app::InterventionEvent& event) {
  v1::Intervention out;
  const intervention::Intervention& intervention = event.record.intervention;
  out.set_kind(static_cast<v1::InterventionKind>(event.kind));
  out.set_card_number(ToString(intervention.card));
  out.set_form_number(event.record.account);
  out.set_area_id(TextOrEmpty(event.record.area));
  out.set_verdict(ToProto(intervention.verdict));
  const auto reason = intervention::ReasonOf(intervention.cause);
  out.set_reason(std::string(reason ? InfoOf(*reason).name : intervention::NameOf(intervention.cause)));
  AddCellTexts(intervention.evidence, *out.mutable_cells());
  for (const intervention::ListVersion& list : intervention.lists) {
    if (list.list == event.record.area) out.set_area_list_version(list.version);
  }
  out.set_policy_version(intervention.policy_version);
  SetTime(intervention.reported, out, &v1::Intervention::mutable_reported);
  // What ends an intervention was decided when it ended.
  const bool ends =
      event.kind == app::InterventionKind::kRestore || event.kind == app::InterventionKind::kLiftedByOperator;
  SetTime(ends ? intervention.lifted : intervention.decided, out, &v1::Intervention::mutable_decided);
  out.set_actor(intervention.lifted_by.empty() ? intervention.released_by : intervention.lifted_by);
  out.set_breaker(std::string(intervention::NameOf(intervention.breaker)));
  out.set_rollout(intervention.rollout);
  return out;
}

v1::RegionCounts ToProto(const app::RegionCounts& counts, const geofence::RegionTree& tree) {
  v1::RegionCounts out;
  out.set_region(TextOrEmpty(counts.region));
  if (const geofence::Region* region = tree.Find(counts.region)) out.set_name(region->name);
  out.set_registered(counts.counts.registered);
  out.set_waiting(counts.counts.waiting);
  out.set_activated(counts.counts.activated);
  out.set_dark(counts.counts.dark);
  return out;
}

v1::ReconcileSummary ToProto(const app::ReconcileReport& report) {
  v1::ReconcileSummary out;
  out.set_held(report.held);
  out.set_changes(report.changes);
  out.set_buckets(report.buckets);
  if (report.newest.value != 0) *out.mutable_newest() = ToTimestamp(report.newest);
  for (const auto& [kind, count] : report.writes) (*out.mutable_writes())[kind] = count;
  const auto count = [&](app::DifferenceKind kind) {
    return static_cast<uint64_t>(
        std::count_if(report.differences.begin(), report.differences.end(),
                      [&](const auto& difference) { return difference.kind == kind; }));
  };
  out.set_accounts_opened(count(app::DifferenceKind::kAccountOpened));
  out.set_accounts_closed(count(app::DifferenceKind::kAccountClosed));
  out.set_accounts_swapped(count(app::DifferenceKind::kAccountSwapped));
  out.set_cards_lit(count(app::DifferenceKind::kCardLit));
  out.set_cards_darkened(count(app::DifferenceKind::kCardDarkened));
  out.set_plan(report.plan);
  if (report.committed) {
    *out.mutable_changed() = ToProto(app::Change{
        .committed = *report.committed, .revision = report.committed->sequence, .repeated = false});
  }
  return out;
}

v1::AuditEntry ToProto(const app::AuditView& view) {
  v1::AuditEntry out;
  SetTime(view.entry.time, out, &v1::AuditEntry::mutable_time);
  out.set_actor(view.entry.actor);
  out.set_action(view.entry.action);
  out.set_object(view.entry.object);
  out.set_reason(view.entry.reason);
  out.set_approver(view.entry.approver);
  out.set_detail(view.entry.detail);
  out.set_revision(view.revision);
  return out;
}

}  // namespace hearth::rpc
