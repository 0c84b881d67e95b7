#include "query/aggregate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "query/query_range.h"
#include "query/subquery.h"
#include "query/time_buckets.h"
#include "store/event_reader.h"
#include "store/hash.h"

namespace postglass::query {

namespace {

constexpr std::size_t kCursorBytesMax = 1'024;
constexpr std::size_t kNameBytesMax = 1'024;

// How far an answer was read. The range stays that of the first page; what the groups are is asked
// again.
struct Cursor {
  std::size_t skip = 0;
  TimeRange range;
  std::uint64_t question = 0;  // hash of the rest of the request
};

std::string EncodeCursor(const Cursor& cursor) {
  return Base64UrlEncode(fmt::format(R"({{"skip":{},"from":{},"to":{},"question":"{:016x}"}})",
                                     cursor.skip,
                                     cursor.range.from.millis(),
                                     cursor.range.to.millis(),
                                     cursor.question));
}

std::optional<Cursor> DecodeCursor(std::string_view text, std::uint64_t question) {
  if (text.size() > kCursorBytesMax) return std::nullopt;
  const std::optional<std::string> raw = Base64UrlDecode(text);
  if (!raw) return std::nullopt;
  const Result<json::object> object = json::ParseObject(*raw);
  if (!object) return std::nullopt;
  const auto skip = json::GetInt(*object, "skip");
  const auto from = json::GetInt(*object, "from");
  const auto to = json::GetInt(*object, "to");
  if (!skip || *skip < 0 || !from || !IsTime(*from) || !to || !IsTime(*to) ||
      json::GetStringOr(*object, "question", "") != fmt::format("{:016x}", question)) {
    return std::nullopt;
  }
  return Cursor{static_cast<std::size_t>(*skip),
                {Timestamp::FromMillis(*from), Timestamp::FromMillis(*to)},
                question};
}

std::uint64_t QuestionOf(const AggregateRequest& request) {
  std::string text = fmt::format("{}\n{}\n", request.query, request.time_zone);
  for (const AggregateRequest::Compute& compute : request.computes) {
    text += fmt::format("{} {} {} {} {}\n",
                        static_cast<int>(compute.function.kind),
                        compute.function.quantile,
                        compute.metric,
                        compute.is_series,
                        compute.interval);
  }
  for (const AggregateRequest::GroupBy& by : request.group_by) {
    text += fmt::format("{} {} {} {} {} {} {} {} {}\n",
                        by.facet,
                        by.limit,
                        by.missing.value_or(""),
                        by.total,
                        static_cast<int>(by.sort),
                        static_cast<int>(by.sort_function.kind),
                        by.sort_function.quantile,
                        by.sort_metric,
                        by.ascending);
    if (by.histogram) {
      text += fmt::format("{} {} {}\n", by.histogram->low, by.histogram->high, by.histogram->width);
    }
  }
  return store::Hash64(text);
}

Result<store::Measure> MeasureOf(const AggregateFunction& function, const std::string& metric) {
  store::Measure measure{function.kind, {}, function.quantile, std::nullopt};
  if (function.kind == store::Measure::Kind::kCount) return measure;
  if (metric.empty() || metric == "*") {
    return Fail(ErrorCode::kInvalidArgument, "an aggregation other than count needs a metric");
  }
  if (metric.size() > kNameBytesMax) return Fail(ErrorCode::kInvalidArgument, "metric is too long");
  measure.field = FacetNamed(metric);
  return measure;
}

// A request for the store, and where its answers go.
struct Question {
  store::GroupRequest groups;
  std::vector<std::uint32_t> measure_of;  // by compute
};

class QuestionMaker {
 public:
  QuestionMaker(const AggregateRequest& request, const TimeRange& range, const TimeZone& zone)
      : request_(request), range_(range), zone_(zone) {}

  Result<Question> Make() {
    std::vector<AggregateRequest::Compute> computes = request_.computes;
    if (computes.empty()) computes.emplace_back();
    if (computes.size() > kComputesMax) {
      return Bad(fmt::format("at most {} computes", kComputesMax));
    }
    for (const AggregateRequest::Compute& compute : computes) {
      ASSIGN_OR_RETURN(store::Measure measure, MeasureOf(compute.function, compute.metric));
      if (compute.is_series) {
        ASSIGN_OR_RETURN(measure.series, SeriesOf(compute.interval));
      }
      question_.measure_of.push_back(PlaceOfMeasure(question_.groups.measures, measure));
    }
    ASSIGN_OR_RETURN(first_, MeasureOf(computes[0].function, computes[0].metric));
    std::size_t product = 1;
    for (const AggregateRequest::GroupBy& by : request_.group_by) {
      RETURN_IF_ERROR(AddKey(by));
      product *= std::max<std::size_t>(1, by.limit);
      if (by.limit > kGroupLimitsProductMax || product > kGroupLimitsProductMax) {
        return Bad(fmt::format("the product of limits must not exceed {}", kGroupLimitsProductMax));
      }
    }
    return std::move(question_);
  }

 private:
  static tl::unexpected<Error> Bad(std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  }

  Result<std::uint32_t> SeriesOf(const std::string& text) {
    TimeInterval interval =
        IntervalFor(std::chrono::milliseconds(range_.to.millis() - range_.from.millis()));
    if (!text.empty()) {
      ASSIGN_OR_RETURN(interval, ParseInterval(text));
    }
    const auto known = std::find(intervals_.begin(), intervals_.end(), interval);
    if (known != intervals_.end()) return static_cast<std::uint32_t>(known - intervals_.begin());
    ASSIGN_OR_RETURN(std::vector<std::int64_t> borders,
                     BucketBorders(range_.from, range_.to, interval, zone_));
    intervals_.push_back(interval);
    question_.groups.series.push_back(std::move(borders));
    return static_cast<std::uint32_t>(intervals_.size() - 1);
  }

  Status AddKey(const AggregateRequest::GroupBy& by) {
    using Sort = AggregateRequest::GroupBy::Sort;
    if (request_.group_by.size() > store::kGroupKeysMax) {
      return Bad(fmt::format("at most {} facets to group by", store::kGroupKeysMax));
    }
    if (by.facet.empty()) return Bad("a group_by needs a facet");
    if (by.facet.size() > kNameBytesMax) return Bad("facet is too long");
    store::GroupKey key;
    key.field = FacetNamed(by.facet);
    key.limit = by.limit;
    key.missing = by.missing;
    key.total = by.total;
    key.bins = by.histogram;
    key.order.ascending = by.ascending;
    if (by.histogram &&
        !((by.histogram->high - by.histogram->low) / by.histogram->width <= kHistogramStepsMax)) {
      return Bad(fmt::format("a histogram has at most {} buckets", kHistogramStepsMax));
    }
    store::Measure measure = first_;
    if (by.sort == Sort::kMeasure) {
      ASSIGN_OR_RETURN(measure, MeasureOf(by.sort_function, by.sort_metric));
    }
    if (by.sort != Sort::kKey) {
      key.order.measure = PlaceOfMeasure(question_.groups.measures, measure);
    }
    question_.groups.keys.push_back(std::move(key));
    return {};
  }

  const AggregateRequest& request_;
  const TimeRange& range_;
  const TimeZone& zone_;
  std::vector<TimeInterval> intervals_;  // by series
  store::Measure first_;                 // the first compute's, without series
  Question question_;
};

class CollectGroups final : public store::Sink {
 public:
  explicit CollectGroups(std::vector<store::Group>& groups) : groups_(groups) {}

  void Groups(std::size_t, std::span<const store::Group> groups) override {
    groups_.assign(groups.begin(), groups.end());
  }

 private:
  std::vector<store::Group>& groups_;
};

AggregateAnswer::Bucket BucketOf(store::Group& group, const Question& question) {
  AggregateAnswer::Bucket bucket;
  bucket.by = std::move(group.key);
  for (const std::uint32_t place : question.measure_of) {
    const store::MeasureValue& value = group.values[place];
    const std::optional<std::uint32_t>& series = question.groups.measures[place].series;
    if (!series) {
      bucket.computes.emplace_back(value.value);
      continue;
    }
    AggregateAnswer::Series points;
    for (const store::MeasureValue::Point& point : value.points) {
      points.emplace_back(Timestamp::FromMillis(question.groups.series[*series][point.bucket]),
                          point.value);
    }
    bucket.computes.emplace_back(std::move(points));
  }
  return bucket;
}

}  // namespace

AggregateOutcome AggregateService::Aggregate(const AggregateRequest& request) {
  Cursor cursor;
  cursor.question = QuestionOf(request);
  if (request.cursor.empty()) {
    const Result<TimeRange> range = ParseRange(request.from, request.to, clock_.Now());
    if (!range) return BadRequest(range.error().message);
    cursor.range = *range;
  } else {
    const std::optional<Cursor> known = DecodeCursor(request.cursor, cursor.question);
    if (!known) return BadRequest("the cursor is not one that this server gave for this question");
    cursor = *known;
  }
  if (cursor.range.to < cursor.range.from) return BadRequest("to lies before from");
  const auto zone = zones_.Find(request.time_zone);
  if (!zone) return BadRequest(zone.error().message);
  const Result<Question> question = QuestionMaker(request, cursor.range, **zone).Make();
  if (!question) return BadRequest(question.error().message);

  auto parsed = ParseAndResolve(request.query, cursor.range, request.stop, runner_);
  if (auto* error = std::get_if<SearchError>(&parsed)) return std::move(*error);
  store::Plan plan;
  plan.where = std::move(std::get<store::Predicate>(parsed));
  plan.stop = request.stop;
  plan.groups.push_back(question->groups);
  SetRange(cursor.range, plan);
  std::vector<store::Group> groups;
  CollectGroups sink(groups);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  const Result<store::RunReport> report = runner_.RunAsFarAsItGets(std::move(plan), sink);
  if (!report) return FromStore(report.error());

  AggregateAnswer answer;
  answer.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
  AddDamage(report->damage, answer.warnings);
  answer.timed_out = report->partial;
  if (report->partial) answer.warnings.push_back(PartialWarning(*report));
  // Of no event there is no bucket, as the original has it.
  if (report->events_matched == 0) return answer;
  const std::size_t begin = std::min(cursor.skip, groups.size());
  const std::size_t end = std::min(begin + kAggregatePageMax, groups.size());
  for (std::size_t i = begin; i < end; ++i) {
    answer.buckets.push_back(BucketOf(groups[i], *question));
  }
  if (end < groups.size()) {
    cursor.skip = end;
    answer.next_cursor = EncodeCursor(cursor);
  }
  return answer;
}

}  // namespace postglass::query
