#include "src/rpc/status_mapping.h"

#include <string>

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace hearth::rpc {
namespace {

// At most `bytes` of UTF-8 text, cut between characters.
std::string Shortened(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  size_t end = bytes - 3;  // of the dots
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string MessageOf(const Error& error) {
  if (error.code() == Code::kInternal) return "an internal error; the daemon's log has the cause";
  return Shortened(error.message(), kMessageBytes);
}

google::rpc::ErrorInfo InfoFor(const Error& error) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(InfoOf(error.reason()).name));
  info.set_domain(kErrorDomain);
  auto& metadata = *info.mutable_metadata();
  if (error.code() != Code::kInternal) {
    for (const auto& [key, value] : error.metadata()) metadata[key] = Shortened(value, kMessageBytes);
  }
  metadata["cure"] = std::string(error.cure());
  if (!error.viewer_code().empty()) metadata["viewer_code"] = std::string(error.viewer_code());
  return info;
}

// As many violations as fit into `bytes`.
google::rpc::BadRequest FieldsOf(const Error& error, size_t bytes) {
  google::rpc::BadRequest fields;
  for (const FieldViolation& violation : error.violations()) {
    auto* out = fields.add_field_violations();
    out->set_field(Shortened(violation.field, kMessageBytes));
    out->set_description(Shortened(violation.description, kMessageBytes));
    if (fields.ByteSizeLong() > bytes) {
      fields.mutable_field_violations()->RemoveLast();
      break;
    }
  }
  return fields;
}

}  // namespace

grpc::Status ToGrpc(const Error& error) {
  google::rpc::Status status;
  status.set_code(static_cast<int>(error.code()));
  status.set_message(MessageOf(error));

  google::rpc::ErrorInfo info = InfoFor(error);
  google::rpc::BadRequest fields;
  if (!error.violations().empty() && error.code() != Code::kInternal) {
    constexpr size_t kEnvelope = 256;  // type URLs, lengths, and "more_violations"
    const size_t used = info.ByteSizeLong() + status.ByteSizeLong() + kEnvelope;
    fields = FieldsOf(error, used < kDetailBytes ? kDetailBytes - used : 0);
    const size_t left_out = error.violations().size() - static_cast<size_t>(fields.field_violations_size());
    if (left_out > 0) (*info.mutable_metadata())["more_violations"] = std::to_string(left_out);
  }
  status.add_details()->PackFrom(info);
  if (fields.field_violations_size() > 0) status.add_details()->PackFrom(fields);
  return {static_cast<grpc::StatusCode>(error.code()), status.message(), status.SerializeAsString()};
}

}  // namespace hearth::rpc
