#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "store/embedded/segment/block_cache.h"
#include "store/embedded/segment/extents.h"

namespace postglass::store {

// What is read of a column, as parts of a cache key.
enum class PartKind : std::uint32_t {
  kCodes,        // one a value
  kStoredCodes,  // as they are in the file
  kCounts,
  kDictionary,  // index or numbers
  kTexts,
  kFilter,
  kLayout,
};

// Parts that are of no column.
inline constexpr std::uint32_t kKeysPart = 0xFFFFFFF0;
inline constexpr std::uint32_t kShapeOfRowPart = 0xFFFFFFF1;
inline constexpr std::uint32_t kPlacesPart = 0xFFFFFFF2;
inline constexpr std::uint32_t kWordsPart = 0xFFFFFFF3;  // index
inline constexpr std::uint32_t kWordBlocksPart = 0xFFFFFFF4;

constexpr std::uint32_t PartOf(std::uint32_t column, PartKind kind) {
  return column * 16 + static_cast<std::uint32_t>(kind);
}

// The open file and its place in the cache, shared by the segment and the dictionaries that it
// gave. Thread-safe.
class SegmentCore {
 public:
  SegmentCore(std::shared_ptr<const RandomAccessFile> file, std::string name, BlockCache& cache)
      : reader_(std::move(file), std::move(name)),
        cache_(cache),
        cache_segment_(cache.NewSegment()) {}

  ~SegmentCore() { cache_.Forget(cache_segment_); }

  SegmentCore(const SegmentCore&) = delete;
  SegmentCore& operator=(const SegmentCore&) = delete;

  const ExtentReader& reader() const { return reader_; }

  // What is cached there, or what `load` makes: a Result of a std::shared_ptr<const T>, whose size
  // in memory is `bytes_of(value)`.
  template <class T, class Load, class BytesOf>
  Result<std::shared_ptr<const T>> Cached(std::uint32_t part,
                                          std::uint32_t block,
                                          Load&& load,
                                          BytesOf&& bytes_of) const {
    auto load_any = [&]() -> Result<BlockCache::Loaded> {
      ASSIGN_OR_RETURN(const std::shared_ptr<const T> value, load());
      return BlockCache::Loaded{value, bytes_of(*value)};
    };
    ASSIGN_OR_RETURN(const std::shared_ptr<const void> value,
                     cache_.Get({cache_segment_, part, block}, load_any));
    return std::static_pointer_cast<const T>(value);
  }

 private:
  ExtentReader reader_;
  BlockCache& cache_;
  const std::uint64_t cache_segment_;
};

}  // namespace postglass::store
