#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "src/gateway/section_outputs.h"

namespace hearth::gateway {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{10'000};

// The gauges and counters of one sink.
class FakeMetrics final : public MetricsRegistry {
 public:
  Counter& GetCounter(std::string_view, std::string_view, const Labels&) override { return dropped; }
  Gauge& GetGauge(std::string_view, std::string_view, const Labels&) override { return receivers; }
  Histogram& GetHistogram(std::string_view, std::string_view, std::vector<double>, const Labels&) override {
    return none_.GetHistogram({}, {}, {}, {});
  }

  struct : Counter {
    void Add(double amount) override { value.fetch_add(static_cast<int>(amount)); }
    std::atomic<int> value{0};
  } dropped;
  struct : Gauge {
    void Set(double now) override { value.store(static_cast<int>(now)); }
    std::atomic<int> value{0};
  } receivers;

 private:
  NullMetrics none_;
};

class BroadcastSinkTest : public testing::Test {
 protected:
  std::unique_ptr<BroadcastSink> Open(BroadcastOptions options = {}) {
    auto sink = BroadcastSink::Create({"127.0.0.1", 0}, options, metrics_, log_);
    EXPECT_TRUE(sink) << sink.error().ToString();
    return sink ? std::move(*sink) : nullptr;
  }
  tcp::socket Connect(const BroadcastSink& sink) {
    tcp::socket socket(io_);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), sink.listening().port});
    return socket;
  }
  bool WaitForReceivers(int count) {
    const auto end = steady_clock::now() + kPatience;
    while (metrics_.receivers.value != count && steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return metrics_.receivers.value == count;
  }
  static Bytes ReadExactly(tcp::socket& socket, size_t count) {
    Bytes bytes(count);
    boost::asio::read(socket, boost::asio::buffer(bytes));
    return bytes;
  }
  // Everything until the other side closes.
  static size_t ReadToTheEnd(tcp::socket& socket) {
    Bytes bytes(100'000);
    size_t total = 0;
    boost::system::error_code error;
    while (!error) total += socket.read_some(boost::asio::buffer(bytes), error);
    return total;
  }

  FakeMetrics metrics_;
  NullLogger log_;
  boost::asio::io_context io_;
};

TEST_F(BroadcastSinkTest, SendsEverySectionToEachReceiver) {
  auto sink = Open();
  EXPECT_NE(sink->listening().port, 0);
  EXPECT_TRUE(sink->Write(std::vector<Bytes>{Bytes(10, 1)})) << "without receivers";
  tcp::socket a = Connect(*sink);
  tcp::socket b = Connect(*sink);
  ASSERT_TRUE(WaitForReceivers(2));
  ASSERT_TRUE(sink->Write(std::vector<Bytes>{Bytes(3, 7), Bytes(2, 8)}));
  ASSERT_TRUE(sink->Write(std::vector<Bytes>{Bytes(1, 9)}));
  const Bytes expected = {7, 7, 7, 8, 8, 9};
  EXPECT_EQ(ReadExactly(a, 6), expected);
  EXPECT_EQ(ReadExactly(b, 6), expected);
}

TEST_F(BroadcastSinkTest, AReceiverMayLeaveAndSpeak) {
  auto sink = Open();
  tcp::socket stays = Connect(*sink);
  {
    tcp::socket leaves = Connect(*sink);
    ASSERT_TRUE(WaitForReceivers(2));
    boost::asio::write(stays, boost::asio::buffer(Bytes(5000, 0)));  // ignored
  }
  ASSERT_TRUE(WaitForReceivers(1));
  ASSERT_TRUE(sink->Write(std::vector<Bytes>{Bytes(4, 1)}));
  EXPECT_EQ(ReadExactly(stays, 4), Bytes(4, 1));
}

TEST_F(BroadcastSinkTest, ASlowReceiverIsDroppedAndHoldsUpNobody) {
  auto sink = Open({.queue_bytes = 256 * 1024});
  tcp::socket slow(io_);
  slow.open(tcp::v4());
  slow.set_option(boost::asio::socket_base::receive_buffer_size(4096));
  slow.connect({boost::asio::ip::make_address("127.0.0.1"), sink->listening().port});
  tcp::socket fast = Connect(*sink);
  ASSERT_TRUE(WaitForReceivers(2));

  const std::vector<Bytes> sections(16, Bytes(4000, 5));
  const auto end = steady_clock::now() + kPatience;
  milliseconds longest{0};
  while (metrics_.dropped.value == 0 && steady_clock::now() < end) {
    const auto before = steady_clock::now();
    ASSERT_TRUE(sink->Write(sections));
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(steady_clock::now() - before));
    ASSERT_EQ(ReadExactly(fast, 64'000).size(), 64'000U);
  }
  EXPECT_EQ(metrics_.dropped.value, 1);
  EXPECT_LT(longest, milliseconds(2000)) << "a write waited for a receiver";
  ASSERT_TRUE(WaitForReceivers(1));
  ASSERT_TRUE(sink->Write(sections));
  EXPECT_EQ(ReadExactly(fast, 64'000).size(), 64'000U);
}

TEST_F(BroadcastSinkTest, RefusesMoreReceiversThanItsLimit) {
  auto sink = Open({.receivers = 1});
  tcp::socket first = Connect(*sink);
  ASSERT_TRUE(WaitForReceivers(1));
  tcp::socket second = Connect(*sink);
  EXPECT_EQ(ReadToTheEnd(second), 0U) << "it is closed at once";
  EXPECT_EQ(metrics_.receivers.value, 1);
}

TEST_F(BroadcastSinkTest, SendsWhatIsQueuedBeforeItEnds) {
  auto sink = Open();
  tcp::socket receiver = Connect(*sink);
  ASSERT_TRUE(WaitForReceivers(1));
  size_t got = 0;
  std::thread reader([&] { got = ReadToTheEnd(receiver); });
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sink->Write(std::vector<Bytes>{Bytes(10'000, 1)}));
  sink.reset();
  reader.join();
  EXPECT_EQ(got, 1'000'000U);
}

TEST_F(BroadcastSinkTest, AnAddressInUseIsRefused) {
  auto sink = Open();
  const auto second = BroadcastSink::Create(sink->listening(), {}, metrics_, log_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), Reason::kConfigValueInvalid);
}

}  // namespace
}  // namespace hearth::gateway
