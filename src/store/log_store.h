#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/plan.h"
#include "store/types.h"

namespace postglass::store {

struct AppendResult {
  std::size_t stored = 0;
  std::size_t duplicates = 0;
  std::vector<bool> was_duplicate;  // by place in the batch
};

struct DeleteReport {
  std::uint64_t events_deleted = 0;
};

struct Description {
  std::uint64_t events = 0;
  std::uint64_t bytes_on_disk = 0;
  std::uint64_t segments = 0;
  std::int64_t first_timestamp_ms = 0;  // 0 when empty
  std::int64_t last_timestamp_ms = 0;
  std::int64_t first_ingested_ms = 0;
  std::int64_t last_ingested_ms = 0;
  bool writable = true;
  std::string reason;                  // why not writable; names the disk and what is missing
  std::vector<std::string> set_aside;  // damage found at start or since
};

// The seam of the store: the embedded engine, the tests' oracle, later ClickHouse. What null,
// missing, mixed types and collation mean: docs/compat/search.md. Thread-safe.
class LogStore {
 public:
  virtual ~LogStore() = default;

  using Appended = std::function<void(Result<AppendResult>)>;
  // The whole batch becomes durable and visible to the next Run(), or none of it; then `done` is
  // called, from a thread of the store. Events whose key was seen within the window (72 h of
  // ingest time, over restarts), or earlier in the batch, are counted and left out. Errors:
  // kUnavailable (overload: try again), kDiskFull, kIo (read-only until restart), kLimit.
  virtual void AppendAsync(std::vector<NewEvent> batch, Appended done) = 0;
  Result<AppendResult> Append(std::vector<NewEvent> batch);  // the same, waiting

  // Errors: kCancelled (plan.stop), kLimit (memory budget), kIo, kInvalidArgument.
  virtual Result<RunReport> Run(const Plan& plan, Sink& sink) = 0;

  // Hides matching events at once and durably; their bytes go with the next rewrite.
  virtual Result<DeleteReport> Delete(const Plan& selection) = 0;

  virtual Description Describe() const = 0;

  // Moves what is in memory to segments now (shutdown, tests).
  virtual Status Flush() = 0;
};

}  // namespace postglass::store
