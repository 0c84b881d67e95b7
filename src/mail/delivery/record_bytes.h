#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"

// The byte forms inside the spool's and the capture's journal records: integers as LEB128 varints,
// texts as length and bytes. Journals check whole records, sealing authenticates them; the reader
// still checks every length, so that a record of another version cannot make it read wild.

namespace postglass::mail {

class RecordWriter {
 public:
  void Number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_ += static_cast<char>(0x80 | (value & 0x7F));
      value >>= 7;
    }
    bytes_ += static_cast<char>(value);
  }

  void Text(std::string_view text) {
    Number(text.size());
    bytes_ += text;
  }

  void Time(Timestamp t) { Number(static_cast<std::uint64_t>(t.nanos)); }

  void Reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first failure every call fails and yields nothing; ok() is asked once at the end.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number() {
    constexpr int kBitsMax = 64;
    std::uint64_t value = 0;
    for (int shift = 0; shift < kBitsMax; shift += 7) {
      if (rest_.empty()) return Failed();
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return Failed();
  }

  // A count of things that take at least one byte each.
  std::size_t Count() {
    const std::uint64_t count = Number();
    return count <= rest_.size() ? static_cast<std::size_t>(count) : Failed();
  }

  std::string Text() {
    const std::size_t size = Count();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  Timestamp Time() { return {static_cast<std::int64_t>(Number())}; }

  bool ok() const { return ok_; }

  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::size_t Failed() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace postglass::mail
