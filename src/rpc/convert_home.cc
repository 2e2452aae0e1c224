#include "src/rpc/convert_home.h"

#include <fmt/format.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

namespace hearth::rpc {
namespace {

using intervention::ExemptionState;
using intervention::RelocationState;

static_assert(static_cast<int>(ExemptionState::kReported) == v1::EXEMPTION_REPORTED);
static_assert(static_cast<int>(ExemptionState::kGranted) == v1::EXEMPTION_GRANTED);
static_assert(static_cast<int>(ExemptionState::kRevoked) == v1::EXEMPTION_REVOKED);
static_assert(static_cast<int>(RelocationState::kRequested) == v1::RELOCATION_REQUESTED);
static_assert(static_cast<int>(RelocationState::kCancelled) == v1::RELOCATION_CANCELLED);

constexpr uint32_t kDefaultDays = 30;

template <typename List>
Result<app::HomeFilter> FilterFrom(const List& request, int highest) {
  app::HomeFilter filter;
  for (int i = 0; i < request.states_size(); ++i) {
    const int state = request.states(i);
    if (state < 1 || state > highest) {
      return InvalidField(fmt::format("states[{}]", i), "a state that has a name");
    }
    filter.states.push_back(static_cast<uint8_t>(state));
  }
  HEARTH_ASSIGN_OR_RETURN(const auto region, RegionFilterFrom(request.region()));
  filter.region = region.value_or(RegionCode());
  return filter;
}

}  // namespace

Result<CardNumber> HomeCardFrom(std::string_view text) { return ParseCardNumber(text, "card_number"); }

Result<GrantOrder> GrantFrom(const v1::GrantExemptionRequest& request, const Limits& limits) {
  GrantOrder order;
  FieldErrors errors(limits);
  order.card = errors.Take(HomeCardFrom(request.card_number()));
  const bool whole = request.expires().seconds() >= 0 && request.expires().seconds() < 253'402'300'800;
  if (!request.has_expires()) errors.Add(MissingField("expires", "when the exemption ends"));
  errors.Require(whole, "expires", "a time from 1970 to 9999");
  if (whole) order.wish.expires = UnixMillis(request.expires().seconds() * 1000);
  if (static_cast<size_t>(request.cells_size()) > limits.cells_per_report) {
    return Error(Reason::kLimitExceeded, fmt::format("{} cells; an exemption names at most {}",
                                                     request.cells_size(), limits.cells_per_report))
        .Field("cells", fmt::format("at most {}", limits.cells_per_report));
  }
  order.wish.cells.assign(request.cells().begin(), request.cells().end());
  return errors.Finish(std::move(order));
}

Result<app::MoveWish> MoveFrom(const v1::RequestRelocationRequest& request, const Limits& limits) {
  app::MoveWish wish;
  FieldErrors errors(limits);
  wish.card = errors.Take(HomeCardFrom(request.card_number()));
  wish.to = errors.Take(geofence::ParsePlaceCode(request.village(), "village"));
  wish.days = request.days() == 0 ? kDefaultDays : request.days();
  return errors.Finish(wish);
}

Result<app::HomeFilter> HomeFilterFrom(const v1::ListExemptionsRequest& request) {
  return FilterFrom(request, v1::EXEMPTION_REVOKED);
}
Result<app::HomeFilter> HomeFilterFrom(const v1::ListRelocationsRequest& request) {
  return FilterFrom(request, v1::RELOCATION_CANCELLED);
}

v1::Exemption ToProto(const app::ExemptionView& view) {
  const intervention::Exemption& from = view.record.exemption;
  v1::Exemption out;
  out.set_card_number(ToString(from.card));
  out.set_state(static_cast<v1::ExemptionState>(from.state));
  out.set_form_number(view.record.account);
  if (view.record.area.value != 0) out.set_area_id(ToString(view.record.area));
  if (view.record.village.value != 0) out.set_village(ToString(view.record.village));
  if (from.expires.value != 0) *out.mutable_expires() = ToTimestamp(from.expires);
  for (const std::string& cell : from.cells) out.add_cells(cell);
  for (const intervention::ExemptionStep& step : from.steps) {
    v1::ExemptionStep& to = *out.add_steps();
    to.set_state(static_cast<v1::ExemptionState>(step.state));
    to.set_actor(step.actor);
    to.set_approver(step.approver);
    to.set_reason(step.reason);
    *to.mutable_time() = ToTimestamp(step.at);
  }
  out.set_revision(view.revision);
  return out;
}

v1::Relocation ToProto(const app::RelocationView& view) {
  const intervention::Relocation& from = view.record.relocation;
  v1::Relocation out;
  out.set_card_number(ToString(from.card));
  out.set_state(static_cast<v1::RelocationState>(from.state));
  out.set_form_number(view.record.account);
  out.set_from_area(ToString(from.from));
  out.set_to_area(ToString(from.to));
  if (view.record.from_village.value != 0) out.set_from_village(ToString(view.record.from_village));
  const std::string natural = view.record.to_natural == 0 ? "" : fmt::format("{:02}", view.record.to_natural);
  if (view.record.to_village.value != 0) out.set_to_village(ToString(view.record.to_village) + natural);
  out.set_days(from.days);
  if (from.ends.value != 0) *out.mutable_ends() = ToTimestamp(from.ends);
  for (const intervention::RelocationStep& step : from.steps) {
    v1::RelocationStep& to = *out.add_steps();
    to.set_state(static_cast<v1::RelocationState>(step.state));
    to.set_actor(step.actor);
    to.set_reason(step.reason);
    *to.mutable_time() = ToTimestamp(step.at);
  }
  out.set_revision(view.revision);
  return out;
}

}  // namespace hearth::rpc
