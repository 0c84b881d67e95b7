#include "api/query_errors.h"

#include <fmt/format.h>

#include <string>

#include "api/json_api.h"
#include "base/json.h"

namespace postglass::api {
namespace {

// Characters (code points) before a byte offset: what a person counts.
std::size_t CharactersBefore(std::string_view text, std::size_t bytes) {
  std::size_t count = 0;
  for (const char c : text.substr(0, bytes)) {
    count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  return count;
}

}  // namespace

net::HttpResponse BadQueryResponse(std::string_view query,
                                   std::size_t position,
                                   std::string_view message) {
  const std::size_t at = CharactersBefore(query, position);
  std::string body = R"({"errors":[)";
  json::AppendQuoted(body, fmt::format("invalid query at position {}: {}", at, message));
  return net::JsonResponse(400, fmt::format(R"({}],"position":{}}})", body, at));
}

net::HttpResponse BusyResponse(std::string_view text) {
  net::HttpResponse response = ErrorResponse(429, text);
  response.headers.Add("Retry-After", "1");
  return response;
}

net::HttpResponse StoreErrorResponse(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kLimit:
      return ErrorResponse(400, error.message);
    case ErrorCode::kNotFound:
      return ErrorResponse(404, error.message);
    case ErrorCode::kUnavailable:
      return BusyResponse(error.message);
    case ErrorCode::kTimeout:
      return ErrorResponse(504, error.message);
    default:
      return ErrorResponse(500, error.message);
  }
}

net::HttpResponse SearchErrorResponse(std::string_view query, const query::SearchError& error) {
  switch (error.kind) {
    case query::SearchError::Kind::kBadQuery:
      return BadQueryResponse(query, error.position.value_or(0), error.message);
    case query::SearchError::Kind::kBadRequest:
    case query::SearchError::Kind::kTooLarge:
      return ErrorResponse(400, error.message);
    case query::SearchError::Kind::kBusy:
      return BusyResponse(error.message);
    case query::SearchError::Kind::kTimeout:
      return ErrorResponse(504, error.message);
    case query::SearchError::Kind::kFailed:
      break;
  }
  return ErrorResponse(500, error.message);
}

}  // namespace postglass::api
