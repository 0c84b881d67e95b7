#include "api/explore_json.h"

#include <fmt/format.h>

#include "api/aggregate_json.h"
#include "api/json_body.h"
#include "base/time_format.h"
#include "query/output.h"

namespace postglass::api {

namespace {

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

Status ReadRows(const json::object& rows, query::ExploreRequest& request) {
  auto limit = static_cast<std::int64_t>(request.rows);
  RETURN_IF_ERROR(
      ReadInteger(rows, "limit", 0, static_cast<std::int64_t>(query::kSearchLimitMax), limit));
  request.rows = static_cast<std::size_t>(limit);
  std::string sort = "-timestamp";
  RETURN_IF_ERROR(ReadText(rows, "sort", sort));
  if (sort != "timestamp" && sort != "-timestamp") {
    return Bad(fmt::format("sort must be timestamp or -timestamp, not \"{}\"", sort));
  }
  request.order = sort == "timestamp" ? store::Order::kOldestFirst : store::Order::kNewestFirst;
  return {};
}

Status ReadFacets(const json::array& facets, query::ExploreRequest& request) {
  if (facets.size() > query::kExploreFacetsMax) {
    return Bad(fmt::format("at most {} facets", query::kExploreFacetsMax));
  }
  for (const json::value& value : facets) {
    ASSIGN_OR_RETURN(const json::object* o, AsObject(value, "facets"));
    query::ExploreRequest::Facet facet;
    RETURN_IF_ERROR(ReadText(*o, "facet", facet.name));
    auto limit = static_cast<std::int64_t>(facet.limit);
    RETURN_IF_ERROR(
        ReadInteger(*o, "limit", 1, static_cast<std::int64_t>(query::kFacetValuesMax), limit));
    facet.limit = static_cast<std::size_t>(limit);
    request.facets.push_back(std::move(facet));
  }
  return {};
}

void AppendCounts(std::string& out, const std::vector<std::uint64_t>& counts) {
  out += '[';
  for (const std::uint64_t count : counts) {
    if (out.back() != '[') out += ',';
    out += fmt::format("{}", count);
  }
  out += ']';
}

}  // namespace

Result<ExploreBody> ReadExploreBody(const json::object& body) {
  ExploreBody read;
  query::ExploreRequest& request = read.request;
  RETURN_IF_ERROR(ReadFilter(body, request.query, request.from, request.to));
  ASSIGN_OR_RETURN(const json::object* rows, ReadObject(body, "rows"));
  if (rows != nullptr) RETURN_IF_ERROR(ReadRows(*rows, request));
  ASSIGN_OR_RETURN(const json::object* histogram, ReadObject(body, "histogram"));
  if (histogram != nullptr) {
    RETURN_IF_ERROR(ReadText(*histogram, "interval", request.interval));
    RETURN_IF_ERROR(ReadText(*histogram, "split", request.split));
    auto limit = static_cast<std::int64_t>(request.split_limit);
    RETURN_IF_ERROR(ReadInteger(
        *histogram, "limit", 1, static_cast<std::int64_t>(query::kSplitValuesMax), limit));
    request.split_limit = static_cast<std::size_t>(limit);
  }
  ASSIGN_OR_RETURN(const json::array* facets, ReadArray(body, "facets"));
  if (facets != nullptr) RETURN_IF_ERROR(ReadFacets(*facets, request));
  ASSIGN_OR_RETURN(const json::object* options, ReadObject(body, "options"));
  if (options != nullptr) RETURN_IF_ERROR(ReadText(*options, "timezone", request.time_zone));
  RETURN_IF_ERROR(ReadBool(body, "stream", read.stream));
  RETURN_IF_ERROR(ReadBool(body, "explain", read.explain));
  return read;
}

std::string RowsJson(const std::vector<store::Event>& events, std::string_view next_cursor) {
  std::string out = R"({"events":[)";
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) out += ',';
    query::AppendDatadogEvent(out, events[i]);
  }
  out += ']';
  if (!next_cursor.empty()) out += fmt::format(R"(,"after":"{}")", next_cursor);
  return out + '}';
}

std::string CoverageJson(const query::TimeRange& range) {
  return fmt::format(R"({{"coverage":{{"from":"{}","to":"{}"}}}})",
                     FormatIso8601Millis(range.from),
                     FormatIso8601Millis(range.to));
}

std::string HistogramJson(const query::ExploreSink::Histogram& histogram) {
  std::string out = R"({"histogram":{"times":[)";
  for (std::size_t i = 0; i + 1 < histogram.borders.size(); ++i) {
    if (i > 0) out += ',';
    out += fmt::format(R"("{}")", FormatIso8601Millis(Timestamp::FromMillis(histogram.borders[i])));
  }
  out += R"(],"counts":)";
  AppendCounts(out, histogram.counts);
  out += R"(,"split":[)";
  for (std::size_t i = 0; i < histogram.values.size(); ++i) {
    out += i > 0 ? R"(,{"value":)" : R"({"value":)";
    json::AppendQuoted(out, histogram.values[i]);
    out += R"(,"counts":)";
    AppendCounts(out, histogram.split[i]);
    out += '}';
  }
  return out + "]}}";
}

std::string FacetJson(std::string_view facet, const std::vector<store::ValueCount>& values) {
  std::string out = R"({"facet":)";
  json::AppendQuoted(out, facet);
  out += R"(,"values":[)";
  for (std::size_t i = 0; i < values.size(); ++i) {
    out += i > 0 ? R"(,{"value":)" : R"({"value":)";
    json::AppendQuoted(out, values[i].value);
    out += fmt::format(R"(,"count":{}}})", values[i].count);
  }
  return out + "]}";
}

std::string ExploreMetaJson(const ExploreBody& body,
                            const query::ExploreReport& report,
                            std::string_view request_id) {
  std::string out = fmt::format(
      R"({{"meta":{{"elapsed":{},"request_id":"{}","status":"{}","from":"{}","to":"{}",)"
      R"("timings":{{"rows":{},"all":{}}},"events_scanned":{})",
      report.elapsed.count(),
      request_id,
      report.timed_out ? "timeout" : "done",
      FormatIso8601Millis(report.range.from),
      FormatIso8601Millis(report.range.to),
      report.rows_elapsed.count(),
      report.elapsed.count(),
      report.events_scanned);
  if (body.explain) {
    out += R"(,"explain":)";
    json::AppendQuoted(out, report.explain);
  }
  AppendWarnings(out, report.warnings);
  return out + "}}";
}

}  // namespace postglass::api
