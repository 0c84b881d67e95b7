#include "store/embedded/table/table_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "store/embedded/table/row_reader.h"
#include "store/event_reader.h"

namespace postglass::store {

namespace {

std::string DescribeCode(const std::string& path, const Dictionary& dictionary, Code code) {
  switch (dictionary.type()) {
    case ValueType::kInteger: {
      const std::int64_t integer = (*dictionary.Integers())[code];
      return DescribeValue(path, fmt::format("{}", integer), static_cast<double>(integer));
    }
    case ValueType::kDouble: {
      const double number = (*dictionary.Doubles())[code];
      return DescribeValue(path, NumberText(number), number);
    }
    case ValueType::kBool:
      return DescribeValue(path, dictionary.BoolAt(code) ? "true" : "false", std::nullopt);
    default: {
      std::string text;
      EXPECT_TRUE(dictionary.AppendText(code, text));
      return DescribeValue(path, text, std::nullopt);
    }
  }
}

void CheckDictionary(const Dictionary& dictionary) {
  switch (dictionary.type()) {
    case ValueType::kString: {
      std::string last;
      Code expected = 0;
      EXPECT_TRUE(
          dictionary.ForEachText(0, dictionary.size(), [&](Code code, std::string_view text) {
            EXPECT_EQ(code, expected++);
            EXPECT_TRUE(code == 0 || last < text);
            EXPECT_EQ(*dictionary.Find(text), code);
            last = text;
            return true;
          }));
      EXPECT_EQ(expected, dictionary.size());
      break;
    }
    case ValueType::kInteger: {
      const auto integers = *dictionary.Integers();
      EXPECT_EQ(integers.size(), dictionary.size());
      EXPECT_TRUE(std::is_sorted(integers.begin(), integers.end(), std::less_equal<>()) ||
                  integers.size() <= 1);
      break;
    }
    case ValueType::kDouble: {
      const auto doubles = *dictionary.Doubles();
      EXPECT_EQ(doubles.size(), dictionary.size());
      for (std::size_t i = 1; i < doubles.size(); ++i) {
        EXPECT_TRUE(DoubleBefore(doubles[i - 1], doubles[i]));
      }
      break;
    }
    case ValueType::kBool:
      EXPECT_LE(dictionary.size(), 2U);
      if (dictionary.size() == 2) {
        EXPECT_TRUE(!dictionary.BoolAt(0) && dictionary.BoolAt(1));
      }
      break;
  }
}

}  // namespace

std::shared_ptr<const MemoryTable> BuildTable(TableBuilder& builder,
                                              const std::vector<Event>& events) {
  std::vector<const Event*> pointers;
  for (const Event& event : events) pointers.push_back(&event);
  return builder.Build(pointers);
}

void SortEvents(std::vector<Event>& events) {
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.timestamp_ms, a.id) < std::tie(b.timestamp_ms, b.id);
  });
}

std::vector<Event> AllRows(const Table& table) {
  std::vector<RowIndex> rows(table.info().rows);
  std::iota(rows.begin(), rows.end(), 0U);
  return *ReadRows(table, rows);
}

std::string DescribeValue(std::string_view path,
                          std::string_view text,
                          std::optional<double> number) {
  return number ? fmt::format("{}={} number {}", path, text, *number + 0.0)
                : fmt::format("{}={}", path, text);
}

std::vector<std::vector<std::string>> ValuesByTable(const Table& table) {
  std::vector<std::vector<std::string>> values(table.info().rows);
  for (ColumnIndex column = 0; column < table.columns().size(); ++column) {
    const ColumnKey& key = table.columns()[column].key;
    if (key.kind != ColumnKind::kAttribute) continue;
    const auto layout = *table.LayoutOf(column);
    const auto codes = *table.CodesOf(column);
    const auto dictionary = *table.DictionaryOf(column);
    for (ValueIndex value = 0; value < codes->size(); ++value) {
      values[layout->RowOf(value)].push_back(DescribeCode(key.path, *dictionary, (*codes)[value]));
    }
  }
  for (auto& of_row : values) std::sort(of_row.begin(), of_row.end());
  return values;
}

void CheckTable(const Table& table) {
  const auto shape_of_row = *table.ShapeOfRow();
  ASSERT_EQ(shape_of_row->size(), table.info().rows);
  std::vector<bool> shape_used(table.shapes().size());
  for (const std::uint16_t shape : *shape_of_row) {
    ASSERT_LT(shape, table.shapes().size());
    shape_used[shape] = true;
  }
  EXPECT_EQ(std::count(shape_used.begin(), shape_used.end(), false), 0);
  for (ColumnIndex column = 0; column < table.columns().size(); ++column) {
    const ColumnInfo& info = table.columns()[column];
    SCOPED_TRACE(info.key.path);
    if (column > 0) {
      EXPECT_LT(table.columns()[column - 1].key, info.key);
    }
    EXPECT_EQ(table.Find(info.key), column);
    const auto codes = *table.CodesOf(column);
    const auto layout = *table.LayoutOf(column);
    const auto dictionary = *table.DictionaryOf(column);
    EXPECT_EQ(codes->size(), info.values_count);
    EXPECT_EQ(layout->values_count(), info.values_count);
    EXPECT_EQ(dictionary->size(), info.dictionary_size);
    EXPECT_EQ(dictionary->type(), info.key.type);
    CheckDictionary(*dictionary);
    std::vector<RowIndex> last_row(info.dictionary_size, ~RowIndex{0});
    std::vector<std::uint32_t> counts(info.dictionary_size);
    for (ValueIndex value = 0; value < codes->size(); ++value) {
      const Code code = (*codes)[value];
      ASSERT_LT(code, info.dictionary_size);
      if (last_row[code] != layout->RowOf(value)) ++counts[code];
      last_row[code] = layout->RowOf(value);
    }
    EXPECT_EQ(*(*table.CountsOf(column)), counts);
    EXPECT_EQ(std::count(counts.begin(), counts.end(), 0U), 0);
  }
}

}  // namespace postglass::store
