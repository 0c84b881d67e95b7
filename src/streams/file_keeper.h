#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace postglass::streams {

// Removes what streams wrote to files when it is too old, and the oldest when all is too much. Only
// files whose name ends as BatchDeliverer::WriteFile() names them are touched. Thread-safe.
class FileKeeper {
 public:
  static constexpr std::chrono::minutes kEvery{10};
  static constexpr int kDepthMax = 32;                 // of folders
  static constexpr std::size_t kFilesMax = 1'000'000;  // looked at in one sweep

  struct Limits {
    std::chrono::milliseconds age_max = std::chrono::hours(30 * 24);
    std::uint64_t bytes_max = 1'000'000'000;  // of all files
  };

  // The references must outlive it.
  FileKeeper(FileSystem& fs, const Clock& clock, Metrics& metrics, Path files, Limits limits);

  // Looks through all files, unless that was done less than kEvery ago.
  void SweepIfDue();

 private:
  struct Entry {
    Timestamp written_at;
    std::uint64_t bytes = 0;
    Path path;
  };

  void Collect(const Path& folder, int depth, std::vector<Entry>& found) const;
  void Remove(const Entry& entry);

  FileSystem& fs_;
  const Clock& clock_;
  const Path files_;
  const Limits limits_;
  Counter& removed_;
  Mutex mutex_;
  std::chrono::nanoseconds swept_at_ GUARDED_BY(mutex_){-kEvery};  // monotonic
};

}  // namespace postglass::streams
