// What every record has in common: it comes back as it was, and no bytes whatever do harm.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/records/generators.h"

namespace hearth::records {
namespace {

using entitlement::Account;
using entitlement::Channel;
using entitlement::Claim;
using entitlement::Product;
using geofence::Area;
using geofence::Region;

template <typename T>
class EveryRecord : public ::testing::Test {};

struct Names {
  template <typename T>
  static std::string GetName(int) {
    if constexpr (std::is_same_v<T, Account>) return "Account";
    if constexpr (std::is_same_v<T, CardRecord>) return "Card";
    if constexpr (std::is_same_v<T, BoxRecord>) return "Box";
    if constexpr (std::is_same_v<T, SimRecord>) return "Sim";
    if constexpr (std::is_same_v<T, Claim>) return "Claim";
    if constexpr (std::is_same_v<T, TownshipRecord>) return "Township";
    if constexpr (std::is_same_v<T, GroupRecord>) return "Group";
    if constexpr (std::is_same_v<T, BatchRecord>) return "Batch";
    if constexpr (std::is_same_v<T, Channel>) return "Channel";
    if constexpr (std::is_same_v<T, PackageRecord>) return "Package";
    if constexpr (std::is_same_v<T, Product>) return "Product";
    if constexpr (std::is_same_v<T, PlanHead>) return "PlanHead";
    if constexpr (std::is_same_v<T, PlanDay>) return "PlanDay";
    if constexpr (std::is_same_v<T, entitlement::Emergency>) return "Emergency";
    if constexpr (std::is_same_v<T, EmergencyHead>) return "EmergencyHead";
    if constexpr (std::is_same_v<T, Eviction>) return "Eviction";
    if constexpr (std::is_same_v<T, Region>) return "Region";
    if constexpr (std::is_same_v<T, Area>) return "Area";
    if constexpr (std::is_same_v<T, CellListHead>) return "CellListHead";
    if constexpr (std::is_same_v<T, geofence::Village>) return "Village";
    if constexpr (std::is_same_v<T, InterventionRecord>) return "Intervention";
    if constexpr (std::is_same_v<T, ExemptionRecord>) return "Exemption";
    if constexpr (std::is_same_v<T, RelocationRecord>) return "Relocation";
    if constexpr (std::is_same_v<T, Dedup>) return "Dedup";
    if constexpr (std::is_same_v<T, OutboxEntry>) return "OutboxEntry";
    if constexpr (std::is_same_v<T, ChangeRecord>) return "ChangeRecord";
    if constexpr (std::is_same_v<T, Audit>) return "Audit";
  }
};

using Types =
    ::testing::Types<Account, CardRecord, BoxRecord, SimRecord, Claim, TownshipRecord, GroupRecord,
                     BatchRecord, Channel, PackageRecord, Product, PlanHead, PlanDay, entitlement::Emergency,
                     EmergencyHead, Eviction, Region, Area, CellListHead, InterventionRecord, ExemptionRecord,
                     RelocationRecord, Dedup, OutboxEntry, ChangeRecord, Audit, geofence::Village>;
TYPED_TEST_SUITE(EveryRecord, Types, Names);

// Bytes of unknown origin give a value that is kept like any other, or STORE_CORRUPT.
template <typename T>
void ExpectSafe(std::string_view bytes) {
  const Result<T> value = Decode<T>(bytes);
  if (value) {
    const Result<T> again = Decode<T>(Encode(*value));
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == *value);
    return;
  }
  RC_ASSERT(value.error().reason() == Reason::kStoreCorrupt);
  RC_ASSERT(value.error().message().starts_with("a stored "));
  RC_ASSERT(value.error().message().ends_with(" is damaged"));
  RC_ASSERT(!value.error().detail().empty());
}

TYPED_TEST(EveryRecord, ComesBackAsItWas) {
  EXPECT_TRUE(rc::check("decode of encode is the value", [] {
    const TypeParam value = Any<TypeParam>();
    const std::string bytes = Encode(value);
    const Result<TypeParam> decoded = Decode<TypeParam>(bytes);
    if (!decoded) RC_FAIL(decoded.error().detail());
    RC_ASSERT(*decoded == value);
    RC_ASSERT(Encode(*decoded) == bytes);
  }));
}

TYPED_TEST(EveryRecord, IsSafeToReadWhenCutShort) {
  EXPECT_TRUE(rc::check("every prefix", [] {
    const std::string bytes = Encode(Any<TypeParam>());
    const size_t step = std::max<size_t>(1, bytes.size() / 200);
    for (size_t size = 0; size < bytes.size(); size += step) {
      ExpectSafe<TypeParam>(std::string_view(bytes).substr(0, size));
    }
  }));
}

TYPED_TEST(EveryRecord, IsSafeToReadWhenDamaged) {
  EXPECT_TRUE(rc::check("a few bytes changed", [] {
    std::string bytes = Encode(Any<TypeParam>());
    RC_PRE(!bytes.empty());
    for (uint64_t i = AnyNumber(1, 4); i > 0; --i) {
      bytes[AnyNumber(0, bytes.size() - 1)] = *rc::gen::arbitrary<char>();
    }
    ExpectSafe<TypeParam>(bytes);
  }));
}

TYPED_TEST(EveryRecord, IsSafeToReadFromGarbage) {
  EXPECT_TRUE(rc::check("bytes of no record", [] { ExpectSafe<TypeParam>(AnyText()); }));
  EXPECT_TRUE(rc::check("bytes of another record", [] {
    ExpectSafe<TypeParam>(Encode(Any<Account>()));
    ExpectSafe<TypeParam>(Encode(Any<CardRecord>()));
    ExpectSafe<TypeParam>(Encode(Any<OutboxEntry>()));
  }));
}

}  // namespace
}  // namespace hearth::records
