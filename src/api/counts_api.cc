#include "api/counts_api.h"

#include <charconv>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/json_api.h"
#include "api/query_errors.h"
#include "query/parser.h"

namespace postglass::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kTop = "/api/v2/postglass/top";
constexpr std::string_view kHistogram = "/api/v2/postglass/histogram";
constexpr std::size_t kLimitDefault = 10;

net::HttpResponse ShowTop(query::CountService& counts,
                          const query::CountScope& scope,
                          const Params& params) {
  std::vector<std::string> fields;
  for (const auto& [name, value] : params) {
    if (name == "field") fields.push_back(value);
  }
  std::size_t limit = kLimitDefault;
  if (const auto text = net::FindParam(params, "limit")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc() || end != text->data() + text->size()) limit = 0;
  }
  const Result<query::TopAnswer> answer = counts.Top(scope, fields, limit);
  if (!answer) return StoreErrorResponse(answer.error());
  return net::JsonResponse(200, query::TopJson(*answer));
}

net::HttpResponse ShowHistogram(query::CountService& counts,
                                const query::CountScope& scope,
                                const Params& params) {
  const Result<query::HistogramAnswer> answer =
      counts.Histogram(scope,
                       net::FindParam(params, "interval").value_or(""),
                       net::FindParam(params, "split").value_or(""));
  if (!answer) return StoreErrorResponse(answer.error());
  return net::JsonResponse(200, query::HistogramJson(*answer));
}

}  // namespace

bool CountsApi::Handles(std::string_view path) { return path == kTop || path == kHistogram; }

net::HttpResponse CountsApi::Handle(const net::HttpRequest& request) {
  if (request.method != "GET") {
    net::HttpResponse response = ErrorResponse(405, "Method Not Allowed");
    response.headers.Add("Allow", "GET");
    return response;
  }
  const Result<Params> params = net::ParseForm(request.query());
  if (!params) return ErrorResponse(400, params.error().message);
  const std::string_view query = net::FindParam(*params, "query").value_or("*");
  auto parsed = query::Parse(query);
  if (const auto* error = std::get_if<query::SyntaxError>(&parsed)) {
    return BadQueryResponse(query, error->position, error->message);
  }
  query::CountScope scope;
  scope.where = std::move(std::get<store::Predicate>(parsed));
  if (const auto from = net::FindParam(*params, "from")) scope.from = *from;
  if (const auto to = net::FindParam(*params, "to")) scope.to = *to;
  return request.path() == kTop ? ShowTop(counts_, scope, *params)
                                : ShowHistogram(counts_, scope, *params);
}

}  // namespace postglass::api
