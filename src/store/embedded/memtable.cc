#include "store/embedded/memtable.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "store/embedded/limits.h"

namespace postglass::store {

void Memtable::Insert(std::shared_ptr<const RawBatch> batch) {
  DCHECK(!batch->events.empty());
  raw_rows_ += batch->events.size();
  raw_bytes_ += batch->bytes;
  raw_.push_back(std::move(batch));
}

Memtable::Batches Memtable::NextToBuild() const {
  Batches batches;
  std::size_t rows = 0;
  std::size_t bytes = 0;
  for (const auto& batch : raw_) {
    rows += batch->events.size();
    bytes += batch->bytes;
    if (!batches.empty() && (rows > kBuildRowsMax || bytes > kBuildBytesMax)) break;
    batches.push_back(batch);
  }
  return batches;
}

void Memtable::Built(Part part, const Batches& batches) {
  for (const auto& batch : batches) {
    CHECK(raw_.front() == batch);
    raw_rows_ -= batch->events.size();
    raw_bytes_ -= batch->bytes;
    raw_.pop_front();
  }
  table_rows_ += part.table->info().rows;
  table_bytes_ += part.table->memory_bytes();
  parts_.push_back(std::make_shared<const Part>(std::move(part)));
}

Memtable::Parts Memtable::NextToMerge() const {
  if (parts_.size() - sealing_ <= kMemoryTablesMax) return {};
  // The run with the fewest rows: over time each event is merged a logarithmic number of times.
  std::size_t best = 0;
  std::uint64_t best_rows = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t begin = sealing_; begin + kMemoryMergeTables <= parts_.size(); ++begin) {
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < kMemoryMergeTables; ++i) {
      rows += parts_[begin + i]->table->info().rows;
    }
    if (rows >= best_rows) continue;
    best = begin;
    best_rows = rows;
  }
  const auto first = parts_.begin() + static_cast<std::ptrdiff_t>(best);
  return {first, first + kMemoryMergeTables};
}

void Memtable::Merged(Part part, const Parts& replaced) {
  const auto first = std::find(
      parts_.begin() + static_cast<std::ptrdiff_t>(sealing_), parts_.end(), replaced.front());
  if (first == parts_.end()) return;  // the whole run lies behind what a seal took, or none of it
  for (const auto& old : replaced) table_bytes_ -= old->table->memory_bytes();
  table_bytes_ += part.table->memory_bytes();
  *first = std::make_shared<const Part>(std::move(part));
  parts_.erase(first + 1, first + static_cast<std::ptrdiff_t>(replaced.size()));
}

Memtable::Parts Memtable::BeginSeal() {
  sealing_ = parts_.size();
  return {parts_.begin(), parts_.end()};
}

void Memtable::EndSeal(Sealed sealed) {
  if (sealed == Sealed::kNo) {
    sealing_ = 0;
    return;
  }
  for (; sealing_ > 0; --sealing_) {
    table_rows_ -= parts_.front()->table->info().rows;
    table_bytes_ -= parts_.front()->table->memory_bytes();
    parts_.pop_front();
  }
}

void Memtable::AddTo(Snapshot& snapshot) const {
  for (const auto& part : parts_) snapshot.tables.push_back({part->table, nullptr});
  for (const auto& batch : raw_) {
    snapshot.raw.push_back(
        {batch, batch->events, batch->info.timestamp_min_ms, batch->info.timestamp_max_ms});
  }
}

}  // namespace postglass::store
