#include "store/embedded/exec/field_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "store/embedded/exec/code_count.h"
#include "store/event_reader.h"

namespace postglass::store {

namespace {

constexpr RowIndex kNoRow = ~RowIndex{0};

// Calls `use(i)` for the values in rows [begin, end) whose row is selected, ascending.
template <class F>
void ForEachSelectedValue(
    const Layout& layout, const RowSet& rows, RowIndex begin, RowIndex end, F&& use) {
  const ValueIndex first = layout.LowerBound(begin);
  const ValueIndex last = layout.LowerBound(end);
  if (rows.kind == RowSet::Kind::kAll) {
    for (ValueIndex i = first; i < last; ++i) use(i);
  } else if (rows.kind == RowSet::Kind::kSome && layout.is_identity()) {
    rows.some.ForEach(begin, end, use);
  } else if (rows.kind == RowSet::Kind::kSome) {
    const std::span<const RowIndex> row_of = layout.rows();
    for (ValueIndex i = first; i < last; ++i) {
      if (rows.some.Test(row_of[i])) use(i);
    }
  }
}

template <class F>
void ForEachSelectedRow(const RowSet& rows, RowIndex begin, RowIndex end, F&& use) {
  if (rows.kind == RowSet::Kind::kAll) {
    for (RowIndex row = begin; row < end; ++row) use(row);
  } else if (rows.kind == RowSet::Kind::kSome) {
    rows.some.ForEach(begin, end, use);
  }
}

}  // namespace

Status AppendValueText(const Dictionary& dictionary,
                       const FieldColumn& column,
                       Code code,
                       std::string& out) {
  switch (column.type) {
    case ValueType::kString: {
      const std::size_t begin = out.size();
      RETURN_IF_ERROR(dictionary.AppendText(code, out));
      out.erase(begin, column.prefix.size());
      return {};
    }
    case ValueType::kInteger: {
      ASSIGN_OR_RETURN(const auto integers, dictionary.Integers());
      const fmt::format_int text(integers[code]);
      out.append(text.data(), text.size());
      return {};
    }
    case ValueType::kDouble: {
      ASSIGN_OR_RETURN(const auto doubles, dictionary.Doubles());
      out += NumberText(doubles[code]);
      return {};
    }
    case ValueType::kBool:
      out += dictionary.BoolAt(code) ? "true" : "false";
      return {};
  }
  return {};
}

Result<FieldValues> FieldValues::Of(const CompiledPlan::CountedField& field,
                                    TableSelector& selector) {
  FieldValues values;
  const Table& table = selector.table();
  values.key_field_ = KeyFieldOf(field.field);
  if (values.key_field_ == KeyField::kIndex) {
    values.ids_count_ = 1;
    return values;
  }
  if (values.key_field_ != KeyField::kNone) {
    ASSIGN_OR_RETURN(values.keys_, selector.Keys());
    values.ids_count_ = table.info().rows;  // the first row with the key
    return values;
  }
  for (const FieldColumn& column : ColumnsOf(field.field, field.prefix, table)) {
    Column one;
    one.column = column;
    ASSIGN_OR_RETURN(one.dictionary, table.DictionaryOf(column.column));
    ASSIGN_OR_RETURN(const auto bounds, CodesOfField(column, *one.dictionary));
    one.begin = bounds.first;
    one.end = bounds.second;
    if (one.begin == one.end) continue;
    ASSIGN_OR_RETURN(one.codes, table.CodesOf(column.column));
    ASSIGN_OR_RETURN(one.layout, table.LayoutOf(column.column));
    one.first_id = values.ids_count_;
    values.ids_count_ += one.dictionary->size();
    values.columns_.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const bool may_hold_equal, values.MayHoldEqualTexts());
  if (may_hold_equal) RETURN_IF_ERROR(values.UnifyIds());
  return values;
}

// False only when no two ids have one text. Strings that look like no number equal none.
Result<bool> FieldValues::MayHoldEqualTexts() const {
  std::size_t strings = 0;
  bool fractions_only = true;
  bool doubles = false;
  for (const Column& column : columns_) {
    if (column.column.type == ValueType::kString) ++strings;
    if (column.column.type != ValueType::kDouble) continue;
    doubles = true;
    ASSIGN_OR_RETURN(const auto numbers, column.dictionary->Doubles());
    fractions_only =
        std::all_of(numbers.begin(), numbers.end(), [](double n) { return n != std::trunc(n); });
  }
  if (doubles && !fractions_only) return true;  // also 0.0 and -0.0
  if (columns_.size() < 2) return false;
  if (strings > 1) return true;
  for (const Column& column : columns_) {
    if (column.column.type != ValueType::kString) continue;
    if (!column.column.prefix.empty()) return true;
    ASSIGN_OR_RETURN(const Code digits_begin, column.dictionary->LowerBound("-"));
    ASSIGN_OR_RETURN(const Code digits_end, column.dictionary->LowerBound(":"));
    ASSIGN_OR_RETURN(const auto yes, column.dictionary->Find("true"));
    ASSIGN_OR_RETURN(const auto no, column.dictionary->Find("false"));
    if (digits_begin != digits_end || yes || no) return true;
  }
  // Free text may come from several paths, whose numbers may be equal.
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    for (std::size_t k = i + 1; k < columns_.size(); ++k) {
      if (columns_[i].column.type == columns_[k].column.type) return true;
    }
  }
  return false;
}

Status FieldValues::UnifyIds() {
  std::unordered_map<std::string, ValueId> first_of_text;
  unified_.resize(ids_count_);
  for (const Column& column : columns_) {
    for (Code code = column.begin; code < column.end; ++code) {
      std::string text;
      RETURN_IF_ERROR(AppendValueText(*column.dictionary, column.column, code, text));
      const ValueId id = column.first_id + code;
      unified_[id] = first_of_text.try_emplace(std::move(text), id).first->second;
    }
  }
  return {};
}

const FieldValues::Column& FieldValues::ColumnOfId(ValueId id) const {
  std::size_t i = columns_.size() - 1;
  while (columns_[i].first_id > id) --i;
  return columns_[i];
}

bool FieldValues::is_value(ValueId id) const {
  if (key_field_ != KeyField::kNone) return true;
  const Column& column = ColumnOfId(id);
  const Code code = id - column.first_id;
  return code >= column.begin && code < column.end;
}

bool FieldValues::is_single() const {
  if (key_field_ != KeyField::kNone) return true;
  return columns_.empty() || (columns_.size() == 1 && columns_[0].layout->is_single());
}

Status FieldValues::AppendText(ValueId id, std::string& out) const {
  switch (key_field_) {
    case KeyField::kIndex:
      out += "main";
      return {};
    case KeyField::kId:
      out += keys_->id(id).ToString();
      return {};
    case KeyField::kTimestamp:
      out += fmt::format("{}", keys_->timestamp_ms(id));
      return {};
    case KeyField::kNone:
      break;
  }
  const Column& column = ColumnOfId(id);
  return AppendValueText(*column.dictionary, column.column, id - column.first_id, out);
}

void FieldValues::Count(const RowSet& rows,
                        RowIndex begin,
                        RowIndex end,
                        std::vector<std::uint32_t>& counts) {
  if (key_field_ != KeyField::kNone) {
    CountKeys(rows, begin, end, counts);
  } else if (!unified_.empty()) {
    CountRowwise(rows, begin, end, counts);
  } else {
    for (const Column& column : columns_) CountColumn(column, rows, begin, end, counts);
  }
}

void FieldValues::CountColumn(const Column& column,
                              const RowSet& rows,
                              RowIndex begin,
                              RowIndex end,
                              std::vector<std::uint32_t>& counts) {
  std::uint32_t* const count_of = counts.data() + column.first_id;
  const Layout& layout = *column.layout;
  column.codes->Visit([&](const auto& codes) {
    if (rows.kind == RowSet::Kind::kAll && layout.is_single()) {
      CountCodes(codes, layout.LowerBound(begin), layout.LowerBound(end), count_of);
      return;
    }
    if (rows.kind == RowSet::Kind::kSome && layout.is_identity()) {
      CountCodesOfRows(codes, rows.some, begin, end, count_of);
      return;
    }
    if (layout.is_single()) {
      ForEachSelectedValue(layout, rows, begin, end, [&](ValueIndex i) { ++count_of[codes[i]]; });
      return;
    }
    last_row_.resize(ids_count_, kNoRow);
    RowIndex* const last_of = last_row_.data() + column.first_id;
    const std::span<const RowIndex> row_of = layout.rows();
    ForEachSelectedValue(layout, rows, begin, end, [&](ValueIndex i) {
      const Code code = codes[i];
      if (last_of[code] == row_of[i]) return;
      last_of[code] = row_of[i];
      ++count_of[code];
    });
  });
}

void FieldValues::CountRowwise(const RowSet& rows,
                               RowIndex begin,
                               RowIndex end,
                               std::vector<std::uint32_t>& counts) {
  last_row_.resize(ids_count_, kNoRow);
  std::vector<ValueIndex> next;
  for (const Column& column : columns_) next.push_back(column.layout->LowerBound(begin));
  ForEachSelectedRow(rows, begin, end, [&](RowIndex row) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const Column& column = columns_[c];
      const Layout& layout = *column.layout;
      ValueIndex& i = next[c];
      while (i < layout.values_count() && layout.RowOf(i) < row) ++i;
      for (; i < layout.values_count() && layout.RowOf(i) == row; ++i) {
        const Code code = (*column.codes)[i];
        if (code < column.begin || code >= column.end) continue;
        const ValueId id = unified_[column.first_id + code];
        if (last_row_[id] == row) continue;
        last_row_[id] = row;
        ++counts[id];
      }
    }
  });
}

void FieldValues::CountKeys(const RowSet& rows,
                            RowIndex begin,
                            RowIndex end,
                            std::vector<std::uint32_t>& counts) {
  RowIndex first = kNoRow;  // with the same time; rows of one time follow each other
  ForEachSelectedRow(rows, begin, end, [&](RowIndex row) {
    switch (key_field_) {
      case KeyField::kTimestamp:
        if (first == kNoRow || keys_->timestamp_ms(first) != keys_->timestamp_ms(row)) first = row;
        ++counts[first];
        break;
      case KeyField::kId:
        ++counts[row];
        break;
      default:
        ++counts[0];
    }
  });
}

}  // namespace postglass::store
