#include "api/captured_api.h"

#include <charconv>

#include "api/json_api.h"
#include "api/readable_mail.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::api {
namespace {

constexpr std::string_view kPath = "/api/v2/postglass/captured";
constexpr std::size_t kListLimitDefault = 50;

json::object Summary(const mail::CapturedMail& mail) {
  json::array recipients;
  for (const std::string& recipient : mail.recipients) recipients.emplace_back(recipient);
  return {{"message_id", mail.message_id},
          {"captured_at", FormatIso8601Millis(mail.captured_at)},
          {"from", ToValidUtf8(mail.source)},
          {"recipients", std::move(recipients)},
          {"subject", ToValidUtf8(mail.subject)},
          {"bytes", mail.raw_bytes}};
}

net::HttpResponse Private(net::HttpResponse response) {
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

net::HttpResponse ShowDecoded(const mail::CapturedMail& mail) {
  const ReadableMail readable = ReadMail(mail.raw);
  json::object body = Summary(mail);
  json::array headers;
  for (const auto& [name, value] : readable.headers) {
    headers.push_back(json::object{{"name", name}, {"value", value}});
  }
  body["headers"] = std::move(headers);
  body["text"] = readable.text;
  body["has_html"] = !readable.html.empty();
  return Private(net::JsonResponse(200, json::Serialize(body)));
}

// The sender wrote this page: it may show itself and do nothing else. No script, no request to
// anywhere (a remote image would tell its sender that somebody looked), no form, no link target.
net::HttpResponse ShowHtml(const mail::CapturedMail& mail) {
  net::HttpResponse response = Private(net::TextResponse(200, ReadMail(mail.raw).html));
  response.headers.Set("Content-Type", "text/html; charset=utf-8");
  response.headers.Set("Content-Security-Policy",
                       "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                       "form-action 'none'; base-uri 'none'; frame-ancestors 'self'");
  return response;
}

net::HttpResponse ShowRaw(mail::CapturedMail mail) {
  net::HttpResponse response = Private(net::TextResponse(200, std::move(mail.raw)));
  response.headers.Set("Content-Type", "message/rfc822");
  response.headers.Set("Content-Disposition", "attachment; filename=\"mail.eml\"");
  return response;
}

}  // namespace

bool CapturedApi::Handles(std::string_view path) {
  return path == kPath || (path.starts_with(kPath) && path[kPath.size()] == '/');
}

net::HttpResponse CapturedApi::List(const net::HttpRequest& request) {
  std::size_t limit = kListLimitDefault;
  if (const auto pairs = net::ParseForm(request.query())) {
    if (const auto text = net::FindParam(*pairs, "limit")) {
      std::from_chars(text->data(), text->data() + text->size(), limit);
    }
  }
  const auto mails = mails_.List(limit);
  if (!mails) return ErrorResponse(503, mails.error().message);
  json::array list;
  for (const mail::CapturedMail& mail : *mails) list.push_back(Summary(mail));
  return Private(net::JsonResponse(200, json::Serialize(json::object{{"mails", std::move(list)}})));
}

net::HttpResponse CapturedApi::Handle(const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return ErrorResponse(405, "method not allowed");
  }
  std::string_view rest = request.path().substr(kPath.size());
  if (rest.size() <= 1) return List(request);
  rest.remove_prefix(1);
  const std::size_t slash = rest.find('/');
  const std::string_view part =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  auto mail = mails_.Get(PercentDecode(rest.substr(0, slash)));
  if (!mail) {
    const bool missing = mail.error().code == ErrorCode::kNotFound;
    return ErrorResponse(missing ? 404 : 503,
                         missing ? "this mail is not in the capture: it was relayed, played by the "
                                   "simulator, or is older than capture.retention"
                                 : mail.error().message);
  }
  if (part.empty()) return ShowDecoded(*mail);
  if (part == "html") return ShowHtml(*mail);
  if (part == "raw") return ShowRaw(std::move(*mail));
  return ErrorResponse(404, "there is nothing here");
}

}  // namespace postglass::api
