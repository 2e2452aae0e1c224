// hearthctl: see hearthctl.1.
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include <unistd.h>

#include "tools/ctl/tool.h"

namespace {

// The system's randomness, for request ids.
class DeviceRandom final : public hearth::RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(device_());
  }

 private:
  std::random_device device_;
};

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const hearth::SystemClock clock;
  DeviceRandom random;
  hearth::ctl::Io io{
      .out = std::cout,
      .err = std::cerr,
      .in = std::cin,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .env =
          [](const char* name) {
            const char* value = std::getenv(name);
            return std::string(value == nullptr ? "" : value);
          },
      .sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
      .clock = clock,
      .random = random,
  };
  const int code = hearth::ctl::RunTool({argv + 1, argv + argc}, io);
  std::cout.flush();
  return code;
}
