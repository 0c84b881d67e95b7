#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "journal/journal.h"
#include "store/embedded/dedup_window.h"
#include "store/embedded/table/table.h"
#include "store/types.h"

namespace postglass::store {

// The events of one journal record, as they came. Immutable once it is in the memtable.
struct RawBatch {
  journal::Sequence sequence = 0;
  std::vector<Event> events;
  std::vector<SeenKey> keys;
  std::size_t bytes = 0;
  TableInfo info;  // rows and times

  // Takes the events over; `bytes` is what they take (batch_codec.h). Requires: at least one.
  static std::shared_ptr<const RawBatch> Make(journal::Sequence sequence,
                                              std::vector<NewEvent> entries,
                                              std::size_t bytes);
};

}  // namespace postglass::store
