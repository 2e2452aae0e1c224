// Homes without base station signal (无基站信号, domain S8), from the installer's report to the centre's
// decision (HomeService). The rules are intervention/exemption.h; here they meet the card and the store.
//
// An exemption is kept in its card's bucket, so a step and what it does to the card are one commit: there is
// nothing to finish after a crash. A granted one ends by itself: the housekeeper finds it by the index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/app/home_index.h"
#include "src/app/location.h"
#include "src/app/registry.h"
#include "src/app/views.h"

namespace hearth::app {

struct ExemptionView {
  records::ExemptionRecord record;
  uint64_t revision = 0;
};
struct ExemptionChanged {
  Change change;
  ExemptionView view;
};

// What the centre grants; the approver is the request's. `cells` in text form.
struct ExemptionWish {
  UnixMillis expires;
  std::vector<std::string> cells;
};

// Threads: any; changes block until synced. What it is given must outlive it.
class Exemptions {
 public:
  Exemptions(Executor& executor, Registry& registry, Location& location, HomeIndex& index,
             const Limits& limits, Logger& log)
      : executor_(executor),
        registry_(registry),
        location_(location),
        index_(index),
        limits_(limits),
        log_(log) {}

  // What the index holds of a stored one.
  static HomeRow RowOf(const records::ExemptionRecord& record);

  // Errors as in home.proto.
  Result<ExemptionChanged> Report(const Request& request, CardNumber card);
  Result<ExemptionChanged> Confirm(const Request& request, CardNumber card);
  Result<ExemptionChanged> Collect(const Request& request, CardNumber card);
  Result<ExemptionChanged> Grant(const Request& request, CardNumber card, const ExemptionWish& wish);
  Result<ExemptionChanged> Refuse(const Request& request, CardNumber card);
  Result<ExemptionChanged> Revoke(const Request& request, CardNumber card);

  // EXEMPTION_UNKNOWN.
  Result<ExemptionView> Get(CardNumber card);
  // By card number. PAGE_TOKEN_INVALID.
  Result<PageOf<ExemptionView>> List(const HomeFilter& filter, size_t size, std::string_view token);

  // Ends those whose time is over, some hundred at a time; each is a commit of its own, so a crash loses
  // none. The housekeeper calls it, while the gate is open.
  void Tick();

 private:
  using Decide = std::function<Result<intervention::Exemption>(const intervention::Exemption&,
                                                               const intervention::ExemptionActor&)>;
  enum class Effect : uint8_t { kNone, kGrants, kEnds };

  Result<ExemptionChanged> Step(const Request& request, CardNumber card, Act act, Effect effect,
                                const Decide& decide);
  Result<ExemptionChanged> Changed(const Request& request, CardNumber card, const Outcome& outcome);
  Status Expire(CardNumber card);

  Executor& executor_;
  Registry& registry_;
  Location& location_;
  HomeIndex& index_;
  const Limits limits_;
  Logger& log_;
};

// A page of a list by card number: the token is the last number of the former page. PAGE_TOKEN_INVALID.
Result<CardNumber> CardTokenFrom(std::string_view token);

}  // namespace hearth::app
