#include <utility>

#include "tests/cas/samples.h"
#include "tests/cas/vectors.h"

namespace hearth::vectors {
namespace {

using crypto::SecretAccess;

// The fields all vectors of sections begin and end with.
Json Head(std::string_view name, std::string_view key_name, const crypto::Key128& key) {
  return Json::Object().Text("name", name).Text("key_name", key_name).Hex("key", key.bytes(SecretAccess()));
}

void Finish(Json& list, Json json, std::string_view name, const Bytes& section, std::vector<Seed>& seeds) {
  json.Int("bytes", section.size()).Hex("section", section);
  list.Item(std::move(json));
  seeds.push_back({std::string(name), section});
}

// A seed for the fuzzer's way behind the seal: table_id, the fields from byte 4 to the SIV, the opened text.
void AddOpened(std::string_view name, const Bytes& section, size_t aad_bytes, const crypto::SivKey& siv,
               std::vector<Seed>& seeds) {
  const ByteView all(section);
  const crypto::Secret opened = siv.Open(all.first(aad_bytes), all.subspan(aad_bytes)).value();
  ByteWriter seed;
  seed.U8(section[0]).Put(all.first(aad_bytes).subspan(4)).Put(opened.bytes(SecretAccess()));
  seeds.push_back({"opened-" + std::string(name), std::move(seed).Take()});
}

void AddRecord(Json& list, std::string_view name, const cas::UniqueRecord& r, std::vector<Seed>& seeds) {
  const crypto::CardKeys keys = samples::Keys(r.card);
  Json json = Head(name, "card-enc", keys.enc);
  json.Text("card", ToString(r.card)).Int("stamp", r.stamp.value);
  json.Int("standing", static_cast<int>(r.standing)).Int("reason", static_cast<int>(r.reason));
  json.Int("validity_day", r.validity_day).Int("group", r.group.value).Int("slot", r.slot);
  json.Int("generation", r.generation).Hex("group_key", r.group_key.bytes(SecretAccess()));
  json.Text("box", ToString(r.box)).Int("area", r.area.value).Int("area_version", r.area_version);
  json.Hex("rights", r.rights.bytes()).Int("expiry_day", r.expiry_day);
  Json cells = Json::List();
  for (const cas::CellHash3& cell : r.cells) cells.HexItem(cell);
  json.Child("cells", std::move(cells));
  Finish(list, std::move(json), "82-" + std::string(name), cas::EncodeUniqueRecord(r, keys.enc).value(),
         seeds);
}

Json RecordVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  AddRecord(list, "on-32-cells", samples::Record(32), seeds);
  AddRecord(list, "on-1-cell", samples::Record(1), seeds);
  AddRecord(list, "on-no-cells", samples::Record(0), seeds);
  cas::UniqueRecord exempt = samples::Record(2);
  exempt.standing = entitlement::Standing::kOnExempt;
  AddRecord(list, "on-exempt", exempt, seeds);
  cas::UniqueRecord bare;
  bare.card = samples::kCard;
  bare.stamp = Stamp(samples::kStamp.value + 1);
  bare.reason = entitlement::StandingReason::kWaiting;
  AddRecord(list, "nothing-but-waiting", bare, seeds);
  cas::UniqueRecord largest = samples::Record(0);
  largest.card = CardNumber(kMaxCardNumber);
  largest.stamp = Stamp(cas::kMaxStamp);
  largest.box = BoxSerial(kMaxBoxSerial);
  largest.group = GroupId(cas::kMaxGroup);
  largest.slot = largest.generation = 255;
  largest.area = AreaId(999'999'999);
  largest.area_version = largest.validity_day = 65535;
  largest.reason = entitlement::StandingReason::kEvicted;
  AddRecord(list, "largest-numbers", largest, seeds);
  return list;
}

Json StandingVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  const crypto::CardKeys keys = samples::Keys();
  for (const auto& [name, standing, reason] :
       {std::tuple{"dark-location", 0, 2}, std::tuple{"on", 1, 0}, std::tuple{"on-exempt", 2, 0},
        std::tuple{"dark-evicted", 0, 6}}) {
    cas::UniqueStanding s = samples::Standing();
    s.standing = static_cast<entitlement::Standing>(standing);
    s.reason = static_cast<entitlement::StandingReason>(reason);
    Json json = Head(name, "card-mac", keys.mac);
    json.Text("card", ToString(s.card)).Int("stamp", s.stamp.value);
    json.Int("standing", standing).Int("reason", reason);
    Finish(list, std::move(json), "83-" + std::string(name), cas::EncodeUniqueStanding(s, keys.mac).value(),
           seeds);
  }
  return list;
}

Json GroupVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  for (const size_t packages : {0, 1, 6}) {
    const cas::GroupMessage m = samples::GroupOf(packages);
    const std::string name = std::to_string(packages) + "-packages";
    Json json = Head(name, "group key", samples::Group());
    json.Int("group", m.group.value).Int("generation", m.generation).Int("stamp", m.stamp.value);
    json.Int("epoch", m.epoch.value).Text("slots_on", "0 1 17 128 255").Hex("bitmap", m.bitmap.bytes());
    Json keys = Json::List();
    for (const cas::PackageKeyEntry& entry : m.keys) {
      keys.Item(
          Json::Object().Int("package", entry.package.value).Hex("key", entry.key.bytes(SecretAccess())));
    }
    json.Child("keys", std::move(keys));
    Finish(list, std::move(json), "84-" + name, cas::EncodeGroup(m, samples::Group()).value(), seeds);
  }
  return list;
}

void AddServices(Json& list, const std::string& name, const cas::ServiceKeysMessage& m,
                 std::vector<Seed>& seeds) {
  Json json = Head(name, "package key", samples::Package());
  json.Int("package", m.package.value).Int("package_epoch", m.package_epoch.value);
  json.Int("stamp", m.stamp.value).Int("key_epoch", m.key_epoch.value);
  Json keys = Json::List();
  for (const cas::ServiceKeyEntry& entry : m.keys) {
    keys.Item(Json::Object().Int("service", entry.service.value).Hex("key", entry.key.bytes(SecretAccess())));
  }
  json.Child("keys", std::move(keys));
  Finish(list, std::move(json), "85-" + name, cas::EncodeServiceKeys(m, samples::Package()).value(), seeds);
}

Json ServiceKeyVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  AddServices(list, "nine-in-one-run", samples::ServicesOf(9), seeds);
  AddServices(list, "none", samples::ServicesOf(0), seeds);
  cas::ServiceKeysMessage runs = samples::ServicesOf(0);
  for (const uint16_t service : std::initializer_list<uint16_t>{1, 2, 7, 100, 101, 102, 65534, 65535}) {
    runs.keys.push_back({ServiceId(service), samples::Service(service)});
  }
  AddServices(list, "four-runs", runs, seeds);
  return list;
}

Json TableVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  struct Row {
    const char* name;
    uint8_t width;
    size_t cells;
    cas::TableKind kind;
  };
  for (const Row& row :
       {Row{"area-48-of-3", 3, 48, cas::TableKind::kArea}, Row{"deny-28-of-5", 5, 28, cas::TableKind::kDeny},
        Row{"deny-empty", 4, 0, cas::TableKind::kDeny}}) {
    cas::AreaTablePart part = samples::TablePart(row.width, row.cells, row.kind);
    part.part = 1;
    part.parts = 3;
    const cas::AreaTable& t = part.table;
    Json json = Head(row.name, "package key", samples::Package());
    json.Int("area", t.area.value).Int("version", t.version).Int("part", part.part).Int("parts", part.parts);
    json.Int("stamp", t.stamp.value).Int("package", t.package.value);
    json.Int("package_epoch", t.package_epoch.value).Int("kind", static_cast<int>(t.kind));
    json.Int("width", t.width).Int("grace_hours", t.grace_hours).Hex("hashes", part.hashes);
    Finish(list, std::move(json), "86-" + std::string(row.name),
           cas::EncodeAreaTablePart(part, samples::Package()).value(), seeds);
  }
  return list;
}

Json PairingVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  const cas::PairingMessage m = samples::Pairing();
  Json json = Head("pairing", "chip key", samples::Chip());
  json.Text("card", ToString(m.card)).Text("box", ToString(m.box)).Int("stamp", m.stamp.value);
  json.Hex("pairing_key", m.key.bytes(SecretAccess()));
  Finish(list, std::move(json), "88-pairing", cas::EncodePairing(m, samples::Chip()).value(), seeds);
  return list;
}

void AddEmergency(Json& list, std::string_view name, const cas::EmergencyMessage& m,
                  std::vector<Seed>& seeds) {
  const crypto::SigningKey key = samples::EmergencyKey(m.key_id);
  Json json = Json::Object().Text("name", name).Text("key_name", "public emergency key");
  json.Hex("key", key.public_key().bytes()).Int("key_id", m.key_id).Int("alert", m.alert);
  json.Int("stamp", m.stamp.value).Int("start", m.start).Int("minutes", m.minutes);
  json.Int("kind", static_cast<int>(m.kind)).Int("severity", static_cast<int>(m.severity));
  json.Bool("drill", m.drill).Bool("cancelled", m.cancelled);
  json.Int("original_network", m.service.original_network);
  json.Int("transport_stream", m.service.transport_stream).Int("service", m.service.service);
  Json regions = Json::List();
  for (const uint32_t region : m.regions) regions.IntItem(region);
  json.Child("regions", std::move(regions));
  Finish(list, std::move(json), "87-" + std::string(name), cas::EncodeEmergency(m, key).value(), seeds);
}

Json EmergencyVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  AddEmergency(list, "alarm-1-region", samples::Emergency(1), seeds);
  AddEmergency(list, "alarm-31-regions", samples::Emergency(31), seeds);
  cas::EmergencyMessage drill = samples::Emergency(0);
  drill.drill = true;
  drill.severity = entitlement::Severity::kBlue;
  drill.service = {};
  AddEmergency(list, "drill-everywhere", drill, seeds);
  cas::EmergencyMessage cancel = samples::Emergency(1);
  cancel.stamp = Stamp(cancel.stamp.value + 1);
  cancel.cancelled = true;
  AddEmergency(list, "cancel", cancel, seeds);
  cas::EmergencyMessage largest = samples::Emergency(1);
  largest.key_id = 255;
  largest.alert = largest.minutes = 65535;
  largest.stamp = Stamp(cas::kMaxStamp);
  largest.start = UINT32_MAX;
  largest.kind = static_cast<entitlement::EmergencyKind>(255);
  largest.severity = entitlement::Severity::kBlue;
  largest.drill = largest.cancelled = true;
  largest.service = {.original_network = 65535, .transport_stream = 65535, .service = 65535};
  largest.regions = {999'999};
  AddEmergency(list, "largest-numbers", largest, seeds);
  return list;
}

Json EcmVectors(std::vector<Seed>& seeds) {
  Json list = Json::List();
  for (const size_t words : {1, 2}) {
    for (const size_t word_bytes : {8, 16}) {
      const cas::Ecm e = samples::EcmOf(words, word_bytes);
      const std::string name = std::to_string(words) + "-of-" + std::to_string(word_bytes);
      Json json = Head(name, "service key", samples::Service(100));
      json.Bool("odd", e.odd).Int("service", e.service.value).Int("key_epoch", e.key_epoch.value);
      json.Int("utc", e.utc).Int("ac_id", e.ac_id);
      Json items = Json::List();
      for (const cas::EcmWord& w : e.words) {
        items.Item(Json::Object()
                       .Int("mode", static_cast<int>(w.access.mode))
                       .Int("product", w.access.product)
                       .Int("division", w.access.division)
                       .Bool("all_but", w.access.all_but)
                       .Hex("control_word", w.word.bytes(SecretAccess())));
      }
      json.Child("words", std::move(items));
      Finish(list, std::move(json), "80-" + name, cas::EncodeEcm(e, samples::Service(100)).value(), seeds);
    }
  }
  return list;
}

// What a card hands to its box (docs/messages.md section 5, rule 6).
Json WordVectors() {
  Json list = Json::List();
  const crypto::PairingKey key = samples::Pairing().key.Copy();
  const crypto::SivKey siv = crypto::ControlWordSiv(key).value();
  const cas::Ecm ecm = samples::EcmOf(2, 8);
  for (const uint8_t flags : std::initializer_list<uint8_t>{1, 2, 3}) {
    ByteWriter aad;
    aad.U8(0x80).U16(ecm.service.value).U32(ecm.utc).U8(flags);
    Bytes words;
    for (size_t i = 0; i < 2; ++i) {
      const ByteView word = ecm.words[i].word.bytes(SecretAccess());
      for (const uint8_t b : word) words.push_back((flags >> i & 1) != 0 ? b : 0);
    }
    list.Item(Json::Object()
                  .Text("name", "flags " + std::to_string(flags))
                  .Hex("pairing_key", key.bytes(SecretAccess()))
                  .Int("table_id", 0x80)
                  .Int("service", ecm.service.value)
                  .Int("utc", ecm.utc)
                  .Int("flags", flags)
                  .Hex("aad", aad.bytes())
                  .Hex("words", words)
                  .Hex("sealed", siv.Seal(aad.bytes(), words).value()));
  }
  return list;
}

Json ReportVectors() {
  Json list = Json::List();
  const crypto::CardKeys keys = samples::Keys();
  for (const size_t cells : {0, 1, 4}) {
    const cas::ReportBody r = samples::Report(cells);
    Json heard = Json::List();
    for (const cas::HeardCell& cell : r.cells) {
      heard.Item(Json::Object().Hex("cell", cell.cell).Int("signal_dbm", static_cast<int>(cell.signal_dbm)));
    }
    list.Item(Json::Object()
                  .Text("name", std::to_string(cells) + " cells")
                  .Text("key_name", "card-report")
                  .Hex("key", keys.report.bytes(SecretAccess()))
                  .Text("card", ToString(r.card))
                  .Text("box", ToString(r.box))
                  .Text("sim", ToString(r.sim))
                  .Int("counter", r.counter)
                  .Int("utc", r.utc)
                  .Child("cells", std::move(heard))
                  .Hex("text", cas::CanonicalReport(r).value())
                  .Hex("mac", cas::SignReport(r, keys.report).value()));
  }
  for (const auto& [name, fix] :
       {std::pair("a fix", cas::ReportFix{384'872'000, 1'062'309'000, 25}),
        std::pair("a fix south and west", cas::ReportFix{-1, -1'800'000'000, 100'000})}) {
    cas::ReportBody r = samples::Report(0);
    r.fix = fix;
    list.Item(Json::Object()
                  .Text("name", name)
                  .Text("key_name", "card-report")
                  .Hex("key", keys.report.bytes(SecretAccess()))
                  .Text("card", ToString(r.card))
                  .Text("box", ToString(r.box))
                  .Text("sim", ToString(r.sim))
                  .Int("counter", r.counter)
                  .Int("utc", r.utc)
                  .Int("latitude_e7", fix.latitude_e7)
                  .Int("longitude_e7", fix.longitude_e7)
                  .Int("accuracy_m", fix.accuracy_m)
                  .Hex("text", cas::CanonicalReport(r).value())
                  .Hex("mac", cas::SignReport(r, keys.report).value()));
  }
  return list;
}

void AddOpenedSeeds(std::vector<Seed>& seeds) {
  using namespace cas;  // NOLINT: the encoders
  const crypto::CardKeys keys = samples::Keys();
  const crypto::PackageKey package = samples::Package();
  const crypto::ServiceKey service = samples::Service(100);
  AddOpened("82", EncodeUniqueRecord(samples::Record(2), keys.enc).value(), 14,
            crypto::RecordSiv(keys.enc).value(), seeds);
  AddOpened("84", EncodeGroup(samples::GroupOf(2), samples::Group()).value(), 47,
            crypto::GroupSiv(samples::Group()).value(), seeds);
  AddOpened("85", EncodeServiceKeys(samples::ServicesOf(3), package).value(), 15,
            crypto::ServiceKeysSiv(package).value(), seeds);
  AddOpened("86", EncodeAreaTablePart(samples::TablePart(3, 5), package).value(), 21,
            crypto::AreaTableSiv(package).value(), seeds);
  const Bytes alert = EncodeEmergency(samples::Emergency(3), samples::EmergencyKey()).value();
  ByteWriter fields;
  fields.U8(0x87).Put(ByteView(alert).subspan(4, alert.size() - 4 - crypto::kSignatureBytes));
  seeds.push_back({"opened-87", std::move(fields).Take()});
  AddOpened("88", EncodePairing(samples::Pairing(), samples::Chip()).value(), 21,
            crypto::PairingSiv(samples::Chip()).value(), seeds);
  AddOpened("80", EncodeEcm(samples::EcmOf(2, 8), service).value(), 14, crypto::EcmSiv(service).value(),
            seeds);
}

}  // namespace

std::vector<VectorFile> MessageVectors(std::vector<Seed>& seeds) {
  AddOpenedSeeds(seeds);
  std::vector<VectorFile> files;
  files.push_back({"unique_record", RecordVectors(seeds)});
  files.push_back({"unique_standing", StandingVectors(seeds)});
  files.push_back({"group", GroupVectors(seeds)});
  files.push_back({"service_keys", ServiceKeyVectors(seeds)});
  files.push_back({"area_table", TableVectors(seeds)});
  files.push_back({"emergency", EmergencyVectors(seeds)});
  files.push_back({"pairing", PairingVectors(seeds)});
  files.push_back({"ecm", EcmVectors(seeds)});
  files.push_back({"control_words", WordVectors()});
  files.push_back({"report", ReportVectors()});
  return files;
}

}  // namespace hearth::vectors
