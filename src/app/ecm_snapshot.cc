#include "src/app/ecm_snapshot.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hearth::app {

const EcmTerms& EcmServiceOnAir::At(UnixMillis instant) const {
  const auto next = std::upper_bound(terms.begin(), terms.end(), instant,
                                     [](UnixMillis at, const EcmTerms& t) { return at < t.from; });
  return *std::prev(next);
}

const EcmKey* EcmServiceOnAir::KeyInUse() const {
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const EcmKey& k) { return k.epoch == epoch; });
  return key == keys.end() ? nullptr : &*key;
}

const EcmServiceOnAir* EcmSnapshot::Find(ServiceId service) const {
  const auto found =
      std::lower_bound(services.begin(), services.end(), service,
                       [](const EcmServiceOnAir& s, ServiceId wanted) { return s.service < wanted; });
  return found == services.end() || found->service != service ? nullptr : &*found;
}

const EcmServiceOnAir* EcmSnapshot::Find(std::string_view channel) const {
  const auto found = std::find_if(services.begin(), services.end(),
                                  [&](const EcmServiceOnAir& s) { return s.channel == channel; });
  return found == services.end() ? nullptr : &*found;
}

Status AppendEcm(const EcmServiceOnAir& service, const EcmRequest& request, UnixMillis now, Bytes& out) {
  std::array<cas::EcmWordView, 2> words;
  if (request.words.empty() || request.words.size() > words.size()) {
    return Error(Reason::kControlWordInvalid, fmt::format("{} control words", request.words.size()));
  }
  const EcmKey* key = service.KeyInUse();
  if (key == nullptr) {
    return Error(Reason::kEpochNotReady,
                 fmt::format("service {} has no key of epoch {}", service.service.value, service.epoch));
  }
  uint16_t ac_id = 0;
  for (size_t i = 0; i < request.words.size(); ++i) {
    const auto ahead = static_cast<int16_t>(request.first_cp + i - request.cp_number);
    const UnixMillis begins(now.value + ahead * request.crypto_period.count());
    const EcmTerms& terms = service.At(begins);
    // The section names one: that of its first word.
    if (i == 0) ac_id = terms.ac_id;
    words[i] = {.access = terms.access, .word = request.words[i]};
  }
  const cas::EcmHead head{.odd = request.first_cp % 2 == 1,
                          .service = service.service,
                          .key_epoch = Epoch(static_cast<uint16_t>(key->epoch)),
                          .utc = MessageSeconds(now),
                          .ac_id = ac_id};
  return cas::AppendEcm(head, std::span(words).first(request.words.size()), key->key, out);
}

}  // namespace hearth::app
