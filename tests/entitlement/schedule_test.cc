#include "entitlement/schedule.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hearth::entitlement {
namespace {

// The field a refusal names, or "" when there is none.
std::string FieldOf(const Status& status) {
  return status ? "" : status.error().violations().empty() ? "?" : status.error().violations()[0].field;
}

TEST(CheckCriteria, NamesTheFieldAtFault) {
  struct Row {
    const char* name;
    Criteria criteria;
    const char* field;
  };
  const Row rows[] = {
      {"subscribers", {}, ""},
      {"closed", {.mode = CriteriaMode::kClosed}, ""},
      {"open", {.mode = CriteriaMode::kOpen}, ""},
      {"base product", {.mode = CriteriaMode::kProduct, .product = 0}, ""},
      {"last product", {.mode = CriteriaMode::kProduct, .product = 127}, ""},
      {"product 128", {.mode = CriteriaMode::kProduct, .product = 128}, "criteria.product"},
      {"product without its mode", {.mode = CriteriaMode::kSubscribers, .product = 1}, "criteria.product"},
      {"province", {.division = 640000}, ""},
      {"county", {.division = 640122}, ""},
      {"all but a county", {.division = 640122, .division_except = true}, ""},
      {"division of 5 digits", {.division = 99'999}, "criteria.region"},
      {"division of 2 digits", {.division = 64}, "criteria.region"},
      {"division of 7 digits", {.division = 1'000'000}, "criteria.region"},
      {"all but nothing", {.division_except = true}, "criteria.region_except"},
  };
  for (const Row& row : rows) EXPECT_EQ(FieldOf(CheckCriteria(row.criteria)), row.field) << row.name;
}

TEST(CheckChannel, NamesTheFieldAtFault) {
  struct Row {
    const char* name;
    const char* field;
    std::function<void(Channel&)> change;
  };
  const Row rows[] = {
      {"as it is", "", [](Channel&) {}},
      {"national", "", [](Channel& c) { c.province = 0; }},
      {"service 0", "channel.service_id", [](Channel& c) { c.service = ServiceId(0); }},
      {"no name", "channel.name", [](Channel& c) { c.name.clear(); }},
      {"name of 65", "channel.name", [](Channel& c) { c.name = std::string(65, 'a'); }},
      {"Chinese name of 129", "channel.name_zh", [](Channel& c) { c.name_zh = std::string(129, 'a'); }},
      {"province of 1 digit", "channel.province", [](Channel& c) { c.province = 9; }},
      {"province of 3 digits", "channel.province", [](Channel& c) { c.province = 100; }},
      {"criteria", "criteria.product", [](Channel& c) { c.criteria.product = 1; }},
  };
  for (const Row& row : rows) {
    Channel channel{.service = ServiceId(101), .name = "NXTV-1", .name_zh = "宁夏卫视", .province = 64};
    row.change(channel);
    EXPECT_EQ(FieldOf(CheckChannel(channel)), row.field) << row.name;
  }
}

Package GoodPackage() {
  return {.id = PackageId(1), .name = "Ningxia", .province = 64, .services = {ServiceId(101)}};
}

std::vector<ServiceId> Services(uint16_t first, uint16_t count) {
  std::vector<ServiceId> out;
  for (uint16_t i = 0; i < count; ++i) out.emplace_back(static_cast<uint16_t>(first + i));
  return out;
}

TEST(MakePackage, SortsAndRemovesDoubles) {
  Package package = GoodPackage();
  package.services = {ServiceId(300), ServiceId(101), ServiceId(300), ServiceId(0xFFFF), ServiceId(1)};
  const auto made = MakePackage(package);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->services,
            (std::vector<ServiceId>{ServiceId(1), ServiceId(101), ServiceId(300), ServiceId(0xFFFF)}));
}

TEST(MakePackage, CountsServicesWithoutDoubles) {
  Package package = GoodPackage();
  package.services = Services(1, kServicesPerPackage);
  package.services.push_back(ServiceId(1));
  EXPECT_TRUE(MakePackage(package).has_value());
  package.services.push_back(ServiceId(1000));
  const auto full = MakePackage(package);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().reason(), Reason::kPackageFull);
}

TEST(MakePackage, NamesTheFieldAtFault) {
  struct Row {
    const char* name;
    const char* field;
    Reason reason;
    std::function<void(Package&)> change;
  };
  const Row rows[] = {
      {"package 0", "package.package_id", Reason::kFieldInvalid, [](Package& p) { p.id = PackageId(0); }},
      {"no name", "package.name", Reason::kFieldInvalid, [](Package& p) { p.name.clear(); }},
      {"name of 65", "package.name", Reason::kFieldInvalid,
       [](Package& p) { p.name = std::string(65, 'a'); }},
      {"no province", "package.province", Reason::kFieldInvalid, [](Package& p) { p.province = 0; }},
      {"province of 3 digits", "package.province", Reason::kFieldInvalid,
       [](Package& p) { p.province = 100; }},
      {"no services", "package.service_ids", Reason::kFieldMissing, [](Package& p) { p.services.clear(); }},
      {"service 0", "package.service_ids", Reason::kFieldInvalid,
       [](Package& p) { p.services.push_back(ServiceId(0)); }},
  };
  for (const Row& row : rows) {
    Package package = GoodPackage();
    row.change(package);
    const auto made = MakePackage(package);
    ASSERT_FALSE(made.has_value()) << row.name;
    EXPECT_EQ(made.error().reason(), row.reason) << row.name;
    EXPECT_EQ(FieldOf(Status(made.error())), row.field) << row.name;
  }
}

}  // namespace
}  // namespace hearth::entitlement
