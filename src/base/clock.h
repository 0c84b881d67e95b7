#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace postglass {

// An instant: nanoseconds since 1970-01-01T00:00:00Z, leap seconds ignored, as Unix time.
struct Timestamp {
  std::int64_t nanos = 0;

  static constexpr Timestamp FromMillis(std::int64_t millis) { return {millis * 1'000'000}; }

  constexpr std::int64_t millis() const {  // rounds toward the past
    return nanos / 1'000'000 - (nanos % 1'000'000 < 0 ? 1 : 0);
  }

  auto operator<=>(const Timestamp&) const = default;
};

constexpr Timestamp operator+(Timestamp t, std::chrono::nanoseconds d) {
  return {t.nanos + d.count()};
}

constexpr Timestamp operator-(Timestamp t, std::chrono::nanoseconds d) {
  return {t.nanos - d.count()};
}

constexpr std::chrono::nanoseconds operator-(Timestamp a, Timestamp b) {
  return std::chrono::nanoseconds(a.nanos - b.nanos);
}

// Source of time. Thread-safe. Everything that reads a clock gets one through its constructor.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;  // wall time; may jump
  // Never goes back; only differences mean something.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
};

// The operating system's clocks.
class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
  std::chrono::nanoseconds Monotonic() const override;
};

}  // namespace postglass
