#include "api/assets.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postglass::api {
namespace {

// No inline script, style or foreign origin; frames only of our own (captured mail, sandboxed).
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

std::string_view TypeOf(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes = {
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".png", "image/png"},
       {".woff2", "font/woff2"}}};
  for (const auto& [suffix, type] : kTypes) {
    if (path.ends_with(suffix)) return type;
  }
  return "application/octet-stream";
}

}  // namespace

net::HttpResponse AssetServer::Handle(const net::HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse refused = net::TextResponse(405, "method not allowed\n");
    refused.headers.Set("Allow", "GET, HEAD");
    return refused;
  }
  const std::string_view path = request.path() == "/" ? "/index.html" : request.path();
  const auto found = std::find_if(
      assets_.begin(), assets_.end(), [&](const Asset& asset) { return asset.path == path; });
  if (found == assets_.end()) {
    if (path == "/index.html") {
      return net::TextResponse(
          200, "This binary was built without its console; build it with: make build\n");
    }
    return net::TextResponse(404, "there is nothing here\n");
  }
  net::HttpResponse response;
  response.headers.Add("Content-Type", std::string(TypeOf(path)));
  response.headers.Add("Content-Security-Policy", std::string(kPolicy));
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.headers.Add("Referrer-Policy", "no-referrer");
  response.headers.Add("ETag", std::string(found->etag));
  response.headers.Add("Vary", "Accept-Encoding");
  // Vite names the files under /assets after their content.
  response.headers.Add(
      "Cache-Control",
      path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.headers.Get("If-None-Match") == found->etag) {
    response.status = 304;
    return response;
  }
  const bool gzip = !found->gzip.empty() &&
                    request.headers.Get("Accept-Encoding").find("gzip") != std::string_view::npos;
  if (gzip) response.headers.Add("Content-Encoding", "gzip");
  response.body = std::string(gzip ? found->gzip : found->plain);
  return response;
}

}  // namespace postglass::api
