// What the benches of reports over gRPC have in common. Only where there is gRPC.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "hearth/v1/location.pb.h"
#include "src/app/location.h"

namespace hearth::bench {

// A connection of its own for each call of this.
std::shared_ptr<grpc::Channel> LocalChannel(const std::string& address);

void FillReport(const app::Report& report, v1::ReportRequest& out);

}  // namespace hearth::bench
