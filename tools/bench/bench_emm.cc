// Messages to one card built from the batch master: keys derived, section encoded and sealed. Beside them the
// raw OpenSSL calls for the same bytes (peer A), and the bare AES work (ceiling B).
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "src/cas/unique.h"
#include "src/crypto/ladder.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"
#include "tools/bench/openssl_reference.h"
#include "tools/bench/seeded_random.h"

namespace hearth::bench {
namespace {

constexpr uint64_t kFirstCard = 640'000'000'000;
constexpr uint64_t kCards = 1'000'000;
constexpr uint64_t kCompared = 1000;
constexpr size_t kAadBytes = 14;  // of a unique record, up to its SIV
constexpr size_t kSivBytes = 16;
constexpr size_t kMacBytes = 8;

// The raw side is measured on what stands at these places of a section of ours.
constexpr size_t kCardAt = 4;
constexpr size_t kCardBytes = 5;

size_t BlocksOf(size_t bytes) { return (bytes + 15) / 16; }

struct Sides {
  Rate ours;
  Rate peer;
  Rate ceiling;
};

class EmmBench {
 public:
  explicit EmmBench(const EmmOptions& options) : options_(options), random_(options.seed) {}

  Result<Findings> Run() {
    HEARTH_RETURN_IF_ERROR(Prepare());
    HEARTH_ASSIGN_OR_RETURN(const bool same, SameBytes());
    Sides record;
    Sides standing;
    const double slice = options_.seconds / (6 * kRounds);
    for (int round = 0; round < kRounds; ++round) {
      HEARTH_RETURN_IF_ERROR(
          Turn(slice, &EmmBench::OurRecord, &EmmBench::PeerRecord, record_blocks_, record));
      HEARTH_RETURN_IF_ERROR(
          Turn(slice, &EmmBench::OurStanding, &EmmBench::PeerStanding, standing_blocks_, standing));
    }
    Findings findings{.bench = "emm", .seed = options_.seed, .figures = {}, .checks = {}};
    AddSides(findings, "record 0x82", record, record_blocks_);
    AddSides(findings, "standing 0x83", standing, standing_blocks_);
    findings.Add("record 0x82: section", static_cast<double>(raw_record_.size()), "bytes");
    findings.Expect("A makes the same sections", same);
    return findings;
  }

 private:
  using Work = Status (EmmBench::*)(uint64_t);

  Status Prepare() {
    master_ = crypto::BatchMaster::Random(random_);
    record_.stamp = standing_.stamp = Stamp(uint64_t{95'000'000} << 8);
    record_.standing = standing_.standing = entitlement::Standing::kOn;
    record_.validity_day = record_.expiry_day = 1500;
    record_.group = GroupId(7);
    record_.slot = 5;
    record_.generation = 1;
    record_.group_key = crypto::GroupKey::Random(random_);
    record_.box = BoxSerial(6'400'000'000'000'001);
    record_.area = AreaId(640'122'001);
    record_.area_version = 3;
    record_.rights.Set(1);
    record_.cells.resize(options_.record_cells);
    for (cas::CellHash3& cell : record_.cells) random_.Fill(cell);

    HEARTH_RETURN_IF_ERROR(OurRecord(0));
    // The bytes that OpenSSL is handed ready made.
    ByteWriter plaintext;
    plaintext.U8(static_cast<uint8_t>(record_.standing)).U8(static_cast<uint8_t>(record_.reason));
    plaintext.U16(record_.validity_day).U24(record_.group.value).U8(record_.slot).U8(record_.generation);
    plaintext.Put(record_.group_key.bytes(crypto::SecretAccess()));
    plaintext.U56(record_.box.value).U32(record_.area.value).U16(record_.area_version);
    plaintext.Put(record_.rights.bytes()).U16(record_.expiry_day);
    for (const cas::CellHash3& cell : record_.cells) plaintext.Put(cell);
    plaintext_ = std::move(plaintext).Take();
    raw_record_ = section_;
    HEARTH_RETURN_IF_ERROR(OurStanding(0));
    raw_standing_ = section_;
    HEARTH_RETURN_IF_ERROR(OurRecord(0));

    // One CMAC is one block for its subkeys and those of its message. Derivations have two-block inputs. SIV:
    // subkeys, a block of zeros, one of associated data, the text; then the counter blocks.
    const size_t text = BlocksOf(plaintext_.size());
    record_blocks_ = {3, 3, 5, 3 + text, text};
    standing_blocks_ = {3, 3, 2};
    HEARTH_ASSIGN_OR_RETURN(peer_, OpenSslPeer::Create());
    HEARTH_ASSIGN_OR_RETURN(ceiling_, AesCeiling::Create());
    return Ok();
  }

  Status Turn(double slice, Work ours, Work peer, std::span<const size_t> blocks, Sides& sides) {
    HEARTH_ASSIGN_OR_RETURN(const Rate a,
                            RunOnCore(slice, next_, [&](uint64_t n) { return (this->*ours)(n); }));
    HEARTH_ASSIGN_OR_RETURN(const Rate b,
                            RunOnCore(slice, next_, [&](uint64_t n) { return (this->*peer)(n); }));
    const ByteView key = master_.bytes(crypto::SecretAccess());
    HEARTH_ASSIGN_OR_RETURN(const Rate c, RunOnCore(slice, next_, [&](uint64_t) -> Status {
                              if (!ceiling_->Run(key, blocks)) return Refused();
                              return Ok();
                            }));
    sides.ours += a;
    sides.peer += b;
    sides.ceiling += c;
    return Ok();
  }

  static void AddSides(Findings& findings, const std::string& what, const Sides& sides,
                       std::span<const size_t> blocks) {
    size_t sum = 0;
    for (const size_t count : blocks) sum += count;
    findings.Add(what + ": to OpenSSL's CMAC and AES-SIV (A)", Ratio(sides.ours, sides.peer), "ratio");
    findings.Add(what + ": to bare AES (B)", Ratio(sides.ours, sides.ceiling), "ratio");
    findings.Add(what + ": built on one core", sides.ours.per_second(), "1/s");
    findings.Add(what + ": A", sides.peer.per_second(), "1/s");
    findings.Add(what + ": B", sides.ceiling.per_second(), "1/s");
    findings.Add(what + ": AES key set-ups", static_cast<double>(blocks.size()), "count");
    findings.Add(what + ": AES blocks", static_cast<double>(sum), "count");
  }

  static CardNumber CardOf(uint64_t n) { return CardNumber(kFirstCard + n % kCards); }
  static Error Refused() { return Error(Reason::kCryptoFailed, "OpenSSL refused in the reference"); }

  Status OurRecord(uint64_t n) {
    record_.card = CardOf(n);
    HEARTH_ASSIGN_OR_RETURN(const crypto::CardKey card_key, crypto::CardKeyFor(master_, record_.card));
    HEARTH_ASSIGN_OR_RETURN(const crypto::CardEncKey key, crypto::CardEncKeyFor(card_key));
    HEARTH_ASSIGN_OR_RETURN(section_, cas::EncodeUniqueRecord(record_, key));
    return Ok();
  }
  Status OurStanding(uint64_t n) {
    standing_.card = CardOf(n);
    HEARTH_ASSIGN_OR_RETURN(const crypto::CardKey card_key, crypto::CardKeyFor(master_, standing_.card));
    HEARTH_ASSIGN_OR_RETURN(const crypto::CardMacKey key, crypto::CardMacKeyFor(card_key));
    HEARTH_ASSIGN_OR_RETURN(section_, cas::EncodeUniqueStanding(standing_, key));
    return Ok();
  }

  std::span<const uint8_t> PutCard(Bytes& section, uint64_t n) {
    const uint64_t card = CardOf(n).value;
    for (size_t i = 0; i < kCardBytes; ++i) {
      section[kCardAt + i] = static_cast<uint8_t>(card >> (8 * (kCardBytes - 1 - i)));
    }
    return std::span<const uint8_t>(section).subspan(kCardAt, kCardBytes);
  }
  Status PeerRecord(uint64_t n) {
    const ByteView card = PutCard(raw_record_, n);
    const std::span<uint8_t> all(raw_record_);
    if (!peer_->Record(master_.bytes(crypto::SecretAccess()), card, all.first(kAadBytes), plaintext_,
                       all.subspan(kAadBytes))) {
      return Refused();
    }
    return Ok();
  }
  Status PeerStanding(uint64_t n) {
    const ByteView card = PutCard(raw_standing_, n);
    const std::span<uint8_t> before =
        std::span<uint8_t>(raw_standing_).first(raw_standing_.size() - kMacBytes);
    std::array<uint8_t, kSivBytes> mac;
    if (!peer_->Standing(master_.bytes(crypto::SecretAccess()), card, before, mac)) return Refused();
    std::copy_n(mac.begin(), kMacBytes, raw_standing_.end() - kMacBytes);
    return Ok();
  }

  Result<bool> SameBytes() {
    bool same = true;
    for (uint64_t n = 0; n < kCompared; ++n) {
      HEARTH_RETURN_IF_ERROR(OurRecord(n));
      HEARTH_RETURN_IF_ERROR(PeerRecord(n));
      same = same && section_ == raw_record_;
      HEARTH_RETURN_IF_ERROR(OurStanding(n));
      HEARTH_RETURN_IF_ERROR(PeerStanding(n));
      same = same && section_ == raw_standing_;
    }
    HEARTH_RETURN_IF_ERROR(OurRecord(0));
    return same;
  }

  const EmmOptions options_;
  SeededRandom random_;
  crypto::BatchMaster master_;
  cas::UniqueRecord record_;
  cas::UniqueStanding standing_;
  Bytes section_;  // the last one of ours
  Bytes plaintext_;
  Bytes raw_record_;
  Bytes raw_standing_;
  std::vector<size_t> record_blocks_;
  std::vector<size_t> standing_blocks_;
  std::unique_ptr<OpenSslPeer> peer_;
  std::unique_ptr<AesCeiling> ceiling_;
  uint64_t next_ = 0;
};

}  // namespace

Result<Findings> BenchEmm(const EmmOptions& options) { return EmmBench(options).Run(); }

}  // namespace hearth::bench
