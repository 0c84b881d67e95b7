#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/types.h"

namespace postglass::store {

inline constexpr std::int64_t kDedupWindowHours = 72;

// Hours of ingest since 1970, rounded toward the past.
std::int64_t HourOf(std::int64_t ingested_at_ms);

struct SeenKey {
  DedupKey key;
  std::int64_t hour = 0;
};

// The keys of the last 72 hours of ingest, in memory: 18 bytes a slot at a load of at most 3/4.
// Not thread-safe.
class DedupWindow {
 public:
  // Above this the oldest hours go before their time; counted in dropped_early().
  explicit DedupWindow(std::size_t keys_max);

  // Seen at most kDedupWindowHours before `hour`, or after it.
  bool Contains(const DedupKey& key, std::int64_t hour) const;
  // Remembers the later of this hour and the one known.
  void Insert(const SeenKey& seen);
  // Forgets keys that no event of `hour` or later can meet.
  void Expire(std::int64_t hour);

  std::size_t size() const { return size_; }

  std::uint64_t dropped_early() const { return dropped_early_; }

 private:
  static constexpr std::uint16_t kEmpty = 0;

  std::size_t Find(const DedupKey& key) const;  // its slot or the empty one for it
  std::int64_t SlotHour(std::size_t slot) const;
  void Rebuild(std::size_t slots, std::int64_t oldest_hour);

  const std::size_t keys_max_;
  std::int64_t base_hour_ = 0;  // hours are kept as differences to it, from 1
  std::vector<DedupKey> keys_;
  std::vector<std::uint16_t> hours_;  // kEmpty: no key in the slot
  std::size_t size_ = 0;
  std::uint64_t dropped_early_ = 0;
};

// Keys of sealed events on disk: one immutable file for each hour of each seal, removed when the
// hour is out of the window. Byte layout: docs/format/segment.md, "Deduplication keys".
Status WriteKeyFiles(FileSystem& fs,
                     const Path& dir,
                     std::uint64_t segment_id,
                     std::vector<SeenKey> keys);

struct KeyFilesReport {
  std::vector<SeenKey> keys;
  std::vector<std::string> damage;  // one sentence a file that could not be read
};

Result<KeyFilesReport> ReadKeyFiles(const FileSystem& fs, const Path& dir);
Result<std::vector<SeenKey>> DecodeKeyFile(std::string_view bytes);
// Removes the files of hours that no event of `hour` or later can meet.
Status RemoveOldKeyFiles(FileSystem& fs, const Path& dir, std::int64_t hour);

}  // namespace postglass::store
