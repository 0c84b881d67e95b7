#include "api/analytics_api.h"

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include "api/aggregate_json.h"
#include "api/json_body.h"
#include "api/query_errors.h"
#include "base/encoding.h"

namespace postglass::api {

namespace {

constexpr std::string_view kAggregatePath = "/api/v2/logs/analytics/aggregate";

std::string NewRequestId(Random& random) {
  std::array<std::byte, 24> raw;
  random.Fill(raw);
  return Base64UrlEncode({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

}  // namespace

bool AnalyticsApi::Handles(std::string_view path) { return path == kAggregatePath; }

net::HttpResponse AnalyticsApi::Handle(const net::HttpRequest& request) {
  if (auto refusal = guard_.Refusal(request)) return std::move(*refusal);
  const RateLimit::Verdict rate = rate_.Take();
  net::HttpResponse response =
      rate.allowed ? Route(request) : ErrorResponse(429, "Too many requests");
  for (const auto& header : rate.headers) response.headers.Add(header.first, header.second);
  return response;
}

net::HttpResponse AnalyticsApi::Route(const net::HttpRequest& request) {
  if (request.method != "POST") {
    net::HttpResponse response = ErrorResponse(405, "Method Not Allowed");
    response.headers.Add("Allow", "POST");
    return response;
  }
  const Result<json::object> body = ReadJsonBody(request);
  if (!body) return ErrorResponse(400, body.error().message);
  return Aggregate(*body);
}

net::HttpResponse AnalyticsApi::Aggregate(const json::object& o) {
  const Result<AggregateBody> body = ReadAggregateBody(o);
  if (!body) return ErrorResponse(400, body.error().message);
  const query::AggregateOutcome outcome = aggregates_.Aggregate(body->request);
  if (const auto* error = std::get_if<query::SearchError>(&outcome)) {
    return SearchErrorResponse(body->request.query, *error);
  }
  return net::JsonResponse(
      200, AggregateJson(*body, std::get<query::AggregateAnswer>(outcome), NewRequestId(random_)));
}

}  // namespace postglass::api
