#include "src/gateway/ecmg_connection.h"

#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "src/gateway/steady_now.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using simulcrypt::CloseReason;
using simulcrypt::EcmgSession;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kHandshake{10};
// Answers that a scrambler does not read: then nothing more is read from it either.
constexpr size_t kUnreadBytes = size_t{1} << 20;

std::string_view NameOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kMalformed:
      return "three malformed messages in a row";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kTestFailed:
      return "channel_test not answered";
    default:
      return "finished";
  }
}

bool IsEnd(error_code error) { return error == asio::error::eof || error == ssl::error::stream_truncated; }

void Handshake(tcp::socket& /*stream*/, const std::function<void(error_code)>& done) { done({}); }
std::string WhyNot(const tcp::socket& /*stream*/, error_code error) { return error.message(); }
void Handshake(ssl::stream<tcp::socket>& stream, std::function<void(error_code)> done) {
  stream.async_handshake(ssl::stream_base::server, std::move(done));
}
// In words that say which side must mend what.
std::string WhyNot(ssl::stream<tcp::socket>& stream, error_code error) {
  if (IsEnd(error)) return "the scrambler went away during the TLS handshake";
  const long verified =
      SSL_get_verify_result(stream.native_handle());  // NOLINT(google-runtime-int): OpenSSL's
  if (verified != X509_V_OK) {
    return fmt::format("the scrambler's certificate: {}", X509_verify_cert_error_string(verified));
  }
  switch (ERR_GET_REASON(static_cast<uint32_t>(error.value()))) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the scrambler shows no certificate";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the scrambler does not trust our certificate";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return "the scrambler does not speak TLS";
    default:
      return error.message();
  }
}

template <typename Stream>
class ConnectionOver final : public EcmgConnection,
                             public std::enable_shared_from_this<ConnectionOver<Stream>> {
 public:
  ConnectionOver(EcmgShared& shared, Stream stream, std::string peer, OnEnd on_end)
      : shared_(shared),
        host_(shared, std::move(peer)),
        stream_(std::move(stream)),
        timer_(stream_.get_executor()),
        on_end_(std::move(on_end)) {}

  void Start() override {
    auto session = EcmgSession::Create(shared_.options.session, host_, SteadyNow());
    if (!session) return End(session.error().ToString());  // checked by the server already
    session_ = std::move(*session);
    timer_.expires_after(kHandshake);
    timer_.async_wait([self = this->shared_from_this()](error_code aborted) {
      if (!aborted && !self->ready_) self->Refuse("no TLS handshake within 10 s");
    });
    Handshake(stream_, [self = this->shared_from_this()](error_code error) {
      if (self->ended_) return;
      if (error) return self->Refuse(WhyNot(self->stream_, error));
      self->ready_ = true;
      self->timer_.cancel();
      self->Tick();
      self->Read();
    });
  }
  void Close() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->End("stopping"); });
  }

 private:
  void Read() {
    if (reading_ || ended_) return;
    reading_ = true;
    stream_.async_read_some(asio::buffer(in_),
                            [self = this->shared_from_this()](error_code error, size_t bytes) {
                              self->reading_ = false;
                              if (self->ended_) return;
                              if (error)
                                return self->End(IsEnd(error) ? "closed by the scrambler" : error.message());
                              const nanoseconds now = SteadyNow();
                              self->host_.ReceivedAt(now);
                              self->session_->Push(ByteView(self->in_).first(bytes), now, self->out_);
                              self->Proceed();
                            });
  }

  void Tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([self = this->shared_from_this()](error_code aborted) {
      if (aborted || self->ended_) return;
      self->session_->Tick(SteadyNow(), self->out_);
      self->Proceed();
      if (!self->ended_) self->Tick();
    });
  }

  void Proceed() {
    Write();
    if (session_->should_close()) {
      if (!writing_) End(std::string(NameOf(session_->close_reason())));
      return;
    }
    if (out_.size() < kUnreadBytes) Read();
  }

  void Write() {
    if (writing_ || out_.empty()) return;
    writing_ = true;
    std::swap(out_, written_);
    asio::async_write(stream_, asio::buffer(written_),
                      [self = this->shared_from_this()](error_code error, size_t) {
                        self->writing_ = false;
                        self->written_.clear();
                        if (self->ended_) return;
                        if (error) return self->End(error.message());
                        self->Proceed();
                      });
  }

  void Refuse(const std::string& why) {
    shared_.log.Warn("ecmg.tls_refused", {{"scrambler", host_.peer()}, {"cause", why}});
    End("refused");
  }

  // Ids, channels and streams are free at once, whether or not a close message came.
  void End(const std::string& why) {
    if (std::exchange(ended_, true)) return;
    if (session_) session_->Closed();
    timer_.cancel();
    error_code ignored;
    stream_.lowest_layer().close(ignored);
    shared_.connections_gauge.Set(--shared_.connections);
    shared_.log.Info("ecmg.disconnected", {{"scrambler", host_.peer()}, {"cause", why}});
    on_end_(this->shared_from_this());
  }

  EcmgShared& shared_;
  ConnectionHost host_;
  Stream stream_;
  asio::steady_timer timer_;
  const OnEnd on_end_;
  std::unique_ptr<EcmgSession> session_;
  std::array<uint8_t, 16 * 1024> in_{};
  Bytes out_;      // to be written next
  Bytes written_;  // being written
  bool ready_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;
};

Error TlsFailed(std::string_view what, const std::filesystem::path& file, const error_code& error) {
  return Error(Reason::kConfigValueInvalid, fmt::format("{}: {} cannot be used", what, file.string()))
      .Detail(error.message());
}

Status Load(ssl::context& context, const EcmgTls& tls) {
  error_code error;
  context.use_certificate_chain_file(tls.certificate.string(), error);
  if (error) return TlsFailed("tls_certificate", tls.certificate, error);
  context.use_private_key_file(tls.key.string(), ssl::context::pem, error);
  if (error) return TlsFailed("tls_key", tls.key, error);
  context.load_verify_file(tls.client_ca.string(), error);
  if (error) return TlsFailed("tls_client_ca", tls.client_ca, error);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return Ok();
}

}  // namespace

struct EcmgTlsContext::Context {
  ssl::context ssl{ssl::context::tls_server};
};

EcmgTlsContext::EcmgTlsContext(std::unique_ptr<Context> context) : context_(std::move(context)) {}
EcmgTlsContext::~EcmgTlsContext() = default;

Result<std::unique_ptr<EcmgTlsContext>> EcmgTlsContext::Create(const EcmgTls& tls) {
  auto context = std::make_unique<Context>();
  context->ssl.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  HEARTH_RETURN_IF_ERROR(Load(context->ssl, tls));
  return std::unique_ptr<EcmgTlsContext>(new EcmgTlsContext(std::move(context)));
}

std::shared_ptr<EcmgConnection> EcmgConnection::Create(EcmgShared& shared, tcp::socket socket,
                                                       EcmgTlsContext* tls, std::string peer, OnEnd on_end) {
  if (tls == nullptr) {
    return std::make_shared<ConnectionOver<tcp::socket>>(shared, std::move(socket), std::move(peer),
                                                         std::move(on_end));
  }
  return std::make_shared<ConnectionOver<ssl::stream<tcp::socket>>>(
      shared, ssl::stream<tcp::socket>(std::move(socket), tls->context().ssl), std::move(peer),
      std::move(on_end));
}

}  // namespace hearth::gateway
