#pragma once

#include <memory>
#include <span>
#include <vector>

#include "store/embedded/table/memory_table.h"
#include "store/types.h"

namespace postglass::store {

// Turns events into tables: parses the attributes once, gathers the values column by column, then
// interns a column at a time, which is what makes it fast. One a thread; keeps its buffers and what
// it learned of shapes.
class TableBuilder {
 public:
  TableBuilder();
  ~TableBuilder();

  // One table of all these events, sorted by (timestamp, id). Never fails: an event that does not
  // fit the columns keeps its text (Shape::Text::kOpaque).
  // Requires: 1 to kTableRowsMax events, under 4 GiB of text in all.
  std::shared_ptr<const MemoryTable> Build(std::span<const Event* const> events);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postglass::store
