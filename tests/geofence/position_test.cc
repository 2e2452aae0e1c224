#include "geofence/position.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "geofence/travel.h"

namespace hearth::geofence {
namespace {

Position At(double latitude, double longitude) {
  return {static_cast<int32_t>(latitude * 1e7), static_cast<int32_t>(longitude * 1e7)};
}

const Position kYinchuan = At(38.4872, 106.2309);
const Position kHelan = At(38.5544, 106.3497);
const Position kBeijing = At(39.9042, 116.4074);
const Position kUrumqi = At(43.8256, 87.6168);

TEST(Position, KnownDistances) {
  struct Row {
    const char* name;
    Position a;
    Position b;
    double km;
    double tolerance;
  };
  const Row rows[] = {
      {"the same place", kYinchuan, kYinchuan, 0, 0},
      {"a degree of latitude", At(0, 0), At(1, 0), 111.195, 0.001},
      {"a degree of longitude on the equator", At(0, 0), At(0, 1), 111.195, 0.001},
      {"a degree of longitude at 60 degrees", At(60, 0), At(60, 1), 55.597, 0.01},
      {"over the date line", At(0, 179.5), At(0, -179.5), 111.195, 0.001},
      {"over the pole", At(89.5, 0), At(89.5, 180), 111.195, 0.001},
      {"antipodes", At(0, 0), At(0, 180), 20015.09, 0.01},
      {"pole to pole", At(90, 0), At(-90, 77), 20015.09, 0.01},
      {"London to Paris", At(51.5074, -0.1278), At(48.8566, 2.3522), 343.6, 0.5},
      {"Beijing to Shanghai", kBeijing, At(31.2304, 121.4737), 1067.3, 1},
      {"a metre", At(38.5, 106.0), At(38.500009, 106.0), 0.001, 0.00002},
  };
  for (const Row& row : rows) {
    EXPECT_NEAR(DistanceKm(row.a, row.b), row.km, row.tolerance) << row.name;
    EXPECT_DOUBLE_EQ(DistanceKm(row.a, row.b), DistanceKm(row.b, row.a)) << row.name;
  }
}

TEST(Position, Range) {
  EXPECT_TRUE(InRange(At(90, 180)));
  EXPECT_TRUE(InRange(At(-90, -180)));
  EXPECT_FALSE(InRange({900'000'001, 0}));
  EXPECT_FALSE(InRange({-900'000'001, 0}));
  EXPECT_FALSE(InRange({0, 1'800'000'001}));
  EXPECT_FALSE(InRange({0, -1'800'000'001}));
  EXPECT_FALSE(InRange({INT32_MIN, 0}));
}

Whereabouts Was(const Position& position, int64_t minute, double uncertainty_km = 0) {
  return {position, UnixMillis(1'790'000'000'000 + minute * 60'000), uncertainty_km};
}

TEST(Travel, WhatIsImpossible) {
  struct Row {
    const char* name;
    Whereabouts a;
    Whereabouts b;
    double kmh;  // 0: possible
  };
  // Yinchuan to Beijing is 889 km, to Helan 13 km.
  const Row rows[] = {
      {"stays", Was(kYinchuan, 0), Was(kYinchuan, 0), 0},
      {"to the next town at once", Was(kYinchuan, 0), Was(kHelan, 0), 0},
      {"an hour's flight", Was(kYinchuan, 0), Was(kBeijing, 60), 0},
      {"in half an hour", Was(kYinchuan, 0), Was(kBeijing, 30), 1525},
      {"the other way round", Was(kBeijing, 30), Was(kYinchuan, 0), 1525},
      {"two places at once", Was(kYinchuan, 0), Was(kBeijing, 0), 10'671},
      {"within the skew of clocks", Was(kYinchuan, 3), Was(kBeijing, 0), 6670},
      {"cells that are known to 250 km each", Was(kYinchuan, 0, 250), Was(kBeijing, 30, 250), 0},
      {"one that is known to 100 km", Was(kYinchuan, 0), Was(kBeijing, 30, 100), 1353},
      {"overlapping", Was(kYinchuan, 0, 800), Was(kBeijing, 0, 100), 0},
      {"across the country in a day", Was(kUrumqi, 0), Was(kBeijing, 24 * 60), 0},
      {"a negative radius is none", Was(kYinchuan, 0, -1000), Was(kHelan, 60), 0},
  };
  for (const Row& row : rows) {
    const auto kmh = ImpossibleSpeed(row.a, row.b);
    ASSERT_EQ(kmh.has_value(), row.kmh > 0) << row.name << " " << kmh.value_or(0);
    EXPECT_NEAR(kmh.value_or(0), row.kmh, row.kmh / 100) << row.name;
  }
  EXPECT_TRUE(ImpossibleSpeed(Was(kYinchuan, 0), Was(kBeijing, 60), 120));
  EXPECT_FALSE(ImpossibleSpeed(Was(kYinchuan, 0), Was(kBeijing, 24 * 60), 120));
}

TEST(Travel, TimesThatAreFarApartDoNotOverflow) {
  EXPECT_FALSE(ImpossibleSpeed({kYinchuan, UnixMillis(INT64_MIN)}, {kBeijing, UnixMillis(INT64_MAX)}));
}

RC_GTEST_PROP(TravelProperty, MoreTimeOrMoreUncertaintyNeverMakesItImpossible, ()) {
  const auto place = rc::gen::map(rc::gen::pair(rc::gen::inRange(-900'000'000, 900'000'001),
                                                rc::gen::inRange(-1'800'000'000, 1'800'000'001)),
                                  [](const auto& p) {
                                    return Position{p.first, p.second};
                                  });
  const Whereabouts a = Was(*place, 0, *rc::gen::inRange(0, 100));
  Whereabouts b = Was(*place, *rc::gen::inRange(0, 3000), *rc::gen::inRange(0, 100));
  const auto before = ImpossibleSpeed(a, b);
  RC_ASSERT(before == ImpossibleSpeed(b, a));
  b.time = UnixMillis(b.time.value + *rc::gen::inRange(0, 100'000'000));
  b.uncertainty_km += *rc::gen::inRange(0, 1000);
  if (!before) RC_ASSERT(!ImpossibleSpeed(a, b));
}

}  // namespace
}  // namespace hearth::geofence
