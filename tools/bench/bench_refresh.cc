// Work for the EMM line of a daemon: cards are refreshed one after the other, as fast as their messages go on
// the air and not faster, so that the line never runs dry and nothing piles up.
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "hearth/v1/admin.grpc.pb.h"
#include "hearth/v1/entitlement.grpc.pb.h"
#include "src/base/clock.h"
#include "src/base/ids.h"
#include "src/crypto/random.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"

namespace hearth::bench {
namespace {

constexpr std::chrono::milliseconds kAskAgain{20};
constexpr std::chrono::milliseconds kNoRoom{2};
constexpr std::chrono::seconds kRefreshPatience{10};

class RefreshLoad {
 public:
  explicit RefreshLoad(const RefreshOptions& options) : options_(options) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
  }

  Result<Findings> Run() {
    HEARTH_ASSIGN_OR_RETURN(const uint64_t sent_before, LookForRoom());
    std::thread watch([this] { Watch(); });
    const auto done =
        RunThreads(options_.threads, options_.seconds, [this](size_t) { return RefreshNext(); });
    over_ = true;
    watch.join();
    if (!done) return done.error();
    if (lost_sight_) return *lost_sight_;
    HEARTH_ASSIGN_OR_RETURN(const uint64_t sent_after, LookForRoom());
    Findings findings{.bench = "refresh", .seed = options_.seed, .figures = {}, .checks = {}};
    const Rate refreshed{refreshed_, done->seconds};
    findings.Add("cards refreshed", static_cast<double>(refreshed_), "count");
    findings.Add("cards refreshed a second", refreshed.per_second(), "1/s");
    findings.Add("sections built meanwhile", static_cast<double>(sent_after - sent_before), "count");
    findings.Expect("every refresh was taken", true);  // the first refusal ends the run
    return findings;
  }

 private:
  void Prepare(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() + kRefreshPatience);
    context.AddMetadata("hearth-actor", "hearth-bench");
  }

  static Error Refused(const char* what, const grpc::Status& status) {
    return Error(Reason::kOutputFailed, fmt::format("{}: {}", what, status.error_message()));
  }

  // How many refreshes there is room for. Returns the sections sent so far.
  Result<uint64_t> LookForRoom() {
    grpc::ClientContext context;
    Prepare(context);
    v1::GetStatusResponse answer;
    const auto stub = v1::AdminService::NewStub(channel_);
    const grpc::Status status = stub->GetStatus(&context, v1::GetStatusRequest(), &answer);
    if (!status.ok()) return Refused("GetStatus", status);
    room_ = static_cast<int64_t>(options_.waiting) - static_cast<int64_t>(answer.outbox_waiting());
    return answer.sections_sent();
  }

  void Watch() {
    while (!over_) {
      if (const auto sent = LookForRoom(); !sent) {
        lost_sight_ = sent.error();
        room_ = 0;
        return;
      }
      std::this_thread::sleep_for(kAskAgain);
    }
  }

  Status RefreshNext() {
    if (room_.fetch_sub(1) <= 0) {
      std::this_thread::sleep_for(kNoRoom);
      return Ok();
    }
    const uint64_t card = options_.first_card + next_++ % options_.cards;
    std::array<uint8_t, 10> random{};
    crypto::SystemRandom().Fill(random);
    v1::RefreshCardRequest request;
    request.set_card_number(fmt::format("{:012}", card));
    request.mutable_change()->set_request_id(RequestId::FromParts(clock_.Now(), random).ToString());
    request.mutable_change()->set_reason("load");
    grpc::ClientContext context;
    Prepare(context);
    v1::RefreshCardResponse answer;
    const grpc::Status status =
        v1::EntitlementService::NewStub(channel_)->RefreshCard(&context, request, &answer);
    if (!status.ok()) return Refused("RefreshCard", status);
    ++refreshed_;
    return Ok();
  }

  const RefreshOptions options_;
  SystemClock clock_;
  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<int64_t> room_{0};
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> refreshed_{0};
  std::atomic<bool> over_{false};
  std::optional<Error> lost_sight_;  // of the watching thread until it has ended
};

}  // namespace

Result<Findings> BenchRefresh(const RefreshOptions& options) { return RefreshLoad(options).Run(); }

}  // namespace hearth::bench
