#include <utility>

#include "tests/cas/samples.h"
#include "tests/cas/vectors.h"

namespace hearth::vectors {
namespace {

using crypto::SecretAccess;
using crypto::SivKey;

// A section whose seal is right, over fields that break a rule.
Bytes Sealed(uint8_t table, ByteView fields, ByteView enc, const SivKey& siv) {
  ByteWriter out;
  out.U8(table).U16(0x7000 | (fields.size() + enc.size() + 17)).U8(1).Put(fields);
  const Bytes sealed = siv.Seal(out.bytes(), enc).value();
  out.Put(sealed);
  return std::move(out).Take();
}

class Refused {
 public:
  explicit Refused(std::vector<Seed>& seeds) : seeds_(seeds) {}

  void Add(const std::string& name, std::string_view why, const crypto::Key128& key, Bytes section) {
    Add(name, why, key.bytes(SecretAccess()), std::move(section));
  }
  void Add(const std::string& name, std::string_view why, ByteView key, Bytes section) {
    list_.Item(Json::Object().Text("name", name).Text("why", why).Hex("key", key).Hex("section", section));
    seeds_.push_back({"refused-" + name, std::move(section)});
  }
  Json Take() { return std::move(list_); }

 private:
  Json list_ = Json::List();
  std::vector<Seed>& seeds_;
};

void AddDamaged(Refused& out) {
  const crypto::CardKeys keys = samples::Keys();
  const Bytes good = cas::EncodeUniqueStanding(samples::Standing(), keys.mac).value();
  Bytes bad = good;
  bad.back() ^= 1;
  out.Add("83-mac", "the last bit of the MAC is wrong", keys.mac, bad);
  bad = good;
  bad.pop_back();
  out.Add("83-truncated", "one byte is missing", keys.mac, bad);
  bad = good;
  bad.push_back(0);
  out.Add("83-trailing", "a byte follows the section", keys.mac, bad);
  bad = good;
  bad[3] = 2;
  out.Add("83-suite", "suite 2", keys.mac, bad);
  bad = good;
  bad[1] = 0xF0;
  out.Add("83-syntax", "section_syntax_indicator is set", keys.mac, bad);
  out.Add("83-other-card", "the MAC of another card", samples::Keys(CardNumber(640122000018)).mac, good);
  bad = good;
  bad[2] = 0xFE;
  bad.resize(0xFE + 3);
  out.Add("83-257-bytes", "longer than 256 bytes", keys.mac, bad);
}

void AddRuleBreakers(Refused& out) {
  const crypto::CardKeys keys = samples::Keys();
  const crypto::PackageKey package = samples::Package();
  const crypto::ServiceKey service = samples::Service(100);

  ByteWriter standing;
  standing.U8(0x83).U16(0x7015).U8(1).U40(samples::kCard.value).U40(samples::kStamp.value).U8(3).U8(0);
  const crypto::Mac128 mac = crypto::Cmac(keys.mac, standing.bytes()).value();
  standing.Put(ByteView(mac).first(8));
  out.Add("83-standing-3", "authentic, but there is no standing 3", keys.mac, std::move(standing).Take());

  ByteWriter group;
  group.U24(4711).U8(2).U40(samples::kStamp.value).U16(9).Put(Bytes(32, 0xFF));
  out.Add("84-half-a-key", "authentic, but enc is no multiple of 18", samples::Group(),
          Sealed(0x84, group.bytes(), Bytes(17, 0), crypto::GroupSiv(samples::Group()).value()));

  ByteWriter services;
  services.U16(64).U16(9).U40(samples::kStamp.value).U16(21);
  const SivKey services_siv = crypto::ServiceKeysSiv(package).value();
  out.Add("85-empty-run", "authentic, but a run of no keys", package,
          Sealed(0x85, services.bytes(), Bytes{0, 100, 0}, services_siv));
  Bytes missing(3 + 16 + 15, 0);
  missing[1] = 100;
  missing[2] = 2;
  out.Add("85-short-run", "authentic, but the second key of the run lacks a byte", package,
          Sealed(0x85, services.bytes(), missing, services_siv));

  ByteWriter table;
  table.U32(samples::kArea.value).U16(7).U8(0).U8(1).U40(samples::kStamp.value).U16(64).U16(9);
  const SivKey table_siv = crypto::AreaTableSiv(package).value();
  out.Add("86-width-2", "authentic, but a width of 2", package,
          Sealed(0x86, table.bytes(), Bytes{0x12, 72, 1, 2}, table_siv));
  out.Add("86-kind-3", "authentic, but there is no kind 3", package,
          Sealed(0x86, table.bytes(), Bytes{0x33, 72}, table_siv));
  out.Add("86-half-a-hash", "authentic, but the hashes are no multiple of the width", package,
          Sealed(0x86, table.bytes(), Bytes{0x13, 72, 1, 2}, table_siv));
  table.PatchU(6, 1, 1);
  out.Add("86-part-1-of-1", "authentic, but part is not below parts", package,
          Sealed(0x86, table.bytes(), Bytes{0x13, 72}, table_siv));

  ByteWriter ecm;
  ecm.U16(100).U16(21).U32(91'000'123).U16(1);
  const SivKey ecm_siv = crypto::EcmSiv(service).value();
  out.Add("80-odd-length", "authentic, but enc has 15 bytes", service,
          Sealed(0x80, ecm.bytes(), Bytes(15, 0), ecm_siv));
  Bytes mode4(14, 0);
  mode4[0] = 4;
  out.Add("80-mode-4", "authentic, but there is no mode 4", service,
          Sealed(0x80, ecm.bytes(), mode4, ecm_siv));
}

// The bytes of a good emergency message with those at `at` replaced, signed anew.
Bytes SignedWith(size_t at, const Bytes& bytes) {
  const crypto::SigningKey key = samples::EmergencyKey();
  Bytes section = cas::EncodeEmergency(samples::Emergency(2), key).value();
  std::copy(bytes.begin(), bytes.end(), section.begin() + static_cast<ptrdiff_t>(at));
  const ByteView text = ByteView(section).first(section.size() - crypto::kSignatureBytes);
  ByteWriter message;
  message.Put(AsBytes("hearth/1/emergency")).Put(text);
  const crypto::Signature signature = key.Sign(message.bytes()).value();
  std::copy(signature.begin(), signature.end(), section.end() - crypto::kSignatureBytes);
  return section;
}

void AddEmergencies(Refused& out) {
  const crypto::SigningKey pair = samples::EmergencyKey();
  const ByteView key = pair.public_key().bytes();
  const Bytes good = cas::EncodeEmergency(samples::Emergency(2), samples::EmergencyKey()).value();
  Bytes bad = good;
  bad.at(bad.size() - 1) ^= 1;
  out.Add("87-signature", "the last bit of the signature is wrong", key, bad);
  bad = good;
  bad[19] ^= 0x80;
  out.Add("87-drill-to-alarm", "the drill bit was turned after signing", key, bad);
  out.Add("87-other-key", "the key of another id", samples::EmergencyKey(2).public_key().bytes(), good);
  const crypto::Signature unlabelled =
      samples::EmergencyKey().Sign(ByteView(good).first(good.size() - crypto::kSignatureBytes)).value();
  bad = good;
  std::copy(unlabelled.begin(), unlabelled.end(), bad.end() - crypto::kSignatureBytes);
  out.Add("87-no-label", "signed without the label", key, bad);
  out.Add("87-key-id-0", "authentic, but key id 0", key, SignedWith(4, {0}));
  out.Add("87-no-duration", "authentic, but 0 minutes", key, SignedWith(16, {0, 0}));
  out.Add("87-kind-0", "authentic, but kind 0", key, SignedWith(18, {0}));
  out.Add("87-severity-0", "authentic, but severity 0", key, SignedWith(19, {0}));
  out.Add("87-severity-5", "authentic, but severity 5", key, SignedWith(19, {5}));
  out.Add("87-reserved", "authentic, but a reserved bit is set", key, SignedWith(19, {0x09}));
  out.Add("87-half-a-pointer", "authentic, but service_id 0 in a pointer", key, SignedWith(24, {0, 0}));
  out.Add("87-region-twice", "authentic, but a region stands twice", key,
          SignedWith(26, {0x09, 0xC4, 0x00, 0x09, 0xC4, 0x00}));
  out.Add("87-everywhere-and-more", "authentic, but 0 is not the only region", key,
          SignedWith(26, {0, 0, 0}));
  out.Add("87-region-of-7-digits", "authentic, but a region above 999999", key,
          SignedWith(29, {0xFF, 0xFF, 0xFF}));
}

}  // namespace

std::vector<VectorFile> RefusedVectors(std::vector<Seed>& seeds) {
  Refused out(seeds);
  AddDamaged(out);
  AddRuleBreakers(out);
  AddEmergencies(out);
  std::vector<VectorFile> files;
  files.push_back({"refused", out.Take()});
  return files;
}

}  // namespace hearth::vectors
