#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/table/table.h"
#include "store/predicate.h"

namespace postglass::store {

// A column that holds values of a field, and how a value is read from the column's.
struct FieldColumn {
  ColumnIndex column = 0;
  ValueType type = ValueType::kString;
  bool skips_empty = false;  // reserved fields: an empty text is no value
  bool text_only = false;    // free text: a number is only its text
  // Of a tag field: "name:", which a value begins with in the column; the rest is the value. Lives
  // as long as the table's query.
  std::string_view prefix;
};

// Fields that are in no column: of the row's keys, or the same in every row.
enum class KeyField { kNone, kTimestamp, kId, kIndex };

KeyField KeyFieldOf(const Field& field);

// The prefix of a tag field's values; else empty.
std::string TagPrefixOf(const Field& field);

// The columns of a table that hold values of the field, as EventReader::AnyValue() finds them.
// `prefix` is TagPrefixOf() the field.
std::vector<FieldColumn> ColumnsOf(const Field& field, std::string_view prefix, const Table& table);

// The codes of the column that are values of the field.
Result<std::pair<Code, Code>> CodesOfField(const FieldColumn& column, const Dictionary& dictionary);

// The strings of a dictionary that begin with the prefix.
Result<std::pair<Code, Code>> CodesWithPrefix(const Dictionary& dictionary,
                                              std::string_view prefix);

}  // namespace postglass::store
