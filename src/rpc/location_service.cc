#include <hearth/v1/location.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class LocationService final : public v1::LocationService::Service {
 public:
  LocationService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  // No actor: the report speaks for its card, by the card's MAC.
  grpc::Status Report(grpc::ServerContext* context, const v1::ReportRequest* in,
                      v1::ReportResponse* out) override {
    return front_.Serve(*report_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto report, ReportFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto answer, head_end_.location().Take(report));
      *out = ToProto(answer);
      return Ok();
    });
  }

  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* in,
                       v1::ExplainResponse* out) override {
    return front_.Serve(*explain_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const CardNumber card, FindCard(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto explanation, head_end_.location().Explain(card));
      *out = ToProto(explanation);
      return Ok();
    });
  }

 private:
  Result<CardNumber> FindCard(const v1::ExplainRequest& in) {
    app::Registry& registry = head_end_.registry();
    app::AccountView view;
    switch (in.by_case()) {
      case v1::ExplainRequest::kCardNumber:
        return ParseCardNumber(in.card_number());
      case v1::ExplainRequest::kFormNumber: {
        HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(in.form_number()));
        HEARTH_ASSIGN_OR_RETURN(view, registry.Get(in.form_number()));
        return view.account.form.devices.card;
      }
      case v1::ExplainRequest::kBoxSerial: {
        HEARTH_ASSIGN_OR_RETURN(const auto box, ParseBoxSerial(in.box_serial()));
        HEARTH_ASSIGN_OR_RETURN(view, registry.GetByBox(box));
        return view.account.form.devices.card;
      }
      case v1::ExplainRequest::kSimNumber: {
        HEARTH_ASSIGN_OR_RETURN(const auto sim, ParseSimNumber(in.sim_number()));
        HEARTH_ASSIGN_OR_RETURN(view, registry.GetBySim(sim));
        return view.account.form.devices.card;
      }
      case v1::ExplainRequest::BY_NOT_SET:
        break;
    }
    return MissingField("by", "one of card_number, form_number, box_serial and sim_number");
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> report_ = front_.NewMethod("LocationService/Report");
  const std::unique_ptr<Method> explain_ = front_.NewMethod("LocationService/Explain");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLocationService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<LocationService>(front, head_end);
}

}  // namespace hearth::rpc
