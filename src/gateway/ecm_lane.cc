#include "src/gateway/ecm_lane.h"

#include <array>
#include <atomic>
#include <utility>

namespace hearth::gateway {
namespace {

// An AC record as it stands in an ECM (docs/messages.md, section 4); other bytes are nobody's criteria.
bool Says(ByteView criteria, const cas::AcRecord& access) {
  if (criteria.size() != 6) return false;
  ByteReader in(criteria);
  const bool mode = in.U8() == static_cast<uint8_t>(access.mode);
  const bool product = in.U8() == access.product;
  const bool region = in.U24() == (access.division | (access.all_but ? 0x800000U : 0U));
  return mode && product && region;
}

uint64_t NextId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

EcmLane::EcmLane(Source source) : id_(NextId()), source_(std::move(source)) {}

const app::EcmSnapshot& EcmLane::Current() const {
  struct Kept {
    uint64_t lane = 0;
    uint64_t version = 0;
    std::shared_ptr<const app::EcmSnapshot> snapshot;
  };
  thread_local Kept kept;
  const uint64_t version = source_.version();  // before the snapshot, so that no change of it is missed
  if (kept.lane != id_ || kept.version != version) kept = {id_, version, source_.snapshot()};
  return *kept.snapshot;
}

bool EcmLane::Knows(ServiceId service) const { return Current().Find(service) != nullptr; }

EcmOutcome EcmLane::Make(const EcmDemand& demand, Bytes& section) const {
  const app::EcmServiceOnAir* service = Current().Find(demand.service);
  if (service == nullptr) return EcmOutcome::kUnknownChannel;
  std::array<ByteView, 2> words;
  if (demand.words.empty() || demand.words.size() > words.size()) return EcmOutcome::kBadWord;
  for (size_t i = 0; i < demand.words.size(); ++i) words[i] = demand.words[i].cw;
  const app::EcmRequest request{.cp_number = demand.cp_number,
                                .first_cp = demand.words.front().cp,
                                .crypto_period = demand.crypto_period,
                                .words = std::span(words).first(demand.words.size())};
  const UnixMillis now = source_.now();
  if (const Status status = app::AppendEcm(*service, request, now, section); !status) {
    return status.error().reason() == Reason::kEpochNotReady ? EcmOutcome::kNoKey : EcmOutcome::kBadWord;
  }
  const bool other = demand.access_criteria && !Says(*demand.access_criteria, service->At(now).access);
  return other ? EcmOutcome::kMadeOtherCriteria : EcmOutcome::kMade;
}

}  // namespace hearth::gateway
