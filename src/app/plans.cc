#include "src/app/plans.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

namespace hearth::app {
namespace {

using entitlement::PlanItem;
using entitlement::PlanReplaced;
using entitlement::Window;

// Beside the objects a change record holds actor and action.
constexpr size_t kRecordSlack = 4096;

UnixMillis Plus(UnixMillis time, std::chrono::milliseconds by) { return UnixMillis(time.value + by.count()); }

std::string EncodeCounts(const PlanPushed& pushed) {
  ByteWriter out(24);
  out.U64(pushed.done).U64(pushed.existed).U64(pushed.removed);
  return std::string(AsChars(out.bytes()));
}

void DecodeCounts(std::string_view answer, PlanPushed& pushed) {
  ByteReader in(AsBytes(answer));
  pushed.done = in.U64();
  pushed.existed = in.U64();
  pushed.removed = in.U64();
}

// The decision on one push, inside its command.
class Pushing {
 public:
  Pushing(Txn& txn, const PlanPush& push, const std::vector<entitlement::Channel>& channels,
          const Limits& limits)
      : txn_(txn), push_(push), limits_(limits), named_(push.services.begin(), push.services.end()) {
    for (const entitlement::Channel& channel : channels) {
      by_name_.emplace(channel.name, channel.service);
      by_service_.emplace(channel.service, &channel);
    }
  }

  Status Run(PlanPushed& out) {
    for (size_t i = 0; i < push_.services.size(); ++i) {
      if (by_service_.contains(push_.services[i])) continue;
      return UnknownChannel(ChannelRef(push_.services[i]))
          .Field(fmt::format("service_ids[{}]", i), "services of channels");
    }
    for (const ServiceId service : push_.services) shares_[service];
    for (size_t i = 0; i < push_.items.size(); ++i) {
      if (Status taken = TakeItem(i); !taken) refused_.emplace(i, taken.error());
    }
    std::vector<std::pair<StoredPlan, PlanReplaced>> replaced;
    for (auto& [service, items] : shares_) {
      HEARTH_ASSIGN_OR_RETURN(auto share, Replace(service, std::move(items)));
      replaced.push_back(std::move(share));
    }
    if (!refused_.empty()) {
      TellRefused(out);
      return Ok();
    }
    return Write(replaced, out);
  }

 private:
  Status TakeItem(size_t index) {
    const auto& item = push_.items[index];
    if (!item) return item.error();
    ServiceId service;
    if (const auto* name = std::get_if<std::string>(&item->channel)) {
      const auto found = by_name_.find(*name);
      if (found == by_name_.end())
        return UnknownChannel(item->channel).Field("channel", "a channel of the site");
      service = found->second;
    } else {
      service = std::get<ServiceId>(item->channel);
      if (!by_service_.contains(service)) {
        return UnknownChannel(item->channel).Field("channel", "a channel of the site");
      }
    }
    if (!named_.empty() && !named_.contains(service)) {
      return Error(Reason::kPlanOutsidePush,
                   fmt::format("service {} is none of those the call replaces", service.value))
          .Field("channel", "one of service_ids, when there are any");
    }
    HEARTH_RETURN_IF_ERROR(entitlement::CheckWindow(item->window, txn_.now()));
    HEARTH_RETURN_IF_ERROR(CheckProduct(item->window.criteria));
    shares_[service].push_back({.index = index, .window = item->window});
    return Ok();
  }

  // Asks the store once for each product.
  Status CheckProduct(const entitlement::Criteria& criteria) {
    if (criteria.mode != entitlement::CriteriaMode::kProduct || products_.contains(criteria.product))
      return Ok();
    HEARTH_RETURN_IF_ERROR(CheckProductExists(txn_, criteria, "criteria.product"));
    products_.insert(criteria.product);
    return Ok();
  }

  Result<std::pair<StoredPlan, PlanReplaced>> Replace(ServiceId service, std::vector<PlanItem> items) {
    UnixMillis last = push_.to;
    for (const PlanItem& item : items) last = std::max(last, item.window.end);
    HEARTH_ASSIGN_OR_RETURN(
        auto stored, StoredPlan::Read(txn_, service, Plus(push_.from, -entitlement::kMaxWindow), last));
    HEARTH_ASSIGN_OR_RETURN(const auto channel, txn_.Read<entitlement::Channel>(ChannelKey(service).key));
    const entitlement::Criteria base = channel ? channel->value.criteria : entitlement::Criteria();
    auto replaced =
        entitlement::ReplaceWindows(base, stored.windows(), stored.elsewhere(), stored.last_number(),
                                    push_.from, push_.to, std::move(items), limits_);
    if (!replaced) {
      const Error& error = replaced.error();
      return Error(error.reason(), fmt::format("service {}: {}", service.value, error.message()));
    }
    for (entitlement::PlanRefusal& refusal : replaced->refused) {
      refused_.emplace(refusal.index, std::move(refusal.error));
    }
    return std::pair(std::move(stored), *std::move(replaced));
  }

  void TellRefused(PlanPushed& out) {
    out.refused = refused_.size();
    for (auto& [index, error] : refused_) {
      if (out.rows.size() == limits_.rows_per_batch) return;
      out.rows.push_back({.line = index + 1, .outcome = RowOutcome::kRefused, .error = std::move(error)});
    }
  }

  Status Write(std::vector<std::pair<StoredPlan, PlanReplaced>>& replaced, PlanPushed& out) {
    size_t bytes = 0;
    for (auto& [stored, plan] : replaced) {
      bytes += stored.Write(txn_, plan.windows, plan.last_number);
      out.done += plan.added;
      out.existed += plan.existed;
      out.removed += plan.removed;
    }
    if (bytes + kRecordSlack > limits_.store_value_bytes) {
      return Error(
          Reason::kLimitExceeded,
          fmt::format("the windows of this push take {} bytes on disk, at most {} go into one commit: "
                      "push fewer days or channels at a time",
                      bytes, limits_.store_value_bytes - kRecordSlack));
    }
    return Ok();
  }

  Txn& txn_;
  const PlanPush& push_;
  const Limits& limits_;
  const std::set<ServiceId> named_;
  std::map<std::string_view, ServiceId> by_name_;
  std::map<ServiceId, const entitlement::Channel*> by_service_;
  std::map<ServiceId, std::vector<PlanItem>> shares_;
  std::set<uint8_t> products_;
  std::map<size_t, Error> refused_;
};

// Where a page ends: "p1.<service>.<start>.<kind>" of its last window.
struct PlanPosition {
  uint16_t service = 0;
  int64_t start = 0;
  uint8_t kind = 0;

  auto operator<=>(const PlanPosition&) const = default;
};

PlanPosition PositionOf(ServiceId service, const Window& window) {
  return {.service = service.value, .start = window.start.value, .kind = static_cast<uint8_t>(window.kind)};
}

Result<PlanPosition> ParsePosition(std::string_view token) {
  const auto bad = [] { return Error(Reason::kPageTokenInvalid, "this is no page token of plans"); };
  if (!token.starts_with("p1.")) return bad();
  token.remove_prefix(3);
  PlanPosition out;
  bool good = true;
  const auto number = [&](auto& value, bool last) {
    const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), value);
    const auto read = static_cast<size_t>(end - token.data());
    good = good && code == std::errc() && (last ? read == token.size() : read < token.size() && *end == '.');
    token.remove_prefix(std::min(token.size(), read + 1));
  };
  number(out.service, false);
  number(out.start, false);
  number(out.kind, true);
  if (!good) return bad();
  return out;
}

int64_t DayOf(const Window& window) { return window.start.value / records::kDayMillis; }

// The days whose windows all ended at or before `before`. `plan` is sorted.
std::set<int64_t> DaysOver(const std::vector<Window>& plan, UnixMillis before) {
  std::set<int64_t> days;
  std::optional<int64_t> not_over;
  for (const Window& window : plan) {
    if (window.start >= before) break;
    if (DayOf(window) == not_over) continue;
    if (window.end <= before) {
      days.insert(DayOf(window));
    } else {
      not_over = DayOf(window);
      days.erase(*not_over);
    }
  }
  // The day that `before` lies on may hold windows the loop did not come to.
  days.erase(before.value / records::kDayMillis);
  return days;
}

Status CheckPush(const Request& request, const PlanPush& push, const Limits& limits) {
  if (request.if_revision != 0) {
    return InvalidField("change.if_revision", "empty: a plan has no revision of its own");
  }
  if (push.to <= push.from) return InvalidField("to", "after from");
  if (push.items.empty() && push.services.empty()) {
    return MissingField("items", "at least one, or service_ids whose windows are to be taken out");
  }
  if (push.items.size() > limits.plan_items) {
    return Error(Reason::kLimitExceeded, fmt::format("{} items in one push; at most {} may be",
                                                     push.items.size(), limits.plan_items));
  }
  return Ok();
}

}  // namespace

Status CheckProductExists(Txn& txn, const entitlement::Criteria& criteria, const std::string& field) {
  if (criteria.mode != entitlement::CriteriaMode::kProduct) return Ok();
  HEARTH_ASSIGN_OR_RETURN(const auto product, txn.Get(ProductKey(criteria.product).key));
  if (product) return Ok();
  return Error(Reason::kProductUnknown, fmt::format("product {} is not defined", criteria.product))
      .Field(field, "a product that exists");
}

Result<ProductChanged> Plans::PutProduct(const Request& request, const entitlement::Product& product) {
  HEARTH_RETURN_IF_ERROR(entitlement::CheckProduct(product));
  const ObjectKey key = ProductKey(product.id);
  const Act act{.action = "product.put",
                .object = "site",
                .detail = fmt::format("product {} {}", product.id, product.name)};
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request, act, limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_ASSIGN_OR_RETURN(const auto former, txn.Read<entitlement::Product>(key.key));
        if (former) HEARTH_RETURN_IF_ERROR(CheckRevision(request, former->revision, "product"));
        if (!former || former->value != product) txn.Write(key.key, product);
        return std::string();
      }));
  if (!request.dry_run) HEARTH_RETURN_IF_ERROR(book_.Reload());
  return ProductChanged{.change = outcome.change, .product = product};
}

Result<PlanPushed> Plans::Push(const Request& request, const PlanPush& push) {
  HEARTH_RETURN_IF_ERROR(CheckPush(request, push, limits_));
  const Act act{
      .action = "plan.push",
      .object = "site",
      .detail = fmt::format("{} to {}, {} items", ToString(push.from), ToString(push.to), push.items.size())};
  PlanPushed pushed;
  const std::vector<entitlement::Channel> channels = keys_.Channels();
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, store::kSystemBucket, request, act, limits_, [&](Txn& txn) -> Result<std::string> {
        HEARTH_RETURN_IF_ERROR(Pushing(txn, push, channels, limits_).Run(pushed));
        return EncodeCounts(pushed);
      }));
  pushed.change = outcome.change;
  if (outcome.change.repeated) DecodeCounts(outcome.answer, pushed);
  // After a repeat as well: the first attempt may have failed between its commit and this.
  if (!request.dry_run && (outcome.change.committed.wrote || outcome.change.repeated)) {
    HEARTH_RETURN_IF_ERROR(Publish());
  }
  return pushed;
}

Status Plans::Publish() {
  HEARTH_RETURN_IF_ERROR(book_.Reload());
  const auto refreshed = keys_.Refresh(executor_.clock().Now());
  return refreshed ? Ok() : Status(refreshed.error());
}

Result<InForce> Plans::InForceAt(const ChannelRef& channel, UnixMillis at) const {
  if (at < Plus(executor_.clock().Now(), -entitlement::kPlanKept)) {
    return Error(Reason::kPlanOutOfRange, fmt::format("plans of {} are not kept any more", ToString(at)))
        .Field("at", "at most 7 days ago");
  }
  InForce out{.at = at};
  HEARTH_ASSIGN_OR_RETURN(out.channel, keys_.ChannelOf(channel));
  const auto state = book_.state();
  const auto pieces = entitlement::TimelineOf(out.channel.criteria, state->PlanOf(out.channel.service));
  const entitlement::PlanPiece& piece = entitlement::PieceAt(pieces, at);
  out.criteria = piece.criteria;
  out.ac_id = piece.ac_id();
  for (const Window* window : piece.windows) {
    if (window != nullptr) out.windows.push_back(*window);
  }
  if (piece.from != entitlement::kTimeBegin) out.since = piece.from;
  if (&piece != &pieces.back()) out.until = (&piece + 1)->from;
  return out;
}

Result<PlanPage> Plans::List(const std::optional<ChannelRef>& channel, UnixMillis from, UnixMillis to,
                             size_t size, std::string_view token) const {
  if (to <= from) return InvalidField("to", "after from");
  PlanPosition after;
  if (!token.empty()) {
    HEARTH_ASSIGN_OR_RETURN(after, ParsePosition(token));
  }
  std::vector<entitlement::Channel> channels = keys_.Channels();
  if (channel) {
    HEARTH_ASSIGN_OR_RETURN(entitlement::Channel one, keys_.ChannelOf(*channel));
    channels = {std::move(one)};
  }
  std::sort(channels.begin(), channels.end(),
            [](const auto& a, const auto& b) { return a.service < b.service; });
  const auto state = book_.state();
  PlanPage page;
  for (const entitlement::Channel& each : channels) {
    if (each.service.value < after.service) continue;
    for (const Window& window : state->PlanOf(each.service)) {
      if (window.end <= from || window.start >= to) continue;
      if (!token.empty() && PositionOf(each.service, window) <= after) continue;
      if (page.windows.size() == size) {
        const PlannedWindow& last = page.windows.back();
        const PlanPosition at = PositionOf(last.service, last.window);
        page.next_token = fmt::format("p1.{}.{}.{}", at.service, at.start, at.kind);
        return page;
      }
      page.windows.push_back({.service = each.service, .channel = each.name, .window = window});
    }
  }
  return page;
}

Status Plans::Trim() {
  const UnixMillis before = Plus(executor_.clock().Now(), -entitlement::kPlanKept);
  std::vector<ServiceId> due;
  const auto book = book_.state();  // what is iterated must outlive a Reload
  for (const auto& [service, plan] : book->plans) {
    if (!DaysOver(plan, before).empty()) due.push_back(service);
  }
  if (due.empty()) return Ok();
  const Act act{.actor = "hearthd", .action = "plan.trim"};
  auto committed = executor_.Run(store::kSystemBucket, act, [&](Txn& txn) -> Status {
    for (const ServiceId service : due) {
      HEARTH_ASSIGN_OR_RETURN(auto stored, StoredPlan::Read(txn, service, UnixMillis(0), before));
      const std::set<int64_t> days = DaysOver(stored.windows(), before);
      std::vector<Window> kept = stored.windows();
      std::erase_if(kept, [&](const Window& window) { return days.contains(DayOf(window)); });
      stored.Write(txn, kept, stored.last_number());
    }
    return Ok();
  });
  if (!committed) return committed.error();
  return Publish();
}

}  // namespace hearth::app
