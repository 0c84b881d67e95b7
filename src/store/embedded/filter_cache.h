#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>

#include "base/mutex.h"
#include "store/embedded/segment.h"

namespace postglass::store {

// Filters of the segments that were asked last, up to a number of bytes. Thread-safe.
class FilterCache {
 public:
  explicit FilterCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // From memory or from the file. Two callers may read the same file at once.
  Result<std::shared_ptr<const Segment::Filters>> Get(const Segment& segment);
  void Forget(SegmentId id);

 private:
  struct Entry {
    std::shared_ptr<const Segment::Filters> filters;
    std::list<SegmentId>::iterator place;
  };

  void Erase(SegmentId id) REQUIRES(mutex_);

  const std::size_t bytes_max_;
  Mutex mutex_;
  std::map<SegmentId, Entry> entries_ GUARDED_BY(mutex_);
  std::list<SegmentId> order_ GUARDED_BY(mutex_);  // asked last in front
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::store
