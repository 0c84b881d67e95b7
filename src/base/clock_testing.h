#pragma once

#include <atomic>

#include "base/clock.h"

namespace postglass {

// A clock that moves only when told. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = Timestamp::FromMillis(1'800'000'000'000))
      : nanos_(start.nanos) {}

  Timestamp Now() const override { return {nanos_.load()}; }

  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::nanoseconds(monotonic_.load());
  }

  void Advance(std::chrono::nanoseconds by) {
    nanos_ += by.count();
    monotonic_ += by.count();
  }

  // A jump of the wall clock alone, as NTP or an operator makes it.
  void Jump(std::chrono::nanoseconds by) { nanos_ += by.count(); }

 private:
  std::atomic<std::int64_t> nanos_;
  std::atomic<std::int64_t> monotonic_ = 1;
};

}  // namespace postglass
