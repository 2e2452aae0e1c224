#include "src/metrics/metrics.h"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace hearth::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

// The whole answer to GET `path` over a plain socket.
std::string Fetch(uint16_t port, std::string_view path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request =
        "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
        answer.append(buffer, static_cast<size_t>(n));
      }
    }
  }
  ::close(fd);
  return answer;
}

class Metrics : public testing::Test {
 protected:
  void SetUp() override {
    auto server = MetricsServer::Create(registry_, {"127.0.0.1", 0});
    ASSERT_TRUE(server.has_value()) << server.error().ToString();
    server_ = std::move(*server);
    ASSERT_NE(server_->listening().port, 0);
  }
  std::string Scrape() const { return Fetch(server_->listening().port, "/metrics"); }

  PrometheusRegistry registry_;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(Metrics, ServesEverySeriesInPrometheusText) {
  registry_.GetCounter("hearth_test_events_total", "Events", {{"kind", "a\"b\\c\nd"}}).Add(2);
  registry_.GetCounter("hearth_test_events_total", "Events", {{"kind", "plain"}}).Increment();
  registry_.GetGauge("hearth_test_depth", "Depth", {}).Set(-1.5);
  Histogram& histogram = registry_.GetHistogram("hearth_test_wait_seconds", "Wait", {0.1, 1}, {});
  histogram.Observe(0.05);
  histogram.Observe(5);

  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(text, HasSubstr("Content-Type: text/plain"));
  for (const char* line : {
           "# HELP hearth_test_events_total Events\n",
           "# TYPE hearth_test_events_total counter\n",
           "hearth_test_events_total{kind=\"a\\\"b\\\\c\\nd\"} 2\n",
           "hearth_test_events_total{kind=\"plain\"} 1\n",
           "# TYPE hearth_test_depth gauge\n",
           "hearth_test_depth -1.5\n",
           "# TYPE hearth_test_wait_seconds histogram\n",
           "hearth_test_wait_seconds_count 2\n",
           "hearth_test_wait_seconds_sum 5.05",
           "hearth_test_wait_seconds_bucket{le=\"0.1\"} 1\n",
           "hearth_test_wait_seconds_bucket{le=\"1\"} 1\n",
           "hearth_test_wait_seconds_bucket{le=\"+Inf\"} 2\n",
           "hearth_metrics_refused_total 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(Metrics, ServesWhatTheProcessTakes) {
  const auto value = [this](const std::string& name) {
    const std::string text = Scrape();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GE(value("process_cpu_seconds_total"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
  EXPECT_GT(value("process_open_fds"), 3);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they have an allocator of their own
  EXPECT_GT(value("hearth_heap_held_bytes"), 0);
  const double before = value("hearth_heap_in_use_bytes");
  const std::vector<char> more(10'000'000, 'x');
  EXPECT_NEAR(value("hearth_heap_in_use_bytes") - before, 1e7, 1e6);
#endif
}

TEST_F(Metrics, AskingTwiceGivesTheSameSeries) {
  const Labels labels = {{"part", "store"}};
  EXPECT_EQ(&registry_.GetCounter("a_total", "A", labels), &registry_.GetCounter("a_total", "other", labels));
  EXPECT_NE(&registry_.GetCounter("a_total", "A", labels), &registry_.GetCounter("a_total", "A", {}));
  EXPECT_EQ(&registry_.GetGauge("b", "B", labels), &registry_.GetGauge("b", "B", labels));
  EXPECT_EQ(&registry_.GetHistogram("c", "C", {1, 2}, labels),
            &registry_.GetHistogram("c", "C", {3}, labels));
}

TEST_F(Metrics, ARefusedSeriesCountsNothingAndIsSeen) {
  registry_.GetCounter("taken", "first", {}).Increment();
  registry_.GetGauge("taken", "another kind", {}).Set(7);
  registry_.GetCounter("not a name", "blank", {}).Increment();
  registry_.GetHistogram("bad_label", "label", {1}, {{"no-dash", "x"}}).Observe(1);
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("hearth_metrics_refused_total 3\n"));
  EXPECT_THAT(text, HasSubstr("\ntaken 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("not a name")));
}

TEST_F(Metrics, CountsFromManyThreadsWhileScraped) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) registry_.GetCounter("busy_total", "Busy", {}).Increment();
    });
  }
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Scrape(), HasSubstr("200 OK"));
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(Scrape(), HasSubstr("\nbusy_total 2000\n"));
}

TEST_F(Metrics, OtherPathsAreNotFound) {
  EXPECT_THAT(Fetch(server_->listening().port, "/"), HasSubstr("404"));
}

TEST_F(Metrics, AnAddressInUseIsRefused) {
  const auto second = MetricsServer::Create(registry_, server_->listening());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason(), Reason::kConfigValueInvalid);
  EXPECT_THAT(second.error().message(), HasSubstr(ToString(server_->listening())));
}

TEST_F(Metrics, TheServerMayOutliveTheRegistry) {
  auto registry = std::make_unique<PrometheusRegistry>();
  registry->GetGauge("kept", "Kept", {}).Set(3);
  auto server = MetricsServer::Create(*registry, {"127.0.0.1", 0});
  ASSERT_TRUE(server.has_value());
  registry.reset();
  EXPECT_THAT(Fetch((*server)->listening().port, "/metrics"), HasSubstr("\nkept 3\n"));
}

}  // namespace
}  // namespace hearth::metrics
