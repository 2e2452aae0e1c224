// hearthctl policy: how much evidence an intervention needs, how much may happen by itself.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include "hearth/v1/rollout.grpc.pb.h"
#include "src/base/ids.h"
#include "tools/ctl/rollout.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;
using Rollouts = v1::RolloutService::Stub;

const std::vector<std::string> kStrictness = {"village", "county", "province"};

std::string StrictnessText(v1::Strictness strictness) {
  const auto place = static_cast<size_t>(strictness) - 1;
  return place < kStrictness.size() ? kStrictness[place] : v1::Strictness_Name(strictness);
}

void AddRules(const std::string& region, const v1::PolicyRules& rules, Table& table) {
  table.Add(
      {region, StrictnessText(rules.strictness()), std::to_string(rules.blacklisted_reports()),
       fmt::format("{} s", rules.blacklisted_gap_seconds()), std::to_string(rules.out_of_area_reports()),
       fmt::format("{} min", rules.out_of_area_window_minutes()), fmt::format("{} h", rules.grace_hours())});
}

void PrintPolicy(const v1::Policy& policy, std::ostream& out) {
  out << fmt::format("policy version {}\n\n", policy.version());
  Table rules({{"region"},
               {"strictness"},
               {"blacklisted", true},
               {"gap", true},
               {"out of area", true},
               {"window", true},
               {"grace", true}});
  AddRules("national", policy.national(), rules);
  for (const v1::RegionRules& region : policy.regions()) AddRules(region.division(), region.rules(), rules);
  rules.Print(out);
  const v1::BreakerRules& breaker = policy.breaker();
  const v1::ChangeRules& changes = policy.changes();
  Sheet sheet;
  sheet.Add("breaker", fmt::format("holds over {} cards or {} percent of an area's network in {} min",
                                   breaker.cards(), breaker.percent(), breaker.window_minutes()));
  sheet.Add("national", fmt::format("{} automatic ones an hour", breaker.national_per_hour()));
  sheet.Add("approver", fmt::format("for a change over {} cards or {} percent of an area, or {} cards in all",
                                    changes.cards(), changes.percent(), changes.total()));
  sheet.Add("evidence", fmt::format("acted upon for {} days", changes.evidence_days()));
  out << '\n';
  sheet.Print(out);
  if (policy.retiring().empty()) return;
  Table retiring({{"retiring network"}, {"radio"}, {"division"}, {"day"}});
  for (const v1::RetiringNetwork& network : policy.retiring()) {
    retiring.Add({network.network(),
                  network.radio() == v1::RADIO_UNSPECIFIED ? "all" : v1::Radio_Name(network.radio()),
                  network.division().empty() ? "everywhere" : network.division(), network.day()});
  }
  out << '\n';
  retiring.Print(out);
}

tl::expected<v1::Policy, Failure> GetPolicy(Session& session) {
  auto client = session.Connect();
  if (!client) return tl::unexpected(client.error());
  v1::GetPolicyResponse answer;
  const grpc::Status status = (*client)->Call(&Rollouts::GetPolicy, v1::GetPolicyRequest(), &answer);
  if (!status.ok()) return tl::unexpected((*client)->Decode(status));
  return answer.policy();
}

int RunShow(Session& session, const NoFlags& /*flags*/) {
  const auto policy = GetPolicy(session);
  if (!policy) return session.Fail(policy.error());
  if (session.json()) {
    // The policy alone: so it can be edited and proposed.
    session.out() << Json(*policy, JsonStyle::kPretty) << '\n';
  } else {
    PrintPolicy(*policy, session.out());
  }
  return kExitOk;
}

// What is given; the rest stays.
struct SetFlags {
  std::string region;
  std::string drop_region;
  std::string strictness;
  std::optional<uint32_t> blacklisted_reports;
  std::optional<uint32_t> blacklisted_gap;
  std::optional<uint32_t> out_of_area_reports;
  std::optional<uint32_t> out_of_area_window;
  std::optional<uint32_t> grace;
  std::optional<uint32_t> breaker_window;
  std::optional<uint32_t> breaker_cards;
  std::optional<double> breaker_percent;
  std::optional<uint32_t> national_per_hour;
  std::optional<uint32_t> cap_cards;
  std::optional<double> cap_percent;
  std::optional<uint32_t> cap_total;
  std::optional<uint32_t> evidence_days;
  std::vector<std::string> retire;
  ChangeFlags change;

  bool HasRules() const {
    return !strictness.empty() || blacklisted_reports || blacklisted_gap || out_of_area_reports ||
           out_of_area_window || grace;
  }
};

void Number(CLI::App& command, const std::string& name, std::optional<uint32_t>& value, uint32_t from,
            uint32_t to, const std::string& type, const std::string& description) {
  command.add_option(name, value, description)->type_name(type)->check(CLI::Range(from, to).description(""));
}

void Percent(CLI::App& command, const std::string& name, std::optional<double>& value,
             const std::string& description) {
  command.add_option(name, value, description)
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""));
}

void DeclareSet(CLI::App& command, SetFlags& flags) {
  Division(command.add_option("--region", flags.region, "The rules below hold for this division only"));
  OneOf(command.add_option("--strictness", flags.strictness, "Whose whitelists are a card's home"),
        kStrictness);
  Number(command, "--blacklisted-reports", flags.blacklisted_reports, 1, 100, "N",
         "Reports on a blacklisted cell before a card is switched off, 1 to 100");
  Number(command, "--blacklisted-gap", flags.blacklisted_gap, 0, 86'400, "SECONDS",
         "From the first to the last of them at least, 0 to 86400");
  Number(command, "--out-of-area-reports", flags.out_of_area_reports, 1, 100, "N",
         "Reports out of the area before a card is proposed, 1 to 100");
  Number(command, "--out-of-area-window", flags.out_of_area_window, 0, 43'200, "MINUTES",
         "Over at least this time, 0 to 43200");
  Number(command, "--grace", flags.grace, 0, 240, "HOURS",
         "Powered hours that a box stays lit on unknown cells, 0 to 240");
  Division(command.add_option("--drop-region", flags.drop_region, "Take the rules of this division out"));
  Number(command, "--breaker-window", flags.breaker_window, 1, 1440, "MINUTES",
         "The circuit breaker's window, 1 to 1440");
  Number(command, "--breaker-cards", flags.breaker_cards, 1, 1'000'000, "N",
         "It holds when more cards of an area's network would go out, or more than --breaker-percent");
  Percent(command, "--breaker-percent", flags.breaker_percent, "See --breaker-cards; the larger one holds");
  Number(command, "--national-per-hour", flags.national_per_hour, 1, 10'000'000, "N",
         "Automatic switch-offs in an hour in the whole country; beyond it all are held");
  Number(command, "--cap-cards", flags.cap_cards, 0, 1'000'000, "N",
         "Cards of an area that a change may darken without an approver, or --cap-percent");
  Percent(command, "--cap-percent", flags.cap_percent, "See --cap-cards; the larger one holds");
  Number(command, "--cap-total", flags.cap_total, 0, 10'000'000, "N", "The same for all areas together");
  Number(command, "--evidence-days", flags.evidence_days, 1, 3650, "DAYS",
         "A change does not act upon older reports, 1 to 3650");
  command
      .add_option("--retire", flags.retire,
                  "A network that is switched off on a day, 460-01:2027-12-31, with a division and a radio "
                  "(gsm, umts, lte, nr, cdma) behind it if not everywhere; may be given often")
      ->type_name("NETWORK:DAY[:DIVISION][:RADIO]")
      ->expected(1)
      ->take_all();
  DeclareChange(command, flags.change, false);
}

Result<v1::Radio> RadioOf(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  v1::Radio radio = v1::RADIO_UNSPECIFIED;
  if (v1::Radio_Parse(name, &radio) && radio != v1::RADIO_UNSPECIFIED) return radio;
  return InvalidField("--retire", "a radio is gsm, umts, lte, nr or cdma, a division has 2, 4 or 6 digits");
}

// "460-01:2027-12-31:64:lte". The head-end judges network and day.
Result<v1::RetiringNetwork> ParseRetiring(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(':', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() < 2 || parts.size() > 4 || parts[0].empty() || parts[1].empty()) {
    return InvalidField("--retire",
                        "must be like 460-01:2027-12-31, 460-01:2027-12-31:64 or "
                        "460-01:2027-12-31:64:gsm");
  }
  v1::RetiringNetwork network;
  network.set_network(parts[0]);
  network.set_day(parts[1]);
  for (size_t i = 2; i < parts.size(); ++i) {
    const auto division = ParseRegionCode(parts[i]);
    if (division && parts[i].size() <= 6) {
      network.set_division(parts[i]);
    } else {
      HEARTH_ASSIGN_OR_RETURN(const v1::Radio radio, RadioOf(parts[i]));
      network.set_radio(radio);
    }
  }
  return network;
}

// The rules of a division; new ones begin as what holds there now.
v1::PolicyRules& RulesOf(v1::Policy& policy, const std::string& division) {
  if (division.empty()) return *policy.mutable_national();
  const v1::PolicyRules* wider = &policy.national();
  size_t digits = 0;
  for (v1::RegionRules& region : *policy.mutable_regions()) {
    if (region.division() == division) return *region.mutable_rules();
    if (region.division().size() > digits && division.starts_with(region.division())) {
      wider = &region.rules();
      digits = region.division().size();
    }
  }
  const v1::PolicyRules begin = *wider;
  v1::RegionRules& region = *policy.add_regions();
  region.set_division(division);
  *region.mutable_rules() = begin;
  return *region.mutable_rules();
}

void SetRules(const SetFlags& flags, v1::PolicyRules& rules) {
  if (!flags.strictness.empty()) {
    const auto place = std::find(kStrictness.begin(), kStrictness.end(), flags.strictness);
    rules.set_strictness(static_cast<v1::Strictness>(place - kStrictness.begin() + 1));
  }
  if (flags.blacklisted_reports) rules.set_blacklisted_reports(*flags.blacklisted_reports);
  if (flags.blacklisted_gap) rules.set_blacklisted_gap_seconds(*flags.blacklisted_gap);
  if (flags.out_of_area_reports) rules.set_out_of_area_reports(*flags.out_of_area_reports);
  if (flags.out_of_area_window) rules.set_out_of_area_window_minutes(*flags.out_of_area_window);
  if (flags.grace) rules.set_grace_hours(*flags.grace);
}

void SetLimits(const SetFlags& flags, v1::Policy& policy) {
  if (flags.breaker_window) policy.mutable_breaker()->set_window_minutes(*flags.breaker_window);
  if (flags.breaker_cards) policy.mutable_breaker()->set_cards(*flags.breaker_cards);
  if (flags.breaker_percent) policy.mutable_breaker()->set_percent(*flags.breaker_percent);
  if (flags.national_per_hour) policy.mutable_breaker()->set_national_per_hour(*flags.national_per_hour);
  if (flags.cap_cards) policy.mutable_changes()->set_cards(*flags.cap_cards);
  if (flags.cap_percent) policy.mutable_changes()->set_percent(*flags.cap_percent);
  if (flags.cap_total) policy.mutable_changes()->set_total(*flags.cap_total);
  if (flags.evidence_days) policy.mutable_changes()->set_evidence_days(*flags.evidence_days);
}

Status DropRegion(const std::string& division, v1::Policy& policy) {
  auto& regions = *policy.mutable_regions();
  const auto found = std::find_if(regions.begin(), regions.end(), [&](const v1::RegionRules& region) {
    return region.division() == division;
  });
  if (found == regions.end()) {
    return InvalidField("--drop-region", fmt::format("{} has no rules of its own", division));
  }
  regions.erase(found);
  return Ok();
}

// A network, radio and division stand there once: another day replaces the former.
Status Retire(const std::string& text, v1::Policy& policy) {
  HEARTH_ASSIGN_OR_RETURN(const v1::RetiringNetwork wanted, ParseRetiring(text));
  for (v1::RetiringNetwork& network : *policy.mutable_retiring()) {
    if (network.network() == wanted.network() && network.radio() == wanted.radio() &&
        network.division() == wanted.division()) {
      network.set_day(wanted.day());
      return Ok();
    }
  }
  *policy.add_retiring() = wanted;
  return Ok();
}

Status Apply(const SetFlags& flags, v1::Policy& policy) {
  if (!flags.region.empty() && !flags.HasRules()) {
    return MissingField("--strictness", "--region needs at least one rule for that division");
  }
  if (!flags.drop_region.empty()) HEARTH_RETURN_IF_ERROR(DropRegion(flags.drop_region, policy));
  if (flags.HasRules()) SetRules(flags, RulesOf(policy, flags.region));
  SetLimits(flags, policy);
  for (const std::string& text : flags.retire) HEARTH_RETURN_IF_ERROR(Retire(text, policy));
  return Ok();
}

// "modified: national.grace_hours: 72 -> 48", a line each.
std::string Differences(const v1::Policy& before, const v1::Policy& after) {
  google::protobuf::util::MessageDifferencer differencer;
  const auto* descriptor = v1::Policy::descriptor();
  differencer.TreatAsMap(descriptor->FindFieldByName("regions"),
                         v1::RegionRules::descriptor()->FindFieldByName("division"));
  // Zero is a value like others: "5 -> 0", not "deleted".
  differencer.set_message_field_comparison(google::protobuf::util::MessageDifferencer::EQUIVALENT);
  std::string text;
  differencer.ReportDifferencesToString(&text);
  return differencer.Compare(before, after) ? "nothing differs from the policy in force\n" : text;
}

int RunSet(Session& session, const SetFlags& flags) {
  // Wrong options are told before anything is asked for.
  v1::Policy nothing;
  SetFlags without_drop = flags;
  without_drop.drop_region.clear();
  if (const Status status = Apply(without_drop, nothing); !status) return session.FailUsage(status.error());
  if (nothing.ByteSizeLong() == 0 && flags.drop_region.empty()) {
    return session.FailUsage(MissingField("--strictness", "give at least one option that changes something"));
  }
  auto policy = GetPolicy(session);
  if (!policy) return session.Fail(policy.error());
  const v1::Policy before = *policy;
  if (const Status status = Apply(flags, *policy); !status) return session.FailUsage(status.error());
  Proposal proposal;
  *proposal.header.mutable_policy() = *policy;
  auto client = session.Connect();
  if (!client) return session.Fail(client.error());
  v1::RolloutResponse answer;
  const auto failure = Propose(session, **client, flags.change, std::move(proposal), &answer);
  if (failure) return session.Fail(*failure);
  if (session.json()) {
    session.out() << Json(answer, JsonStyle::kPretty) << '\n';
    return kExitOk;
  }
  session.out() << Differences(before, *policy) << '\n';
  PrintRollout(answer.rollout(), session.out());
  session.PrintChanged(answer.changed());
  if (!session.globals().dry_run) PrintNext(answer.rollout(), session.out());
  return kExitOk;
}

}  // namespace

void AddPolicyCommands(Tree& tree) {
  tree.Noun("policy", "Rules of interventions, of the circuit breaker and of changes");
  tree.Add<NoFlags>("policy", "show", "The policy in force", DeclareNothing, RunShow);
  tree.Add<SetFlags>("policy", "set", "Proposes the policy with some values changed, as a rollout",
                     DeclareSet, RunSet);
}

}  // namespace hearth::ctl
