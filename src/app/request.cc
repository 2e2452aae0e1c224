#include "src/app/request.h"

#include <fmt/format.h>

#include "src/crypto/primitives.h"

namespace hearth::app {

std::array<uint8_t, 32> HashContent(ByteView content) { return crypto::Sha256(content); }

Status CheckRequestAge(const Request& request, UnixMillis now, const Limits& limits) {
  const int64_t age_ms = now.value - request.id.time().value;
  if (age_ms > std::chrono::milliseconds(limits.request_id_age).count()) {
    return Error(Reason::kRequestIdExpired, fmt::format("request id {} was made at {}", request.id.ToString(),
                                                        ToString(request.id.time())));
  }
  if (age_ms < -std::chrono::milliseconds(std::chrono::hours(1)).count()) {
    return Error(
        Reason::kRequestIdInvalid,
        fmt::format("request id {} was made in the future: check the client's clock", request.id.ToString()));
  }
  return Ok();
}

Result<std::optional<records::Dedup>> FindRepeat(Txn& txn, const Request& request) {
  HEARTH_ASSIGN_OR_RETURN(auto dedup, txn.Remembered(request.id));
  if (dedup && dedup->content_hash != request.content_hash) {
    return Error(Reason::kRequestIdReused,
                 fmt::format("request id {} was used for another request", request.id.ToString()));
  }
  return dedup;
}

Status CheckRevision(const Request& request, uint64_t revision, std::string_view object) {
  if (request.if_revision == 0 || request.if_revision == revision) return Ok();
  return Error(Reason::kRevisionMismatch,
               fmt::format("{} is at revision {}, you read {}", object, revision, request.if_revision));
}

Result<Outcome> RunOnce(Executor& executor, store::BucketId bucket, const Request& request, Act act,
                        const Limits& limits, const std::function<Result<std::string>(Txn&)>& command) {
  HEARTH_RETURN_IF_ERROR(CheckRequestAge(request, executor.clock().Now(), limits));
  act.actor = request.actor;
  act.reason = request.reason;
  act.approver = request.approver;
  Outcome outcome;
  HEARTH_ASSIGN_OR_RETURN(outcome.change.committed, executor.Run(bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto former, FindRepeat(txn, request));
    if (former) {
      outcome.change.repeated = true;
      outcome.change.revision = former->revision;
      outcome.answer = std::move(former->answer);
      return Ok();
    }
    HEARTH_ASSIGN_OR_RETURN(outcome.answer, command(txn));
    outcome.change.revision = txn.empty() ? 0 : txn.next_sequence();
    if (request.dry_run) {
      txn.DropWrites();
    } else if (!txn.empty()) {
      txn.Remember(request.id, {.content_hash = request.content_hash,
                                .time = txn.now(),
                                .revision = outcome.change.revision,
                                .answer = outcome.answer});
    }
    return Ok();
  }));
  return outcome;
}

}  // namespace hearth::app
