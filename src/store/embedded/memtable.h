#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "journal/journal.h"
#include "store/embedded/exec/snapshot.h"
#include "store/embedded/raw_batch.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {

// What is in no segment yet, in order of the journal: tables, then raw batches that wait to become
// one. A table holds the events of whole journal records, so that a seal, which takes tables from
// the front, is a cut of the journal at one sequence.
//
// Not thread-safe; the store's mutex guards it. What was handed out is immutable. One thread builds
// and merges tables, one seals.
class Memtable {
 public:
  using Batches = std::vector<std::shared_ptr<const RawBatch>>;

  struct Part {
    std::shared_ptr<const MemoryTable> table;
    journal::Sequence last_sequence = 0;
    std::vector<SeenKey> keys;
  };

  using Parts = std::vector<std::shared_ptr<const Part>>;

  // Requires: a sequence above all before.
  void Insert(std::shared_ptr<const RawBatch> batch);

  // The oldest raw batches, as many as make a good table (limits.h); empty when there are none.
  Batches NextToBuild() const;
  // Puts the table in place of the oldest `batches`.
  void Built(Part part, const Batches& batches);

  // Neighbours to be merged because there are too many tables; empty: none.
  Parts NextToMerge() const;
  // Puts one in place of them, unless a seal took some of them meanwhile.
  void Merged(Part part, const Parts& replaced);

  // All tables of this moment, which stay until EndSeal(): dropped if they are in segments now.
  Parts BeginSeal();

  enum class Sealed { kYes, kNo };
  void EndSeal(Sealed sealed);

  // What a query sees.
  void AddTo(Snapshot& snapshot) const;

  // Calls use(TableInfo) for each table and batch.
  template <class F>
  void ForEachInfo(F&& use) const {
    for (const auto& part : parts_) use(part->table->info());
    for (const auto& batch : raw_) use(batch->info);
  }

  std::size_t rows() const { return raw_rows_ + table_rows_; }

  std::size_t raw_rows() const { return raw_rows_; }

  std::size_t table_rows() const { return table_rows_; }

  std::size_t raw_bytes() const { return raw_bytes_; }

  std::size_t table_bytes() const { return table_bytes_; }

 private:
  std::deque<std::shared_ptr<const Part>> parts_;
  std::size_t sealing_ = 0;  // the first of parts_, on their way into segments
  std::deque<std::shared_ptr<const RawBatch>> raw_;
  std::size_t raw_rows_ = 0;
  std::size_t raw_bytes_ = 0;
  std::size_t table_rows_ = 0;
  std::size_t table_bytes_ = 0;
};

}  // namespace postglass::store
