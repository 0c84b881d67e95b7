#include "api/aggregate_json.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "api/json_body.h"
#include "base/time_format.h"
#include "store/event_reader.h"

namespace postglass::api {

namespace {

using GroupBy = query::AggregateRequest::GroupBy;

constexpr std::size_t kMissingBytesMax = 1'024;

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Status ReadFunction(const json::object& o, query::AggregateFunction& out) {
  std::string name;
  RETURN_IF_ERROR(ReadText(o, "aggregation", name));
  const std::optional<query::AggregateFunction> function = query::FunctionNamed(name);
  if (!function) return Bad(fmt::format("unknown aggregation \"{}\"", name));
  out = *function;
  return {};
}

Result<query::AggregateRequest::Compute> ReadCompute(const json::value& value) {
  ASSIGN_OR_RETURN(const json::object* o, AsObject(value, "compute"));
  query::AggregateRequest::Compute compute;
  if (!o->contains("aggregation")) return Bad("a compute needs an \"aggregation\"");
  RETURN_IF_ERROR(ReadFunction(*o, compute.function));
  RETURN_IF_ERROR(ReadText(*o, "metric", compute.metric));
  RETURN_IF_ERROR(ReadText(*o, "interval", compute.interval));
  std::string type = "total";
  RETURN_IF_ERROR(ReadText(*o, "type", type));
  if (type != "total" && type != "timeseries") {
    return Bad(fmt::format("a compute's type is total or timeseries, not \"{}\"", type));
  }
  compute.is_series = type == "timeseries";
  return compute;
}

// A member that may be a string or a number; as text and as JSON.
Status ReadScalar(const json::object& o,
                  std::string_view name,
                  std::optional<std::string>& text,
                  std::string& as_json) {
  const json::value* value = o.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (const json::string* string = value->if_string()) {
    if (string->size() > kMissingBytesMax) return Bad(fmt::format("\"{}\" is too long", name));
    text = std::string(string->data(), string->size());
  } else if (value->is_number()) {
    text = store::NumberText(value->to_number<double>());
  } else {
    return Bad(fmt::format("\"{}\" must be a string or a number", name));
  }
  as_json = json::Serialize(*value);
  return {};
}

Status ReadSort(const json::object& sort, GroupBy& by) {
  std::string type = sort.contains("aggregation") ? "measure" : "alphabetical";
  RETURN_IF_ERROR(ReadText(sort, "type", type));
  if (type == "measure") {
    by.sort = GroupBy::Sort::kMeasure;
    if (sort.contains("aggregation")) RETURN_IF_ERROR(ReadFunction(sort, by.sort_function));
    RETURN_IF_ERROR(ReadText(sort, "metric", by.sort_metric));
  } else if (type == "alphabetical") {
    by.sort = GroupBy::Sort::kKey;
  } else {
    return Bad(fmt::format("a sort's type is alphabetical or measure, not \"{}\"", type));
  }
  std::string order = by.sort == GroupBy::Sort::kKey ? "asc" : "desc";
  RETURN_IF_ERROR(ReadText(sort, "order", order));
  if (order != "asc" && order != "desc") {
    return Bad(fmt::format("a sort's order is asc or desc, not \"{}\"", order));
  }
  by.ascending = order == "asc";
  return {};
}

Status ReadHistogram(const json::object& o, GroupBy& by) {
  ASSIGN_OR_RETURN(const std::optional<double> low, ReadNumber(o, "min"));
  ASSIGN_OR_RETURN(const std::optional<double> high, ReadNumber(o, "max"));
  ASSIGN_OR_RETURN(const std::optional<double> interval, ReadNumber(o, "interval"));
  if (!low || !high || !interval) return Bad("a histogram needs min, max and interval");
  if (!(*interval > 0) || *high < *low) {
    return Bad("a histogram needs min <= max and an interval above 0");
  }
  by.histogram = store::GroupBins{*low, *high, *interval};
  by.limit = query::kHistogramStepsMax;
  by.sort = GroupBy::Sort::kKey;
  by.ascending = true;
  return {};
}

Status ReadTotal(const json::object& o, GroupBy& by, AggregateBody::Names& names) {
  const json::value* total = o.if_contains("total");
  if (total == nullptr || total->is_null()) return {};
  if (total->is_bool()) {
    by.total = total->get_bool();
    names.total_json = R"("$facet_total")";
    return {};
  }
  std::optional<std::string> text;
  by.total = true;
  return ReadScalar(o, "total", text, names.total_json);
}

Status ReadGroupBy(const json::value& value, AggregateBody& body) {
  ASSIGN_OR_RETURN(const json::object* o, AsObject(value, "group_by"));
  GroupBy by;
  AggregateBody::Names names;
  RETURN_IF_ERROR(ReadText(*o, "facet", by.facet));
  if (by.facet.empty()) return Bad("a group_by needs a \"facet\"");
  ASSIGN_OR_RETURN(const json::object* histogram, ReadObject(*o, "histogram"));
  if (histogram != nullptr) RETURN_IF_ERROR(ReadHistogram(*histogram, by));
  auto limit = static_cast<std::int64_t>(by.limit);
  RETURN_IF_ERROR(
      ReadInteger(*o, "limit", 1, static_cast<std::int64_t>(query::kGroupLimitsProductMax), limit));
  by.limit = static_cast<std::size_t>(limit);
  RETURN_IF_ERROR(ReadScalar(*o, "missing", by.missing, names.missing_json));
  RETURN_IF_ERROR(ReadTotal(*o, by, names));
  ASSIGN_OR_RETURN(const json::object* sort, ReadObject(*o, "sort"));
  if (sort != nullptr) RETURN_IF_ERROR(ReadSort(*sort, by));
  names.facet = by.facet;
  names.is_number = histogram != nullptr;
  body.names.push_back(std::move(names));
  body.request.group_by.push_back(std::move(by));
  return {};
}

Status ReadOptions(const json::object& body, query::AggregateRequest& request) {
  ASSIGN_OR_RETURN(const json::object* options, ReadObject(body, "options"));
  if (options == nullptr) return {};
  RETURN_IF_ERROR(ReadText(*options, "timezone", request.time_zone));
  constexpr std::int64_t kDayS = 86'400;
  std::int64_t offset = 0;
  // The client writes timeOffset; the original's documents also time_offset.
  for (const std::string_view name : {"timeOffset", "time_offset"}) {
    RETURN_IF_ERROR(ReadInteger(*options, name, -kDayS, kDayS, offset));
  }
  if (offset == 0) return {};
  if (!request.time_zone.empty()) return Bad("give either timezone or timeOffset");
  const std::int64_t distance = std::abs(offset);
  request.time_zone = fmt::format("{}{:02}:{:02}:{:02}",
                                  offset < 0 ? '-' : '+',
                                  distance / 3'600,
                                  distance / 60 % 60,
                                  distance % 60);
  return {};
}

void AppendKey(std::string& out,
               const AggregateBody::Names& names,
               const std::optional<std::string>& missing,
               const std::optional<std::string>& key) {
  json::AppendQuoted(out, names.facet);
  out += ':';
  if (!key) {
    out += names.total_json;
  } else if (missing && *key == *missing) {
    out += names.missing_json;
  } else if (names.is_number) {
    out += *key;
  } else {
    json::AppendQuoted(out, *key);
  }
}

void AppendValue(std::string& out, const query::AggregateAnswer::Series& series) {
  out += '[';
  for (const auto& [time, value] : series) {
    if (out.back() != '[') out += ',';
    out += fmt::format(
        R"({{"time":"{}","value":{}}})", FormatIso8601Millis(time), store::NumberText(value));
  }
  out += ']';
}

}  // namespace

Result<AggregateBody> ReadAggregateBody(const json::object& body) {
  AggregateBody read;
  query::AggregateRequest& request = read.request;
  RETURN_IF_ERROR(ReadFilter(body, request.query, request.from, request.to));
  RETURN_IF_ERROR(ReadOptions(body, request));
  ASSIGN_OR_RETURN(const json::object* page, ReadObject(body, "page"));
  if (page != nullptr) RETURN_IF_ERROR(ReadText(*page, "cursor", request.cursor));
  ASSIGN_OR_RETURN(const json::array* computes, ReadArray(body, "compute"));
  if (computes != nullptr) {
    if (computes->size() > query::kComputesMax) {
      return Bad(fmt::format("at most {} computes", query::kComputesMax));
    }
    for (const json::value& value : *computes) {
      ASSIGN_OR_RETURN(auto compute, ReadCompute(value));
      request.computes.push_back(std::move(compute));
    }
  }
  ASSIGN_OR_RETURN(const json::array* group_by, ReadArray(body, "group_by"));
  if (group_by != nullptr) {
    if (group_by->size() > store::kGroupKeysMax) {
      return Bad(fmt::format("at most {} facets to group by", store::kGroupKeysMax));
    }
    for (const json::value& value : *group_by) RETURN_IF_ERROR(ReadGroupBy(value, read));
  }
  return read;
}

void AppendWarnings(std::string& out, const std::vector<query::SearchWarning>& warnings) {
  if (warnings.empty()) return;
  out += R"(,"warnings":[)";
  for (const query::SearchWarning& warning : warnings) {
    out += out.back() == '[' ? R"({"code":)" : R"(,{"code":)";
    json::AppendQuoted(out, warning.code);
    out += R"(,"title":)";
    json::AppendQuoted(out, warning.title);
    out += R"(,"detail":)";
    json::AppendQuoted(out, warning.detail);
    out += '}';
  }
  out += ']';
}

std::string AggregateJson(const AggregateBody& body,
                          const query::AggregateAnswer& answer,
                          std::string_view request_id) {
  std::string out = R"({"data":{"buckets":[)";
  for (const query::AggregateAnswer::Bucket& bucket : answer.buckets) {
    out += out.back() == '[' ? R"({"by":{)" : R"(,{"by":{)";
    for (std::size_t i = 0; i < bucket.by.size(); ++i) {
      if (i > 0) out += ',';
      AppendKey(out, body.names[i], body.request.group_by[i].missing, bucket.by[i]);
    }
    out += R"(},"computes":{)";
    for (std::size_t i = 0; i < bucket.computes.size(); ++i) {
      const auto* number = std::get_if<std::optional<double>>(&bucket.computes[i]);
      if (number != nullptr && !*number) continue;  // absent values are omitted
      if (out.back() != '{') out += ',';
      out += fmt::format(R"("c{}":)", i);
      if (number != nullptr) {
        out += store::NumberText(**number);
      } else {
        AppendValue(out, std::get<query::AggregateAnswer::Series>(bucket.computes[i]));
      }
    }
    out += "}}";
  }
  out += fmt::format(R"(]}},"meta":{{"elapsed":{},"request_id":"{}","status":"{}")",
                     answer.elapsed.count(),
                     request_id,
                     answer.timed_out ? "timeout" : "done");
  if (!answer.next_cursor.empty()) {
    out += fmt::format(R"(,"page":{{"after":"{}"}})", answer.next_cursor);
  }
  AppendWarnings(out, answer.warnings);
  return out + "}}";
}

}  // namespace postglass::api
