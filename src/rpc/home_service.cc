#include <hearth/v1/home.grpc.pb.h>

#include "src/rpc/convert_home.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class HomeService final : public v1::HomeService::Service {
 public:
  HomeService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status ReportExemption(grpc::ServerContext* context, const v1::ExemptionStepRequest* in,
                               v1::ExemptionResponse* out) override {
    return Step(*report_, *context, *in, *out, &app::Exemptions::Report);
  }
  grpc::Status ConfirmExemption(grpc::ServerContext* context, const v1::ExemptionStepRequest* in,
                                v1::ExemptionResponse* out) override {
    return Step(*confirm_, *context, *in, *out, &app::Exemptions::Confirm);
  }
  grpc::Status CollectExemption(grpc::ServerContext* context, const v1::ExemptionStepRequest* in,
                                v1::ExemptionResponse* out) override {
    return Step(*collect_, *context, *in, *out, &app::Exemptions::Collect);
  }
  grpc::Status RefuseExemption(grpc::ServerContext* context, const v1::ExemptionStepRequest* in,
                               v1::ExemptionResponse* out) override {
    return Step(*refuse_, *context, *in, *out, &app::Exemptions::Refuse);
  }
  grpc::Status RevokeExemption(grpc::ServerContext* context, const v1::ExemptionStepRequest* in,
                               v1::ExemptionResponse* out) override {
    return Step(*revoke_, *context, *in, *out, &app::Exemptions::Revoke);
  }

  grpc::Status GrantExemption(grpc::ServerContext* context, const v1::GrantExemptionRequest* in,
                              v1::ExemptionResponse* out) override {
    return front_.Serve(*grant_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto order, GrantFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      return Fill(head_end_.exemptions().Grant(request, order.card, order.wish), *out);
    });
  }

  grpc::Status GetExemption(grpc::ServerContext* context, const v1::GetExemptionRequest* in,
                            v1::ExemptionResponse* out) override {
    return front_.Serve(*get_exemption_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const CardNumber card, HomeCardFrom(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto view, head_end_.exemptions().Get(card));
      *out->mutable_exemption() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status ListExemptions(grpc::ServerContext* context, const v1::ListExemptionsRequest* in,
                              v1::ListExemptionsResponse* out) override {
    return front_.Serve(*list_exemptions_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto filter, HomeFilterFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page, head_end_.exemptions().List(filter, size, in->page().token()));
      for (const app::ExemptionView& view : page.items) *out->add_exemptions() = ToProto(view);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status RequestRelocation(grpc::ServerContext* context, const v1::RequestRelocationRequest* in,
                                 v1::RelocationResponse* out) override {
    return front_.Serve(*ask_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto wish, MoveFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      return Fill(head_end_.relocations().Ask(request, wish), *out);
    });
  }
  grpc::Status ApproveRelocation(grpc::ServerContext* context, const v1::RelocationStepRequest* in,
                                 v1::RelocationResponse* out) override {
    return Step(*approve_, *context, *in, *out, &app::Relocations::Approve);
  }
  grpc::Status CancelRelocation(grpc::ServerContext* context, const v1::RelocationStepRequest* in,
                                v1::RelocationResponse* out) override {
    return Step(*cancel_, *context, *in, *out, &app::Relocations::Cancel);
  }

  grpc::Status GetRelocation(grpc::ServerContext* context, const v1::GetRelocationRequest* in,
                             v1::RelocationResponse* out) override {
    return front_.Serve(*get_relocation_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const CardNumber card, HomeCardFrom(in->card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto view, head_end_.relocations().Get(card));
      *out->mutable_relocation() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status ListRelocations(grpc::ServerContext* context, const v1::ListRelocationsRequest* in,
                               v1::ListRelocationsResponse* out) override {
    return front_.Serve(*list_relocations_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto filter, HomeFilterFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.relocations().List(filter, size, in->page().token()));
      for (const app::RelocationView& view : page.items) *out->add_relocations() = ToProto(view);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

 private:
  using ExemptionStep = Result<app::ExemptionChanged> (app::Exemptions::*)(const app::Request&, CardNumber);
  using RelocationStep = Result<app::RelocationChanged> (app::Relocations::*)(const app::Request&,
                                                                              CardNumber);

  static Status Fill(const Result<app::ExemptionChanged>& done, v1::ExemptionResponse& out) {
    if (!done) return done.error();
    *out.mutable_changed() = ToProto(done->change);
    *out.mutable_exemption() = ToProto(done->view);
    return Ok();
  }
  static Status Fill(const Result<app::RelocationChanged>& done, v1::RelocationResponse& out) {
    if (!done) return done.error();
    *out.mutable_changed() = ToProto(done->change);
    *out.mutable_relocation() = ToProto(done->view);
    return Ok();
  }

  grpc::Status Step(Method& method, grpc::ServerContext& context, const v1::ExemptionStepRequest& in,
                    v1::ExemptionResponse& out, ExemptionStep step) {
    return front_.Serve(method, context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const CardNumber card, HomeCardFrom(in.card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(in));
      return Fill((head_end_.exemptions().*step)(request, card), out);
    });
  }
  grpc::Status Step(Method& method, grpc::ServerContext& context, const v1::RelocationStepRequest& in,
                    v1::RelocationResponse& out, RelocationStep step) {
    return front_.Serve(method, context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const CardNumber card, HomeCardFrom(in.card_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(in));
      return Fill((head_end_.relocations().*step)(request, card), out);
    });
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> report_ = front_.NewMethod("HomeService/ReportExemption");
  const std::unique_ptr<Method> confirm_ = front_.NewMethod("HomeService/ConfirmExemption");
  const std::unique_ptr<Method> collect_ = front_.NewMethod("HomeService/CollectExemption");
  const std::unique_ptr<Method> grant_ = front_.NewMethod("HomeService/GrantExemption");
  const std::unique_ptr<Method> refuse_ = front_.NewMethod("HomeService/RefuseExemption");
  const std::unique_ptr<Method> revoke_ = front_.NewMethod("HomeService/RevokeExemption");
  const std::unique_ptr<Method> get_exemption_ = front_.NewMethod("HomeService/GetExemption");
  const std::unique_ptr<Method> list_exemptions_ = front_.NewMethod("HomeService/ListExemptions");
  const std::unique_ptr<Method> ask_ = front_.NewMethod("HomeService/RequestRelocation");
  const std::unique_ptr<Method> approve_ = front_.NewMethod("HomeService/ApproveRelocation");
  const std::unique_ptr<Method> cancel_ = front_.NewMethod("HomeService/CancelRelocation");
  const std::unique_ptr<Method> get_relocation_ = front_.NewMethod("HomeService/GetRelocation");
  const std::unique_ptr<Method> list_relocations_ = front_.NewMethod("HomeService/ListRelocations");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeHomeService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<HomeService>(front, head_end);
}

}  // namespace hearth::rpc
