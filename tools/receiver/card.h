// The card: keys, rights, stamps and clock, obeying docs/messages.md section 5. It trusts nothing that its
// box hands it unless it authenticates under a key of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "tools/receiver/cell.h"
#include "tools/receiver/messages.h"

namespace hearth::receiver {

// What the viewer reads on the screen: a code and a sentence; the code is empty while there is a picture.
struct Screen {
  std::string code;
  std::string sentence;

  bool lit() const { return code.empty(); }
  bool operator==(const Screen&) const = default;
};
// The screen of one of the codes E01, E04, E09, E14, with the sentence that explains this case of it.
Screen Refused(std::string_view code, std::string_view sentence);

// A real card's memory is small; an honest head-end stays far below these.
struct CardLimits {
  size_t packages = 64;       // one or two a province, some left over from relocations
  size_t services = 2048;     // some dozen on air; two key epochs each
  size_t tables = 256;        // the area, and the deny lists whose scope holds it
  unsigned chain_steps = 64;  // section 5, rule 3
};

// An area or deny table in force.
struct Table {
  uint16_t version = 0;
  uint8_t grace_hours = 0;
  CellSet cells;

  bool operator==(const Table&) const = default;
};

// Parts of one version of a table, until all are there.
struct Collection {
  Stamp stamp;
  uint16_t version = 0;
  uint8_t width = 3;
  uint8_t grace_hours = 0;
  std::vector<std::optional<Bytes>> parts;

  bool operator==(const Collection&) const = default;
};

struct TableSlot {
  Stamp stamp;  // of the table in force, or of the last that was; stays when the table is forgotten
  std::optional<Table> table;
  std::optional<Collection> collecting;

  bool operator==(const TableSlot&) const = default;
};

struct PackageSlot {
  Stamp key_stamp;      // subject "key epochs" (0x84)
  Stamp service_stamp;  // subject "service keys" (0x85)
  Epoch epoch;
  Key key;

  bool operator==(const PackageSlot&) const = default;
};

// Everything a card keeps while it is switched off. Plain data; Card keeps its rules.
struct CardState {
  CardNumber number;
  Key card_key;
  Stamp standing_stamp;
  Stamp said_stamp;  // of the newest unique message about the standing
  Stamp record_stamp;
  StandingPair standing;
  std::optional<Record> record;  // its `standing` is as received; CardState::standing is in force
  uint32_t clock = 0;            // high-water mark of ECM times, seconds since 2024
  uint32_t counter = 0;          // of the last report
  std::map<PackageId, PackageSlot> packages;
  std::map<std::pair<ServiceId, Epoch>, Key> service_keys;
  std::map<std::pair<TableKind, AreaId>, TableSlot> tables;

  bool operator==(const CardState&) const = default;
};

// Which cells the box must hear (section 5, rule 7).
struct LocationRules {
  bool exempt = false;
  AreaId area;                        // 0: there are no rules yet
  std::optional<CellSet> area_cells;  // nothing: not told yet
  std::vector<CellSet> deny;
  uint8_t grace_hours = 72;  // 255: for ever
};

// Control words as the card hands them to its box.
struct SealedWords {
  CardNumber card;
  uint8_t flags = 0;  // bit 0: the first is granted, bit 1: the second
  Bytes sealed;
};

struct EcmOutcome {
  Outcome section;               // not taken: what follows says only E04 for want of a key, or nothing
  std::vector<Screen> verdicts;  // one a control word; lit: granted
  std::optional<SealedWords> words;
  Screen screen;  // why there are no words
};

// Where the box's satellite receiver says it is (WGS 84).
struct Fix {
  int32_t latitude_e7 = 0;  // degrees × 10,000,000
  int32_t longitude_e7 = 0;
  uint32_t accuracy_m = 0;  // 1 to 100,000
};

// What a report says besides what the card knows itself.
struct ReportEvidence {
  BoxSerial box;
  SimNumber sim;
  uint32_t utc = 0;              // seconds since 2024
  std::vector<HeardCell> cells;  // at most 32, serving first; empty: nothing heard
  std::optional<Fix> fix;        // then no cells are said
};
struct SignedReport {
  uint32_t counter = 0;
  std::array<uint8_t, 8> mac{};
};

// One thread at a time.
class Card {
 public:
  // A card as it leaves the factory; the card key was derived from the batch master, which never enters it.
  static Card Personalised(CardNumber number, const Key& card_key);
  // FIELD_INVALID when the state breaks a rule of the card (number out of range, table without hashes …).
  static Result<Card> Create(CardState state, const CardLimits& limits = {});

  // Obeys one section, or says why not. ECMs go to Ecm, pairing messages to the box.
  Outcome Receive(ByteView section);
  EcmOutcome Ecm(ByteView section);

  // Takes the next counter: save the state before the report leaves. LIMIT_EXCEEDED: counters or cells used
  // up.
  Result<SignedReport> SignReport(const ReportEvidence& evidence);

  LocationRules Rules() const;
  // What the card alone would show: E04 without a record, by the reason while dark, else a picture.
  Screen StandingScreen() const;
  // K(package, epoch), held or derived by the chain.
  std::optional<Key> PackageKey(PackageId package, Epoch epoch) const;
  // The box the record names; 0 for none.
  BoxSerial box() const;
  const CardState& state() const { return state_; }
  CardNumber number() const { return state_.number; }

 private:
  Card(CardState state, const CardLimits& limits);

  Outcome ReceiveRecord(ByteView section);
  Outcome ReceiveStanding(ByteView section);
  // Of a unique message; false when it is too old to say anything.
  bool TakeStanding(const StandingPair& standing, Stamp stamp);
  Outcome ReceiveGroup(ByteView section);
  Outcome ReceiveServiceKeys(ByteView section);
  Outcome ReceiveTable(ByteView section);
  Outcome CollectPart(const TableHead& head, TablePart part);
  void TakeKeys(const GroupHead& head, const std::vector<std::pair<PackageId, Key>>& keys, Outcome* outcome);
  void TakeServiceKey(ServiceId service, Epoch epoch, const Key& key);
  void ForgetForeignTables();
  bool Concerns(TableKind kind, AreaId list) const;
  Screen Judge(const AcRecord& ac) const;
  SealedWords Seal(const EcmHead& head, const EcmBody& body, const std::vector<Screen>& verdicts) const;

  CardState state_;
  CardLimits limits_;
  SivKey record_key_;
  Key mac_key_;
  Key report_key_;
  Key pair_key_;
};

// True when a comes after b (RFC 1982, 16 bits).
bool SerialNewer(uint16_t a, uint16_t b);
// True when the division `scope` (6 digits, zeros at the right widen it, 0 is everywhere) holds `division`.
bool ScopeHolds(uint32_t scope, uint32_t division);

}  // namespace hearth::receiver
