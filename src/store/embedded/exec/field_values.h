#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/embedded/exec/selection.h"

namespace postglass::store {

struct TextHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

using ValueCounts = std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>>;

using ValueId = std::uint32_t;

// The values of a counted field in one table, as small numbers: counting is by these, and only what
// an answer names becomes text. A row's equal values, also of different type, count once.
class FieldValues {
 public:
  struct Column {
    FieldColumn column;
    std::shared_ptr<const Dictionary> dictionary;
    std::shared_ptr<const Codes> codes;
    std::shared_ptr<const Layout> layout;
    Code begin = 0;  // the codes that are values of the field
    Code end = 0;
    ValueId first_id = 0;  // of code 0
  };

  // Errors: of the table; kCancelled.
  static Result<FieldValues> Of(const CompiledPlan::CountedField& field, TableSelector& selector);

  // Ids are below it.
  ValueId ids_count() const { return ids_count_; }

  // Adds to counts[id] the number of selected rows in [begin, end) that hold the value; ids that
  // are no value of the field (is_value()) may be counted too.
  void Count(const RowSet& rows, RowIndex begin, RowIndex end, std::vector<std::uint32_t>& counts);

  bool is_value(ValueId id) const;

  // The value's text. Errors: of the table.
  Status AppendText(ValueId id, std::string& out) const;

  // Whether every column has ids of its own, which no other column's value equals; not so for keys
  // and for typed twins that hold equal texts.
  bool is_separate() const { return key_field_ == KeyField::kNone && unified_.empty(); }

  // The one id of all that have the same text. Requires: is_value(id).
  ValueId Unified(ValueId id) const { return unified_.empty() ? id : unified_[id]; }

  // Whether one row never holds more than one value.
  bool is_single() const;

  KeyField key_field() const { return key_field_; }

  const std::vector<Column>& columns() const { return columns_; }

 private:
  FieldValues() = default;

  Result<bool> MayHoldEqualTexts() const;
  Status UnifyIds();
  void CountColumn(const Column& column,
                   const RowSet& rows,
                   RowIndex begin,
                   RowIndex end,
                   std::vector<std::uint32_t>& counts);
  void CountRowwise(const RowSet& rows,
                    RowIndex begin,
                    RowIndex end,
                    std::vector<std::uint32_t>& counts);
  void CountKeys(const RowSet& rows,
                 RowIndex begin,
                 RowIndex end,
                 std::vector<std::uint32_t>& counts);
  const Column& ColumnOfId(ValueId id) const;

  KeyField key_field_ = KeyField::kNone;
  const RowKeys* keys_ = nullptr;
  std::vector<Column> columns_;
  std::vector<ValueId> unified_;  // by id: the least id with the same text; empty: itself
  ValueId ids_count_ = 0;
  std::vector<RowIndex> last_row_;  // by id, for counting a row once
};

// The text of a column's value. Errors: of the dictionary.
Status AppendValueText(const Dictionary& dictionary,
                       const FieldColumn& column,
                       Code code,
                       std::string& out);

}  // namespace postglass::store
