#include "aws/canonical_request.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace postglass::aws {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Removes empty and "." segments and resolves "..", as clients do before they sign.
std::string NormalisePath(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    at = end + 1;
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string normal = "/";
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i > 0) normal += '/';
    normal += segments[i];
  }
  if (normal.size() > 1 && path.ends_with('/')) normal += '/';
  return normal;
}

void AppendPath(std::string& out, std::string_view path, bool s3_path) {
  if (path.empty() || path == "/") {
    out += '/';
    return;
  }
  const std::string normal = s3_path ? PercentDecode(path) : NormalisePath(path);
  for (const char c : normal) {
    if (c == '/' || IsUnreserved(c)) {
      out += c;
    } else {
      out += PercentEncode(std::string_view(&c, 1));
    }
  }
}

void AppendQuery(std::string& out, std::string_view query, bool skip_signature_param) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> params;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string name = PercentDecode(pair.substr(0, equals));
    if (skip_signature_param && name == "X-Amz-Signature") continue;
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    params.emplace_back(PercentEncode(name), PercentEncode(PercentDecode(value)));
  }
  std::sort(params.begin(), params.end());
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (i > 0) out += '&';
    out += params[i].first;
    out += '=';
    out += params[i].second;
  }
}

// Trims, and makes one blank of several.
void AppendHeaderValue(std::string& out, std::string_view value) {
  bool blank = false;
  for (const char c : TrimAscii(value)) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
}

}  // namespace

std::string CanonicalRequest(const net::HttpRequest& request,
                             const CanonicalRequestOptions& options) {
  std::string out;
  out.reserve(1024);
  out += request.method;
  out += '\n';
  AppendPath(out, request.path(), options.s3_path);
  out += '\n';
  AppendQuery(out, request.query(), options.skip_signature_param);
  out += '\n';
  for (const std::string_view name : options.signed_headers) {
    out += name;
    out += ':';
    bool first = true;
    for (const auto& [field, value] : request.headers) {
      if (!EqualsIgnoreAsciiCase(field, name)) continue;
      if (!first) out += ',';
      first = false;
      AppendHeaderValue(out, value);
    }
    out += '\n';
  }
  out += '\n';
  for (std::size_t i = 0; i < options.signed_headers.size(); ++i) {
    if (i > 0) out += ';';
    out += options.signed_headers[i];
  }
  out += '\n';
  out += options.payload_hash;
  return out;
}

}  // namespace postglass::aws
