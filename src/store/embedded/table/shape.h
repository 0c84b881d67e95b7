#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// What rows of one form have in common: the attributes' text without its values, the number of
// tags, and the columns that the values are in. It takes the place of null bitmaps, and with the
// values it gives the text back byte for byte.
struct Shape {
  // How a row's attributes come back.
  enum class Text : std::uint8_t {
    kRebuilt,   // skeleton and values give the same bytes
    kVerbatim,  // values are in columns, the text is in the column kAttributesText too
    kOpaque,    // only the text is kept: not one JSON object, or beyond the limits of a table.
                // Such rows are matched and counted from their text (EventReader)
  };

  // The JSON text with each scalar but null replaced by its type's mark, kMarks[type]; a double
  // that is written as Boost.JSON writes them ("7.5E0") by kScientificMark. Of an integral double
  // with a fraction ("7.0") the integer is the value and the fraction stays. Control characters are
  // not allowed in JSON, so marks cannot be mistaken. Empty for kOpaque.
  std::string skeleton;
  Text text = Text::kRebuilt;
  std::uint32_t tags_count = 0;
  // One entry a value: the five reserved columns in order of ColumnKind, the tag column tags_count
  // times, an attribute column a mark, in order, then the text column for kVerbatim and kOpaque.
  std::vector<ColumnIndex> columns;

  bool operator==(const Shape&) const = default;
};

inline constexpr char kMarks[] = {'\x01', '\x02', '\x03', '\x04'};  // by ValueType
inline constexpr char kScientificMark = '\x05';

inline bool IsMark(char c) { return c >= kMarks[0] && c <= kScientificMark; }

// The columns of a skeleton's marks, in order. Requires: made from JSON that simdjson accepted.
std::vector<ColumnKey> ColumnsOfSkeleton(std::string_view skeleton);

}  // namespace postglass::store
