// From our errors to what a gRPC client sees: the one place where that is decided.
#pragma once

#include <cstddef>

#include <grpcpp/support/status.h>

#include "src/base/status.h"

namespace hearth::rpc {

// The name in google.rpc.ErrorInfo.domain.
inline constexpr char kErrorDomain[] = "hearth";

// Bytes of packed details and of the message, at most. Both travel in the trailing metadata, of which a gRPC
// client takes 8 KiB in all by default, the message twice and percent-encoded once.
inline constexpr size_t kDetailBytes = 3 * 1024;
inline constexpr size_t kMessageBytes = 400;

// The canonical code, the message, and packed as google.rpc.Status:
//   ErrorInfo   reason (stable name), domain "hearth", metadata: "cure" always, "viewer_code" where a viewer
//               reads one on the screen, and what the error itself carries
//   BadRequest  the fields at fault, where there are any; those that do not fit are only counted, in the
//               metadata "more_violations"
// Error::detail never leaves; of a defect of ours (code INTERNAL) not even the message does. Any thread.
grpc::Status ToGrpc(const Error& error);
inline grpc::Status ToGrpc(const Status& status) {
  return status ? grpc::Status::OK : ToGrpc(status.error());
}

}  // namespace hearth::rpc
