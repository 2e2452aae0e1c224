#include "src/rpc/convert_out.h"

// The conversions of deliveries and of the carousel's state.

namespace hearth::rpc {
namespace {

double Seconds(app::AirTime time) { return std::chrono::duration<double>(time).count(); }

v1::DeliveryState ToProto(app::DeliveryState state) {
  switch (state) {
    case app::DeliveryState::kQueued:
      return v1::QUEUED;
    case app::DeliveryState::kSent:
      return v1::SENT;
    case app::DeliveryState::kBoundedByEpoch:
      return v1::BOUNDED_BY_EPOCH;
    case app::DeliveryState::kConfirmed:
      return v1::CONFIRMED;
  }
  return v1::DELIVERY_STATE_UNSPECIFIED;
}

v1::CarouselTier ToProto(carousel::Tier tier, const app::AirTierStatus& status) {
  v1::CarouselTier out;
  out.set_name(std::string(carousel::NameOf(tier)));
  out.set_share(status.tier.share);
  out.set_kbps(status.kbps);
  if (!status.cycle) {
    out.set_waiting(status.tier.waiting);
    out.set_waiting_bytes(status.tier.waiting_bytes);
    out.set_repeating(status.tier.repeating);
    out.set_oldest_seconds(Seconds(status.tier.oldest));
    out.set_worst_seconds(Seconds(status.worst));
    // Without a rate nothing will ever be sent.
    if (status.tier.forecast != app::AirTime::max()) out.set_forecast_seconds(Seconds(status.tier.forecast));
    return out;
  }
  v1::CarouselCycle& cycle = *out.mutable_cycle();
  cycle.set_count(status.cycle->count);
  cycle.set_passes(status.cycle->passes);
  cycle.set_done(status.cycle->done);
  cycle.set_predicted_seconds(Seconds(status.cycle->predicted));
  cycle.set_last_seconds(Seconds(status.cycle->last_pass));
  return out;
}

}  // namespace

v1::Delivery ToProto(const app::Delivery& delivery) {
  v1::Delivery out;
  out.set_state(ToProto(delivery.state));
  if (delivery.on_air) *out.mutable_on_air() = ToTimestamp(*delivery.on_air);
  if (delivery.expected) *out.mutable_expected() = ToTimestamp(*delivery.expected);
  if (delivery.bounded) *out.mutable_bounded() = ToTimestamp(*delivery.bounded);
  return out;
}

v1::GetCarouselResponse ToProto(const app::AirStatus& air) {
  v1::GetCarouselResponse out;
  out.set_unconfirmed(air.unconfirmed);
  out.set_confirmed(air.confirmed);
  out.set_groups_held(air.held);
  for (const app::AirOutputStatus& status : air.outputs) {
    v1::CarouselOutput& output = *out.add_outputs();
    output.set_name(status.name);
    output.set_kbps(status.kbps);
    output.set_borrowing(status.borrowing);
    output.set_sections(status.sections);
    for (size_t i = 0; i < carousel::kTiers; ++i)
      *output.add_tiers() = ToProto(static_cast<carousel::Tier>(i), status.tiers[i]);
  }
  return out;
}

}  // namespace hearth::rpc
