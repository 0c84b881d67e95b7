#include "api/export_api.h"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/json_api.h"
#include "api/query_errors.h"
#include "base/encoding.h"
#include "query/export.h"

namespace postglass::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

constexpr int kBusyTriesMax = 20;
constexpr std::chrono::milliseconds kBusyWait{500};

Result<query::ExportRequest> ReadRequest(const Params& params) {
  query::ExportRequest request;
  const auto take = [&params](std::string_view name, std::string& out) {
    if (const auto value = net::FindParam(params, name)) out = *value;
  };
  take("query", request.query);
  take("from", request.from);
  take("to", request.to);
  const std::string_view sort = net::FindParam(params, "sort").value_or("timestamp");
  if (sort != "timestamp" && sort != "-timestamp") {
    return Fail(ErrorCode::kInvalidArgument, "sort is timestamp or -timestamp");
  }
  if (sort == "-timestamp") request.order = store::Order::kNewestFirst;
  const std::string_view format = net::FindParam(params, "format").value_or("ndjson");
  if (format != "ndjson" && format != "csv") {
    return Fail(ErrorCode::kInvalidArgument, "format is ndjson or csv");
  }
  if (format == "csv") request.format = query::ExportRequest::Format::kCsv;
  if (const auto columns = net::FindParam(params, "columns")) {
    request.columns = query::SplitColumns(*columns);
  }
  return request;
}

// Throws when the rest cannot be read: the connection then ends without the body's end.
void WriteRest(query::Exporter& exporter, const ExportApi::Wait& wait, net::BodyWriter& out) {
  for (int tries = 0; !exporter.done();) {
    auto piece = exporter.Next();
    if (const auto* error = std::get_if<query::SearchError>(&piece)) {
      if (error->kind != query::SearchError::Kind::kBusy || ++tries > kBusyTriesMax) {
        throw std::runtime_error(fmt::format(
            "an export broke off behind {} events: {}", exporter.events(), error->message));
      }
      if (out.Gone()) return;
      wait(kBusyWait);
      continue;
    }
    tries = 0;
    if (!out.Write(std::get<std::string>(piece))) return;
  }
}

}  // namespace

net::HttpResponse ExportApi::Handle(const net::HttpRequest& http) {
  if (http.method != "GET") {
    net::HttpResponse response = ErrorResponse(405, "Method Not Allowed");
    response.headers.Add("Allow", "GET");
    return response;
  }
  const Result<Params> params = net::ParseForm(http.query());
  if (!params) return ErrorResponse(400, params.error().message);
  const Result<query::ExportRequest> request = ReadRequest(*params);
  if (!request) return ErrorResponse(400, request.error().message);
  Result<query::Exporter> made = query::Exporter::Create(search_, *request);
  if (!made) return ErrorResponse(400, made.error().message);
  auto exporter = std::make_shared<query::Exporter>(std::move(*made));
  auto first = exporter->Next();
  if (const auto* error = std::get_if<query::SearchError>(&first))
    return SearchErrorResponse(request->query, *error);
  const bool csv = request->format == query::ExportRequest::Format::kCsv;
  net::HttpResponse response;
  response.headers.Add("Content-Type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson");
  response.headers.Add("Content-Disposition",
                       fmt::format("attachment; filename=\"events.{}\"", csv ? "csv" : "ndjson"));
  response.headers.Add("Cache-Control", "no-store");
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.stream = [exporter, wait = wait_, begin = std::get<std::string>(std::move(first))](
                        net::BodyWriter& out) {
    if (out.Write(begin)) WriteRest(*exporter, wait, out);
  };
  return response;
}

}  // namespace postglass::api
