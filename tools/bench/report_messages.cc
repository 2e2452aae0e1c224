#include "tools/bench/report_messages.h"

namespace hearth::bench {

std::shared_ptr<grpc::Channel> LocalChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void FillReport(const app::Report& report, v1::ReportRequest& out) {
  out.set_card_number(ToString(report.card));
  out.set_box_serial(ToString(report.box));
  out.set_sim_number(ToString(report.sim));
  out.set_counter(report.counter);
  out.mutable_time()->set_seconds(report.time.value / 1000);
  for (const geofence::HeardCell& heard : report.evidence.cells) {
    v1::HeardCell& cell = *out.add_cells();
    cell.set_cell(geofence::ToString(heard.cell));
    cell.set_signal_dbm(heard.signal_dbm);
  }
  out.set_mac(report.mac.data(), report.mac.size());
}

}  // namespace hearth::bench
