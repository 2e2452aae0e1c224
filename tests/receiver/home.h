// A home for the receiver's tests: one card, its box, a package with a service, an area with cells. Each part
// can be sent on its own.
#pragma once

#include <string>
#include <vector>

#include "tests/receiver/air.h"
#include "tools/receiver/receiver.h"

namespace hearth::receiver {

inline constexpr CardNumber kCard{640122000017};
inline constexpr BoxSerial kBox{1064012200000017};
inline constexpr BoxSerial kOtherBox{1064012200000018};
inline constexpr GroupId kHomeGroup{4711};
inline constexpr PackageId kPackage{64};
inline constexpr ServiceId kService{100};
inline constexpr AreaId kArea{640122001};
inline constexpr AreaId kCityDeny{640100001};
inline constexpr uint32_t kNow = 91'000'000;  // seconds since 2024
inline constexpr uint16_t kToday = kNow / 86400;

inline Cell CellOf(const char* text) { return ParseCell(text).value(); }
inline const char* const kHomeCell = "lte:460:00:31281:169552901";
inline const char* const kHomeCell2 = "gsm:460:00:31281:20986";
inline const char* const kCityCell = "lte:460:00:33301:26879745";
inline const char* const kStrangeCell = "lte:460:11:40001:77";

inline Bytes HashesOf(AreaId list, uint8_t width, const std::vector<const char*>& cells) {
  Bytes hashes;
  for (const char* cell : cells) {
    const auto hash = CellHash(list, CellOf(cell));
    hashes.insert(hashes.end(), hash.begin(), hash.begin() + width);
  }
  return hashes;
}

inline Reading Hears(const std::vector<const char*>& cells) {
  Reading reading;
  for (const char* cell : cells) reading.cells.push_back(ParseHeardCell(cell).value());
  return reading;
}

class Home {
 public:
  explicit Home(BoxSerial box = kBox)
      : card_key(air::TestKey(1)),
        chip_key(air::TestKey(2)),
        group_key(air::TestKey(3)),
        package_key(air::TestKey(4)),
        service_key(air::TestKey(5)),
        receiver(MakeBoxOf(box), Card::Personalised(kCard, card_key)) {
    record.standing = {Standing::kOn, StandingReason::kNone};
    record.validity_day = kNoExpiryDay;
    record.group = kHomeGroup;
    record.slot = 17;
    record.generation = 2;
    record.group_key = group_key;
    record.box = box;
    record.area = kArea;
    record.area_version = 7;
    record.rights[1] = 0x40;  // product 9
    record.expiry_day = kNoExpiryDay;
  }

  Box MakeBoxOf(BoxSerial serial) const {
    BoxState state;
    state.serial = serial;
    state.chip_key = chip_key;
    for (const uint8_t id : std::initializer_list<uint8_t>{1, 2}) {
      state.alerts.keys[id] = air::EmergencyKey(id);
    }
    return Box::Create(std::move(state)).value();
  }

  Why SendRecord(uint64_t stamp) {
    return receiver.Feed(air::MakeRecord(card_key, kCard, Stamp(stamp), record)).why;
  }
  Why SendStanding(uint64_t stamp, Standing standing, StandingReason reason = StandingReason::kNone) {
    return receiver.Feed(air::MakeStanding(card_key, kCard, Stamp(stamp), {standing, reason})).why;
  }
  // The group's keys at `epoch`, with the card's own slot on or off.
  Why SendGroup(uint64_t stamp, bool on, uint16_t epoch = 9) {
    const std::vector<int> slots = on ? std::vector<int>{17} : std::vector<int>{16, 18};
    return receiver
        .Feed(air::MakeGroup(group_key, kHomeGroup, 2, Stamp(stamp), Epoch(epoch), slots,
                             {{kPackage, package_key}}))
        .why;
  }
  Why SendServiceKeys(uint64_t stamp, uint16_t key_epoch = 21, uint16_t package_epoch = 9) {
    const auto key = KeyAt(package_epoch);
    return receiver
        .Feed(air::MakeServiceKeys(key, {kPackage, Epoch(package_epoch), Stamp(stamp), Epoch(key_epoch)},
                                   kService, {service_key}))
        .why;
  }
  Why SendPairing(uint64_t stamp, BoxSerial box = kBox) {
    return receiver
        .Feed(air::MakePairing(chip_key, {kCard, box, Stamp(stamp)}, air::PairingKey(card_key, kCard, box)))
        .why;
  }
  Why SendTable(TableKind kind, AreaId list, uint64_t stamp, const std::vector<const char*>& cells,
                uint8_t grace = 72, uint16_t version = 7, uint8_t part = 0, uint8_t parts = 1) {
    const TableHead head{list, version, part, parts, Stamp(stamp), kPackage, Epoch(9)};
    return receiver.Feed(air::MakeTable(package_key, head, {kind, 4, grace, HashesOf(list, 4, cells)})).why;
  }
  // A flood in Ningxia from kNow on, for two hours.
  static EmergencyMessage Flood(uint64_t stamp = uint64_t{kNow} << 8) {
    EmergencyMessage message{.key_id = 1, .regions = {640000}};
    message.alert = {.number = 7,
                     .stamp = Stamp(stamp),
                     .start = kNow,
                     .minutes = 120,
                     .kind = 3,
                     .severity = 2,
                     .service = {65280, 3, 101}};
    return message;
  }
  Why SendAlert(const EmergencyMessage& message) { return receiver.Feed(air::MakeEmergency(message)).why; }
  // Everything a home has after installation; false when the receiver did not take it.
  bool Install() {
    const bool taken = SendPairing(100) == Why::kTaken && SendRecord(100) == Why::kTaken &&
                       SendGroup(100, true) == Why::kTaken && SendServiceKeys(100) == Why::kTaken &&
                       SendTable(TableKind::kArea, kArea, 100, {kHomeCell, kHomeCell2}) == Why::kTaken &&
                       SendTable(TableKind::kDeny, kCityDeny, 100, {kCityCell}) == Why::kTaken;
    return taken && Screen().empty();
  }

  Bytes EcmOf(const std::vector<AcRecord>& criteria, uint32_t utc = kNow, uint16_t key_epoch = 21) const {
    std::vector<Bytes> words;
    for (size_t i = 0; i < criteria.size(); ++i) words.emplace_back(8, static_cast<uint8_t>(0xA0 + i));
    return air::MakeEcm(service_key, {kEcmEven, kService, Epoch(key_epoch), utc}, criteria, words);
  }
  // The code an ECM for all subscribers is refused with; "" when it opens; "ignored" when it does not count.
  std::string Opens(const AcRecord& ac = {1, 0, 0}, uint32_t utc = kNow, uint16_t key_epoch = 21) {
    const EcmResult result = receiver.Ecm(EcmOf({ac}, utc, key_epoch));
    if (result.opened()) return "";
    return result.screen.lit() ? "ignored" : result.screen.code;
  }
  void Hear(uint64_t second, const Reading& reading) {
    receiver.Read(reading, second, UnixMillis(static_cast<int64_t>(second) * 1000));
  }
  std::string Screen() const { return receiver.screen().code; }
  const CardState& card() const { return receiver.card()->state(); }

  // K(package, epoch) when `package_key` is of epoch 9.
  Key KeyAt(uint16_t epoch) const {
    Key key = package_key;
    for (uint16_t at = 9; at != epoch;) key = air::PackageKeyBefore(key, kPackage, Epoch(--at));
    return key;
  }

  Key card_key;
  Key chip_key;
  Key group_key;
  Key package_key;
  Key service_key;
  Record record;
  Receiver receiver;
};

}  // namespace hearth::receiver
