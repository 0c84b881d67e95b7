#include "api/session_api.h"

#include "api/json_api.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::api {
namespace {

constexpr std::string_view kCookie = "postglass_session";
constexpr std::size_t kBodyBytesMax = 8 << 10;

net::HttpResponse Answer(int status, const json::object& body) {
  net::HttpResponse response = net::JsonResponse(status, json::Serialize(body));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

std::string_view CookieOf(const net::HttpRequest& request) {
  std::string_view rest = request.headers.Get("Cookie");
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view pair = TrimAscii(rest.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == kCookie) {
      return pair.substr(equals + 1);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

std::string SetCookie(std::string_view value, bool over_tls, bool expire) {
  std::string cookie(kCookie);
  cookie += "=";
  cookie += value;
  cookie += "; Path=/; HttpOnly; SameSite=Strict";
  if (over_tls) cookie += "; Secure";
  if (expire) cookie += "; Max-Age=0";
  return cookie;
}

bool MayComeFromAnotherSite(const net::HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  if (const auto site = request.headers.Find("Sec-Fetch-Site")) return *site != "same-origin";
  return !AsciiLower(request.headers.Get("Content-Type")).starts_with("application/json");
}

}  // namespace

net::HttpResponse SessionApi::LogIn(const net::HttpRequest& request) {
  if (MayComeFromAnotherSite(request)) return ErrorResponse(403, "log in from the console itself");
  if (request.body.size() > kBodyBytesMax) return ErrorResponse(413, "the request is too large");
  const auto body = json::ParseObject(request.body);
  if (!body) return ErrorResponse(400, "expected a JSON object with user and password");
  const std::string user = json::GetStringOr(*body, "user", "");
  const auto token =
      users_.LogIn(user, json::GetStringOr(*body, "password", ""), request.peer_address);
  if (!token) {
    const bool wait = token.error().code == ErrorCode::kLimit;
    net::HttpResponse refused = ErrorResponse(wait ? 429 : 401, token.error().message);
    if (wait) refused.headers.Set("Retry-After", "60");
    return refused;
  }
  net::HttpResponse response = Answer(200, {{"user", user}});
  response.headers.Add("Set-Cookie", SetCookie(*token, request.over_tls, /*expire=*/false));
  return response;
}

net::HttpResponse SessionApi::LogOut(const net::HttpRequest& request) {
  if (MayComeFromAnotherSite(request)) return ErrorResponse(403, "log out from the console itself");
  net::HttpResponse response = Answer(200, {});
  response.headers.Add("Set-Cookie", SetCookie("", request.over_tls, /*expire=*/true));
  return response;
}

net::HttpResponse SessionApi::Show(const net::HttpRequest& request) {
  const auto user = UserOf(request);
  if (!user) return ErrorResponse(401, "not logged in");
  return Answer(200, {{"user", *user}});
}

std::optional<std::string> SessionApi::UserOf(const net::HttpRequest& request) const {
  const std::string_view token = CookieOf(request);
  if (token.empty() || MayComeFromAnotherSite(request)) return std::nullopt;
  return users_.FindSession(token);
}

}  // namespace postglass::api
