#include <hearth/v1/rollout.grpc.pb.h>

#include "src/base/mutex.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/convert_rollout.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// Cards in one message of ListAffected: some 100 KB.
constexpr int kCardsPerMessage = 1000;

// The messages of one Propose call.
class Proposal {
 public:
  explicit Proposal(const Limits& limits) : limits_(limits) {}

  Status Take(const v1::ProposeRequest& message) {
    switch (message.part_case()) {
      case v1::ProposeRequest::kHeader: {
        if (change_) return InvalidField("header", "once, in the first message");
        HEARTH_ASSIGN_OR_RETURN(wanted_, WantedChangeFrom(message.header(), limits_));
        change_ = message.header().change();
        v1::ProposeHeader content(message.header());
        content.mutable_change()->clear_request_id();
        content_ = Call::ContentOf(content);
        return Ok();
      }
      case v1::ProposeRequest::kCells:
        if (!change_) return MissingField("header", "in the first message");
        // How the cells are spread over messages is not part of the content.
        for (const std::string& cell : message.cells().cells()) {
          content_ += std::to_string(message.cells().list()) + ' ' + cell + '\n';
        }
        return AddCells(message.cells(), limits_, wanted_);
      case v1::ProposeRequest::PART_NOT_SET:
        break;
    }
    return MissingField("part", "header or cells");
  }

  // Null before the header came.
  const v1::Change* change() const { return change_ ? &*change_ : nullptr; }
  const std::string& content() const { return content_; }
  const app::WantedChange& wanted() const { return wanted_; }

 private:
  const Limits& limits_;
  std::optional<v1::Change> change_;
  app::WantedChange wanted_;
  std::string content_;
};

class RolloutService final : public v1::RolloutService::Service {
 public:
  RolloutService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status Propose(grpc::ServerContext* context, grpc::ServerReader<v1::ProposeRequest>* in,
                       v1::RolloutResponse* out) override {
    return front_.Serve(*propose_, *context, [&](Call& call) -> Status {
      Proposal proposal(front_.limits());
      v1::ProposeRequest message;
      while (in->Read(&message)) HEARTH_RETURN_IF_ERROR(proposal.Take(message));
      if (proposal.change() == nullptr) return MissingField("header", "in the first message");
      // A broken stream ends as a complete one does; half a list must never be proposed.
      if (context->IsCancelled()) return Error(Reason::kFieldMissing, "the stream broke off before its end");
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*proposal.change(), proposal.content()));
      return Fill(head_end_.rollouts().Propose(request, proposal.wanted()), *out);
    });
  }

  grpc::Status Preview(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                       v1::RolloutResponse* out) override {
    return Step(*preview_, *context, *in, *out, &app::Rollouts::Preview);
  }
  grpc::Status Advance(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                       v1::RolloutResponse* out) override {
    return Step(*advance_, *context, *in, *out, &app::Rollouts::Advance);
  }
  grpc::Status Stop(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                    v1::RolloutResponse* out) override {
    return Step(*stop_, *context, *in, *out, &app::Rollouts::Stop);
  }
  grpc::Status Resume(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                      v1::RolloutResponse* out) override {
    return Step(*resume_, *context, *in, *out, &app::Rollouts::Resume);
  }
  grpc::Status Withdraw(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                        v1::RolloutResponse* out) override {
    return Step(*withdraw_, *context, *in, *out, &app::Rollouts::Withdraw);
  }
  grpc::Status Undo(grpc::ServerContext* context, const v1::RolloutStepRequest* in,
                    v1::RolloutResponse* out) override {
    return Step(*undo_, *context, *in, *out, &app::Rollouts::Undo);
  }

  grpc::Status Activate(grpc::ServerContext* context, const v1::ActivateRolloutRequest* in,
                        v1::RolloutResponse* out) override {
    return front_.Serve(*activate_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto staging, StagingFrom(*in, front_.limits()));
      return Fill(head_end_.rollouts().Activate(request, in->number(), staging), *out);
    });
  }

  grpc::Status ListAffected(grpc::ServerContext* context, const v1::ListAffectedRequest* in,
                            grpc::ServerWriter<v1::AffectedCards>* out) override {
    return front_.Serve(*list_affected_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto area, AreaFilterFrom(in->area_id()));
      std::vector<app::AffectedCard> cards;
      HEARTH_RETURN_IF_ERROR(head_end_.rollouts().Affected(
          in->number(), area, [&](const app::AffectedCard& card) { cards.push_back(card); }));
      std::sort(cards.begin(), cards.end(), [](const auto& a, const auto& b) {
        return std::pair(a.area, a.card) < std::pair(b.area, b.card);
      });
      v1::AffectedCards message;
      for (const app::AffectedCard& card : cards) {
        *message.add_cards() = ToProto(card, head_end_.column().cells());
        if (message.cards_size() < kCardsPerMessage) continue;
        if (!out->Write(message)) return Ok();
        message.clear_cards();
      }
      if (message.cards_size() > 0) out->Write(message);
      return Ok();
    });
  }

  grpc::Status Get(grpc::ServerContext* context, const v1::GetRolloutRequest* in,
                   v1::RolloutResponse* out) override {
    return front_.Serve(*get_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(auto view, head_end_.rollouts().Get(in->number()));
      if (in->preview() && !intervention::IsOver(view.rollout.state)) {
        HEARTH_ASSIGN_OR_RETURN(view, head_end_.rollouts().Counted(in->number()));
      }
      *out->mutable_rollout() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status List(grpc::ServerContext* context, const v1::ListRolloutsRequest* in,
                    v1::ListRolloutsResponse* out) override {
    return front_.Serve(*list_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.rollouts().List(in->open_only(), size, in->page().token()));
      for (const app::RolloutView& view : page.items) *out->add_rollouts() = ToProto(view);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status GetPolicy(grpc::ServerContext* context, const v1::GetPolicyRequest*,
                         v1::GetPolicyResponse* out) override {
    return front_.Serve(*get_policy_, *context, [&](Call&) -> Status {
      *out->mutable_policy() = ToProto(head_end_.geo().snapshot()->policy);
      return Ok();
    });
  }

 private:
  using StepFunction = Result<app::RolloutChanged> (app::Rollouts::*)(const app::Request&, uint64_t);

  static Status Fill(const Result<app::RolloutChanged>& done, v1::RolloutResponse& out) {
    if (!done) return done.error();
    *out.mutable_changed() = ToProto(done->change);
    *out.mutable_rollout() = ToProto(done->view);
    return Ok();
  }

  grpc::Status Step(Method& method, grpc::ServerContext& context, const v1::RolloutStepRequest& in,
                    v1::RolloutResponse& out, StepFunction step) {
    return front_.Serve(method, context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(in));
      return Fill((head_end_.rollouts().*step)(request, in.number()), out);
    });
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> propose_ = front_.NewMethod("RolloutService/Propose");
  const std::unique_ptr<Method> preview_ = front_.NewMethod("RolloutService/Preview");
  const std::unique_ptr<Method> list_affected_ = front_.NewMethod("RolloutService/ListAffected");
  const std::unique_ptr<Method> activate_ = front_.NewMethod("RolloutService/Activate");
  const std::unique_ptr<Method> advance_ = front_.NewMethod("RolloutService/Advance");
  const std::unique_ptr<Method> stop_ = front_.NewMethod("RolloutService/Stop");
  const std::unique_ptr<Method> resume_ = front_.NewMethod("RolloutService/Resume");
  const std::unique_ptr<Method> withdraw_ = front_.NewMethod("RolloutService/Withdraw");
  const std::unique_ptr<Method> undo_ = front_.NewMethod("RolloutService/Undo");
  const std::unique_ptr<Method> get_ = front_.NewMethod("RolloutService/Get");
  const std::unique_ptr<Method> list_ = front_.NewMethod("RolloutService/List");
  const std::unique_ptr<Method> get_policy_ = front_.NewMethod("RolloutService/GetPolicy");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRolloutService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<RolloutService>(front, head_end);
}

}  // namespace hearth::rpc
