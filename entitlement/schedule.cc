#include "entitlement/schedule.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::entitlement {

Status CheckCriteria(const Criteria& criteria) {
  if (criteria.product > 127) return InvalidField("criteria.product", "0 to 127");
  if (criteria.product != 0 && criteria.mode != CriteriaMode::kProduct) {
    return InvalidField("criteria.product", "only with mode PRODUCT");
  }
  if (criteria.division != 0 && (criteria.division < 100'000 || criteria.division > 999'999)) {
    return InvalidField("criteria.region", "a province, prefecture or county");
  }
  if (criteria.division_except && criteria.division == 0) {
    return InvalidField("criteria.region_except", "only with a region");
  }
  return Ok();
}

Status CheckChannel(const Channel& channel) {
  if (channel.service.value == 0) return InvalidField("channel.service_id", "1 to 65535");
  if (channel.name.empty() || channel.name.size() > 64) {
    return InvalidField("channel.name", "1 to 64 bytes, e.g. CCTV-1");
  }
  if (channel.name_zh.size() > 128) return InvalidField("channel.name_zh", "at most 128 bytes");
  if (channel.province != 0 && (channel.province < 10 || channel.province > 99)) {
    return InvalidField("channel.province", "two digits, or empty for a national channel");
  }
  return CheckCriteria(channel.criteria);
}

Result<Package> MakePackage(Package package) {
  if (package.id.value == 0) return InvalidField("package.package_id", "1 to 65535");
  if (package.name.empty() || package.name.size() > 64) return InvalidField("package.name", "1 to 64 bytes");
  if (package.province < 10 || package.province > 99) return InvalidField("package.province", "two digits");
  std::sort(package.services.begin(), package.services.end());
  package.services.erase(std::unique(package.services.begin(), package.services.end()),
                         package.services.end());
  if (!package.services.empty() && package.services.front().value == 0) {
    return InvalidField("package.service_ids", "each 1 to 65535");
  }
  if (package.services.empty()) return MissingField("package.service_ids", "at least one service");
  if (package.services.size() > kServicesPerPackage) {
    return Error(Reason::kPackageFull,
                 fmt::format("package {} has {} services, at most {} fit", package.id.value,
                             package.services.size(), kServicesPerPackage));
  }
  return package;
}

}  // namespace hearth::entitlement
