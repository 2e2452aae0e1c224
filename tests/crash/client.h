// The API as a client sees it that may lose the daemon at any moment.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <hearth/v1/admin.grpc.pb.h>
#include <hearth/v1/geofence.grpc.pb.h>
#include <hearth/v1/location.grpc.pb.h>
#include <hearth/v1/registry.grpc.pb.h>
#include <hearth/v1/schedule.grpc.pb.h>

namespace hearth::crash {

enum class Fate : uint8_t {
  kDone,
  kRefused,   // the daemon said no, and why
  kNoAnswer,  // nobody knows whether it was done
};

struct Verdict {
  Fate fate = Fate::kNoAnswer;
  std::string reason;   // when refused: the stable name
  std::string message;  // of the transport or the daemon

  bool done() const { return fate == Fate::kDone; }
  // For test output.
  std::string Text() const;
};
Verdict VerdictOf(const grpc::Status& status);

template <typename Out>
struct Answer : Verdict {
  Out out;
};

inline constexpr char kActor[] = "registrar";

// Stubs on a connection of their own. One thread at a time.
class Client {
 public:
  explicit Client(const std::string& address);

  // A call without any answer ends after 20 s at the latest.
  template <typename Stub, typename In, typename Out>
  static Answer<Out> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const In&, Out*),
                          const In& in, const std::string& actor = kActor) {
    grpc::ClientContext context;
    Prepare(context, actor);
    Answer<Out> answer;
    static_cast<Verdict&>(answer) = VerdictOf((stub.*method)(&context, in, &answer.out));
    return answer;
  }
  static void Prepare(grpc::ClientContext& context, const std::string& actor);

  std::unique_ptr<v1::RegistryService::Stub> registry;
  std::unique_ptr<v1::ScheduleService::Stub> schedule;
  std::unique_ptr<v1::GeofenceService::Stub> geofence;
  std::unique_ptr<v1::LocationService::Stub> location;
  std::unique_ptr<v1::AdminService::Stub> admin;
  std::unique_ptr<v1::StatsService::Stub> stats;
};

}  // namespace hearth::crash
