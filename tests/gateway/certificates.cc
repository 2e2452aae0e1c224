#include "tests/gateway/certificates.h"

#include <cstdio>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace hearth::gateway {
namespace {

namespace fs = std::filesystem;

constexpr long kDay = 24L * 60 * 60;  // NOLINT(google-runtime-int): what OpenSSL takes

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using File = std::unique_ptr<FILE, Freed<std::fclose>>;

File Open(const fs::path& path, const char* mode) { return File(std::fopen(path.c_str(), mode)); }

bool Write(const fs::path& folder, const std::string& name, X509* certificate, EVP_PKEY* key) {
  const File crt = Open(folder / (name + ".crt"), "w");
  const File pem = Open(folder / (name + ".key"), "w");
  return crt && pem && PEM_write_X509(crt.get(), certificate) == 1 &&
         PEM_write_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
}

// For `name`, unsigned, from yesterday on or, when it has ended, from a day before that.
Certificate Make(const std::string& name, EVP_PKEY* key, int days, bool is_ca) {
  Certificate out(X509_new());
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  X509_NAME* subject = X509_get_subject_name(out.get());
  const Extension constraints(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE"));
  const bool made =
      constraints && X509_set_version(out.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(out.get()), serial >> 1) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(out.get()), (days < 0 ? days - 1 : -1) * kDay) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(out.get()), days * kDay) != nullptr &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
      X509_set_pubkey(out.get(), key) == 1 && X509_add_ext(out.get(), constraints.get(), -1) == 1;
  return made ? std::move(out) : nullptr;
}

}  // namespace

bool MakeCa(const fs::path& folder, const std::string& name) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = Make(name, key.get(), 1, true);
  return certificate &&
         X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1 &&
         X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0 &&
         Write(folder, name, certificate.get(), key.get());
}

bool MakeCertificate(const fs::path& folder, const std::string& name, const std::string& ca, int days) {
  const File ca_crt = Open(folder / (ca + ".crt"), "r");
  const File ca_pem = Open(folder / (ca + ".key"), "r");
  if (!ca_crt || !ca_pem) return false;
  const Certificate issuer(PEM_read_X509(ca_crt.get(), nullptr, nullptr, nullptr));
  const Key issuer_key(PEM_read_PrivateKey(ca_pem.get(), nullptr, nullptr, nullptr));
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = Make(name, key.get(), days, false);
  return certificate && issuer && issuer_key &&
         X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) == 1 &&
         X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0 &&
         Write(folder, name, certificate.get(), key.get());
}

}  // namespace hearth::gateway
