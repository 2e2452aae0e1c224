// Where every object lives: its key, and the bucket that key hashes to.
//
//   bucket = hash64(key) >> 50, hash64 = first 8 bytes, big-endian, of SHA-256; vectors in tests/app
//   site-wide objects live in the system bucket
//
//   data buckets                              system bucket
//   account/<form number>                     batch/<id, 5 digits>
//   saga/<form number>      empty, beside it  channel/<service, 5 digits>
//   card/<12 digits>                          package/<id, 5 digits>
//   iv/<12 digits>/<n, 16 hex>  beside card   svckey/<service, 5 digits>/<epoch, 10 digits>
//   box/<16 digits>                           region/<code>
//   sim/<11 digits>                           area/<9 digits>
//   person/<SHA-256 of the person id, hex>    list/<kind>/<9 digits>
//   request/<uuid>   (deduplication only)     cells/<kind>/<9 digits>/<version, 10 digits>/<chunk, 5 digits>
//   township/<9 digits>                       site/clock, site/master-key, site/group-counter,
//                                             site/restore, site/survey
//   exemption/<12 digits>       beside card
//   relocation/<12 digits>      beside card
//   group/<id, 8 digits>
//                                             product/<id, 3 digits>
//                                             planhead/<service, 5 digits>
//                                             plan/<service, 5 digits>/<day since 1970, 7 digits>
//                                             emergency/<number, 10 digits>, site/emergency
//                                             village/<12 or 14 digits>
//                                             evict/<uuid>   an eviction that is under way
//                                             policy/<version, 10 digits>, rollout/<number, 10 digits>,
//                                             alarm/<number, 10 digits>
//   ~stamp                  last stamp of the bucket, in each data bucket
//
// The identity number of a person is personal data, so it is only ever a key as its hash.
#pragma once

#include <string>

#include "entitlement/account.h"
#include "geofence/cell_list.h"
#include "geofence/village.h"
#include "src/base/ids.h"
#include "src/store/store.h"

namespace hearth::app {

struct ObjectKey {
  store::BucketId bucket;
  std::string key;
};

store::BucketId BucketOf(std::string_view key);

ObjectKey AccountKey(std::string_view form_number);
ObjectKey SagaKey(std::string_view form_number);
ObjectKey CardKey(CardNumber card);
ObjectKey InterventionKey(CardNumber card, uint64_t n);
ObjectKey ExemptionKey(CardNumber card);
ObjectKey RelocationKey(CardNumber card);
ObjectKey BoxKey(BoxSerial box);
ObjectKey SimKey(SimNumber sim);
ObjectKey PersonKey(std::string_view person_id);
ObjectKey RequestKey(const RequestId& id);
ObjectKey TownshipKey(RegionCode township);
ObjectKey GroupKey(GroupId group);

ObjectKey BatchKey(BatchId batch);
ObjectKey ChannelKey(ServiceId service);
ObjectKey PackageKey(PackageId package);
ObjectKey ProductKey(uint8_t product);
ObjectKey PlanHeadKey(ServiceId service);
ObjectKey PlanDayKey(ServiceId service, uint32_t day);
ObjectKey EmergencyKey(uint64_t number);
ObjectKey EvictionKey(const RequestId& id);
ObjectKey PolicyKey(uint32_t version);
ObjectKey RolloutKey(uint64_t number);
ObjectKey AlarmKey(uint64_t number);
ObjectKey ServiceKeyKey(ServiceId service, uint64_t epoch);
ObjectKey RegionKey(RegionCode region);
ObjectKey AreaKey(AreaId area);
ObjectKey VillageKey(geofence::PlaceCode place);
ObjectKey ListKey(geofence::ListKind kind, AreaId id);
ObjectKey CellsKey(geofence::ListKind kind, AreaId id, uint32_t version, uint32_t chunk);
ObjectKey SiteKey(std::string_view name);

inline constexpr std::string_view kCardPrefix = "card/";
inline constexpr std::string_view kExemptionPrefix = "exemption/";
inline constexpr std::string_view kRelocationPrefix = "relocation/";
inline constexpr std::string_view kRolloutPrefix = "rollout/";
inline constexpr std::string_view kPolicyName =
    "policy";  // SiteKey: version in force 4, highest version 4, stamp of the last change of grace 5
inline constexpr std::string_view kSagaPrefix = "saga/";
inline constexpr std::string_view kEvictionPrefix = "evict/";
inline constexpr std::string_view kEmergencyPrefix = "emergency/";
inline constexpr std::string_view kStampKey = "~stamp";

}  // namespace hearth::app
