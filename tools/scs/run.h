// hearth-scs behind its options: from the input through the scrambler to the output.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::scs {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitEcmg = 3;
inline constexpr int kExitBadInput = 4;

struct Options {
  std::vector<std::string> ecmgs;
  uint32_t super_cas_id = 0;
  uint16_t channel_id = 1;
  uint16_t version = 3;  // 1 to 255
  std::string in = "-";
  std::string out = "-";
  std::vector<uint16_t> services;
  std::vector<uint16_t> ecm_ids;
  std::vector<uint16_t> ecm_pids;
  std::vector<std::string> access_criteria;  // hexadecimal
  double crypto_period_s = 10;
  std::string algorithm = "csa";
  std::string private_hex = "01";
  double patience_s = 10;
  bool realtime = false;
  bool json = false;
};

// Until the input ends or a SIGINT or SIGTERM comes. Prints to standard output, or to standard error when the
// stream goes there. Returns the exit code.
int Run(const Options& options);

}  // namespace hearth::scs
