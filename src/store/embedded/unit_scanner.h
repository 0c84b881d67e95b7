#pragma once

#include <cstdint>
#include <string>

#include "store/embedded/block.h"
#include "store/embedded/filter_cache.h"
#include "store/embedded/snapshot.h"
#include "store/event_reader.h"
#include "store/function_ref.h"
#include "store/match.h"
#include "store/plan.h"

namespace postglass::store {

// Finds the matching rows of units, one after another. One a thread; keeps its buffers.
class UnitScanner {
 public:
  // What the visitor will read of a matching row, beside id and times.
  enum class Need { kNothing, kEverything };

  // All must outlive it.
  UnitScanner(const Snapshot& snapshot,
              const Plan& plan,
              const Matcher& matcher,
              const KeyCondition& condition,
              FilterCache& filters,
              Need need);

  // Whether the unit may hold rows of the plan, by its times alone.
  static bool InTime(const ScanUnit& unit, const Plan& plan);
  // Whether all its rows are in the plan's time ranges.
  static bool AllInTime(const ScanUnit& unit, const Plan& plan);

  // Row number within the unit, and the reader standing on it. Returns false to end the unit.
  using Visit = FunctionRef<bool(std::uint32_t row, EventReader& reader)>;
  enum class Outcome { kScanned, kSkippedByFilter };
  // Errors: kCorruption and kIo (the unit cannot be read; rows may have been visited before);
  // kCancelled.
  Result<Outcome> Scan(const ScanUnit& unit, Visit visit);

  // Filters that failed their check, since the beginning.
  std::uint32_t damaged_filters() const { return damaged_filters_; }

 private:
  Result<bool> MayMatch(const ScanUnit& unit);
  Status Load(const ScanUnit& unit, Section section);
  Status ScanBlock(const ScanUnit& unit, Visit visit);
  Status ScanBatches(const ScanUnit& unit, Visit visit);
  Status CheckStop() const;

  const Snapshot& snapshot_;
  const Plan& plan_;
  const Matcher& matcher_;
  const KeyCondition& condition_;
  FilterCache& filters_;
  const Need need_;
  EventReader reader_;
  DecodedBlock block_;
  std::string compressed_;
  std::vector<std::uint32_t> rows_;
  std::uint32_t damaged_filters_ = 0;
};

}  // namespace postglass::store
