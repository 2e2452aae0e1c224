#include "tests/ctl/fake_head_end.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <stdlib.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tools/ctl/tool.h"

namespace hearth::ctl {
namespace {

template <typename Request, typename Response>
grpc::Status AnswerBy(const Answer<Request, Response>& answer, const Request* request, Response* response) {
  if (!answer) return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"};
  return answer(*request, response);
}

// Numbers 1, 2, 3 …: request ids are the same in each run.
class CountingRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

}  // namespace

grpc::Status Refusal(const Error& error) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(InfoOf(error.reason()).name));
  info.set_domain("hearth");
  (*info.mutable_metadata())["cure"] = std::string(error.cure());
  if (!error.viewer_code().empty()) {
    (*info.mutable_metadata())["viewer_code"] = std::string(error.viewer_code());
  }
  google::rpc::Status status;
  status.set_code(static_cast<int>(error.code()));
  status.set_message(error.message());
  status.add_details()->PackFrom(info);
  if (!error.violations().empty()) {
    google::rpc::BadRequest bad;
    for (const FieldViolation& violation : error.violations()) {
      auto* field = bad.add_field_violations();
      field->set_field(violation.field);
      field->set_description(violation.description);
    }
    status.add_details()->PackFrom(bad);
  }
  return {static_cast<grpc::StatusCode>(error.code()), error.message(), status.SerializeAsString()};
}

grpc::Status FakeRegistry::ImportBatch(grpc::ServerContext* /*context*/,
                                       const v1::ImportBatchRequest* request,
                                       v1::ImportBatchResponse* response) {
  return AnswerBy(import_batch, request, response);
}
grpc::Status FakeRegistry::ImportStock(grpc::ServerContext* /*context*/,
                                       const v1::ImportStockRequest* request,
                                       v1::ImportRowsResponse* response) {
  return AnswerBy(import_stock, request, response);
}
grpc::Status FakeRegistry::ImportRoster(grpc::ServerContext* /*context*/,
                                        const v1::ImportRosterRequest* request,
                                        v1::ImportRowsResponse* response) {
  return AnswerBy(import_roster, request, response);
}
grpc::Status FakeRegistry::OpenAccount(grpc::ServerContext* /*context*/,
                                       const v1::OpenAccountRequest* request,
                                       v1::OpenAccountResponse* response) {
  return AnswerBy(open_account, request, response);
}
grpc::Status FakeRegistry::GetAccount(grpc::ServerContext* /*context*/, const v1::GetAccountRequest* request,
                                      v1::GetAccountResponse* response) {
  return AnswerBy(get_account, request, response);
}
grpc::Status FakeRegistry::ListAccounts(grpc::ServerContext* /*context*/,
                                        const v1::ListAccountsRequest* request,
                                        v1::ListAccountsResponse* response) {
  return AnswerBy(list_accounts, request, response);
}
grpc::Status FakeRegistry::CloseAccount(grpc::ServerContext* /*context*/,
                                        const v1::CloseAccountRequest* request,
                                        v1::CloseAccountResponse* response) {
  return AnswerBy(close_account, request, response);
}

grpc::Status FakeGeofence::PutCellList(grpc::ServerContext* /*context*/,
                                       grpc::ServerReader<v1::PutCellListRequest>* reader,
                                       v1::PutCellListResponse* response) {
  v1::PutCellListRequest message;
  v1::PutCellListHeader header;
  std::vector<std::string> cells;
  while (reader->Read(&message)) {
    if (message.has_header()) header = message.header();
    for (const std::string& cell : message.cells().cells()) cells.push_back(cell);
  }
  if (!put_cell_list) return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"};
  return put_cell_list(header, cells, response);
}
grpc::Status FakeGeofence::ImportRegions(grpc::ServerContext* /*context*/,
                                         const v1::ImportRegionsRequest* request,
                                         v1::ImportRegionsResponse* response) {
  return AnswerBy(import_regions, request, response);
}
grpc::Status FakeGeofence::StepArea(grpc::ServerContext* /*context*/, const v1::StepAreaRequest* request,
                                    v1::AreaResponse* response) {
  return AnswerBy(step_area, request, response);
}

grpc::Status FakeGeofence::FindAreas(grpc::ServerContext* /*context*/, const v1::FindAreasRequest* request,
                                     v1::ListAreasResponse* response) {
  return AnswerBy(find_areas, request, response);
}
grpc::Status FakeGeofence::ListAreas(grpc::ServerContext* /*context*/, const v1::ListAreasRequest* request,
                                     v1::ListAreasResponse* response) {
  return AnswerBy(list_areas, request, response);
}
grpc::Status FakeGeofence::DescribeArea(grpc::ServerContext* /*context*/,
                                        const v1::DescribeAreaRequest* request,
                                        v1::DescribeAreaResponse* response) {
  return AnswerBy(describe_area, request, response);
}
grpc::Status FakeGeofence::ImportVillages(grpc::ServerContext* /*context*/,
                                          const v1::ImportVillagesRequest* request,
                                          v1::ImportVillagesResponse* response) {
  return AnswerBy(import_villages, request, response);
}
grpc::Status FakeGeofence::GetHomes(grpc::ServerContext* /*context*/, const v1::GetHomesRequest* request,
                                    v1::GetHomesResponse* response) {
  return AnswerBy(get_homes, request, response);
}
grpc::Status FakeGeofence::GetCellList(grpc::ServerContext* /*context*/,
                                       const v1::GetCellListRequest* request,
                                       v1::GetCellListResponse* response) {
  return AnswerBy(get_cell_list, request, response);
}
grpc::Status FakeSurvey::GetStatus(grpc::ServerContext* /*context*/,
                                   const v1::GetSurveyStatusRequest* request,
                                   v1::GetSurveyStatusResponse* response) {
  return AnswerBy(get_status, request, response);
}
grpc::Status FakeSurvey::GetCell(grpc::ServerContext* /*context*/, const v1::GetSurveyCellRequest* request,
                                 v1::GetSurveyCellResponse* response) {
  return AnswerBy(get_cell, request, response);
}
grpc::Status FakeSurvey::ListImports(grpc::ServerContext* /*context*/,
                                     const v1::ListSurveyImportsRequest* request,
                                     v1::ListSurveyImportsResponse* response) {
  return AnswerBy(list_imports, request, response);
}
grpc::Status FakeSurvey::GetImport(grpc::ServerContext* /*context*/,
                                   const v1::GetSurveyImportRequest* request,
                                   v1::GetSurveyImportResponse* response) {
  return AnswerBy(get_import, request, response);
}
grpc::Status FakeSurvey::AbortImport(grpc::ServerContext* /*context*/,
                                     const v1::AbortSurveyImportRequest* request,
                                     v1::AbortSurveyImportResponse* response) {
  return AnswerBy(abort_import, request, response);
}
grpc::Status FakeSurvey::ProposeCells(grpc::ServerContext* /*context*/,
                                      const v1::ProposeCellsRequest* request,
                                      v1::ProposeCellsResponse* response) {
  return AnswerBy(propose_cells, request, response);
}
grpc::Status FakeSurvey::Import(grpc::ServerContext* /*context*/, Stream* stream) {
  if (!import) return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"};
  return import(stream);
}

grpc::Status FakeLocation::Report(grpc::ServerContext* /*context*/, const v1::ReportRequest* request,
                                  v1::ReportResponse* response) {
  return AnswerBy(report, request, response);
}
grpc::Status FakeLocation::Explain(grpc::ServerContext* /*context*/, const v1::ExplainRequest* request,
                                   v1::ExplainResponse* response) {
  return AnswerBy(explain, request, response);
}

grpc::Status FakeIntervention::Watch(grpc::ServerContext* context,
                                     const v1::WatchInterventionsRequest* request,
                                     grpc::ServerWriter<v1::InterventionEvent>* writer) {
  const auto status = watch(*request, writer);
  if (status) return *status;
  while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return grpc::Status::CANCELLED;
}
grpc::Status FakeIntervention::List(grpc::ServerContext* /*context*/,
                                    const v1::ListInterventionsRequest* request,
                                    v1::ListInterventionsResponse* response) {
  return AnswerBy(list, request, response);
}
grpc::Status FakeIntervention::ListHeld(grpc::ServerContext* /*context*/, const v1::ListHeldRequest* request,
                                        v1::ListHeldResponse* response) {
  return AnswerBy(list_held, request, response);
}
grpc::Status FakeIntervention::Release(grpc::ServerContext* /*context*/, const v1::DecideHeldRequest* request,
                                       v1::DecideHeldResponse* response) {
  return AnswerBy(release, request, response);
}
grpc::Status FakeIntervention::Drop(grpc::ServerContext* /*context*/, const v1::DecideHeldRequest* request,
                                    v1::DecideHeldResponse* response) {
  return AnswerBy(drop, request, response);
}
grpc::Status FakeIntervention::ListSuccessors(grpc::ServerContext* /*context*/,
                                              const v1::ListSuccessorsRequest* request,
                                              v1::ListSuccessorsResponse* response) {
  return AnswerBy(list_successors, request, response);
}
grpc::Status FakeIntervention::AcceptSuccessors(grpc::ServerContext* /*context*/,
                                                const v1::AcceptSuccessorsRequest* request,
                                                v1::AcceptSuccessorsResponse* response) {
  return AnswerBy(accept_successors, request, response);
}
grpc::Status FakeIntervention::ListAlarms(grpc::ServerContext* /*context*/,
                                          const v1::ListAlarmsRequest* request,
                                          v1::ListAlarmsResponse* response) {
  return AnswerBy(list_alarms, request, response);
}
grpc::Status FakeIntervention::CloseAlarm(grpc::ServerContext* /*context*/,
                                          const v1::CloseAlarmRequest* request,
                                          v1::CloseAlarmResponse* response) {
  return AnswerBy(close_alarm, request, response);
}

grpc::Status FakeRollouts::Propose(grpc::ServerContext* /*context*/,
                                   grpc::ServerReader<v1::ProposeRequest>* reader,
                                   v1::RolloutResponse* response) {
  v1::ProposeRequest message;
  v1::ProposeHeader header;
  std::vector<std::vector<std::string>> cells;
  messages = 0;
  while (reader->Read(&message)) {
    ++messages;
    if (message.has_header()) {
      header = message.header();
      cells.resize(static_cast<size_t>(header.lists_size()));
    }
    for (const std::string& cell : message.cells().cells()) cells.at(message.cells().list()).push_back(cell);
  }
  if (!propose) return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"};
  return propose(header, cells, response);
}
grpc::Status FakeRollouts::ListAffected(grpc::ServerContext* /*context*/,
                                        const v1::ListAffectedRequest* request,
                                        grpc::ServerWriter<v1::AffectedCards>* writer) {
  if (!affected) return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"};
  return affected(*request, writer);
}
grpc::Status FakeRollouts::Preview(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                   v1::RolloutResponse* response) {
  return AnswerBy(preview, request, response);
}
grpc::Status FakeRollouts::Activate(grpc::ServerContext* /*context*/,
                                    const v1::ActivateRolloutRequest* request,
                                    v1::RolloutResponse* response) {
  return AnswerBy(activate, request, response);
}
grpc::Status FakeRollouts::Advance(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                   v1::RolloutResponse* response) {
  return AnswerBy(advance, request, response);
}
grpc::Status FakeRollouts::Stop(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                v1::RolloutResponse* response) {
  return AnswerBy(stop, request, response);
}
grpc::Status FakeRollouts::Resume(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                  v1::RolloutResponse* response) {
  return AnswerBy(resume, request, response);
}
grpc::Status FakeRollouts::Withdraw(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                    v1::RolloutResponse* response) {
  return AnswerBy(withdraw, request, response);
}
grpc::Status FakeRollouts::Undo(grpc::ServerContext* /*context*/, const v1::RolloutStepRequest* request,
                                v1::RolloutResponse* response) {
  return AnswerBy(undo, request, response);
}
grpc::Status FakeRollouts::Get(grpc::ServerContext* /*context*/, const v1::GetRolloutRequest* request,
                               v1::RolloutResponse* response) {
  return AnswerBy(get, request, response);
}
grpc::Status FakeRollouts::List(grpc::ServerContext* /*context*/, const v1::ListRolloutsRequest* request,
                                v1::ListRolloutsResponse* response) {
  return AnswerBy(list, request, response);
}
grpc::Status FakeRollouts::GetPolicy(grpc::ServerContext* /*context*/, const v1::GetPolicyRequest* request,
                                     v1::GetPolicyResponse* response) {
  return AnswerBy(get_policy, request, response);
}

grpc::Status FakeHomes::ReportExemption(grpc::ServerContext* /*context*/, const v1::ExemptionStepRequest* in,
                                        v1::ExemptionResponse* out) {
  return AnswerBy(exemption["report"], in, out);
}
grpc::Status FakeHomes::ConfirmExemption(grpc::ServerContext* /*context*/, const v1::ExemptionStepRequest* in,
                                         v1::ExemptionResponse* out) {
  return AnswerBy(exemption["confirm"], in, out);
}
grpc::Status FakeHomes::CollectExemption(grpc::ServerContext* /*context*/, const v1::ExemptionStepRequest* in,
                                         v1::ExemptionResponse* out) {
  return AnswerBy(exemption["collect"], in, out);
}
grpc::Status FakeHomes::RefuseExemption(grpc::ServerContext* /*context*/, const v1::ExemptionStepRequest* in,
                                        v1::ExemptionResponse* out) {
  return AnswerBy(exemption["refuse"], in, out);
}
grpc::Status FakeHomes::RevokeExemption(grpc::ServerContext* /*context*/, const v1::ExemptionStepRequest* in,
                                        v1::ExemptionResponse* out) {
  return AnswerBy(exemption["revoke"], in, out);
}
grpc::Status FakeHomes::GrantExemption(grpc::ServerContext* /*context*/, const v1::GrantExemptionRequest* in,
                                       v1::ExemptionResponse* out) {
  return AnswerBy(grant, in, out);
}
grpc::Status FakeHomes::GetExemption(grpc::ServerContext* /*context*/, const v1::GetExemptionRequest* in,
                                     v1::ExemptionResponse* out) {
  return AnswerBy(get_exemption, in, out);
}
grpc::Status FakeHomes::ListExemptions(grpc::ServerContext* /*context*/, const v1::ListExemptionsRequest* in,
                                       v1::ListExemptionsResponse* out) {
  return AnswerBy(list_exemptions, in, out);
}
grpc::Status FakeHomes::RequestRelocation(grpc::ServerContext* /*context*/,
                                          const v1::RequestRelocationRequest* in,
                                          v1::RelocationResponse* out) {
  return AnswerBy(request, in, out);
}
grpc::Status FakeHomes::ApproveRelocation(grpc::ServerContext* /*context*/,
                                          const v1::RelocationStepRequest* in, v1::RelocationResponse* out) {
  return AnswerBy(relocation["approve"], in, out);
}
grpc::Status FakeHomes::CancelRelocation(grpc::ServerContext* /*context*/,
                                         const v1::RelocationStepRequest* in, v1::RelocationResponse* out) {
  return AnswerBy(relocation["cancel"], in, out);
}
grpc::Status FakeHomes::GetRelocation(grpc::ServerContext* /*context*/, const v1::GetRelocationRequest* in,
                                      v1::RelocationResponse* out) {
  return AnswerBy(get_relocation, in, out);
}
grpc::Status FakeHomes::ListRelocations(grpc::ServerContext* /*context*/,
                                        const v1::ListRelocationsRequest* in,
                                        v1::ListRelocationsResponse* out) {
  return AnswerBy(list_relocations, in, out);
}

grpc::Status FakeEntitlement::IssueEcm(grpc::ServerContext* /*context*/, const v1::IssueEcmRequest* request,
                                       v1::IssueEcmResponse* response) {
  return AnswerBy(issue_ecm, request, response);
}

grpc::Status FakeEntitlement::GetCarousel(grpc::ServerContext* /*context*/,
                                          const v1::GetCarouselRequest* request,
                                          v1::GetCarouselResponse* response) {
  return AnswerBy(get_carousel, request, response);
}

grpc::Status FakeEntitlement::EvictCards(grpc::ServerContext* /*context*/,
                                         const v1::EvictCardsRequest* request,
                                         v1::EvictCardsResponse* response) {
  return AnswerBy(evict_cards, request, response);
}

grpc::Status FakeSchedule::ImportChannels(grpc::ServerContext* /*context*/,
                                          const v1::ImportChannelsRequest* request,
                                          v1::ImportChannelsResponse* response) {
  return AnswerBy(import_channels, request, response);
}
grpc::Status FakeSchedule::PutPackage(grpc::ServerContext* /*context*/, const v1::PutPackageRequest* request,
                                      v1::PutPackageResponse* response) {
  return AnswerBy(put_package, request, response);
}
grpc::Status FakeSchedule::PutProduct(grpc::ServerContext* /*context*/, const v1::PutProductRequest* request,
                                      v1::PutProductResponse* response) {
  return AnswerBy(put_product, request, response);
}
grpc::Status FakeSchedule::ListProducts(grpc::ServerContext* /*context*/,
                                        const v1::ListProductsRequest* request,
                                        v1::ListProductsResponse* response) {
  return AnswerBy(list_products, request, response);
}
grpc::Status FakeSchedule::PushPlan(grpc::ServerContext* /*context*/, const v1::PushPlanRequest* request,
                                    v1::PushPlanResponse* response) {
  return AnswerBy(push_plan, request, response);
}
grpc::Status FakeSchedule::GetInForce(grpc::ServerContext* /*context*/, const v1::GetInForceRequest* request,
                                      v1::GetInForceResponse* response) {
  return AnswerBy(get_in_force, request, response);
}
grpc::Status FakeSchedule::ListPlan(grpc::ServerContext* /*context*/, const v1::ListPlanRequest* request,
                                    v1::ListPlanResponse* response) {
  return AnswerBy(list_plan, request, response);
}
grpc::Status FakeSchedule::ProposeEmergency(grpc::ServerContext* /*context*/,
                                            const v1::ProposeEmergencyRequest* request,
                                            v1::EmergencyResponse* response) {
  return AnswerBy(propose_emergency, request, response);
}
grpc::Status FakeSchedule::ApproveEmergency(grpc::ServerContext* /*context*/,
                                            const v1::ApproveEmergencyRequest* request,
                                            v1::EmergencyResponse* response) {
  return AnswerBy(approve_emergency, request, response);
}
grpc::Status FakeSchedule::CancelEmergency(grpc::ServerContext* /*context*/,
                                           const v1::CancelEmergencyRequest* request,
                                           v1::EmergencyResponse* response) {
  return AnswerBy(cancel_emergency, request, response);
}
grpc::Status FakeSchedule::GetEmergency(grpc::ServerContext* /*context*/,
                                        const v1::GetEmergencyRequest* request,
                                        v1::GetEmergencyResponse* response) {
  return AnswerBy(get_emergency, request, response);
}
grpc::Status FakeSchedule::ListEmergencies(grpc::ServerContext* /*context*/,
                                           const v1::ListEmergenciesRequest* request,
                                           v1::ListEmergenciesResponse* response) {
  return AnswerBy(list_emergencies, request, response);
}

grpc::Status FakeAdmin::GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                                  v1::GetStatusResponse* response) {
  const auto found = context->client_metadata().find("hearth-actor");
  actor = found == context->client_metadata().end() ? ""
                                                    : std::string(found->second.data(), found->second.size());
  return AnswerBy(get_status, request, response);
}

grpc::Status FakeAdmin::ReleaseRestore(grpc::ServerContext* /*context*/,
                                       const v1::ReleaseRestoreRequest* request,
                                       v1::ReleaseRestoreResponse* response) {
  return AnswerBy(release_restore, request, response);
}

grpc::Status FakeAdmin::ReconcileArchive(
    grpc::ServerContext* /*context*/,
    grpc::ServerReaderWriter<v1::ReconcileArchiveResponse, v1::ReconcileArchiveRequest>* stream) {
  auto& messages = reconciled.emplace_back();
  v1::ReconcileArchiveRequest message;
  v1::ReconcileArchiveResponse answer;
  while (stream->Read(&message)) {
    messages.push_back(message);
    if (!message.has_header()) continue;
    *answer.mutable_have() = have;
    stream->Write(answer);
  }
  *answer.mutable_summary() = summary;
  stream->Write(answer);
  for (const v1::Difference& difference : differences) {
    answer.mutable_differences()->Clear();
    *answer.mutable_differences()->add_differences() = difference;
    stream->Write(answer);
  }
  return grpc::Status::OK;
}

FakeHeadEnd::FakeHeadEnd() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service :
       std::initializer_list<grpc::Service*>{&registry, &geofence, &survey, &location, &intervention,
                                             &rollouts, &homes, &entitlement, &schedule, &admin}) {
    builder.RegisterService(service);
  }
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

FakeHeadEnd::~FakeHeadEnd() { server_->Shutdown(std::chrono::system_clock::now()); }

Outcome RunHearthctl(const std::vector<std::string>& args, const Surroundings& surroundings) {
  Outcome outcome;
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(surroundings.input);
  const FakeClock clock(UnixMillis(1'795'409'412'345));  // 2026-11-23T04:50:12.345Z
  CountingRandom random;
  Io io{.out = out,
        .err = err,
        .in = in,
        .in_is_terminal = surroundings.terminal,
        .err_is_terminal = surroundings.terminal,
        .env =
            [&](const char* name) {
              const auto found = surroundings.env.find(name);
              return found == surroundings.env.end() ? "" : found->second;
            },
        .sleep = [&](std::chrono::milliseconds time) { outcome.sleeps.push_back(time); },
        .clock = clock,
        .random = random};
  outcome.code = RunTool(args, io);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

Outcome RunAgainst(const FakeHeadEnd& head_end, const std::vector<std::string>& args,
                   Surroundings surroundings) {
  surroundings.env.insert(
      {{"HEARTH_SERVER", head_end.address()}, {"HEARTH_INSECURE", "1"}, {"HEARTH_ACTOR", "tester"}});
  return RunHearthctl(args, surroundings);
}

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hearthctl-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(const std::string& name, const std::string& content) const {
  std::ofstream(Path(name), std::ios::binary) << content;
  return Path(name);
}

std::string TempDir::Read(const std::string& name) const {
  std::ifstream in(Path(name), std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

}  // namespace hearth::ctl
