// hearth-mux behind its options: a stream past the EMMs of its EMMGs to the output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hearth::mux {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFailed = 3;
inline constexpr int kExitBadInput = 4;

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string udp;
  std::string port_file;
  std::string in;
  std::string out;
  std::string sections_out;
  uint16_t emm_pid = 0x0500;
  std::string private_hex = "01";
  bool packed = false;
  std::string mode = "asked";  // section_TSpkt_flag answered: asked, sections or packets
  uint32_t bandwidth_kbps = 1000;
  int slack_percent = -1;
  uint32_t rate_kbps = 2000;  // of the output when there is no input
  std::optional<double> seconds;
  std::optional<double> window_seconds;  // between reports of the counts
  uint64_t until_sections = 0;
  bool fast = false;
  bool json = false;
};

// Until the input ends, what --for and --until-sections say, or a SIGINT or SIGTERM comes. Returns the exit
// code.
int Run(const Options& options);

}  // namespace hearth::mux
