// Exemptions and relocations: between the messages of the API and the types of src/app. Pure functions; any
// thread.
#pragma once

#include <string_view>

#include <hearth/v1/home.pb.h>

#include "src/app/exemptions.h"
#include "src/app/relocations.h"
#include "src/base/limits.h"

namespace hearth::rpc {

// 12 digits. FIELD_INVALID "card_number".
Result<CardNumber> HomeCardFrom(std::string_view text);

struct GrantOrder {
  CardNumber card;
  app::ExemptionWish wish;
};
Result<GrantOrder> GrantFrom(const v1::GrantExemptionRequest& request, const Limits& limits);
Result<app::MoveWish> MoveFrom(const v1::RequestRelocationRequest& request, const Limits& limits);
// FIELD_INVALID: a state that has no name, a division that is none.
Result<app::HomeFilter> HomeFilterFrom(const v1::ListExemptionsRequest& request);
Result<app::HomeFilter> HomeFilterFrom(const v1::ListRelocationsRequest& request);

v1::Exemption ToProto(const app::ExemptionView& view);
v1::Relocation ToProto(const app::RelocationView& view);

}  // namespace hearth::rpc
