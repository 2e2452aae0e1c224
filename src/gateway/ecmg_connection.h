// One scrambler's connection to the ECMG, in clear or over TLS. Not part of the interface of src/gateway.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "src/base/status.h"
#include "src/gateway/ecmg_host.h"

namespace hearth::gateway {

// Certificate, key and CA, loaded. Hides Asio's TLS header, which is slow to compile.
class EcmgTlsContext {
 public:
  // CONFIG_VALUE_INVALID with the file that cannot be used.
  static Result<std::unique_ptr<EcmgTlsContext>> Create(const EcmgTls& tls);
  ~EcmgTlsContext();

  struct Context;
  Context& context() { return *context_; }

 private:
  explicit EcmgTlsContext(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

// Lives as long as an operation on it does. On the thread of its socket, but for Close.
class EcmgConnection {
 public:
  using OnEnd = std::function<void(const std::shared_ptr<EcmgConnection>&)>;

  // `on_end` is called once, on that thread. Without `tls`, in clear. What is passed must outlive it.
  static std::shared_ptr<EcmgConnection> Create(EcmgShared& shared, boost::asio::ip::tcp::socket socket,
                                                EcmgTlsContext* tls, std::string peer, OnEnd on_end);
  virtual ~EcmgConnection() = default;

  virtual void Start() = 0;
  // Any thread: the end comes on the socket's.
  virtual void Close() = 0;
};

}  // namespace hearth::gateway
