#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/table_merge.h"

namespace postglass::store {

// Days since 1970, UTC, rounded toward the past.
std::int64_t DayOf(std::int64_t timestamp_ms);

// Parts the rows of tables by the day of their timestamps: one group a day, of at most `days_max`
// days, those with the most rows; the rows of all other days are one more group, the last.
// Requires: at least one row. Errors: of the tables.
Result<std::vector<std::vector<MergeInput>>> SplitByDay(
    std::span<const std::shared_ptr<const Table>> tables, std::size_t days_max);

}  // namespace postglass::store
