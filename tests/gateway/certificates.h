// Certificates of a site, made for a test.
#pragma once

#include <filesystem>
#include <string>

namespace hearth::gateway {

// Writes a CA into `folder`: NAME.crt and NAME.key (PEM). False when OpenSSL fails, here and below.
bool MakeCa(const std::filesystem::path& folder, const std::string& name);
// A certificate and its key, signed by `ca`; it ends `days` from now, which may be past.
bool MakeCertificate(const std::filesystem::path& folder, const std::string& name, const std::string& ca,
                     int days = 1);

}  // namespace hearth::gateway
