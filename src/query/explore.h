#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "query/query_range.h"
#include "query/runner.h"
#include "query/search.h"
#include "query/time_zone.h"
#include "store/plan.h"

namespace postglass::query {

inline constexpr std::size_t kExploreFacetsMax = 64;
inline constexpr std::size_t kFacetValuesMax = 1'000;
inline constexpr std::size_t kSplitValuesMax = 50;
// A store of fewer events answers sooner than a reader could look at a part.
inline constexpr std::uint64_t kExplorePartsFromEvents = 500'000;

// Everything that one screen of an explorer shows of one selection.
struct ExploreRequest {
  struct Facet {
    std::string name;  // as FacetNamed()
    std::size_t limit = 10;
  };

  std::string query = "*";
  std::string from = "now-15m";  // as ParseTime(); both ends inclusive
  std::string to = "now";
  std::string time_zone;
  std::string interval;  // as ParseInterval(); empty: IntervalFor() the range
  std::string split;     // a facet; empty: the histogram is not split
  std::size_t split_limit = 10;
  std::vector<Facet> facets;
  std::size_t rows = 50;  // 0: none
  store::Order order = store::Order::kNewestFirst;
  std::stop_token stop;
};

// Takes the parts of the answer, each as soon as it is known, from one thread at a time.
class ExploreSink {
 public:
  virtual ~ExploreSink() = default;

  // Count, histogram and facets that follow are of the events in this part of the range, all of
  // them; each such look takes in those before, and the last one is of the whole range. Only with
  // Pace::kRowsFirst.
  virtual void Covers(const TimeRange&) {}

  // `next_cursor` is good for SearchService, with the same query and order; empty: nothing is left.
  virtual void Rows(std::vector<store::Event> events, std::string next_cursor) = 0;
  virtual void Count(std::uint64_t events) = 0;

  struct Histogram {
    std::vector<std::int64_t> borders;  // of all buckets, those without events too
    std::vector<std::uint64_t> counts;  // by bucket
    std::vector<std::string> values;    // of the split, the most frequent first
    // By value and bucket. An event with several values is in each; what of the counts is in none
    // has another value or none.
    std::vector<std::vector<std::uint64_t>> split;
  };

  virtual void Counts(const Histogram& histogram) = 0;
  // By place in `facets`; highest first.
  virtual void Facet(std::size_t facet, const std::vector<store::ValueCount>& values) = 0;
};

struct ExploreReport {
  TimeRange range;
  std::vector<SearchWarning> warnings;
  bool timed_out = false;  // count, histogram and facets then lack what a warning says
  std::chrono::milliseconds elapsed{0};
  std::chrono::milliseconds rows_elapsed{0};  // until the rows were there
  std::uint64_t events_scanned = 0;
  std::string explain;  // opaque, for people
};

// Thread-safe; blocks.
class ExploreService {
 public:
  // All must outlive the service. In a store of so many events the newest are counted first.
  ExploreService(QueryRunner& runner,
                 TimeZones& zones,
                 const Clock& clock,
                 std::uint64_t parts_from_events = kExplorePartsFromEvents)
      : runner_(runner), zones_(zones), clock_(clock), parts_from_events_(parts_from_events) {}

  // A request that is understood, its subqueries answered: what Run() needs.
  struct Question {
    TimeRange range;
    store::Predicate where;
    std::vector<std::int64_t> borders;
    ExploreRequest request;
  };

  std::variant<Question, SearchError> Understand(ExploreRequest request);

  enum class Pace {
    kAtOnce,  // one pass over one state of the store gives everything
    // The rows from a look of their own, which ends early. Then everything else: of the newest
    // part of the range, of a larger one, of the whole, each saying what it covers; of a small
    // store at once of the whole.
    kRowsFirst
  };

  // What the sink got before an error is right. Errors: as QueryRunner::Run().
  Result<ExploreReport> Run(const Question& question, Pace pace, ExploreSink& sink);

 private:
  // Of the newest 1/part of the range.
  Status CountNewest(const Question& question, std::int64_t part, ExploreSink& sink);

  QueryRunner& runner_;
  TimeZones& zones_;
  const Clock& clock_;
  const std::uint64_t parts_from_events_;
};

}  // namespace postglass::query
