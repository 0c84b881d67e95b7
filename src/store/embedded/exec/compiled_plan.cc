#include "store/embedded/exec/compiled_plan.h"

#include "store/plan_rules.h"

namespace postglass::store {

namespace {

bool InAttributes(const Field& field) {
  switch (field.kind) {
    case Field::Kind::kReserved:
      return field.name == "trace_id";
    case Field::Kind::kTag:
    case Field::Kind::kTags:
      return false;
    default:
      return true;
  }
}

}  // namespace

Result<CompiledPlan> CompiledPlan::Of(const Plan& plan) {
  RETURN_IF_ERROR(CheckPlan(plan));
  ASSIGN_OR_RETURN(Matcher matcher, Matcher::Compile(plan.where));
  Condition condition = Condition::Of(matcher);
  CompiledPlan compiled{&plan, std::move(matcher), std::move(condition), {}, {}, {}, {}, {}};
  compiled.reads_attributes = compiled.matcher.reads_attributes();
  const auto counted = [&](const Field& field) {
    compiled.reads_attributes = compiled.reads_attributes || InAttributes(field);
    return CountedField{field, TagPrefixOf(field)};
  };
  for (const HistogramRequest& histogram : plan.histograms) {
    compiled.splits.push_back(histogram.split ? std::optional(counted(*histogram.split))
                                              : std::nullopt);
  }
  for (const TopValuesRequest& top : plan.top_values) {
    compiled.top_values.push_back(counted(top.field));
  }
  for (const PercentilesRequest& percentiles : plan.percentiles) {
    compiled.percentiles.push_back(counted(percentiles.field));
  }
  for (const CardinalityRequest& cardinality : plan.cardinalities) {
    compiled.cardinalities.push_back(counted(cardinality.field));
  }
  for (const GroupRequest& groups : plan.groups) {
    compiled.groups.push_back(CompiledGroups::Of(groups));
    for (const CountedField& key : compiled.groups.back().keys) counted(key.field);
    for (const CompiledGroups::Accumulator& of : compiled.groups.back().accumulators) {
      if (of.family != CompiledGroups::Family::kCount) counted(of.field.field);
    }
  }
  if (plan.rows && plan.rows->by) compiled.sort_by = counted(*plan.rows->by);
  compiled.counts_only = plan.histograms.empty() && plan.top_values.empty() &&
                         plan.percentiles.empty() && plan.cardinalities.empty() &&
                         plan.groups.empty();
  return compiled;
}

Status CheckStop(const Plan& plan) {
  if (!plan.stop.stop_requested()) return {};
  return Fail(ErrorCode::kCancelled, "the query was cancelled");
}

}  // namespace postglass::store
