#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "query/query_range.h"
#include "query/runner.h"
#include "query/search.h"
#include "store/predicate.h"

namespace postglass::query {

inline constexpr std::size_t kSubqueriesMax = 8;            // of one query
inline constexpr std::size_t kSubqueryValuesMax = 50'000;   // of each
inline constexpr std::size_t kSubqueryBytesMax = 16 << 20;  // of all their values

// Events whose field has one of these values, byte for byte.
store::Predicate OneOf(const store::Field& field, std::vector<std::string> values);

// The query as a predicate, its subqueries answered first, over the same range. Without subqueries
// it asks nothing of the store. Blocks.
std::variant<store::Predicate, SearchError> ParseAndResolve(std::string_view query,
                                                            const TimeRange& range,
                                                            std::stop_token stop,
                                                            QueryRunner& runner);

}  // namespace postglass::query
