#include <hearth/v1/survey.grpc.pb.h>

#include "src/rpc/convert_area.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/convert_survey.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// How often a client is told how far the merging is: about once a second.
constexpr uint64_t kTellEvery = 2'000'000;

// Of a proposal: a village hears some hundred cells, an answer of this many has 2 MB.
constexpr uint32_t kMostProposed = 10'000;
constexpr uint32_t kFarthestMetres = 100'000;

using ImportStream = grpc::ServerReaderWriter<v1::ImportSurveyResponse, v1::ImportSurveyRequest>;

// The messages of one Import call. A stream that breaks leaves the import open.
class Upload {
 public:
  Upload(app::CellRegister& cells, const Call& call, ImportStream& stream, const Limits& limits)
      : cells_(cells), call_(call), stream_(stream), limits_(limits) {}

  Status Run() {
    v1::ImportSurveyRequest message;
    while (!done_ && stream_.Read(&message)) HEARTH_RETURN_IF_ERROR(Take(message));
    if (!done_) return MissingField("end", "in the last message: the import stays open");
    return Ok();
  }

 private:
  Status Take(const v1::ImportSurveyRequest& message) {
    if (message.has_header()) return Begin(message.header());
    if (!receiver_) return MissingField("header", "in the first message");
    if (message.has_rows()) {
      HEARTH_RETURN_IF_ERROR(receiver_->Add(message.rows().offset(), AsBytes(message.rows().rows())));
      TellDurable();
      return Ok();
    }
    if (message.has_end()) return Finish(message.end());
    return MissingField("part", "header, rows or end");
  }

  Status Begin(const v1::ImportSurveyHeader& header) {
    if (receiver_) return InvalidField("header", "once, in the first message");
    HEARTH_ASSIGN_OR_RETURN(request_, call_.ChangeOf(header));
    HEARTH_ASSIGN_OR_RETURN(auto wish, NewImportFrom(header, limits_));
    HEARTH_ASSIGN_OR_RETURN(receiver_, cells_.Begin(request_, std::move(wish)));
    const survey::ImportState state = receiver_->state();
    durable_ = state.rows;
    v1::ImportSurveyResponse answer;
    v1::SurveyBegun& begun = *answer.mutable_begun();
    begun.set_import_id(state.what.id.ToString());
    begun.set_durable(state.rows);
    begun.set_sum(state.sum);
    begun.set_finished(state.stage == survey::Stage::kMerged);
    stream_.Write(answer);
    return Ok();
  }

  void TellDurable() {
    const uint64_t rows = receiver_->state().rows;
    if (rows == durable_) return;
    durable_ = rows;
    v1::ImportSurveyResponse answer;
    answer.set_durable(rows);
    stream_.Write(answer);
  }

  Status Finish(const v1::SurveyEnd& end) {
    uint64_t told = 0;
    HEARTH_ASSIGN_OR_RETURN(const auto state,
                            cells_.Finish(request_, *receiver_, end.rejected(), [&](uint64_t merged) {
                              if (merged < told + kTellEvery) return;
                              told = merged;
                              v1::ImportSurveyResponse answer;
                              answer.set_merged(merged);
                              stream_.Write(answer);
                            }));
    v1::ImportSurveyResponse answer;
    *answer.mutable_done() = ToProto(state);
    stream_.Write(answer);
    done_ = true;
    return Ok();
  }

  app::CellRegister& cells_;
  const Call& call_;
  ImportStream& stream_;
  const Limits& limits_;
  app::Request request_;
  std::unique_ptr<survey::Receiver> receiver_;
  uint64_t durable_ = 0;
  bool done_ = false;
};

class SurveyService final : public v1::SurveyService::Service {
 public:
  SurveyService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status Import(grpc::ServerContext* context, ImportStream* stream) override {
    return front_.Serve(
        *import_, *context,
        [&](Call& call) { return Upload(head_end_.cell_register(), call, *stream, front_.limits()).Run(); },
        CallKind::kLongStream);
  }

  grpc::Status ListImports(grpc::ServerContext* context, const v1::ListSurveyImportsRequest*,
                           v1::ListSurveyImportsResponse* out) override {
    return front_.Serve(*list_imports_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto imports, head_end_.cell_register().List());
      for (const survey::ImportState& state : imports) *out->add_imports() = ToProto(state);
      return Ok();
    });
  }

  grpc::Status GetImport(grpc::ServerContext* context, const v1::GetSurveyImportRequest* in,
                         v1::GetSurveyImportResponse* out) override {
    return front_.Serve(*get_import_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const RequestId id, ImportIdFrom(in->import_id()));
      HEARTH_ASSIGN_OR_RETURN(const auto state, head_end_.cell_register().Get(id));
      *out->mutable_import() = ToProto(state);
      return Ok();
    });
  }

  grpc::Status AbortImport(grpc::ServerContext* context, const v1::AbortSurveyImportRequest* in,
                           v1::AbortSurveyImportResponse* out) override {
    return front_.Serve(*abort_import_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const RequestId id, ImportIdFrom(in->import_id()));
      HEARTH_ASSIGN_OR_RETURN(const auto change, head_end_.cell_register().Abort(request, id));
      *out->mutable_changed() = ToProto(change);
      return Ok();
    });
  }

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetSurveyStatusRequest*,
                         v1::GetSurveyStatusResponse* out) override {
    return front_.Serve(*get_status_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto table, head_end_.cell_register().table());
      *out = StatusOf(table.get());
      HEARTH_ASSIGN_OR_RETURN(const auto imports, head_end_.cell_register().List());
      uint32_t open = 0;
      for (const auto& state : imports) open += state.stage == survey::Stage::kReceiving ? 1 : 0;
      out->set_open_imports(open);
      return Ok();
    });
  }

  grpc::Status GetCell(grpc::ServerContext* context, const v1::GetSurveyCellRequest* in,
                       v1::GetSurveyCellResponse* out) override {
    return front_.Serve(*get_cell_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto cell, geofence::ParseCell(in->cell()));
      HEARTH_ASSIGN_OR_RETURN(const auto known, head_end_.cell_register().Find(cell));
      out->set_known(known.row.has_value());
      if (known.row) *out->mutable_cell() = ToProto(*known.row);
      out->mutable_cell()->set_cell(in->cell());
      for (const geofence::ListRef& list : known.lists) *out->add_lists() = ToProto(list);
      return Ok();
    });
  }

  grpc::Status ProposeCells(grpc::ServerContext* context, const v1::ProposeCellsRequest* in,
                            v1::ProposeCellsResponse* out) override {
    return front_.Serve(*propose_cells_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const AreaId id, ParseAreaId(in->area_id()));
      if (in->within_m() < 1 || in->within_m() > kFarthestMetres) {
        return InvalidField("within_m", "1 to 100,000 metres");
      }
      if (in->limit() > kMostProposed) return InvalidField("limit", "at most 10,000");
      const uint32_t limit = in->limit() == 0 ? kMostProposed : in->limit();
      HEARTH_ASSIGN_OR_RETURN(const auto proposal,
                              head_end_.area_desk().Propose(id, in->within_m() / 1000.0, limit));
      for (const app::ProposedCell& cell : proposal.cells) *out->add_cells() = ToProto(cell, id);
      for (const geofence::PlaceCode place : proposal.without_place) {
        out->add_villages_without_place(ToString(place));
      }
      return Ok();
    });
  }

 private:
  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> import_ = front_.NewMethod("SurveyService/Import");
  const std::unique_ptr<Method> list_imports_ = front_.NewMethod("SurveyService/ListImports");
  const std::unique_ptr<Method> get_import_ = front_.NewMethod("SurveyService/GetImport");
  const std::unique_ptr<Method> abort_import_ = front_.NewMethod("SurveyService/AbortImport");
  const std::unique_ptr<Method> get_status_ = front_.NewMethod("SurveyService/GetStatus");
  const std::unique_ptr<Method> propose_cells_ = front_.NewMethod("SurveyService/ProposeCells");
  const std::unique_ptr<Method> get_cell_ = front_.NewMethod("SurveyService/GetCell");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSurveyService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<SurveyService>(front, head_end);
}

}  // namespace hearth::rpc
