#include <hearth/v1/registry.grpc.pb.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

class RegistryService final : public v1::RegistryService::Service {
 public:
  RegistryService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status ImportBatch(grpc::ServerContext* context, const v1::ImportBatchRequest* in,
                           v1::ImportBatchResponse* out) override {
    return front_.Serve(*import_batch_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto batch, BatchFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto change,
                              head_end_.keys().ImportBatch(request, batch, front_.limits()));
      *out->mutable_changed() = ToProto(change);
      return Ok();
    });
  }

  grpc::Status ImportStock(grpc::ServerContext* context, const v1::ImportStockRequest* in,
                           v1::ImportRowsResponse* out) override {
    return front_.Serve(*import_stock_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(CheckRows(in->rows(), front_.limits()));
      std::vector<app::StockRow> rows;
      rows.reserve(static_cast<size_t>(in->rows_size()));
      for (const v1::StockRow& row : in->rows()) {
        rows.push_back({.line = row.line(), .item = StockItemFrom(row, front_.limits())});
      }
      FillRows(head_end_.registry().ImportStock(request, std::move(rows)), *out);
      return Ok();
    });
  }

  grpc::Status OpenAccount(grpc::ServerContext* context, const v1::OpenAccountRequest* in,
                           v1::OpenAccountResponse* out) override {
    return front_.Serve(*open_account_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto form, FormFrom(in->form(), front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.registry().Open(request, form));
      Fill(done, *out);
      return Ok();
    });
  }

  grpc::Status ImportRoster(grpc::ServerContext* context, const v1::ImportRosterRequest* in,
                            v1::ImportRowsResponse* out) override {
    return front_.Serve(*import_roster_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(CheckRows(in->rows(), front_.limits()));
      std::vector<app::RosterRow> rows;
      rows.reserve(static_cast<size_t>(in->rows_size()));
      for (const v1::RosterRow& row : in->rows()) {
        rows.push_back({.line = row.line(), .form = FormFrom(row.form(), front_.limits())});
      }
      FillRows(head_end_.registry().ImportRoster(request, rows), *out);
      return Ok();
    });
  }

  grpc::Status GetAccount(grpc::ServerContext* context, const v1::GetAccountRequest* in,
                          v1::GetAccountResponse* out) override {
    return front_.Serve(*get_account_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto view, Find(*in));
      *out->mutable_account() = ToProto(view);
      const CardNumber number = view.account.form.devices.card;
      const auto card = head_end_.registry().Card(number);
      if (!card && card.error().reason() == Reason::kCardUnknown) return Ok();
      if (!card) return card.error();
      // The card of a closed account may be in another one by now; its state is not this account's.
      const entitlement::Claim& claim = card->value.card.claim;
      if (claim.held() && claim.account != view.account.form.form_number) return Ok();
      *out->mutable_card() = ToProto(card->value);
      return Ok();
    });
  }

  grpc::Status ListAccounts(grpc::ServerContext* context, const v1::ListAccountsRequest* in,
                            v1::ListAccountsResponse* out) override {
    return front_.Serve(*list_accounts_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto region, RegionFilterFrom(in->region()));
      HEARTH_ASSIGN_OR_RETURN(const size_t size, PageSizeFrom(in->page(), front_.limits()));
      HEARTH_RETURN_IF_ERROR(WaitForRevision(head_end_, call, in->revision_token()));
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              head_end_.views().ListAccounts(region, size, in->page().token()));
      for (const app::AccountSummary& summary : page.items) *out->add_accounts() = ToProto(summary);
      out->set_next_page_token(page.next_token);
      return Ok();
    });
  }

  grpc::Status SwapDevice(grpc::ServerContext* context, const v1::SwapDeviceRequest* in,
                          v1::SwapDeviceResponse* out) override {
    return front_.Serve(*swap_device_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(in->form_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto wanted, SwapFrom(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.registry().Swap(request, in->form_number(), wanted));
      Fill(done, *out);
      return Ok();
    });
  }

  grpc::Status CloseAccount(grpc::ServerContext* context, const v1::CloseAccountRequest* in,
                            v1::CloseAccountResponse* out) override {
    return front_.Serve(*close_account_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(in->form_number()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.registry().Close(request, in->form_number()));
      Fill(done, *out);
      return Ok();
    });
  }

 private:
  template <typename Response>
  static void Fill(const app::AccountChanged& done, Response& out) {
    *out.mutable_changed() = ToProto(done.change);
    *out.mutable_account() = ToProto(done.view);
  }

  Result<app::AccountView> Find(const v1::GetAccountRequest& in) {
    app::Registry& registry = head_end_.registry();
    switch (in.by_case()) {
      case v1::GetAccountRequest::kFormNumber: {
        HEARTH_RETURN_IF_ERROR(entitlement::CheckFormNumber(in.form_number()));
        return registry.Get(in.form_number());
      }
      case v1::GetAccountRequest::kCardNumber: {
        HEARTH_ASSIGN_OR_RETURN(const auto card, ParseCardNumber(in.card_number()));
        return registry.GetByCard(card);
      }
      case v1::GetAccountRequest::kBoxSerial: {
        HEARTH_ASSIGN_OR_RETURN(const auto box, ParseBoxSerial(in.box_serial()));
        return registry.GetByBox(box);
      }
      case v1::GetAccountRequest::kSimNumber: {
        HEARTH_ASSIGN_OR_RETURN(const auto sim, ParseSimNumber(in.sim_number()));
        return registry.GetBySim(sim);
      }
      case v1::GetAccountRequest::BY_NOT_SET:
        break;
    }
    return MissingField("by", "one of form_number, card_number, box_serial and sim_number");
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> import_batch_ = front_.NewMethod("RegistryService/ImportBatch");
  const std::unique_ptr<Method> import_stock_ = front_.NewMethod("RegistryService/ImportStock");
  const std::unique_ptr<Method> open_account_ = front_.NewMethod("RegistryService/OpenAccount");
  const std::unique_ptr<Method> import_roster_ = front_.NewMethod("RegistryService/ImportRoster");
  const std::unique_ptr<Method> get_account_ = front_.NewMethod("RegistryService/GetAccount");
  const std::unique_ptr<Method> list_accounts_ = front_.NewMethod("RegistryService/ListAccounts");
  const std::unique_ptr<Method> swap_device_ = front_.NewMethod("RegistryService/SwapDevice");
  const std::unique_ptr<Method> close_account_ = front_.NewMethod("RegistryService/CloseAccount");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRegistryService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<RegistryService>(front, head_end);
}

}  // namespace hearth::rpc
