#include "store/plan_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "store/group_rules.h"

namespace postglass::store {

namespace {

Status CheckField(const Field& field) {
  if (field.kind == Field::Kind::kAllText) {
    return Fail(ErrorCode::kInvalidArgument, "the full-text field has no values to count");
  }
  return {};
}

Status CheckSort(const RowsRequest& rows) {
  if (!rows.by) return {};
  const bool key =
      rows.by->kind == Field::Kind::kReserved &&
      (rows.by->name == "timestamp" || rows.by->name == "id" || rows.by->name == "index");
  const bool text = rows.by->kind == Field::Kind::kText || rows.by->kind == Field::Kind::kAllText;
  if (!key && !text) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("rows are not sorted by {}", text ? "full text" : rows.by->name));
}

}  // namespace

Status CheckPlan(const Plan& plan) {
  if (plan.rows) RETURN_IF_ERROR(CheckSort(*plan.rows));
  for (const HistogramRequest& histogram : plan.histograms) {
    if (histogram.interval_ms < 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("histogram interval of {} ms", histogram.interval_ms));
    }
    if (histogram.split) RETURN_IF_ERROR(CheckField(*histogram.split));
    if (!std::is_sorted(histogram.borders.begin(), histogram.borders.end(), std::less_equal<>())) {
      return Fail(ErrorCode::kInvalidArgument, "the borders of a histogram are not in order");
    }
  }
  for (const TopValuesRequest& top : plan.top_values) RETURN_IF_ERROR(CheckField(top.field));
  for (const CardinalityRequest& c : plan.cardinalities) RETURN_IF_ERROR(CheckField(c.field));
  for (const PercentilesRequest& percentiles : plan.percentiles) {
    RETURN_IF_ERROR(CheckField(percentiles.field));
    for (const double quantile : percentiles.quantiles) {
      if (!(quantile >= 0 && quantile <= 1)) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("quantile {} is not between 0 and 1", quantile));
      }
    }
  }
  for (const GroupRequest& groups : plan.groups) RETURN_IF_ERROR(CheckGroups(groups));
  return {};
}

int CompareKeys(Order order, const SortKey& a, const SortKey& b) {
  using Kind = SortKey::Kind;
  if (a.kind == Kind::kMissing || b.kind == Kind::kMissing) {
    return (a.kind == Kind::kMissing ? 1 : 0) - (b.kind == Kind::kMissing ? 1 : 0);
  }
  int ascending = 0;
  if (a.kind != b.kind) {
    ascending = a.kind == Kind::kNumber ? -1 : 1;
  } else if (a.kind == Kind::kNumber) {
    ascending = a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  } else {
    ascending = a.text.compare(b.text);
  }
  return order == Order::kOldestFirst ? ascending : -ascending;
}

SortKey SortKeyOf(EventReader& reader, const Field& field, Order order) {
  SortKey best;
  reader.AnyValue(field, [&](const ValueView& value) {
    SortKey key{SortKey::Kind::kText, 0, {}};
    if (value.number) {
      key = {SortKey::Kind::kNumber, *value.number, {}};
    } else {
      key.text = value.text;
    }
    if (CompareKeys(order, key, best) < 0) best = std::move(key);
    return false;
  });
  return best;
}

std::int64_t BucketStart(std::int64_t timestamp_ms, std::int64_t interval_ms) {
  const std::int64_t rest = timestamp_ms % interval_ms;
  return timestamp_ms - (rest < 0 ? rest + interval_ms : rest);
}

std::optional<BucketSpan> HistogramBucketOf(const HistogramRequest& request,
                                            std::int64_t timestamp_ms) {
  if (!request.borders.empty()) {
    const std::optional<std::uint32_t> bucket = BucketOf(request.borders, timestamp_ms);
    if (!bucket) return std::nullopt;
    return BucketSpan{request.borders[*bucket], request.borders[*bucket + 1]};
  }
  BucketSpan span{BucketStart(timestamp_ms, request.interval_ms), std::nullopt};
  if (span.start_ms <= std::numeric_limits<std::int64_t>::max() - request.interval_ms) {
    span.end_ms = span.start_ms + request.interval_ms;
  }
  return span;
}

void SortTopValues(std::vector<ValueCount>& values, std::size_t limit) {
  const auto before = [](const ValueCount& a, const ValueCount& b) {
    return a.count != b.count ? a.count > b.count : a.value < b.value;
  };
  if (values.size() > limit) {
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(limit);
    std::partial_sort(values.begin(), end, values.end(), before);
    values.resize(limit);
  } else {
    std::sort(values.begin(), values.end(), before);
  }
}

double QuantileOfSorted(const std::vector<double>& sorted, double quantile) {
  if (sorted.empty()) return std::nan("");
  const double rank = quantile * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double share = rank - static_cast<double>(below);
  return sorted[below] + (sorted[below + 1] - sorted[below]) * share;
}

}  // namespace postglass::store
