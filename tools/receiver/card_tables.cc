// Area and deny tables in the card: section 5, rules 5 and 7.
#include <algorithm>

#include <fmt/format.h>

#include "tools/receiver/card.h"

namespace hearth::receiver {
namespace {

// Grace on unknown cells while no table has told another one.
constexpr uint8_t kDefaultGraceHours = 72;

}  // namespace

bool Card::Concerns(TableKind kind, AreaId list) const {
  if (!state_.record || state_.record->area.value == 0) return false;
  const AreaId area = state_.record->area;
  return kind == TableKind::kArea ? list == area : ScopeHolds(list.value / 1000, area.value / 1000);
}

void Card::ForgetForeignTables() {
  for (auto& [key, slot] : state_.tables) {
    if (Concerns(key.first, key.second)) continue;
    slot.table.reset();
    slot.collecting.reset();
  }
}

Outcome Card::ReceiveTable(ByteView section) {
  const auto head = DecodeTableHead(section);
  const auto parts = SplitSealed(section);
  if (!head || !parts) return {Why::kMalformed, "the table breaks a rule"};
  if (!Concerns(TableKind::kArea, head->list) && !Concerns(TableKind::kDeny, head->list)) {
    return {Why::kNotMine, "a table of another place"};
  }
  const auto key = PackageKey(head->package, head->package_epoch);
  if (!key) return {Why::kNoKey, "no key of this package and epoch"};
  const auto plain = SivOpen(DeriveSivKey(*key, "86"), parts->associated, parts->sealed);
  if (!plain) return {Why::kNotAuthentic, "the table was not made under the package key"};
  auto part = DecodeTablePart(plain->secret_bytes());
  if (!part) return {Why::kMalformed, "the table breaks a rule"};
  if (!Concerns(part->kind, head->list)) return {Why::kNotMine, "a table of another place"};
  return CollectPart(*head, std::move(*part));
}

Outcome Card::CollectPart(const TableHead& head, TablePart part) {
  const std::pair key(part.kind, head.list);
  const std::string name =
      fmt::format("{} table {} version {}", NameOf(part.kind), ToString(head.list), head.version);
  const auto found = state_.tables.find(key);
  if (found == state_.tables.end() && state_.tables.size() >= limits_.tables) {
    return {Why::kFull, "no room for another table"};
  }
  TableSlot& slot = state_.tables[key];
  if (head.stamp < slot.stamp || (slot.collecting && head.stamp < slot.collecting->stamp)) {
    return {Why::kOldStamp, "a newer version of this table was heard already"};
  }
  if (slot.table && head.stamp == slot.stamp && head.version == slot.table->version) {
    return {Why::kTaken, name + " is in force already"};
  }
  const bool same =
      slot.collecting && slot.collecting->stamp == head.stamp && slot.collecting->version == head.version;
  if (!same) {
    slot.collecting = Collection{head.stamp, head.version, part.width, part.grace_hours, {}};
    slot.collecting->parts.resize(head.parts);
  }
  Collection& collecting = *slot.collecting;
  if (collecting.parts.size() != head.parts || collecting.width != part.width ||
      collecting.grace_hours != part.grace_hours) {
    return {Why::kMalformed, "the part contradicts the other parts of its version"};
  }
  collecting.parts[head.part] = std::move(part.hashes);
  const auto missing = std::count(collecting.parts.begin(), collecting.parts.end(), std::nullopt);
  if (missing > 0) return {Why::kTaken, fmt::format("{}: {} parts are missing", name, missing)};

  Table table{head.version, collecting.grace_hours, {head.list, collecting.width, {}}};
  for (const auto& hashes : collecting.parts) {
    table.cells.hashes.insert(table.cells.hashes.end(), hashes->begin(), hashes->end());
  }
  slot.stamp = head.stamp;
  slot.table = std::move(table);
  slot.collecting.reset();
  return {Why::kTaken, fmt::format("{} in force, {} cells", name, slot.table->cells.size())};
}

LocationRules Card::Rules() const {
  LocationRules rules;
  rules.grace_hours = kDefaultGraceHours;
  if (!state_.record) return rules;
  const Record& record = *state_.record;
  rules.exempt = state_.standing.standing == Standing::kExempt;
  rules.area = record.area;
  for (const auto& [key, slot] : state_.tables) {
    if (!slot.table) continue;
    if (key.first == TableKind::kDeny) {
      rules.deny.push_back(slot.table->cells);
    } else {
      rules.area_cells = slot.table->cells;
      rules.grace_hours = slot.table->grace_hours;
      // A record without cells leaves them to the table, however old that is.
      if (record.cells.empty() || !SerialNewer(record.area_version, slot.table->version)) continue;
      rules.area_cells = CellSet{record.area, 3, record.cells};
    }
  }
  if (!rules.area_cells && record.area.value != 0 && !record.cells.empty()) {
    rules.area_cells = CellSet{record.area, 3, record.cells};
  }
  return rules;
}

}  // namespace hearth::receiver
