// Where objects live, as fixed numbers: a store that is read elsewhere must find them in the same buckets.
#include "src/app/layout.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace hearth::app {
namespace {

TEST(Layout, BucketsAreThoseOfTheVectors) {
  std::ifstream file(HEARTH_SOURCE_DIR "/tests/vectors/buckets.txt");
  std::string line;
  int vectors = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string key;
    uint16_t bucket = 0;
    ASSERT_TRUE(fields >> key >> bucket) << line;
    EXPECT_EQ(BucketOf(key), store::BucketId(bucket)) << key;
    ++vectors;
  }
  EXPECT_EQ(vectors, 11);
}

TEST(Layout, KeysAreAsDocumented) {
  EXPECT_EQ(AccountKey("NX-1").key, "account/NX-1");
  EXPECT_EQ(CardKey(CardNumber(1)).key, "card/000000000001");
  EXPECT_EQ(BoxKey(BoxSerial(1)).key, "box/0000000000000001");
  EXPECT_EQ(SimKey(SimNumber(13900000001)).key, "sim/13900000001");
  EXPECT_EQ(GroupKey(GroupId(7)).key, "group/00000007");
  EXPECT_EQ(TownshipKey(RegionCode(640122100)).key, "township/640122100");
  EXPECT_EQ(InterventionKey(CardNumber(1), 255).key, "iv/000000000001/00000000000000ff");
  EXPECT_EQ(ExemptionKey(CardNumber(1)).key, "exemption/000000000001");
  EXPECT_EQ(RelocationKey(CardNumber(1)).key, "relocation/000000000001");
  // Beside their card: its commit is theirs.
  EXPECT_EQ(ExemptionKey(CardNumber(1)).bucket, CardKey(CardNumber(1)).bucket);
  EXPECT_EQ(RelocationKey(CardNumber(1)).bucket, CardKey(CardNumber(1)).bucket);
  EXPECT_EQ(ServiceKeyKey(ServiceId(1), 1488).key, "svckey/00001/0000001488");
  EXPECT_EQ(ListKey(geofence::ListKind::kBlacklist, AreaId(640100001)).key, "list/2/640100001");
  EXPECT_EQ(CellsKey(geofence::ListKind::kWhitelist, AreaId(640122001), 3, 1).key,
            "cells/1/640122001/0000000003/00001");
}

TEST(Layout, WhatBelongsTogetherLivesTogether) {
  EXPECT_EQ(SagaKey("NX-1").bucket, AccountKey("NX-1").bucket);
  EXPECT_EQ(InterventionKey(CardNumber(1), 9).bucket, CardKey(CardNumber(1)).bucket);
  EXPECT_EQ(SiteKey("clock").bucket, store::kSystemBucket);
  EXPECT_EQ(AreaKey(AreaId(640122001)).bucket, store::kSystemBucket);
}

TEST(Layout, AnIdentityNumberIsOnlyEverAKeyAsItsHash) {
  const ObjectKey key = PersonKey("11010519491231002X");
  EXPECT_EQ(key.key.find("110105"), std::string::npos);
  EXPECT_EQ(key.key.size(), std::string("person/").size() + 64);
}

}  // namespace
}  // namespace hearth::app
