#include "net/http.h"

#include <algorithm>

#include "base/awaited.h"
#include "base/encoding.h"

namespace postglass::net {
namespace {

// A form with more pairs than this is an attack on the hash tables behind it, not a request.
constexpr std::size_t kFormPairsMax = 10'000;

HttpResponse TypedResponse(int status, std::string body, std::string_view type) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", std::string(type));
  response.body = std::move(body);
  return response;
}

}  // namespace

void Headers::Set(std::string_view name, std::string value) {
  Remove(name);
  fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_,
                [&](const Field& field) { return EqualsIgnoreAsciiCase(field.first, name); });
}

std::optional<std::string_view> Headers::Find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreAsciiCase(field.first, name)) return field.second;
  }
  return std::nullopt;
}

HttpResponse AwaitAnswer(HttpResponse response) {
  if (!response.later) return response;
  Awaited<HttpResponse> answer;
  response.later([&answer](HttpResponse ready) { answer.Set(std::move(ready)); });
  return answer.Get();
}

HttpResponse TextResponse(int status, std::string text) {
  return TypedResponse(status, std::move(text), "text/plain; charset=utf-8");
}

HttpResponse JsonResponse(int status, std::string json_text) {
  return TypedResponse(status, std::move(json_text), "application/json");
}

// The registered codes (RFC 9110 §15 and the IANA registry) that this product or its peers use.
std::string_view HttpReason(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

Result<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.empty()) continue;
    if (pairs.size() == kFormPairsMax) {
      return Fail(ErrorCode::kLimit, "the form has more than 10,000 fields");
    }
    const std::size_t equals = piece.find('=');
    pairs.emplace_back(
        FormDecode(piece.substr(0, equals)),
        equals == std::string_view::npos ? std::string() : FormDecode(piece.substr(equals + 1)));
  }
  return pairs;
}

std::optional<std::string_view> FindParam(
    const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view key) {
  for (const auto& pair : pairs) {
    if (pair.first == key) return pair.second;
  }
  return std::nullopt;
}

}  // namespace postglass::net
