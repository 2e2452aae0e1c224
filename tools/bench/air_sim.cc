#include "tools/bench/air_sim.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <unordered_map>

#include "src/carousel/compile.h"
#include "src/carousel/cycle.h"

namespace hearth::bench {
namespace {

using carousel::Chosen;
using carousel::Kind;
using carousel::Section;
using carousel::Subject;
using carousel::Tier;
using carousel::Time;

constexpr uint64_t kGroupSize = 256;
constexpr uint64_t kProvinces = 31;
constexpr uint64_t kServiceSections = 5;
constexpr uint32_t kServiceBytes = 177;
constexpr uint64_t kAreaTables = 40'000;
constexpr uint32_t kAreaBytes = 180;
constexpr uint32_t kPairingBytes = 53;
constexpr double kDay = 86'400;
constexpr size_t kPatterns = 256;
constexpr size_t kMasks = 1 << 14;

double Seconds(Time time) { return std::chrono::duration<double>(time).count(); }
Time FromSeconds(double seconds) { return Time(static_cast<int64_t>(seconds * 1e9)); }

using Bits = std::array<uint64_t, kGroupSize / 64>;

// When cards of a habit are on, in seconds of the day.
struct Habit {
  double from = 0;
  double to = 0;
  bool On(double of_day) const {
    return to <= kDay ? of_day >= from && of_day < to : of_day >= from || of_day < to - kDay;
  }
};

Waits Summary(std::vector<float>& waits) {
  Waits summary;
  summary.count = waits.size();
  if (waits.empty()) return summary;
  std::sort(waits.begin(), waits.end());
  summary.median = waits[waits.size() / 2];
  summary.p99 = waits[std::min(waits.size() - 1, waits.size() * 99 / 100)];
  summary.worst = waits.back();
  return summary;
}

// The day's plan: two quiet hours, then what happens to a country in an evening.
constexpr double kBegin = 18 * 3600;  // of the first day
constexpr double kKeyAt = 3600;       // from the beginning: the next epoch's keys go on the air
constexpr double kScatteredAt = 2 * 3600;
constexpr double kRegionalAt = 2.5 * 3600;
constexpr double kEvening = 5.5 * 3600;  // then all who came on in it are off

class Country {
 public:
  explicit Country(const AirOptions& options)
      : options_(options), random_(options.seed), groups_((options.cards + kGroupSize - 1) / kGroupSize) {}

  Result<AirResult> Run() {
    HEARTH_ASSIGN_OR_RETURN(auto scheduler, carousel::Scheduler::Create(options_.scheduler));
    scheduler_ = std::make_unique<carousel::Scheduler>(std::move(scheduler));
    scheduler_->SetRate(options_.kbps);
    MakeHabits();
    MakeReturning();
    MakeCycles();
    const double byte = 8 / (options_.kbps * 1000.0);
    result_.packets_per_second = 1 / (mpegts::kPacketBytes * byte);
    const double end = (options_.evenings - 1) * kDay + kEvening;
    double now = 0;
    double idle = 0;
    while (now < end) {
      HappenUntil(now);
      const auto chosen = scheduler_->Next(FromSeconds(now));
      const double took = byte * (chosen ? scheduler_->CostOf(chosen->section.bytes) : mpegts::kPacketBytes);
      if (chosen) {
        Sent(*chosen, now, now + took);
      } else {
        idle += took;
      }
      now += took;
    }
    result_.used = 1 - idle / now;
    result_.simulated_hours = now / 3600;
    return Finish();
  }

 private:
  void MakeHabits() {
    std::uniform_real_distribution<double> from(17.5, 21);
    std::uniform_real_distribution<double> length(0.5, 4);
    habits_[0] = {};         // off for months
    habits_[1] = {0, kDay};  // always
    for (size_t i = 2; i < kPatterns; ++i) {
      habits_[i].from = from(random_) * 3600;
      habits_[i].to = habits_[i].from + length(random_) * 3600;
    }
    habit_.resize(groups_ * kGroupSize);
    for (uint64_t i = 0; i < habit_.size(); ++i) {
      const uint64_t drawn = carousel::Mix(i ^ options_.seed << 32);
      const double part = static_cast<double>(drawn >> 11) * 0x1p-53;
      habit_[i] = part < options_.off_for_months ? uint8_t{0}
                  : part < options_.off_for_months + options_.always_on
                      ? uint8_t{1}
                      : static_cast<uint8_t>(2 + drawn % (kPatterns - 2));
    }
    for (Bits& lost : lost_) {
      for (uint64_t& word : lost) {
        word = 0;
        for (int bit = 0; bit < 64; ++bit) word |= uint64_t{Chance(options_.loss)} << bit;
      }
    }
    holds_.resize(groups_);
    // Those who are on from the switch of keys for at least an hour and a half.
    for (size_t i = 0; i < kPatterns; ++i) {
      watched_[i] =
          i == 1 || (i > 1 && habits_[i].On(kBegin + kKeyAt) && habits_[i].to - kBegin - kKeyAt > 5400);
    }
    for (const uint8_t habit : habit_) watched_cards_ += watched_[habit] ? 1 : 0;
  }

  // Cards off for three months come on for three hours on three evenings; all of them have a stale record.
  void MakeReturning() {
    const double per_day =
        static_cast<double>(options_.cards) * options_.churn_per_day * options_.record_part;
    stale_count_ = static_cast<uint64_t>(per_day * options_.stale_days);
    std::uniform_real_distribution<double> from(0, 2.5 * 3600);
    for (uint64_t i = 0; i < stale_count_; i += 100) returning_[i] = {.from = from(random_)};
    for (uint64_t i = 0; i < 2000; ++i)
      returned_keys_.push_back({.group = random_() % groups_, .from = from(random_)});
    std::sort(returned_keys_.begin(), returned_keys_.end(),
              [](const auto& a, const auto& b) { return a.group < b.group; });
  }

  void MakeCycles() {
    const auto seed = [this] { return carousel::CyclePosition{.seed = random_()}; };
    service_ = std::make_unique<carousel::Cycle>(
        [](uint64_t i) {
          return Section{Subject(Kind::kServiceKeys, i), kServiceBytes};
        },
        seed(), carousel::CycleOptions{.min_pass = std::chrono::seconds(10)});
    service_->SetCount(kProvinces * kServiceSections);
    group_ = std::make_unique<carousel::Cycle>(
        [](uint64_t i) {
          return Section{Subject(Kind::kGroup, i), carousel::GroupBytes(1)};
        },
        seed(), carousel::CycleOptions{.segments = 16, .min_pass = std::chrono::minutes(13)});
    group_->SetCount(groups_);
    all_records_ = std::make_unique<carousel::Cycle>(
        [](uint64_t i) {
          return Section{Subject(Kind::kRecord, (uint64_t{1} << 48) + i), carousel::kRecordBytes};
        },
        seed(), carousel::CycleOptions{});
    all_records_->SetCount(options_.cards);
    area_ = std::make_unique<carousel::Cycle>(
        [](uint64_t i) {
          return Section{Subject(Kind::kArea, i), kAreaBytes};
        },
        seed(), carousel::CycleOptions{});
    area_->SetCount(kAreaTables);
    stale_ = std::make_unique<carousel::SetCycle>(random_());
    for (uint64_t i = 0; i < stale_count_; ++i)
      stale_->Put({Subject(Kind::kRecord, i), carousel::kRecordBytes});
    records_ = std::make_unique<carousel::Alternate>(*stale_, *all_records_, 10);
    scheduler_->SetCycle(Tier::kServiceKeys, service_.get());
    scheduler_->SetCycle(Tier::kGroups, group_.get());
    scheduler_->SetCycle(Tier::kRecords, records_.get());
    scheduler_->SetCycle(Tier::kAreas, area_.get());
  }

  bool Chance(double part) { return static_cast<double>(random_() >> 11) * 0x1p-53 < part; }
  double Next(double per_second) {
    return per_second > 0 ? std::exponential_distribution<double>(per_second)(random_) : 1e18;
  }
  uint64_t AnyCard() { return (uint64_t{1} << 40) + random_() % options_.cards; }
  void Put(Tier tier, Kind kind, uint64_t number, uint32_t bytes, double at) {
    scheduler_->queue(tier).Put({Subject(kind, number), bytes}, FromSeconds(at));
  }

  // All that came about since the last packet.
  void HappenUntil(double now) {
    for (; next_individual_ <= now; next_individual_ += Next(options_.individual_per_second)) {
      Put(Tier::kIndividual, Kind::kStanding, AnyCard(), carousel::kStandingBytes, next_individual_);
    }
    const double churn = static_cast<double>(options_.cards) * options_.churn_per_day / kDay;
    for (; next_churn_ <= now; next_churn_ += Next(churn)) {
      const uint64_t card = AnyCard();
      Put(Tier::kIndividual, Kind::kStanding, card, carousel::kStandingBytes, next_churn_);
      if (!Chance(options_.record_part)) continue;
      Put(Tier::kChange, Kind::kRecord, card, carousel::kRecordBytes, next_churn_);
      stale_->Put({Subject(Kind::kRecord, card), carousel::kRecordBytes});
    }
    for (; next_refresh_ <= now; next_refresh_ += Next(options_.refresh_per_second)) Refresh(next_refresh_);
    if (!scattered_begun_ && now >= kScatteredAt) {
      scattered_begun_ = true;
      MassEvent(now, options_.scattered, false);
    }
    if (!regional_begun_ && now >= kRegionalAt) {
      regional_begun_ = true;
      MassEvent(now, static_cast<uint64_t>(options_.regional_part * static_cast<double>(options_.cards)),
                true);
    }
    if (now >= quarter_) {
      if (quarter_ > 0) {
        std::array<double, carousel::kTiers> air{};
        double sum = 0;
        for (size_t i = 0; i < air.size(); ++i) {
          const double bytes = scheduler_->air_bytes(static_cast<Tier>(i));
          air[i] = bytes - air_before_[i];
          air_before_[i] = bytes;
          sum += air[i];
        }
        for (double& part : air) part /= std::max(sum, 1.0);
        result_.air_by_quarter.push_back(air);
      }
      if (options_.progress) options_.progress(now / 3600, (options_.evenings - 1) * 24 + kEvening / 3600);
      quarter_ += 900;
    }
  }

  // What a home needs that was off for long: record, pairing, standing, its group, the province's service
  // keys.
  void Refresh(double at) {
    const uint64_t card = (uint64_t{1} << 41) + ++refreshes_;
    auto& open = refreshing_[card];
    open = {.at = at, .left = 4};
    Put(Tier::kIndividual, Kind::kRecord, card, carousel::kRecordBytes, at);
    Put(Tier::kIndividual, Kind::kPairing, card, kPairingBytes, at);
    Put(Tier::kIndividual, Kind::kStanding, card, carousel::kStandingBytes, at);
    Put(Tier::kIndividual, Kind::kGroup, card, carousel::GroupBytes(1), at);
  }

  // Regional: whole groups, as they are formed within one township.
  void MassEvent(double now, uint64_t cards, bool regional) {
    bulk_left_ = 0;
    bulk_began_ = now;
    bulk_regional_ = regional;
    const mpegts::Packing packing = options_.scheduler.packing;
    if (regional) {
      const uint64_t first = random_() % groups_;
      bulk_left_ = cards / kGroupSize;
      for (uint64_t i = 0; i < bulk_left_; ++i) {
        Put(Tier::kBulk, Kind::kGroup, (first + i) % groups_, carousel::GroupBytes(1), now);
      }
      return;
    }
    std::unordered_map<uint64_t, uint32_t> changed;
    for (uint64_t i = 0; i < cards; ++i) ++changed[random_() % groups_];
    for (const auto& [group, members] : changed) {
      if (carousel::BitmapIsCheaper(members, carousel::GroupBytes(1), packing)) {
        Put(Tier::kBulk, Kind::kGroup, group, carousel::GroupBytes(1), now);
        ++bulk_left_;
        continue;
      }
      for (uint32_t i = 0; i < members; ++i) {
        Put(Tier::kBulk, Kind::kStanding, group * kGroupSize + i, carousel::kStandingBytes, now);
        ++bulk_left_;
      }
    }
  }

  void Sent(const Chosen& one, double now, double on_air) {
    const Subject subject = one.section.subject;
    const double ms = 1000 * (Seconds(one.wait) + on_air - now);
    if (one.tier == Tier::kIndividual && one.first) {
      (bulk_left_ > 0 ? individual_in_bulk_ : individual_).push_back(static_cast<float>(ms));
      RefreshSent(subject, on_air);
    } else if (one.tier == Tier::kChange && one.first) {
      change_.push_back(static_cast<float>(ms));
    } else if (one.tier == Tier::kBulk && one.first && --bulk_left_ == 0) {
      (bulk_regional_ ? result_.regional_seconds : result_.scattered_seconds) = on_air - bulk_began_;
    }
    if (one.tier == Tier::kGroups || (one.tier == Tier::kBulk && subject.kind() == Kind::kGroup)) {
      GroupOnAir(subject.number(), now);
    }
    if (one.tier == Tier::kRecords) RecordOnAir(subject.number(), now);
  }

  void RefreshSent(Subject subject, double on_air) {
    const auto it = refreshing_.find(subject.number());
    if (it == refreshing_.end() || --it->second.left > 0) return;
    refresh_.push_back(static_cast<float>(1000 * (on_air - it->second.at)));
    refreshing_.erase(it);
  }

  void GroupOnAir(uint64_t group, double now) {
    if (now < kKeyAt) return;
    if (group_->last_pass() != pass_seen_) {
      pass_seen_ = group_->last_pass();
      passes_.push_back(Seconds(pass_seen_));
    }
    // Returned cards hold the key by the first group section that is not lost on them.
    auto card = std::lower_bound(returned_keys_.begin(), returned_keys_.end(), group,
                                 [](const ReturnedKey& a, uint64_t b) { return a.group < b; });
    for (; card != returned_keys_.end() && card->group == group; ++card) {
      if (card->held < 0 && now >= kKeyAt + card->from)
        card->held = Chance(options_.loss) ? -1 : now - kKeyAt - card->from;
    }
    if (now > kKeyAt + 5400) return;
    const Bits& lost = lost_[random_() % kMasks];
    Bits& holds = holds_[group];
    uint64_t fresh = 0;
    for (size_t word = 0; word < holds.size(); ++word) {
      uint64_t watched = 0;
      const uint8_t* habits = &habit_[group * kGroupSize + word * 64];
      for (size_t bit = 0; bit < 64; ++bit) watched |= uint64_t{watched_[habits[bit]]} << bit;
      const uint64_t got = watched & ~lost[word] & ~holds[word];
      holds[word] |= got;
      fresh += static_cast<uint64_t>(std::popcount(got));
    }
    held_by_10s_[static_cast<size_t>((now - kKeyAt) / 10)] += fresh;
  }

  void RecordOnAir(uint64_t number, double now) {
    const auto it = returning_.find(number);
    if (it == returning_.end() || it->second.powered >= 0) return;
    const double evening = std::floor(now / kDay);
    const double since = now - evening * kDay - it->second.from;
    if (since < 0 || since >= 3 * 3600 || Chance(options_.loss)) return;
    it->second.powered = evening * 3 * 3600 + since;
  }

  AirResult Finish() {
    result_.individual = Summary(individual_);
    result_.individual_in_bulk = Summary(individual_in_bulk_);
    result_.change = Summary(change_);
    result_.refresh = Summary(refresh_);
    std::sort(passes_.begin(), passes_.end());
    if (!passes_.empty()) {
      result_.group_pass_median_s = passes_[passes_.size() / 2];
      result_.group_pass_worst_s = passes_.back();
    }
    result_.service_pass_s = Seconds(service_->last_pass());
    result_.stale_pass_s = Seconds(stale_->last_pass());
    result_.stale_records = stale_->size();
    uint64_t held = 0;
    for (size_t i = 0; i < held_by_10s_.size(); ++i) {
      held += held_by_10s_[i];
      const double at = 10.0 * static_cast<double>(i + 1);
      const double part =
          static_cast<double>(held) / static_cast<double>(std::max<uint64_t>(watched_cards_, 1));
      if (at <= 2 * result_.group_pass_worst_s + 10) result_.key_two_passes = part;
      if (part >= 0.999 && result_.key_999_s == 0) result_.key_999_s = at;
      if (i % 6 == 5) result_.key_curve.emplace_back(at, part);
    }
    uint64_t in_one_pass = 0;
    for (const ReturnedKey& card : returned_keys_) {
      in_one_pass += card.held >= 0 && card.held <= 900 ? 1 : 0;
    }
    result_.returned_keys_15_min =
        static_cast<double>(in_one_pass) / static_cast<double>(returned_keys_.size());
    std::vector<double> hours;
    for (const auto& [number, card] : returning_) {
      if (card.powered >= 0) hours.push_back(card.powered / 3600);
    }
    std::sort(hours.begin(), hours.end());
    const auto all = static_cast<double>(std::max<size_t>(returning_.size(), 1));
    result_.returned_record_3_evenings = static_cast<double>(hours.size()) / all;
    for (int quarter = 1; quarter <= 36; ++quarter) {
      const auto until = std::upper_bound(hours.begin(), hours.end(), quarter / 4.0);
      result_.record_curve.emplace_back(quarter / 4.0, static_cast<double>(until - hours.begin()) / all);
    }
    double sum = 0;
    for (size_t i = 0; i < carousel::kTiers; ++i) {
      result_.air[i] = scheduler_->air_bytes(static_cast<Tier>(i));
      sum += result_.air[i];
    }
    for (double& part : result_.air) part /= sum;
    return std::move(result_);
  }

  struct Returning {
    double from = 0;      // seconds after the beginning of each evening
    double powered = -1;  // how long it had been on when it got its record
  };
  struct ReturnedKey {
    uint64_t group = 0;
    double from = 0;   // after the switch of keys
    double held = -1;  // how long it waited
  };
  struct OpenRefresh {
    double at = 0;
    int left = 0;
  };

  const AirOptions& options_;
  std::mt19937_64 random_;
  uint64_t groups_;
  std::array<Habit, kPatterns> habits_;
  std::array<uint8_t, kPatterns> watched_{};
  uint64_t watched_cards_ = 0;
  std::vector<uint8_t> habit_;
  std::vector<Bits> holds_;
  std::vector<Bits> lost_ = std::vector<Bits>(kMasks);
  uint64_t stale_count_ = 0;
  std::unordered_map<uint64_t, Returning> returning_;
  std::vector<ReturnedKey> returned_keys_;

  std::unique_ptr<carousel::Cycle> service_;
  std::unique_ptr<carousel::Cycle> group_;
  std::unique_ptr<carousel::Cycle> all_records_;
  std::unique_ptr<carousel::Cycle> area_;
  std::unique_ptr<carousel::SetCycle> stale_;
  std::unique_ptr<carousel::Alternate> records_;
  std::unique_ptr<carousel::Scheduler> scheduler_;

  double next_individual_ = 0;
  double next_churn_ = 0;
  double next_refresh_ = 0;
  double quarter_ = 0;
  bool scattered_begun_ = false;
  bool regional_begun_ = false;
  bool bulk_regional_ = false;
  uint64_t bulk_left_ = 0;
  double bulk_began_ = 0;
  uint64_t refreshes_ = 0;
  std::unordered_map<uint64_t, OpenRefresh> refreshing_;
  Time pass_seen_{0};
  std::vector<double> passes_;
  std::vector<float> individual_, individual_in_bulk_, change_, refresh_;
  std::array<uint64_t, 541> held_by_10s_{};
  std::array<double, carousel::kTiers> air_before_{};
  AirResult result_;
};

}  // namespace

AirOptions::AirOptions() {
  // A quarter of an hour is what the cycle of groups may take; whoever is on hears all of them in that time.
  scheduler.individual = {.first = std::chrono::seconds(2), .bound = std::chrono::minutes(15)};
  scheduler.bulk = {.first = std::chrono::minutes(1), .bound = std::chrono::minutes(15)};
}

Result<AirResult> SimulateAir(const AirOptions& options) {
  if (options.cards < kGroupSize) return InvalidField("cards", "at least 256");
  if (options.kbps == 0) return InvalidField("rate", "more than 0");
  if (options.evenings < 1 || options.evenings > 3) return InvalidField("evenings", "1 to 3");
  return Country(options).Run();
}

}  // namespace hearth::bench
