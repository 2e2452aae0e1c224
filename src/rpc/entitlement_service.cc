#include <set>

#include <hearth/v1/entitlement.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class EntitlementService final : public v1::EntitlementService::Service {
 public:
  EntitlementService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  // Data lane: no store and no lock on the way, so that ECMs outlive a store that has failed.
  grpc::Status IssueEcm(grpc::ServerContext* context, const v1::IssueEcmRequest* in,
                        v1::IssueEcmResponse* out) override {
    return front_.Serve(*issue_ecm_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, EcmFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto ecm, head_end_.ecm().Issue(request));
      out->set_section(ecm.section.data(), ecm.section.size());
      out->set_key_epoch(ecm.key_epoch.value);
      return Ok();
    });
  }

  grpc::Status RefreshCard(grpc::ServerContext* context, const v1::RefreshCardRequest* in,
                           v1::RefreshCardResponse* out) override {
    return front_.Serve(*refresh_card_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto card, ParseCardNumber(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto refreshed,
                              head_end_.pump().RefreshCard(request, card, front_.limits()));
      *out->mutable_changed() = ToProto(refreshed.change);
      if (refreshed.expected) *out->mutable_expected() = ToTimestamp(*refreshed.expected);
      return Ok();
    });
  }

  grpc::Status EvictCards(grpc::ServerContext* context, const v1::EvictCardsRequest* in,
                          v1::EvictCardsResponse* out) override {
    return front_.Serve(*evict_cards_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto order, EvictFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.evictions().Evict(request, order.cards));
      *out = ToProto(done, order.rate_kbps);
      return Ok();
    });
  }

  grpc::Status GetEntitlement(grpc::ServerContext* context, const v1::GetEntitlementRequest* in,
                              v1::GetEntitlementResponse* out) override {
    return front_.Serve(*get_entitlement_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto number, ParseCardNumber(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto record, head_end_.registry().Card(number));
      const entitlement::Card& card = record.value.card;
      out->set_card_number(ToString(card.number));
      out->set_standing(ToProto(card.standing));
      out->set_reason(ToProto(card.reason));
      AddPackages(card, *out);
      out->set_group(card.place.group.value);
      out->set_slot(card.place.slot);
      out->set_epoch(app::EpochPlan::Wrap(head_end_.keys().on_air()).value);
      out->set_standing_stamp(card.standing_stamp.value);
      out->set_record_stamp(card.record_stamp.value);
      HEARTH_ASSIGN_OR_RETURN(const auto delivery, head_end_.pump().DeliveryOf(number));
      *out->mutable_delivery() = ToProto(delivery);
      return Ok();
    });
  }

  grpc::Status GetCarousel(grpc::ServerContext* context, const v1::GetCarouselRequest*,
                           v1::GetCarouselResponse* out) override {
    return front_.Serve(*get_carousel_, *context, [&](Call&) -> Status {
      *out = ToProto(head_end_.pump().air());
      *out->mutable_time() = ToTimestamp(front_.clock().Now());
      *out->mutable_bounded() = ToTimestamp(head_end_.pump().BoundedByEpoch());
      return Ok();
    });
  }

 private:
  // A card in an account gets the packages of its home's province, unless it was evicted.
  void AddPackages(const entitlement::Card& card, v1::GetEntitlementResponse& out) {
    if (card.village.value == 0 || entitlement::IsEvicted(card)) return;
    const RegionCode province = Ancestor(card.village, RegionLevel::kProvince);
    std::set<ServiceId> services;
    for (const auto& package : head_end_.keys().PackagesOf(static_cast<uint16_t>(province.value))) {
      out.add_package_ids(package.id.value);
      services.insert(package.services.begin(), package.services.end());
    }
    for (const ServiceId service : services) out.add_service_ids(service.value);
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> issue_ecm_ = front_.NewMethod("EntitlementService/IssueEcm");
  const std::unique_ptr<Method> refresh_card_ = front_.NewMethod("EntitlementService/RefreshCard");
  const std::unique_ptr<Method> get_carousel_ = front_.NewMethod("EntitlementService/GetCarousel");
  const std::unique_ptr<Method> evict_cards_ = front_.NewMethod("EntitlementService/EvictCards");
  const std::unique_ptr<Method> get_entitlement_ = front_.NewMethod("EntitlementService/GetEntitlement");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEntitlementService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<EntitlementService>(front, head_end);
}

}  // namespace hearth::rpc
