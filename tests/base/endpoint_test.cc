#include "src/base/endpoint.h"

#include <string>

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(Endpoint, ParsesAddressesAndRefusesTheRest) {
  struct Row {
    const char* name;
    std::string text;
    bool ok;
    Endpoint want;
    bool loopback;
  };
  const Row rows[] = {
      {"IPv4", "127.0.0.1:0", true, {"127.0.0.1", 0}, true},
      {"another loopback", "127.8.9.1:80", true, {"127.8.9.1", 80}, true},
      {"any", "0.0.0.0:65535", true, {"0.0.0.0", 65535}, false},
      {"IPv6", "[::1]:9464", true, {"::1", 9464}, true},
      {"IPv6 any", "[::]:9464", true, {"::", 9464}, false},
      {"name", "head-end.example:443", true, {"head-end.example", 443}, false},
      {"localhost", "localhost:1", true, {"localhost", 1}, true},
      {"name that begins like loopback", "127.evil.example:1", true, {"127.evil.example", 1}, false},
      {"no port", "127.0.0.1", false, {}, false},
      {"no address", ":80", false, {}, false},
      {"empty port", "127.0.0.1:", false, {}, false},
      {"port too large", "127.0.0.1:65536", false, {}, false},
      {"signed port", "127.0.0.1:+80", false, {}, false},
      {"port with suffix", "127.0.0.1:443s", false, {}, false},
      {"IPv6 without brackets", "::1:80", false, {}, false},
      {"empty brackets", "[]:80", false, {}, false},
      {"list", "127.0.0.1:80,127.0.0.1:81", false, {}, false},
      {"blank", "127.0.0.1 :80", false, {}, false},
      {"too long", std::string(254, 'a') + ":80", false, {}, false},
  };
  for (const Row& row : rows) {
    const auto endpoint = ParseEndpoint(row.text, "metrics.listen");
    ASSERT_EQ(endpoint.has_value(), row.ok) << row.name;
    if (row.ok) {
      EXPECT_EQ(*endpoint, row.want) << row.name;
      EXPECT_EQ(ToString(*endpoint), row.text) << row.name;
      EXPECT_EQ(IsLoopback(*endpoint), row.loopback) << row.name;
    } else {
      EXPECT_EQ(endpoint.error().reason(), Reason::kFieldInvalid) << row.name;
      EXPECT_EQ(endpoint.error().violations().at(0).field, "metrics.listen") << row.name;
    }
  }
}

}  // namespace
}  // namespace hearth
