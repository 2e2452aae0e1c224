// The policy, changes of lists and policy on their way, alarms.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using intervention::Policy;
using intervention::PolicyBook;
using intervention::Rollout;

pb::Policy Write(const Policy& value) {
  pb::Policy out;
  out.set_strictness(static_cast<uint32_t>(value.strictness));
  out.set_blacklisted_reports(static_cast<uint32_t>(value.blacklisted_reports));
  out.set_blacklisted_gap_s(value.blacklisted_gap.count());
  out.set_out_of_area_reports(static_cast<uint32_t>(value.out_of_area_reports));
  out.set_out_of_area_window_min(value.out_of_area_window.count());
  out.set_grace_hours(value.grace_hours);
  return out;
}

Policy ReadPolicy(const pb::Policy& in, uint32_t version, Checker& check) {
  Policy out;
  out.version = version;
  out.strictness = check.Enum<geofence::Strictness>(in.strictness(), "strictness");
  out.blacklisted_reports = static_cast<int>(check.Range(in.blacklisted_reports(), 1, 100, "reports"));
  out.blacklisted_gap = std::chrono::seconds(in.blacklisted_gap_s());
  out.out_of_area_reports = static_cast<int>(check.Range(in.out_of_area_reports(), 1, 100, "reports"));
  out.out_of_area_window = std::chrono::minutes(in.out_of_area_window_min());
  out.grace_hours = check.U8(in.grace_hours(), "grace_hours");
  return out;
}

pb::PolicyBook Write(const PolicyBook& value) {
  pb::PolicyBook out;
  out.set_version(value.version);
  *out.mutable_national() = Write(value.national);
  for (const auto& [division, policy] : value.regions) {
    pb::PolicyBook::Region& to = *out.add_regions();
    to.set_division(division);
    *to.mutable_rules() = Write(policy);
  }
  out.set_breaker_window_min(value.breaker.window.count());
  out.set_breaker_cards(value.breaker.cards);
  out.set_breaker_percent(value.breaker.percent);
  out.set_national_per_hour(value.breaker.national_per_hour);
  out.set_change_cards(value.changes.cards);
  out.set_change_percent(value.changes.percent);
  out.set_change_total(value.changes.total);
  out.set_evidence_days(value.changes.evidence_days);
  for (const intervention::RetiringNetwork& from : value.retiring) {
    pb::PolicyBook::Retiring& to = *out.add_retiring();
    to.set_mcc(from.mcc);
    to.set_mnc(from.mnc);
    to.set_mnc_digits(from.mnc_digits);
    to.set_radio(from.radio);
    to.set_region(from.region.value);
    to.set_day(from.day);
  }
  return out;
}

PolicyBook ReadPolicyBook(const pb::PolicyBook& in, Checker& check) {
  PolicyBook out;
  out.version = in.version();
  out.national = ReadPolicy(in.national(), out.version, check);
  for (const pb::PolicyBook::Region& from : in.regions()) {
    out.regions[from.division()] = ReadPolicy(from.rules(), out.version, check);
  }
  out.breaker = {.window = std::chrono::minutes(in.breaker_window_min()),
                 .cards = in.breaker_cards(),
                 .percent = in.breaker_percent(),
                 .national_per_hour = in.national_per_hour()};
  out.changes = {.cards = in.change_cards(),
                 .percent = in.change_percent(),
                 .total = in.change_total(),
                 .evidence_days = in.evidence_days()};
  for (const pb::PolicyBook::Retiring& from : in.retiring()) {
    out.retiring.push_back({.mcc = check.U16(from.mcc(), "mcc"),
                            .mnc = check.U16(from.mnc(), "mnc"),
                            .mnc_digits = check.U8(from.mnc_digits(), "mnc_digits"),
                            .radio = check.U8(from.radio(), "radio"),
                            .region = RegionCode(from.region()),
                            .day = from.day()});
  }
  check.Require(out.Check().has_value(), "policy", "within its ranges");
  return out;
}

pb::Rollout::Forecast Write(const intervention::Forecast& value) {
  pb::Rollout::Forecast out;
  out.set_at_ms(value.at.value);
  out.set_judged(value.judged);
  out.set_dark(value.dark);
  out.set_old_dark(value.old_dark);
  out.set_back(value.back);
  out.set_unknown(value.unknown);
  out.set_proposed(value.proposed);
  out.set_silent(value.silent);
  out.set_box(value.box);
  out.set_needs_approver(value.needs_approver);
  out.set_why_approver(value.why_approver);
  return out;
}

intervention::Forecast ReadForecast(const pb::Rollout::Forecast& in) {
  return {.at = UnixMillis(in.at_ms()),
          .judged = in.judged(),
          .dark = in.dark(),
          .old_dark = in.old_dark(),
          .back = in.back(),
          .unknown = in.unknown(),
          .proposed = in.proposed(),
          .silent = in.silent(),
          .box = in.box(),
          .needs_approver = in.needs_approver(),
          .why_approver = in.why_approver()};
}

pb::Rollout::Staging Write(const intervention::Staging& value) {
  pb::Rollout::Staging out;
  for (const uint8_t percent : value.percents) out.add_percents(percent);
  for (const uint32_t region : value.regions) out.add_regions(region);
  out.set_stage(value.stage);
  out.set_begun_ms(value.begun.value);
  out.set_judged(value.judged);
  out.set_dark(value.dark);
  out.set_back(value.back);
  out.set_forecast_dark(value.forecast_dark);
  out.set_stopped_why(value.stopped_why);
  return out;
}

intervention::Staging ReadStaging(const pb::Rollout::Staging& in, Checker& check) {
  intervention::Staging out;
  for (const uint32_t percent : in.percents()) {
    out.percents.push_back(static_cast<uint8_t>(check.Range(percent, 1, 100, "percent")));
  }
  out.regions.assign(in.regions().begin(), in.regions().end());
  out.stage = in.stage();
  out.begun = UnixMillis(in.begun_ms());
  out.judged = in.judged();
  out.dark = in.dark();
  out.back = in.back();
  out.forecast_dark = in.forecast_dark();
  out.stopped_why = in.stopped_why();
  return out;
}

pb::Rollout Write(const Rollout& value) {
  pb::Rollout out;
  out.set_number(value.number);
  out.set_state(static_cast<uint32_t>(value.state));
  for (const intervention::ListEdit& from : value.lists) {
    pb::Rollout::List& to = *out.add_lists();
    to.set_blacklist(from.blacklist);
    to.set_list(from.list.value);
    to.set_from(from.from);
    to.set_to(from.to);
    to.set_added(from.added);
    to.set_removed(from.removed);
    to.set_kept(from.kept);
    to.set_name(from.name);
  }
  out.set_policy_from(value.policy_from);
  out.set_policy_to(value.policy_to);
  *out.mutable_forecast() = Write(value.forecast);
  *out.mutable_staging() = Write(value.staging);
  for (const intervention::RolloutStep& from : value.steps) {
    pb::Rollout::Step& to = *out.add_steps();
    to.set_state(static_cast<uint32_t>(from.state));
    to.set_actor(from.actor);
    to.set_approver(from.approver);
    to.set_reason(from.reason);
    to.set_at_ms(from.at.value);
  }
  return out;
}

Rollout ReadRollout(const pb::Rollout& in, Checker& check) {
  Rollout out;
  out.number = check.Range(in.number(), 1, UINT64_MAX, "number");
  out.state = check.Enum<intervention::RolloutState>(in.state(), "state");
  for (const pb::Rollout::List& from : in.lists()) {
    out.lists.push_back({.blacklist = from.blacklist(),
                         .list = check.NeedId<AreaId>(from.list(), "list"),
                         .from = from.from(),
                         .to = from.to(),
                         .added = from.added(),
                         .removed = from.removed(),
                         .kept = from.kept(),
                         .name = from.name()});
  }
  out.policy_from = in.policy_from();
  out.policy_to = in.policy_to();
  out.forecast = ReadForecast(in.forecast());
  out.staging = ReadStaging(in.staging(), check);
  for (const pb::Rollout::Step& from : in.steps()) {
    out.steps.push_back({.state = check.Enum<intervention::RolloutState>(from.state(), "step.state"),
                         .actor = from.actor(),
                         .approver = from.approver(),
                         .reason = from.reason(),
                         .at = UnixMillis(from.at_ms())});
  }
  return out;
}

pb::Alarm Write(const Alarm& value) {
  pb::Alarm out;
  out.set_number(value.number);
  out.set_kind(static_cast<uint32_t>(value.kind));
  out.set_subject(value.subject);
  out.set_text(value.text);
  for (const AreaId area : value.areas) out.add_areas(area.value);
  for (const CardNumber card : value.cards) out.add_cards(card.value);
  out.set_first_ms(value.first.value);
  out.set_last_ms(value.last.value);
  out.set_count(value.count);
  out.set_closed_ms(value.closed.value);
  out.set_closed_by(value.closed_by);
  out.set_closed_reason(value.closed_reason);
  return out;
}

Alarm ReadAlarm(const pb::Alarm& in, Checker& check) {
  Alarm out;
  out.number = check.Range(in.number(), 1, UINT64_MAX, "number");
  out.kind = check.Enum<AlarmKind>(in.kind(), "kind");
  out.subject = in.subject();
  out.text = in.text();
  for (const uint32_t area : in.areas()) out.areas.push_back(check.NeedId<AreaId>(area, "area"));
  for (const uint64_t card : in.cards()) out.cards.push_back(check.NeedId<CardNumber>(card, "card"));
  out.first = UnixMillis(in.first_ms());
  out.last = UnixMillis(in.last_ms());
  out.count = in.count();
  out.closed = UnixMillis(in.closed_ms());
  out.closed_by = in.closed_by();
  out.closed_reason = in.closed_reason();
  return out;
}

}  // namespace

std::string_view NameOf(AlarmKind kind) {
  switch (kind) {
    case AlarmKind::kCellsDrift:
      return "CELLS_DRIFT";
    case AlarmKind::kBreaker:
      return "BREAKER";
    case AlarmKind::kNationalCap:
      return "NATIONAL_CAP";
    case AlarmKind::kClone:
      return "CLONE";
    case AlarmKind::kIdenticalVectors:
      return "IDENTICAL_VECTORS";
    case AlarmKind::kBulkOpenings:
      return "BULK_OPENINGS";
    case AlarmKind::kRolloutStopped:
      return "ROLLOUT_STOPPED";
  }
  return "UNKNOWN";
}

std::string Encode(const PolicyBook& value) { return Write(value).SerializeAsString(); }
template <>
Result<PolicyBook> Decode(std::string_view bytes) {
  return DecodeWith(ReadPolicyBook, "policy", bytes);
}

std::string Encode(const Rollout& value) { return Write(value).SerializeAsString(); }
template <>
Result<Rollout> Decode(std::string_view bytes) {
  return DecodeWith(ReadRollout, "rollout", bytes);
}

std::string Encode(const Alarm& value) { return Write(value).SerializeAsString(); }
template <>
Result<Alarm> Decode(std::string_view bytes) {
  return DecodeWith(ReadAlarm, "alarm", bytes);
}

}  // namespace hearth::records
