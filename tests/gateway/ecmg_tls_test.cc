// The ECMG over TLS, with real certificates: who is let in, who is not, and what the log says of it.
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "src/gateway/ecmg_server.h"
#include "tests/gateway/certificates.h"
#include "tests/gateway/peers.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr uint32_t kCas = 0x4A750001;

class AnyEcm final : public EcmMaker {
 public:
  bool Knows(ServiceId /*service*/) const override { return true; }
  EcmOutcome Make(const EcmDemand& /*demand*/, Bytes& section) const override {
    section = {0x80, 0x70, 1, 7};
    return EcmOutcome::kMade;
  }
};

// Any thread.
class KeptLog final : public Logger {
 public:
  void Log(LogLevel /*level*/, std::string_view event, std::initializer_list<LogField> fields) override {
    const MutexLock lock(mu_);
    text_ += event;
    for (const LogField& field : fields) text_ += fmt::format(" {}={}", field.key, field.value);
    text_ += '\n';
  }
  std::string text() const {
    const MutexLock lock(mu_);
    return text_;
  }

 private:
  mutable Mutex mu_;
  std::string text_ HEARTH_GUARDED_BY(mu_);
};

// A scrambler behind TLS.
class TlsScs final : public simulcrypt::ScsHost {
 public:
  // Shows the certificate `own`, unless empty, and trusts `ca`.
  TlsScs(const fs::path& folder, const std::string& own, const std::string& ca)
      : context_(ssl::context::tls_client), stream_(io_, Trusting(context_, folder, own, ca)) {}

  // True when channel and stream are open and an ECM has come.
  bool Ask(uint16_t port) {
    error_code failed;
    stream_.lowest_layer().connect({asio::ip::address_v4::loopback(), port}, failed);
    if (failed) return false;
    std::optional<error_code> shaken;
    stream_.async_handshake(ssl::stream_base::client, [&](error_code error) { shaken = error; });
    if (!Run([&] { return shaken.has_value(); }) || *shaken) return false;
    simulcrypt::ScsOptions options{.super_cas_id = kCas, .streams = {{.stream_id = 1, .ecm_id = 5}}};
    session_ = *simulcrypt::ScsSession::Create(options, *this);
    Bytes out;
    session_->Start(SteadyNow(), out);
    using State = simulcrypt::ScsSession::State;
    if (!Until([&] { return session_->state() == State::kOpen; }, out)) return false;
    const Bytes word(8, 1);
    const std::vector<simulcrypt::CpCw> words = {{0, word}, {1, word}};
    (void)session_->Provide(1, 0, words, {}, SteadyNow(), out);
    return Until([&] { return ecms_ == 1; }, out);
  }

  void OnEcm(uint16_t /*stream_id*/, uint16_t /*cp_number*/, ByteView /*datagram*/,
             std::optional<simulcrypt::SteadyTime> /*waited*/) override {
    ++ecms_;
  }
  void OnError(const simulcrypt::ScsError& /*error*/) override {}

 private:
  static ssl::context& Trusting(ssl::context& context, const fs::path& folder, const std::string& own,
                                const std::string& ca) {
    context.load_verify_file(folder / (ca + ".crt"));
    context.set_verify_mode(ssl::verify_peer);
    if (!own.empty()) {
      context.use_certificate_chain_file(folder / (own + ".crt"));
      context.use_private_key_file(folder / (own + ".key"), ssl::context::pem);
    }
    return context;
  }
  bool Run(const std::function<bool()>& done) {
    const auto end = steady_clock::now() + kPatience;
    io_.restart();
    while (!done() && steady_clock::now() < end && io_.run_one_until(end) > 0) {
    }
    return done();
  }
  bool Until(const std::function<bool()>& done, Bytes& out) {
    while (!done()) {
      std::optional<error_code> written;
      asio::async_write(stream_, asio::buffer(out), [&](error_code error, size_t) { written = error; });
      if (!Run([&] { return written.has_value(); }) || *written) return false;
      out.clear();
      std::optional<error_code> read;
      size_t bytes = 0;
      stream_.async_read_some(asio::buffer(in_), [&](error_code error, size_t count) {
        read = error;
        bytes = count;
      });
      if (!Run([&] { return read.has_value(); }) || *read) return false;
      session_->Push(ByteView(in_).first(bytes), SteadyNow(), out);
    }
    return true;
  }

  asio::io_context io_;
  ssl::context context_;
  ssl::stream<tcp::socket> stream_;
  std::unique_ptr<simulcrypt::ScsSession> session_;
  std::array<uint8_t, 4096> in_{};
  int ecms_ = 0;
};

class EcmgTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "hearth-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    ASSERT_TRUE(MakeCa(folder_, "ca"));
    ASSERT_TRUE(MakeCa(folder_, "other-ca"));
    ASSERT_TRUE(MakeCertificate(folder_, "ecmg", "ca"));
    ASSERT_TRUE(MakeCertificate(folder_, "scrambler", "ca"));
    ASSERT_TRUE(MakeCertificate(folder_, "old-scrambler", "ca", -1));
    ASSERT_TRUE(MakeCertificate(folder_, "stranger", "other-ca"));
    options_.listen = {"127.0.0.1", 0};
    options_.super_cas_ids = {kCas};
    options_.overload = std::chrono::seconds(5);
    options_.tls = {folder_ / "ecmg.crt", folder_ / "ecmg.key", folder_ / "ca.crt"};
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Start() {
    auto server = EcmgServer::Create(options_, maker_, metrics_, log_);
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
  }
  template <typename Condition>
  static bool Eventually(const Condition& condition) {
    const auto end = steady_clock::now() + kPatience;
    while (!condition() && steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  }
  uint16_t port() const { return server_->listening().port; }

  fs::path folder_;
  EcmgServerOptions options_;
  AnyEcm maker_;
  KeptMetrics metrics_;
  KeptLog log_;
  std::unique_ptr<EcmgServer> server_;
};

TEST_F(EcmgTlsTest, LetsInWhoHasACertificateOfTheCa) {
  Start();
  struct Row {
    const char* name;
    const char* certificate;
    const char* trusts;
    bool in;
    const char* log;
  };
  const Row rows[] = {
      {"of our CA", "scrambler", "ca", true, "ecmg.channel_open"},
      {"of another CA", "stranger", "ca", false, "unable to get local issuer certificate"},
      {"out of date", "old-scrambler", "ca", false, "certificate has expired"},
      {"none", "", "ca", false, "shows no certificate"},
      {"does not trust ours", "scrambler", "other-ca", false, "does not trust our certificate"},
  };
  for (const Row& row : rows) {
    TlsScs scs(folder_, row.certificate, row.trusts);
    EXPECT_EQ(scs.Ask(port()), row.in) << row.name;
    EXPECT_TRUE(Eventually([&] { return log_.text().find(row.log) != std::string::npos; }))
        << row.name << ": " << log_.text();
  }
  EXPECT_TRUE(Eventually([&] { return metrics_.Value("hearth_ecmg_connections") == 0; }));
  EXPECT_EQ(metrics_.Value("hearth_ecmg_requests_total{5}"), 1) << "only the first one was answered";
}

TEST_F(EcmgTlsTest, ClosesWhatIsInClear) {
  Start();
  TestScs clear(port(), {.super_cas_id = kCas, .streams = {{.stream_id = 1, .ecm_id = 5}}});
  EXPECT_FALSE(clear.SetUp());
  EXPECT_TRUE(clear.closed());
  EXPECT_TRUE(Eventually([&] { return log_.text().find("does not speak TLS") != std::string::npos; }))
      << log_.text();
}

TEST_F(EcmgTlsTest, EndsWhileAScramblerIsSilentInTheHandshake) {
  Start();
  const auto silent = Socket::Connect(port());
  ASSERT_TRUE(silent);
  EXPECT_TRUE(Eventually([&] { return metrics_.Value("hearth_ecmg_connections") == 1; }));
  server_.reset();
  EXPECT_EQ(metrics_.Value("hearth_ecmg_connections"), 0);
}

TEST_F(EcmgTlsTest, NamesTheFileThatCannotBeUsed) {
  struct Row {
    const char* name;
    EcmgTls tls;
    const char* says;
  };
  const auto file = [&](const char* name) { return folder_ / name; };
  const Row rows[] = {
      {"no certificate", {file("none"), file("ecmg.key"), file("ca.crt")}, "tls_certificate"},
      {"no key", {file("ecmg.crt"), file("none"), file("ca.crt")}, "tls_key"},
      {"another's key", {file("ecmg.crt"), file("ca.key"), file("ca.crt")}, "tls_key"},
      {"no CA", {file("ecmg.crt"), file("ecmg.key"), file("none")}, "tls_client_ca"},
      {"a key as CA", {file("ecmg.crt"), file("ecmg.key"), file("ca.key")}, "tls_client_ca"},
  };
  for (const Row& row : rows) {
    options_.tls = row.tls;
    const auto server = EcmgServer::Create(options_, maker_, metrics_, log_);
    ASSERT_FALSE(server) << row.name;
    EXPECT_EQ(server.error().reason(), Reason::kConfigValueInvalid) << row.name;
    EXPECT_THAT(server.error().message(), testing::HasSubstr(row.says)) << row.name;
  }
}

}  // namespace
}  // namespace hearth::gateway
