#include "src/crypto/ladder.h"
#include "src/crypto/primitives.h"
#include "src/crypto/siv.h"
#include "tests/cas/samples.h"
#include "tests/cas/vectors.h"

namespace hearth::vectors {
namespace {

using crypto::Key128;
using crypto::Key256;
using crypto::SecretAccess;

Json KeyJson(std::string_view name, const Key128& from, std::string_view rule, const Key128& to) {
  return Json::Object()
      .Text("name", name)
      .Text("rule", rule)
      .Hex("from", from.bytes(SecretAccess()))
      .Hex("key", to.bytes(SecretAccess()));
}

Json CmacVectors() {
  Json list = Json::List();
  const Key128 key = samples::SampleKey<Key128>("cmac");
  for (const size_t length : {0, 1, 15, 16, 17, 32, 40, 64}) {
    Bytes message;
    for (size_t i = 0; i < length; ++i) message.push_back(static_cast<uint8_t>(i));
    list.Item(Json::Object()
                  .Text("name", std::to_string(length) + " bytes")
                  .Hex("key", key.bytes(SecretAccess()))
                  .Hex("message", message)
                  .Hex("mac", crypto::Cmac(key, message).value()));
  }
  return list;
}

Json KdfVectors() {
  Json list = Json::List();
  const Key128 key = samples::SampleKey<Key128>("kdf");
  const Bytes context = {0x00, 0x95, 0x02, 0xF9, 0x11};
  for (const size_t bytes : {16, 32, 40}) {
    for (const bool with_context : {false, true}) {
      const ByteView used = with_context ? ByteView(context) : ByteView();
      list.Item(
          Json::Object()
              .Text("name", std::to_string(bytes * 8) + (with_context ? " bits, context" : " bits"))
              .Hex("key", key.bytes(SecretAccess()))
              .Text("label", "hearth/1/example")
              .Hex("context", used)
              .Int("bits", bytes * 8)
              .Hex("out", crypto::Kdf(key, "hearth/1/example", used, bytes).value().bytes(SecretAccess())));
    }
  }
  return list;
}

Json SivVectors() {
  Json list = Json::List();
  const Key256 key = crypto::Kdf256(samples::SampleKey<Key128>("siv"), "example").value();
  const crypto::SivKey siv(key.Copy());
  for (const size_t aad_bytes : {0, 14, 47}) {
    for (const size_t bytes : {0, 1, 15, 16, 17, 152}) {
      const Bytes aad(aad_bytes, 0xA5);
      const Bytes plain(bytes, 0x3C);
      list.Item(Json::Object()
                    .Text("name", std::to_string(aad_bytes) + " and " + std::to_string(bytes) + " bytes")
                    .Hex("key", key.bytes(SecretAccess()))
                    .Hex("aad", aad)
                    .Hex("plaintext", plain)
                    .Hex("sealed", siv.Seal(aad, plain).value()));
    }
  }
  return list;
}

Json LadderVectors() {
  Json list = Json::List();
  const crypto::BatchMaster master = samples::Master();
  const crypto::CardKey card = crypto::CardKeyFor(master, samples::kCard).value();
  const crypto::CardKeys keys = samples::Keys();
  const crypto::PackageKey package = samples::Package();
  list.Item(KeyJson("card key", master, "KDF, card 640122000017", card));
  list.Item(KeyJson("card-enc", card, "KDF", keys.enc));
  list.Item(KeyJson("card-mac", card, "KDF", keys.mac));
  list.Item(KeyJson("card-report", card, "KDF", keys.report));
  list.Item(KeyJson("card-pair", card, "KDF", keys.pair));
  list.Item(KeyJson("pairing key", keys.pair, "KDF, card 640122000017, box 1064012200000017",
                    samples::Pairing().key));
  for (const uint16_t to : std::initializer_list<uint16_t>{8, 0, 65535}) {
    list.Item(KeyJson("package 64, epoch 9 to " + std::to_string(to), package, "package chain",
                      crypto::PackageKeyAt(package, PackageId(64), Epoch(9), Epoch(to)).value()));
  }
  return list;
}

Json SivKeyVectors() {
  Json list = Json::List();
  const Key128 key = samples::SampleKey<Key128>("siv key");
  for (const char* use : {"82", "84", "85", "86", "88", "ecm", "cw"}) {
    list.Item(
        Json::Object()
            .Text("name", use)
            .Hex("key", key.bytes(SecretAccess()))
            .Text("use", use)
            .Hex("siv_key",
                 crypto::Kdf256(key, std::string("hearth/1/siv/") + use).value().bytes(SecretAccess())));
  }
  return list;
}

Json CellHashVectors() {
  Json list = Json::List();
  for (const uint8_t width : std::initializer_list<uint8_t>{3, 4, 5, 8}) {
    list.Item(Json::Object()
                  .Text("name", "width " + std::to_string(width))
                  .Int("area", samples::kArea.value)
                  .Text("means", "LTE, MCC 460, MNC 00, TAC 0x7A31, ECI 0x0A1B2C05")
                  .Hex("cell", samples::Cell(5))
                  .Int("width", width)
                  .Hex("hash", cas::CellHash(samples::kArea, samples::Cell(5), width).value()));
  }
  return list;
}

Json Hash64Vectors() {
  Json list = Json::List();
  for (const char* text : {"", "abc", "hearth"}) {
    ByteWriter hash;
    hash.U64(crypto::Hash64(AsBytes(text)));
    list.Item(Json::Object().Text("name", text).Text("text", text).Hex("hash64", hash.bytes()));
  }
  return list;
}

}  // namespace

std::vector<VectorFile> PrimitiveVectors() {
  return {{"cmac", CmacVectors()},      {"kdf", KdfVectors()},       {"siv", SivVectors()},
          {"siv_key", SivKeyVectors()}, {"ladder", LadderVectors()}, {"cell_hash", CellHashVectors()},
          {"hash64", Hash64Vectors()}};
}

}  // namespace hearth::vectors
