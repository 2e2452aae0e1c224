#include "tests/app/site.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "geofence/cell.h"
#include "src/import/regions.h"
#include "src/store/engine_store.h"
#include "src/store/memory_engine.h"
#include "tools/receiver/factory.h"

namespace hearth::app {
namespace {

constexpr UnixMillis kStart(1'800'000'000'000);  // 2027-01-15
constexpr BatchId kBatch(1);
constexpr std::string_view kMasterText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::array<uint8_t, 16> KeyBytes(uint8_t kind, uint64_t n) {
  std::array<uint8_t, 16> bytes{kind, 0x5A};
  for (size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<uint8_t>(n >> 8 * i);
  return bytes;
}
std::array<uint8_t, 16> BatchKeyBytes() { return KeyBytes(0xB0, kBatch.value); }
std::array<uint8_t, 16> ChipKeyBytes(uint64_t n) { return KeyBytes(0xC0, n); }

std::vector<RegionRow> Regions() {
  std::ifstream file(HEARTH_SOURCE_DIR "/deploy/data/regions-64-ningxia.csv", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto parsed = import::ParseRegions(text, Limits());
  std::vector<RegionRow> rows;
  if (!parsed) {
    ADD_FAILURE() << parsed.error().ToString();
    return rows;
  }
  for (const auto& row : parsed->rows) {
    const std::string code = ToString(row.code);
    const bool wanted = code.size() <= 4 || code.starts_with("640122") || code.starts_with("640104");
    if (wanted) {
      rows.push_back(
          {.line = row.line, .region = geofence::Region{row.code, row.name, row.parent, row.level}});
    }
  }
  return rows;
}

void ExpectDone(const std::vector<RowResult>& results) {
  for (const RowResult& row : results) {
    EXPECT_EQ(row.outcome, RowOutcome::kDone)
        << "row " << row.line << ": " << (row.error ? row.error->ToString() : "");
  }
}

template <typename T>
void Expect(const Result<T>& result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().ToString());
}

receiver::HeardCell ReceiverCell(const std::string& text) {
  auto heard = receiver::ParseHeardCell(text + "@-80");
  EXPECT_TRUE(heard) << text;
  return *heard;
}

}  // namespace

CardNumber CardOf(uint64_t n) { return CardNumber(640'000'000'000 + n); }
BoxSerial BoxOf(uint64_t n) { return BoxSerial(6'400'000'000'000'000 + n); }
SimNumber SimOf(uint64_t n) { return SimNumber(13'900'000'000 + n); }
std::string FormNumberOf(uint64_t n) { return fmt::format("NX-{:06}", n); }

std::string PersonIdOf(uint64_t n) {
  const std::string body = fmt::format("64012219{:02}0101{:03}", 50 + n / 1000 % 50, n % 1000);
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += (body[i] - '0') * kWeights[i];
  return body + "10X98765432"[sum % 11];
}

entitlement::Form FormOf(uint64_t n, uint64_t village) {
  entitlement::Form form;
  form.form_number = FormNumberOf(n);
  form.person.name = fmt::format("马{}", n);
  form.person.person_id = PersonIdOf(n);
  form.person.phone = "13800000000";
  form.village = RegionCode(village);
  form.devices = {.card = CardOf(n), .box = BoxOf(n), .sim = SimOf(n)};
  return form;
}

std::vector<geofence::Cell> CellsOf(const Heard& heard) {
  std::vector<geofence::Cell> cells;
  for (const std::string& text : heard) cells.push_back(*geofence::ParseCell(text));
  return cells;
}

geofence::Evidence EvidenceOf(const Heard& heard) {
  geofence::Evidence evidence;
  for (const geofence::Cell& cell : CellsOf(heard)) {
    evidence.cells.push_back({.cell = cell, .signal_dbm = -80});
  }
  evidence.no_signal = heard.empty();
  return evidence;
}

std::shared_ptr<store::Engine> CopyOf(store::Engine& engine) {
  auto copy = std::make_shared<store::MemoryEngine>();
  const auto all = engine.Scan("", "\xFF\xFF\xFF", SIZE_MAX);
  std::vector<store::Write> writes;
  for (const auto& item : all->items) writes.push_back({item.key, item.value});
  EXPECT_TRUE(copy->Apply(std::move(writes)));
  return copy;
}

std::shared_ptr<store::Engine> PreparedEngine() {
  static const std::shared_ptr<store::Engine> engine = [] {
    auto made = std::make_shared<store::MemoryEngine>();
    Site site(made, HeadEndOptions());
    site.Prepare();
    return made;
  }();
  return CopyOf(*engine);
}

Site::Site(std::shared_ptr<store::Engine> its_engine, HeadEndOptions head_end)
    : clock(kStart), random(7), options(std::move(head_end)), engine(std::move(its_engine)) {
  OpenStore();
}

void Site::OpenStore() {
  store.reset();
  memory.reset();
  auto opened = store::EngineStore::Create(std::make_unique<SharedEngine>(engine), clock, metrics, Limits());
  EXPECT_TRUE(opened);
  memory = std::move(*opened);
  store = std::make_unique<GuardedStore>(*memory);
}

Site::Site(const SiteOptions& site) : Site(PreparedEngine(), site.head_end) {
  two_outputs_ = site.two_outputs;
  clock.Advance(std::chrono::minutes(10));  // Drain moved the clock of the preparation
  if (site.started) Start();
}

Site::~Site() { Stop(); }

Status Site::TryStart() {
  auto master = crypto::MasterKey::FromText(kMasterText, "the test");
  if (!master) return master.error();
  std::vector<SectionSink*> sinks = {&sink};
  if (two_outputs_) sinks.push_back(&other);
  auto head = HeadEnd::Create(*store, clock, random, std::move(*master), sinks, options, metrics, log);
  if (!head) return head.error();
  head_ = std::move(*head);
  return Ok();
}

void Site::Start() {
  const Status started = TryStart();
  ASSERT_TRUE(started) << started.error().ToString();
}

void Site::Stop() { head_.reset(); }

std::shared_ptr<store::Engine> Site::Backup() const { return CopyOf(*engine); }

void Site::Restore(const std::shared_ptr<store::Engine>& backup) {
  Stop();
  engine = CopyOf(*backup);
  OpenStore();
}

void Site::Restart() {
  Stop();
  Start();
}

void Site::Prepare() {
  Start();
  ExpectDone(head_->geo().ImportRegions(NewRequest(), Regions()));
  const std::vector<geofence::PlaceCode> villages = {
      geofence::PlaceCode(kVillage), geofence::PlaceCode(kHamlet), geofence::PlaceCode(kFarVillage)};
  Expect(head_->geo().CreateArea(NewRequest(), {kArea, "贺兰一区", villages}));
  Expect(head_->geo().StepArea(NewRequest(), kArea, geofence::AreaState::kSubmitted));
  Request approval = NewRequest();
  approval.actor = "second";
  Expect(head_->geo().StepArea(approval, kArea, geofence::AreaState::kApproved));
  Expect(head_->geo().PutList(NewRequest(), {geofence::ListKind::kWhitelist, kArea, "贺兰", CellsOf(kHome)}));
  Expect(head_->geo().PutList(NewRequest(),
                              {geofence::ListKind::kBlacklist, kCityList, "银川", CellsOf(kCity)}));
  const auto channel = [](uint16_t service, std::string name, uint16_t province) {
    return ChannelRow{.line = service,
                      .channel = entitlement::Channel{.service = ServiceId(service),
                                                      .name = std::move(name),
                                                      .name_zh = {},
                                                      .kind = entitlement::ChannelKind::kTv,
                                                      .province = province,
                                                      .criteria = {}}};
  };
  ExpectDone(
      head_->schedule().ImportChannels(NewRequest(), {channel(1, "CCTV-1", 0), channel(2, "CCTV-2", 0),
                                                      channel(900, "PAY-1", 0), channel(1064, "NX-TV", 64)}));
  Expect(head_->schedule().PutPackage(
      NewRequest(), {PackageId(64), "宁夏", 64, {ServiceId(1), ServiceId(2), ServiceId(1064)}}));
  Expect(head_->keys().ImportBatch(
      NewRequest(), {kBatch, CardOf(1), CardOf(400), crypto::BatchMaster(crypto::Key128(BatchKeyBytes()))},
      options.limits));
  Stock(1, kStock, kBatch);
  Drain();
  Stop();
}

void Site::Stock(uint64_t first, uint64_t last, BatchId batch) {
  std::vector<StockRow> stock;
  for (uint64_t n = first; n <= last; ++n) {
    stock.push_back({.line = 3 * n, .item = StockItem(StockCard{CardOf(n), batch})});
    stock.push_back({.line = 3 * n + 1,
                     .item = StockItem(StockBox{BoxOf(n), fmt::format("{:011}", n), fmt::format("{:015}", n),
                                                "HH-S1", crypto::ChipKey(crypto::Key128(ChipKeyBytes(n)))})});
    stock.push_back({.line = 3 * n + 2, .item = StockItem(StockSim{SimOf(n), fmt::format("{:019}", n)})});
  }
  ExpectDone(head_->registry().ImportStock(NewRequest(), stock));
}

void Site::MoreStock(uint64_t first, uint64_t last) {
  const BatchId batch(2);
  Expect(head_->keys().ImportBatch(
      NewRequest(),
      {batch, CardOf(first), CardOf(last), crypto::BatchMaster(crypto::Key128(BatchKeyBytes()))},
      options.limits));
  Stock(first, last, batch);
}

Request Site::NewRequest(std::string reason) {
  const uint64_t n = ++requests_;
  std::array<uint8_t, 10> bytes{};
  for (size_t i = 0; i < 8; ++i) bytes[9 - i] = static_cast<uint8_t>(n >> 8 * i);
  return {.id = RequestId::FromParts(clock.Now(), bytes),
          .content_hash = HashContent(AsBytes(fmt::format("content {}", n))),
          .actor = "tester",
          .reason = std::move(reason),
          .approver = {},
          .dry_run = false,
          .if_revision = 0};
}

Result<AccountChanged> Site::Open(uint64_t n, uint64_t village) {
  return head_->registry().Open(NewRequest(), FormOf(n, village));
}

Result<AccountChanged> Site::Swap(uint64_t n, const entitlement::Devices& wanted) {
  return head_->registry().Swap(NewRequest("broken"), FormNumberOf(n), wanted);
}

Result<AccountChanged> Site::Close(uint64_t n) {
  return head_->registry().Close(NewRequest("moved away"), FormNumberOf(n));
}

Report Site::Sign(Home& home, const Heard& heard) { return Sign(home, heard, clock.Now()); }

Report Site::Sign(Home& home, const Heard& heard, UnixMillis at) {
  receiver::ReportEvidence evidence{
      .box = home.receiver.box().state().serial, .sim = home.sim, .utc = MessageSeconds(at), .cells = {}};
  for (const std::string& text : heard) evidence.cells.push_back(ReceiverCell(text));
  const auto report = home.receiver.mutable_card()->SignReport(evidence);
  EXPECT_TRUE(report);
  return {.card = home.receiver.card()->number(),
          .box = evidence.box,
          .sim = home.sim,
          .counter = report->counter,
          .time = UnixMillis((kEpoch2024Seconds + int64_t{evidence.utc}) * 1000),
          .evidence = EvidenceOf(heard),
          .mac = report->mac};
}

Result<ReportAnswer> Site::Send(Home& home, const Heard& heard) {
  return head_->location().Take(Sign(home, heard));
}

Home Site::Installed(uint64_t n) {
  Home home = NewHome(n);
  Expect(Open(n));
  const auto answer = Send(home, kHome);
  EXPECT_TRUE(answer) << answer.error().ToString();
  EXPECT_TRUE(answer && answer->outcome == ReportOutcome::kActivated);
  Drain();
  Listen(home);
  EXPECT_TRUE(Watches(home));
  return home;
}

receiver::Card Site::NewCard(uint64_t n) const {
  return receiver::Card::Personalised(CardOf(n),
                                      receiver::DeriveCardKey(receiver::Key(BatchKeyBytes()), CardOf(n)));
}

Home Site::NewHome(uint64_t card, uint64_t box, uint64_t sim) const {
  receiver::BoxState state;
  state.serial = BoxOf(box);
  state.chip_key = receiver::Key(ChipKeyBytes(box));
  state.model = "HH-S1";
  state.sim = SimOf(sim);
  if (const auto& signer = options.emergency_signer) {
    state.alerts.keys[signer->key_id] = signer->key.public_key().bytes();
  }
  auto made = receiver::Box::Create(std::move(state));
  EXPECT_TRUE(made);
  return {.receiver = receiver::Receiver(*std::move(made), NewCard(card)), .sim = SimOf(sim)};
}

void Site::Listen(Home& home, const std::function<bool(const Bytes&)>& heard) {
  for (const Bytes& section : sink.From(home.heard_sections)) {
    ++home.heard_sections;
    if (!heard || heard(section)) home.receiver.Feed(section);
  }
}

receiver::EcmResult Site::TryWatch(Home& home, std::string_view channel) {
  const Bytes even = {1, 2, 3, 6, 5, 6, 7, 18};
  const Bytes odd = {9, 8, 7, 24, 5, 4, 3, 12};
  const auto ecm =
      head_->ecm().Issue({.channel = std::string(channel), .cp_number = 6, .control_words = {even, odd}});
  EXPECT_TRUE(ecm) << ecm.error().ToString();
  if (!ecm) return {};
  auto opened = home.receiver.Ecm(ecm->section);
  if (opened.opened()) {
    EXPECT_EQ(opened.words.size(), 2U);
    const auto first = opened.words[0].word.secret_bytes();
    const auto second = opened.words[1].word.secret_bytes();
    EXPECT_EQ(Bytes(first.begin(), first.end()), even);
    EXPECT_EQ(Bytes(second.begin(), second.end()), odd);
  }
  return opened;
}

bool Site::Watches(Home& home, std::string_view channel) { return TryWatch(home, channel).opened(); }

void Site::Drain() {
  int polls = 0;
  const bool done = WaitUntil([&] {
    // A second each time the pump had a moment to see the last one.
    if (++polls % 8 == 0) clock.Advance(std::chrono::seconds(1));
    return head_->pump().waiting() == 0;
  });
  EXPECT_TRUE(done) << head_->pump().waiting() << " commits are not sent";
}

void Site::Pass() {
  Drain();
  const auto passes = [&] {
    uint64_t all = 0;
    for (const auto& output : head_->pump().air().outputs) {
      for (const auto& tier : output.tiers) {
        if (tier.cycle && tier.cycle->count > 0)
          all = std::min(all == 0 ? UINT64_MAX : all, tier.cycle->passes + 1);
      }
    }
    return all;
  };
  const uint64_t before = passes();
  EXPECT_TRUE(WaitUntil([&] {
    clock.Advance(std::chrono::milliseconds(500));
    return passes() >= before + 2;
  }));
}

void Site::SaveObserved() {
  const Status saved = head_->saver().SaveNow();
  EXPECT_TRUE(saved) << saved.error().ToString();
}

void Site::DrainViews() {
  SaveObserved();
  const auto sequences = store->Sequences();
  for (const auto& bucket : *sequences) {
    if (bucket.bucket.value > store::kSystemBucket.value) continue;
    const Status seen = head_->views().WaitFor(
        {.bucket = bucket.bucket, .sequence = bucket.sequence, .wrote = true}, std::chrono::seconds(10));
    EXPECT_TRUE(seen) << seen.error().ToString();
  }
}

std::map<uint16_t, uint64_t> Site::Sequences() {
  std::map<uint16_t, uint64_t> sequences;
  const auto all = store->Sequences();
  for (const auto& bucket : *all) {
    if (bucket.bucket.value <= store::kSystemBucket.value) sequences[bucket.bucket.value] = bucket.sequence;
  }
  return sequences;
}

std::map<uint16_t, uint64_t> Site::Quiet() {
  Drain();
  SaveObserved();
  head_->HousekeepNow();
  return Sequences();
}

std::map<std::string, std::string> Site::Objects() {
  std::map<std::string, std::string> objects;
  const auto sequences = store->Sequences();
  for (const auto& bucket : *sequences) {
    if (bucket.bucket.value > store::kSystemBucket.value) continue;
    std::string after;
    for (;;) {
      const auto page = store->Scan(bucket.bucket, store::Space::kObject, "", after, 1000);
      for (const auto& item : page->items) {
        const auto value = SplitRevision(item.value);
        EXPECT_TRUE(value);
        if (item.key[0] != '~') objects[item.key] = value->value;
        after = item.key;
      }
      if (!page->more) break;
    }
  }
  return objects;
}

namespace {

// Everything the invariants speak of, decoded.
struct World {
  std::map<std::string, entitlement::Account> accounts;
  std::map<uint64_t, records::CardRecord> cards;
  std::map<uint64_t, records::BoxRecord> boxes;
  std::map<uint64_t, records::SimRecord> sims;
  std::map<std::string, entitlement::Claim> persons;
  std::map<uint32_t, entitlement::Group> groups;
  std::vector<std::string> sagas;
};

World Decode(const std::map<std::string, std::string>& objects, std::vector<std::string>& broken) {
  World world;
  const auto take = [&](const std::string& key, auto result, auto&& put) {
    if (result) {
      put(std::move(*result));
    } else {
      broken.push_back(key + " cannot be read");
    }
  };
  for (const auto& object : objects) {
    const std::string& key = object.first;
    const std::string& value = object.second;
    if (key.starts_with("saga/") || key.starts_with("evict/")) world.sagas.push_back(key);
    if (key.starts_with("account/")) {
      take(key, records::Decode<entitlement::Account>(value),
           [&](auto account) { world.accounts[account.form.form_number] = std::move(account); });
    } else if (key.starts_with("card/")) {
      take(key, records::Decode<records::CardRecord>(value),
           [&](auto card) { world.cards[card.card.number.value] = std::move(card); });
    } else if (key.starts_with("box/")) {
      take(key, records::Decode<records::BoxRecord>(value),
           [&](auto box) { world.boxes[box.serial.value] = std::move(box); });
    } else if (key.starts_with("sim/")) {
      take(key, records::Decode<records::SimRecord>(value),
           [&](auto sim) { world.sims[sim.number.value] = std::move(sim); });
    } else if (key.starts_with("person/")) {
      take(key, records::Decode<entitlement::Claim>(value),
           [&](auto claim) { world.persons[key] = std::move(claim); });
    } else if (key.starts_with("group/")) {
      take(key, records::Decode<records::GroupRecord>(value),
           [&](auto group) { world.groups[group.group.id.value] = std::move(group.group); });
    }
  }
  return world;
}

class Inspection {
 public:
  Inspection(const World& world, bool drained, std::vector<std::string>& broken)
      : world_(world), drained_(drained), broken_(broken) {}

  void Run() {
    for (const std::string& saga : world_.sagas) Broken("{} is left behind", saga);
    for (const auto& [form, account] : world_.accounts) Account(form, account);
    for (const auto& [n, card] : world_.cards) {
      Claim("card", n, card.card.claim, &entitlement::Devices::card);
      Card(card.card);
    }
    for (const auto& [n, box] : world_.boxes) Claim("box", n, box.claim, &entitlement::Devices::box);
    for (const auto& [n, sim] : world_.sims) Claim("sim", n, sim.claim, &entitlement::Devices::sim);
    for (const auto& [key, claim] : world_.persons) Person(key, claim);
    for (const auto& [id, group] : world_.groups) Group(id, group);
  }

 private:
  template <typename... Args>
  void Broken(fmt::format_string<Args...> format, Args&&... args) {
    broken_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  const entitlement::Account* OpenAccount(const std::string& form) const {
    const auto it = world_.accounts.find(form);
    if (it == world_.accounts.end() || it->second.state == entitlement::AccountState::kClosed) return nullptr;
    return &it->second;
  }

  void Account(const std::string& form, const entitlement::Account& account) {
    if (account.intent) Broken("account {} has an intent", form);
    const bool open = account.state == entitlement::AccountState::kOpen;
    if (!open && account.state != entitlement::AccountState::kClosed) Broken("account {} is pending", form);
    if (!open) return;
    const entitlement::Devices& devices = account.form.devices;
    const auto held = [&](const auto& things, const auto& n, auto&& claim_of) {
      const auto it = things.find(n);
      if (it == things.end() || claim_of(it->second).account != form) {
        Broken("account {} does not hold {}", form, n);
      }
    };
    held(world_.cards, devices.card.value, [](const auto& card) { return card.card.claim; });
    held(world_.boxes, devices.box.value, [](const auto& box) { return box.claim; });
    held(world_.sims, devices.sim.value, [](const auto& sim) { return sim.claim; });
    held(world_.persons, PersonKey(account.form.person.person_id).key,
         [](const auto& claim) { return claim; });
    const auto card = world_.cards.find(devices.card.value);
    if (card == world_.cards.end()) return;
    const entitlement::Card& bound = card->second.card;
    const bool matches = bound.box == devices.box && bound.sim == devices.sim && bound.area == account.area &&
                         bound.village == account.form.village && bound.place == account.place &&
                         bound.settled == bound.claim.intent;
    // A swap of its box that overlaps an eviction leaves the account the place that the card has lost.
    const bool evicted =
        entitlement::IsEvicted(bound) && bound.box == devices.box && bound.sim == devices.sim;
    if (!matches && !evicted) Broken("card {} is not as account {} has it", ToString(bound.number), form);
  }

  template <typename Member>
  void Claim(std::string_view kind, uint64_t n, const entitlement::Claim& claim, Member member) {
    if (!claim.held()) return;
    const entitlement::Account* home = OpenAccount(claim.account);
    if (home == nullptr || (home->form.devices.*member).value != n) {
      Broken("{} {} is claimed by {}, which does not have it", kind, n, claim.account);
    }
  }

  void Person(const std::string& key, const entitlement::Claim& claim) {
    const entitlement::Account* home = OpenAccount(claim.account);
    if (home == nullptr || PersonKey(home->form.person.person_id).key != key) {
      Broken("a person is claimed by {}, which is not theirs", claim.account);
    }
  }

  void Card(const entitlement::Card& card) {
    if (entitlement::IsEvicted(card)) {
      if (card.place.group.value != 0 || card.standing != entitlement::Standing::kDark) {
        Broken("card {} was evicted and has group or standing", ToString(card.number));
      }
      return;
    }
    if (!card.claim.held()) {
      if (card.box.value != 0 || card.place.group.value != 0 ||
          card.standing != entitlement::Standing::kDark) {
        Broken("card {} belongs to nobody and has box, group or standing", ToString(card.number));
      }
      return;
    }
    const auto group = world_.groups.find(card.place.group.value);
    const bool member = group != world_.groups.end() && card.place.slot < group->second.members.size() &&
                        group->second.members[card.place.slot].card == card.number;
    if (!member) Broken("card {} is not in its group's slot", ToString(card.number));
    if (member && card.generation != group->second.generation) {
      Broken("card {} has generation {} of group {}, which is at {}", ToString(card.number), card.generation,
             group->first, group->second.generation);
    }
  }

  void Group(uint32_t id, const entitlement::Group& group) {
    std::set<CardNumber> seen;
    for (const entitlement::GroupMember& member : group.members) {
      if (member.card.value != 0 && !seen.insert(member.card).second) {
        Broken("group {} has card {} twice", id, ToString(member.card));
      }
    }
    for (size_t slot = 0; slot < group.members.size(); ++slot) {
      const entitlement::GroupMember& member = group.members[slot];
      if (member.card.value == 0) continue;
      const auto it = world_.cards.find(member.card.value);
      const bool here = it != world_.cards.end() && it->second.card.place.group.value == id &&
                        it->second.card.place.slot == slot;
      // A departure is on its way until the pump is through.
      // A card that left keeps its slot, dark.
      if (!here && drained_ && member.on)
        Broken("group {} slot {} lights card {}", id, slot, ToString(member.card));
      if (!here) continue;
      const bool on = it->second.card.standing != entitlement::Standing::kDark;
      if (drained_ && on != member.on) {
        Broken("group {} says {} of card {}", id, member.on, ToString(member.card));
      }
    }
  }

  const World& world_;
  const bool drained_;
  std::vector<std::string>& broken_;
};

}  // namespace

std::vector<std::string> Site::BrokenInvariants(bool drained) {
  std::vector<std::string> broken;
  const World world = Decode(Objects(), broken);
  Inspection(world, drained, broken).Run();
  return broken;
}

}  // namespace hearth::app
