#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "query/query_range.h"
#include "query/runner.h"
#include "query/search.h"

namespace postglass::query {

inline constexpr std::size_t kTransactionsMax = 1'000;           // of one answer
inline constexpr std::size_t kTransactionsLookedAtMax = 10'000;  // before they are sorted
inline constexpr std::size_t kTransactionKindsMax = 100;         // values of count_by of each

struct TransactionsRequest {
  enum class Sort { kLast, kFirst, kDuration, kCount, kStatus };

  std::string query = "*";  // which transactions: those with such an event
  std::string from = "now-15m";
  std::string to = "now";
  std::string by;        // as FacetNamed(): the attribute whose values are the transactions
  std::string count_by;  // as FacetNamed(): events are also counted by it; empty: not
  Sort sort = Sort::kLast;
  bool ascending = false;
  std::size_t limit = 50;
  std::stop_token stop;
};

// All events that have one value of an attribute, whenever they were and whether they match or not.
struct Transaction {
  std::string id;
  std::uint64_t events = 0;
  std::uint64_t matching = 0;  // those that match, within the range
  Timestamp first;
  Timestamp last;
  std::string worst_status;
  std::map<std::string, std::uint64_t> statuses;
  std::map<std::string, std::uint64_t> counts;  // by count_by

  std::chrono::milliseconds duration() const {
    return std::chrono::milliseconds(last.millis() - first.millis());
  }
};

struct TransactionsAnswer {
  std::vector<Transaction> transactions;
  std::vector<SearchWarning> warnings;  // also too_many: only the newest were sorted
  std::chrono::milliseconds elapsed{0};
};

using TransactionsOutcome = std::variant<TransactionsAnswer, SearchError>;

// Place in the order of severity; "emergency" is 0, an unknown status comes last.
std::size_t SeverityOf(std::string_view status);

// Thread-safe; blocks.
class TransactionsService {
 public:
  // Both must outlive the service.
  TransactionsService(QueryRunner& runner, const Clock& clock) : runner_(runner), clock_(clock) {}

  TransactionsOutcome Find(const TransactionsRequest& request);

 private:
  Result<TransactionsAnswer> Ask(const TransactionsRequest& request,
                                 const TimeRange& range,
                                 const store::Predicate& where);

  QueryRunner& runner_;
  const Clock& clock_;
};

}  // namespace postglass::query
