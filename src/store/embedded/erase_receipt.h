#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postglass::store {

// What an erasure did; without the address, so that it can be kept and logged.
struct EraseReceipt {
  std::int64_t started_ms = 0;
  std::int64_t finished_ms = 0;
  std::uint64_t events_erased = 0;  // hidden before or not
  std::uint64_t segments_searched = 0;
  std::uint64_t segments_rewritten = 0;
  std::uint64_t bytes_rewritten = 0;
  std::uint64_t journal_bytes_left = 0;
  // What could not be read, and so may still hold the address. Empty: nothing does.
  std::vector<std::string> not_erased;
};

}  // namespace postglass::store
