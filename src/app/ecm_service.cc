#include "src/app/ecm_service.h"

namespace hearth::app {

Result<Ecm> EcmService::Issue(const EcmOrder& order) const {
  const auto now_on_air = snapshot();
  const EcmServiceOnAir* service =
      std::visit([&](const auto& channel) { return now_on_air->Find(channel); }, order.channel);
  if (service == nullptr) return UnknownChannel(order.channel);
  const std::vector<ByteView> words(order.control_words.begin(), order.control_words.end());
  Ecm ecm{.section = {}, .key_epoch = EpochPlan::Wrap(service->epoch)};
  HEARTH_RETURN_IF_ERROR(Make(*service,
                              {.cp_number = order.cp_number,
                               .first_cp = order.cp_number,
                               .crypto_period = order.crypto_period,
                               .words = words},
                              ecm.section));
  return ecm;
}

}  // namespace hearth::app
