#include "api/admin_api.h"

#include "api/json_api.h"
#include "base/encoding.h"

namespace postglass::api {
namespace {

constexpr std::string_view kKeys = "/api/v2/postglass/keys";
constexpr std::string_view kUsers = "/api/v2/postglass/users";
constexpr std::size_t kBodyBytesMax = 64 << 10;

net::HttpResponse Answer(int status, const json::object& body) {
  net::HttpResponse response = net::JsonResponse(status, json::Serialize(body));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
      return 409;
    default:
      return 503;
  }
}

net::HttpResponse From(const Result<json::object>& outcome) {
  if (!outcome) return ErrorResponse(StatusOf(outcome.error().code), outcome.error().message);
  return Answer(200, *outcome);
}

net::HttpResponse From(const Status& outcome) {
  if (!outcome) return ErrorResponse(StatusOf(outcome.error().code), outcome.error().message);
  return Answer(200, {});
}

// What stands behind "prefix/", decoded; empty when nothing does.
std::string Behind(std::string_view path, std::string_view prefix) {
  if (path.size() <= prefix.size() + 1 || path[prefix.size()] != '/') return "";
  return PercentDecode(path.substr(prefix.size() + 1));
}

}  // namespace

bool AdminApi::Handles(std::string_view path) {
  for (const std::string_view prefix : {kKeys, kUsers}) {
    if (path == prefix || (path.starts_with(prefix) && path[prefix.size()] == '/')) return true;
  }
  return false;
}

net::HttpResponse AdminApi::Handle(const net::HttpRequest& request) {
  const std::string_view path = request.path();
  json::object body;
  if (request.method == "POST") {
    if (request.body.size() > kBodyBytesMax) return ErrorResponse(413, "the request is too large");
    auto parsed = json::ParseObject(request.body);
    if (!parsed) return ErrorResponse(400, parsed.error().message);
    body = std::move(*parsed);
  }
  if (path.starts_with(kKeys)) {
    const std::string id = Behind(path, kKeys);
    if (id.empty() && request.method == "GET") return Answer(200, admin_.ListKeys());
    if (id.empty() && request.method == "POST") return From(admin_.CreateKey(body));
    if (!id.empty() && request.method == "DELETE") return From(admin_.RevokeKey(id));
  } else {
    const std::string name = Behind(path, kUsers);
    if (name.empty() && request.method == "GET") return Answer(200, admin_.ListUsers());
    if (name.empty() && request.method == "POST") return From(admin_.CreateUser(body));
    if (name == "password" && request.method == "POST") return From(admin_.SetPassword(body));
    if (!name.empty() && request.method == "DELETE") return From(admin_.RemoveUser(name));
  }
  return ErrorResponse(405, "method not allowed");
}

}  // namespace postglass::api
