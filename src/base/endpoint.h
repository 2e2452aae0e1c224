// Where a server listens: the "address:port" of the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/status.h"

namespace hearth {

// An IPv4 address, an IPv6 address (without brackets here) or a host name, and a TCP port; port 0 lets the
// system choose a free one. A value; any thread.
struct Endpoint {
  std::string host;
  uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// "127.0.0.1:9464", "[::1]:0", "head-end.example:443". FIELD_INVALID names `field`. Only the form is checked,
// not whether the host exists.
Result<Endpoint> ParseEndpoint(std::string_view text, std::string_view field = "listen");

// The form that ParseEndpoint reads.
std::string ToString(const Endpoint& endpoint);

// True for 127.0.0.0/8, ::1 and the name localhost.
bool IsLoopback(const Endpoint& endpoint);

}  // namespace hearth
