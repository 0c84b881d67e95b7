#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

// Calls with the bytes that are done and those that are to be done, as far as known.
using StoreProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

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

  // Removes every event stored before the call that holds the address anywhere, in whatever case
  // (address_pattern.h says what counts): hidden first, then gone from every file of the store, but
  // for what the receipt names. Backups keep theirs. Errors: kInvalidArgument (not an address);
  // kDiskFull, kIo: call it again, what is hidden stays so.
  virtual Result<EraseReceipt> Erase(std::string_view address, const StoreProgress& progress) = 0;

  Result<EraseReceipt> Erase(std::string_view address) { return Erase(address, {}); }

  virtual Description Describe() const = 0;

  // Moves what is in memory to segments now (shutdown, tests).
  virtual Status Flush() = 0;
};

}  // namespace postglass::store
