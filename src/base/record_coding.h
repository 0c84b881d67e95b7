#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

// The plain coding of journal records: a kind byte, then fields. Integers are LEB128, strings are
// length and bytes, times are nanoseconds.

namespace postglass {

class RecordWriter {
 public:
  explicit RecordWriter(std::uint8_t kind) { out_ += static_cast<char>(kind); }

  void Number(std::uint64_t n) {
    while (n >= 0x80) {
      out_ += static_cast<char>((n & 0x7F) | 0x80);
      n >>= 7;
    }
    out_ += static_cast<char>(n);
  }

  void Text(std::string_view text) {
    Number(text.size());
    out_ += text;
  }

  void Time(Timestamp t) { Number(static_cast<std::uint64_t>(t.nanos)); }

  std::string Finish() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what RecordWriter wrote. After the first error everything reads as empty.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }

  bool at_end() const { return rest_.empty(); }

  std::uint8_t Byte() {
    if (rest_.empty()) return Broken<std::uint8_t>();
    const auto byte = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }

  std::uint64_t Number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (!ok_) return 0;
      n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return n;
    }
    return Broken<std::uint64_t>();
  }

  std::string Text() {
    const std::uint64_t size = Number();
    if (size > rest_.size()) return Broken<std::string>();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  // How many items follow; each takes at least one byte, which bounds what is reserved.
  std::size_t Count() {
    const std::uint64_t count = Number();
    if (count > rest_.size()) return Broken<std::size_t>();
    return count;
  }

  Timestamp Time() { return {static_cast<std::int64_t>(Number())}; }

  template <class Enum>
  Enum Choice(Enum last) {
    const std::uint64_t n = Number();
    if (n > static_cast<std::uint64_t>(last)) return Broken<Enum>();
    return static_cast<Enum>(n);
  }

 private:
  template <class T>
  T Broken() {
    ok_ = false;
    rest_ = {};
    return T();
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace postglass
