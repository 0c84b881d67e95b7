#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/embedded/table/column.h"
#include "store/function_ref.h"

namespace postglass::store {

// The order of doubles in a dictionary, where -0.0 and 0.0 are two values.
inline bool DoubleBefore(double a, double b) {
  return a != b ? a < b : std::bit_cast<std::uint64_t>(a) < std::bit_cast<std::uint64_t>(b);
}

// The distinct values of one column, ascending: strings by bytes, integers by value, doubles by
// value and then by bits, false before true. Immutable, thread-safe. In a segment it is read as far
// as a call needs; errors: kIo, kCorruption (names the segment and the block).
class Dictionary {
 public:
  virtual ~Dictionary() = default;

  virtual ValueType type() const = 0;
  virtual std::uint32_t size() const = 0;

  // Strings: true when no value has an ASCII upper-case letter, so that a look-up without regard to
  // case is a look-up of the lower-case text.
  virtual bool all_lower_case() const = 0;

  // Requires: type() is kString for these four, and codes below size().
  // The code of that very string.
  virtual Result<std::optional<Code>> Find(std::string_view text) const = 0;
  // The first code whose string is not before `text`; size() when all are.
  virtual Result<Code> LowerBound(std::string_view text) const = 0;
  // Appends the string to `out`.
  virtual Status AppendText(Code code, std::string& out) const = 0;
  // Visits the strings of codes `begin` up to `end` in order, until a visit returns false. Far
  // cheaper a value than AppendText(). The view ends with the visit.
  virtual Status ForEachText(Code begin,
                             Code end,
                             FunctionRef<bool(Code, std::string_view)> visit) const = 0;

  // All numbers, in order of code; of the type that the name says, else empty. Live as long as
  // this.
  virtual Result<std::span<const std::int64_t>> Integers() const = 0;
  virtual Result<std::span<const double>> Doubles() const = 0;
  // kBool: what codes 0 and 1 stand for; a dictionary of one value has one.
  virtual bool BoolAt(Code code) const = 0;
};

}  // namespace postglass::store
