// Products, and the schedule over time (ScheduleService): pushed by the broadcast scheduler, read by people
// and, by way of the ECM snapshot, by the scramblers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entitlement/plan.h"
#include "src/app/keys.h"
#include "src/app/plan_book.h"
#include "src/app/request.h"
#include "src/app/row.h"

namespace hearth::app {

struct ProductChanged {
  Change change;
  entitlement::Product product;
};

// One call of the scheduler: replaces every window that begins in [from, to) of the services named, or when
// none is named of those that the items are for.
struct PlanPush {
  struct Item {
    ChannelRef channel;
    entitlement::Window window;
  };
  UnixMillis from;
  UnixMillis to;
  std::vector<ServiceId> services;
  std::vector<Result<Item>> items;  // an error is what was wrong with the item at the door
};
struct PlanPushed {
  Change change;
  // Refused items by their place: line = index + 1. At most Limits::rows_per_batch of them. When there is
  // one, nothing of the push was taken.
  std::vector<RowResult> rows;
  size_t refused = 0;  // all of them
  size_t done = 0;
  size_t existed = 0;
  size_t removed = 0;
};

struct InForce {
  entitlement::Channel channel;
  UnixMillis at;
  entitlement::Criteria criteria;
  std::vector<entitlement::Window> windows;  // it comes from: from below
  std::optional<UnixMillis> since;           // none: always, as far as is known
  std::optional<UnixMillis> until;           // none: for ever, as far as is planned
  uint16_t ac_id = 0;
};

struct PlannedWindow {
  ServiceId service;
  std::string channel;
  entitlement::Window window;
};
struct PlanPage {
  std::vector<PlannedWindow> windows;
  std::string next_token;
};

// Threads: any. What it is given must outlive it.
class Plans {
 public:
  Plans(Executor& executor, KeyKeeper& keys, PlanBook& book, const Limits& limits)
      : executor_(executor), keys_(keys), book_(book), limits_(limits) {}

  // FIELD_INVALID.
  Result<ProductChanged> PutProduct(const Request& request, const entitlement::Product& product);
  std::vector<entitlement::Product> Products() const { return book_.state()->products; }

  // One commit, in which all items are taken or none. Items are refused with CHANNEL_UNKNOWN,
  // PRODUCT_UNKNOWN and the reasons of entitlement/plan.h. The call as a whole fails with FIELD_INVALID,
  // FIELD_MISSING, CHANNEL_UNKNOWN, LIMIT_EXCEEDED, PLAN_REGION_CONFLICT (a window taken out bares one).
  Result<PlanPushed> Push(const Request& request, const PlanPush& push);

  // CHANNEL_UNKNOWN, PLAN_OUT_OF_RANGE (longer ago than windows are kept).
  Result<InForce> InForceAt(const ChannelRef& channel, UnixMillis at) const;

  // Windows that lie in [from, to) wholly or in part, by service, start and kind; of one channel or all.
  // CHANNEL_UNKNOWN, FIELD_INVALID, PAGE_TOKEN_INVALID.
  Result<PlanPage> List(const std::optional<ChannelRef>& channel, UnixMillis from, UnixMillis to, size_t size,
                        std::string_view token) const;

  // Forgets days whose windows all ended longer ago than they are kept. The housekeeper calls it.
  Status Trim();

 private:
  // Brings memory up to what is committed.
  Status Publish();

  Executor& executor_;
  KeyKeeper& keys_;
  PlanBook& book_;
  const Limits limits_;
};

// PRODUCT_UNKNOWN naming `field`, unless the criteria ask for no product or for one that exists.
Status CheckProductExists(Txn& txn, const entitlement::Criteria& criteria, const std::string& field);

}  // namespace hearth::app
