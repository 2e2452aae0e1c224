// The socket that systemd listens on for us (socket activation, sd_listen_fds(3)): it stays open while the
// daemon is restarted, so that scramblers wait in its queue instead of being refused.
#pragma once

#include <optional>

#include "src/base/status.h"

namespace hearth::daemon {

// The descriptor passed to this process; none when none was. It is the caller's, is closed on exec, and the
// environment says nothing of it any more. CONFIG_VALUE_INVALID: more than one. Before any thread is made.
Result<std::optional<int>> TakeActivatedSocket();

}  // namespace hearth::daemon
