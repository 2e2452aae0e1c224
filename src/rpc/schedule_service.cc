#include <hearth/v1/schedule.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class ScheduleService final : public v1::ScheduleService::Service {
 public:
  ScheduleService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status ImportChannels(grpc::ServerContext* context, const v1::ImportChannelsRequest* in,
                              v1::ImportChannelsResponse* out) override {
    return front_.Serve(*import_channels_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(CheckRows(in->rows(), front_.limits()));
      std::vector<app::ChannelRow> rows;
      rows.reserve(static_cast<size_t>(in->rows_size()));
      for (const v1::ChannelRow& row : in->rows()) {
        rows.push_back({.line = row.line(), .channel = ChannelFrom(row.channel())});
      }
      FillRows(head_end_.schedule().ImportChannels(request, rows), *out);
      return Ok();
    });
  }

  grpc::Status ListChannels(grpc::ServerContext* context, const v1::ListChannelsRequest*,
                            v1::ListChannelsResponse* out) override {
    return front_.Serve(*list_channels_, *context, [&](Call&) -> Status {
      for (const auto& channel : head_end_.keys().Channels()) *out->add_channels() = ToProto(channel);
      return Ok();
    });
  }

  grpc::Status PutPackage(grpc::ServerContext* context, const v1::PutPackageRequest* in,
                          v1::PutPackageResponse* out) override {
    return front_.Serve(*put_package_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto package, PackageFrom(in->package()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.schedule().PutPackage(request, package));
      *out->mutable_changed() = ToProto(done.change);
      *out->mutable_package() = ToProto(done.package, EpochOnAir());
      return Ok();
    });
  }

  grpc::Status ListPackages(grpc::ServerContext* context, const v1::ListPackagesRequest*,
                            v1::ListPackagesResponse* out) override {
    return front_.Serve(*list_packages_, *context, [&](Call&) -> Status {
      const Epoch epoch = EpochOnAir();
      for (const auto& package : head_end_.keys().Packages()) *out->add_packages() = ToProto(package, epoch);
      return Ok();
    });
  }

  grpc::Status PutProduct(grpc::ServerContext* context, const v1::PutProductRequest* in,
                          v1::PutProductResponse* out) override {
    return front_.Serve(*put_product_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto product, ProductFrom(in->product()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.plans().PutProduct(request, product));
      *out->mutable_changed() = ToProto(done.change);
      *out->mutable_product() = ToProto(done.product);
      return Ok();
    });
  }

  grpc::Status ListProducts(grpc::ServerContext* context, const v1::ListProductsRequest*,
                            v1::ListProductsResponse* out) override {
    return front_.Serve(*list_products_, *context, [&](Call&) -> Status {
      for (const auto& product : head_end_.plans().Products()) *out->add_products() = ToProto(product);
      return Ok();
    });
  }

  grpc::Status PushPlan(grpc::ServerContext* context, const v1::PushPlanRequest* in,
                        v1::PushPlanResponse* out) override {
    return front_.Serve(*push_plan_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto push, PlanPushFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto pushed, head_end_.plans().Push(request, push));
      *out = ToProto(pushed);
      return Ok();
    });
  }

  grpc::Status GetInForce(grpc::ServerContext* context, const v1::GetInForceRequest* in,
                          v1::GetInForceResponse* out) override {
    return front_.Serve(*get_in_force_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto query, InForceQueryFrom(*in, front_.clock().Now()));
      HEARTH_ASSIGN_OR_RETURN(const auto in_force, head_end_.plans().InForceAt(query.channel, query.at));
      *out = ToProto(in_force);
      return Ok();
    });
  }

  grpc::Status ListPlan(grpc::ServerContext* context, const v1::ListPlanRequest* in,
                        v1::ListPlanResponse* out) override {
    return front_.Serve(*list_plan_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto query, PlanQueryFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page, head_end_.plans().List(query.channel, query.from, query.to,
                                                                      size, in->page().token()));
      for (const auto& window : page.windows) *out->add_windows() = ToProto(window);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status ProposeEmergency(grpc::ServerContext* context, const v1::ProposeEmergencyRequest* in,
                                v1::EmergencyResponse* out) override {
    return front_.Serve(*propose_emergency_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto wanted, EmergencyFrom(in->emergency()));
      return Answer(head_end_.emergencies().Propose(request, wanted), *out);
    });
  }

  grpc::Status ApproveEmergency(grpc::ServerContext* context, const v1::ApproveEmergencyRequest* in,
                                v1::EmergencyResponse* out) override {
    return front_.Serve(*approve_emergency_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      return Answer(head_end_.emergencies().Approve(request, in->number()), *out);
    });
  }

  grpc::Status CancelEmergency(grpc::ServerContext* context, const v1::CancelEmergencyRequest* in,
                               v1::EmergencyResponse* out) override {
    return front_.Serve(*cancel_emergency_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      return Answer(head_end_.emergencies().Cancel(request, in->number()), *out);
    });
  }

  grpc::Status GetEmergency(grpc::ServerContext* context, const v1::GetEmergencyRequest* in,
                            v1::GetEmergencyResponse* out) override {
    return front_.Serve(*get_emergency_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto view, head_end_.emergencies().Get(in->number()));
      *out->mutable_emergency() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status ListEmergencies(grpc::ServerContext* context, const v1::ListEmergenciesRequest* in,
                               v1::ListEmergenciesResponse* out) override {
    return front_.Serve(*list_emergencies_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.emergencies().List(in->open_only(), size, in->page().token()));
      for (const auto& view : page.items) *out->add_emergencies() = ToProto(view);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

 private:
  static Status Answer(const Result<app::EmergencyChanged>& done, v1::EmergencyResponse& out) {
    if (!done) return done.error();
    *out.mutable_changed() = ToProto(done->change);
    *out.mutable_emergency() = ToProto(done->view);
    return Ok();
  }
  Epoch EpochOnAir() { return app::EpochPlan::Wrap(head_end_.keys().on_air()); }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> import_channels_ = front_.NewMethod("ScheduleService/ImportChannels");
  const std::unique_ptr<Method> list_channels_ = front_.NewMethod("ScheduleService/ListChannels");
  const std::unique_ptr<Method> put_package_ = front_.NewMethod("ScheduleService/PutPackage");
  const std::unique_ptr<Method> list_packages_ = front_.NewMethod("ScheduleService/ListPackages");
  const std::unique_ptr<Method> put_product_ = front_.NewMethod("ScheduleService/PutProduct");
  const std::unique_ptr<Method> list_products_ = front_.NewMethod("ScheduleService/ListProducts");
  const std::unique_ptr<Method> push_plan_ = front_.NewMethod("ScheduleService/PushPlan");
  const std::unique_ptr<Method> get_in_force_ = front_.NewMethod("ScheduleService/GetInForce");
  const std::unique_ptr<Method> list_plan_ = front_.NewMethod("ScheduleService/ListPlan");
  const std::unique_ptr<Method> propose_emergency_ = front_.NewMethod("ScheduleService/ProposeEmergency");
  const std::unique_ptr<Method> approve_emergency_ = front_.NewMethod("ScheduleService/ApproveEmergency");
  const std::unique_ptr<Method> cancel_emergency_ = front_.NewMethod("ScheduleService/CancelEmergency");
  const std::unique_ptr<Method> get_emergency_ = front_.NewMethod("ScheduleService/GetEmergency");
  const std::unique_ptr<Method> list_emergencies_ = front_.NewMethod("ScheduleService/ListEmergencies");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeScheduleService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<ScheduleService>(front, head_end);
}

}  // namespace hearth::rpc
