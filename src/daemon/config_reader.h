// Reads keys out of a TOML document into variables, and collects what is wrong.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/endpoint.h"
#include "src/base/ids.h"
#include "src/daemon/config.h"
#include "src/daemon/config_toml.h"

namespace hearth::daemon {

// Call Section, then one reading function for each key of it, then the next Section; at the end Finish. A key
// that is absent leaves the variable as it is, which is its default; so does one that is wrong. One thread.
// The document must outlive it.
class ConfigReader {
 public:
  // True when a text keeps its rule.
  using TextCheck = std::function<bool(std::string_view)>;

  explicit ConfigReader(const TomlDocument& document) : document_(document) {}

  void Section(std::string_view name);

  // `rule` says what `check` demands: "two digits, such as 64".
  void Text(std::string_view key, std::string* out, std::string rule, const TextCheck& check);
  void Path(std::string_view key, std::filesystem::path* out);
  void Flag(std::string_view key, bool* out);
  void Address(std::string_view key, Endpoint* out);
  // An empty text means none.
  void Address(std::string_view key, std::optional<Endpoint>* out);
  void Time(std::string_view key, UnixMillis* out, UnixMillis earliest);
  // 32 bits as "0x" and 8 hexadecimal digits; and several of them, separated by commas.
  void Hex32(std::string_view key, uint32_t* out);
  void Hex32List(std::string_view key, std::vector<uint32_t>* out);

  // A whole number from min to max, counted in `unit`.
  template <std::integral T>
  void Number(std::string_view key, T* out, int64_t min, int64_t max, std::string_view unit) {
    int64_t value = static_cast<int64_t>(*out);
    Integer(key, &value, min, max, unit);
    *out = static_cast<T>(value);
  }
  // The same for a duration counted in its own unit.
  template <typename Rep, typename Period>
  void Number(std::string_view key, std::chrono::duration<Rep, Period>* out, int64_t min, int64_t max,
              std::string_view unit) {
    int64_t value = out->count();
    Integer(key, &value, min, max, unit);
    *out = std::chrono::duration<Rep, Period>(static_cast<Rep>(value));
  }

  // One of some words.
  template <typename T>
  void OneOf(std::string_view key, T* out, const std::vector<std::pair<std::string_view, T>>& words) {
    std::vector<std::string_view> names;
    std::string chosen;
    for (const auto& [word, value] : words) {
      names.push_back(word);
      if (value == *out) chosen = word;
    }
    Word(key, &chosen, names);
    for (const auto& [word, value] : words) {
      if (word == chosen) *out = value;
    }
  }

  // The sections of the file inside `kind` that their users named: "mux.yinchuan".
  std::vector<std::string> NamedSections(std::string_view kind) const;
  // True when the file has the key ("grpc.tls_key"), rightly or not.
  bool Given(std::string_view name) const;
  // True when the key is absent or was read without an error.
  bool Good(std::string_view name) const { return bad_.count(std::string(name)) == 0; }

  // Errors of rules that span keys. Invalid names the line of the key, Missing that of its section.
  void Invalid(std::string_view name, std::string message);
  void Missing(std::string_view name, std::string why);

  // Reports every key and section that was not asked for, and gives all errors sorted by line.
  ConfigErrors Finish();

  const std::vector<ConfigKey>& keys() const { return keys_; }

 private:
  // Notes the key as known; the value when the file has one of the type T, else nullptr.
  template <typename T>
  const T* Find(std::string_view key, std::string rule, std::string default_value);
  void Integer(std::string_view key, int64_t* out, int64_t min, int64_t max, std::string_view unit);
  void Word(std::string_view key, std::string* out, const std::vector<std::string_view>& words);
  const TomlValue* Value(std::string_view name) const;
  void Unknown(int line, std::string name, std::string_view part, const std::vector<std::string>& candidates);

  const TomlDocument& document_;
  std::string section_;
  std::vector<std::string> sections_;
  std::vector<ConfigKey> keys_;
  std::set<std::string> bad_;
  ConfigErrors errors_;
};

}  // namespace hearth::daemon
