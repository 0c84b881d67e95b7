#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

// The vocabulary of column tables. A table holds events as columns: every distinct value of a
// column once, in a sorted dictionary, and for each value in the rows its place there, the code.

namespace postglass::store {

using Code = std::uint32_t;         // place in a column's dictionary
using RowIndex = std::uint32_t;     // place in a table, rows in order of (timestamp, id)
using ColumnIndex = std::uint32_t;  // place in Table::columns()
using ShapeIndex = std::uint32_t;   // place in Table::shapes()
using ValueIndex = std::uint32_t;   // place among a column's values, in order of rows

// What part of an event a column holds.
enum class ColumnKind : std::uint8_t {
  kMessage,  // these five: one string in every row, possibly empty
  kStatus,
  kService,
  kSource,
  kHost,
  kTags,            // the elements of the tag list, strings
  kAttribute,       // the values at one path of the attributes
  kAttributesText,  // attributes as they came, of rows whose shape keeps them (Shape::text)
};

// Values of one path that differ in type are in columns of their own ("typed twins").
enum class ValueType : std::uint8_t { kString, kInteger, kDouble, kBool };

struct ColumnKey {
  ColumnKind kind = ColumnKind::kAttribute;
  ValueType type = ValueType::kString;
  std::string path;  // of kAttribute: keys joined with dots, arrays leave no trace; else empty

  auto operator<=>(const ColumnKey&) const = default;
};

// The codes of one column, one a value, in rows' order; as narrow as the dictionary allows.
class Codes {
 public:
  using Narrow = std::vector<std::uint8_t>;
  using Medium = std::vector<std::uint16_t>;
  using Wide = std::vector<std::uint32_t>;

  struct Constant {       // every value has code 0
    std::uint32_t count;  // without an initialiser, which clang refuses in a class not yet complete

    std::size_t size() const { return count; }

    Code operator[](std::size_t) const { return 0; }
  };

  Codes() = default;

  explicit Codes(Constant c) : values_(c) {}

  explicit Codes(Narrow v) : values_(std::move(v)) {}

  explicit Codes(Medium v) : values_(std::move(v)) {}

  explicit Codes(Wide v) : values_(std::move(v)) {}

  // The narrowest form for a dictionary of that size. Requires: every code below it.
  static Codes Pack(const std::vector<Code>& codes, std::size_t dictionary_size);

  std::size_t size() const {
    return std::visit([](const auto& v) { return v.size(); }, values_);
  }

  Code operator[](std::size_t i) const {
    return std::visit([i](const auto& v) -> Code { return v[i]; }, values_);
  }

  std::size_t memory_bytes() const;

  // Calls `use` with the container itself (size(), operator[]), so that loops over all codes are
  // compiled for each width.
  template <class F>
  decltype(auto) Visit(F&& use) const {
    return std::visit(std::forward<F>(use), values_);
  }

 private:
  std::variant<Constant, Narrow, Medium, Wide> values_;
};

}  // namespace postglass::store
