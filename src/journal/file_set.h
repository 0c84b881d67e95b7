#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "journal/format.h"

namespace postglass::journal {

// What is known of one file: enough to find a record without reading all that stands before it.
struct FileInfo {
  struct Gap {  // damaged bytes, passed over
    std::uint64_t begin_bytes = 0;
    std::uint64_t end_bytes = 0;
  };

  struct Mark {  // a frame begins here
    Sequence first_sequence = 0;
    std::uint64_t offset_bytes = 0;
  };

  FileName name;
  Path path;
  Sequence previous_sequence = 0;  // newest record of the files before
  Sequence last_sequence = 0;      // newest in this file; name.first_sequence - 1 when it has none
  std::uint64_t end_bytes = 0;     // readable up to here
  std::uint64_t records = 0;       // readable
  std::vector<Gap> gaps;           // in order
  std::vector<Mark> index;         // the first good frame, then one every kIndexStrideBytes

  // Notes a good frame. Requires: frames in order.
  void AddFrame(Sequence first_sequence, std::uint32_t records_count, std::uint64_t offset_bytes);
};

inline constexpr std::uint64_t kIndexStrideBytes = 256 << 10;

// The files of a journal, oldest first, and how far each may be read. The commit thread appends,
// readers look up. Thread-safe.
class FileSet {
 public:
  explicit FileSet(std::vector<FileInfo> files) : files_(std::move(files)) {}

  // A stretch of undamaged bytes in one file. Empty: everything was read.
  struct Extent {
    FileName name;
    Path path;
    std::uint64_t begin_bytes = 0;
    std::uint64_t end_bytes = 0;
  };

  void Add(FileInfo file);
  // A frame of the newest file is durable.
  void AddFrame(Sequence first_sequence,
                std::uint32_t records,
                std::uint64_t offset_bytes,
                std::uint64_t end_bytes);

  // Where to read for the record behind `after`; the stretch may begin some records before it.
  // kNotFound when it was trimmed away.
  Result<std::optional<Extent>> Find(Sequence after) const;
  // The stretch that continues at `offset_bytes` of the file that `extent` was in, or in the next
  // file. `after` is the newest record read so far.
  Result<std::optional<Extent>> Continue(const Extent& extent,
                                         std::uint64_t offset_bytes,
                                         Sequence after) const;

  // The oldest readable record; nothing when there is none.
  std::optional<Sequence> first_sequence() const;
  std::uint64_t size_bytes() const;
  // The oldest file, when all its records come before `keep_from` and it is not the newest.
  std::optional<Path> OldestBefore(Sequence keep_from) const;
  void RemoveOldest();
  // The newest file holds records, all of them before `keep_from`, and has at least `bytes`.
  bool NewestIsBefore(Sequence keep_from, std::uint64_t bytes) const;

 private:
  Result<std::optional<Extent>> FindLocked(Sequence after) const REQUIRES(mutex_);
  // The first stretch at or behind `offset_bytes` of file `i` or of those behind it.
  std::optional<Extent> ExtentFrom(std::size_t i, std::uint64_t offset_bytes) const
      REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<FileInfo> files_ GUARDED_BY(mutex_);
};

}  // namespace postglass::journal
