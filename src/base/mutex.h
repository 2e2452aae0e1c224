// Mutex, lock and condition variable with clang's thread-safety annotations; a clang build checks them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define HEARTH_TSA(x) __attribute__((x))
#else
#define HEARTH_TSA(x)
#endif
#define HEARTH_GUARDED_BY(x) HEARTH_TSA(guarded_by(x))
#define HEARTH_REQUIRES(...) HEARTH_TSA(requires_capability(__VA_ARGS__))
#define HEARTH_EXCLUDES(...) HEARTH_TSA(locks_excluded(__VA_ARGS__))
#define HEARTH_CAPABILITY(x) HEARTH_TSA(capability(x))
#define HEARTH_SCOPED_CAPABILITY HEARTH_TSA(scoped_lockable)
#define HEARTH_ACQUIRE(...) HEARTH_TSA(acquire_capability(__VA_ARGS__))
#define HEARTH_RELEASE(...) HEARTH_TSA(release_capability(__VA_ARGS__))
#define HEARTH_NO_TSA HEARTH_TSA(no_thread_safety_analysis)

namespace hearth {

class HEARTH_CAPABILITY("mutex") Mutex {
 public:
  void Lock() HEARTH_ACQUIRE() { mu_.lock(); }
  void Unlock() HEARTH_RELEASE() { mu_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
};

class HEARTH_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mu) HEARTH_ACQUIRE(mu) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() HEARTH_RELEASE() { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

// Waits release the mutex, which the caller must hold. Wake-ups may be spurious: loop on the condition.
class CondVar {
 public:
  void Wait(Mutex& mu) HEARTH_REQUIRES(mu) HEARTH_NO_TSA {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // False when the time ran out.
  bool WaitFor(Mutex& mu, std::chrono::nanoseconds timeout) HEARTH_REQUIRES(mu) HEARTH_NO_TSA {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    const auto result = cv_.wait_for(lock, timeout);
    lock.release();
    return result == std::cv_status::no_timeout;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace hearth
