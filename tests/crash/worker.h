// One client: makes changes, remembers exactly what was acknowledged, and after a crash finds out what became
// of the one change that was not.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/client.h"
#include "tests/crash/site.h"

namespace hearth::crash {

// An account as the head-end must have it.
struct Home {
  enum class State : uint8_t { kAbsent, kWaiting, kOn, kClosed };

  std::string form;
  uint64_t person = 0;
  std::string village;
  std::string card;
  std::string box;
  std::string sim;
  State state = State::kAbsent;
  int history = 0;        // entries: one for each opening, swap and closing, however often it was sent
  uint64_t revision = 0;  // acknowledged; the account's is at least this
};

// Checks one account by its form number: test failures where it is not so.
void ExpectHome(Client& client, const Home& home);

// One change, as it can be sent again under the same request id.
struct Order {
  enum class Kind : uint8_t { kOpen, kReport, kSwap, kClose };

  Kind kind = Kind::kOpen;
  std::string request_id;
  Home before;
  Home after;
  bool raced = false;        // its box is wanted by another worker too
  v1::ReportRequest report;  // of kReport
};

// Where the two workers of a pair meet, so that their openings for one box really run at once.
struct Race {
  std::array<std::atomic<int>, kRacedBoxes> arrived{};
};

struct Tally {
  uint64_t acknowledged = 0;
  uint64_t refused = 0;          // lost races
  uint64_t doubtful_done = 0;    // no answer, and found done
  uint64_t doubtful_undone = 0;  // no answer, and nothing of it found
};

// Threads: one at a time. The race must outlive it.
class Worker {
 public:
  Worker(size_t number, uint64_t seed, Race& race);

  // Before each round.
  void Connect(const std::string& address) { client_ = std::make_unique<Client>(address); }
  void Disconnect() { client_.reset(); }
  // Makes changes until the daemon does not answer any more.
  void Work();
  // What was not answered is wholly there or wholly not; it is repeated and then known. The last acknowledged
  // one, repeated, gets its first answer.
  void Settle();

  const std::map<std::string, Home>& homes() const { return homes_; }
  // Cards that an acknowledged report switched on, ever.
  const std::set<std::string>& lit() const { return lit_; }
  const Tally& tally() const { return tally_; }

 private:
  struct Sent : Verdict {
    uint64_t revision = 0;
    bool repeated = false;
  };

  Order Next();
  Order Open(bool raced);
  Order Report(const Home& home);
  Order Swap(const Home& home);
  Order Close(const Home& home);
  Sent Send(const Order& order);
  void Acknowledge(Order order, uint64_t revision);
  void GiveBack(const Home& before, const Home& after);
  // Whether the change of an order without an answer is there; a test failure when it is half there.
  bool IsThere(const Order& order);
  void RepeatLast();

  uint64_t Random(uint64_t below) { return random_() % below; }
  std::string NewRequestId();
  std::string Take(std::vector<std::string>& pool);
  const Home* Pick(Home::State state);

  const size_t number_;
  std::mt19937_64 random_;
  Race& race_;
  std::unique_ptr<Client> client_;

  std::vector<std::string> cards_, boxes_, sims_;  // free ones
  std::map<std::string, uint32_t> counters_;       // by card
  uint64_t opened_ = 0;
  uint64_t raced_ = 0;

  std::map<std::string, Home> homes_;  // by form number
  std::set<std::string> lit_;
  std::optional<Order> doubtful_;
  std::optional<Order> last_;  // acknowledged, no report
  Tally tally_;
};

}  // namespace hearth::crash
