// hearthctl simulcrypt: what those who set up scramblers and multiplexers need; without a head-end.
#include <charconv>

#include <fmt/format.h>

#include "src/mpegts/ca_descriptor.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

struct DescriptorFlags {
  std::string system_id;
  std::string emm_pid;
  std::vector<std::string> services;
  int suite = 1;
};

// The whole text as a number, "0x" before hexadecimal digits.
std::optional<uint32_t> ParseNumber(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<mpegts::Pid> ParsePid(std::string_view text, std::string field) {
  const auto pid = ParseNumber(text);
  if (!pid || *pid < 0x10 || *pid > 0x1FFE) {
    return InvalidField(std::move(field), "a PID from 0x0010 to 0x1FFE");
  }
  return mpegts::Pid(static_cast<uint16_t>(*pid));
}

std::string Hex(ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

struct Line {
  std::string table;  // "CAT", "PMT"
  uint32_t service = 0;
  mpegts::Pid pid;
  std::string descriptor;
};

Result<Line> LineOf(const std::string& table, uint32_t service, mpegts::Pid pid, uint16_t system_id,
                    int suite) {
  HEARTH_ASSIGN_OR_RETURN(
      const Bytes descriptor,
      mpegts::EncodeCaDescriptor(
          {.system_id = system_id, .pid = pid, .private_bytes = {static_cast<uint8_t>(suite)}}));
  return Line{table, service, pid, Hex(descriptor)};
}

Result<std::vector<Line>> LinesOf(const DescriptorFlags& flags) {
  const auto system_id = ParseNumber(flags.system_id);
  if (!system_id || *system_id > 0xFFFF)
    return InvalidField("system-id", "a CA_system_id from 0x0000 to 0xFFFF");
  const auto id = static_cast<uint16_t>(*system_id);
  std::vector<Line> lines;
  if (!flags.emm_pid.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const mpegts::Pid pid, ParsePid(flags.emm_pid, "emm-pid"));
    HEARTH_ASSIGN_OR_RETURN(Line line, LineOf("CAT", 0, pid, id, flags.suite));
    lines.push_back(std::move(line));
  }
  for (const std::string& service : flags.services) {
    const size_t colon = service.find(':');
    const auto number = ParseNumber(std::string_view(service).substr(0, colon));
    if (colon == std::string::npos || !number || *number == 0 || *number > 0xFFFF) {
      return InvalidField(
          "service", fmt::format("a service number and the PID of its ECMs, such as 101:0x1001, not \"{}\"",
                                 service.substr(0, 64)));
    }
    HEARTH_ASSIGN_OR_RETURN(const mpegts::Pid pid, ParsePid(service.substr(colon + 1), "service"));
    HEARTH_ASSIGN_OR_RETURN(Line line, LineOf("PMT", *number, pid, id, flags.suite));
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return MissingField("emm-pid", "the PID of the EMMs, or one --service at least");
  return lines;
}

int RunDescriptors(Session& session, const DescriptorFlags& flags) {
  const auto lines = LinesOf(flags);
  if (!lines) return session.FailUsage(lines.error());
  Table table({{"table"}, {"service"}, {"pid"}, {"CA_descriptor"}});
  for (const Line& line : *lines) {
    if (session.json()) {
      session.out() << fmt::format(
          "{{\"table\":\"{}\",\"service\":{},\"pid\":{},\"ca_descriptor\":\"{}\"}}\n", line.table,
          line.service, line.pid.value, line.descriptor);
    } else {
      table.Add({line.table, line.service == 0 ? "-" : std::to_string(line.service),
                 fmt::format("0x{:04X}", line.pid.value), line.descriptor});
    }
  }
  if (!session.json()) table.Print(session.out());
  return kExitOk;
}

}  // namespace

void AddSimulcryptCommands(Tree& tree) {
  tree.Noun("simulcrypt", "Scramblers and multiplexers");
  tree.Add<DescriptorFlags>(
      "simulcrypt", "descriptors", "Prints the CA_descriptors that CAT and PMT need",
      [](CLI::App& command, DescriptorFlags& flags) {
        command
            .add_option("--system-id", flags.system_id, "CA_system_id: the upper half of the Super_CAS_id")
            ->type_name("ID")
            ->required();
        command
            .add_option("--emm-pid", flags.emm_pid, "PID that the multiplexer puts the EMMs on: for the CAT")
            ->type_name("PID");
        command
            .add_option("--service", flags.services, "Service and PID of its ECMs, 101:0x1001: for its PMT")
            ->type_name("SERVICE:PID");
        command.add_option("--suite", flags.suite, "Suite, the private byte of the descriptors (default: 1)")
            ->type_name("N")
            ->check(CLI::Range(0, 255).description(""));
      },
      RunDescriptors);
}

}  // namespace hearth::ctl
