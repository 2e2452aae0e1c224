#include <hearth/v1/geofence.grpc.pb.h>

#include "src/rpc/convert_area.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/services.h"

namespace hearth::rpc {
namespace {

// The divisions whose code begins with `query`, or whose name holds it; the larger ones first.
template <typename Take>
void ForEachMatch(const geofence::RegionTree& tree, const std::string& query,
                  std::optional<RegionLevel> level, size_t limit, Take take) {
  const bool by_code = !query.empty() && query.find_first_not_of("0123456789") == std::string::npos;
  for (const geofence::Region& region : tree.all()) {
    if (limit == 0) return;
    if (level && region.level != *level) continue;
    const bool match =
        by_code ? ToString(region.code).starts_with(query) : region.name.find(query) != std::string::npos;
    if (!match) continue;
    take(region);
    --limit;
  }
}

// The messages of one PutCellList call.
class ListUpload {
 public:
  explicit ListUpload(const Limits& limits) : limits_(limits) {}

  Status Take(const v1::PutCellListRequest& message) {
    switch (message.part_case()) {
      case v1::PutCellListRequest::kHeader: {
        if (change_) return InvalidField("header", "once, in the first message");
        HEARTH_ASSIGN_OR_RETURN(list_, ListHeaderFrom(message.header(), limits_));
        change_ = message.header().change();
        v1::PutCellListHeader content(message.header());
        content.mutable_change()->clear_request_id();
        content_ = Call::ContentOf(content);
        return Ok();
      }
      case v1::PutCellListRequest::kCells:
        if (!change_) return MissingField("header", "in the first message");
        // How the cells are spread over messages is not part of the content.
        for (const std::string& cell : message.cells().cells()) content_ += cell + '\n';
        return AddCells(message.cells(), limits_, list_.cells);
      case v1::PutCellListRequest::PART_NOT_SET:
        break;
    }
    return MissingField("part", "header or cells");
  }

  // Null before the header came.
  const v1::Change* change() const { return change_ ? &*change_ : nullptr; }
  const std::string& content() const { return content_; }
  const app::PutCellList& list() const { return list_; }

 private:
  const Limits& limits_;
  std::optional<v1::Change> change_;
  app::PutCellList list_;
  std::string content_;
};

class GeofenceService final : public v1::GeofenceService::Service {
 public:
  GeofenceService(Front& front, app::HeadEnd& head_end) : front_(front), head_end_(head_end) {}

  grpc::Status ImportRegions(grpc::ServerContext* context, const v1::ImportRegionsRequest* in,
                             v1::ImportRegionsResponse* out) override {
    return front_.Serve(*import_regions_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(CheckRows(in->rows(), front_.limits()));
      std::vector<app::RegionRow> rows;
      rows.reserve(static_cast<size_t>(in->rows_size()));
      for (const v1::RegionRow& row : in->rows()) {
        rows.push_back({.line = row.line(), .region = RegionFrom(row.region(), front_.limits())});
      }
      FillRows(head_end_.geo().ImportRegions(request, rows), *out);
      return Ok();
    });
  }

  grpc::Status FindRegions(grpc::ServerContext* context, const v1::FindRegionsRequest* in,
                           v1::FindRegionsResponse* out) override {
    return front_.Serve(*find_regions_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto level, RegionLevelFrom(in->level()));
      HEARTH_ASSIGN_OR_RETURN(const size_t limit, ListLimitFrom(in->limit(), 50, front_.limits()));
      const auto snapshot = head_end_.geo().snapshot();
      ForEachMatch(snapshot->regions, in->query(), level, limit, [&](const geofence::Region& region) {
        *out->add_regions() = ToProto(region, snapshot->regions);
      });
      return Ok();
    });
  }

  grpc::Status CreateArea(grpc::ServerContext* context, const v1::CreateAreaRequest* in,
                          v1::AreaResponse* out) override {
    return front_.Serve(*create_area_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const auto wish, NewAreaFrom(*in, front_.limits()));
      HEARTH_ASSIGN_OR_RETURN(const auto done, head_end_.geo().CreateArea(request, wish));
      Fill(done, *out);
      return Ok();
    });
  }

  grpc::Status StepArea(grpc::ServerContext* context, const v1::StepAreaRequest* in,
                        v1::AreaResponse* out) override {
    return front_.Serve(*step_area_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_ASSIGN_OR_RETURN(const AreaId id, ParseAreaId(in->area_id()));
      HEARTH_ASSIGN_OR_RETURN(const auto to, AreaStateFrom(in->to(), "to"));
      HEARTH_ASSIGN_OR_RETURN(const auto done, to == geofence::AreaState::kRetired
                                                   ? head_end_.rollouts().RetireArea(request, id)
                                                   : head_end_.geo().StepArea(request, id, to));
      Fill(done, *out);
      return Ok();
    });
  }

  grpc::Status GetArea(grpc::ServerContext* context, const v1::GetAreaRequest* in,
                       v1::AreaResponse* out) override {
    return front_.Serve(*get_area_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const AreaId id, ParseAreaId(in->area_id()));
      HEARTH_ASSIGN_OR_RETURN(const auto view, head_end_.geo().GetArea(id));
      *out->mutable_area() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status ListAreas(grpc::ServerContext* context, const v1::ListAreasRequest*,
                         v1::ListAreasResponse* out) override {
    return front_.Serve(*list_areas_, *context, [&](Call&) -> Status {
      for (const app::AreaView& view : head_end_.geo().ListAreas()) *out->add_areas() = ToProto(view);
      return Ok();
    });
  }

  grpc::Status FindAreas(grpc::ServerContext* context, const v1::FindAreasRequest* in,
                         v1::ListAreasResponse* out) override {
    return front_.Serve(*find_areas_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const size_t limit, ListLimitFrom(in->limit(), 50, front_.limits()));
      if (in->query().empty()) return MissingField("query", "part of a name, or the beginning of a number");
      for (const app::AreaView& view : head_end_.area_desk().Find(in->query(), limit)) {
        *out->add_areas() = ToProto(view);
      }
      return Ok();
    });
  }

  grpc::Status DescribeArea(grpc::ServerContext* context, const v1::DescribeAreaRequest* in,
                            v1::DescribeAreaResponse* out) override {
    return front_.Serve(*describe_area_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const AreaId id, ParseAreaId(in->area_id()));
      HEARTH_ASSIGN_OR_RETURN(const auto info, head_end_.area_desk().Describe(id));
      *out = ToProto(info, in->with_cells());
      return Ok();
    });
  }

  grpc::Status ImportVillages(grpc::ServerContext* context, const v1::ImportVillagesRequest* in,
                              v1::ImportVillagesResponse* out) override {
    return front_.Serve(*import_villages_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*in));
      HEARTH_RETURN_IF_ERROR(CheckRows(in->rows(), front_.limits()));
      std::vector<app::VillageRow> rows;
      rows.reserve(static_cast<size_t>(in->rows_size()));
      for (const v1::VillageRow& row : in->rows()) {
        rows.push_back({.line = row.line(), .edit = VillageEditFrom(row, front_.limits())});
      }
      FillRows(head_end_.geo().ImportVillages(request, rows), *out);
      return Ok();
    });
  }

  grpc::Status GetHomes(grpc::ServerContext* context, const v1::GetHomesRequest* in,
                        v1::GetHomesResponse* out) override {
    return front_.Serve(*get_homes_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto region, RegionFilterFrom(in->region()));
      HEARTH_ASSIGN_OR_RETURN(const auto homes, head_end_.area_desk().HomesBelow(region));
      *out = ToProto(homes, head_end_.geo().snapshot()->regions);
      return Ok();
    });
  }

  grpc::Status PutCellList(grpc::ServerContext* context, grpc::ServerReader<v1::PutCellListRequest>* in,
                           v1::PutCellListResponse* out) override {
    return front_.Serve(*put_cell_list_, *context, [&](Call& call) -> Status {
      ListUpload upload(front_.limits());
      v1::PutCellListRequest message;
      while (in->Read(&message)) HEARTH_RETURN_IF_ERROR(upload.Take(message));
      if (upload.change() == nullptr) return MissingField("header", "in the first message");
      // A broken stream ends as a complete one does; half a list must never come into force.
      if (context->IsCancelled()) return Error(Reason::kFieldMissing, "the stream broke off before its end");
      HEARTH_ASSIGN_OR_RETURN(const auto request, call.ChangeOf(*upload.change(), upload.content()));
      HEARTH_ASSIGN_OR_RETURN(const auto done,
                              head_end_.rollouts().Propose(request, {.lists = {{.list = upload.list()}},
                                                                     .policy = std::nullopt,
                                                                     .at_once_if_harmless = true}));
      const intervention::Rollout& rollout = done.view.rollout;
      const intervention::ListEdit& edit = rollout.lists.front();
      *out->mutable_changed() = ToProto(done.change);
      out->set_version(edit.to);
      out->set_cells(edit.added + edit.kept);
      out->set_added(edit.added);
      out->set_removed(edit.removed);
      out->set_kept(edit.kept);
      out->set_rollout(request.dry_run ? 0 : rollout.number);
      out->set_in_force(rollout.state == intervention::RolloutState::kDone);
      return Ok();
    });
  }

  grpc::Status ListCellLists(grpc::ServerContext* context, const v1::ListCellListsRequest*,
                             v1::ListCellListsResponse* out) override {
    return front_.Serve(*list_cell_lists_, *context, [&](Call&) -> Status {
      const auto snapshot = head_end_.geo().snapshot();
      for (const auto& [key, head] : snapshot->lists) *out->add_lists() = ToProto(head);
      return Ok();
    });
  }

  grpc::Status GetCellList(grpc::ServerContext* context, const v1::GetCellListRequest* in,
                           v1::GetCellListResponse* out) override {
    return front_.Serve(*get_cell_list_, *context, [&](Call&) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto kind, ListKindFrom(in->kind(), "kind"));
      HEARTH_ASSIGN_OR_RETURN(const AreaId id, ParseAreaId(in->list_id(), "list_id"));
      const auto snapshot = head_end_.geo().snapshot();
      const auto head = snapshot->lists.find({kind, id});
      if (head == snapshot->lists.end()) {
        return Error(Reason::kCellListUnknown,
                     fmt::format("there is no {} {}", geofence::NameOf(kind), ToString(id)));
      }
      *out->mutable_list() = ToProto(head->second);
      HEARTH_ASSIGN_OR_RETURN(const auto list, head_end_.geo().CellsOf(kind, id, head->second.version));
      for (const geofence::Cell& cell : list.cells) out->add_cells(ToString(cell));
      return Ok();
    });
  }

  grpc::Status ListUnknownCells(grpc::ServerContext* context, const v1::ListUnknownCellsRequest* in,
                                v1::ListUnknownCellsResponse* out) override {
    return front_.Serve(*list_unknown_cells_, *context, [&](Call& call) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto area, AreaFilterFrom(in->area_id()));
      HEARTH_ASSIGN_OR_RETURN(const size_t limit, ListLimitFrom(in->limit(), 100, front_.limits()));
      HEARTH_RETURN_IF_ERROR(WaitForRevision(head_end_, call, in->revision_token()));
      HEARTH_ASSIGN_OR_RETURN(const auto cells, head_end_.views().UnknownCells(area, limit));
      for (const app::UnknownCell& cell : cells) *out->add_cells() = ToProto(cell);
      return Ok();
    });
  }

 private:
  static void Fill(const app::AreaChanged& done, v1::AreaResponse& out) {
    *out.mutable_changed() = ToProto(done.change);
    *out.mutable_area() = ToProto(done.view);
  }

  Front& front_;
  app::HeadEnd& head_end_;
  const std::unique_ptr<Method> import_regions_ = front_.NewMethod("GeofenceService/ImportRegions");
  const std::unique_ptr<Method> find_regions_ = front_.NewMethod("GeofenceService/FindRegions");
  const std::unique_ptr<Method> create_area_ = front_.NewMethod("GeofenceService/CreateArea");
  const std::unique_ptr<Method> step_area_ = front_.NewMethod("GeofenceService/StepArea");
  const std::unique_ptr<Method> get_area_ = front_.NewMethod("GeofenceService/GetArea");
  const std::unique_ptr<Method> list_areas_ = front_.NewMethod("GeofenceService/ListAreas");
  const std::unique_ptr<Method> find_areas_ = front_.NewMethod("GeofenceService/FindAreas");
  const std::unique_ptr<Method> describe_area_ = front_.NewMethod("GeofenceService/DescribeArea");
  const std::unique_ptr<Method> import_villages_ = front_.NewMethod("GeofenceService/ImportVillages");
  const std::unique_ptr<Method> get_homes_ = front_.NewMethod("GeofenceService/GetHomes");
  const std::unique_ptr<Method> put_cell_list_ = front_.NewMethod("GeofenceService/PutCellList");
  const std::unique_ptr<Method> list_cell_lists_ = front_.NewMethod("GeofenceService/ListCellLists");
  const std::unique_ptr<Method> get_cell_list_ = front_.NewMethod("GeofenceService/GetCellList");
  const std::unique_ptr<Method> list_unknown_cells_ = front_.NewMethod("GeofenceService/ListUnknownCells");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGeofenceService(Front& front, app::HeadEnd& head_end) {
  return std::make_unique<GeofenceService>(front, head_end);
}

}  // namespace hearth::rpc
