// Channels, packages and access criteria: what is sold, and who may watch it.
#pragma once

#include <string>
#include <vector>

#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::entitlement {

// The numbers are those of the AC record's mode (docs/messages.md, ECM).
enum class CriteriaMode : uint8_t { kClosed = 0, kSubscribers = 1, kProduct = 2, kOpen = 3 };

struct Criteria {
  CriteriaMode mode = CriteriaMode::kSubscribers;
  uint8_t product = 0;    // 0 to 127, with kProduct
  uint32_t division = 0;  // 6 digits with zeros at the right; 0: everywhere
  bool division_except = false;

  bool operator==(const Criteria&) const = default;
};
// FIELD_INVALID.
Status CheckCriteria(const Criteria& criteria);

enum class ChannelKind : uint8_t { kTv = 1, kRadio = 2 };

struct Channel {
  ServiceId service;
  std::string name;  // unique in the site
  std::string name_zh;
  ChannelKind kind = ChannelKind::kTv;
  uint16_t province = 0;  // two digits; 0: national
  Criteria criteria;

  bool operator==(const Channel&) const = default;
};
Status CheckChannel(const Channel& channel);

inline constexpr size_t kServicesPerPackage = 255;

// The services one province's cards get. Its keys form a one-way chain (docs/security.md).
struct Package {
  PackageId id;
  std::string name;
  uint16_t province = 0;            // two digits
  std::vector<ServiceId> services;  // sorted, no double

  bool operator==(const Package&) const = default;
};
// Sorts and checks: FIELD_INVALID, PACKAGE_FULL.
Result<Package> MakePackage(Package package);

}  // namespace hearth::entitlement
