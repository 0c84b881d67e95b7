#include "mail/tracking/link_rewriter.h"

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/url_secrets.h"
#include "mail/configuration_set.h"
#include "mail/tracking/html_parts.h"
#include "mail/tracking/html_tracking.h"

namespace postglass::mail {
namespace {

bool IsHttps(std::string_view url) { return EqualsIgnoreAsciiCase(url.substr(0, 6), "https:"); }

// Scheme and authority that a tracked URL begins with.
std::string BaseOf(const TrackingRewriter::Wanted& wanted, const std::string& own_url, bool https) {
  if (!IsRedirectDomain(wanted.redirect_domain)) return own_url;
  const bool secure = https || wanted.https_policy == "REQUIRE";
  return (secure ? "https://" : "http://") + wanted.redirect_domain;
}

}  // namespace

std::string LinkRewriter::Rewrite(std::string raw,
                                  const std::string& message_id,
                                  const Wanted& wanted) const {
  const std::string own_url = public_url_();
  std::size_t links = 0;
  bool pixel_put = !wanted.opens;
  HtmlTracking tracking;
  if (wanted.clicks) {
    tracking.link = [&](const std::string& link,
                        std::string_view tags) -> std::optional<std::string> {
      const std::string base = BaseOf(wanted, own_url, IsHttps(link));
      const bool ours = link.starts_with(base + std::string(kTrackingPrefix)) ||
                        link.starts_with(own_url + std::string(kTrackingPrefix));
      const bool secret = secrets_ == Secrets::kLeave && !wanted.secret_links && HasSecret(link);
      if (links >= kLinksMax || ours || secret) return std::nullopt;
      return base + urls_.Link(message_id, link, links++, tags);
    };
  }
  return ReplaceHtmlParts(std::move(raw), [&](const HtmlPart& part) -> std::optional<std::string> {
    tracking.pixel.reset();
    if (!std::exchange(pixel_put, true)) {
      const bool https = !wanted.https_policy.empty() && wanted.https_policy != "OPTIONAL";
      tracking.pixel = BaseOf(wanted, own_url, https) + urls_.Pixel(message_id);
    }
    std::string html = TrackHtml(part.html, tracking);
    if (html == part.html) return std::nullopt;
    return html;
  });
}

}  // namespace postglass::mail
