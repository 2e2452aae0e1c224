#include <fmt/format.h>

#include "src/base/field_errors.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

// The conversions of evictions, in both directions.

namespace hearth::rpc {
namespace {

constexpr uint32_t kDefaultRateKbps = 1000;
constexpr uint32_t kMaxRateKbps = 1'000'000;

}  // namespace

Result<EvictOrder> EvictFrom(const v1::EvictCardsRequest& request, const Limits& limits) {
  FieldErrors errors(limits);
  EvictOrder order{.cards = {}, .rate_kbps = request.rate_kbps()};
  if (order.rate_kbps == 0) order.rate_kbps = kDefaultRateKbps;
  errors.Require(order.rate_kbps <= kMaxRateKbps, "rate_kbps", fmt::format("1 to {}", kMaxRateKbps));
  if (static_cast<size_t>(request.card_numbers_size()) > limits.evicted_cards) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("{} cards; {} at a time", request.card_numbers_size(), limits.evicted_cards));
  }
  for (int i = 0; i < request.card_numbers_size(); ++i) {
    order.cards.push_back(
        errors.Take(ParseCardNumber(request.card_numbers(i), fmt::format("card_numbers[{}]", i))));
  }
  return errors.Finish(std::move(order));
}

v1::EvictCardsResponse ToProto(const app::EvictionAnswer& done, uint32_t rate_kbps) {
  const records::Eviction& eviction = done.eviction;
  const app::AirCost cost = app::CostOf(eviction, rate_kbps);
  v1::EvictCardsResponse out;
  *out.mutable_changed() = ToProto(done.change);
  for (const records::Eviction::Card& card : eviction.cards) {
    v1::EvictCardsResponse::Card& to = *out.add_cards();
    to.set_card_number(ToString(card.card));
    to.set_group(card.group.value);
    to.set_form_number(card.account);
  }
  out.set_groups(eviction.groups);
  out.set_survivors(eviction.survivors);
  out.set_messages(eviction.messages);
  out.set_bytes(eviction.bytes);
  out.set_packets(cost.packets);
  out.set_rate_kbps(rate_kbps);
  out.set_air_seconds(cost.seconds);
  *out.mutable_open_until() = ToTimestamp(eviction.open_until);
  return out;
}

}  // namespace hearth::rpc
