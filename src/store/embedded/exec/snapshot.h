#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "store/embedded/table/table.h"
#include "store/types.h"

namespace postglass::store {

// Rows of one table that a delete hid, ascending.
using DeletedRows = std::vector<RowIndex>;

struct LiveTable {
  std::shared_ptr<const Table> table;
  std::shared_ptr<const DeletedRows> deleted;  // null: none
};

// Events that are in no table yet, as they came; a thousand or so at most in all.
struct RawEvents {
  std::shared_ptr<const void> owner;  // keeps them alive
  std::span<const Event> events;
  std::int64_t timestamp_min_ms = 0;
  std::int64_t timestamp_max_ms = 0;
};

// All events of one moment. Holding it keeps files open and memory alive; it never changes.
struct Snapshot {
  std::vector<LiveTable> tables;
  std::vector<RawEvents> raw;
};

}  // namespace postglass::store
