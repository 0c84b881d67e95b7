#pragma once

#include "base/mutex.h"
#include "base/random.h"

namespace postglass {

// Repeatable bytes from a seed (splitmix64). Thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  void Fill(std::span<std::byte> out) override {
    MutexLock lock(mutex_);
    for (std::byte& b : out) {
      std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
      b = static_cast<std::byte>((z ^ (z >> 31)) & 0xFF);
    }
  }

 private:
  Mutex mutex_;
  std::uint64_t state_ GUARDED_BY(mutex_);
};

}  // namespace postglass
