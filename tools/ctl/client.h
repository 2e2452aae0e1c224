// The connection to the head-end: address, credentials, metadata, deadlines, and what its refusals mean.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <grpcpp/grpcpp.h>
#include <tl/expected.hpp>

#include "tools/ctl/failure.h"

namespace hearth::ctl {

struct ClientOptions {
  std::string server;     // HOST:PORT
  bool insecure = false;  // no TLS; `actor` says who we are (development mode of the daemon)
  std::string actor;
  std::string ca_pem;  // contents, not names of files
  std::string cert_pem;
  std::string key_pem;
  std::chrono::milliseconds timeout{30'000};
};

// One channel. One thread (the channel itself may be shared). Nothing is sent before the first call.
class Client {
 public:
  explicit Client(ClientOptions options);

  // Metadata, and a deadline `timeout` from now; nullopt: none.
  void Prepare(grpc::ClientContext& context, std::optional<std::chrono::milliseconds> timeout) const;
  void Prepare(grpc::ClientContext& context) const { Prepare(context, options_.timeout); }

  // One unary call.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) const {
    grpc::ClientContext context;
    Prepare(context);
    Stub stub(channel_);
    return (stub.*method)(&context, request, response);
  }

  // A status that is not OK in our words: google.rpc.ErrorInfo and BadRequest from the details.
  Failure Decode(const grpc::Status& status) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& server() const { return options_.server; }

 private:
  ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace hearth::ctl
