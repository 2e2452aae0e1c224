// hearthctl as a function, so that tests call it in their own process.
#pragma once

#include <string>
#include <vector>

#include "tools/ctl/session.h"

namespace hearth::ctl {

// Runs `hearthctl ARGS…` and returns its exit code (failure.h). One thread. Throws nothing.
int RunTool(const std::vector<std::string>& args, Io& io);

}  // namespace hearth::ctl
