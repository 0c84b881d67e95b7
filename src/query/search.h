#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "query/parser.h"
#include "query/runner.h"
#include "store/plan.h"

namespace postglass::query {

inline constexpr std::size_t kSearchLimitDefault = 10;
inline constexpr std::size_t kSearchLimitMax = 1'000;

struct SearchRequest {
  std::string query = "*";
  std::string from = "now-15m";  // as ParseTime; both ends inclusive
  std::string to = "now";
  store::Order order = store::Order::kNewestFirst;
  // Sorts by a field's values instead of time (store::RowsRequest::by): as FacetNamed().
  std::string sort_by;
  std::size_t limit = kSearchLimitDefault;  // 1..kSearchLimitMax
  std::string cursor;                       // SearchPage::next_cursor; empty: the first page
  bool explain = false;                     // SearchSteps::explain goes into details
  std::stop_token stop;
};

struct SearchWarning {
  std::string code;  // damaged_data timeout
  std::string title;
  std::string detail;
};

// How long each step of a search took, and what the store says about its part.
struct SearchSteps {
  std::chrono::microseconds parse{0};  // with queries within the query
  std::chrono::microseconds wait{0};   // for a place among the running queries
  std::chrono::microseconds store{0};
  std::uint64_t events_scanned = 0;
  std::string explain;  // opaque, for people: RunReport::explain
};

struct SearchPage {
  std::vector<store::Event> events;
  std::string next_cursor;  // empty: nothing is left
  bool timed_out = false;   // `events` is then the beginning of the page
  std::vector<SearchWarning> warnings;
  Timestamp from;  // what was looked at
  Timestamp to;
  std::chrono::milliseconds elapsed{0};
  SearchSteps steps;
};

struct SearchError {
  enum class Kind {
    kBadQuery,    // with a position
    kBadRequest,  // time, limit, cursor
    kBusy,        // try again
    kTooLarge,    // memory budget
    kTimeout,
    kFailed,
  };
  Kind kind = Kind::kFailed;
  std::string message;
  std::optional<std::size_t> position;  // byte offset in the query
};

using SearchOutcome = std::variant<SearchPage, SearchError>;

// Events by the search language, page by page. The first page fixes the time range; its cursor
// names the last event by (timestamp, id), and by its value when sorted by a field. So following
// pages repeat nothing and leave out nothing that was there at the first page, whatever arrives
// meanwhile. Thread-safe; blocks.
class SearchService {
 public:
  // Both must outlive the service.
  SearchService(QueryRunner& runner, const Clock& clock) : runner_(runner), clock_(clock) {}

  SearchOutcome Search(const SearchRequest& request);

 private:
  // The value that a cursor stands at: its own, or the event's when that was too long.
  Result<store::SortKey> KeyOfCursor(const store::RowCursor& place,
                                     const std::optional<store::SortKey>& key,
                                     const store::Plan& asked);

  QueryRunner& runner_;
  const Clock& clock_;
};

}  // namespace postglass::query
