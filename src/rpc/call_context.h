// What every call goes through: who calls, how many at once, how long it took, what it answered.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <hearth/v1/common.pb.h>

#include "src/app/request.h"
#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/random.h"

namespace hearth::rpc {

// The metrics of one method. Any thread.
class Method {
 public:
  Method(std::string name, MetricsRegistry& metrics);
  void Count(grpc::StatusCode code);
  void Time(std::chrono::nanoseconds spent);
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
  MetricsRegistry& metrics_;
  Histogram& seconds_;
  // By code; made when a code is first answered, as most methods never give most codes.
  std::array<std::atomic<Counter*>, 17> requests_{};
};

// A stream that lasts has a limit of its own in src/app; it is neither counted among the requests in flight
// nor timed.
enum class CallKind { kRequest, kLongStream };

struct FrontOptions {
  Limits limits;
  // No certificates: the caller names himself in the metadata "hearth-actor".
  bool insecure_development = false;
};

class Call;

// One for all services of a server. Any thread. What it is given must outlive it.
class Front {
 public:
  Front(FrontOptions options, const Clock& clock, RandomSource& random, MetricsRegistry& metrics, Logger& log)
      : options_(options), clock_(clock), random_(random), metrics_(metrics), log_(log) {}

  // `name`: "RegistryService/OpenAccount". One for each method, at construction of the service.
  std::unique_ptr<Method> NewMethod(std::string name) const {
    return std::make_unique<Method>(std::move(name), metrics_);
  }

  // Runs one call: admits it (OVERLOADED, ACTOR_MISSING), runs `body` with it, counts and logs what comes of
  // it. `body` takes a Call& and gives a hearth::Status.
  template <typename Body>
  grpc::Status Serve(Method& method, const grpc::ServerContext& context, Body&& body,
                     CallKind kind = CallKind::kRequest);

  // Waits until no call is being worked on, or for `patience`. Calls may still come in.
  void WaitUntilIdle(std::chrono::milliseconds patience) const;

  const Limits& limits() const { return options_.limits; }
  const Clock& clock() const { return clock_; }
  bool insecure_development() const { return options_.insecure_development; }

 private:
  friend class Call;

  const FrontOptions options_;
  const Clock& clock_;
  RandomSource& random_;
  MetricsRegistry& metrics_;
  Logger& log_;
  std::atomic<size_t> in_flight_{0};  // CallKind::kRequest
  std::atomic<size_t> running_{0};    // all of them
};

// One call, from its beginning to its answer; lives on the thread that serves it.
class Call {
 public:
  Call(Front& front, Method& method, const grpc::ServerContext& context, CallKind kind);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // OVERLOADED, or ACTOR_MISSING for a certificate without a usable common name.
  Status Admit();

  // The common name of the client's certificate. In development mode the metadata "hearth-actor", and empty
  // when there is none, which only reading calls may leave out.
  const std::string& actor() const { return actor_; }
  std::chrono::system_clock::time_point deadline() const { return context_.deadline(); }

  // What goes with a change: actor, reason and approver checked, the request id parsed or, when the caller
  // sent none, made, and the hash of the content. ACTOR_MISSING, REQUEST_ID_INVALID, FIELD_INVALID,
  // SECOND_APPROVER_NEEDED. Message has a field `change`.
  template <typename Message>
  Result<app::Request> ChangeOf(const Message& message) const {
    // The id is not part of the content: a new id with the same content is a new request.
    Message content(message);
    content.mutable_change()->clear_request_id();
    return ChangeOf(message.change(), ContentOf(content));
  }
  // The same for a request that came as several messages, of which `content` is what counts.
  Result<app::Request> ChangeOf(const v1::Change& change, std::string_view content) const;

  // The message's full name and its deterministic serialisation.
  static std::string ContentOf(const google::protobuf::Message& message);

  grpc::Status End(const Status& status);

 private:
  Status FindActor();

  Front& front_;
  Method& method_;
  const grpc::ServerContext& context_;
  const CallKind kind_;
  const std::chrono::nanoseconds started_;
  std::string actor_;
  bool counted_ = false;
};

template <typename Body>
grpc::Status Front::Serve(Method& method, const grpc::ServerContext& context, Body&& body, CallKind kind) {
  Call call(*this, method, context, kind);
  Status status = call.Admit();
  if (status) status = std::forward<Body>(body)(call);
  return call.End(status);
}

}  // namespace hearth::rpc
