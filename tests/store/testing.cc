#include "tests/store/testing.h"

#include <iostream>
#include <random>
#include <utility>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace hearth::store {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "hearth-store-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

uint64_t TestSeed() {
  const char* text = std::getenv("HEARTH_TEST_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  std::cout << "HEARTH_TEST_SEED=" << seed << std::endl;
  return seed;
}

int EnvNumber(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? static_cast<int>(std::strtol(text, nullptr, 10)) : otherwise;
}

struct TestMetrics::Series final : Counter, Gauge, Histogram {
  void Add(double amount) override {
    MutexLock lock(mu);
    value += amount;
  }
  void Set(double to) override {
    MutexLock lock(mu);
    value = to;
  }
  void Observe(double) override { Add(1); }
  Mutex mu;
  double value HEARTH_GUARDED_BY(mu) = 0;
};

TestMetrics::Series& TestMetrics::Get(std::string_view name) {
  MutexLock lock(mu_);
  std::shared_ptr<Series>& series = series_[std::string(name)];
  if (!series) series = std::make_shared<Series>();
  return *series;
}

Counter& TestMetrics::GetCounter(std::string_view name, std::string_view, const Labels&) { return Get(name); }
Gauge& TestMetrics::GetGauge(std::string_view name, std::string_view, const Labels&) { return Get(name); }
Histogram& TestMetrics::GetHistogram(std::string_view name, std::string_view, std::vector<double>,
                                     const Labels&) {
  return Get(name);
}

double TestMetrics::Value(std::string_view name) {
  Series& series = Get(name);
  MutexLock lock(series.mu);
  return series.value;
}

Status HookedEngine::Apply(std::vector<Write> writes) {
  const Verdict verdict = on_apply_ ? on_apply_() : Verdict::kApply;
  const Error failed = Error(Reason::kStoreFull, "writing to the store failed").Detail("injected");
  if (verdict == Verdict::kFailBefore) return failed;
  HEARTH_RETURN_IF_ERROR(inner_->Apply(std::move(writes)));
  if (verdict == Verdict::kFailAfter) return failed;
  return Ok();
}

}  // namespace hearth::store
