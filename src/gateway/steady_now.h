// The steady clock as the state machines of SimulCrypt and the pacer take it.
#pragma once

#include <chrono>

namespace hearth::gateway {

inline std::chrono::nanoseconds SteadyNow() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace hearth::gateway
