#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::store {

// What small zstd blocks of one column have in common, so that each need not say it again: pieces
// of the column's own text, and the statistics of its blocks. It holds values of the column and
// goes with the segment when that is rewritten.
class BlockDictionary {
 public:
  // Empty when the samples are too few to be worth it.
  static std::string Train(const std::vector<std::string>& samples);

  // Any bytes are accepted; empty bytes are no dictionary.
  explicit BlockDictionary(std::string_view bytes);
  ~BlockDictionary();
  BlockDictionary(const BlockDictionary&) = delete;
  BlockDictionary& operator=(const BlockDictionary&) = delete;

  std::string Compress(std::string_view raw) const;
  // Fills out[0 … raw_bytes). False when the frame does not hold just that.
  bool Decompress(std::string_view frame, char* out, std::size_t raw_bytes) const;

  std::size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postglass::store
