#include "store/embedded/address_search.h"

#include <algorithm>
#include <memory>

#include "store/embedded/table/row_reader.h"

namespace postglass::store {

namespace {

// Rows of one string column whose value holds the address.
Status MarkRows(const Table& table,
                ColumnIndex column,
                const AddressPattern& pattern,
                std::vector<bool>& rows) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> dictionary, table.DictionaryOf(column));
  std::vector<bool> hits;
  RETURN_IF_ERROR(
      dictionary->ForEachText(0, dictionary->size(), [&](Code code, std::string_view text) {
        if (pattern.IsIn(text)) {
          hits.resize(dictionary->size());
          hits[code] = true;
        }
        return true;
      }));
  if (hits.empty()) return {};
  ASSIGN_OR_RETURN(const std::shared_ptr<const Codes> codes, table.CodesOf(column));
  ASSIGN_OR_RETURN(const std::shared_ptr<const Layout> layout, table.LayoutOf(column));
  codes->Visit([&](const auto& values) {
    for (ValueIndex i = 0; i < values.size(); ++i) {
      if (hits[values[i]]) rows[layout->RowOf(i)] = true;
    }
  });
  return {};
}

// All rows with a value in the column.
Status MarkAllRows(const Table& table, ColumnIndex column, std::vector<bool>& rows) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Layout> layout, table.LayoutOf(column));
  for (ValueIndex i = 0; i < layout->values_count(); ++i) rows[layout->RowOf(i)] = true;
  return {};
}

// Rows whose shape says it: by its keys, or because only their text is kept.
Status MarkByShape(const Table& table, const AddressPattern& pattern, std::vector<bool>& rows) {
  const std::span<const Shape> shapes = table.shapes();
  std::vector<bool> holds(shapes.size());
  bool any = false;
  bool any_opaque = false;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    holds[i] = pattern.IsIn(UnescapeJson(shapes[i].skeleton));
    any = any || holds[i];
    any_opaque = any_opaque || shapes[i].text == Shape::Text::kOpaque;
  }
  if (!any && !any_opaque) return {};
  ASSIGN_OR_RETURN(const auto shape_of_row, table.ShapeOfRow());
  std::vector<RowIndex> opaque;
  for (RowIndex row = 0; row < shape_of_row->size(); ++row) {
    const std::uint16_t shape = (*shape_of_row)[row];
    if (holds[shape]) rows[row] = true;
    if (shapes[shape].text == Shape::Text::kOpaque) opaque.push_back(row);
  }
  constexpr std::size_t kRowsAtOnce = 256;
  for (std::size_t begin = 0; begin < opaque.size(); begin += kRowsAtOnce) {
    const auto some =
        std::span(opaque).subspan(begin, std::min(kRowsAtOnce, opaque.size() - begin));
    ASSIGN_OR_RETURN(const std::vector<Event> events, ReadRows(table, some));
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (AttributesHoldAddress(events[i], pattern)) rows[some[i]] = true;
    }
  }
  return {};
}

}  // namespace

Result<std::vector<RowIndex>> FindAddress(const Table& table, const AddressPattern& pattern) {
  std::vector<bool> rows(table.info().rows);
  const std::span<const ColumnInfo> columns = table.columns();
  for (ColumnIndex column = 0; column < columns.size(); ++column) {
    const ColumnKey& key = columns[column].key;
    if (pattern.IsIn(key.path)) RETURN_IF_ERROR(MarkAllRows(table, column, rows));
    if (key.type == ValueType::kString) {
      RETURN_IF_ERROR(MarkRows(table, column, pattern, rows));
    }
  }
  RETURN_IF_ERROR(MarkByShape(table, pattern, rows));
  std::vector<RowIndex> found;
  for (RowIndex row = 0; row < rows.size(); ++row) {
    if (rows[row]) found.push_back(row);
  }
  return found;
}

}  // namespace postglass::store
