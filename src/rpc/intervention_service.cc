#include <fmt/format.h>
#include <hearth/v1/intervention.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/convert_rollout.h"
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
      HEARTH_ASSIGN_OR_RETURN(const auto filter, FilterFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto watch, head_end_.views().Watch(in->resume_token()));
      std::chrono::milliseconds timeout{
          0};  // the first message comes at once: it tells where the watch begins
      std::chrono::steady_clock::time_point written;
      while (!context->IsCancelled()) {
        HEARTH_ASSIGN_OR_RETURN(auto item, watch->Next(timeout));
        timeout = kTokenInterval;
        if (item.event && !filter.Has(*item.event)) {
          // Its position goes with a later message, so a watch of a quiet county in a storm elsewhere is
          // cheap.
          if (std::chrono::steady_clock::now() - written < kTokenInterval) continue;
          item.event.reset();
        }
        if (!out->Write(EventOf(item))) break;
        written = std::chrono::steady_clock::now();
      }
      return Ok();
    };
    return front_.Serve(*watch_, *context, body, CallKind::kLongStream);
  }

  grpc::Status List(grpc::ServerContext* context, const v1::ListInterventionsRequest* in,
                    v1::ListInterventionsResponse* out) override {
    return front_.Serve(*list_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(auto filter, FilterFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(filter.card, CardFilterFrom(in->card_number()));
      filter.in_force_only = in->in_force_only();
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.views().ListInterventions(filter, size, in->page().token()));
      for (const app::InterventionEvent& event : page.items) {
        v1::Intervention& row = *out->add_interventions();
        row = ToProto(event);
        if (event.record.intervention.state != intervention::InterventionState::kInForce) continue;
        // A card that has left the stock meanwhile has no delivery.
        const auto delivery = head_end_.pump().DeliveryOf(event.record.intervention.card);
        if (delivery) row.set_delivery(v1::DeliveryState_Name(ToProto(*delivery).state()));
      }
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status ListHeld(grpc::ServerContext* context, const v1::ListHeldRequest* in,
                        v1::ListHeldResponse* out) override {
    return front_.Serve(*list_held_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto area, AreaFilterFrom(in->area_id()));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page, head_end_.held().List(area, size, in->page().token()));
      for (const app::InterventionEvent& event : page.items) *out->add_interventions() = ToProto(event);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status Release(grpc::ServerContext* context, const v1::DecideHeldRequest* in,
                       v1::DecideHeldResponse* out) override {
    return DecideHeld(*release_, *context, *in, *out, true);
  }
  grpc::Status Drop(grpc::ServerContext* context, const v1::DecideHeldRequest* in,
                    v1::DecideHeldResponse* out) override {
    return DecideHeld(*drop_, *context, *in, *out, false);
  }

  grpc::Status ListSuccessors(grpc::ServerContext* context, const v1::ListSuccessorsRequest* in,
                              v1::ListSuccessorsResponse* out) override {
    return front_.Serve(*list_successors_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto filter, SuccessorFilterFrom(in->area_id(), in->division()));
      HEARTH_ASSIGN_OR_RETURN(const auto successors, head_end_.held().Successors(filter));
      for (const app::Successor& successor : successors) *out->add_successors() = ToProto(successor);
      return Ok();
    });
  }

  grpc::Status AcceptSuccessors(grpc::ServerContext* context, const v1::AcceptSuccessorsRequest* in,
                                v1::AcceptSuccessorsResponse* out) override {
    return front_.Serve(*accept_successors_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(auto filter, SuccessorFilterFrom(in->area_id(), in->division()));
      FieldErrors errors(front_.limits());
      for (int i = 0; i < in->cells_size(); ++i) {
        filter.cells.push_back(
            errors.Take(geofence::ParseCell(in->cells(i), "cells[" + std::to_string(i) + "]")));
      }
      HEARTH_RETURN_IF_ERROR(errors.status());
      HEARTH_ASSIGN_OR_RETURN(const auto accepted, head_end_.held().Accept(request, filter));
      *out = ToProto(accepted);
      return Ok();
    });
  }

  grpc::Status ListAlarms(grpc::ServerContext* context, const v1::ListAlarmsRequest* in,
                          v1::ListAlarmsResponse* out) override {
    return front_.Serve(*list_alarms_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.alarms().List(in->open_only(), size, in->page().token()));
      for (const records::Alarm& alarm : page.items) *out->add_alarms() = ToProto(alarm);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status CloseAlarm(grpc::ServerContext* context, const v1::CloseAlarmRequest* in,
                          v1::CloseAlarmResponse* out) override {
    return front_.Serve(*close_alarm_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto change, head_end_.alarms().Close(request, in->number()));
      *out->mutable_changed() = ToProto(change);
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
  // What the watch and the list have in common.
  template <typename Request>
  Result<app::InterventionFilter> FilterFrom(const Request& in) const {
    app::InterventionFilter filter;
    FieldErrors errors(front_.limits());
    filter.division = errors.Take(PlainDivisionFrom(in.division(), "division"));
    for (int i = 0; i < in.kinds_size(); ++i) {
      const bool known =
          v1::InterventionKind_IsValid(in.kinds(i)) && in.kinds(i) != v1::INTERVENTION_KIND_UNSPECIFIED;
      errors.Require(known, fmt::format("kinds[{}]", i), "a kind of intervention, such as SWITCH_OFF");
      if (known) filter.kinds.push_back(static_cast<app::InterventionKind>(in.kinds(i)));
    }
    HEARTH_RETURN_IF_ERROR(errors.status());
    return filter;
  }

  grpc::Status DecideHeld(Method& method, grpc::ServerContext& context, const v1::DecideHeldRequest& in,
                          v1::DecideHeldResponse& out, bool release) {
    return front_.Serve(method, context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(in));
      FieldErrors errors(front_.limits());
      std::vector<CardNumber> cards;
      for (const std::string& card : in.card_numbers()) cards.push_back(errors.Take(ParseCardNumber(card)));
      HEARTH_RETURN_IF_ERROR(errors.status());
      HEARTH_ASSIGN_OR_RETURN(const auto rows, head_end_.held().Decide(request, cards, release));
      AddRows(rows, *out.mutable_rows());
      for (const app::RowResult& row : rows) {
        const bool refused = row.outcome == app::RowOutcome::kRefused;
        refused ? out.set_refused(out.refused() + 1) : out.set_done(out.done() + 1);
      }
      return Ok();
    });
  }

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
  const std::unique_ptr<Method> list_held_ = front_.NewMethod("InterventionService/ListHeld");
  const std::unique_ptr<Method> release_ = front_.NewMethod("InterventionService/Release");
  const std::unique_ptr<Method> drop_ = front_.NewMethod("InterventionService/Drop");
  const std::unique_ptr<Method> list_successors_ = front_.NewMethod("InterventionService/ListSuccessors");
  const std::unique_ptr<Method> accept_successors_ = front_.NewMethod("InterventionService/AcceptSuccessors");
  const std::unique_ptr<Method> list_alarms_ = front_.NewMethod("InterventionService/ListAlarms");
  const std::unique_ptr<Method> close_alarm_ = front_.NewMethod("InterventionService/CloseAlarm");
  const std::unique_ptr<Method> lift_ = front_.NewMethod("InterventionService/Lift");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInterventionService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<InterventionService>(front, head_end);
}

}  // namespace hearth::rpc
