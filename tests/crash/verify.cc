#include "tests/crash/verify.h"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <ostream>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "src/app/parallel.h"

namespace hearth::crash {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void WaitUntil(Client& client, seconds within, std::string_view what,
               const std::function<bool(const v1::GetStatusResponse&)>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto status =
        Client::Call(*client.admin, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest());
    ASSERT_TRUE(status.done()) << status.Text();
    EXPECT_FALSE(status.out.store_read_only());
    if (holds(status.out)) return;
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << what << ": " << status.out.ShortDebugString();
    std::this_thread::sleep_for(milliseconds(2));
  }
}

struct Counts {
  uint64_t registered = 0;
  uint64_t waiting = 0;
  uint64_t activated = 0;
  uint64_t dark = 0;

  bool operator==(const Counts&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << counts.registered << " registered, " << counts.waiting << " waiting, " << counts.activated
             << " activated, " << counts.dark << " dark";
}

Counts CountsOf(Client& client, const std::string& region) {
  v1::GetCountsRequest request;
  request.set_region(region);
  const auto answer = Client::Call(*client.stats, &v1::StatsService::Stub::GetCounts, request);
  EXPECT_TRUE(answer.done()) << answer.Text();
  const v1::RegionCounts& total = answer.out.total();
  return {total.registered(), total.waiting(), total.activated(), total.dark()};
}

std::map<std::string, v1::AccountState> ListOf(Client& client) {
  std::map<std::string, v1::AccountState> listed;
  v1::ListAccountsRequest request;
  request.mutable_page()->set_size(1000);
  do {
    const auto answer = Client::Call(*client.registry, &v1::RegistryService::Stub::ListAccounts, request);
    EXPECT_TRUE(answer.done()) << answer.Text();
    for (const v1::AccountSummary& account : answer.out.accounts()) {
      EXPECT_TRUE(listed.emplace(account.form_number(), account.state()).second)
          << account.form_number() << " is listed twice";
    }
    request.mutable_page()->set_token(answer.out.next_page_token());
  } while (!request.page().token().empty());
  return listed;
}

// A device and the account that holds it; empty: none does.
struct Device {
  v1::GetAccountRequest by;
  std::string holder;
};

void ExpectHolder(Client& client, const Device& device) {
  const auto answer = Client::Call(*client.registry, &v1::RegistryService::Stub::GetAccount, device.by);
  if (!device.holder.empty()) {
    EXPECT_EQ(answer.out.account().form().form_number(), device.holder)
        << device.by.ShortDebugString() << answer.Text();
    return;
  }
  const bool by_card = device.by.by_case() == v1::GetAccountRequest::kCardNumber;
  EXPECT_EQ(answer.reason, by_card ? "CARD_NOT_IN_ACCOUNT" : "ACCOUNT_UNKNOWN")
      << device.by.ShortDebugString() << " is held by " << answer.out.account().form().form_number();
}

// Every device that was ever in an account.
std::vector<Device> DevicesOf(const std::vector<Home>& homes) {
  std::map<std::string, Device> devices;  // by the request that asks for it
  for (const Home& home : homes) {
    if (home.state == Home::State::kAbsent) continue;
    std::array<v1::GetAccountRequest, 3> by;
    by[0].set_card_number(home.card);
    by[1].set_box_serial(home.box);
    by[2].set_sim_number(home.sim);
    for (const v1::GetAccountRequest& one : by) {
      Device& device = devices.try_emplace(one.SerializeAsString(), Device{one, {}}).first->second;
      if (home.state == Home::State::kClosed) continue;
      EXPECT_EQ(device.holder, "") << one.ShortDebugString() << " was given to " << home.form << " too";
      device.holder = home.form;
    }
  }
  std::vector<Device> all;
  all.reserve(devices.size());
  for (auto& [key, device] : devices) all.push_back(std::move(device));
  return all;
}

// Calls check(client, thing) for each thing, from as many threads as there are workers.
template <typename Thing, typename Check>
void ForEach(const std::string& address, const std::vector<Thing>& things, const Check& check) {
  app::InParallel(kWorkers, kWorkers, [&](size_t thread) {
    Client client(address);
    for (size_t i = thread; i < things.size(); i += kWorkers) check(client, things[i]);
  });
}

void ExpectList(Client& client, const std::vector<Home>& homes) {
  std::map<std::string, v1::AccountState> expected;
  for (const Home& home : homes) {
    if (home.state == Home::State::kAbsent) continue;
    expected[home.form] = home.state == Home::State::kClosed ? v1::CLOSED : v1::OPEN;
  }
  const auto listed = ListOf(client);
  EXPECT_EQ(listed.size(), expected.size());
  for (const auto& [form, state] : expected) {
    const auto it = listed.find(form);
    if (it == listed.end()) {
      ADD_FAILURE() << form << " is not listed";
    } else {
      EXPECT_EQ(it->second, state) << form;
    }
  }
}

void ExpectCounts(Client& client, const std::vector<Home>& homes) {
  std::map<std::string, Counts> expected;
  for (const char* village : kVillages) expected[village] = {};
  for (const Home& home : homes) {
    for (Counts* counts : {&expected[""], &expected[home.village]}) {
      if (home.state == Home::State::kWaiting) ++counts->waiting;
      if (home.state == Home::State::kOn) ++counts->activated;
      counts->registered = counts->waiting + counts->activated;
    }
  }
  for (const auto& [region, counts] : expected) {
    EXPECT_EQ(CountsOf(client, region), counts) << "region '" << region << "'";
  }
}

}  // namespace

void WaitForViews(Client& client) {
  WaitUntil(client, seconds(10), "the views lag",
            [](const v1::GetStatusResponse& status) { return status.view_lag_seconds() == 0; });
}

void WaitForAir(Client& client) {
  WaitUntil(client, seconds(20), "the outbox does not empty",
            [](const v1::GetStatusResponse& status) { return status.outbox_waiting() == 0; });
}

void Verify(const std::string& address, const Workers& workers) {
  std::vector<Home> homes;
  for (const auto& worker : workers) {
    for (const auto& [form, home] : worker->homes()) homes.push_back(home);
  }
  // First, while the last changes are still fresh: a lag of 0 must mean that they are seen.
  Client client(address);
  WaitForViews(client);
  ExpectCounts(client, homes);
  ExpectList(client, homes);
  ForEach(address, homes, [](Client& by, const Home& home) { ExpectHome(by, home); });
  ForEach(address, DevicesOf(homes), [](Client& by, const Device& device) { ExpectHolder(by, device); });
}

}  // namespace hearth::crash
