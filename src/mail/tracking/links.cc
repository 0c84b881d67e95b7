#include "mail/tracking/links.h"

#include <algorithm>
#include <cstdint>

#include "mail/tracking/html_parts.h"
#include "mail/tracking/tracking_urls.h"

namespace postglass::mail {
namespace {

// User agents of the readers one meets most; the proxies of mail providers among them.
constexpr std::string_view kUserAgents[] = {
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Mobile/15E148",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.3",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"};

std::string_view UserAgentOf(std::string_view reader) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : reader) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  return kUserAgents[hash % std::size(kUserAgents)];
}

// The attribute value around `at`; empty when it is not in quotes.
std::string_view Quoted(std::string_view html, std::size_t at) {
  const std::size_t from = at - std::min(at, kTrackedLinkBytesMax);
  const std::string_view before = html.substr(from, at - from);
  const std::size_t open = before.find_last_of("\"'<>");
  if (open == std::string_view::npos || before[open] == '<' || before[open] == '>') return {};
  const std::string_view value = html.substr(from + open + 1, 4 * kTrackedLinkBytesMax);
  const std::size_t close = value.find(before[open]);
  return close == std::string_view::npos ? std::string_view() : value.substr(0, close);
}

Status Get(net::HttpClient& client, const std::string& url, std::string_view reader) {
  net::HttpClient::Request request;
  request.url = url;
  request.headers.Set("User-Agent", std::string(UserAgentOf(reader)));
  RETURN_IF_ERROR(client.Send(request));
  return {};
}

}  // namespace

TrackedLinks FindTrackedLinks(std::string_view raw) {
  TrackedLinks found;
  for (const HtmlPart& part : FindHtmlParts(raw)) {
    const std::string_view html = part.html;
    for (std::size_t at = html.find("/t/"); at != std::string_view::npos;
         at = html.find("/t/", at + 1)) {
      const std::string_view kind = html.substr(at, 6);
      if (kind != "/t/I0/" && kind != "/t/L0/") continue;
      const std::string_view url = Quoted(html, at);
      if (!url.starts_with("http")) continue;
      if (kind == "/t/I0/") {
        found.pixel = std::string(url);
      } else if (found.links.empty() || found.links.back() != url) {
        found.links.emplace_back(url);
      }
    }
  }
  return found;
}

Status ReadTrackedMail(net::HttpClient& client,
                       std::string_view raw,
                       const std::string& reader,
                       ReaderDoes does) {
  const TrackedLinks links = FindTrackedLinks(raw);
  if (links.pixel) RETURN_IF_ERROR(Get(client, *links.pixel, reader));
  if (does == ReaderDoes::kOpenAndClick && !links.links.empty()) {
    RETURN_IF_ERROR(Get(client, links.links.front(), reader));
  }
  return {};
}

}  // namespace postglass::mail
