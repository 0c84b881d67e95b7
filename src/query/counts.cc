#include "query/counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "query/document_check.h"
#include "query/field_names.h"
#include "query/object_writer.h"
#include "query/time_range.h"

namespace postglass::query {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kBucketsWanted = 60;

// Steps that people count in.
constexpr std::array<std::int64_t, 20> kSteps = {
    kSecond,      5 * kSecond,  15 * kSecond, 30 * kSecond, kMinute,   2 * kMinute, 5 * kMinute,
    10 * kMinute, 15 * kMinute, 30 * kMinute, kHour,        2 * kHour, 3 * kHour,   6 * kHour,
    12 * kHour,   kDay,         2 * kDay,     7 * kDay,     14 * kDay, 28 * kDay};

class CountSink final : public store::Sink {
 public:
  std::uint64_t count = 0;
  std::vector<std::vector<store::ValueCount>> top;
  std::vector<store::HistogramBucket> buckets;

  void Count(std::uint64_t n) override { count = n; }

  void TopValues(std::size_t i, std::span<const store::ValueCount> values) override {
    top[i].assign(values.begin(), values.end());
  }

  void Histogram(std::size_t, std::span<const store::HistogramBucket> more) override {
    buckets.assign(more.begin(), more.end());
  }
};

struct Range {
  Timestamp from;
  Timestamp to;
};

Result<Range> ReadRange(const CountScope& scope, Timestamp now) {
  Range range;
  ASSIGN_OR_RETURN(range.from, ParseTime(scope.from, now));
  ASSIGN_OR_RETURN(range.to, ParseTime(scope.to, now));
  if (range.from > range.to) return Fail(ErrorCode::kInvalidArgument, "from is later than to");
  return range;
}

store::Plan PlanOf(const CountScope& scope, const Range& range) {
  store::Plan plan;
  plan.where = scope.where;
  plan.from_ms = range.from.millis();
  plan.to_ms = range.to.millis() + 1;
  plan.count = true;
  return plan;
}

// What a facet counts; where a name stands for several fields, the first of them.
Result<store::Field> FieldOf(std::string_view name) {
  RETURN_IF_ERROR(CheckFieldPath(name));
  return FieldsNamed(name).front();
}

Result<std::int64_t> ParseInterval(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t scale = unit == "s"   ? kSecond
                             : unit == "m" ? kMinute
                             : unit == "h" ? kHour
                             : unit == "d" ? kDay
                                           : 0;
  if (error != std::errc() || number < 1 || number > 1'000'000 || scale == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is no interval: expected 30s, 5m, 1h, 1d or the like", text));
  }
  return number * scale;
}

std::int64_t FittingInterval(const Range& range) {
  const std::int64_t length_ms = range.to.millis() - range.from.millis();
  for (const std::int64_t step : kSteps) {
    if (length_ms / step < kBucketsWanted) return step;
  }
  return (length_ms / kBucketsWanted / kDay + 1) * kDay;
}

void AppendValue(std::string& out, const store::ValueCount& value) {
  ObjectWriter object(out);
  object.Text("value", value.value);
  object.Number("count", value.count);
  object.Close();
}

}  // namespace

Result<TopAnswer> CountService::Top(const CountScope& scope,
                                    const std::vector<std::string>& fields,
                                    std::size_t limit) {
  if (fields.empty() || fields.size() > kFieldsMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("1 to {} fields can be counted at once", kFieldsMax));
  }
  if (limit < 1 || limit > kValuesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the limit must be within 1 and {}", kValuesMax));
  }
  ASSIGN_OR_RETURN(const Range range, ReadRange(scope, clock_.Now()));
  store::Plan plan = PlanOf(scope, range);
  for (const std::string& name : fields) {
    ASSIGN_OR_RETURN(store::Field field, FieldOf(name));
    plan.top_values.push_back({std::move(field), limit});
  }
  CountSink sink;
  sink.top.resize(fields.size());
  ASSIGN_OR_RETURN(store::RunReport report, runner_.Run(std::move(plan), sink));
  TopAnswer answer{range.from, range.to, sink.count, {}, std::move(report.damage)};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    answer.fields.push_back({fields[i], std::move(sink.top[i])});
  }
  return answer;
}

Result<HistogramAnswer> CountService::Histogram(const CountScope& scope,
                                                std::string_view interval,
                                                std::string_view split) {
  ASSIGN_OR_RETURN(const Range range, ReadRange(scope, clock_.Now()));
  std::int64_t interval_ms = FittingInterval(range);
  if (!interval.empty()) {
    ASSIGN_OR_RETURN(interval_ms, ParseInterval(interval));
  }
  const std::int64_t buckets = (range.to.millis() - range.from.millis()) / interval_ms;
  if (buckets >= static_cast<std::int64_t>(kBucketsMax)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("that makes more than {} intervals; take longer ones", kBucketsMax));
  }
  store::Plan plan = PlanOf(scope, range);
  store::HistogramRequest histogram{interval_ms, std::nullopt};
  if (!split.empty()) {
    ASSIGN_OR_RETURN(histogram.split, FieldOf(split));
  }
  plan.histograms.push_back(std::move(histogram));
  CountSink sink;
  ASSIGN_OR_RETURN(store::RunReport report, runner_.Run(std::move(plan), sink));
  return HistogramAnswer{range.from,
                         range.to,
                         sink.count,
                         milliseconds(interval_ms),
                         std::string(split),
                         std::move(sink.buckets),
                         std::move(report.damage)};
}

std::string TopJson(const TopAnswer& answer) {
  std::string out;
  ObjectWriter object(out);
  object.Time("from", answer.from);
  object.Time("to", answer.to);
  object.Number("matched", answer.matched);
  object.List("fields", answer.fields, [](std::string& to, const TopAnswer::Values& values) {
    ObjectWriter field(to);
    field.Text("field", values.field);
    field.List("values", values.values, AppendValue);
    field.Close();
  });
  object.Texts("damage", answer.damage);
  object.Close();
  return out;
}

std::string HistogramJson(const HistogramAnswer& answer) {
  std::string out;
  ObjectWriter object(out);
  object.Time("from", answer.from);
  object.Time("to", answer.to);
  object.Number("matched", answer.matched);
  object.Number("interval_ms", answer.interval.count());
  object.TextIfAny("split", answer.split);
  const bool split = !answer.split.empty();
  object.List("buckets", answer.buckets, [split](std::string& to, const store::HistogramBucket& b) {
    ObjectWriter bucket(to);
    bucket.Time("start", Timestamp::FromMillis(b.start_ms));
    bucket.Number("count", b.count);
    if (split) bucket.List("split", b.split, AppendValue);
    bucket.Close();
  });
  object.Texts("damage", answer.damage);
  object.Close();
  return out;
}

}  // namespace postglass::query
