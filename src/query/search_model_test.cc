// The whole way of a search, from its text to the engine's answer, against the plainest reading of
// it (naive_search_testing.h).

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "base/random_testing.h"
#include "query/random_search_testing.h"
#include "query/search.h"
#include "store/embedded/embedded_world_testing.h"

namespace postglass::query {
namespace {

constexpr int kSearchesPerLoop = 67;  // 30 loops: 2,010 searches; 1,500: 100,500
constexpr int kSearchesPerWorld = 250;
constexpr std::int64_t kDayMs = 86'400'000;

struct OpenedStore : store::World {
  OpenedStore() {
    options.seal_rows = 40;
    options.merge.tier_segments = 3;
    Open();
  }
};

// An embedded store with raw events, tables in memory and segments, and the same events as trees.
class World {
 public:
  explicit World(Random& random) {
    const auto events_count = static_cast<std::uint32_t>(30 + random.Below(50));
    std::vector<store::NewEvent> batch;
    for (std::uint32_t n = 0; n < events_count; ++n) {
      events_.push_back(RandomNaiveEvent(random, n));
      events_.back().event.timestamp_ms -= static_cast<std::int64_t>(random.Below(3)) * kDayMs;
      batch.push_back({events_.back().event, std::nullopt});
      if (random.Below(5) == 0) Append(batch);
      if (random.Below(40) == 0) {
        EXPECT_TRUE(world_.store->Flush());
      }
      if (random.Below(60) == 0) {
        EXPECT_TRUE(world_.store->Maintain());
      }
    }
    Append(batch);
    std::sort(events_.begin(), events_.end(), [](const NaiveEvent& a, const NaiveEvent& b) {
      return std::pair(b.event.timestamp_ms, b.event.id) <
             std::pair(a.event.timestamp_ms, a.event.id);
    });
  }

  void Check(const RandomSearch& search) {
    SearchRequest request;
    request.query = search.text;
    request.from = "1000000000000";
    request.to = "4000000000000";
    request.limit = kSearchLimitMax;
    const SearchOutcome outcome = search_.Search(request);
    if (const auto* error = std::get_if<SearchError>(&outcome)) {
      FAIL() << error->message << " at " << error->position.value_or(0);
    }
    const std::vector<store::Event>& found = std::get<SearchPage>(outcome).events;
    const std::vector<bool> expected = Matching(search.meaning, events_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const bool is_found = next < found.size() && found[next].id == events_[i].event.id;
      if (is_found) {
        EXPECT_EQ(found[next], events_[i].event);
      }
      next += is_found;
      ASSERT_EQ(is_found, expected[i]) << Described(events_[i].event);
    }
    ASSERT_EQ(next, found.size());
    matches_ += found.size();
  }

  std::size_t matches() const { return matches_; }

 private:
  void Append(std::vector<store::NewEvent>& batch) {
    EXPECT_TRUE(world_.store->Append(std::move(batch)));
    batch.clear();
  }

  static std::string Described(const store::Event& event) {
    std::string tags;
    for (const std::string& tag : event.tags) tags += tag + ",";
    return fmt::format(
        "timestamp {} id {} message \"{}\" status {} service \"{}\" source {} "
        "host \"{}\" tags {} attributes {}",
        event.timestamp_ms,
        event.id.ToString(),
        event.message,
        event.status,
        event.service,
        event.source,
        event.host,
        tags,
        event.attributes);
  }

  OpenedStore world_;
  std::vector<NaiveEvent> events_;  // newest first
  QueryRunner runner_{*world_.store, world_.clock, world_.metrics, {}};
  SearchService search_{runner_, world_.clock};
  std::size_t matches_ = 0;
};

TEST(SearchModel, AnswersAsTheTextReads) {
  const int searches = kSearchesPerLoop * store::TestLoops() / store::kSlowness;
  std::size_t matches = 0;
  for (int done = 0; done < searches; done += kSearchesPerWorld) {
    const auto seed = static_cast<std::uint64_t>(done) + 1;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    World world(random);
    for (int i = 0; i < kSearchesPerWorld; ++i) {
      const RandomSearch search = MakeRandomSearch(random);
      SCOPED_TRACE(fmt::format("search {}: {}", i, search.text));
      world.Check(search);
      if (testing::Test::HasFailure()) return;
    }
    matches += world.matches();
  }
  // Neither everything nor nothing.
  EXPECT_GT(matches, static_cast<std::size_t>(searches) * 5);
}

}  // namespace
}  // namespace postglass::query
