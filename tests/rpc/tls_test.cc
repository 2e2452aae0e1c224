// With TLS the actor is the common name of the client's certificate, and nobody comes in without one.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "tests/rpc/fixture.h"

namespace hearth::rpc {
namespace {

namespace fs = std::filesystem;

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    std::string folder = (fs::temp_directory_path() / "hearth-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    MakeCa("ca");
    MakeCa("other-ca");
    MakeCertificate("server", "/CN=localhost", "ca");
    MakeCertificate("client", "/CN=张 operator-7", "ca");
    MakeCertificate("nameless", "/O=Hearth", "ca");
    MakeCertificate("stranger", "/CN=wang", "other-ca");
    const ServerOptions options{.listen = {"127.0.0.1", 0},
                                .tls = TlsFiles{.certificate = folder_ / "server.crt",
                                                .key = folder_ / "server.key",
                                                .client_ca = folder_ / "ca.crt"},
                                .limits = {},
                                .version = "",
                                .site = ""};
    auto server = Server::Start(*head_end_, options, clock_, random_, metrics_, log_);
    ASSERT_TRUE(server) << server.error().ToString();
    tls_server_ = std::move(*server);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void OpenSsl(const std::string& arguments) const {
    const std::string command =
        fmt::format("cd '{}' && openssl {} >/dev/null 2>&1", folder_.string(), arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c): a test
  }
  void MakeCa(const std::string& name) const {
    OpenSsl(
        fmt::format("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {0}.key "
                    "-out {0}.crt -subj /CN={0}",
                    name));
  }
  void MakeCertificate(const std::string& name, const std::string& subject, const std::string& ca) const {
    OpenSsl(
        fmt::format("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key -out {0}.csr "
                    "-utf8 -subj '{1}'",
                    name, subject));
    std::ofstream(folder_ / (name + ".ext")) << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    OpenSsl(
        fmt::format("x509 -req -in {0}.csr -CA {1}.crt -CAkey {1}.key -CAcreateserial -days 2 -out {0}.crt "
                    "-extfile {0}.ext",
                    name, ca));
  }
  std::string Read(const std::string& file) const {
    std::ifstream in(folder_ / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A client with the certificate of this name; none when it is empty.
  Client ClientAs(const std::string& name) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read("ca.crt");
    if (!name.empty()) {
      options.pem_cert_chain = Read(name + ".crt");
      options.pem_private_key = Read(name + ".key");
    }
    return Client(grpc::CreateChannel(ToString(tls_server_->listening()), grpc::SslCredentials(options)));
  }
  static grpc::Status CreateArea(const Client& client, const std::string& actor) {
    v1::CreateAreaRequest in;
    in.set_area_id("640122009");
    in.set_name("n");
    in.add_villages(kVillage);
    return Client::Call(*client.geofence, &v1::GeofenceService::Stub::CreateArea, in,
                        static_cast<v1::AreaResponse*>(nullptr), actor);
  }
  static grpc::Status GetStatus(const Client& client) {
    return Client::Call(*client.admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest());
  }

  fs::path folder_;
  std::unique_ptr<Server> tls_server_;
};

TEST_F(TlsTest, TheCertificateNamesTheActorAndMetadataDoesNot) {
  ASSERT_NO_FATAL_FAILURE(SetUpSite());
  v1::GetStatusResponse status;
  const Client client = ClientAs("client");
  ASSERT_TRUE(
      Client::Call(*client.admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest(), &status).ok());
  EXPECT_FALSE(status.insecure_development());

  v1::StepAreaRequest step;
  step.set_area_id(kArea);
  step.set_to(v1::ON_FILE);
  v1::AreaResponse out;
  const grpc::Status done =
      Client::Call(*client.geofence, &v1::GeofenceService::Stub::StepArea, step, &out, "somebody else");
  ASSERT_TRUE(done.ok()) << done.error_message();
  EXPECT_EQ(out.area().steps().rbegin()->actor(), "张 operator-7");
}

TEST_F(TlsTest, WhoHasNoGoodCertificateDoesNothing) {
  EXPECT_EQ(GetStatus(ClientAs("")).error_code(), grpc::StatusCode::UNAVAILABLE) << "no certificate";
  EXPECT_EQ(GetStatus(ClientAs("stranger")).error_code(), grpc::StatusCode::UNAVAILABLE) << "another CA";
  const Refusal nameless = RefusalOf(CreateArea(ClientAs("nameless"), "wang"));
  EXPECT_EQ(nameless.code, grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(nameless.reason, "ACTOR_MISSING");
  EXPECT_EQ(RefusalOf(GetStatus(ClientAs("nameless"))).reason, "ACTOR_MISSING") << "reading as well";
  const Client plain(
      grpc::CreateChannel(ToString(tls_server_->listening()), grpc::InsecureChannelCredentials()));
  EXPECT_EQ(GetStatus(plain).error_code(), grpc::StatusCode::UNAVAILABLE) << "no TLS";
}

TEST_F(TlsTest, BadFilesAreNamed) {
  std::ofstream(folder_ / "empty") << "";
  std::ofstream(folder_ / "rubbish") << "rubbish\n";
  struct Row {
    const char* name;
    TlsFiles files;
    Reason reason;
    const char* key;
  };
  const fs::path crt = folder_ / "server.crt";
  const fs::path key = folder_ / "server.key";
  const fs::path ca = folder_ / "ca.crt";
  const Row rows[] = {
      {"no certificate", {folder_ / "none", key, ca}, Reason::kFileUnreadable, "grpc.tls_certificate"},
      {"empty key", {crt, folder_ / "empty", ca}, Reason::kFileUnreadable, "grpc.tls_key"},
      {"no CA", {crt, key, folder_ / "none"}, Reason::kFileUnreadable, "grpc.tls_client_ca"},
      {"rubbish for a certificate", {folder_ / "rubbish", key, ca}, Reason::kConfigValueInvalid, "TLS"},
      {"another key", {crt, folder_ / "client.key", ca}, Reason::kConfigValueInvalid, "TLS"},
  };
  for (const Row& row : rows) {
    const ServerOptions options{
        .listen = {"127.0.0.1", 0}, .tls = row.files, .limits = {}, .version = "", .site = ""};
    const auto server = Server::Start(*head_end_, options, clock_, random_, metrics_, log_);
    ASSERT_FALSE(server) << row.name;
    EXPECT_EQ(server.error().reason(), row.reason) << row.name;
    EXPECT_NE(server.error().message().find(row.key), std::string::npos) << server.error().message();
  }
}

}  // namespace
}  // namespace hearth::rpc
