#include "api/json_api.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"

namespace postglass::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

// The first that is there: a header, then query parameters.
std::string KeyOf(const net::HttpRequest& request,
                  const Params& params,
                  std::string_view header,
                  std::initializer_list<std::string_view> names) {
  if (const auto value = request.headers.Find(header); value && !value->empty()) {
    return std::string(*value);
  }
  for (const std::string_view name : names) {
    if (const auto value = net::FindParam(params, name)) return std::string(*value);
  }
  return {};
}

}  // namespace

net::HttpResponse ErrorResponse(int status, std::string_view text) {
  std::string body = R"({"errors":[)";
  json::AppendQuoted(body, text);
  return net::JsonResponse(status, body + "]}");
}

net::HttpResponse DetailedErrorResponse(int status, std::string_view detail) {
  std::string body = R"({"errors":[{"status":")" + std::to_string(status) + R"(","title":)";
  json::AppendQuoted(body, net::HttpReason(status));
  body += R"(,"detail":)";
  json::AppendQuoted(body, detail);
  return net::JsonResponse(status, body + "}]}");
}

net::HttpResponse ConfigErrorResponse(int status,
                                      std::string_view code,
                                      std::string_view message,
                                      const std::vector<std::string>& details) {
  std::string body = R"({"error":{"code":)";
  json::AppendQuoted(body, code);
  body += R"(,"message":)";
  json::AppendQuoted(body, message);
  body += R"(,"details":[)";
  for (std::size_t i = 0; i < details.size(); ++i) {
    if (i > 0) body += ',';
    json::AppendQuoted(body, details[i]);
  }
  return net::JsonResponse(status, body + "]}}");
}

std::optional<net::HttpResponse> ReadGuard::Refusal(const net::HttpRequest& request) const {
  if (session_ && session_(request)) return std::nullopt;
  const Result<Params> params = net::ParseForm(request.query());
  if (!params) return ErrorResponse(400, params.error().message);
  const std::string api_key = KeyOf(request, *params, "DD-API-KEY", {"api_key", "dd-api-key"});
  const std::string application_key =
      KeyOf(request, *params, "DD-APPLICATION-KEY", {"application_key", "dd-application-key"});
  if (api_key.empty() || application_key.empty()) return ErrorResponse(401, "Unauthorized");
  if (!keys_.IsApiKey(api_key) || !keys_.IsApplicationKey(application_key)) {
    return ErrorResponse(403, "Forbidden");
  }
  return std::nullopt;
}

RateLimit::Verdict RateLimit::Take() {
  const std::int64_t period_s = options_.period.count();
  const std::int64_t now_s = clock_.Now().millis() / 1'000;
  const std::int64_t index = now_s / period_s;
  Verdict verdict;
  std::size_t left = 0;
  {
    MutexLock lock(mutex_);
    if (index != period_index_) {
      period_index_ = index;
      taken_ = 0;
    }
    verdict.allowed = taken_ < options_.requests_max;
    if (verdict.allowed) ++taken_;
    left = options_.requests_max - taken_;
  }
  const std::string reset = std::to_string((index + 1) * period_s - now_s);
  verdict.headers.Add("X-RateLimit-Limit", std::to_string(options_.requests_max));
  verdict.headers.Add("X-RateLimit-Period", std::to_string(period_s));
  verdict.headers.Add("X-RateLimit-Remaining", std::to_string(left));
  verdict.headers.Add("X-RateLimit-Reset", reset);
  verdict.headers.Add("X-RateLimit-Name", options_.name);
  if (!verdict.allowed) verdict.headers.Add("Retry-After", reset);
  return verdict;
}

net::HttpResponse ReadDoor::Enter(const net::HttpRequest& request,
                                  std::string_view method,
                                  const std::function<net::HttpResponse()>& answer) {
  if (auto refusal = guard_.Refusal(request)) return std::move(*refusal);
  const RateLimit::Verdict rate = rate_.Take();
  net::HttpResponse response;
  if (!rate.allowed) {
    response = ErrorResponse(429, "Too many requests");
  } else if (request.method != method) {
    response = ErrorResponse(405, "Method Not Allowed");
    response.headers.Add("Allow", std::string(method));
  } else {
    response = answer();
  }
  for (const auto& header : rate.headers) response.headers.Add(header.first, header.second);
  return response;
}

std::string NewRequestId(Random& random) {
  std::array<std::byte, 24> raw;
  random.Fill(raw);
  return Base64UrlEncode({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

}  // namespace postglass::api
