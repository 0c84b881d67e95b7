#include "cloudwatch/cloudwatch_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "aws/query_protocol.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "cloudwatch/query_form.h"

namespace postglass::cloudwatch {
namespace {

constexpr std::string_view kTargetPrefix = "GraniteServiceVersion20100801.";
constexpr std::string_view kNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/";
constexpr std::array<std::string_view, 4> kOperations = {
    "PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"};
constexpr std::size_t kBodyBytesMax = 1 << 20;        // [CloudWatch] after decompression
constexpr std::size_t kDataMax = 1'000;               // [CloudWatch] of one PutMetricData
constexpr std::size_t kValuesMax = 150;               // [CloudWatch] of one datum
constexpr std::size_t kDimensionsMax = 30;            // [CloudWatch]
constexpr std::size_t kQueriesMax = 500;              // [CloudWatch]
constexpr std::int64_t kStatisticsPointsMax = 1'440;  // [CloudWatch]
constexpr std::int64_t kDataPointsMax = 100'800;      // [CloudWatch]
constexpr std::size_t kListPage = 500;                // [CloudWatch]
constexpr std::int64_t kPeriodMax = 86'400;

aws::AwsError InvalidValue(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message)};
}

aws::AwsError InvalidCombination(std::string message) {
  return {400, "InvalidParameterCombinationException", std::move(message)};
}

aws::AwsError Missing(std::string_view name) {
  return {
      400, "MissingRequiredParameterException", fmt::format("The parameter {} is required.", name)};
}

// What the query protocol calls an error.
std::string QueryCode(std::string_view code) {
  if (code == "MissingRequiredParameterException") return "MissingParameter";
  if (code == "UnknownOperationException") return "InvalidAction";
  if (code == "AccessDeniedException") return "AccessDenied";
  for (const std::string_view suffix : {"Exception", "Fault"}) {
    if (code.ends_with(suffix)) return std::string(code.substr(0, code.size() - suffix.size()));
  }
  return std::string(code);
}

bool IsJson(const net::HttpRequest& request) {
  return request.headers.Find("X-Amz-Target").has_value();
}

std::string OperationOf(const net::HttpRequest& request) {
  if (const auto target = request.headers.Find("X-Amz-Target")) {
    return target->starts_with(kTargetPrefix) ? std::string(target->substr(kTargetPrefix.size()))
                                              : std::string();
  }
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  return params ? std::string(params->action()) : std::string();
}

// A number, or a text that is one.
std::optional<double> FindNumber(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->to_number<double>();
  const json::string* text = value->if_string();
  if (text == nullptr) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

// Seconds since 1970 (JSON) or ISO 8601 (query).
std::optional<Timestamp> FindTime(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (const json::string* text = value->if_string()) {
    if (const auto time = ParseIso8601(*text)) return time;
  }
  const std::optional<double> seconds = FindNumber(o, name);
  if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) > 1e11) return std::nullopt;
  return Timestamp::FromMillis(std::llround(*seconds * 1'000));
}

// Namespace, MetricName and Dimensions of a metric or a datum.
std::variant<MetricId, aws::AwsError> ReadId(const json::object& o,
                                             const std::string& metric_namespace) {
  MetricId id;
  id.metric_namespace = metric_namespace;
  id.name = json::GetStringOr(o, "MetricName", "");
  if (id.metric_namespace.empty()) return Missing("Namespace");
  if (id.name.empty()) return Missing("MetricName");
  if (id.metric_namespace.size() > 255 || id.name.size() > 255) {
    return InvalidValue("Namespace and MetricName are at most 255 characters long.");
  }
  if (const json::array* dimensions = json::GetArray(o, "Dimensions")) {
    if (dimensions->size() > kDimensionsMax) {
      return InvalidValue(fmt::format(
          "The collection Dimensions must not have a size greater than {}.", kDimensionsMax));
    }
    for (const json::value& item : *dimensions) {
      const json::object* d = item.if_object();
      const std::string name = d == nullptr ? "" : json::GetStringOr(*d, "Name", "");
      const std::string value = d == nullptr ? "" : json::GetStringOr(*d, "Value", "");
      if (name.empty() || value.empty() || name.size() > 255 || value.size() > 1'024) {
        return InvalidValue("Dimensions have a Name (255) and a Value (1024 characters).");
      }
      id.dimensions.insert_or_assign(name, value);
    }
  }
  return id;
}

std::optional<double> StatisticOf(const Statistics& s, std::string_view name) {
  if (name == "SampleCount") return s.count;
  if (name == "Sum") return s.sum;
  if (name == "Average") return s.count == 0 ? 0 : s.sum / s.count;
  if (name == "Minimum") return s.min;
  if (name == "Maximum") return s.max;
  return std::nullopt;
}

aws::AwsError UnknownStatistic(std::string_view name) {
  return InvalidValue(
      fmt::format("The statistic {} is not supported here; use SampleCount, Sum, Average, Minimum "
                  "or Maximum.",
                  name));
}

struct Range {
  Timestamp from;
  Timestamp to;
};

std::variant<Range, aws::AwsError> ReadRange(const json::object& input) {
  const std::optional<Timestamp> from = FindTime(input, "StartTime");
  const std::optional<Timestamp> to = FindTime(input, "EndTime");
  if (!from) return Missing("StartTime");
  if (!to) return Missing("EndTime");
  if (*from >= *to) {
    return InvalidCombination("The parameter StartTime must be less than the parameter EndTime.");
  }
  return Range{*from, *to};
}

std::variant<std::chrono::seconds, aws::AwsError> ReadPeriod(const json::object& o) {
  const std::optional<double> period = FindNumber(o, "Period");
  if (!period) return Missing("Period");
  const auto seconds = static_cast<std::int64_t>(*period);
  if (*period < 60 || *period > kPeriodMax || seconds % 60 != 0 ||
      static_cast<double>(seconds) != *period) {
    return InvalidValue("The parameter Period must be a multiple of 60, at most 86400.");
  }
  return std::chrono::seconds(seconds);
}

// The statistics of one datum, and when.
struct Datum {
  MetricId id;
  Timestamp at;
  Statistics statistics;
  std::string unit;
};

std::variant<Datum, aws::AwsError> ReadDatum(const json::object& o,
                                             const std::string& metric_namespace,
                                             Timestamp now) {
  auto id = ReadId(o, metric_namespace);
  if (auto* error = std::get_if<aws::AwsError>(&id)) return *error;
  Datum datum{std::get<MetricId>(std::move(id)),
              FindTime(o, "Timestamp").value_or(now),
              {},
              json::GetStringOr(o, "Unit", "")};
  const auto add = [&datum](double value, double count) {
    if (!std::isfinite(value) || !std::isfinite(count) || std::abs(value) > 1e108 || count <= 0) {
      return false;
    }
    datum.statistics.Merge({count, value * count, value, value});
    return true;
  };
  const auto bad = [] { return InvalidValue("A value is not a number within -2^360 to 2^360."); };
  if (const json::object* set = json::GetObject(o, "StatisticValues")) {
    const auto count = FindNumber(*set, "SampleCount");
    const auto sum = FindNumber(*set, "Sum");
    const auto min = FindNumber(*set, "Minimum");
    const auto max = FindNumber(*set, "Maximum");
    if (!count || !sum || !min || !max || *count <= 0) {
      return InvalidValue("StatisticValues have SampleCount, Sum, Minimum and Maximum.");
    }
    datum.statistics = {*count, *sum, *min, *max};
  } else if (const json::array* values = json::GetArray(o, "Values")) {
    const json::array* counts = json::GetArray(o, "Counts");
    if (values->empty() || values->size() > kValuesMax ||
        (counts != nullptr && counts->size() != values->size())) {
      return InvalidValue("Values have 1 to 150 members, Counts as many.");
    }
    for (std::size_t i = 0; i < values->size(); ++i) {
      const json::object pair{{"v", (*values)[i]},
                              {"c", counts == nullptr ? json::value(1) : (*counts)[i]}};
      const auto value = FindNumber(pair, "v");
      const auto count = FindNumber(pair, "c");
      if (!value || !count || !add(*value, *count)) return bad();
    }
  } else {
    if (!o.contains("Value")) return Missing("Value");
    const auto value = FindNumber(o, "Value");
    if (!value || !add(*value, 1)) return bad();
  }
  return datum;
}

json::array ShowDimensions(const Dimensions& dimensions) {
  json::array shown;
  for (const auto& [name, value] : dimensions) {
    shown.push_back(json::object{{"Name", name}, {"Value", value}});
  }
  return shown;
}

double SecondsOf(Timestamp t) { return static_cast<double>(t.millis()) / 1'000; }

// Where a page of ListMetrics ended.
std::string TokenOf(const MetricId& id) {
  return Base64UrlEncode(
      json::Serialize(json::object{{"Namespace", id.metric_namespace},
                                   {"MetricName", id.name},
                                   {"Dimensions", ShowDimensions(id.dimensions)}}));
}

std::optional<MetricId> IdOfToken(std::string_view token) {
  const std::optional<std::string> text = Base64UrlDecode(token);
  const Result<json::object> o = json::ParseObject(text.value_or(""));
  if (!o) return std::nullopt;
  auto id = ReadId(*o, json::GetStringOr(*o, "Namespace", ""));
  if (auto* read = std::get_if<MetricId>(&id)) return std::move(*read);
  return std::nullopt;
}

net::HttpResponse JsonResponse(int status, const json::object& body, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/x-amz-json-1.0");
  response.headers.Add("x-amzn-RequestId", std::string(request_id));
  response.body = json::Serialize(body);
  return response;
}

}  // namespace

net::HttpResponse CloudWatchApi::Handle(const aws::ServiceRequest& request) {
  const std::string operation = OperationOf(request.http);
  json::object input;
  std::string body = request.http.body;
  // SDKs compress large PutMetricData.
  if (const auto coding = request.http.headers.Find("Content-Encoding")) {
    Result<std::string> decoded = net::DecodeContent(*coding, body, kBodyBytesMax);
    if (!decoded) return RenderError(request, InvalidValue(decoded.error().message));
    body = std::move(*decoded);
  }
  Result<json::object> parsed = IsJson(request.http)
                                    ? json::ParseObject(body)
                                    : ObjectFromForm(body.empty() ? request.http.query() : body);
  if (!parsed) {
    return RenderError(request, {400, "SerializationException", parsed.error().message});
  }
  const Reply reply = Run(operation, *parsed);
  if (const auto* error = std::get_if<aws::AwsError>(&reply)) return RenderError(request, *error);
  const auto& output = std::get<json::object>(reply);
  if (IsJson(request.http)) return JsonResponse(200, output, request.request_id);
  return aws::QueryResponse(
      kNamespace,
      operation,
      XmlFromObject(output),
      request.request_id,
      operation == "PutMetricData" ? aws::ResultElement::kNone : aws::ResultElement::kPresent);
}

CloudWatchApi::Reply CloudWatchApi::Run(std::string_view operation, const json::object& input) {
  if (operation == "PutMetricData") return PutMetricData(input);
  if (operation == "GetMetricData") return GetMetricData(input);
  if (operation == "GetMetricStatistics") return GetMetricStatistics(input);
  if (operation == "ListMetrics") return ListMetrics(input);
  return aws::AwsError{400,
                       "UnknownOperationException",
                       fmt::format("The action {} is not valid for this endpoint.", operation)};
}

net::HttpResponse CloudWatchApi::RenderError(const aws::ServiceRequest& request,
                                             const aws::AwsError& error) {
  aws::AwsError named = error;
  if (named.code == "AccessDenied") named.code = "AccessDeniedException";
  const std::string query_code = QueryCode(named.code);
  if (!IsJson(request.http)) {
    named.code = query_code;
    return aws::QueryErrorResponse(kNamespace, named, request.request_id);
  }
  net::HttpResponse response =
      JsonResponse(named.http_status,
                   {{"__type", fmt::format("com.amazonaws.cloudwatch#{}", named.code)},
                    {"message", named.message}},
                   request.request_id);
  response.headers.Add(
      "x-amzn-query-error",
      fmt::format("{};{}", query_code, named.sender_fault ? "Sender" : "Receiver"));
  return response;
}

std::string CloudWatchApi::ActionOf(const net::HttpRequest& request) const {
  const std::string operation = OperationOf(request);
  if (std::find(kOperations.begin(), kOperations.end(), operation) == kOperations.end()) return {};
  return "cloudwatch:" + operation;
}

// All data are checked before the first is added.
CloudWatchApi::Reply CloudWatchApi::PutMetricData(const json::object& input) {
  const std::string metric_namespace = json::GetStringOr(input, "Namespace", "");
  if (metric_namespace.empty()) return Missing("Namespace");
  if (metric_namespace.starts_with("AWS/")) {
    return InvalidValue("The value AWS/ for parameter Namespace is invalid.");
  }
  const json::array* data = json::GetArray(input, "MetricData");
  if (data == nullptr || data->empty()) return Missing("MetricData");
  if (data->size() > kDataMax) {
    return InvalidValue(
        fmt::format("The collection MetricData must not have a size greater than {}.", kDataMax));
  }
  std::vector<Datum> read;
  for (const json::value& item : *data) {
    const json::object* o = item.if_object();
    if (o == nullptr) return InvalidValue("MetricData is a list of structures.");
    auto datum = ReadDatum(*o, metric_namespace, clock_.Now());
    if (auto* error = std::get_if<aws::AwsError>(&datum)) return *error;
    read.push_back(std::get<Datum>(std::move(datum)));
  }
  for (const Datum& datum : read) {
    const Status added = store_.Add(datum.id, datum.at, datum.statistics, datum.unit);
    if (added) continue;
    if (added.error().code == ErrorCode::kInvalidArgument) {
      return InvalidValue("The parameter MetricData.member.Timestamp: " + added.error().message);
    }
    return aws::AwsError{400, "LimitExceededFault", added.error().message};
  }
  return json::object();
}

CloudWatchApi::Reply CloudWatchApi::GetMetricStatistics(const json::object& input) {
  const auto id = ReadId(input, json::GetStringOr(input, "Namespace", ""));
  if (const auto* error = std::get_if<aws::AwsError>(&id)) return *error;
  const auto range = ReadRange(input);
  if (const auto* error = std::get_if<aws::AwsError>(&range)) return *error;
  const auto period = ReadPeriod(input);
  if (const auto* error = std::get_if<aws::AwsError>(&period)) return *error;
  const auto& [from, to] = std::get<Range>(range);
  const auto seconds = std::get<std::chrono::seconds>(period);
  const std::int64_t count = (to - from) / std::chrono::nanoseconds(seconds);
  if (count > kStatisticsPointsMax) {
    return InvalidCombination(
        fmt::format("You have requested up to {} datapoints, which exceeds the limit of 1,440. You "
                    "may reduce the datapoints requested by increasing Period, or decreasing the "
                    "time range.",
                    count));
  }
  const json::array* wanted = json::GetArray(input, "Statistics");
  if (wanted == nullptr || wanted->empty()) {
    if (json::GetArray(input, "ExtendedStatistics") != nullptr)
      return UnknownStatistic("percentile");
    return InvalidCombination(
        "At least one of the parameters Statistics and ExtendedStatistics must be specified.");
  }
  const MetricId& metric = std::get<MetricId>(id);
  const std::string unit = store_.UnitOf(metric);
  json::array points;
  for (const DataPoint& point : store_.Read(metric, from, to, seconds)) {
    json::object shown{{"Timestamp", SecondsOf(point.begin)}, {"Unit", unit}};
    for (const json::value& name : *wanted) {
      const std::string_view text =
          name.is_string() ? std::string_view(name.get_string()) : std::string_view();
      const auto value = StatisticOf(point.statistics, text);
      if (!value) return UnknownStatistic(text);
      shown[text] = *value;
    }
    points.push_back(std::move(shown));
  }
  return json::object{{"Label", metric.name}, {"Datapoints", std::move(points)}};
}

CloudWatchApi::Reply CloudWatchApi::GetMetricData(const json::object& input) {
  const auto range = ReadRange(input);
  if (const auto* error = std::get_if<aws::AwsError>(&range)) return *error;
  const auto& [from, to] = std::get<Range>(range);
  const json::array* queries = json::GetArray(input, "MetricDataQueries");
  if (queries == nullptr || queries->empty()) return Missing("MetricDataQueries");
  if (queries->size() > kQueriesMax) {
    return InvalidValue(fmt::format(
        "The collection MetricDataQueries must not have a size greater than {}.", kQueriesMax));
  }
  const bool ascending = json::GetStringOr(input, "ScanBy", "") == "TimestampAscending";
  json::array results;
  std::int64_t total = 0;
  std::set<std::string> ids;
  for (const json::value& item : *queries) {
    const json::object* query = item.if_object();
    const std::string query_id = query == nullptr ? "" : json::GetStringOr(*query, "Id", "");
    if (query_id.empty() || query_id[0] < 'a' || query_id[0] > 'z' ||
        !ids.insert(query_id).second) {
      return aws::AwsError{400,
                           "ValidationError",
                           fmt::format("The value '{}' is not a valid Id: it begins with a lower "
                                       "case letter and is there once",
                                       query_id)};
    }
    const json::object* stat = json::GetObject(*query, "MetricStat");
    if (stat == nullptr) {
      return aws::AwsError{400,
                           "ValidationError",
                           fmt::format("Error in query '{}': expressions are not supported here, "
                                       "only MetricStat",
                                       query_id)};
    }
    const json::object* metric = json::GetObject(*stat, "Metric");
    if (metric == nullptr) return Missing("MetricDataQueries.member.MetricStat.Metric");
    const auto id = ReadId(*metric, json::GetStringOr(*metric, "Namespace", ""));
    if (const auto* error = std::get_if<aws::AwsError>(&id)) return *error;
    const auto period = ReadPeriod(*stat);
    if (const auto* error = std::get_if<aws::AwsError>(&period)) return *error;
    const std::string statistic = json::GetStringOr(*stat, "Stat", "");
    if (!StatisticOf({}, statistic)) return UnknownStatistic(statistic);
    const auto seconds = std::get<std::chrono::seconds>(period);
    total += (to - from) / std::chrono::nanoseconds(seconds);
    if (total > kDataPointsMax) {
      return aws::AwsError{
          400,
          "ValidationError",
          fmt::format(
              "Up to {} data points are requested, {} are the most", total, kDataPointsMax)};
    }
    const bool returned =
        json::GetBool(*query, "ReturnData").value_or(true) &&
        !EqualsIgnoreAsciiCase(json::GetStringOr(*query, "ReturnData", "true"), "false");
    if (!returned) continue;
    const MetricId& named = std::get<MetricId>(id);
    std::vector<DataPoint> points = store_.Read(named, from, to, seconds);
    if (!ascending) std::reverse(points.begin(), points.end());
    json::array timestamps;
    json::array values;
    for (const DataPoint& point : points) {
      timestamps.emplace_back(SecondsOf(point.begin));
      values.emplace_back(*StatisticOf(point.statistics, statistic));
    }
    results.push_back(json::object{{"Id", query_id},
                                   {"Label", json::GetStringOr(*query, "Label", named.name)},
                                   {"Timestamps", std::move(timestamps)},
                                   {"Values", std::move(values)},
                                   {"StatusCode", "Complete"}});
  }
  return json::object{{"MetricDataResults", std::move(results)}, {"Messages", json::array()}};
}

CloudWatchApi::Reply CloudWatchApi::ListMetrics(const json::object& input) {
  MetricStore::Filter filter;
  filter.metric_namespace = json::GetStringOr(input, "Namespace", "");
  filter.name = json::GetStringOr(input, "MetricName", "");
  if (const json::array* dimensions = json::GetArray(input, "Dimensions")) {
    for (const json::value& item : *dimensions) {
      const json::object* d = item.if_object();
      if (d == nullptr || !json::GetString(*d, "Name")) return Missing("Dimensions.member.Name");
      const auto value = json::GetString(*d, "Value");
      filter.dimensions.emplace_back(json::GetStringOr(*d, "Name", ""),
                                     value ? std::optional(std::string(*value)) : std::nullopt);
    }
  }
  if (const auto active = json::GetString(input, "RecentlyActive")) {
    if (*active != "PT3H") return InvalidValue("RecentlyActive must be PT3H.");
    filter.active_since = clock_.Now() - std::chrono::hours(3);
  }
  std::optional<MetricId> after;
  if (const auto token = json::GetString(input, "NextToken")) {
    after = IdOfToken(*token);
    if (!after)
      return aws::AwsError{400, "InvalidNextToken", "Request parameter NextToken is invalid"};
  }
  const std::vector<MetricId> listed = store_.List(filter, after, kListPage + 1);
  json::array metrics;
  for (std::size_t i = 0; i < listed.size() && i < kListPage; ++i) {
    metrics.push_back(json::object{{"Namespace", listed[i].metric_namespace},
                                   {"MetricName", listed[i].name},
                                   {"Dimensions", ShowDimensions(listed[i].dimensions)}});
  }
  json::object output{{"Metrics", std::move(metrics)}};
  if (listed.size() > kListPage) output["NextToken"] = TokenOf(listed[kListPage - 1]);
  return output;
}

}  // namespace postglass::cloudwatch
