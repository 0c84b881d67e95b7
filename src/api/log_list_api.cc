#include "api/log_list_api.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>
#include <variant>

#include "api/query_errors.h"
#include "base/encoding.h"
#include "query/object_writer.h"
#include "query/output.h"

namespace postglass::api {
namespace {

constexpr std::size_t kBodyBytesMax = 1 << 20;

net::HttpResponse BadRequest(std::string_view message) {
  return ConfigErrorResponse(400, "InvalidArgument", message, {});
}

Status TakeText(const json::object& o, std::string_view name, std::string& out) {
  const json::value* value = o.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" must be a string", name));
  }
  out = std::string_view(value->get_string());
  return {};
}

Result<query::LogListRequest> ReadBody(const net::HttpRequest& http) {
  std::string inflated;
  std::string_view text = http.body;
  if (const std::string_view coding = http.headers.Get("Content-Encoding"); !coding.empty()) {
    ASSIGN_OR_RETURN(inflated, net::DecodeContent(coding, text, kBodyBytesMax));
    text = inflated;
  }
  if (text.size() > kBodyBytesMax) {
    return Fail(ErrorCode::kLimit, fmt::format("the body is longer than {} bytes", kBodyBytesMax));
  }
  ASSIGN_OR_RETURN(const json::object body, json::ParseObject(text));
  query::LogListRequest request;
  RETURN_IF_ERROR(TakeText(body, "query", request.query));
  RETURN_IF_ERROR(TakeText(body, "startAt", request.start_at));
  std::string sort = "desc";
  RETURN_IF_ERROR(TakeText(body, "sort", sort));
  if (sort != "asc" && sort != "desc") {
    return Fail(ErrorCode::kInvalidArgument, "\"sort\" is asc or desc");
  }
  if (sort == "asc") request.order = store::Order::kOldestFirst;
  if (const json::value* limit = body.if_contains("limit"); limit != nullptr && !limit->is_null()) {
    if (!limit->is_int64() || limit->get_int64() < 1 ||
        limit->get_int64() > static_cast<std::int64_t>(query::kSearchLimitMax)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"limit\" must be within 1 and {}", query::kSearchLimitMax));
    }
    request.limit = static_cast<std::size_t>(limit->get_int64());
  }
  const json::object* time = json::GetObject(body, "time");
  if (time == nullptr) return Fail(ErrorCode::kInvalidArgument, "\"time\" is missing");
  RETURN_IF_ERROR(TakeText(*time, "from", request.from));
  RETURN_IF_ERROR(TakeText(*time, "to", request.to));
  if (request.from.empty() || request.to.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "\"time\" needs \"from\" and \"to\"");
  }
  return request;
}

net::HttpResponse Refuse(const query::SearchError& error) {
  switch (error.kind) {
    case query::SearchError::Kind::kBadQuery:
      return BadRequest(fmt::format("invalid query: {}", error.message));
    case query::SearchError::Kind::kBadRequest:
    case query::SearchError::Kind::kTooLarge:
      return BadRequest(error.message);
    case query::SearchError::Kind::kBusy:
      return BusyResponse(error.message);
    case query::SearchError::Kind::kTimeout:
      return ErrorResponse(504, error.message);
    case query::SearchError::Kind::kFailed:
      break;
  }
  return ErrorResponse(500, error.message);
}

// As recorded: no status in the content, the source among the tags.
void AppendLog(std::string& out, const store::Event& event) {
  query::ObjectWriter log(out);
  log.Text("id", event.id.ToString());
  query::ObjectWriter content(log.Key("content"));
  content.Time("timestamp", Timestamp::FromMillis(event.timestamp_ms));
  content.TextIfAny("host", event.host);
  content.TextIfAny("service", event.service);
  content.TextIfAny("message", event.message);
  content.Texts("tags", query::TagsWithSource(event));
  content.Raw("attributes", event.attributes);
  content.Close();
  log.Close();
}

}  // namespace

net::HttpResponse LogListApi::Handle(const net::HttpRequest& request) {
  return door_.Enter(request, "POST", [&] { return Answer(request); });
}

net::HttpResponse LogListApi::Answer(const net::HttpRequest& http) {
  const Result<query::LogListRequest> request = ReadBody(http);
  if (!request) return BadRequest(request.error().message);
  const auto outcome = list_.List(*request);
  if (const auto* error = std::get_if<query::SearchError>(&outcome)) return Refuse(*error);
  const auto& page = std::get<query::LogListPage>(outcome);
  std::string body;
  query::ObjectWriter object(body);
  object.List("logs", page.events, AppendLog);
  if (page.next) {
    object.Text("nextLogId", page.next->ToString());
  } else {
    object.Raw("nextLogId", "null");
  }
  object.Text("status", "done");
  object.Text("requestId", NewRequestId(random_));
  object.Close();
  return net::JsonResponse(200, std::move(body));
}

}  // namespace postglass::api
