#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace postglass {

// A line on standard error for what takes longer than a second: rewritten in place on a terminal,
// every ten seconds a line of its own elsewhere. Not thread-safe.
class ProgressLine {
 public:
  // `what` as in "backup"; `clock` must outlive it.
  ProgressLine(const Clock& clock, std::string what);
  ~ProgressLine();  // ends the line

  void Update(std::uint64_t done_bytes, std::uint64_t total_bytes);

 private:
  const Clock& clock_;
  const std::string what_;
  const bool terminal_;
  const std::chrono::nanoseconds started_;
  std::chrono::nanoseconds shown_;
  bool open_ = false;
};

// "512 B", "1.4 MB": powers of 1,000, as disks are sold.
std::string BytesText(std::uint64_t bytes);

}  // namespace postglass
