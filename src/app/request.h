// What comes with every change, and its deduplication.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "src/app/executor.h"
#include "src/base/bytes.h"
#include "src/base/limits.h"

namespace hearth::app {

// Made by src/rpc from the call's Change message and the authenticated peer.
struct Request {
  RequestId id;
  std::array<uint8_t, 32> content_hash{};  // of everything in the request but its id
  std::string actor;
  std::string reason;
  std::string approver;
  bool dry_run = false;
  uint64_t if_revision = 0;  // 0: not checked
};

// SHA-256: the content_hash of a request, over its deterministic serialisation without the id.
std::array<uint8_t, 32> HashContent(ByteView content);

// What a change answers besides its object.
struct Change {
  Committed committed;
  uint64_t revision = 0;
  bool repeated = false;
};

// REQUEST_ID_EXPIRED when the id's own time is more than Limits::request_id_age ago, REQUEST_ID_INVALID when
// it lies more than an hour ahead.
Status CheckRequestAge(const Request& request, UnixMillis now, const Limits& limits);

// The former answer when this request was done before; REQUEST_ID_REUSED when its id had other content.
Result<std::optional<records::Dedup>> FindRepeat(Txn& txn, const Request& request);

// REVISION_MISMATCH when the caller has read another revision.
Status CheckRevision(const Request& request, uint64_t revision, std::string_view object);

// Runs a change of one bucket: repeat → former answer; otherwise `command`, which returns the answer's bytes
// to be remembered. With dry_run nothing is written: the command runs and its writes are dropped.
struct Outcome {
  Change change;
  std::string answer;
};
Result<Outcome> RunOnce(Executor& executor, store::BucketId bucket, const Request& request, Act act,
                        const Limits& limits, const std::function<Result<std::string>(Txn&)>& command);

}  // namespace hearth::app
