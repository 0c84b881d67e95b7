#include "aws/query_protocol.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base/encoding.h"
#include "base/json.h"

namespace postglass::aws {
namespace {

constexpr std::size_t kMembersMax = 10'000;  // as many as ParseForm takes pairs

// Appends `text` escaped for XML 1.0 element content.
void AppendEscaped(std::string& out, std::string_view text) {
  std::string repaired;
  if (!IsUtf8(text)) {
    repaired = ToValidUtf8(text);
    text = repaired;
  }
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#xD;";  // a bare one would be read back as a line feed
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') {
          out += "\xEF\xBF\xBD";  // U+FFFD
        } else {
          out += c;
        }
    }
  }
}

net::HttpResponse XmlResponse(int status, std::string body, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/xml");
  response.headers.Add("x-amzn-RequestId", std::string(request_id));
  response.body = std::move(body);
  return response;
}

// What the gateway found is named without a suffix; REST-JSON services add one.
std::string_view RestJsonCode(std::string_view code) {
  struct Pair {
    std::string_view query;
    std::string_view json;
  };

  static constexpr std::array kPairs = {
      Pair{"InvalidClientTokenId", "UnrecognizedClientException"},
      Pair{"MissingAuthenticationToken", "MissingAuthenticationTokenException"},
      Pair{"IncompleteSignature", "IncompleteSignatureException"},
      Pair{"AccessDenied", "AccessDeniedException"},
      Pair{"ExpiredToken", "ExpiredTokenException"},
  };
  for (const Pair& pair : kPairs) {
    if (pair.query == code) return pair.json;
  }
  return code;
}

}  // namespace

Result<QueryParams> QueryParams::Parse(const net::HttpRequest& request) {
  QueryParams params;
  const auto take = [&params](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(auto pairs, net::ParseForm(text));
    for (auto& [name, value] : pairs) params.params_.emplace(std::move(name), std::move(value));
    return {};
  };
  RETURN_IF_ERROR(take(request.query()));
  if (!request.body.empty()) {
    const std::string type = AsciiLower(request.headers.Get("Content-Type"));
    if (!type.empty() && !type.starts_with("application/x-www-form-urlencoded")) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("body is {}, not a form", type));
    }
    RETURN_IF_ERROR(take(request.body));
  }
  return params;
}

std::optional<std::string_view> QueryParams::Find(std::string_view name) const {
  const auto at = params_.find(name);
  if (at == params_.end()) return std::nullopt;
  return at->second;
}

bool QueryParams::HasPrefix(std::string_view prefix) const {
  const std::string dotted = fmt::format("{}.", prefix);
  const auto at = params_.lower_bound(dotted);
  return at != params_.end() && at->first.starts_with(dotted);
}

std::vector<std::string> QueryParams::List(std::string_view name) const {
  std::vector<std::string> values;
  while (values.size() < kMembersMax) {
    const auto value = Find(fmt::format("{}.member.{}", name, values.size() + 1));
    if (!value) break;
    values.emplace_back(*value);
  }
  return values;
}

std::size_t QueryParams::StructListSize(std::string_view name) const {
  std::size_t size = 0;
  while (size < kMembersMax && HasPrefix(fmt::format("{}.member.{}", name, size + 1))) ++size;
  return size;
}

std::vector<std::pair<std::string, std::string>> QueryParams::Map(
    std::string_view name, std::string_view key_name, std::string_view value_name) const {
  std::vector<std::pair<std::string, std::string>> entries;
  while (entries.size() < kMembersMax) {
    const std::string entry = fmt::format("{}.entry.{}", name, entries.size() + 1);
    const auto key = Find(fmt::format("{}.{}", entry, key_name));
    if (!key) break;
    entries.emplace_back(*key, Get(fmt::format("{}.{}", entry, value_name)));
  }
  return entries;
}

XmlWriter& XmlWriter::Open(std::string_view name, std::string_view xmlns) {
  out_ += '<';
  out_ += name;
  if (!xmlns.empty()) {
    out_ += " xmlns=\"";
    AppendEscaped(out_, xmlns);
    out_ += '"';
  }
  out_ += '>';
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::Close() {
  CHECK(!open_.empty());
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::Text(std::string_view name, std::string_view text) {
  out_ += '<';
  out_ += name;
  out_ += '>';
  AppendEscaped(out_, text);
  out_ += "</";
  out_ += name;
  out_ += '>';
  return *this;
}

std::string XmlWriter::Finish() && {
  while (!open_.empty()) Close();
  return std::move(out_);
}

net::HttpResponse QueryResponse(std::string_view xmlns,
                                std::string_view action,
                                std::string_view inner_xml,
                                std::string_view request_id,
                                ResultElement with_result) {
  std::string body = fmt::format("<{}Response xmlns=\"{}\">", action, xmlns);
  if (with_result == ResultElement::kPresent) {
    body += fmt::format("<{0}Result>{1}</{0}Result>", action, inner_xml);
  }
  body += fmt::format("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{}Response>",
                      request_id,
                      action);
  return XmlResponse(200, std::move(body), request_id);
}

net::HttpResponse QueryErrorResponse(std::string_view xmlns,
                                     const AwsError& error,
                                     std::string_view request_id) {
  XmlWriter xml;
  xml.Open("ErrorResponse", xmlns).Open("Error");
  xml.Text("Type", error.sender_fault ? "Sender" : "Receiver");
  xml.Text("Code", error.code).Text("Message", error.message).Close();
  xml.Text("RequestId", request_id);
  return XmlResponse(error.http_status, std::move(xml).Finish(), request_id);
}

net::HttpResponse RestJsonResponse(int status, std::string json, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.headers.Add("x-amzn-RequestId", std::string(request_id));
  response.body = std::move(json);
  return response;
}

net::HttpResponse RestJsonErrorResponse(const AwsError& error, std::string_view request_id) {
  std::string body = "{\"message\":";
  json::AppendQuoted(body, error.message);
  body += '}';
  net::HttpResponse response = RestJsonResponse(error.http_status, std::move(body), request_id);
  response.headers.Add("x-amzn-ErrorType", std::string(RestJsonCode(error.code)));
  return response;
}

}  // namespace postglass::aws
