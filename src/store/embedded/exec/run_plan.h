#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "store/embedded/exec/snapshot.h"
#include "store/match.h"
#include "store/plan.h"

namespace postglass::store {

// Codes that the caller's thread looks at before helpers are called: waking one takes longer than a
// look-up in all tables.
inline constexpr std::uint64_t kWorkBeforeHelp = 256 << 10;

// Executes a plan over a snapshot with the meaning of docs/semantics.md: per table the predicate
// runs over dictionaries, then over codes; all sinks share the selection. Up to `helpers_max`
// threads of the pool work beside the caller's when there is much to do. A table that cannot be
// read costs its rows and is named in the report, not the query.
// Without a clock Plan::explain tells no times. Errors: kInvalidArgument (the plan), kCancelled,
// kLimit (memory).
Result<RunReport> RunPlan(const Snapshot& snapshot,
                          const Plan& plan,
                          Sink& sink,
                          WorkerPool& pool,
                          std::size_t helpers_max,
                          std::uint64_t work_before_help = kWorkBeforeHelp,
                          const Clock* clock = nullptr);

// The live rows of one table that the plan selects, ascending; for deletes.
Result<std::vector<RowIndex>> SelectRows(const LiveTable& live, const Plan& plan);

}  // namespace postglass::store
