// After a restart: what the head-end answers is what was acknowledged, and agrees with itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/crash/worker.h"

namespace hearth::crash {

using Workers = std::vector<std::unique_ptr<Worker>>;

// Waits until the views have seen everything; a test failure after ten seconds.
void WaitForViews(Client& client);
// Waits until everything decided is on the air; a test failure after twenty seconds.
void WaitForAir(Client& client);

// All workers have settled. Test failures for everything that is not so:
//   each account     as acknowledged, and none else
//   each device      by card, by box and by SIM the account that holds it, or none; no device in two
//   the list         exactly the accounts, none in between two states
//   the counts       those of the list, in all and in each village
void Verify(const std::string& address, const Workers& workers);

}  // namespace hearth::crash
