#include "store/embedded/raw_batch.h"

#include <algorithm>

namespace postglass::store {

std::shared_ptr<const RawBatch> RawBatch::Make(journal::Sequence sequence,
                                               std::vector<NewEvent> entries,
                                               std::size_t bytes) {
  auto batch = std::make_shared<RawBatch>();
  batch->sequence = sequence;
  batch->bytes = bytes;
  batch->events.reserve(entries.size());
  batch->keys.reserve(entries.size());
  TableInfo& info = batch->info;
  info.rows = static_cast<std::uint32_t>(entries.size());
  info.timestamp_min_ms = info.timestamp_max_ms = entries.front().event.timestamp_ms;
  info.ingested_min_ms = info.ingested_max_ms = entries.front().event.ingested_at_ms;
  for (NewEvent& entry : entries) {
    const Event& event = entry.event;
    if (entry.dedup_key) batch->keys.push_back({*entry.dedup_key, HourOf(event.ingested_at_ms)});
    info.timestamp_min_ms = std::min(info.timestamp_min_ms, event.timestamp_ms);
    info.timestamp_max_ms = std::max(info.timestamp_max_ms, event.timestamp_ms);
    info.ingested_min_ms = std::min(info.ingested_min_ms, event.ingested_at_ms);
    info.ingested_max_ms = std::max(info.ingested_max_ms, event.ingested_at_ms);
    batch->events.push_back(std::move(entry.event));
  }
  return batch;
}

}  // namespace postglass::store
