// One run of one command: its surroundings, the global flags, the connection, and the ways to answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/ids.h"
#include "src/base/random.h"
#include "tools/ctl/client.h"
#include "tools/ctl/failure.h"
#include "tools/ctl/output.h"

namespace hearth::ctl {

// Everything outside the program, so that tests run it in their own process. All must outlive the run.
struct Io {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_is_terminal = false;
  bool err_is_terminal = false;
  std::function<std::string(const char*)> env;  // "" when unset
  std::function<void(std::chrono::milliseconds)> sleep;
  const Clock& clock;
  RandomSource& random;
};

// Flags of every command; see hearthctl.1.
struct Globals {
  std::string server;
  std::string port_file;
  bool insecure = false;
  std::string actor;
  std::string ca;
  std::string cert;
  std::string key;
  bool json = false;
  bool dry_run = false;
  bool yes = false;
  std::string request_id;
  std::string revision_token;
  uint64_t if_revision = 0;
  double timeout_seconds = 30;
};

// Flags of commands that change something.
struct ChangeFlags {
  std::string reason;
  std::string approver;
};

// The id of chunk `chunk` of a file sent under `base`: chunk 0 has `base` itself, and the same file with the
// same base always gives the same ids. RequestId::ForRow must not be used for it, since the head-end derives
// the rows' ids that way and ForRow commutes: row 1 of chunk 2 would be row 2 of chunk 1.
RequestId ChunkRequestId(const RequestId& base, uint64_t chunk);

// One thread.
class Session {
 public:
  Session(Io& io, Globals globals) : io_(io), globals_(std::move(globals)) {}

  Io& io() { return io_; }
  const Globals& globals() const { return globals_; }
  bool json() const { return globals_.json; }
  std::ostream& out() { return io_.out; }

  // The connection, made at the first use. FIELD_INVALID, FIELD_MISSING, FILE_UNREADABLE as a Failure.
  tl::expected<Client*, Failure> Connect();

  // --request-id, or one made now; the same for the whole run.
  Result<RequestId> request_id();

  // Prints the failure; returns its exit code. `json_members` (",\"done\":3") go beside "error" in JSON.
  int Fail(const Failure& failure, std::string_view json_members = "");
  int FailUsage(const Error& error) { return Fail(LocalFailure(error, kExitUsage)); }
  int FailFile(const Error& error) { return Fail(LocalFailure(error, kExitBadFile)); }

  // Asks before something wide. True without asking with --yes, in a dry run, and when nobody sits there.
  bool Confirm(std::string_view question);
  bool WouldAsk() const;
  // What a command returns when the answer was no.
  int Declined();

  // A remark on stderr, out of the way of the results.
  void Note(std::string_view text);

  // Tries `call` up to 5 times, 100 ms to 2 s apart, while it fails retryably, and says so. The call must
  // carry the same request id each time (or be deduplicated by the card's counter).
  std::optional<Failure> Retry(const Client& client, const std::function<grpc::Status()>& call);

  // A read: calls, prints the answer as JSON or by `print(answer)`; returns the exit code.
  template <typename Stub, typename Request, typename Response, typename Print>
  int Read(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, Print print) {
    auto client = Connect();
    if (!client) return Fail(client.error());
    Response response;
    const grpc::Status status = (*client)->Call(method, request, &response);
    if (!status.ok()) return Fail((*client)->Decode(status));
    if (json()) {
      out() << Json(response, JsonStyle::kPretty) << '\n';
    } else {
      print(response);
    }
    return kExitOk;
  }

  // A list, page by page where the call has pages: `print(answer)` for each, or one JSON array of everything.
  template <typename Stub, typename Request, typename Response, typename Print>
  int List(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
           Print print) {
    auto client = Connect();
    if (!client) return Fail(client.error());
    std::vector<std::string> elements;
    while (true) {
      Response response;
      const grpc::Status status = (*client)->Call(method, request, &response);
      if (!status.ok()) return Fail((*client)->Decode(status));
      if (json()) {
        for (std::string& element : JsonElements(response)) elements.push_back(std::move(element));
      } else {
        print(response);
      }
      if constexpr (requires { request.mutable_page(); }) {
        const std::string& next = response.next_page_token();
        if (!next.empty() && next != request.page().token()) {
          request.mutable_page()->set_token(next);
          continue;
        }
      }
      break;
    }
    if (json()) PrintArray(elements);
    return kExitOk;
  }

  // A change: fills in request.change, retries, prints the answer and what the caller may need next.
  template <typename Stub, typename Request, typename Response, typename Print>
  int Change(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
             const ChangeFlags& flags, Print print) {
    auto client = Connect();
    if (!client) return Fail(client.error());
    const auto id = request_id();
    if (!id) return FailUsage(id.error());
    FillChange(flags, *id, request.mutable_change());
    Response response;
    const auto failure = Retry(**client, [&] { return (*client)->Call(method, request, &response); });
    if (failure) return Fail(*failure);
    if (json()) {
      out() << Json(response, JsonStyle::kPretty) << '\n';
      return kExitOk;
    }
    print(response);
    if constexpr (requires { response.changed(); }) PrintChanged(response.changed());
    return kExitOk;
  }

  // Fills hearth.v1.Change from the global and the command's flags.
  template <typename ChangeMessage>
  void FillChange(const ChangeFlags& flags, const RequestId& id, ChangeMessage* change) const {
    change->set_request_id(id.ToString());
    change->set_reason(flags.reason);
    change->set_approver(flags.approver);
    change->set_dry_run(globals_.dry_run);
    change->set_if_revision(globals_.if_revision);
  }

  // "revision 7, token r1.…", whether it was a repeat, and that a dry run changed nothing.
  template <typename ChangedMessage>
  void PrintChanged(const ChangedMessage& changed) {
    PrintChanged(changed.revision(), changed.revision_token(), changed.repeated());
  }

 private:
  void PrintChanged(uint64_t revision, const std::string& token, bool repeated);
  void PrintArray(const std::vector<std::string>& elements);
  Result<ClientOptions> Options() const;

  Io& io_;
  const Globals globals_;
  std::unique_ptr<Client> client_;
  std::optional<RequestId> request_id_;
};

}  // namespace hearth::ctl
