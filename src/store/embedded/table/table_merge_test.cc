#include "store/embedded/table/table_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/random_testing.h"
#include "store/embedded/table/table_testing.h"
#include "store/random_events_testing.h"

namespace postglass::store {
namespace {

// Some events, among them verbatim and opaque ones, in tables of different sizes.
struct Corpus {
  std::vector<std::vector<Event>> parts;  // as the tables' rows
  std::vector<std::shared_ptr<const MemoryTable>> tables;
};

Corpus MakeCorpus(std::uint64_t seed, std::size_t tables_count) {
  SeededRandom random(seed);
  Corpus corpus;
  corpus.parts.resize(tables_count);
  for (std::uint32_t n = 0; n < 60 * tables_count; ++n) {
    Event event = RandomEvent(random, n).event;
    if (random.Below(10) == 0)
      event.attributes = R"({"a":"\/","b":1.50,"rare":"x)" + std::to_string(n) + "\"}";
    if (random.Below(50) == 0) event.attributes = R"({"only)" + std::to_string(n) + R"(":true})";
    corpus.parts[n < tables_count ? n : random.Below(tables_count)].push_back(std::move(event));
  }
  TableBuilder builder;
  for (std::vector<Event>& part : corpus.parts) {
    corpus.tables.push_back(BuildTable(builder, part));
    SortEvents(part);
  }
  return corpus;
}

void ExpectEqualTables(const Table& merged, const Table& built) {
  ASSERT_EQ(merged.columns().size(), built.columns().size());
  for (ColumnIndex column = 0; column < merged.columns().size(); ++column) {
    SCOPED_TRACE(merged.columns()[column].key.path);
    EXPECT_EQ(merged.columns()[column].key, built.columns()[column].key);
    EXPECT_EQ(merged.columns()[column].dictionary_size, built.columns()[column].dictionary_size);
    EXPECT_EQ(*(*merged.CountsOf(column)), *(*built.CountsOf(column)));
  }
  EXPECT_EQ(merged.shapes().size(), built.shapes().size());
  EXPECT_EQ(merged.info().ingested_min_ms, built.info().ingested_min_ms);
  EXPECT_EQ(merged.info().ingested_max_ms, built.info().ingested_max_ms);
  EXPECT_EQ(AllRows(merged), AllRows(built));
  EXPECT_EQ(ValuesByTable(merged), ValuesByTable(built));
}

TEST(MergeTables, GivesTheTableOfAllEvents) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    const Corpus corpus = MakeCorpus(seed, seed);
    std::vector<MergeInput> inputs;
    std::vector<Event> all;
    for (std::size_t i = 0; i < corpus.tables.size(); ++i) {
      inputs.push_back({corpus.tables[i], nullptr});
      all.insert(all.end(), corpus.parts[i].begin(), corpus.parts[i].end());
    }
    const auto merged = MergeTables(inputs);
    ASSERT_TRUE(merged) << merged.error().message;
    CheckTable(**merged);
    TableBuilder builder;
    ExpectEqualTables(**merged, *BuildTable(builder, all));
  }
}

TEST(MergeTables, DropsWhatOnlyDroppedRowsHad) {
  SeededRandom random(5);
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const Corpus corpus = MakeCorpus(seed, 1 + seed % 5);
    std::vector<MergeInput> inputs;
    std::vector<Event> all;
    for (std::size_t i = 0; i < corpus.tables.size(); ++i) {
      auto rows = std::make_shared<std::vector<RowIndex>>();
      const std::uint64_t kept_of_8 = random.Below(9);
      for (RowIndex row = 0; row < corpus.parts[i].size(); ++row) {
        if (random.Below(8) >= kept_of_8 && !(i == 0 && row == 0)) continue;
        rows->push_back(row);
        all.push_back(corpus.parts[i][row]);
      }
      inputs.push_back({corpus.tables[i], std::move(rows)});
    }
    const auto merged = MergeTables(inputs);
    ASSERT_TRUE(merged) << merged.error().message;
    CheckTable(**merged);
    TableBuilder builder;
    ExpectEqualTables(**merged, *BuildTable(builder, all));
  }
}

TEST(MergeTables, MergesWhatWasMerged) {
  const Corpus corpus = MakeCorpus(9, 6);
  std::vector<Event> all;
  std::shared_ptr<const Table> so_far = corpus.tables[0];
  for (std::size_t i = 0; i < corpus.tables.size(); ++i) {
    all.insert(all.end(), corpus.parts[i].begin(), corpus.parts[i].end());
    if (i == 0) continue;
    const std::vector<MergeInput> inputs = {{so_far, nullptr}, {corpus.tables[i], nullptr}};
    so_far = *MergeTables(inputs);
  }
  TableBuilder builder;
  ExpectEqualTables(*so_far, *BuildTable(builder, all));
}

// Dictionaries larger than what a merge reads at once, and widths of codes beyond 16 bits.
TEST(MergeTables, MergesLongDictionaries) {
  constexpr std::uint32_t kRows = 70'000;
  std::vector<Event> events(kRows);
  for (std::uint32_t n = 0; n < kRows; ++n) {
    events[n].timestamp_ms = n / 2;
    events[n].id.bytes[15] = static_cast<std::uint8_t>(n);
    events[n].service = n % 3 == 0 ? "a" : "b";
    const std::string text = std::to_string(n * 2654435761U % kRows);
    events[n].attributes =
        R"({"id":"common prefix )" + text + R"(","n":)" + text + ",\"x\":" + text + ".5}";
  }
  TableBuilder builder;
  std::vector<MergeInput> inputs;
  for (std::uint32_t part = 0; part < 7; ++part) {
    std::vector<Event> some;
    for (std::uint32_t n = part; n < kRows; n += 7) some.push_back(events[n]);
    inputs.push_back({BuildTable(builder, some), nullptr});
  }
  const auto merged = MergeTables(inputs);
  ASSERT_TRUE(merged) << merged.error().message;
  CheckTable(**merged);
  EXPECT_EQ(AllRows(**merged), events);
}

TEST(MergeTables, StopsWhenAsked) {
  const Corpus corpus = MakeCorpus(1, 2);
  std::stop_source stop;
  stop.request_stop();
  const std::vector<MergeInput> inputs = {{corpus.tables[0], nullptr}, {corpus.tables[1], nullptr}};
  const auto merged = MergeTables(inputs, stop.get_token());
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace postglass::store
