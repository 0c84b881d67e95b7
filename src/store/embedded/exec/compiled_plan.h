#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/embedded/exec/compiled_groups.h"
#include "store/embedded/exec/condition.h"
#include "store/embedded/exec/field_columns.h"
#include "store/match.h"
#include "store/plan.h"

namespace postglass::store {

// A plan made ready for tables. Immutable; shared by all threads of a query.
struct CompiledPlan {
  // Borrows the plan. Errors: kInvalidArgument, kLimit.
  static Result<CompiledPlan> Of(const Plan& plan);

  using CountedField = store::CountedField;

  const Plan* plan = nullptr;
  Matcher matcher;
  Condition condition;                              // borrows from the matcher
  std::vector<std::optional<CountedField>> splits;  // of histograms
  std::vector<CountedField> top_values;
  std::vector<CountedField> percentiles;
  std::vector<CountedField> cardinalities;
  std::vector<CompiledGroups> groups;
  // Whether the condition, or some answer but the rows, depends on the attributes.
  bool reads_attributes = false;
  // Whether nothing but rows and their number is asked.
  bool counts_only = false;
  std::optional<CountedField> sort_by = std::nullopt;  // of rows
};

// kCancelled when the plan's stop was asked for.
Status CheckStop(const Plan& plan);

}  // namespace postglass::store
