#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/result.h"

// An append-only log of records in checksummed files, the one queue under mail's spool, the
// topics' outbox and the store. Byte layout, recovery rules and versions: docs/format/journal.md.

namespace postglass::journal {

// Position of a record: 1, 2, 3 … over the life of the journal; 0 is before the first.
using Sequence = std::uint64_t;

struct Record {
  Sequence sequence = 0;
  Timestamp written_at;
  std::string payload;
};

// What Open() found and did about it. Nothing here stops the start.
struct Recovery {
  std::uint64_t records = 0;           // readable records in all files
  std::uint64_t torn_bytes_cut = 0;    // unfinished tail of the last file, never acknowledged
  std::vector<std::string> set_aside;  // damage before that: one sentence each, for the operator
};

enum class Durability {
  kFsync,  // acknowledged records survive a power cut
  kOs,     // they survive kill -9 but not a power cut
};

enum class Access {
  kReadWrite,
  kReadOnly,  // changes nothing on disk; another process may be writing. Sees what Open() found
};

struct Options {
  std::uint64_t file_bytes_max = 64 << 20;    // a new file is begun above this
  std::uint64_t record_bytes_max = 64 << 20;  // larger records are refused with kLimit
  std::uint64_t queue_bytes_max = 64 << 20;   // waiting, not yet durable; above: kUnavailable
  // The next record gets at least this: for those who remember sequences elsewhere, should the
  // journal's files be lost.
  Sequence sequence_min = 1;
  // At least so long from the begin of one commit to that of the next: what is appended meanwhile
  // shares its sync. For journals nobody waits for; a lone record is still written at once.
  std::chrono::milliseconds commit_spacing{0};
  Durability durability = Durability::kFsync;
  Access access = Access::kReadWrite;
  std::string name = "journal";  // label of metrics and log lines
};

// Thread-safe. One commit thread writes what has gathered and syncs once for all (group commit).
class Journal {
 public:
  // Opens or makes the journal in `dir`, recovers, and positions behind the last good record.
  // `fs`, `clock` and `metrics` must outlive it. Errors: kIo, kDiskFull, kPermissionDenied,
  // kUnavailable (open elsewhere), kUnsupported (newer format version), kNotFound (read-only and no
  // such directory).
  static Result<std::unique_ptr<Journal>> Open(FileSystem& fs,
                                               const Clock& clock,
                                               Metrics& metrics,
                                               const Path& dir,
                                               Options options,
                                               Recovery* recovery = nullptr);

  // Waits for what was appended, then closes.
  virtual ~Journal() = default;

  // Called with the record's sequence once it is durable, or with the error; from the commit
  // thread, in order of sequence. Must be quick and must not call back into the journal's waits.
  using Committed = std::function<void(Result<Sequence>)>;
  // Records of one call get consecutive sequences and become durable together or not at all;
  // `done` gets the first. Errors (to `done`): kLimit; kUnavailable (queue full); kDiskFull
  // (nothing was written, later appends may work); kIo (after a failed write or sync the journal
  // is read-only until it is opened again). Refusals (kLimit, kUnavailable, kInvalidArgument for no
  // payload, kPermissionDenied) come before AppendAsync() returns, in the caller's thread.
  virtual void AppendAsync(std::vector<std::string> payloads, Committed done) = 0;
  // The same, waiting until durable.
  Result<Sequence> Append(std::string payload);

  virtual Sequence first_sequence() const = 0;    // oldest that can be read; durable+1 when empty
  virtual Sequence durable_sequence() const = 0;  // newest durable

  // Reads durable records in order. Not thread-safe itself; any number may run beside appends. The
  // journal must outlive it.
  class Reader {
   public:
    virtual ~Reader() = default;
    // Nothing at the durable end; call again later. Damaged records are skipped (they were
    // reported by Open, or are logged and counted when found now). kNotFound when the position was
    // trimmed away; kIo when the disk reports an error, call again: after some it is passed over.
    virtual Result<std::optional<Record>> Next() = 0;
  };

  // Starts behind `after`.
  virtual Result<std::unique_ptr<Reader>> Read(Sequence after) const = 0;
  // Blocks until durable_sequence() > after (true), or `stop` was asked or `limit` passed (false).
  virtual bool WaitFor(Sequence after,
                       std::stop_token stop,
                       std::chrono::milliseconds limit) const = 0;

  // A named position kept beside the files, 0 when never saved. Saved atomically but lazily synced:
  // after a power cut an older value may be back, so consumers must bear seeing records again.
  virtual Result<Sequence> LoadCursor(std::string_view name) const = 0;
  virtual Status SaveCursor(std::string_view name, Sequence sequence) = 0;

  // Removes whole files whose records all come before `keep_from`; the newest one soon after, by
  // the commit thread, when it holds more than a few records. Cursors are made durable first.
  virtual Status TrimBefore(Sequence keep_from) = 0;

  // Later records go to a new file, so that TrimBefore() can remove all that were appended before
  // the call, to the last byte. Waits until it is so; gives the first sequence of that file.
  virtual Result<Sequence> BeginFile() = 0;

  enum class Health { kOk, kDiskFull, kFailed };
  virtual Health health() const = 0;
  virtual std::string health_reason() const = 0;  // for /readyz; empty when ok
  virtual std::uint64_t size_bytes() const = 0;   // of all files
};

}  // namespace postglass::journal
