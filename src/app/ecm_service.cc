#include "src/app/ecm_service.h"

#include <fmt/format.h>

namespace hearth::app {
namespace {

cas::AcRecord ToRecord(const entitlement::Criteria& criteria) {
  return {.mode = static_cast<cas::AcMode>(criteria.mode),
          .product = criteria.product,
          .division = criteria.division,
          .all_but = criteria.division_except};
}

}  // namespace

Result<Ecm> EcmService::Issue(const EcmRequest& request) const {
  const auto snapshot = keys_.ecm_snapshot();
  ServiceId service;
  if (const auto* name = std::get_if<std::string>(&request.channel)) {
    const auto it = snapshot->by_name.find(*name);
    if (it == snapshot->by_name.end()) {
      return Error(Reason::kChannelUnknown, fmt::format("no channel is called \"{}\"", name->substr(0, 64)));
    }
    service = it->second;
  } else {
    service = std::get<ServiceId>(request.channel);
  }
  const auto it = snapshot->services.find(service);
  if (it == snapshot->services.end()) {
    return Error(Reason::kChannelUnknown, fmt::format("service {} is no channel", service.value));
  }
  const size_t count = request.control_words.size();
  if (count != 1 && count != 2) {
    return Error(Reason::kControlWordInvalid, fmt::format("{} control words", count));
  }
  const ServiceOnAir& on_air = it->second;
  cas::Ecm ecm{.odd = request.cp_number % 2 == 1,
               .service = service,
               .key_epoch = on_air.key_epoch,
               .utc = MessageSeconds(clock_.OnAir()),
               .ac_id = service.value,
               .words = {}};
  for (const Bytes& word : request.control_words) {
    HEARTH_ASSIGN_OR_RETURN(auto control_word, cas::ControlWord::Create(word));
    if (word.size() != request.control_words.front().size()) {
      return Error(Reason::kControlWordInvalid, "control words of different lengths");
    }
    ecm.words.push_back({.access = ToRecord(on_air.channel.criteria), .word = std::move(control_word)});
  }
  HEARTH_ASSIGN_OR_RETURN(Bytes section, cas::EncodeEcm(ecm, on_air.ecm_key));
  return Ecm{.section = std::move(section), .key_epoch = on_air.key_epoch};
}

}  // namespace hearth::app
