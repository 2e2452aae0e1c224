// The words of LocationService.Explain, in English and Chinese: everything a call centre reads out. A test
// checks that nothing is left out in either language. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "entitlement/standing.h"
#include "geofence/judge.h"
#include "geofence/verdict.h"
#include "src/app/pump.h"
#include "src/base/reason.h"

namespace hearth::app {

// The numbers are those of hearth.v1.Language.
enum class Language : uint8_t { kEnglish = 1, kChinese = 2 };
inline constexpr Language kLanguages[] = {Language::kEnglish, Language::kChinese};

// Everything a card can be, for a person who asks.
enum class Situation : uint8_t {
  kLit,             // open, heard at home or not heard since
  kLitExempt,       // open, needs no cell
  kLitUnknownCell,  // open; its cells are on no list
  kLitCounting,     // open; reports speak against it, not enough yet
  kLitHeld,         // open; a switch-off is held or proposed
  kInStock,         // belongs to no account
  kWaitingUnheard,  // waits for its installation, has never reported
  kWaitingBlacklisted,
  kWaitingOutOfArea,
  kWaitingUnknownCell,
  kWaitingNoSignal,
  kIntervened,      // switched off, was heard in a city
  kIntervenedAway,  // switched off by an operator's word, was heard outside its area
  kClosed,
  kSwapped,
  kEvicted,
  kSwitchedOff,  // by hand, or for a reason without a name of its own
};
inline constexpr size_t kSituations = static_cast<size_t>(Situation::kSwitchedOff) + 1;

// {area}, {box} and {since} stand for the card's own.
struct SituationText {
  std::string_view why;
  std::string_view what_to_do;
  std::string_view would_change;
};
const SituationText& TextOf(Situation situation, Language language);
// What a situation is refused or darkened with; nothing: it is lit.
std::optional<Reason> ReasonOf(Situation situation);

// What a code on the screen means: "", E01, E02, E04, E05, E09, E11, E14; "" for any other.
std::string_view ScreenText(std::string_view code, Language language);
std::span<const std::string_view> ScreenCodes();

std::string_view DeliveryText(DeliveryState state, Language language);
std::string_view VerdictText(geofence::Verdict verdict, Language language);
std::string_view FateText(geofence::CellFate fate, Language language);

// What the box does by itself, without the head-end, on the cells it heard last.
enum class Offline : uint8_t { kLit, kDenied, kGrace, kDeaf, kExempt, kNoRules };
inline constexpr size_t kOfflines = static_cast<size_t>(Offline::kNoRules) + 1;
// {hours}: its grace.
std::string_view OfflineText(Offline offline, Language language);

// Lines of evidence. The braces are named in explain_text.cc beside each.
enum class Line : uint8_t {
  kLastReport,
  kCell,
  kCellOnList,
  kDecided,
  kVersions,
  kIntervention,
  kHeld,
  kOnAir,
  kExpected,
  kBounded,
  kExemptionInForce,
  kRelocationAsked,
  kRelocationApproved,
};
inline constexpr size_t kLines = static_cast<size_t>(Line::kRelocationApproved) + 1;
std::string_view LineText(Line line, Language language);

}  // namespace hearth::app
