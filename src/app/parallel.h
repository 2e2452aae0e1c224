// Runs the rows of a bulk call side by side, so that their commits merge into common syncs.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace hearth::app {

// Calls work(0) … work(count − 1), each once, from up to `threads` threads; returns when all are done.
template <typename Work>
void InParallel(size_t count, size_t threads, const Work& work) {
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> helpers;
  for (size_t t = 1; t < std::min(threads, count); ++t) helpers.emplace_back(run);
  run();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace hearth::app
