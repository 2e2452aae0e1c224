// How hearthctl fails: one block on stderr or one JSON object on stdout, and an exit code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/status.h"

namespace hearth::ctl {

// Exit codes; part of the interface (hearthctl.1), never renumbered.
enum Exit : int {
  kExitOk = 0,
  kExitRowsRefused = 1,
  kExitUsage = 2,
  kExitRefused = 3,
  kExitUnreachable = 4,
  kExitBadFile = 5,
};

// Why a command failed, wherever that was found out.
struct Failure {
  std::string code;    // canonical gRPC name, e.g. "ALREADY_EXISTS"
  std::string reason;  // stable name of src/base/reason.h; empty when the head-end gave none
  std::string message;
  std::string cure;
  std::string viewer_code;
  std::vector<FieldViolation> fields;
  int exit_code = kExitRefused;
  // The same request with the same request id may succeed in a moment.
  bool retryable = false;
};

// A failure found on this side: `exit_code` is kExitUsage or kExitBadFile.
Failure LocalFailure(const Error& error, int exit_code);

// "error: CARD_IN_USE: card 640000000001 belongs to account NX-1" and the lines below it.
std::string FailureText(const Failure& failure);
// {"code":…,"reason":…,"message":…,"cure":…,"viewer_code":…,"fields":[…]}
std::string FailureJson(const Failure& failure);

}  // namespace hearth::ctl
