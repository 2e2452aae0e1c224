// The published vectors (tests/vectors), which the head-end's side writes, read with the receiver's own code.
// A disagreement here means that one of the two misreads docs/messages.md.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/receiver/air.h"
#include "tools/receiver/factory.h"
#include "tools/receiver/receiver.h"

namespace hearth::receiver {
namespace {

using Json = nlohmann::json;

Bytes Hex(const Json& value) { return FromHex(value.get<std::string>()).value(); }
Key HexKey(const Json& value) { return KeyFromHex(value.get<std::string>(), "key").value(); }
SivKey HexSivKey(const Json& value) {
  std::array<uint8_t, 32> bytes{};
  const Bytes from = Hex(value);
  std::copy_n(from.begin(), 32, bytes.begin());
  return SivKey(bytes);
}
CardNumber CardOf(const Json& v) { return ParseCardNumber(v["card"].get<std::string>()).value(); }
BoxSerial BoxOf(const Json& v) { return BoxSerial(std::stoull(v["box"].get<std::string>())); }

class Vectors : public testing::Test {
 protected:
  void SetUp() override {
    const char* elsewhere = std::getenv("HEARTH_VECTORS");
    directory_ = elsewhere != nullptr ? elsewhere : std::string(HEARTH_SOURCE_DIR) + "/tests/vectors";
    ASSERT_TRUE(std::filesystem::exists(directory_)) << "there are no vectors in " << directory_;
  }
  Json Read(const char* name) const {
    std::ifstream file(directory_ + "/" + name + ".json");
    EXPECT_TRUE(file.good()) << name;
    Json list = Json::parse(file);
    EXPECT_FALSE(list.empty()) << name;
    return list;
  }
  Json Named(const char* file, const std::string& name) const {
    for (const Json& v : Read(file)) {
      if (v["name"] == name) return v;
    }
    ADD_FAILURE() << file << " has no " << name;
    return {};
  }

  std::string directory_;
};

// The sealed content of a vector's section, opened under its own key; also checks length and header.
SecretBytes Opened(const Json& v, std::string_view use) {
  const Bytes section = Hex(v["section"]);
  EXPECT_EQ(section.size(), v["bytes"].get<size_t>()) << v["name"];
  EXPECT_EQ(CheckHeader(section), Why::kTaken) << v["name"];
  const auto parts = SplitSealed(section);
  if (!parts) {
    ADD_FAILURE() << v["name"];
    return {};
  }
  const auto plain = SivOpen(DeriveSivKey(HexKey(v["key"]), use), parts->associated, parts->sealed);
  EXPECT_TRUE(plain.has_value()) << v["name"];
  return plain.value_or(SecretBytes());
}

TEST_F(Vectors, Cmac) {
  for (const Json& v : Read("cmac")) EXPECT_EQ(ToHex(Cmac(HexKey(v["key"]), Hex(v["message"]))), v["mac"]);
}

TEST_F(Vectors, Kdf) {
  for (const Json& v : Read("kdf")) {
    if (v["bits"] != 128) continue;  // longer ones only come as SIV keys
    const Key out = Kdf(HexKey(v["key"]), v["label"].get<std::string>(), Hex(v["context"]));
    EXPECT_EQ(ToHex(out.secret_bytes()), v["out"]) << v["name"];
  }
}

TEST_F(Vectors, Siv) {
  for (const Json& v : Read("siv")) {
    const SivKey key = HexSivKey(v["key"]);
    EXPECT_EQ(ToHex(SivSeal(key, Hex(v["aad"]), Hex(v["plaintext"]))), v["sealed"]) << v["name"];
    EXPECT_TRUE(SivOpen(key, Hex(v["aad"]), Hex(v["sealed"])).has_value()) << v["name"];
  }
}

TEST_F(Vectors, SivKeys) {
  for (const Json& v : Read("siv_key")) {
    const SivKey key = DeriveSivKey(HexKey(v["key"]), v["use"].get<std::string>());
    EXPECT_EQ(ToHex(key.secret_bytes()), v["siv_key"]) << v["name"];
  }
}

TEST_F(Vectors, Ladder) {
  const auto from = [&](const char* name) { return HexKey(Named("ladder", name)["from"]); };
  const auto made = [&](const char* name) { return HexKey(Named("ladder", name)["key"]); };
  const Json pairing = Named("pairing", "pairing");
  EXPECT_EQ(DeriveCardKey(from("card key"), CardOf(pairing)), made("card key"));
  for (const char* name : {"card-enc", "card-mac", "card-report", "card-pair"}) {
    EXPECT_EQ(Kdf(from(name), std::string("hearth/1/") + name, {}), made(name)) << name;
  }
  EXPECT_EQ(air::PairingKey(made("card key"), CardOf(pairing), BoxOf(pairing)), made("pairing key"));
  const std::pair<const char*, uint16_t> chain[] = {{"package 64, epoch 9 to 8", 8},
                                                    {"package 64, epoch 9 to 0", 0},
                                                    {"package 64, epoch 9 to 65535", 65535}};
  for (const auto& [name, epoch] : chain) {
    CardState state;
    state.packages[PackageId(64)] = {Stamp(), Stamp(), Epoch(9), from(name)};
    const auto key = Card::Create(state).value().PackageKey(PackageId(64), Epoch(epoch));
    ASSERT_TRUE(key.has_value()) << name;
    EXPECT_EQ(*key, made(name)) << name;
  }
}

TEST_F(Vectors, CellHashes) {
  for (const Json& v : Read("cell_hash")) {
    const Cell cell = ParseCell("lte:460:00:31281:169552901").value();
    EXPECT_EQ(ToHex(PackCell(cell)), v["cell"]);
    const auto hash = CellHash(AreaId(v["area"].get<uint32_t>()), cell);
    EXPECT_EQ(ToHex(ByteView(hash).first(v["width"].get<size_t>())), v["hash"]) << v["name"];
  }
}

TEST_F(Vectors, UniqueRecords) {
  for (const Json& v : Read("unique_record")) {
    const Bytes section = Hex(v["section"]);
    EXPECT_EQ(AddressedCard(section), CardOf(v));
    EXPECT_EQ(ByteReader(ByteView(section).subspan(9)).U40(), v["stamp"].get<uint64_t>());
    const auto record = DecodeRecord(Opened(v, "82").secret_bytes());
    ASSERT_TRUE(record.has_value()) << v["name"];
    EXPECT_EQ(static_cast<int>(record->standing.standing), v["standing"]) << v["name"];
    EXPECT_EQ(static_cast<int>(record->standing.reason), v["reason"]) << v["name"];
    EXPECT_EQ(record->validity_day, v["validity_day"]) << v["name"];
    EXPECT_EQ(record->group.value, v["group"]) << v["name"];
    EXPECT_EQ(record->slot, v["slot"]) << v["name"];
    EXPECT_EQ(record->generation, v["generation"]) << v["name"];
    EXPECT_EQ(record->group_key, HexKey(v["group_key"])) << v["name"];
    EXPECT_EQ(record->box, BoxOf(v)) << v["name"];
    EXPECT_EQ(record->area.value, v["area"]) << v["name"];
    EXPECT_EQ(record->area_version, v["area_version"]) << v["name"];
    EXPECT_EQ(ToHex(record->rights), v["rights"]) << v["name"];
    EXPECT_EQ(record->expiry_day, v["expiry_day"]) << v["name"];
    std::string cells;
    for (const Json& cell : v["cells"]) cells += cell.get<std::string>();
    EXPECT_EQ(ToHex(record->cells), cells) << v["name"];
  }
}

TEST_F(Vectors, UniqueStandings) {
  for (const Json& v : Read("unique_standing")) {
    const Bytes section = Hex(v["section"]);
    EXPECT_EQ(CheckHeader(section), Why::kTaken);
    EXPECT_EQ(AddressedCard(section), CardOf(v));
    const auto message = DecodeStanding(section);
    ASSERT_TRUE(message.has_value()) << v["name"];
    EXPECT_EQ(message->stamp.value, v["stamp"].get<uint64_t>());
    EXPECT_EQ(static_cast<int>(message->standing.standing), v["standing"]);
    EXPECT_EQ(static_cast<int>(message->standing.reason), v["reason"]);
    const Mac mac = Cmac(HexKey(v["key"]), ByteView(section).first(16));
    EXPECT_TRUE(SameBytes(ByteView(mac).first(8), ByteView(section).subspan(16))) << v["name"];
  }
}

TEST_F(Vectors, Groups) {
  for (const Json& v : Read("group")) {
    const auto head = DecodeGroupHead(Hex(v["section"]));
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->group.value, v["group"]);
    EXPECT_EQ(head->generation, v["generation"]);
    EXPECT_EQ(head->stamp.value, v["stamp"].get<uint64_t>());
    EXPECT_EQ(head->epoch.value, v["epoch"]);
    std::string on;
    for (int slot = 0; slot < 256; ++slot) {
      if (head->On(static_cast<uint8_t>(slot))) on += (on.empty() ? "" : " ") + std::to_string(slot);
    }
    EXPECT_EQ(on, v["slots_on"]) << v["name"];
    const auto keys = DecodeGroupKeys(Opened(v, "84").secret_bytes());
    ASSERT_TRUE(keys.has_value());
    ASSERT_EQ(keys->size(), v["keys"].size());
    for (size_t i = 0; i < keys->size(); ++i) {
      EXPECT_EQ((*keys)[i].first.value, v["keys"][i]["package"]);
      EXPECT_EQ((*keys)[i].second, HexKey(v["keys"][i]["key"]));
    }
  }
}

TEST_F(Vectors, ServiceKeys) {
  for (const Json& v : Read("service_keys")) {
    const auto head = DecodeServiceKeysHead(Hex(v["section"]));
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->package.value, v["package"]);
    EXPECT_EQ(head->package_epoch.value, v["package_epoch"]);
    EXPECT_EQ(head->stamp.value, v["stamp"].get<uint64_t>());
    EXPECT_EQ(head->key_epoch.value, v["key_epoch"]);
    const auto keys = DecodeServiceKeys(Opened(v, "85").secret_bytes());
    ASSERT_TRUE(keys.has_value()) << v["name"];
    ASSERT_EQ(keys->size(), v["keys"].size()) << v["name"];
    for (size_t i = 0; i < keys->size(); ++i) {
      EXPECT_EQ((*keys)[i].first.value, v["keys"][i]["service"]) << v["name"];
      EXPECT_EQ((*keys)[i].second, HexKey(v["keys"][i]["key"])) << v["name"];
    }
  }
}

TEST_F(Vectors, Tables) {
  for (const Json& v : Read("area_table")) {
    const auto head = DecodeTableHead(Hex(v["section"]));
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->list.value, v["area"]);
    EXPECT_EQ(head->version, v["version"]);
    EXPECT_EQ(head->part, v["part"]);
    EXPECT_EQ(head->parts, v["parts"]);
    EXPECT_EQ(head->stamp.value, v["stamp"].get<uint64_t>());
    EXPECT_EQ(head->package.value, v["package"]);
    EXPECT_EQ(head->package_epoch.value, v["package_epoch"]);
    const auto part = DecodeTablePart(Opened(v, "86").secret_bytes());
    ASSERT_TRUE(part.has_value()) << v["name"];
    EXPECT_EQ(static_cast<int>(part->kind), v["kind"]);
    EXPECT_EQ(part->width, v["width"]);
    EXPECT_EQ(part->grace_hours, v["grace_hours"]);
    EXPECT_EQ(ToHex(part->hashes), v["hashes"]) << v["name"];
  }
}

TEST_F(Vectors, Ecms) {
  for (const Json& v : Read("ecm")) {
    const auto head = DecodeEcmHead(Hex(v["section"]));
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->table_id, v["odd"].get<bool>() ? kEcmOdd : kEcmEven) << v["name"];
    EXPECT_EQ(head->service.value, v["service"]);
    EXPECT_EQ(head->key_epoch.value, v["key_epoch"]);
    EXPECT_EQ(head->utc, v["utc"]);
    const auto body = DecodeEcmBody(Opened(v, "ecm").secret_bytes());
    ASSERT_TRUE(body.has_value()) << v["name"];
    ASSERT_EQ(body->criteria.size(), v["words"].size()) << v["name"];
    std::string words;
    for (size_t i = 0; i < body->criteria.size(); ++i) {
      const Json& word = v["words"][i];
      EXPECT_EQ(body->criteria[i].mode, word["mode"]);
      EXPECT_EQ(body->criteria[i].product, word["product"]);
      EXPECT_EQ(body->criteria[i].region,
                word["division"].get<uint32_t>() | (word["all_but"].get<bool>() ? 0x800000U : 0U));
      words += word["control_word"].get<std::string>();
    }
    EXPECT_EQ(ToHex(body->words.secret_bytes()), words) << v["name"];
  }
}

TEST_F(Vectors, Reports) {
  for (const Json& v : Read("report")) {
    EXPECT_EQ(ToHex(ByteView(Cmac(HexKey(v["key"]), Hex(v["text"]))).first(8)), v["mac"]) << v["name"];
    // What a card signs is that text: a card whose report key is the vector's, made from the ladder's card
    // key.
    CardState state;
    state.number = CardOf(v);
    state.card_key = HexKey(Named("ladder", "card key")["key"]);
    state.counter = v["counter"].get<uint32_t>() - 1;
    Card card = Card::Create(state).value();
    ReportEvidence evidence{BoxOf(v), SimNumber(std::stoull(v["sim"].get<std::string>())), v["utc"], {}, {}};
    if (v.contains("latitude_e7")) {
      evidence.fix = Fix{v["latitude_e7"], v["longitude_e7"], v["accuracy_m"]};
    }
    for (size_t i = 0; v.contains("cells") && i < v["cells"].size(); ++i) {
      Cell cell = ParseCell("lte:460:00:31281:169552896").value();
      cell.cell += i;
      ASSERT_EQ(ToHex(PackCell(cell)), v["cells"][i]["cell"]);
      evidence.cells.push_back({cell, v["cells"][i]["signal_dbm"]});
    }
    EXPECT_EQ(ToHex(card.SignReport(evidence).value().mac), v["mac"]) << v["name"];
  }
}

// A receiver with exactly the keys of the vectors.
Receiver VectorReceiver(const Json& pairing, const Key& card_key) {
  BoxState box;
  box.serial = BoxOf(pairing);
  box.chip_key = HexKey(pairing["key"]);
  return Receiver(Box::Create(box).value(), Card::Personalised(CardOf(pairing), card_key));
}

TEST_F(Vectors, OneReceiverFollowsThemAllAndItsBoxGetsThePublishedWords) {
  Receiver receiver = VectorReceiver(Named("pairing", "pairing"), HexKey(Named("ladder", "card key")["key"]));
  const auto feed = [&](const char* file, const char* name) {
    return receiver.Feed(Hex(Named(file, name)["section"])).why;
  };
  EXPECT_EQ(feed("pairing", "pairing"), Why::kTaken);
  EXPECT_EQ(feed("unique_record", "on-32-cells"), Why::kTaken);
  EXPECT_EQ(feed("unique_standing", "dark-location"), Why::kTaken);
  EXPECT_EQ(receiver.screen().code, "E09");
  EXPECT_EQ(feed("group", "1-packages"), Why::kTaken);
  EXPECT_EQ(receiver.screen().code, "");
  EXPECT_EQ(feed("service_keys", "nine-in-one-run"), Why::kTaken);
  EXPECT_EQ(feed("area_table", "area-48-of-3"), Why::kTaken);
  EXPECT_EQ(feed("area_table", "deny-28-of-5"), Why::kTaken);

  // The first word needs product 9, which the record grants; the second is for all but 6401xx, where the card
  // is.
  const Bytes ecm = Hex(Named("ecm", "2-of-8")["section"]);
  Card card = *receiver.card();
  const EcmOutcome answer = card.Ecm(ecm);
  ASSERT_TRUE(answer.words.has_value());
  EXPECT_EQ(answer.words->flags, 1);
  const Json expected = Named("control_words", "flags 1");
  EXPECT_EQ(ToHex(answer.words->sealed), expected["sealed"]);
  const EcmResult result = receiver.Ecm(ecm);
  ASSERT_EQ(result.words.size(), 2U);
  EXPECT_EQ(ToHex(result.words[0].word.secret_bytes()),
            Named("ecm", "2-of-8")["words"][0]["control_word"].get<std::string>());
  EXPECT_EQ(result.words[1].screen.code, "E09");
}

TEST_F(Vectors, WhatMustBeRefusedIs) {
  for (const Json& v : Read("refused")) {
    const std::string name = v["name"];
    if (name.rfind("87-", 0) == 0) continue;  // below
    const Key card_key = HexKey(Named("ladder", "card key")["key"]);
    Receiver receiver = VectorReceiver(Named("pairing", "pairing"), card_key);
    receiver.Feed(Hex(Named("unique_record", "on-32-cells")["section"]));
    receiver.Feed(Hex(Named("group", "1-packages")["section"]));
    receiver.Feed(Hex(Named("service_keys", "nine-in-one-run")["section"]));
    const CardState before = receiver.card()->state();
    const Bytes section = Hex(v["section"]);
    if (name == "83-other-card")
      continue;  // authentic for this card: its key in the vector is another card's
    const Why why = receiver.Feed(section).why;
    EXPECT_NE(why, Why::kTaken) << name;
    EXPECT_NE(why, Why::kNoKey) << name;
    const bool authentic = v["why"].get<std::string>().rfind("authentic", 0) == 0;
    if (authentic) {
      EXPECT_EQ(why, Why::kMalformed) << name;
    }
    EXPECT_EQ(receiver.card()->state(), before) << name;
  }
}

// A box that knows this key under the id that the section names.
AlertState BoxWith(const Json& key, uint8_t key_id) {
  AlertState state;
  state.keys[key_id] = ByteReader(Hex(key)).Array<32>();
  return state;
}

TEST_F(Vectors, Emergencies) {
  for (const Json& v : Read("emergency")) {
    const Bytes section = Hex(v["section"]);
    EXPECT_EQ(section.size(), v["bytes"].get<size_t>()) << v["name"];
    const auto message = DecodeEmergency(section);
    ASSERT_TRUE(message.has_value()) << v["name"];
    EXPECT_EQ(message->key_id, v["key_id"]) << v["name"];
    EXPECT_EQ(message->regions, v["regions"].get<std::vector<uint32_t>>()) << v["name"];
    const Alert& alert = message->alert;
    const Alert expected{.number = v["alert"],
                         .stamp = Stamp(v["stamp"]),
                         .start = v["start"],
                         .minutes = v["minutes"],
                         .kind = v["kind"],
                         .severity = v["severity"],
                         .drill = v["drill"],
                         .cancelled = v["cancelled"],
                         .service = {v["original_network"], v["transport_stream"], v["service"]}};
    EXPECT_EQ(alert, expected) << v["name"];
    AlertState box = BoxWith(v["key"], message->key_id);
    const uint32_t division = message->regions.front();
    EXPECT_EQ(ReceiveEmergency(section, division, 0, &box).why, Why::kTaken) << v["name"];
    EXPECT_EQ(box.held.at(alert.number), expected) << v["name"];
  }
}

TEST_F(Vectors, EmergenciesThatMustBeRefusedAre) {
  size_t seen = 0;
  for (const Json& v : Read("refused")) {
    const std::string name = v["name"];
    if (name.rfind("87-", 0) != 0) continue;
    ++seen;
    AlertState box = BoxWith(v["key"], 1);
    const AlertState before = box;
    const Why why = ReceiveEmergency(Hex(v["section"]), 640122, 0, &box).why;
    const bool authentic = v["why"].get<std::string>().rfind("authentic", 0) == 0;
    EXPECT_EQ(why, authentic ? Why::kMalformed : Why::kNotAuthentic) << name;
    EXPECT_EQ(box, before) << name;
  }
  EXPECT_GT(seen, 10U);
}

TEST_F(Vectors, ASectionOfAnotherCardsMacIsRefused) {
  const Json v = Named("refused", "83-other-card");
  const Bytes section = Hex(v["section"]);
  const Mac mac = Cmac(HexKey(v["key"]), ByteView(section).first(16));
  EXPECT_FALSE(SameBytes(ByteView(mac).first(8), ByteView(section).subspan(16)));
}

}  // namespace
}  // namespace hearth::receiver
