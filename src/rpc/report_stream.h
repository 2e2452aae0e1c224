// One stream of batches of location reports: batches are taken as they come, answered in their order.
#pragma once

#include <deque>
#include <thread>
#include <vector>

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>
#include <hearth/v1/location.pb.h>

#include "src/app/head_end.h"
#include "src/base/limits.h"
#include "src/base/mutex.h"

namespace hearth::rpc {

// The thread that calls Run reads, judges and begins; a second one waits for what has to be durable, and
// answers. At most limits.report_batches_in_flight wait for their answer; then nothing is read, and HTTP/2
// holds the client back.
class ReportStream {
 public:
  using Stream = grpc::ServerReaderWriter<v1::ReportBatchAnswer, v1::ReportBatch>;

  ReportStream(app::HeadEnd& head_end, const Limits& limits, app::Gateway* gateway,
               grpc::ServerContext& context, Stream& stream);

  // Until the client has said all, or is gone, or a batch breaks a rule: LIMIT_EXCEEDED, FIELD_INVALID (a
  // sequence that does not grow). What was begun is finished in any case.
  Status Run();

 private:
  // A batch begun. `positions`: where in the batch each report that was not malformed stood.
  struct Begun {
    uint64_t sequence = 0;
    std::vector<uint32_t> positions;
    std::vector<std::pair<uint32_t, Error>> malformed;
    app::Location::Batch batch;
  };

  Status ReadAll();
  Status Begin(const v1::ReportBatch& in);
  void AnswerAll();
  void Answer(Begun begun);

  app::HeadEnd& head_end_;
  const Limits& limits_;
  app::Gateway* const gateway_;
  grpc::ServerContext& context_;
  Stream& stream_;
  // The reader's; used again for each batch, so that a batch like the last one allocates nothing.
  v1::ReportBatch in_;
  std::vector<app::Report> reports_;
  uint64_t last_sequence_ = 0;
  // The writer's.
  v1::ReportBatchAnswer out_;
  bool broken_ = false;  // nobody reads the answers any more

  Mutex mu_;
  CondVar changed_;
  std::deque<Begun> begun_ HEARTH_GUARDED_BY(mu_);
  size_t waiting_ HEARTH_GUARDED_BY(mu_) = 0;  // begun and not answered
  bool read_all_ HEARTH_GUARDED_BY(mu_) = false;
};

}  // namespace hearth::rpc
