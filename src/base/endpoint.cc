#include "src/base/endpoint.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace hearth {
namespace {

constexpr size_t kMaxHostBytes = 253;  // RFC 1035, section 2.3.4, without the root label

bool IsNameByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

bool IsIpv6Byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

}  // namespace

Result<Endpoint> ParseEndpoint(std::string_view text, std::string_view field) {
  const auto refuse = [&](std::string_view why) {
    return InvalidField(std::string(field), fmt::format("must be address:port, such as 127.0.0.1:9464 or "
                                                        "[::1]:9464: {}",
                                                        why));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("there is no colon");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  Endpoint endpoint;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size()) return refuse("the port is not 0 to 65535");

  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > kMaxHostBytes) return refuse("the address is missing or too long");
  if (!std::all_of(host.begin(), host.end(), bracketed ? IsIpv6Byte : IsNameByte)) {
    return refuse("the address holds a character that does not belong there");
  }
  endpoint.host = host;
  return endpoint;
}

std::string ToString(const Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
              : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

bool IsLoopback(const Endpoint& endpoint) {
  if (endpoint.host == "localhost" || endpoint.host == "::1") return true;
  const bool numeric = std::all_of(endpoint.host.begin(), endpoint.host.end(),
                                   [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  return numeric && endpoint.host.starts_with("127.");
}

}  // namespace hearth
