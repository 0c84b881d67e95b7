#include "store/embedded/day_split.h"

#include <algorithm>
#include <map>

namespace postglass::store {

namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// Rows of one table and one day: a table is in order of time.
struct Run {
  std::size_t table = 0;
  RowIndex begin = 0;
  RowIndex end = 0;
};

struct Day {
  std::uint64_t rows = 0;
  std::vector<Run> runs;
};

// The end of the run of rows that begins at `begin` and is of one day.
RowIndex EndOfDay(const RowKeys& keys, std::int64_t day, RowIndex begin, RowIndex rows) {
  RowIndex low = begin;  // of that day
  RowIndex high = rows;  // of another, or the end
  while (high - low > 1) {
    const RowIndex middle = low + (high - low) / 2;
    (DayOf(keys.timestamp_ms(middle)) == day ? low : high) = middle;
  }
  return high;
}

std::vector<MergeInput> InputsOf(std::span<const std::shared_ptr<const Table>> tables,
                                 const std::vector<Run>& runs) {
  std::map<std::size_t, std::vector<Run>> by_table;
  for (const Run& run : runs) by_table[run.table].push_back(run);
  std::vector<MergeInput> inputs;
  for (const auto& [table, of_table] : by_table) {
    auto rows = std::make_shared<std::vector<RowIndex>>();
    for (const Run& run : of_table) {
      for (RowIndex row = run.begin; row < run.end; ++row) rows->push_back(row);
    }
    std::sort(rows->begin(), rows->end());
    const bool all = rows->size() == tables[table]->info().rows;
    inputs.push_back({tables[table], all ? nullptr : std::move(rows)});
  }
  return inputs;
}

}  // namespace

std::int64_t DayOf(std::int64_t timestamp_ms) {
  const std::int64_t rest = timestamp_ms % kDayMs;
  return (timestamp_ms / kDayMs) - (rest < 0 ? 1 : 0);
}

Result<std::vector<std::vector<MergeInput>>> SplitByDay(
    std::span<const std::shared_ptr<const Table>> tables, std::size_t days_max) {
  std::map<std::int64_t, Day> days;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const RowKeys> keys, tables[i]->Keys());
    const RowIndex rows = tables[i]->info().rows;
    for (RowIndex begin = 0; begin < rows;) {
      const std::int64_t day = DayOf(keys->timestamp_ms(begin));
      const RowIndex end = EndOfDay(*keys, day, begin, rows);
      days[day].rows += end - begin;
      days[day].runs.push_back({i, begin, end});
      begin = end;
    }
  }
  std::vector<const Day*> by_rows;
  for (const auto& [day, of_day] : days) by_rows.push_back(&of_day);
  std::stable_sort(
      by_rows.begin(), by_rows.end(), [](const Day* a, const Day* b) { return a->rows > b->rows; });
  std::vector<std::vector<MergeInput>> groups;
  std::vector<Run> others;
  for (std::size_t i = 0; i < by_rows.size(); ++i) {
    if (i < days_max) {
      groups.push_back(InputsOf(tables, by_rows[i]->runs));
    } else {
      others.insert(others.end(), by_rows[i]->runs.begin(), by_rows[i]->runs.end());
    }
  }
  if (!others.empty()) groups.push_back(InputsOf(tables, others));
  return groups;
}

}  // namespace postglass::store
