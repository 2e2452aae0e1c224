#include "src/app/ecm_seal.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/crypto/primitives.h"

namespace hearth::app {
namespace {

constexpr std::string_view kMagic = "HEARTHE1";
constexpr std::string_view kKeyPurpose = "lane-service";
constexpr std::string_view kSealPurpose = "lane-file";

Bytes KeyId(ServiceId service, uint64_t epoch) {
  ByteWriter out(10);
  out.U16(service.value).U64(epoch);
  return std::move(out).Take();
}

void PutShort(ByteWriter& out, ByteView bytes) { out.U8(bytes.size()).Put(bytes); }

void PutTerms(ByteWriter& out, const EcmTerms& terms) {
  out.U64(static_cast<uint64_t>(terms.from.value)).U8(static_cast<uint8_t>(terms.access.mode));
  out.U8(terms.access.product).U8(terms.access.all_but ? 1 : 0).U8(0).U32(terms.access.division);
  out.U16(terms.ac_id);
}

EcmTerms ReadTerms(ByteReader& in) {
  EcmTerms terms;
  terms.from = UnixMillis(static_cast<int64_t>(in.U64()));
  terms.access.mode = static_cast<cas::AcMode>(in.U8());
  terms.access.product = in.U8();
  terms.access.all_but = in.U8() == 1;
  in.U8();
  terms.access.division = in.U32();
  terms.ac_id = in.U16();
  return terms;
}

Error Damaged(std::string_view what) {
  return Error(Reason::kLaneFileInvalid, fmt::format("the file for ECM lanes is {}", what));
}

// `in` is under the seal, so that what it says is what was written.
Result<EcmServiceOnAir> ReadService(ByteReader& in, const crypto::MasterKey& lane_key) {
  EcmServiceOnAir service;
  service.service = ServiceId(in.U16());
  service.channel = std::string(AsChars(in.Take(in.U8())));
  const uint32_t terms = in.U32();
  for (uint32_t i = 0; i < terms && in.ok(); ++i) service.terms.push_back(ReadTerms(in));
  const uint8_t keys = in.U8();
  for (uint8_t i = 0; i < keys && in.ok(); ++i) {
    const uint64_t epoch = in.U64();
    const ByteView wrapped = in.Take(in.U8());
    if (!in.ok()) break;
    HEARTH_ASSIGN_OR_RETURN(auto key, lane_key.Unwrap(kKeyPurpose, KeyId(service.service, epoch), wrapped));
    HEARTH_ASSIGN_OR_RETURN(auto siv, crypto::EcmSiv(crypto::ServiceKey(std::move(key))));
    service.keys.push_back({.epoch = epoch, .key = std::move(siv)});
  }
  if (!in.ok() || service.terms.empty() || service.keys.empty()) return Damaged("cut short");
  return service;
}

}  // namespace

Result<Bytes> SealLane(const LaneHead& head, const EcmSnapshot& snapshot,
                       const std::vector<ServiceEpochKey>& keys, const crypto::MasterKey& lane_key) {
  ByteWriter out(4096);
  out.Put(AsBytes(kMagic)).U64(head.generation).U64(static_cast<uint64_t>(head.written.value));
  out.U64(static_cast<uint64_t>(head.plan.zero.value)).U64(static_cast<uint64_t>(head.plan.length.count()));
  out.U64(static_cast<uint64_t>(head.plan.lead.count())).U64(head.usable).U32(snapshot.services.size());
  for (const EcmServiceOnAir& service : snapshot.services) {
    out.U16(service.service.value);
    PutShort(out, AsBytes(std::string_view(service.channel).substr(0, 255)));
    out.U32(service.terms.size());
    for (const EcmTerms& terms : service.terms) PutTerms(out, terms);
    const size_t count_at = out.size();
    out.U8(0);
    uint8_t count = 0;
    for (const ServiceEpochKey& key : keys) {
      if (key.service != service.service) continue;
      HEARTH_ASSIGN_OR_RETURN(const Bytes wrapped,
                              lane_key.Wrap(kKeyPurpose, KeyId(key.service, key.epoch), key.key));
      PutShort(out.U64(key.epoch), wrapped);
      ++count;
    }
    out.PatchU(count_at, count, 1);
  }
  HEARTH_ASSIGN_OR_RETURN(const Bytes seal,
                          lane_key.Wrap(kSealPurpose, crypto::Sha256(out.bytes()), crypto::Key128()));
  PutShort(out, seal);
  return std::move(out).Take();
}

Result<Lane> OpenLane(ByteView file, const crypto::MasterKey& lane_key, UnixMillis now) {
  ByteReader in(file);
  if (AsChars(in.Take(kMagic.size())) != kMagic) return Damaged("of another format");
  HEARTH_ASSIGN_OR_RETURN(const Bytes model,
                          lane_key.Wrap(kSealPurpose, crypto::Digest256{}, crypto::Key128()));
  const size_t seal_bytes = model.size() + 1;
  if (file.size() < seal_bytes) return Damaged("cut short");
  const ByteView body = file.first(file.size() - seal_bytes);
  // Before anything else is believed.
  HEARTH_ASSIGN_OR_RETURN(const auto sealed,
                          lane_key.Unwrap(kSealPurpose, crypto::Sha256(body), file.last(seal_bytes - 1)));
  if (!sealed.IsZero()) return Damaged("not sealed");
  in = ByteReader(body.subspan(kMagic.size()));
  Lane lane;
  lane.head.generation = in.U64();
  lane.head.written = UnixMillis(static_cast<int64_t>(in.U64()));
  lane.head.plan.zero = UnixMillis(static_cast<int64_t>(in.U64()));
  lane.head.plan.length = std::chrono::milliseconds(static_cast<int64_t>(in.U64()));
  lane.head.plan.lead = std::chrono::milliseconds(static_cast<int64_t>(in.U64()));
  lane.head.usable = in.U64();
  if (lane.head.plan.length.count() <= 0) return Damaged("without epochs");
  const uint32_t services = in.U32();
  lane.holds_through = UINT64_MAX;
  for (uint32_t i = 0; i < services && in.ok(); ++i) {
    HEARTH_ASSIGN_OR_RETURN(auto service, ReadService(in, lane_key));
    // With a clock that is wrong by epochs an ECM of the nearest key is better than none.
    service.epoch = std::clamp(lane.head.EpochAt(now), service.keys.front().epoch, service.keys.back().epoch);
    lane.holds_from = std::max(lane.holds_from, service.keys.front().epoch);
    lane.holds_through = std::min(lane.holds_through, service.keys.back().epoch);
    lane.snapshot.services.push_back(std::move(service));
  }
  if (!in.done()) return Damaged("cut short");
  if (services == 0) lane.holds_through = lane.head.usable;
  return lane;
}

}  // namespace hearth::app
