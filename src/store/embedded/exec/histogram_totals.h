#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/embedded/exec/field_values.h"
#include "store/embedded/exec/memory_budget.h"

namespace postglass::store {

// One table's part of a histogram. Rows are in order of time, so a bucket is a run of rows and only
// its borders are looked for.
struct HistogramPart {
  struct Bucket {
    std::int64_t start_ms = 0;
    std::uint64_t count = 0;
    std::size_t split_end = 0;  // in splits; it begins where the bucket before ends
  };

  std::vector<Bucket> buckets;                                  // ascending, none empty
  std::vector<std::pair<std::uint32_t, std::uint32_t>> splits;  // place in texts, count
  std::vector<std::string> texts;

  // Errors: of the table; kCancelled; kLimit.
  static Result<HistogramPart> Of(const HistogramRequest& request,
                                  const std::optional<CompiledPlan::CountedField>& split,
                                  TableSelector& selector,
                                  const RowSet& rows,
                                  MemoryBudget& budget);
};

// A histogram over all tables and single events. Not thread-safe.
class HistogramTotals {
 public:
  void Add(const HistogramPart& part);
  void Add(std::int64_t start_ms, std::uint64_t count, const ValueCounts& split);
  std::vector<HistogramBucket> Take();

 private:
  struct Bucket {
    std::uint64_t count = 0;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> split;  // text and count, not summed yet
  };

  std::uint32_t IdOf(const std::string& text);

  std::map<std::int64_t, Bucket> buckets_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<const std::string*> texts_;  // by id; keys of ids_
};

}  // namespace postglass::store
