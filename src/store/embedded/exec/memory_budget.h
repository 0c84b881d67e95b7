#pragma once

#include <atomic>
#include <cstddef>

#include "base/result.h"

namespace postglass::store {

// Counts the bytes that one query holds, over all its threads. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void Add(std::size_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  void Remove(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  Status Check() const {
    if (bytes_.load(std::memory_order_relaxed) <= bytes_max_) return {};
    return Fail(ErrorCode::kLimit, "the answer needs more memory than the query may use");
  }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace postglass::store
