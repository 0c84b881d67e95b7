#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "journal/journal.h"
#include "store/embedded/block.h"
#include "store/embedded/dedup_window.h"
#include "store/types.h"

namespace postglass::store {

// The events of one journal record, as they came. Immutable once it is in the memtable.
struct RawBatch {
  journal::Sequence sequence = 0;
  std::vector<Event> events;
  std::vector<SeenKey> keys;
  std::size_t bytes = 0;
  std::int64_t timestamp_min_ms = 0;
  std::int64_t timestamp_max_ms = 0;

  static std::shared_ptr<const RawBatch> Make(journal::Sequence sequence,
                                              std::vector<NewEvent> entries);
};

// What is not in a segment yet, in order of the journal: encoded blocks, then full chunks that wait
// for the encoder, then the open chunk. A chunk always ends with a journal record, so that a
// segment holds whole records and replay has a clean place to start.
//
// Not thread-safe; the store's mutex guards it. Chunks that were handed out are immutable.
class Memtable {
 public:
  struct Chunk {
    std::vector<std::shared_ptr<const RawBatch>> batches;
    std::size_t rows = 0;
    std::size_t bytes = 0;
  };

  struct EncodedChunk {
    std::vector<std::shared_ptr<const EncodedBlock>> blocks;
    std::vector<SeenKey> keys;
    journal::Sequence last_sequence = 0;
    std::size_t rows = 0;
    std::size_t bytes = 0;  // of the blocks
  };

  // Requires: a sequence above all before, at least one event.
  void Insert(std::shared_ptr<const RawBatch> batch);
  void CloseOpenChunk();

  // The oldest chunk that waits for the encoder; null when none does.
  std::shared_ptr<const Chunk> NextToEncode() const;
  // Puts the blocks in place of NextToEncode().
  void Encoded(EncodedChunk chunk);

  const std::deque<std::shared_ptr<const EncodedChunk>>& encoded() const { return encoded_; }

  // The first `count` encoded chunks are in a segment now.
  void DropEncoded(std::size_t count);

  // In order of the journal.
  std::vector<std::shared_ptr<const RawBatch>> RawBatches() const;

  std::size_t rows() const { return rows_; }

  std::size_t encoded_rows() const { return encoded_rows_; }

  std::size_t raw_bytes() const { return raw_bytes_; }  // waiting to be encoded

  std::size_t encoded_bytes() const { return encoded_bytes_; }  // waiting to be sealed

 private:
  std::deque<std::shared_ptr<const EncodedChunk>> encoded_;
  std::deque<std::shared_ptr<const Chunk>> full_;
  Chunk open_;
  std::size_t rows_ = 0;
  std::size_t encoded_rows_ = 0;
  std::size_t raw_bytes_ = 0;
  std::size_t encoded_bytes_ = 0;
};

// Encodes a chunk as one or more blocks.
Memtable::EncodedChunk EncodeChunk(const Memtable::Chunk& chunk, BlockEncoder& encoder);

}  // namespace postglass::store
