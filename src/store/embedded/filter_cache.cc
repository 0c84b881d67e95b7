#include "store/embedded/filter_cache.h"

namespace postglass::store {

Result<std::shared_ptr<const Segment::Filters>> FilterCache::Get(const Segment& segment) {
  const SegmentId id = segment.info().id;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(id);
    if (found != entries_.end()) {
      order_.splice(order_.begin(), order_, found->second.place);
      return found->second.filters;
    }
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Segment::Filters> filters, segment.ReadFilters());
  MutexLock lock(mutex_);
  if (filters->bytes.size() > bytes_max_ || entries_.contains(id)) return filters;
  order_.push_front(id);
  entries_[id] = {filters, order_.begin()};
  bytes_ += filters->bytes.size();
  while (bytes_ > bytes_max_) Erase(order_.back());
  return filters;
}

void FilterCache::Forget(SegmentId id) {
  MutexLock lock(mutex_);
  if (entries_.contains(id)) Erase(id);
}

void FilterCache::Erase(SegmentId id) {
  const auto entry = entries_.find(id);
  bytes_ -= entry->second.filters->bytes.size();
  order_.erase(entry->second.place);
  entries_.erase(entry);
}

}  // namespace postglass::store
