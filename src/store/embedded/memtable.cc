#include "store/embedded/memtable.h"

#include <algorithm>

#include "base/check.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/limits.h"

namespace postglass::store {

std::shared_ptr<const RawBatch> RawBatch::Make(journal::Sequence sequence,
                                               std::vector<NewEvent> entries) {
  auto batch = std::make_shared<RawBatch>();
  batch->sequence = sequence;
  batch->events.reserve(entries.size());
  for (NewEvent& entry : entries) {
    batch->bytes += ApproximateBytes(entry.event);
    if (entry.dedup_key) {
      batch->keys.push_back({*entry.dedup_key, HourOf(entry.event.ingested_at_ms)});
    }
    const std::int64_t timestamp_ms = entry.event.timestamp_ms;
    const bool first = batch->events.empty();
    batch->timestamp_min_ms =
        first ? timestamp_ms : std::min(batch->timestamp_min_ms, timestamp_ms);
    batch->timestamp_max_ms =
        first ? timestamp_ms : std::max(batch->timestamp_max_ms, timestamp_ms);
    batch->events.push_back(std::move(entry.event));
  }
  return batch;
}

void Memtable::Insert(std::shared_ptr<const RawBatch> batch) {
  DCHECK(!batch->events.empty());
  open_.rows += batch->events.size();
  open_.bytes += batch->bytes;
  rows_ += batch->events.size();
  raw_bytes_ += batch->bytes;
  open_.batches.push_back(std::move(batch));
  if (open_.rows >= kBlockRowsTarget || open_.bytes >= kBlockBytesTarget) CloseOpenChunk();
}

void Memtable::CloseOpenChunk() {
  if (open_.rows == 0) return;
  full_.push_back(std::make_shared<const Chunk>(std::move(open_)));
  open_ = {};
}

std::shared_ptr<const Memtable::Chunk> Memtable::NextToEncode() const {
  return full_.empty() ? nullptr : full_.front();
}

void Memtable::Encoded(EncodedChunk chunk) {
  CHECK(!full_.empty() && full_.front()->rows == chunk.rows);
  raw_bytes_ -= full_.front()->bytes;
  full_.pop_front();
  encoded_rows_ += chunk.rows;
  encoded_bytes_ += chunk.bytes;
  encoded_.push_back(std::make_shared<const EncodedChunk>(std::move(chunk)));
}

void Memtable::DropEncoded(std::size_t count) {
  for (; count > 0; --count) {
    rows_ -= encoded_.front()->rows;
    encoded_rows_ -= encoded_.front()->rows;
    encoded_bytes_ -= encoded_.front()->bytes;
    encoded_.pop_front();
  }
}

std::vector<std::shared_ptr<const RawBatch>> Memtable::RawBatches() const {
  std::vector<std::shared_ptr<const RawBatch>> batches;
  for (const auto& chunk : full_) {
    batches.insert(batches.end(), chunk->batches.begin(), chunk->batches.end());
  }
  batches.insert(batches.end(), open_.batches.begin(), open_.batches.end());
  return batches;
}

Memtable::EncodedChunk EncodeChunk(const Memtable::Chunk& chunk, BlockEncoder& encoder) {
  Memtable::EncodedChunk encoded;
  encoded.rows = chunk.rows;
  // Blocks of equal size instead of full ones and a rest: a rest costs as much as a block to read.
  const std::size_t blocks = std::max((chunk.rows + kBlockRowsMax - 1) / kBlockRowsMax,
                                      (chunk.bytes + kBlockBytesMax - 1) / kBlockBytesMax);
  const std::size_t block_rows = (chunk.rows + blocks - 1) / blocks;
  const std::size_t block_bytes = chunk.bytes / blocks + kBlockBytesTarget;
  std::vector<const Event*> pending;
  std::size_t pending_bytes = 0;
  const auto finish_block = [&] {
    if (pending.empty()) return;
    auto block = std::make_shared<const EncodedBlock>(encoder.Encode(pending));
    encoded.bytes += block->data.size() + block->filter.size();
    encoded.blocks.push_back(std::move(block));
    pending.clear();
    pending_bytes = 0;
  };
  for (const auto& batch : chunk.batches) {
    encoded.last_sequence = batch->sequence;
    encoded.keys.insert(encoded.keys.end(), batch->keys.begin(), batch->keys.end());
    for (const Event& event : batch->events) {
      pending.push_back(&event);
      pending_bytes += ApproximateBytes(event);
      if (pending.size() == block_rows || pending_bytes >= block_bytes) finish_block();
    }
  }
  finish_block();
  return encoded;
}

}  // namespace postglass::store
