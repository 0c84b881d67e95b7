#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "store/embedded/segment/bit_packing.h"

namespace postglass::store {

// Bytes of a file, with zeros behind them for readers of packed numbers.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : size_(size), bytes_(new char[size + kPackingSlackBytes]) {
    std::memset(bytes_.get() + size, 0, kPackingSlackBytes);
  }

  explicit Buffer(std::string_view content) : Buffer(content.size()) {
    std::memcpy(bytes_.get(), content.data(), content.size());
  }

  std::string_view view() const { return {bytes_.get(), size_}; }

  std::span<char> writable() { return {bytes_.get(), size_}; }

  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace postglass::store
