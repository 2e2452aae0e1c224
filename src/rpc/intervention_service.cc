#include <hearth/v1/intervention.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// How long a watch is silent at most; also how late it notices that its client has gone.
constexpr std::chrono::seconds kTokenInterval{1};
constexpr size_t kResumeTokenBytes = 4096;

class InterventionService final : public v1::InterventionService::Service {
 public:
  InterventionService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchInterventionsRequest* in,
                     grpc::ServerWriter<v1::InterventionEvent>* out) override {
    const auto body = [&](Call&) -> Status {
      if (in->resume_token().size() > kResumeTokenBytes) {
        return Error(Reason::kWatchTokenInvalid, "the resume token is longer than any of ours");
      }
      HEARTH_ASSIGN_OR_RETURN(const auto watch, head_end_.views().Watch(in->resume_token()));
      std::chrono::milliseconds timeout{
          0};  // the first message comes at once: it tells where the watch begins
      while (!context->IsCancelled()) {
        HEARTH_ASSIGN_OR_RETURN(const auto item, watch->Next(timeout));
        if (!out->Write(EventOf(item))) break;
        timeout = kTokenInterval;
      }
      return Ok();
    };
    return front_.Serve(*watch_, *context, body, CallKind::kLongStream);
  }

  grpc::Status List(grpc::ServerContext* context, const v1::ListInterventionsRequest* in,
                    v1::ListInterventionsResponse* out) override {
    return front_.Serve(*list_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto card, CardFilterFrom(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page, head_end_.views().ListInterventions(card, in->in_force_only(),
                                                                                   size, in->page().token()));
      for (const app::InterventionEvent& event : page.items) *out->add_interventions() = ToProto(event);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status Lift(grpc::ServerContext* context, const v1::LiftInterventionRequest* in,
                    v1::LiftInterventionResponse* out) override {
    return front_.Serve(*lift_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto card, ParseCardNumber(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto change, head_end_.location().Lift(request, card));
      *out->mutable_changed() = ToProto(change);
      return Ok();
    });
  }

 private:
  v1::InterventionEvent EventOf(const app::InterventionWatch::Item& item) const {
    v1::InterventionEvent message;
    if (item.event) *message.mutable_intervention() = ToProto(*item.event);
    message.set_resume_token(item.token);
    *message.mutable_pushed() = ToTimestamp(front_.clock().Now());
    return message;
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> watch_ = front_.NewMethod("InterventionService/Watch");
  const std::unique_ptr<Method> list_ = front_.NewMethod("InterventionService/List");
  const std::unique_ptr<Method> lift_ = front_.NewMethod("InterventionService/Lift");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInterventionService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<InterventionService>(front, head_end);
}

}  // namespace hearth::rpc
