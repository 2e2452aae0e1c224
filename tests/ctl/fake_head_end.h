// A head-end in the test's process: services whose calls are answered by functions that the test sets, and a
// run of hearthctl against it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "hearth/v1/admin.grpc.pb.h"
#include "hearth/v1/entitlement.grpc.pb.h"
#include "hearth/v1/geofence.grpc.pb.h"
#include "hearth/v1/home.grpc.pb.h"
#include "hearth/v1/intervention.grpc.pb.h"
#include "hearth/v1/location.grpc.pb.h"
#include "hearth/v1/registry.grpc.pb.h"
#include "hearth/v1/rollout.grpc.pb.h"
#include "hearth/v1/schedule.grpc.pb.h"
#include "hearth/v1/survey.grpc.pb.h"
#include "src/base/status.h"

namespace hearth::ctl {

namespace v1 = hearth::v1;

// The status of a refusal as src/rpc sends it: ErrorInfo with cure and viewer code, BadRequest with the
// fields.
grpc::Status Refusal(const Error& error);

// How a call is answered; UNIMPLEMENTED while unset.
template <typename Request, typename Response>
using Answer = std::function<grpc::Status(const Request&, Response*)>;

struct FakeRegistry final : v1::RegistryService::Service {
  Answer<v1::ImportBatchRequest, v1::ImportBatchResponse> import_batch;
  Answer<v1::ImportStockRequest, v1::ImportRowsResponse> import_stock;
  Answer<v1::ImportRosterRequest, v1::ImportRowsResponse> import_roster;
  Answer<v1::OpenAccountRequest, v1::OpenAccountResponse> open_account;
  Answer<v1::GetAccountRequest, v1::GetAccountResponse> get_account;
  Answer<v1::ListAccountsRequest, v1::ListAccountsResponse> list_accounts;
  Answer<v1::CloseAccountRequest, v1::CloseAccountResponse> close_account;

  grpc::Status ImportBatch(grpc::ServerContext*, const v1::ImportBatchRequest*,
                           v1::ImportBatchResponse*) override;
  grpc::Status ImportStock(grpc::ServerContext*, const v1::ImportStockRequest*,
                           v1::ImportRowsResponse*) override;
  grpc::Status ImportRoster(grpc::ServerContext*, const v1::ImportRosterRequest*,
                            v1::ImportRowsResponse*) override;
  grpc::Status OpenAccount(grpc::ServerContext*, const v1::OpenAccountRequest*,
                           v1::OpenAccountResponse*) override;
  grpc::Status GetAccount(grpc::ServerContext*, const v1::GetAccountRequest*,
                          v1::GetAccountResponse*) override;
  grpc::Status ListAccounts(grpc::ServerContext*, const v1::ListAccountsRequest*,
                            v1::ListAccountsResponse*) override;
  grpc::Status CloseAccount(grpc::ServerContext*, const v1::CloseAccountRequest*,
                            v1::CloseAccountResponse*) override;
};

struct FakeGeofence final : v1::GeofenceService::Service {
  // The header and all cells of the stream.
  std::function<grpc::Status(const v1::PutCellListHeader&, const std::vector<std::string>&,
                             v1::PutCellListResponse*)>
      put_cell_list;
  Answer<v1::ImportRegionsRequest, v1::ImportRegionsResponse> import_regions;
  Answer<v1::StepAreaRequest, v1::AreaResponse> step_area;
  Answer<v1::FindAreasRequest, v1::ListAreasResponse> find_areas;
  Answer<v1::ListAreasRequest, v1::ListAreasResponse> list_areas;
  Answer<v1::DescribeAreaRequest, v1::DescribeAreaResponse> describe_area;
  Answer<v1::ImportVillagesRequest, v1::ImportVillagesResponse> import_villages;
  Answer<v1::GetHomesRequest, v1::GetHomesResponse> get_homes;
  Answer<v1::GetCellListRequest, v1::GetCellListResponse> get_cell_list;

  grpc::Status PutCellList(grpc::ServerContext*, grpc::ServerReader<v1::PutCellListRequest>*,
                           v1::PutCellListResponse*) override;
  grpc::Status ImportRegions(grpc::ServerContext*, const v1::ImportRegionsRequest*,
                             v1::ImportRegionsResponse*) override;
  grpc::Status StepArea(grpc::ServerContext*, const v1::StepAreaRequest*, v1::AreaResponse*) override;
  grpc::Status FindAreas(grpc::ServerContext*, const v1::FindAreasRequest*, v1::ListAreasResponse*) override;
  grpc::Status ListAreas(grpc::ServerContext*, const v1::ListAreasRequest*, v1::ListAreasResponse*) override;
  grpc::Status DescribeArea(grpc::ServerContext*, const v1::DescribeAreaRequest*,
                            v1::DescribeAreaResponse*) override;
  grpc::Status ImportVillages(grpc::ServerContext*, const v1::ImportVillagesRequest*,
                              v1::ImportVillagesResponse*) override;
  grpc::Status GetHomes(grpc::ServerContext*, const v1::GetHomesRequest*, v1::GetHomesResponse*) override;
  grpc::Status GetCellList(grpc::ServerContext*, const v1::GetCellListRequest*,
                           v1::GetCellListResponse*) override;
};

struct FakeSurvey final : v1::SurveyService::Service {
  using Stream = grpc::ServerReaderWriter<v1::ImportSurveyResponse, v1::ImportSurveyRequest>;
  // One call of Import after the other.
  std::function<grpc::Status(Stream*)> import;
  Answer<v1::GetSurveyStatusRequest, v1::GetSurveyStatusResponse> get_status;
  Answer<v1::GetSurveyCellRequest, v1::GetSurveyCellResponse> get_cell;
  Answer<v1::ListSurveyImportsRequest, v1::ListSurveyImportsResponse> list_imports;
  Answer<v1::GetSurveyImportRequest, v1::GetSurveyImportResponse> get_import;
  Answer<v1::AbortSurveyImportRequest, v1::AbortSurveyImportResponse> abort_import;
  Answer<v1::ProposeCellsRequest, v1::ProposeCellsResponse> propose_cells;

  grpc::Status Import(grpc::ServerContext*, Stream*) override;
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetSurveyStatusRequest*,
                         v1::GetSurveyStatusResponse*) override;
  grpc::Status GetCell(grpc::ServerContext*, const v1::GetSurveyCellRequest*,
                       v1::GetSurveyCellResponse*) override;
  grpc::Status ListImports(grpc::ServerContext*, const v1::ListSurveyImportsRequest*,
                           v1::ListSurveyImportsResponse*) override;
  grpc::Status GetImport(grpc::ServerContext*, const v1::GetSurveyImportRequest*,
                         v1::GetSurveyImportResponse*) override;
  grpc::Status AbortImport(grpc::ServerContext*, const v1::AbortSurveyImportRequest*,
                           v1::AbortSurveyImportResponse*) override;
  grpc::Status ProposeCells(grpc::ServerContext*, const v1::ProposeCellsRequest*,
                            v1::ProposeCellsResponse*) override;
};

struct FakeLocation final : v1::LocationService::Service {
  Answer<v1::ReportRequest, v1::ReportResponse> report;
  Answer<v1::ExplainRequest, v1::ExplainResponse> explain;

  grpc::Status Report(grpc::ServerContext*, const v1::ReportRequest*, v1::ReportResponse*) override;
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest*, v1::ExplainResponse*) override;
};

struct FakeIntervention final : v1::InterventionService::Service {
  // Writes the events of one stream. A status ends it; nullopt: waits until the client goes.
  std::function<std::optional<grpc::Status>(const v1::WatchInterventionsRequest&,
                                            grpc::ServerWriter<v1::InterventionEvent>*)>
      watch;
  Answer<v1::ListInterventionsRequest, v1::ListInterventionsResponse> list;
  Answer<v1::ListHeldRequest, v1::ListHeldResponse> list_held;
  Answer<v1::DecideHeldRequest, v1::DecideHeldResponse> release;
  Answer<v1::DecideHeldRequest, v1::DecideHeldResponse> drop;
  Answer<v1::ListSuccessorsRequest, v1::ListSuccessorsResponse> list_successors;
  Answer<v1::AcceptSuccessorsRequest, v1::AcceptSuccessorsResponse> accept_successors;
  Answer<v1::ListAlarmsRequest, v1::ListAlarmsResponse> list_alarms;
  Answer<v1::CloseAlarmRequest, v1::CloseAlarmResponse> close_alarm;

  grpc::Status Watch(grpc::ServerContext*, const v1::WatchInterventionsRequest*,
                     grpc::ServerWriter<v1::InterventionEvent>*) override;
  grpc::Status List(grpc::ServerContext*, const v1::ListInterventionsRequest*,
                    v1::ListInterventionsResponse*) override;
  grpc::Status ListHeld(grpc::ServerContext*, const v1::ListHeldRequest*, v1::ListHeldResponse*) override;
  grpc::Status Release(grpc::ServerContext*, const v1::DecideHeldRequest*, v1::DecideHeldResponse*) override;
  grpc::Status Drop(grpc::ServerContext*, const v1::DecideHeldRequest*, v1::DecideHeldResponse*) override;
  grpc::Status ListSuccessors(grpc::ServerContext*, const v1::ListSuccessorsRequest*,
                              v1::ListSuccessorsResponse*) override;
  grpc::Status AcceptSuccessors(grpc::ServerContext*, const v1::AcceptSuccessorsRequest*,
                                v1::AcceptSuccessorsResponse*) override;
  grpc::Status ListAlarms(grpc::ServerContext*, const v1::ListAlarmsRequest*,
                          v1::ListAlarmsResponse*) override;
  grpc::Status CloseAlarm(grpc::ServerContext*, const v1::CloseAlarmRequest*,
                          v1::CloseAlarmResponse*) override;
};

struct FakeRollouts final : v1::RolloutService::Service {
  // The header and the cells of each list of the stream.
  std::function<grpc::Status(const v1::ProposeHeader&, const std::vector<std::vector<std::string>>&,
                             v1::RolloutResponse*)>
      propose;
  size_t messages = 0;  // of the last Propose
  // Writes the cards of ListAffected.
  std::function<grpc::Status(const v1::ListAffectedRequest&, grpc::ServerWriter<v1::AffectedCards>*)>
      affected;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> preview;
  Answer<v1::ActivateRolloutRequest, v1::RolloutResponse> activate;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> advance;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> stop;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> resume;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> withdraw;
  Answer<v1::RolloutStepRequest, v1::RolloutResponse> undo;
  Answer<v1::GetRolloutRequest, v1::RolloutResponse> get;
  Answer<v1::ListRolloutsRequest, v1::ListRolloutsResponse> list;
  Answer<v1::GetPolicyRequest, v1::GetPolicyResponse> get_policy;

  grpc::Status Propose(grpc::ServerContext*, grpc::ServerReader<v1::ProposeRequest>*,
                       v1::RolloutResponse*) override;
  grpc::Status ListAffected(grpc::ServerContext*, const v1::ListAffectedRequest*,
                            grpc::ServerWriter<v1::AffectedCards>*) override;
  grpc::Status Preview(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Activate(grpc::ServerContext*, const v1::ActivateRolloutRequest*,
                        v1::RolloutResponse*) override;
  grpc::Status Advance(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Stop(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Resume(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Withdraw(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Undo(grpc::ServerContext*, const v1::RolloutStepRequest*, v1::RolloutResponse*) override;
  grpc::Status Get(grpc::ServerContext*, const v1::GetRolloutRequest*, v1::RolloutResponse*) override;
  grpc::Status List(grpc::ServerContext*, const v1::ListRolloutsRequest*, v1::ListRolloutsResponse*) override;
  grpc::Status GetPolicy(grpc::ServerContext*, const v1::GetPolicyRequest*, v1::GetPolicyResponse*) override;
};

struct FakeHomes final : v1::HomeService::Service {
  // By the name of the call, as they are all alike.
  std::map<std::string, Answer<v1::ExemptionStepRequest, v1::ExemptionResponse>> exemption;
  std::map<std::string, Answer<v1::RelocationStepRequest, v1::RelocationResponse>> relocation;
  Answer<v1::GrantExemptionRequest, v1::ExemptionResponse> grant;
  Answer<v1::GetExemptionRequest, v1::ExemptionResponse> get_exemption;
  Answer<v1::ListExemptionsRequest, v1::ListExemptionsResponse> list_exemptions;
  Answer<v1::RequestRelocationRequest, v1::RelocationResponse> request;
  Answer<v1::GetRelocationRequest, v1::RelocationResponse> get_relocation;
  Answer<v1::ListRelocationsRequest, v1::ListRelocationsResponse> list_relocations;

  grpc::Status ReportExemption(grpc::ServerContext*, const v1::ExemptionStepRequest*,
                               v1::ExemptionResponse*) override;
  grpc::Status ConfirmExemption(grpc::ServerContext*, const v1::ExemptionStepRequest*,
                                v1::ExemptionResponse*) override;
  grpc::Status CollectExemption(grpc::ServerContext*, const v1::ExemptionStepRequest*,
                                v1::ExemptionResponse*) override;
  grpc::Status GrantExemption(grpc::ServerContext*, const v1::GrantExemptionRequest*,
                              v1::ExemptionResponse*) override;
  grpc::Status RefuseExemption(grpc::ServerContext*, const v1::ExemptionStepRequest*,
                               v1::ExemptionResponse*) override;
  grpc::Status RevokeExemption(grpc::ServerContext*, const v1::ExemptionStepRequest*,
                               v1::ExemptionResponse*) override;
  grpc::Status GetExemption(grpc::ServerContext*, const v1::GetExemptionRequest*,
                            v1::ExemptionResponse*) override;
  grpc::Status ListExemptions(grpc::ServerContext*, const v1::ListExemptionsRequest*,
                              v1::ListExemptionsResponse*) override;
  grpc::Status RequestRelocation(grpc::ServerContext*, const v1::RequestRelocationRequest*,
                                 v1::RelocationResponse*) override;
  grpc::Status ApproveRelocation(grpc::ServerContext*, const v1::RelocationStepRequest*,
                                 v1::RelocationResponse*) override;
  grpc::Status CancelRelocation(grpc::ServerContext*, const v1::RelocationStepRequest*,
                                v1::RelocationResponse*) override;
  grpc::Status GetRelocation(grpc::ServerContext*, const v1::GetRelocationRequest*,
                             v1::RelocationResponse*) override;
  grpc::Status ListRelocations(grpc::ServerContext*, const v1::ListRelocationsRequest*,
                               v1::ListRelocationsResponse*) override;
};

struct FakeEntitlement final : v1::EntitlementService::Service {
  Answer<v1::IssueEcmRequest, v1::IssueEcmResponse> issue_ecm;
  Answer<v1::GetCarouselRequest, v1::GetCarouselResponse> get_carousel;
  Answer<v1::EvictCardsRequest, v1::EvictCardsResponse> evict_cards;

  grpc::Status EvictCards(grpc::ServerContext*, const v1::EvictCardsRequest*,
                          v1::EvictCardsResponse*) override;
  grpc::Status IssueEcm(grpc::ServerContext*, const v1::IssueEcmRequest*, v1::IssueEcmResponse*) override;
  grpc::Status GetCarousel(grpc::ServerContext*, const v1::GetCarouselRequest*,
                           v1::GetCarouselResponse*) override;
};

struct FakeSchedule final : v1::ScheduleService::Service {
  Answer<v1::ImportChannelsRequest, v1::ImportChannelsResponse> import_channels;
  Answer<v1::PutPackageRequest, v1::PutPackageResponse> put_package;
  Answer<v1::PutProductRequest, v1::PutProductResponse> put_product;
  Answer<v1::ListProductsRequest, v1::ListProductsResponse> list_products;
  Answer<v1::PushPlanRequest, v1::PushPlanResponse> push_plan;
  Answer<v1::GetInForceRequest, v1::GetInForceResponse> get_in_force;
  Answer<v1::ListPlanRequest, v1::ListPlanResponse> list_plan;
  Answer<v1::ProposeEmergencyRequest, v1::EmergencyResponse> propose_emergency;
  Answer<v1::ApproveEmergencyRequest, v1::EmergencyResponse> approve_emergency;
  Answer<v1::CancelEmergencyRequest, v1::EmergencyResponse> cancel_emergency;
  Answer<v1::GetEmergencyRequest, v1::GetEmergencyResponse> get_emergency;
  Answer<v1::ListEmergenciesRequest, v1::ListEmergenciesResponse> list_emergencies;

  grpc::Status ImportChannels(grpc::ServerContext*, const v1::ImportChannelsRequest*,
                              v1::ImportChannelsResponse*) override;
  grpc::Status PutPackage(grpc::ServerContext*, const v1::PutPackageRequest*,
                          v1::PutPackageResponse*) override;
  grpc::Status PutProduct(grpc::ServerContext*, const v1::PutProductRequest*,
                          v1::PutProductResponse*) override;
  grpc::Status ListProducts(grpc::ServerContext*, const v1::ListProductsRequest*,
                            v1::ListProductsResponse*) override;
  grpc::Status PushPlan(grpc::ServerContext*, const v1::PushPlanRequest*, v1::PushPlanResponse*) override;
  grpc::Status GetInForce(grpc::ServerContext*, const v1::GetInForceRequest*,
                          v1::GetInForceResponse*) override;
  grpc::Status ListPlan(grpc::ServerContext*, const v1::ListPlanRequest*, v1::ListPlanResponse*) override;
  grpc::Status ProposeEmergency(grpc::ServerContext*, const v1::ProposeEmergencyRequest*,
                                v1::EmergencyResponse*) override;
  grpc::Status ApproveEmergency(grpc::ServerContext*, const v1::ApproveEmergencyRequest*,
                                v1::EmergencyResponse*) override;
  grpc::Status CancelEmergency(grpc::ServerContext*, const v1::CancelEmergencyRequest*,
                               v1::EmergencyResponse*) override;
  grpc::Status GetEmergency(grpc::ServerContext*, const v1::GetEmergencyRequest*,
                            v1::GetEmergencyResponse*) override;
  grpc::Status ListEmergencies(grpc::ServerContext*, const v1::ListEmergenciesRequest*,
                               v1::ListEmergenciesResponse*) override;
};

struct FakeAdmin final : v1::AdminService::Service {
  Answer<v1::GetStatusRequest, v1::GetStatusResponse> get_status;
  Answer<v1::ReleaseRestoreRequest, v1::ReleaseRestoreResponse> release_restore;
  std::string actor;  // of the last call
  // ReconcileArchive: what the head-end has, what it was sent (each call's messages), and what it answers.
  v1::ReconcileArchiveResponse::Have have;
  std::vector<std::vector<v1::ReconcileArchiveRequest>> reconciled;
  v1::ReconcileSummary summary;
  std::vector<v1::Difference> differences;

  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse*) override;
  grpc::Status ReleaseRestore(grpc::ServerContext*, const v1::ReleaseRestoreRequest*,
                              v1::ReleaseRestoreResponse*) override;
  grpc::Status ReconcileArchive(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::ReconcileArchiveResponse, v1::ReconcileArchiveRequest>*) override;
};

// Listens on 127.0.0.1, a port of the system's choice, until destroyed.
class FakeHeadEnd {
 public:
  FakeHeadEnd();
  ~FakeHeadEnd();
  FakeHeadEnd(const FakeHeadEnd&) = delete;
  FakeHeadEnd& operator=(const FakeHeadEnd&) = delete;

  const std::string& address() const { return address_; }

  FakeRegistry registry;
  FakeGeofence geofence;
  FakeSurvey survey;
  FakeLocation location;
  FakeIntervention intervention;
  FakeRollouts rollouts;
  FakeHomes homes;
  FakeEntitlement entitlement;
  FakeSchedule schedule;
  FakeAdmin admin;

 private:
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// What a run left behind.
struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
  std::vector<std::chrono::milliseconds> sleeps;
};

// The surroundings of a run.
struct Surroundings {
  std::string input;
  bool terminal = false;
  std::map<std::string, std::string> env;
};

// Runs hearthctl with these arguments; sleeps are recorded, not slept.
Outcome RunHearthctl(const std::vector<std::string>& args, const Surroundings& surroundings = {});
// The same against `head_end`, insecure, as actor "tester".
Outcome RunAgainst(const FakeHeadEnd& head_end, const std::vector<std::string>& args,
                   Surroundings surroundings = {});

// A directory that is removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // Writes a file there and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;
  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  std::string Read(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace hearth::ctl
