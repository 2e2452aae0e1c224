#include <atomic>

#include <fmt/format.h>
#include <hearth/v1/location.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/report_stream.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class LocationService final : public v1::LocationService::Service {
 public:
  LocationService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  // No actor: the report speaks for its card, by the card's MAC. Only a gateway that vouches for reports
  // without one is asked who it is.
  grpc::Status Report(grpc::ServerContext* context, const v1::ReportRequest* in,
                      v1::ReportResponse* out) override {
    return front_.Serve(*report_, *context, [&](Call& call) -> Status {
      app::Location& location = head_end_.location();
      app::Report report;
      if (Status converted = ReportFrom(*in, front_.limits(), report); !converted) {
        location.CountRefused(converted.error().reason());
        return converted;
      }
      HEARTH_ASSIGN_OR_RETURN(const auto answer,
                              location.Take(report, head_end_.gateways().Find(call.actor())));
      *out = ToProto(answer);
      return Ok();
    });
  }

  grpc::Status ReportStream(grpc::ServerContext* context, rpc::ReportStream::Stream* stream) override {
    return front_.Serve(
        *report_stream_, *context,
        [&](Call& call) -> Status {
          const Open open(streams_);
          if (open.before >= front_.limits().report_streams) {
            return Error(Reason::kOverloaded, fmt::format("{} streams of reports are open, as many as may be",
                                                          front_.limits().report_streams));
          }
          app::Gateway* const gateway = head_end_.gateways().Find(call.actor());
          return rpc::ReportStream(head_end_, front_.limits(), gateway, *context, *stream).Run();
        },
        CallKind::kLongStream);
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
  // One more open stream, until its end.
  struct Open {
    explicit Open(std::atomic<size_t>& streams) : count(streams), before(streams++) {}
    ~Open() { --count; }
    std::atomic<size_t>& count;
    const size_t before;
  };

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
  const std::unique_ptr<Method> report_stream_ = front_.NewMethod("LocationService/ReportStream");
  std::atomic<size_t> streams_{0};
  const std::unique_ptr<Method> explain_ = front_.NewMethod("LocationService/Explain");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLocationService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<LocationService>(front, head_end);
}

}  // namespace hearth::rpc
