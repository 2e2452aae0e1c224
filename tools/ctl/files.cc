#include "tools/ctl/files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

namespace hearth::ctl {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

Result<std::string> ReadAll(std::istream& in, const std::string& name, size_t max_bytes) {
  std::string text;
  std::string part(kReadBytes, '\0');
  while (in) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    text.append(part, 0, static_cast<size_t>(in.gcount()));
    if (text.size() > max_bytes) {
      return Error(Reason::kLimitExceeded, fmt::format("{} is larger than {} bytes", name, max_bytes));
    }
  }
  if (in.bad()) return Error(Reason::kFileUnreadable, fmt::format("cannot read {}", name));
  return text;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  std::error_code ignored;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, ignored)) {
    return Error(Reason::kFileUnreadable, fmt::format("cannot open {}", path));
  }
  return ReadAll(in, path, max_bytes);
}

Result<std::string> ReadFileOrInput(const std::string& path, std::istream& in) {
  if (path == "-") return ReadAll(in, "the standard input", kMaxFileBytes);
  return ReadFile(path);
}

Status WriteFile(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(temporary, path, failed);
  if (!out || failed) return Error(Reason::kFileUnreadable, fmt::format("cannot write {}", path));
  return Ok();
}

Result<uint32_t> ParseNumber(std::string_view text, uint32_t max, std::string_view field) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) {
    return InvalidField(std::string(field), fmt::format("must be a number of at most {}", max));
  }
  return value;
}

Result<std::vector<uint32_t>> ParseServices(std::string_view text, std::string_view field) {
  constexpr uint32_t kMaxService = 65535;
  std::set<uint32_t> services;
  while (true) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    const size_t dash = part.find('-');
    HEARTH_ASSIGN_OR_RETURN(const uint32_t first, ParseNumber(part.substr(0, dash), kMaxService, field));
    uint32_t last = first;
    if (dash != std::string_view::npos) {
      HEARTH_ASSIGN_OR_RETURN(last, ParseNumber(part.substr(dash + 1), kMaxService, field));
    }
    if (first == 0 || last < first) {
      return InvalidField(std::string(field), "must be like 1-40,1064: numbers from 1, the lower one first");
    }
    for (uint32_t service = first; service <= last; ++service) services.insert(service);
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  return std::vector<uint32_t>(services.begin(), services.end());
}

}  // namespace hearth::ctl
