// A real server over a real head-end and a store in memory, and a client for it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <hearth/v1/admin.grpc.pb.h>
#include <hearth/v1/entitlement.grpc.pb.h>
#include <hearth/v1/geofence.grpc.pb.h>
#include <hearth/v1/intervention.grpc.pb.h>
#include <hearth/v1/location.grpc.pb.h>
#include <hearth/v1/registry.grpc.pb.h>
#include <hearth/v1/schedule.grpc.pb.h>
#include <hearth/v1/survey.grpc.pb.h>

#include "src/app/head_end.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mutex.h"
#include "src/rpc/server.h"
#include "src/store/store.h"

namespace hearth::rpc {

// What a refused call said.
struct Refusal {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> fields;
};
Refusal RefusalOf(const grpc::Status& status);

// All stubs on one channel, and one call of them.
struct Client {
  explicit Client(const std::shared_ptr<grpc::Channel>& channel);

  // `actor` goes into the metadata unless it is empty.
  template <typename Stub, typename In, typename Out>
  static grpc::Status Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const In&, Out*),
                           const In& in, Out* out = nullptr, const std::string& actor = "wang") {
    grpc::ClientContext context;
    if (!actor.empty()) context.AddMetadata("hearth-actor", actor);
    Out ignored;
    return (stub.*method)(&context, in, out == nullptr ? &ignored : out);
  }

  std::unique_ptr<v1::RegistryService::Stub> registry;
  std::unique_ptr<v1::ScheduleService::Stub> schedule;
  std::unique_ptr<v1::EntitlementService::Stub> entitlement;
  std::unique_ptr<v1::GeofenceService::Stub> geofence;
  std::unique_ptr<v1::LocationService::Stub> location;
  std::unique_ptr<v1::InterventionService::Stub> intervention;
  std::unique_ptr<v1::AdminService::Stub> admin;
  std::unique_ptr<v1::StatsService::Stub> stats;
  std::unique_ptr<v1::SurveyService::Stub> survey;
};

// Keeps what is logged. Any thread.
class KeepingLogger final : public Logger {
 public:
  void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) override;
  bool Has(std::string_view text) const;

 private:
  mutable Mutex mu_;
  std::string text_ HEARTH_GUARDED_BY(mu_);
};

// The same bytes on each run. Any thread.
class CountingRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(next_.fetch_add(0x9D) >> 3);
  }

 private:
  std::atomic<uint64_t> next_{1};
};

inline constexpr char kVillage[] = "640122100201";
inline constexpr char kArea[] = "640122001";
inline constexpr char kHomeCell[] = "lte:460:00:33301:26879745";
inline constexpr char kCityCell[] = "lte:460:00:33307:41000001";
inline constexpr char kCard[] = "640000000017";
inline constexpr char kBox[] = "0640000000000017";
inline constexpr char kSim[] = "13995000017";
inline constexpr char kForm[] = "NX-1";

class ServerTest : public testing::Test {
 protected:
  // Before anything is served; tests change limits here.
  virtual Limits TestLimits() const { return {}; }
  // Further options of the head-end.
  virtual void Configure(app::HeadEndOptions& /*options*/) const {}
  void SetUp() override;
  ~ServerTest() override;

  // A package, a service area with whitelist, a blacklist, stock, and an open account that waits for its
  // installation.
  void SetUpSite();
  // A correct form for card kCard.
  static v1::FivePartForm GoodForm();
  // A signed report of card kCard, heard now.
  v1::ReportRequest SignedReport(uint32_t counter, const std::string& cell) const;
  grpc::Status PutList(v1::ListKind kind, const std::string& id, const std::vector<std::string>& cells,
                       v1::PutCellListResponse* out = nullptr, const v1::Change& change = {}) const;
  // Of the buckets that calls write to; views and cursors move by themselves.
  std::map<uint16_t, uint64_t> Sequences() const;
  // The same, once what earlier calls left to the pump is written.
  std::map<uint16_t, uint64_t> SettledSequences() const;
  std::string NewRequestId();

  FakeClock clock_{UnixMillis(kEpoch2024Seconds * 1000 + 1'000'000'000)};
  CountingRandom random_;
  NullMetrics metrics_;
  KeepingLogger log_;
  std::filesystem::path survey_;  // of the register of cells; removed at the end
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<app::HeadEnd> head_end_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Client> client_;
};

}  // namespace hearth::rpc
