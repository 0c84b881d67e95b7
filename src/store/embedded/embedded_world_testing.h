#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/metrics.h"
#include "store/collect_testing.h"
#include "store/embedded/embedded_store.h"

// What the tests of the embedded store share.

namespace postglass::store {

// A store on a disk in memory. Merges only when told, looks for no damage: what a test does is all
// that happens.
struct World {
  FaultyFileSystem fs;
  ManualClock clock;
  Metrics metrics;
  EmbeddedStore::Options options;
  std::unique_ptr<EmbeddedStore> store;

  World() {
    options.query_helpers = 2;
    options.merge_in_background = false;
    options.scrub_bytes_per_second = 0;
    options.cache_bytes = 4 << 20;
  }

  void Open() {
    store.reset();
    Result<std::unique_ptr<EmbeddedStore>> opened =
        EmbeddedStore::Open(fs, clock, metrics, "/store", options);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
};

inline NewEvent MakeEvent(std::uint32_t n, std::string attributes = "{}") {
  NewEvent entry;
  entry.event.timestamp_ms = 1'800'000'000'000 + n;
  entry.event.ingested_at_ms = entry.event.timestamp_ms;
  entry.event.id = EventId::Make(
      entry.event.ingested_at_ms,
      {0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
  entry.event.message = fmt::format("event {}", n);
  entry.event.attributes = std::move(attributes);
  return entry;
}

inline DedupKey KeyOf(std::uint32_t n) {
  DedupKey key;
  key.bytes[0] = static_cast<std::uint8_t>(n);
  key.bytes[1] = static_cast<std::uint8_t>(n >> 8);
  key.bytes[15] = 1;
  return key;
}

inline std::vector<Event> AllRows(LogStore& store) {
  Plan plan;
  plan.rows = RowsRequest{Order::kOldestFirst, 100'000, std::nullopt};
  CollectingSink sink;
  const Result<RunReport> report = store.Run(plan, sink);
  EXPECT_TRUE(report) << report.error().message;
  return sink.rows;
}

inline std::multiset<std::string> Messages(LogStore& store) {
  std::multiset<std::string> messages;
  for (const Event& event : AllRows(store)) messages.insert(event.message);
  return messages;
}

inline Plan WordPlan(std::string word) {
  Plan plan;
  plan.where = {TermMatch{{Field::Kind::kText, ""}, std::move(word)}};
  return plan;
}

inline void ExpectSameAnswers(LogStore& store, LogStore& oracle, const Plan& plan) {
  CollectingSink mine;
  CollectingSink expected;
  const Result<RunReport> my_report = store.Run(plan, mine);
  const Result<RunReport> expected_report = oracle.Run(plan, expected);
  if (!expected_report) {
    ASSERT_FALSE(my_report);
    EXPECT_EQ(my_report.error().code, expected_report.error().code);
    return;
  }
  ASSERT_TRUE(my_report) << my_report.error().message;
  EXPECT_TRUE(my_report->damage.empty()) << my_report->damage.front();
  EXPECT_EQ(mine.rows, expected.rows);
  EXPECT_EQ(my_report->more_rows, expected_report->more_rows);
  EXPECT_EQ(mine.count, expected.count);
  EXPECT_EQ(mine.histograms, expected.histograms);
  EXPECT_EQ(mine.top_values, expected.top_values);
  EXPECT_EQ(mine.cardinalities, expected.cardinalities);
  ASSERT_EQ(mine.groups.size(), expected.groups.size());
  for (const auto& [i, groups] : expected.groups) {
    EXPECT_EQ(mine.groups.at(i).size(), groups.size());
    EXPECT_TRUE(SameGroups(mine.groups.at(i), groups));
  }
  ASSERT_EQ(mine.percentiles.size(), expected.percentiles.size());
  for (const auto& [i, values] : expected.percentiles) {
    for (std::size_t q = 0; q < values.size(); ++q) {
      if (std::isnan(values[q])) {
        EXPECT_TRUE(std::isnan(mine.percentiles.at(i)[q]));
      } else {
        EXPECT_DOUBLE_EQ(mine.percentiles.at(i)[q], values[q]);
      }
    }
  }
}

// How many times the long loops run: POSTGLASS_TEST_LOOPS, 30 in `make test`.
inline int TestLoops() {
  const char* text = std::getenv("POSTGLASS_TEST_LOOPS");  // NOLINT(concurrency-mt-unsafe)
  const int loops = text == nullptr ? 0 : std::atoi(text);
  return loops > 0 ? loops : 30;
}

// Sanitizers are after other faults, and ten times slower: every so many of the file operations is
// made to fail, and a model test has so much fewer steps.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowness = 11;
#else
inline constexpr int kSlowness = 1;
#endif

}  // namespace postglass::store
