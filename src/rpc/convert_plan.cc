#include <fmt/format.h>

#include "src/base/field_errors.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

// The conversions of products and plans, in both directions.

namespace hearth::rpc {
namespace {

using entitlement::WindowKind;

// The last second of the year 9999: the end of RFC 3339 and of google.protobuf.Timestamp.
constexpr int64_t kMaxSeconds = 253'402'300'799;

UnixMillis NeedTime(bool there, const google::protobuf::Timestamp& time, const std::string& field,
                    FieldErrors& errors) {
  if (there) return errors.Take(TimeFrom(time, field));
  errors.Add(MissingField(field, "a time"));
  return {};
}

// Message has the oneof `channel` of service_id and channel_name.
template <typename Message>
std::optional<app::ChannelRef> ChannelRefFrom(const Message& message, FieldErrors& errors) {
  switch (message.channel_case()) {
    case Message::kServiceId:
      return app::ChannelRef(ServiceId(errors.Take(Number16(message.service_id(), "service_id"))));
    case Message::kChannelName:
      errors.Require(!message.channel_name().empty(), "channel_name", "the name of a channel");
      return app::ChannelRef(errors.Text(message.channel_name(), "channel_name"));
    default:
      return std::nullopt;
  }
}

WindowKind KindFrom(v1::PlanWindow::Kind kind, FieldErrors& errors) {
  static_assert(static_cast<int>(WindowKind::kEvent) == v1::PlanWindow::EVENT);
  static_assert(static_cast<int>(WindowKind::kFreeToAir) == v1::PlanWindow::FREE_TO_AIR);
  static_assert(static_cast<int>(WindowKind::kBlackout) == v1::PlanWindow::BLACKOUT);
  if (kind == v1::PlanWindow::KIND_UNSPECIFIED) {
    errors.Add(MissingField("kind", "EVENT, FREE_TO_AIR or BLACKOUT"));
    return WindowKind::kEvent;
  }
  errors.Require(v1::PlanWindow::Kind_IsValid(kind), "kind", "EVENT, FREE_TO_AIR or BLACKOUT");
  return static_cast<WindowKind>(kind);
}

Result<app::PlanPush::Item> ItemFrom(const v1::PlanItem& item, const Limits& limits) {
  FieldErrors errors(limits);
  app::PlanPush::Item out;
  if (const auto channel = ChannelRefFrom(item, errors)) {
    out.channel = *channel;
  } else {
    errors.Add(MissingField("channel", "service_id or channel_name"));
  }
  entitlement::Window& window = out.window;
  window.kind = KindFrom(item.kind(), errors);
  window.start = NeedTime(item.has_start(), item.start(), "start", errors);
  window.end = NeedTime(item.has_end(), item.end(), "end", errors);
  if (item.has_criteria()) {
    errors.Require(item.kind() == v1::PlanWindow::EVENT, "criteria", "only of an EVENT");
    window.criteria = CriteriaFrom(item.criteria(), "", errors);
  }
  window.division = errors.Take(DivisionFrom(item.region(), "region"));
  window.title = item.title();
  window.event_id = item.event_id();
  return errors.Finish(std::move(out));
}

void FillWindow(const entitlement::Window& window, v1::PlanWindow& out) {
  out.set_kind(static_cast<v1::PlanWindow::Kind>(window.kind));
  *out.mutable_start() = ToTimestamp(window.start);
  *out.mutable_end() = ToTimestamp(window.end);
  if (window.kind == WindowKind::kEvent) *out.mutable_criteria() = ToProto(window.criteria);
  out.set_region(DivisionText(window.division));
  out.set_title(window.title);
  out.set_event_id(window.event_id);
  out.set_number(window.number);
}

}  // namespace

Result<UnixMillis> TimeFrom(const google::protobuf::Timestamp& time, const std::string& field) {
  const bool good = time.seconds() > 0 && time.seconds() <= kMaxSeconds && time.nanos() >= 0 &&
                    time.nanos() < 1'000'000'000 && time.nanos() % 1'000'000 == 0;
  if (!good) return InvalidField(field, "whole milliseconds after 1970 and before the year 10000");
  return UnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

Result<entitlement::Product> ProductFrom(const v1::Product& product) {
  if (product.product_id() > 127) return InvalidField("product.product_id", "0 to 127");
  entitlement::Product out{.id = static_cast<uint8_t>(product.product_id()), .name = product.name()};
  HEARTH_RETURN_IF_ERROR(entitlement::CheckProduct(out));
  return out;
}

Result<app::PlanPush> PlanPushFrom(const v1::PushPlanRequest& request, const Limits& limits) {
  // Before anything is made of them.
  if (static_cast<size_t>(request.items_size()) > limits.plan_items) {
    return Error(Reason::kLimitExceeded, fmt::format("{} items in one push; at most {} may be",
                                                     request.items_size(), limits.plan_items))
        .Field("items", fmt::format("at most {}", limits.plan_items));
  }
  FieldErrors errors(limits);
  app::PlanPush out;
  out.from = NeedTime(request.has_from(), request.from(), "from", errors);
  out.to = NeedTime(request.has_to(), request.to(), "to", errors);
  errors.Require(static_cast<size_t>(request.service_ids_size()) <= limits.page_items, "service_ids",
                 fmt::format("at most {}", limits.page_items));
  HEARTH_RETURN_IF_ERROR(errors.status());
  for (int i = 0; i < request.service_ids_size(); ++i) {
    out.services.emplace_back(
        errors.Take(Number16(request.service_ids(i), fmt::format("service_ids[{}]", i))));
  }
  HEARTH_RETURN_IF_ERROR(errors.status());
  out.items.reserve(static_cast<size_t>(request.items_size()));
  for (const v1::PlanItem& item : request.items()) out.items.push_back(ItemFrom(item, limits));
  return out;
}

Result<InForceQuery> InForceQueryFrom(const v1::GetInForceRequest& request, UnixMillis now) {
  const Limits limits;
  FieldErrors errors(limits);
  InForceQuery out{.channel = {}, .at = now};
  if (const auto channel = ChannelRefFrom(request, errors)) {
    out.channel = *channel;
  } else {
    errors.Add(MissingField("channel", "service_id or channel_name"));
  }
  if (request.has_at()) out.at = errors.Take(TimeFrom(request.at(), "at"));
  return errors.Finish(std::move(out));
}

Result<PlanQuery> PlanQueryFrom(const v1::ListPlanRequest& request) {
  const Limits limits;
  FieldErrors errors(limits);
  PlanQuery out{.channel = ChannelRefFrom(request, errors),
                .from = entitlement::kTimeBegin,
                .to = entitlement::kTimeEnd};
  if (request.has_from()) out.from = errors.Take(TimeFrom(request.from(), "from"));
  if (request.has_to()) out.to = errors.Take(TimeFrom(request.to(), "to"));
  return errors.Finish(std::move(out));
}

v1::Product ToProto(const entitlement::Product& product) {
  v1::Product out;
  out.set_product_id(product.id);
  out.set_name(product.name);
  return out;
}

v1::PushPlanResponse ToProto(const app::PlanPushed& pushed) {
  v1::PushPlanResponse out;
  *out.mutable_changed() = ToProto(pushed.change);
  AddRows(pushed.rows, *out.mutable_rows());
  out.set_done(static_cast<uint32_t>(pushed.done));
  out.set_existed(static_cast<uint32_t>(pushed.existed));
  out.set_refused(static_cast<uint32_t>(pushed.refused));
  out.set_removed(static_cast<uint32_t>(pushed.removed));
  return out;
}

v1::GetInForceResponse ToProto(const app::InForce& in_force) {
  v1::GetInForceResponse out;
  out.set_service_id(in_force.channel.service.value);
  out.set_channel_name(in_force.channel.name);
  *out.mutable_at() = ToTimestamp(in_force.at);
  *out.mutable_criteria() = ToProto(in_force.criteria);
  for (const entitlement::Window& window : in_force.windows) {
    *out.add_windows() = ToProto(app::PlannedWindow{
        .service = in_force.channel.service, .channel = in_force.channel.name, .window = window});
  }
  if (in_force.since) *out.mutable_since() = ToTimestamp(*in_force.since);
  if (in_force.until) *out.mutable_until() = ToTimestamp(*in_force.until);
  out.set_ac_id(in_force.ac_id);
  return out;
}

v1::PlanWindow ToProto(const app::PlannedWindow& window) {
  v1::PlanWindow out;
  out.set_service_id(window.service.value);
  out.set_channel_name(window.channel);
  FillWindow(window.window, out);
  return out;
}

}  // namespace hearth::rpc
