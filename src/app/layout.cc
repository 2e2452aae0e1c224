#include "src/app/layout.h"

#include <fmt/format.h>

#include "src/base/bytes.h"
#include "src/crypto/primitives.h"

namespace hearth::app {
namespace {

ObjectKey Hashed(std::string key) {
  const store::BucketId bucket = BucketOf(key);
  return {bucket, std::move(key)};
}

ObjectKey OfSite(std::string key) { return {store::kSystemBucket, std::move(key)}; }

}  // namespace

store::BucketId BucketOf(std::string_view key) {
  return store::BucketId(static_cast<uint16_t>(crypto::Hash64(AsBytes(key)) >> 50));
}

ObjectKey AccountKey(std::string_view form_number) { return Hashed(fmt::format("account/{}", form_number)); }
ObjectKey SagaKey(std::string_view form_number) {
  return {AccountKey(form_number).bucket, fmt::format("{}{}", kSagaPrefix, form_number)};
}
ObjectKey CardKey(CardNumber card) { return Hashed(fmt::format("card/{}", ToString(card))); }
ObjectKey InterventionKey(CardNumber card, uint64_t n) {
  return {CardKey(card).bucket, fmt::format("iv/{}/{:016x}", ToString(card), n)};
}
ObjectKey ExemptionKey(CardNumber card) {
  return {CardKey(card).bucket, fmt::format("{}{}", kExemptionPrefix, ToString(card))};
}
ObjectKey RelocationKey(CardNumber card) {
  return {CardKey(card).bucket, fmt::format("{}{}", kRelocationPrefix, ToString(card))};
}
ObjectKey BoxKey(BoxSerial box) { return Hashed(fmt::format("box/{}", ToString(box))); }
ObjectKey SimKey(SimNumber sim) { return Hashed(fmt::format("sim/{}", ToString(sim))); }
ObjectKey PersonKey(std::string_view person_id) {
  return Hashed("person/" + ToHex(crypto::Sha256(AsBytes(person_id))));
}
ObjectKey RequestKey(const RequestId& id) { return Hashed("request/" + id.ToString()); }
ObjectKey TownshipKey(RegionCode township) { return Hashed(fmt::format("township/{}", ToString(township))); }
ObjectKey GroupKey(GroupId group) { return Hashed(fmt::format("group/{:08}", group.value)); }

ObjectKey BatchKey(BatchId batch) { return OfSite(fmt::format("batch/{:05}", batch.value)); }
ObjectKey ChannelKey(ServiceId service) { return OfSite(fmt::format("channel/{:05}", service.value)); }
ObjectKey PackageKey(PackageId package) { return OfSite(fmt::format("package/{:05}", package.value)); }
ObjectKey ProductKey(uint8_t product) { return OfSite(fmt::format("product/{:03}", product)); }
ObjectKey PlanHeadKey(ServiceId service) { return OfSite(fmt::format("planhead/{:05}", service.value)); }
ObjectKey PlanDayKey(ServiceId service, uint32_t day) {
  return OfSite(fmt::format("plan/{:05}/{:07}", service.value, day));
}
ObjectKey EmergencyKey(uint64_t number) { return OfSite(fmt::format("{}{:010}", kEmergencyPrefix, number)); }
ObjectKey EvictionKey(const RequestId& id) {
  return OfSite(fmt::format("{}{}", kEvictionPrefix, id.ToString()));
}
ObjectKey PolicyKey(uint32_t version) { return OfSite(fmt::format("policy/{:010}", version)); }
ObjectKey RolloutKey(uint64_t number) { return OfSite(fmt::format("rollout/{:010}", number)); }
ObjectKey AlarmKey(uint64_t number) { return OfSite(fmt::format("alarm/{:010}", number)); }
ObjectKey ServiceKeyKey(ServiceId service, uint64_t epoch) {
  return OfSite(fmt::format("svckey/{:05}/{:010}", service.value, epoch));
}
ObjectKey RegionKey(RegionCode region) { return OfSite(fmt::format("region/{}", ToString(region))); }
ObjectKey AreaKey(AreaId area) { return OfSite(fmt::format("area/{}", ToString(area))); }
ObjectKey VillageKey(geofence::PlaceCode place) { return OfSite(fmt::format("village/{}", ToString(place))); }
ObjectKey ListKey(geofence::ListKind kind, AreaId id) {
  return OfSite(fmt::format("list/{}/{}", static_cast<int>(kind), ToString(id)));
}
ObjectKey CellsKey(geofence::ListKind kind, AreaId id, uint32_t version, uint32_t chunk) {
  return OfSite(
      fmt::format("cells/{}/{}/{:010}/{:05}", static_cast<int>(kind), ToString(id), version, chunk));
}
ObjectKey SiteKey(std::string_view name) { return OfSite(fmt::format("site/{}", name)); }

}  // namespace hearth::app
