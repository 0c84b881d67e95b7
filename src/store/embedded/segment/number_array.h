#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/coding.h"
#include "store/embedded/segment/bit_packing.h"

namespace postglass::store {

// Numbers as few bits as their range asks for, each reachable by itself. Of three forms the writer
// takes the shortest:
//   packed   all as differences to the smallest, of one width (0: all are the same)
//   blocks   the same for each 128, as times and counters like it
//   patched  one width for nearly all; the few that are larger are kept beside
class NumberArray {
 public:
  static void Append(std::string& out, std::span<const std::uint64_t> numbers);

  // Numbers that are at most `width` bits above `base`, in the form that is quickest to read.
  template <class Values>
  static void AppendPlain(std::string& out,
                          const Values& numbers,
                          std::uint64_t base,
                          unsigned width) {
    PutFixed(out, static_cast<std::uint8_t>(Form::kPacked));
    PutVarint(out, numbers.size());
    PutVarint(out, base);
    PutFixed(out, static_cast<std::uint8_t>(width));
    AppendPacked(out, numbers, base, width);
  }

  // Nothing when the bytes are no array of at most `count_max` numbers. What `in` reads must stay,
  // with the slack that Buffer has.
  static std::optional<NumberArray> Take(ByteReader& in, std::uint64_t count_max);

  std::uint32_t size() const { return count_; }

  std::uint64_t operator[](std::size_t i) const {
    switch (form_) {
      case Form::kPacked:
        return base_ + LoadBits(packed_, i, width_);
      case Form::kBlocks: {
        const Block& block = blocks_[i / kBlockNumbers];
        return block.base + LoadBits(packed_ + block.offset, i % kBlockNumbers, block.width);
      }
      case Form::kPatched:
        break;
    }
    return Patched(i);
  }

  // No number is below the first or above the second; the second may be more than the largest.
  std::pair<std::uint64_t, std::uint64_t> Bounds() const;

  // All of them, to out[0 … size()).
  template <class T>
  void CopyTo(T* out) const;

  std::size_t memory_bytes() const {
    return blocks_.size() * sizeof(Block) +
           patch_places_.size() * (sizeof(std::uint32_t) + sizeof(std::uint64_t));
  }

 private:
  static constexpr std::size_t kBlockNumbers = 128;
  enum class Form : std::uint8_t { kPacked, kBlocks, kPatched };

  struct Block {
    std::uint64_t base = 0;
    std::uint32_t offset = 0;
    std::uint32_t width = 0;
  };

  bool TakeBlocks(ByteReader& in);
  bool TakePatches(ByteReader& in);
  std::uint64_t Patched(std::size_t i) const;

  Form form_ = Form::kPacked;
  std::uint32_t count_ = 0;
  unsigned width_ = 0;
  std::uint64_t base_ = 0;
  const char* packed_ = nullptr;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> patch_places_;  // ascending
  std::vector<std::uint64_t> patch_numbers_;
};

template <class T>
void NumberArray::CopyTo(T* out) const {
  if (form_ == Form::kBlocks) {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Block block = blocks_[b];
      const std::size_t begin = b * kBlockNumbers;
      const std::size_t count = count_ - begin < kBlockNumbers ? count_ - begin : kBlockNumbers;
      for (std::size_t i = 0; i < count; ++i) {
        out[begin + i] =
            static_cast<T>(block.base + LoadBits(packed_ + block.offset, i, block.width));
      }
    }
    return;
  }
  for (std::size_t i = 0; i < count_; ++i) {
    out[i] = static_cast<T>(base_ + LoadBits(packed_, i, width_));
  }
  for (std::size_t i = 0; i < patch_places_.size(); ++i) {
    out[patch_places_[i]] = static_cast<T>(patch_numbers_[i]);
  }
}

}  // namespace postglass::store
