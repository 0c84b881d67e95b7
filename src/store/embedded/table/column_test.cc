#include "store/embedded/table/column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "store/embedded/table/layout.h"
#include "store/embedded/table/loser_tree.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {
namespace {

using ::testing::ElementsAre;

TEST(Codes, AreAsNarrowAsTheDictionaryAllows) {
  const auto bytes_of = [](std::size_t dictionary_size) {
    const auto last = static_cast<Code>(dictionary_size - 1);
    const Codes codes = Codes::Pack({0, last, last, 0}, dictionary_size);
    EXPECT_EQ(codes.size(), 4U);
    EXPECT_EQ(codes[0], 0U);
    EXPECT_EQ(codes[1], last);
    return codes.memory_bytes();
  };
  EXPECT_EQ(bytes_of(2), 4U);
  EXPECT_EQ(bytes_of(256), 4U);
  EXPECT_EQ(bytes_of(257), 8U);
  EXPECT_EQ(bytes_of(65536), 8U);
  EXPECT_EQ(bytes_of(65537), 16U);
  const Codes constant = Codes::Pack({0, 0, 0}, 1);
  EXPECT_EQ(constant.size(), 3U);
  EXPECT_EQ(constant[2], 0U);
}

Shape ShapeOf(std::vector<ColumnIndex> columns) {
  return {"", Shape::Text::kRebuilt, 0, std::move(columns)};
}

TEST(Layout, FollowsFromTheShapes) {
  const std::vector<Shape> shapes = {ShapeOf({0, 1, 1}), ShapeOf({0}), ShapeOf({0, 2})};
  const std::vector<std::uint16_t> shape_of_row = {1, 0, 2, 0, 1};
  const auto everywhere = Layout::Make(shapes, shape_of_row, 0);
  EXPECT_TRUE(everywhere->is_identity());
  EXPECT_TRUE(everywhere->is_single());
  EXPECT_EQ(everywhere->values_count(), 5U);
  EXPECT_EQ(everywhere->RowOf(3), 3U);
  EXPECT_EQ(everywhere->LowerBound(4), 4U);
  EXPECT_EQ(everywhere->LowerBound(9), 5U);

  const auto twice = Layout::Make(shapes, shape_of_row, 1);
  EXPECT_FALSE(twice->is_identity());
  EXPECT_FALSE(twice->is_single());
  EXPECT_THAT(twice->rows(), ElementsAre(1, 1, 3, 3));
  EXPECT_EQ(twice->LowerBound(0), 0U);
  EXPECT_EQ(twice->LowerBound(2), 2U);
  EXPECT_EQ(twice->LowerBound(4), 4U);

  const auto once = Layout::Make(shapes, shape_of_row, 2);
  EXPECT_TRUE(once->is_single());
  EXPECT_THAT(once->rows(), ElementsAre(2));
}

TEST(Layout, CountsRowsNotValues) {
  const std::vector<Shape> shapes = {ShapeOf({0, 0, 0}), ShapeOf({0})};
  const std::vector<std::uint16_t> shape_of_row = {0, 1, 0};
  const auto layout = Layout::Make(shapes, shape_of_row, 0);
  const Codes codes = Codes::Pack({1, 0, 1, 1, 1, 1, 1}, 2);
  EXPECT_THAT(CountRows(codes, *layout, 2), ElementsAre(1, 3));
}

std::shared_ptr<const MemoryDictionary> Texts(const std::vector<std::string>& texts) {
  std::string arena;
  std::vector<std::uint32_t> ends;
  for (const std::string& text : texts) {
    arena += text;
    ends.push_back(static_cast<std::uint32_t>(arena.size()));
  }
  return std::make_shared<const MemoryDictionary>(std::move(arena), std::move(ends));
}

TEST(MemoryDictionary, FindsTexts) {
  const auto dictionary = Texts({"", "a", "aa", "b"});
  EXPECT_EQ(*dictionary->Find("aa"), 2U);
  EXPECT_EQ(*dictionary->Find(""), 0U);
  EXPECT_FALSE(dictionary->Find("ab")->has_value());
  EXPECT_FALSE(dictionary->Find("c")->has_value());
  EXPECT_EQ(*dictionary->LowerBound("ab"), 3U);
  EXPECT_EQ(*dictionary->LowerBound("c"), 4U);
  std::vector<std::string> visited;
  EXPECT_TRUE(dictionary->ForEachText(1, 4, [&](Code code, std::string_view text) {
    visited.emplace_back(text);
    return code < 2;
  }));
  EXPECT_THAT(visited, ElementsAre("a", "aa"));
}

TEST(MemoryDictionary, KnowsWhetherThereAreCapitals) {
  for (const char* text : {"A",
                           "Z",
                           "xxxxxxxA",
                           "xxxxxxxxxxxxZx",
                           "\xff"
                           "A"}) {
    EXPECT_FALSE(Texts({text})->all_lower_case()) << text;
    EXPECT_FALSE(Texts({text})->all_folded()) << text;
  }
  for (const char* text : {"", "a", "z@[`{0", "abcdefghijklmnop@[", "\x7f"}) {
    EXPECT_TRUE(Texts({text})->all_lower_case()) << text;
    EXPECT_TRUE(Texts({text})->all_folded()) << text;
  }
  for (const char* text : {"\xc5\xbf",
                           "stra\xc3\x9f"
                           "e und mehr",
                           "\xc1\xda"}) {
    EXPECT_TRUE(Texts({text})->all_lower_case()) << text;
    EXPECT_FALSE(Texts({text})->all_folded()) << text;
  }
}

std::shared_ptr<const MemoryTable> TableOf(
    const std::shared_ptr<const MemoryDictionary>& dictionary, std::vector<ColumnKey> keys) {
  auto row_keys = std::make_shared<MemoryRowKeys>();
  row_keys->timestamps_ms = {10, 20, 20};
  row_keys->ingested_ms = {7, 5, 6};
  row_keys->ids.resize(3);
  MemoryTable::Parts parts{row_keys, {0, 0, 0}, {ShapeOf({})}, {}};
  for (ColumnKey& key : keys) {
    parts.shapes[0].columns.push_back(static_cast<ColumnIndex>(parts.columns.size()));
    parts.columns.push_back(
        {std::move(key),
         dictionary,
         std::make_shared<const Codes>(Codes::Pack({0, 1, 1}, dictionary->size()))});
  }
  return std::make_shared<const MemoryTable>(std::move(parts));
}

TEST(MemoryTable, FindsColumnsByKeyAndPath) {
  const ColumnKind attribute = ColumnKind::kAttribute;
  const auto table = TableOf(Texts({"x", "y"}),
                             {{ColumnKind::kMessage, ValueType::kString, ""},
                              {attribute, ValueType::kString, ""},
                              {attribute, ValueType::kString, "a"},
                              {attribute, ValueType::kString, "b"},
                              {attribute, ValueType::kInteger, "a"},
                              {attribute, ValueType::kBool, "a"}});
  EXPECT_EQ(table->Find({attribute, ValueType::kString, "b"}), 3U);
  EXPECT_EQ(table->Find({attribute, ValueType::kInteger, "b"}), std::nullopt);
  EXPECT_THAT(table->FindPath("a"), ElementsAre(2, 4, 5));
  EXPECT_THAT(table->FindPath(""), ElementsAre(1));
  EXPECT_THAT(table->FindPath("c"), ElementsAre());
  EXPECT_EQ(*table->LayoutOf(0), *table->LayoutOf(3));  // the same object
  EXPECT_EQ(table->info().ingested_min_ms, 5);
  EXPECT_EQ(table->info().timestamp_max_ms, 20);
  EXPECT_EQ((*table->Keys())->LowerBound(11), 1U);
  EXPECT_EQ((*table->Keys())->LowerBound(21), 3U);
  EXPECT_EQ(*table->CountOf(2, 1), 2U);
}

TEST(MemoryTable, RulesOutOnlyWhatCannotFold) {
  const std::vector<ColumnKey> keys = {{ColumnKind::kMessage, ValueType::kString, ""}};
  EXPECT_TRUE(*TableOf(Texts({"a", "bc"}), keys)->MayHoldFolded(0, "bc"));
  EXPECT_FALSE(*TableOf(Texts({"a", "bc"}), keys)->MayHoldFolded(0, "b"));
  EXPECT_TRUE(*TableOf(Texts({"A", "bc"}), keys)->MayHoldFolded(0, "a"));
  EXPECT_TRUE(*TableOf(Texts({"a", "\xc5\xbf"}), keys)->MayHoldFolded(0, "s"));  // long s
}

TEST(LoserTree, MergesRunsInOrder) {
  for (std::size_t runs_count = 1; runs_count <= 9; ++runs_count) {
    std::vector<std::vector<int>> runs(runs_count);
    for (int n = 0; n < 100; ++n) {
      runs[static_cast<std::size_t>(n * n) % runs_count].push_back(n / 2);
    }
    std::vector<std::size_t> places(runs_count);
    LoserTree tree(runs_count, [&](std::size_t a, std::size_t b) {
      const bool a_ended = places[a] == runs[a].size();
      const bool b_ended = places[b] == runs[b].size();
      if (a_ended || b_ended) return !a_ended || (b_ended && a < b);
      const int x = runs[a][places[a]];
      const int y = runs[b][places[b]];
      return x != y ? x < y : a < b;
    });
    for (int n = 0; n < 100; ++n) {
      const std::size_t winner = tree.winner();
      EXPECT_EQ(runs[winner][places[winner]], n / 2);
      ++places[winner];
      tree.Replay();
    }
    EXPECT_EQ(places[tree.winner()], runs[tree.winner()].size());
  }
}

}  // namespace
}  // namespace postglass::store
