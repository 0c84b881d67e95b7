#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace postglass::net {

// Bytes received and not yet understood. Grows as asked; the caller bounds it.
class ReadBuffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }

  bool empty() const { return begin_ == end_; }

  std::size_t size() const { return end_ - begin_; }

  // Room for at least `bytes_min` more; fill it, then Commit() what was filled.
  std::span<char> Room(std::size_t bytes_min) {
    if (capacity_ - end_ < bytes_min) MakeRoom(bytes_min);
    return {data_.get() + end_, capacity_ - end_};
  }

  void Commit(std::size_t bytes) { end_ += bytes; }

  void Drop(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Forgets everything and gives the memory back.
  void Release() { *this = ReadBuffer(); }

 private:
  void MakeRoom(std::size_t bytes_min) {
    const std::size_t held = size();
    if (capacity_ >= held + bytes_min) {
      std::memmove(data_.get(), data_.get() + begin_, held);
    } else {
      const std::size_t capacity = std::max(held + bytes_min, capacity_ * 2);
      auto data = std::make_unique_for_overwrite<char[]>(capacity);
      if (held > 0) std::memcpy(data.get(), data_.get() + begin_, held);
      data_ = std::move(data);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace postglass::net
