// The box: serial, chip key, pairing, location module and descrambler, obeying docs/messages.md section 6. It
// trusts its card only for control words, and only those sealed under its own pairing key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "tools/receiver/alert.h"
#include "tools/receiver/card.h"
#include "tools/receiver/cell.h"
#include "tools/receiver/crypto.h"
#include "tools/receiver/messages.h"

namespace hearth::receiver {

enum class Module : uint8_t { kOk, kMissing, kChanged };
std::string_view NameOf(Module module);

// What the location module says at one moment: the serving cell first, then its neighbours; empty: nothing
// heard. The cells of a changed module are not believed to be home, but still condemn in a deny list.
struct Reading {
  Module module = Module::kOk;
  std::vector<HeardCell> cells;  // at most kMaxCells

  static constexpr size_t kMaxCells = 32;
  bool operator==(const Reading&) const = default;
};

struct Pairing {
  CardNumber card;
  Stamp stamp;
  Key key;

  bool operator==(const Pairing&) const = default;
};

// Why a box went dark by itself.
enum class Darkness : uint8_t { kLit, kDenyList, kGraceOver };
std::string_view NameOf(Darkness darkness);

// Everything a box keeps while it is switched off. Plain data; Box keeps its rules.
struct BoxState {
  BoxSerial serial;
  Key chip_key;
  std::string model;
  std::string imei;
  SimNumber sim;  // 0: none in it
  std::optional<Pairing> pairing;
  uint64_t powered_seconds = 0;
  UnixMillis read_at;  // of the last reading; 0: none yet
  std::optional<Reading> reading;
  std::optional<uint64_t> denied_since;  // powered second of the first reading in a deny list
  std::optional<uint64_t> grace_since;   // powered second at which the grace began to run
  Darkness darkness = Darkness::kLit;
  AlertState alerts;
  bool standby = false;  // switched off by the viewer; an alarm wakes it all the same

  bool operator==(const BoxState&) const = default;
};

struct OpenedWords {
  Screen screen;                                  // lit: the words below are applied
  std::vector<std::optional<SecretBytes>> words;  // one a control word; nothing: refused by the card
};

// One thread at a time.
class Box {
 public:
  // FIELD_INVALID when the state breaks a rule of the box.
  static Result<Box> Create(BoxState state);

  // Obeys a pairing message for its serial, or says why not.
  Outcome Receive(ByteView section);
  // Obeys an alert or says why not: see ReceiveEmergency of alert.h.
  Outcome ReceiveAlert(ByteView section, uint32_t division, uint32_t now) {
    return ReceiveEmergency(section, division, now, &state_.alerts);
  }
  void SetStandby(bool standby) { state_.standby = standby; }
  // One reading at powered second `at`, which never goes back. `rules` as the card tells them; without a card
  // there are none, and nothing is counted.
  void Read(const Reading& reading, uint64_t at, UnixMillis now, const std::optional<LocationRules>& rules);
  // Opens what the card answered to `ecm`: `slots` is the number of control words of the ECM.
  OpenedWords Open(ByteView ecm, const SealedWords& words, size_t slots) const;

  // False after offline enforcement, with the rules as they are now: an exemption ends a grace that ran out.
  bool lit(const std::optional<LocationRules>& rules) const;
  Screen DarkScreen() const;
  const BoxState& state() const { return state_; }

 private:
  explicit Box(BoxState state) : state_(std::move(state)) {}

  void JudgeUnknown(uint64_t at, const LocationRules& rules, bool denied);

  BoxState state_;
};

}  // namespace hearth::receiver
