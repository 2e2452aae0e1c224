#include "tools/ctl/session.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "src/base/bytes.h"
#include "tools/ctl/files.h"

namespace hearth::ctl {
namespace {

constexpr const char* kDefaultServer = "127.0.0.1:7443";
constexpr int kTries = 5;
constexpr std::chrono::milliseconds kFirstWait{100};
constexpr std::chrono::milliseconds kLongestWait{2000};
constexpr size_t kMaxSmallFileBytes = 1024 * 1024;  // certificates, keys, port files

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the
// output.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

Result<std::string> ServerOfPortFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxSmallFileBytes));
  google::protobuf::Struct file;
  const bool parsed = google::protobuf::util::JsonStringToMessage(text, &file).ok();
  const auto grpc = file.fields().find("grpc");
  if (parsed && grpc != file.fields().end()) {
    // The daemon writes the port alone: whoever reads its file is on its machine.
    const double port = grpc->second.number_value();
    if (port >= 1 && port <= 65535) return fmt::format("127.0.0.1:{}", static_cast<int>(port));
    if (!grpc->second.string_value().empty()) return grpc->second.string_value();
  }
  return Error(Reason::kFileUnreadable,
               fmt::format("{} is no port file: it must be JSON with \"grpc\": PORT or \"HOST:PORT\"", path));
}

}  // namespace

RequestId ChunkRequestId(const RequestId& base, uint64_t chunk) {
  if (chunk == 0) return base;
  ByteReader reader(base.bytes());
  const uint64_t high = reader.U64();
  const uint64_t low = reader.U64();
  const uint64_t first = Mix(high ^ Mix(low ^ Mix(chunk)));
  const uint64_t second = Mix(first + chunk);
  std::array<uint8_t, 10> random{};
  for (size_t i = 0; i < random.size(); ++i) {
    random[i] = static_cast<uint8_t>(i < 8 ? first >> (8 * i) : second >> (8 * (i - 8)));
  }
  return RequestId::FromParts(base.time(), random);
}

Result<ClientOptions> Session::Options() const {
  ClientOptions options;
  options.server = globals_.server;
  if (options.server.empty() && !globals_.port_file.empty()) {
    HEARTH_ASSIGN_OR_RETURN(options.server, ServerOfPortFile(globals_.port_file));
  }
  if (options.server.empty()) options.server = kDefaultServer;
  options.timeout = std::chrono::milliseconds(std::llround(globals_.timeout_seconds * 1000));
  options.insecure = globals_.insecure;
  options.actor = globals_.actor;
  if (options.insecure) return options;
  if (globals_.ca.empty()) {
    return MissingField("--ca",
                        "give --ca, --cert and --key for TLS, or --insecure for a development daemon");
  }
  HEARTH_ASSIGN_OR_RETURN(options.ca_pem, ReadFile(globals_.ca, kMaxSmallFileBytes));
  if (globals_.cert.empty() != globals_.key.empty()) {
    return MissingField(globals_.cert.empty() ? "--cert" : "--key", "--cert and --key go together");
  }
  if (globals_.cert.empty()) return options;
  HEARTH_ASSIGN_OR_RETURN(options.cert_pem, ReadFile(globals_.cert, kMaxSmallFileBytes));
  HEARTH_ASSIGN_OR_RETURN(options.key_pem, ReadFile(globals_.key, kMaxSmallFileBytes));
  return options;
}

tl::expected<Client*, Failure> Session::Connect() {
  if (client_ == nullptr) {
    auto options = Options();
    if (!options) {
      const bool file = options.error().reason() == Reason::kFileUnreadable;
      return tl::unexpected(LocalFailure(options.error(), file ? kExitBadFile : kExitUsage));
    }
    client_ = std::make_unique<Client>(std::move(*options));
  }
  return client_.get();
}

Result<RequestId> Session::request_id() {
  if (!request_id_ && !globals_.request_id.empty()) {
    HEARTH_ASSIGN_OR_RETURN(request_id_, RequestId::Parse(globals_.request_id));
  }
  if (!request_id_) {
    std::array<uint8_t, 10> random{};
    io_.random.Fill(random);
    request_id_ = RequestId::FromParts(io_.clock.Now(), random);
  }
  return *request_id_;
}

int Session::Fail(const Failure& failure, std::string_view json_members) {
  if (json()) {
    io_.out << "{\"error\":" << FailureJson(failure) << json_members << "}\n";
  } else {
    io_.out.flush();
    io_.err << FailureText(failure);
  }
  return failure.exit_code;
}

bool Session::WouldAsk() const {
  return io_.in_is_terminal && io_.err_is_terminal && !globals_.yes && !globals_.dry_run;
}

bool Session::Confirm(std::string_view question) {
  if (!WouldAsk()) return true;
  io_.out.flush();
  io_.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(io_.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int Session::Declined() {
  Note("nothing was changed");
  return kExitUsage;
}

void Session::Note(std::string_view text) {
  io_.out.flush();
  io_.err << "note: " << Printable(text) << '\n' << std::flush;
}

std::optional<Failure> Session::Retry(const Client& client, const std::function<grpc::Status()>& call) {
  std::chrono::milliseconds wait = kFirstWait;
  for (int attempt = 1;; ++attempt) {
    const grpc::Status status = call();
    if (status.ok()) return std::nullopt;
    Failure failure = client.Decode(status);
    if (failure.retryable && attempt < kTries) {
      Note(fmt::format("try {} of {} failed ({}: {}); again with the same request id in {} ms", attempt,
                       kTries, failure.reason.empty() ? failure.code : failure.reason, failure.message,
                       wait.count()));
      io_.sleep(wait);
      wait = std::min(2 * wait, kLongestWait);
      continue;
    }
    if (request_id_ && (failure.retryable || failure.exit_code == kExitUnreachable)) {
      failure.cure += fmt::format(" Then repeat with --request-id {}.", request_id_->ToString());
    }
    return failure;
  }
}

void Session::PrintChanged(uint64_t revision, const std::string& token, bool repeated) {
  if (globals_.dry_run) {
    io_.out << "dry run: nothing was changed\n";
    return;
  }
  if (repeated) io_.out << "this was a repeat: it had been done before\n";
  if (!token.empty()) io_.out << fmt::format("revision {}, token {}\n", revision, Printable(token));
}

void Session::PrintArray(const std::vector<std::string>& elements) {
  io_.out << '[';
  for (size_t i = 0; i < elements.size(); ++i) io_.out << (i == 0 ? "\n  " : ",\n  ") << elements[i];
  io_.out << (elements.empty() ? "]\n" : "\n]\n");
}

}  // namespace hearth::ctl
