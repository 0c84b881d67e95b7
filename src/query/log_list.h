#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "query/runner.h"
#include "query/search.h"

namespace postglass::query {

// A page of events that begins at one of them, as Datadog's older list API asks for it.
struct LogListRequest {
  std::string query = "*";
  std::string from;  // as ParseTime; both ends inclusive
  std::string to;
  store::Order order = store::Order::kNewestFirst;
  std::size_t limit = 10;  // 1..kSearchLimitMax
  std::string start_at;    // id of the first event of the page; empty: from the beginning
};

struct LogListPage {
  std::vector<store::Event> events;
  std::optional<store::EventId> next;  // where the next page begins; nothing: nothing is left
  std::vector<std::string> damage;
};

// Thread-safe; blocks.
class LogListService {
 public:
  // Both must outlive it.
  LogListService(QueryRunner& runner, const Clock& clock) : runner_(runner), clock_(clock) {}

  // `start_at` is left out of account when its event lies outside the time range, as in the
  // original; kBadRequest when no event has it.
  std::variant<LogListPage, SearchError> List(const LogListRequest& request);

 private:
  QueryRunner& runner_;
  const Clock& clock_;
};

}  // namespace postglass::query
