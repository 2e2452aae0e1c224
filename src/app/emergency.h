// Emergency broadcast (ScheduleService): alerts are proposed, approved and cancelled here; the pump puts each
// change on the air, before everything else.
#pragma once

#include <string_view>

#include "entitlement/emergency.h"
#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/app/request.h"
#include "src/app/views.h"

namespace hearth::app {

struct EmergencyView {
  entitlement::Emergency emergency;
  uint64_t revision = 0;
  bool over = false;  // nothing of it is on the air any more, or ever will be
};
struct EmergencyChanged {
  Change change;
  EmergencyView view;
};

// Threads: any. What it is given must outlive it.
class Emergencies {
 public:
  // `two_people`: a real alert needs an approver who did not propose it.
  Emergencies(Executor& executor, const KeyKeeper& keys, const GeoState& geo, bool two_people,
              const Limits& limits)
      : executor_(executor), keys_(keys), geo_(geo), two_people_(two_people), limits_(limits) {}

  // A proposal; nothing goes on the air. FIELD_INVALID, FIELD_MISSING, REGION_UNKNOWN, EMERGENCY_KEY_MISSING,
  // LIMIT_EXCEEDED (Limits::emergencies_open).
  Result<EmergencyChanged> Propose(const Request& request, const entitlement::Emergency& wanted);
  // On the air at once; boxes begin to sound at its start. EMERGENCY_UNKNOWN, EMERGENCY_STATE_INVALID,
  // EMERGENCY_OVER, SECOND_APPROVER_NEEDED, EMERGENCY_KEY_MISSING, REVISION_MISMATCH.
  Result<EmergencyChanged> Approve(const Request& request, uint64_t number);
  // Ends an alarm, or drops a proposal; one person is enough. EMERGENCY_UNKNOWN, EMERGENCY_STATE_INVALID,
  // EMERGENCY_OVER, EMERGENCY_KEY_MISSING, REVISION_MISMATCH.
  Result<EmergencyChanged> Cancel(const Request& request, uint64_t number);

  // EMERGENCY_UNKNOWN.
  Result<EmergencyView> Get(uint64_t number) const;
  // By number, all or only those that are not over. PAGE_TOKEN_INVALID.
  Result<PageOf<EmergencyView>> List(bool open_only, size_t size, std::string_view token) const;

 private:
  using Step = Result<entitlement::Emergency> (*)(entitlement::Emergency, std::string_view actor,
                                                  bool two_people, UnixMillis now);
  Result<EmergencyChanged> Run(const Request& request, uint64_t number, std::string_view action, Step step);
  Result<EmergencyChanged> Answer(const Outcome& outcome) const;
  Status CheckRegionsKnown(const entitlement::Emergency& emergency) const;
  Status CheckSigner() const;

  Executor& executor_;
  const KeyKeeper& keys_;
  const GeoState& geo_;
  const bool two_people_;
  const Limits limits_;
};

}  // namespace hearth::app
