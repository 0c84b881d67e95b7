#pragma once

#include "base/worker_pool.h"
#include "store/embedded/filter_cache.h"
#include "store/embedded/snapshot.h"
#include "store/plan.h"

namespace postglass::store {

// Answers a plan about a snapshot, in the calling thread and up to `helpers_max` of the pool. A
// block that cannot be read is left out and named in the report.
Result<RunReport> RunPlan(const Snapshot& snapshot,
                          const Plan& plan,
                          Sink& sink,
                          FilterCache& filters,
                          WorkerPool& pool,
                          std::size_t helpers_max);

}  // namespace postglass::store
