#include "src/rpc/call_context.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpc/grpc_security_constants.h>

#include "src/crypto/primitives.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/status_mapping.h"

namespace hearth::rpc {
namespace {

constexpr char kActorMetadata[] = "hearth-actor";
// X.520 allows 64 characters in a common name.
constexpr size_t kActorBytes = 256;

constexpr std::array<std::string_view, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// Length of the UTF-8 character at the front of `text`; 0 when there is none.
size_t CharacterBytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 0 || lead > 0xF4 || length > text.size()) return 0;
  const bool good = std::all_of(text.begin() + 1, text.begin() + static_cast<ptrdiff_t>(length),
                                [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
  return good ? length : 0;
}

// Names go into the audit and onto terminals: UTF-8 without control characters.
bool UsableActor(std::string_view name) {
  if (name.empty() || name.size() > kActorBytes) return false;
  while (!name.empty()) {
    const size_t length = CharacterBytes(name);
    const auto lead = static_cast<unsigned char>(name[0]);
    if (length == 0 || lead < 0x20 || lead == 0x7F) return false;
    name.remove_prefix(length);
  }
  return true;
}

// What an operator of the daemon must see, beside what the client is told. No messages: they may hold
// personal data.
void LogRefusal(Logger& log, const Method& method, const std::string& actor, const Error& error) {
  const bool ours = error.code() == Code::kInternal || error.code() == Code::kDataLoss ||
                    error.code() == Code::kUnavailable;
  log.Log(ours ? LogLevel::kError : LogLevel::kDebug, "rpc.refused",
          {{"method", method.name()},
           {"actor", actor},
           {"reason", InfoOf(error.reason()).name},
           {"message", ours ? error.message() : std::string()},
           {"detail", error.detail()}});
}

}  // namespace

Method::Method(std::string name, MetricsRegistry& metrics)
    : name_(std::move(name)),
      metrics_(metrics),
      seconds_(metrics.GetHistogram(
          "hearth_rpc_seconds", "Time to answer a call, by method.",
          {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
          {{"method", name_}})) {}

void Method::Count(grpc::StatusCode code) {
  const auto index = static_cast<size_t>(code) < kCodeNames.size() ? static_cast<size_t>(code)
                                                                   : size_t{grpc::StatusCode::UNKNOWN};
  Counter* counter = requests_[index].load(std::memory_order_acquire);
  if (counter == nullptr) {  // two threads that come here at once are given the same series
    counter = &metrics_.GetCounter("hearth_rpc_requests_total", "Calls answered, by method and gRPC code.",
                                   {{"method", name_}, {"code", std::string(kCodeNames[index])}});
    requests_[index].store(counter, std::memory_order_release);
  }
  counter->Increment();
}

void Method::Time(std::chrono::nanoseconds spent) {
  seconds_.Observe(std::chrono::duration<double>(spent).count());
}

void Front::WaitUntilIdle(std::chrono::milliseconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (running_.load(std::memory_order_acquire) != 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Call::Call(Front& front, Method& method, const grpc::ServerContext& context, CallKind kind)
    : front_(front), method_(method), context_(context), kind_(kind), started_(front.clock_.Steady()) {
  front_.running_.fetch_add(1, std::memory_order_relaxed);
}

Call::~Call() {
  front_.running_.fetch_sub(1, std::memory_order_release);
  if (counted_) front_.in_flight_.fetch_sub(1, std::memory_order_relaxed);
}

Status Call::Admit() {
  if (kind_ == CallKind::kRequest) {
    counted_ = true;
    const size_t before = front_.in_flight_.fetch_add(1, std::memory_order_relaxed);
    if (before >= front_.limits().requests_in_flight) {
      return Error(Reason::kOverloaded, fmt::format("{} requests are being worked on, as many as may be",
                                                    front_.limits().requests_in_flight));
    }
  }
  return FindActor();
}

Status Call::FindActor() {
  if (front_.insecure_development()) {
    const auto& metadata = context_.client_metadata();
    const auto found = metadata.find(kActorMetadata);
    if (found == metadata.end()) return Ok();
    const std::string name(found->second.data(), found->second.size());
    if (!UsableActor(name)) {
      return Error(Reason::kActorMissing, "the metadata key hearth-actor holds no usable name");
    }
    actor_ = name;
    return Ok();
  }
  const auto auth = context_.auth_context();
  const auto names =
      auth ? auth->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME) : std::vector<grpc::string_ref>();
  if (names.size() == 1) actor_.assign(names.front().data(), names.front().size());
  if (!UsableActor(actor_)) {
    actor_.clear();
    return Error(Reason::kActorMissing, "the client certificate has no common name that can be used");
  }
  return Ok();
}

std::string Call::ContentOf(const google::protobuf::Message& message) {
  std::string bytes = message.GetTypeName() + '\n';
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

Result<app::Request> Call::ChangeOf(const v1::Change& change, std::string_view content) const {
  if (actor_.empty()) {
    return Error(Reason::kActorMissing, "a change needs someone who makes it");
  }
  HEARTH_RETURN_IF_ERROR(CheckChange(change, actor_, front_.limits()));
  app::Request request;
  if (change.request_id().empty()) {
    std::array<uint8_t, 10> random{};
    front_.random_.Fill(random);
    request.id = RequestId::FromParts(front_.clock_.Now(), random);
  } else {
    auto id = RequestId::Parse(change.request_id());
    if (!id) {
      return Error(Reason::kRequestIdInvalid, id.error().message())
          .Field("change.request_id", "a UUID version 7, or empty");
    }
    request.id = *id;
  }
  request.content_hash = crypto::Sha256(AsBytes(content));
  request.actor = actor_;
  request.reason = change.reason();
  request.approver = change.approver();
  request.dry_run = change.dry_run();
  request.if_revision = change.if_revision();
  return request;
}

grpc::Status Call::End(const Status& status) {
  grpc::Status answer = ToGrpc(status);
  method_.Count(answer.error_code());
  if (kind_ == CallKind::kRequest) method_.Time(front_.clock_.Steady() - started_);
  if (!status) LogRefusal(front_.log_, method_, actor_, status.error());
  return answer;
}

}  // namespace hearth::rpc
