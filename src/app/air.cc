#include "src/app/air.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/carousel/compile.h"

namespace hearth::app {
namespace {

using carousel::Kind;
using carousel::kPairingBytes;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr milliseconds kLook{5};
constexpr milliseconds kRefresh{100};
constexpr milliseconds kSave{200};
constexpr milliseconds kPublish{250};
constexpr seconds kAnswer{1};
constexpr std::string_view kUnconfirmedPrefix = "unconfirmed/";

std::string UnconfirmedKey(CardNumber card) {
  return fmt::format("{}{}", kUnconfirmedPrefix, ToString(card));
}

}  // namespace

class Air::Ear final : public AirListener {
 public:
  Ear(Air& air, size_t output) : air_(air), output_(output) {}

  std::optional<uint64_t> Awaited(Subject subject) override {
    const auto waits = air_.waits_.find(subject.value);
    if (waits == air_.waits_.end()) return std::nullopt;
    return waits->second.back().version;
  }
  void Aired(Subject subject, uint64_t version) override { air_.OnAir(output_, subject, version); }
  void Gone(Subject subject) override {
    air_.outputs_[output_]->RemoveUnconfirmed(subject);
    air_.OnAir(output_, subject, air_.versions_);
  }

 private:
  Air& air_;
  const size_t output_;
};

Result<std::unique_ptr<Air>> Air::Create(Executor& executor, const KeyKeeper& keys, const GeoState& geo,
                                         const SectionBuilder& builder,
                                         const std::vector<SectionSink*>& sinks, const AirOptions& options,
                                         std::function<void()> wake, MetricsRegistry& metrics, Logger& log) {
  std::unique_ptr<Air> air(new Air(executor, keys, geo, builder, options, std::move(wake), log));
  for (SectionSink* sink : sinks) {
    auto& ear = air->ears_.emplace_back(std::make_unique<Ear>(*air, air->ears_.size()));
    HEARTH_ASSIGN_OR_RETURN(auto output,
                            AirOutput::Create(*sink, air->options_, air->content_, *ear, metrics, log));
    air->outputs_.push_back(std::move(output));
  }
  return air;
}

Air::Air(Executor& executor, const KeyKeeper& keys, const GeoState& geo, const SectionBuilder& builder,
         const AirOptions& options, std::function<void()> wake, Logger& log)
    : executor_(executor),
      content_(executor, keys, geo, builder),
      options_(options),
      wake_(std::move(wake)),
      log_(log) {}

Air::~Air() { Stop(); }

void Air::Restore(std::string_view key, std::string_view value) {
  const AirTime now = executor_.clock().Steady();
  const UnixMillis wall = executor_.clock().Now();
  if (key.starts_with(kUnconfirmedPrefix)) {
    const auto card = ParseCardNumber(key.substr(kUnconfirmedPrefix.size()));
    ByteReader in(AsBytes(value));
    Unconfirmed state;
    state.since = UnixMillis(static_cast<int64_t>(in.U64()));
    state.bytes = in.U32();
    state.province = in.U16();
    state.pairing = in.U8() != 0;
    if (card && in.ok()) SetUnconfirmed(*card, state);
    return;
  }
  const bool taken = std::any_of(outputs_.begin(), outputs_.end(),
                                 [&](const auto& output) { return output->Restore(key, value, now, wall); });
  // Of an output that is no more.
  if (!taken) writes_[std::string(key)] = std::nullopt;
}

void Air::Start() {
  std::sort(by_age_.begin(), by_age_.end());
  thread_ = std::thread([this] { Run(); });
}

void Air::Stop() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    mailed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Air::Post(const std::function<void(Mail&)>& add) {
  const MutexLock lock(mu_);
  add(mail_);
  mailed_.NotifyOne();
}

void Air::Put(Tier tier, Subject subject, Ticket ticket) {
  Post([&](Mail& mail) { mail.wishes.push_back({.tier = tier, .subject = subject, .ticket = ticket}); });
}

void Air::PutServiceKeys(Tier tier, PackageId package, Ticket ticket) {
  Post([&](Mail& mail) {
    mail.wishes.push_back(
        {.what = What::kServiceKeys, .tier = tier, .subject = PartOf(package, 0), .ticket = ticket});
  });
}

void Air::PutTable(Tier tier, geofence::ListKind kind, AreaId id, Ticket ticket) {
  Post([&](Mail& mail) {
    mail.wishes.push_back(
        {.what = What::kTable, .tier = tier, .subject = PartOf(kind, id, 0), .ticket = ticket});
  });
}

void Air::GroupChanged(GroupId group) {
  Post([&](Mail& mail) { mail.groups.push_back(group); });
}

// There are many reports and no hurry: nobody is woken.
void Air::Heard(std::span<const CardNumber> cards) {
  const MutexLock lock(mu_);
  mail_.heard.insert(mail_.heard.end(), cards.begin(), cards.end());
}

void Air::Hold(bool held) {
  Post([&](Mail& mail) { mail.hold = held; });
}

void Air::MarkPass() {
  pass_done_ = false;
  Post([&](Mail& mail) { mail.mark_pass = true; });
}

Air::Report Air::TakeReport() {
  const MutexLock lock(mu_);
  return std::exchange(report_, {});
}

AirStatus Air::status() const {
  const MutexLock lock(mu_);
  return status_;
}

std::optional<AirTime> Air::Forecast(Tier tier) const {
  const MutexLock lock(mu_);
  std::optional<AirTime> longest;
  for (const AirOutputStatus& output : status_.outputs) {
    if (output.kbps == 0) continue;
    const AirTierStatus& of_tier = output.tiers[static_cast<size_t>(tier)];
    const AirTime wait = of_tier.cycle ? of_tier.cycle->predicted : of_tier.tier.forecast;
    longest = std::max(longest.value_or(AirTime(0)), wait);
  }
  return longest;
}

Air::CardDelivery Air::DeliveryOf(CardNumber card) {
  std::promise<CardDelivery> answer;
  auto future = answer.get_future();
  Post([&](Mail& mail) { mail.questions.emplace_back(card, std::move(answer)); });
  // A broken promise: the thread has ended.
  return future.wait_for(kAnswer) == std::future_status::ready ? future.get() : CardDelivery{};
}

// --- The air's thread

Air::Mail Air::TakeMail(nanoseconds patience, bool& stopping) {
  const MutexLock lock(mu_);
  if (mail_.empty() && !stop_ && patience > nanoseconds(0)) mailed_.WaitFor(mu_, patience);
  stopping = stop_;
  return std::exchange(mail_, {});
}

void Air::Run() {
  bool more = false;
  for (;;) {
    bool stopping = false;
    Mail mail = TakeMail(more ? nanoseconds(0) : kLook, stopping);
    Refresh(/*at_once=*/!mail.wishes.empty());
    Handle(mail);
    more = false;
    Compile();
    const AirTime now = executor_.clock().Steady();
    for (const auto& output : outputs_) more = output->Send(now) || more;
    for (const auto& output : outputs_) output->Settle();
    for (const Wish& wish : std::exchange(following_, {})) {
      Handle(wish);
      more = true;
    }
    if (!marks_.empty()) {
      bool passed = true;
      for (size_t i = 0; i < outputs_.size(); ++i) passed = passed && outputs_[i]->Passed(marks_[i]);
      if (passed) marks_.clear();
      pass_done_ = passed;
    }
    DropStale();
    Publish();
    Deliver(stopping);
    if (stopping && mail.empty() && !more) return;
  }
}

void Air::Refresh(bool at_once) {
  const AirTime now = executor_.clock().Steady();
  if (!at_once && refreshed_ != AirTime(0) && now - refreshed_ < kRefresh) return;
  refreshed_ = now;
  if (const auto status = content_.Refresh(); !status) {
    log_.Error("air_not_refreshed", {{"error", status.error().ToString()}});
  }
  for (const auto& output : outputs_) output->Resize();
}

void Air::Handle(Mail& mail) {
  if (mail.hold) {
    held_ = *mail.hold;
    for (const auto& output : outputs_) output->Hold(held_);
  }
  for (const GroupId group : mail.groups) content_.Changed(group);
  for (const Wish& wish : mail.wishes) Handle(wish);
  const UnixMillis now = executor_.clock().Now();
  for (const CardNumber card : mail.heard) {
    const auto known = unconfirmed_.find(card.value);
    if (known == unconfirmed_.end() || known->second.since.value == 0) continue;
    if (waits_.contains(RecordOf(card).value) || waits_.contains(PairingOf(card).value)) continue;
    if (now.value - known->second.since.value < milliseconds(kConfirmAfter).count()) continue;
    ++confirmed_;
    for (const auto& output : outputs_) {
      output->Remove(RecordOf(card));
      output->Remove(PairingOf(card));
    }
    EndUnconfirmed(card);
  }
  for (auto& [card, answer] : mail.questions) answer.set_value(Answer(card));
  if (mail.mark_pass) {
    marks_.clear();
    for (const auto& output : outputs_) marks_.push_back(output->MarkNow());
    if (outputs_.empty()) pass_done_ = true;
  }
}

Air::CardDelivery Air::Answer(CardNumber card) const {
  CardDelivery delivery;
  const AirTime now = executor_.clock().Steady();
  for (const auto& output : outputs_) {
    for (const Subject subject : {StandingOf(card), RecordOf(card), PairingOf(card)}) {
      const auto line = output->LineOf(subject, now);
      if (!line) continue;
      delivery.queued = delivery.queued || line->sends == 0;
      delivery.repeating = delivery.repeating || line->sends > 0;
      if (line->sends == 0) {
        delivery.expected = std::max(delivery.expected, line->forecast);
      } else {
        const UnixMillis since(executor_.clock().Now().value -
                               std::chrono::duration_cast<milliseconds>(now - line->on_air).count());
        delivery.on_air = std::max(delivery.on_air, since);
      }
    }
  }
  const auto known = unconfirmed_.find(card.value);
  if (known != unconfirmed_.end()) {
    delivery.unconfirmed = true;
    delivery.queued = delivery.queued || known->second.since.value == 0;
    delivery.on_air = std::max(delivery.on_air, known->second.since);
  }
  return delivery;
}

Result<std::vector<AirItem>> Air::ItemsOf(const Wish& wish) {
  if (wish.what == What::kServiceKeys) return content_.ServiceKeysOf(PackageOf(wish.subject));
  if (wish.what == What::kTable) return content_.TableOf(ListOf(wish.subject));
  HEARTH_ASSIGN_OR_RETURN(const AirItem item, content_.Describe(wish.subject));
  if (wish.what == What::kAwaitServiceKeys) return content_.ServiceKeysOfProvince(item.province);
  return std::vector{item};
}

void Air::Handle(const Wish& wish) {
  auto items = ItemsOf(wish);
  if (!items) {  // its object is gone or damaged: one bad object never stops the air
    log_.Error("section_not_built",
               {{"error", items.error().ToString()}, {"detail", items.error().detail()}});
    finished_.push_back(wish.ticket);
    return;
  }
  std::optional<Wish> then;
  if (wish.what == What::kSubject && wish.subject.kind() == Kind::kGroup) {
    then = {.what = What::kAwaitServiceKeys, .subject = wish.subject, .ticket = wish.ticket};
  } else if (wish.what == What::kSubject && items->front().group.value != 0) {
    then = {.tier = wish.tier, .subject = GroupOf(items->front().group), .ticket = wish.ticket};
  }
  Await(*items, wish.ticket, then);
  if (wish.what == What::kAwaitServiceKeys) return;
  const AirTime now = executor_.clock().Steady();
  for (const AirItem& item : *items) {
    const Kind kind = item.section.subject.kind();
    if (kind == Kind::kStanding) NoteStanding(CardNumber(item.section.subject.number()));
    if (kind == Kind::kRecord || kind == Kind::kPairing) {
      const CardNumber card(item.section.subject.number());
      const auto known = unconfirmed_.find(card.value);
      Unconfirmed state = known == unconfirmed_.end() ? Unconfirmed{} : known->second;
      state.since = UnixMillis(0);
      state.province = item.province;
      if (kind == Kind::kRecord) state.bytes = item.section.bytes;
      state.pairing = state.pairing || kind == Kind::kPairing;
      SetUnconfirmed(card, state);
    }
    for (const auto& output : outputs_) {
      if (output->Covers(item.province)) output->Put(wish.tier, item.section, now);
    }
  }
}

void Air::Await(const std::vector<AirItem>& items, const Ticket& ticket, std::optional<Wish> then) {
  auto open = std::make_shared<Open>(Open{.ticket = ticket, .left = items.size(), .then = then});
  for (const AirItem& item : items) {
    Wait wait{.version = ++versions_, .open = open};
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i]->Covers(item.province)) wait.outputs |= uint64_t{1} << i;
    }
    if (wait.outputs == 0) {
      --open->left;
    } else {
      waits_[item.section.subject.value].push_back(std::move(wait));
    }
  }
  if (open->left == 0) Finish(*open);
}

void Air::Finish(const Open& open) {
  if (open.then) {
    following_.push_back(*open.then);
  } else {
    finished_.push_back(open.ticket);
  }
}

void Air::OnAir(size_t output, Subject subject, uint64_t version) {
  const auto found = waits_.find(subject.value);
  if (found == waits_.end()) return;
  std::vector<Wait>& waits = found->second;
  const bool everywhere = std::erase_if(waits, [&](Wait& wait) {
    if (wait.version > version) return false;
    wait.outputs &= ~(uint64_t{1} << output);
    if (wait.outputs != 0) return false;
    if (--wait.open->left == 0) Finish(*wait.open);
    return true;
  });
  if (!waits.empty()) return;
  waits_.erase(found);
  if (subject.kind() == Kind::kStanding) ForgetStanding(CardNumber(subject.number()));
  const CardNumber card(subject.number());
  const bool unique = subject.kind() == Kind::kRecord || subject.kind() == Kind::kPairing;
  if (!everywhere || !unique) return;
  if (waits_.contains(RecordOf(card).value) || waits_.contains(PairingOf(card).value)) return;
  const auto unconfirmed = unconfirmed_.find(card.value);
  if (unconfirmed == unconfirmed_.end()) return;
  Unconfirmed state = unconfirmed->second;
  state.since = executor_.clock().Now();
  SetUnconfirmed(card, state);
}

// --- Many changes in one group: its bitmap says the same in fewer packets

void Air::NoteStanding(CardNumber card) {
  ForgetStanding(card);
  const auto seat = content_.SeatOf(card);
  if (!seat || seat->group.value == 0 || !waits_.contains(StandingOf(card).value)) return;
  group_of_[card.value] = seat->group;
  auto& waiting = standings_[seat->group.value];
  waiting[card] = seat->stamp;
  if (carousel::BitmapIsCheaper(waiting.size(), content_.group_bytes(), mpegts::Packing::kPacked))
    crowded_.insert(seat->group);
}

void Air::ForgetStanding(CardNumber card) {
  const auto group = group_of_.find(card.value);
  if (group == group_of_.end()) return;
  const auto waiting = standings_.find(group->second.value);
  waiting->second.erase(card);
  if (waiting->second.empty()) standings_.erase(waiting);
  group_of_.erase(group);
}

bool Air::IsCheaperAsBitmap(size_t standings, const AirItem& group) const {
  return std::all_of(outputs_.begin(), outputs_.end(), [&](const auto& output) {
    return !output->Covers(group.province) ||
           carousel::BitmapIsCheaper(standings, group.section.bytes, output->packing());
  });
}

// Only changes that the watermark has passed: those every later section of the group shows.
void Air::Compile() {
  if (crowded_.empty() || held_) return;
  const Stamp watermark = executor_.stamps().Watermark();
  for (auto it = crowded_.begin(); it != crowded_.end();) {
    const auto waiting = standings_.find(it->value);
    const auto group = content_.Describe(GroupOf(*it));
    if (waiting == standings_.end() || !group || !IsCheaperAsBitmap(waiting->second.size(), *group)) {
      it = crowded_.erase(it);
      continue;
    }
    std::vector<CardNumber> shown;
    for (const auto& [card, stamp] : waiting->second) {
      if (stamp <= watermark) shown.push_back(card);
    }
    if (IsCheaperAsBitmap(shown.size(), *group)) SendAsBitmap(*group, shown);
    ++it;
  }
}

void Air::SendAsBitmap(const AirItem& group, const std::vector<CardNumber>& cards) {
  uint64_t outputs = 0;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i]->Covers(group.province)) outputs |= uint64_t{1} << i;
  }
  for (const CardNumber card : cards) {
    const auto found = waits_.find(StandingOf(card).value);
    for (Wait& wait : found->second) {
      waits_[group.section.subject.value].push_back(
          {.version = ++versions_, .outputs = outputs, .open = std::move(wait.open)});
    }
    waits_.erase(StandingOf(card).value);
    for (const auto& output : outputs_) output->Remove(StandingOf(card));
    ForgetStanding(card);
  }
  for (const auto& output : outputs_) {
    if (output->Covers(group.province)) output->Put(Tier::kBulk, group.section, executor_.clock().Steady());
  }
}

void Air::SetUnconfirmed(CardNumber card, const Unconfirmed& state) {
  unconfirmed_[card.value] = state;
  if (state.since.value != 0) by_age_.emplace_back(state.since, card);
  for (const auto& output : outputs_) {
    if (!output->Covers(state.province)) continue;
    output->PutUnconfirmed({RecordOf(card), state.bytes});
    if (state.pairing) output->PutUnconfirmed({PairingOf(card), kPairingBytes});
  }
  ByteWriter out(16);
  out.U64(static_cast<uint64_t>(state.since.value))
      .U32(state.bytes)
      .U16(state.province)
      .U8(state.pairing ? 1 : 0);
  writes_[UnconfirmedKey(card)] = std::string(AsChars(out.bytes()));
}

void Air::EndUnconfirmed(CardNumber card) {
  unconfirmed_.erase(card.value);
  for (const auto& output : outputs_) {
    output->RemoveUnconfirmed(RecordOf(card));
    output->RemoveUnconfirmed(PairingOf(card));
  }
  writes_[UnconfirmedKey(card)] = std::nullopt;
}

void Air::DropStale() {
  const int64_t oldest = executor_.clock().Now().value - milliseconds(options_.stale).count();
  for (; !by_age_.empty() && by_age_.front().first.value < oldest; by_age_.pop_front()) {
    const auto& [since, card] = by_age_.front();
    const auto known = unconfirmed_.find(card.value);
    if (known != unconfirmed_.end() && known->second.since == since) EndUnconfirmed(card);
  }
}

// The places in the lines go with the tickets that depend on them, so that one commit can hold both.
void Air::Deliver(bool now) {
  const AirTime time = executor_.clock().Steady();
  if (!now && finished_.empty() && time - saved_ < kSave) return;
  saved_ = time;
  const UnixMillis wall = executor_.clock().Now();
  for (const auto& output : outputs_) output->Save(writes_, time, wall);
  if (finished_.empty() && writes_.empty()) return;
  {
    const MutexLock lock(mu_);
    report_.aired.insert(report_.aired.end(), finished_.begin(), finished_.end());
    for (auto& [key, value] : writes_) report_.writes[key] = std::move(value);
  }
  finished_.clear();
  writes_.clear();
  wake_();
}

void Air::Publish() {
  const AirTime now = executor_.clock().Steady();
  if (published_ != AirTime(0) && now - published_ < kPublish) return;
  published_ = now;
  AirStatus status{.unconfirmed = unconfirmed_.size(), .confirmed = confirmed_, .held = held_};
  for (const auto& output : outputs_) status.outputs.push_back(output->Look(now));
  const MutexLock lock(mu_);
  status_ = std::move(status);
}

}  // namespace hearth::app
