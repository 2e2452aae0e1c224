#include "src/gateway/ecm_lane.h"

#include <array>

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

}  // namespace

bool EcmLane::Knows(ServiceId service) const { return source_.snapshot()->Find(service) != nullptr; }

EcmOutcome EcmLane::Make(const EcmDemand& demand, Bytes& section) const {
  const auto snapshot = source_.snapshot();
  const app::EcmServiceOnAir* service = snapshot->Find(demand.service);
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
