#include "tools/receiver/factory.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "tools/receiver/files.h"

namespace hearth::receiver {
namespace {

constexpr uint64_t kMaxSim = 99'999'999'999;

std::string RandomKeyHex(RandomSource& random) {
  Key key;
  random.Fill(key.mutable_secret_bytes());
  return ToHex(key.secret_bytes());
}

// 11 digits, another for each box: a bijection on the last 11 digits of the serial.
std::string EncryptedSerial(uint64_t box) {
  return fmt::format("{:011}", box % 100'000'000'000 * 98'765'431 % 100'000'000'000);
}

// 15 digits: type allocation 86 and the box's last 12 digits, then the check digit.
std::string Imei(uint64_t box) {
  const std::string digits = fmt::format("86{:012}", box % 1'000'000'000'000);
  return digits + LuhnDigit(digits);
}

// 20 digits: telecom (89), China (86), issuer 00, the SIM's number, then the check digit.
std::string Iccid(uint64_t sim) {
  const std::string digits = fmt::format("898600{:013}", sim);
  return digits + LuhnDigit(digits);
}

Status CheckPlan(const BatchPlan& plan) {
  if (plan.count == 0 || plan.count > kMaxBatchCards) {
    return InvalidField("count", fmt::format("1 to {}", kMaxBatchCards));
  }
  const uint64_t last = plan.count - 1;
  if (plan.batch.value == 0) return InvalidField("batch", "1 to 65535");
  if (plan.first_card.value + last > kMaxCardNumber)
    return InvalidField("first_card", "the batch ends after 12 digits");
  if (plan.first_box.value == 0 || plan.first_box.value + last > kMaxBoxSerial) {
    return InvalidField("first_box", "not zero, and the batch ends within 16 digits");
  }
  if (plan.first_sim.value + last > kMaxSim)
    return InvalidField("first_sim", "the batch ends within 11 digits");
  const bool plain = !plan.model.empty() && plan.model.find_first_of(",\"\r\n") == std::string::npos;
  if (!plain) return InvalidField("model", "a name without comma, quote or line end");
  return Ok();
}

// Rows of a CSV file without quotes, columns in the order of `header`. `take` gets the fields and the line
// number and returns true to stop.
using Fields = std::vector<std::string_view>;
Status EachRow(const std::string& path, std::string_view header,
               const std::function<Result<bool>(const Fields&, size_t line)>& take) {
  HEARTH_ASSIGN_OR_RETURN(const std::string content, ReadWholeFile(path));
  std::string_view rest = content;
  for (size_t line = 1; !rest.empty(); ++line) {
    const size_t end = rest.find('\n');
    std::string_view row = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
    if (line == 1) {
      if (row != header) {
        return Error(Reason::kHeaderInvalid, fmt::format("{} does not begin with \"{}\"", path, header));
      }
      continue;
    }
    Fields fields;
    for (size_t at = 0; at <= row.size();) {
      const size_t comma = std::min(row.find(',', at), row.size());
      fields.push_back(row.substr(at, comma - at));
      at = comma + 1;
    }
    const auto columns = static_cast<size_t>(std::count(header.begin(), header.end(), ',')) + 1;
    if (fields.size() != columns) {
      return Error(Reason::kRowColumns, fmt::format("{} line {}: {} fields", path, line, fields.size()));
    }
    auto stop = take(fields, line);
    if (!stop) {
      return Error(Reason::kRowFieldInvalid,
                   fmt::format("{} line {}: {}", path, line, stop.error().message()));
    }
    if (*stop) return Ok();
  }
  return Ok();
}

constexpr std::string_view kBatchHeader = "batch,first_card,last_card,master_key";
constexpr std::string_view kCardHeader = "card_number,batch";
constexpr std::string_view kBoxHeader = "box_serial,encrypted_serial,imei,model,chip_key";
constexpr std::string_view kSimHeader = "sim_number,iccid";
constexpr std::string_view kEmergencyHeader = "key_id,public_key";

std::string InDirectory(const std::string& directory, const char* file) {
  return (std::filesystem::path(directory) / file).string();
}

// The keys of `path`, by id.
Result<std::map<uint8_t, PublicKey>> ReadEmergencyKeys(const std::string& path) {
  std::map<uint8_t, PublicKey> keys;
  HEARTH_RETURN_IF_ERROR(EachRow(path, kEmergencyHeader, [&](const Fields& row, size_t) -> Result<bool> {
    unsigned id = 0;
    const auto [end, error] = std::from_chars(row[0].data(), row[0].data() + row[0].size(), id);
    if (error != std::errc() || end != row[0].data() + row[0].size() || id < 1 || id > 255) {
      return InvalidField("key_id", "1 to 255");
    }
    const auto key = FromHex(row[1]);
    if (!key || key->size() != PublicKey().size()) {
      return InvalidField("public_key", "64 hexadecimal digits");
    }
    keys[static_cast<uint8_t>(id)] = ByteReader(*key).Array<32>();
    return false;
  }));
  return keys;
}

Status MakeEmergencyKeys(const BatchPlan& plan, RandomSource& random, const std::string& directory) {
  const std::string path = InDirectory(directory, "emergency.csv");
  if (!plan.emergency_keys.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const auto keys, ReadEmergencyKeys(plan.emergency_keys));
    std::string content = fmt::format("{}\n", kEmergencyHeader);
    for (const auto& [id, key] : keys) content += fmt::format("{},{}\n", id, ToHex(key));
    return CreateFile(path, content, 0644);
  }
  std::string keys = fmt::format("{}\n", kEmergencyHeader);
  for (const auto& [id, file] : {std::pair(1, "emergency.key"), std::pair(2, "emergency-2.key")}) {
    Secret<32> seed;
    random.Fill(seed.mutable_secret_bytes());
    keys += fmt::format("{},{}\n", id, ToHex(Ed25519PublicKey(seed)));
    HEARTH_RETURN_IF_ERROR(CreateFile(InDirectory(directory, file), ToHex(seed.secret_bytes()) + "\n", 0600));
  }
  return CreateFile(path, keys, 0644);
}

}  // namespace

char LuhnDigit(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 0) digit *= 2;
    sum += digit > 9 ? digit - 9 : digit;
  }
  return static_cast<char>('0' + (10 - sum % 10) % 10);
}

Key DeriveCardKey(const Key& batch_master, CardNumber card) {
  return Kdf(batch_master, "hearth/1/card", ByteWriter(5).U40(card.value).bytes());
}

Status Personalise(const BatchPlan& plan, RandomSource& random, const std::string& directory) {
  HEARTH_RETURN_IF_ERROR(CheckPlan(plan));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Error(Reason::kStoreIo, fmt::format("cannot make {}: {}", directory, error.message()));
  }
  for (const char* file : {"batches.csv", "cards.csv", "boxes.csv", "sims.csv", "emergency.csv",
                           "emergency.key", "emergency-2.key"}) {
    if (std::filesystem::exists(InDirectory(directory, file), error)) {
      return Error(Reason::kFileUnreadable, fmt::format("{} is there already: keys are never overwritten",
                                                        InDirectory(directory, file)));
    }
  }
  std::string batches =
      fmt::format("{}\n{},{},{},{}\n", kBatchHeader, plan.batch.value, ToString(plan.first_card),
                  ToString(CardNumber(plan.first_card.value + plan.count - 1)), RandomKeyHex(random));
  std::string cards = fmt::format("{}\n", kCardHeader);
  std::string boxes = fmt::format("{}\n", kBoxHeader);
  std::string sims = fmt::format("{}\n", kSimHeader);
  for (uint64_t i = 0; i < plan.count; ++i) {
    const uint64_t box = plan.first_box.value + i;
    const uint64_t sim = plan.first_sim.value + i;
    cards += fmt::format("{:012},{}\n", plan.first_card.value + i, plan.batch.value);
    boxes += fmt::format("{:016},{},{},{},{}\n", box, EncryptedSerial(box), Imei(box), plan.model,
                         RandomKeyHex(random));
    sims += fmt::format("{:011},{}\n", sim, Iccid(sim));
  }
  // After all others: the numbers of a seed stay what they were.
  HEARTH_RETURN_IF_ERROR(MakeEmergencyKeys(plan, random, directory));
  HEARTH_RETURN_IF_ERROR(CreateFile(InDirectory(directory, "batches.csv"), batches, 0600));
  HEARTH_RETURN_IF_ERROR(CreateFile(InDirectory(directory, "cards.csv"), cards, 0644));
  HEARTH_RETURN_IF_ERROR(CreateFile(InDirectory(directory, "boxes.csv"), boxes, 0600));
  return CreateFile(InDirectory(directory, "sims.csv"), sims, 0644);
}

Result<Card> MakeCard(const std::string& directory, CardNumber card) {
  std::optional<Card> made;
  HEARTH_RETURN_IF_ERROR(EachRow(
      InDirectory(directory, "batches.csv"), kBatchHeader, [&](const Fields& row, size_t) -> Result<bool> {
        HEARTH_ASSIGN_OR_RETURN(const CardNumber first, ParseCardNumber(row[1], "first_card"));
        HEARTH_ASSIGN_OR_RETURN(const CardNumber last, ParseCardNumber(row[2], "last_card"));
        if (card < first || last < card) return false;
        HEARTH_ASSIGN_OR_RETURN(const Key master, KeyFromHex(row[3], "master_key"));
        made = Card::Personalised(card, DeriveCardKey(master, card));
        return true;
      }));
  if (!made) {
    return Error(Reason::kCardUnknown,
                 fmt::format("card {} is in no batch of {}", ToString(card), directory));
  }
  return *made;
}

Result<Box> MakeBox(const std::string& directory, BoxSerial box, std::optional<SimNumber> sim) {
  BoxState state;
  size_t box_line = 0;
  HEARTH_RETURN_IF_ERROR(EachRow(InDirectory(directory, "boxes.csv"), kBoxHeader,
                                 [&](const Fields& row, size_t line) -> Result<bool> {
                                   HEARTH_ASSIGN_OR_RETURN(const BoxSerial serial, ParseBoxSerial(row[0]));
                                   if (serial != box) return false;
                                   state.serial = box;
                                   state.imei = row[2];
                                   state.model = row[3];
                                   HEARTH_ASSIGN_OR_RETURN(state.chip_key, KeyFromHex(row[4], "chip_key"));
                                   box_line = line;
                                   return true;
                                 }));
  if (box_line == 0) {
    return Error(Reason::kBoxUnknown, fmt::format("box {} is not in {}", ToString(box), directory));
  }
  HEARTH_RETURN_IF_ERROR(EachRow(InDirectory(directory, "sims.csv"), kSimHeader,
                                 [&](const Fields& row, size_t line) -> Result<bool> {
                                   HEARTH_ASSIGN_OR_RETURN(const SimNumber number, ParseSimNumber(row[0]));
                                   if (sim ? number != *sim : line != box_line) return false;
                                   state.sim = number;
                                   return true;
                                 }));
  if (sim && state.sim != *sim) {
    return Error(Reason::kSimUnknown, fmt::format("SIM {} is not in {}", ToString(*sim), directory));
  }
  // A factory of before there were such keys has no such file.
  const std::string emergency = InDirectory(directory, "emergency.csv");
  std::error_code error;
  if (std::filesystem::exists(emergency, error)) {
    HEARTH_ASSIGN_OR_RETURN(state.alerts.keys, ReadEmergencyKeys(emergency));
  }
  return Box::Create(std::move(state));
}

}  // namespace hearth::receiver
