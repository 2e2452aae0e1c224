#include "tests/crash/worker.h"

#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/base/clock.h"

namespace hearth::crash {
namespace {

constexpr char kWhy[] = "crash test";
// How long the first of a pair waits for the other.
constexpr std::chrono::milliseconds kMeetWithin{5};

v1::FivePartForm FormOf(const Home& home) {
  v1::FivePartForm form;
  form.set_form_number(home.form);
  form.mutable_person()->set_name("马建国");
  form.mutable_person()->set_person_id(PersonId(home.person));
  form.set_village(home.village);
  form.set_card_number(home.card);
  form.set_box_serial(home.box);
  form.set_sim_number(home.sim);
  return form;
}

Answer<v1::GetAccountResponse> Get(Client& client, const std::string& form) {
  v1::GetAccountRequest request;
  request.set_form_number(form);
  return Client::Call(*client.registry, &v1::RegistryService::Stub::GetAccount, request);
}

// Empty when the answer is exactly this account; otherwise what differs.
std::string Difference(const Answer<v1::GetAccountResponse>& answer, const Home& home) {
  if (home.state == Home::State::kAbsent) {
    return answer.reason == "ACCOUNT_UNKNOWN" ? "" : "is there: " + answer.out.account().ShortDebugString();
  }
  if (!answer.done()) return answer.Text();
  const v1::Account& account = answer.out.account();
  const v1::FivePartForm& form = account.form();
  const bool closed = home.state == Home::State::kClosed;
  if (account.state() != (closed ? v1::CLOSED : v1::OPEN)) return v1::AccountState_Name(account.state());
  if (form.card_number() != home.card || form.box_serial() != home.box || form.sim_number() != home.sim ||
      form.village() != home.village || form.person().person_id() != PersonId(home.person)) {
    return "form: " + form.ShortDebugString();
  }
  if (account.history_size() != home.history) return "history: " + account.ShortDebugString();
  if (account.revision() < home.revision) {
    return fmt::format("revision {}, acknowledged {}", account.revision(), home.revision);
  }
  if (closed) return "";
  const v1::CardStatus& card = answer.out.card();
  const bool on = home.state == Home::State::kOn;
  const bool as_told = card.card_number() == home.card && card.standing() == (on ? v1::ON : v1::DARK) &&
                       card.reason() == (on ? v1::STANDING_REASON_NONE : v1::WAITING_FOR_INSTALLATION);
  return as_told ? "" : "card: " + card.ShortDebugString();
}

template <typename Request>
Request WithChange(const Order& order) {
  Request request;
  request.mutable_change()->set_request_id(order.request_id);
  request.mutable_change()->set_reason(kWhy);
  return request;
}

}  // namespace

void ExpectHome(Client& client, const Home& home) {
  EXPECT_EQ(Difference(Get(client, home.form), home), "") << "account " << home.form;
}

Worker::Worker(size_t number, uint64_t seed, Race& race) : number_(number), random_(seed), race_(race) {
  for (uint64_t n = 1; n <= kCardsEach; ++n) cards_.push_back(CardText(number * kCardsEach + n));
  for (uint64_t n = 1; n <= kBoxesEach; ++n) boxes_.push_back(BoxText(number * kBoxesEach + n));
  for (uint64_t n = 1; n <= kSimsEach; ++n) sims_.push_back(SimText(number * kSimsEach + n));
}

void Worker::Work() {
  for (;;) {
    Order order = Next();
    const Sent sent = Send(order);
    switch (sent.fate) {
      case Fate::kDone:
        EXPECT_FALSE(sent.repeated) << order.after.form << ": a new request was taken for a repeat";
        Acknowledge(std::move(order), sent.revision);
        break;
      case Fate::kRefused:
        EXPECT_TRUE(order.raced && sent.reason == "BOX_IN_USE") << order.after.form << ": " << sent.Text();
        ++tally_.refused;
        GiveBack(order.after, order.before);
        homes_[order.before.form] = order.before;
        break;
      case Fate::kNoAnswer:
        doubtful_ = std::move(order);
        return;
    }
  }
}

Order Worker::Next() {
  const uint64_t roll = Random(100);
  const Home* waiting = Pick(Home::State::kWaiting);
  const Home* on = Pick(Home::State::kOn);
  if (waiting != nullptr && roll < 35) return Report(*waiting);
  if (on != nullptr && roll < 50) return Swap(*on);
  if (waiting != nullptr && roll < 55) return Swap(*waiting);
  if (on != nullptr && roll < 65) return Close(*on);
  if (waiting != nullptr && roll < 68) return Close(*waiting);
  // Few are left: make room.
  const bool scarce = cards_.size() < 10 || boxes_.size() < 10 || sims_.size() < 10;
  if (scarce && on != nullptr) return Close(*on);
  if (scarce && waiting != nullptr) return Close(*waiting);
  return Open(/*raced=*/roll >= 88 && raced_ < kRacedBoxes);
}

Order Worker::Open(bool raced) {
  Order order{.kind = Order::Kind::kOpen, .request_id = NewRequestId(), .raced = raced};
  const uint64_t n = opened_++;
  Home& home = order.after;
  home.form = fmt::format("W{}-{:05}", number_, n);
  home.person = n * kWorkers + number_;
  home.village = kVillages[Random(std::size(kVillages))];
  order.before = home;
  home.card = Take(cards_);
  home.sim = Take(sims_);
  home.box = raced ? RacedBoxText(number_ / 2, raced_) : Take(boxes_);
  home.state = Home::State::kWaiting;
  home.history = 1;
  if (!raced) return order;
  std::atomic<int>& arrived = race_.arrived[raced_++];
  ++arrived;
  const auto until = std::chrono::steady_clock::now() + kMeetWithin;
  while (arrived < 2 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return order;
}

Order Worker::Report(const Home& home) {
  Order order{.kind = Order::Kind::kReport, .before = home, .after = home};
  order.after.state = Home::State::kOn;
  order.report = SignedReport(home.card, home.box, home.sim, ++counters_[home.card]);
  return order;
}

Order Worker::Swap(const Home& home) {
  Order order{.kind = Order::Kind::kSwap, .request_id = NewRequestId(), .before = home, .after = home};
  const uint64_t roll = Random(10);
  if (roll < 7) order.after.box = Take(boxes_);
  if (roll == 6 || roll == 7) order.after.sim = Take(sims_);
  if (roll == 8 || roll == 9) order.after.card = Take(cards_);
  order.after.state = Home::State::kWaiting;
  ++order.after.history;
  return order;
}

Order Worker::Close(const Home& home) {
  Order order{.kind = Order::Kind::kClose, .request_id = NewRequestId(), .before = home, .after = home};
  order.after.state = Home::State::kClosed;
  ++order.after.history;
  return order;
}

Worker::Sent Worker::Send(const Order& order) {
  const auto sent = [](const auto& answer) {
    return Sent{{answer}, answer.out.changed().revision(), answer.out.changed().repeated()};
  };
  v1::RegistryService::Stub& registry = *client_->registry;
  switch (order.kind) {
    case Order::Kind::kOpen: {
      auto request = WithChange<v1::OpenAccountRequest>(order);
      *request.mutable_form() = FormOf(order.after);
      return sent(Client::Call(registry, &v1::RegistryService::Stub::OpenAccount, request));
    }
    case Order::Kind::kReport: {
      const auto answer =
          Client::Call(*client_->location, &v1::LocationService::Stub::Report, order.report, "gateway");
      if (answer.done()) {
        EXPECT_EQ(answer.out.outcome(), v1::ACTIVATED) << order.after.form << answer.out.ShortDebugString();
      }
      return {{answer}, order.before.revision, false};  // its revision is the card's
    }
    case Order::Kind::kSwap: {
      auto request = WithChange<v1::SwapDeviceRequest>(order);
      request.set_form_number(order.after.form);
      if (order.after.card != order.before.card) request.set_new_card_number(order.after.card);
      if (order.after.box != order.before.box) request.set_new_box_serial(order.after.box);
      if (order.after.sim != order.before.sim) request.set_new_sim_number(order.after.sim);
      return sent(Client::Call(registry, &v1::RegistryService::Stub::SwapDevice, request));
    }
    case Order::Kind::kClose: {
      auto request = WithChange<v1::CloseAccountRequest>(order);
      request.set_form_number(order.after.form);
      return sent(Client::Call(registry, &v1::RegistryService::Stub::CloseAccount, request));
    }
  }
  return {};
}

void Worker::Acknowledge(Order order, uint64_t revision) {
  ++tally_.acknowledged;
  order.after.revision = revision;
  if (order.kind == Order::Kind::kReport) lit_.insert(order.after.card);
  Home held = order.after;
  if (order.kind == Order::Kind::kClose) held.card = held.box = held.sim = "";
  GiveBack(order.before, held);
  homes_[order.after.form] = order.after;
  if (order.kind != Order::Kind::kReport) last_ = std::move(order);
}

// What `before` had and `after` has not is free again. A box that was raced for is not used twice: it may be
// the other worker's by now.
void Worker::GiveBack(const Home& before, const Home& after) {
  const auto free = [](const std::string& had, const std::string& has, std::vector<std::string>& pool) {
    if (!had.empty() && had != has) pool.push_back(had);
  };
  free(before.card, after.card, cards_);
  if (before.box < RacedBoxText(0, 0)) free(before.box, after.box, boxes_);
  free(before.sim, after.sim, sims_);
}

bool Worker::IsThere(const Order& order) {
  const auto answer = Get(*client_, order.after.form);
  const std::string from_after = Difference(answer, order.after);
  if (from_after.empty()) return true;
  const std::string from_before = Difference(answer, order.before);
  EXPECT_EQ(from_before, "") << order.after.form << " is neither as before nor as after the change ("
                             << from_after << ")";
  return false;
}

void Worker::Settle() {
  RepeatLast();
  if (!doubtful_) return;
  Order order = std::move(*doubtful_);
  doubtful_.reset();
  const bool there = IsThere(order);
  ++(there ? tally_.doubtful_done : tally_.doubtful_undone);
  const Sent sent = Send(order);
  const bool is_report = order.kind == Order::Kind::kReport;
  if (sent.done()) {
    EXPECT_EQ(sent.repeated || (is_report && there), there)
        << order.after.form << " was found " << (there ? "done" : "not done");
    EXPECT_FALSE(is_report && there) << order.after.form << ": a report was taken twice";
    return Acknowledge(std::move(order), sent.revision);
  }
  if (is_report && there && sent.reason == "REPORT_REPLAYED") {
    const uint64_t revision = order.before.revision;
    return Acknowledge(std::move(order), revision);
  }
  EXPECT_TRUE(order.raced && !there && sent.reason == "BOX_IN_USE")
      << order.after.form << ", found " << (there ? "done" : "not done") << ", repeated: " << sent.Text();
  GiveBack(order.after, order.before);
  homes_[order.before.form] = order.before;
}

void Worker::RepeatLast() {
  if (!last_) return;
  const Sent sent = Send(*last_);
  EXPECT_TRUE(sent.done() && sent.repeated && sent.revision == last_->after.revision)
      << last_->after.form << ": the repeat of what was acknowledged as revision " << last_->after.revision
      << " gets " << sent.Text() << ", revision " << sent.revision;
}

std::string Worker::NewRequestId() {
  std::array<uint8_t, 10> bytes{};
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  return RequestId::FromParts(SystemClock().Now(), bytes).ToString();
}

std::string Worker::Take(std::vector<std::string>& pool) {
  std::swap(pool[Random(pool.size())], pool.back());
  std::string taken = std::move(pool.back());
  pool.pop_back();
  return taken;
}

const Home* Worker::Pick(Home::State state) {
  std::vector<const Home*> found;
  for (const auto& [form, home] : homes_) {
    if (home.state == state) found.push_back(&home);
  }
  return found.empty() ? nullptr : found[Random(found.size())];
}

}  // namespace hearth::crash
