#include "mail/tracking/link_rewriter.h"

#include <optional>
#include <utility>

#include "base/url_secrets.h"
#include "mail/tracking/html_parts.h"
#include "mail/tracking/html_tracking.h"

namespace postglass::mail {

std::string LinkRewriter::Rewrite(std::string raw,
                                  const std::string& message_id,
                                  Wanted wanted) const {
  const std::string public_url = public_url_();
  std::size_t links = 0;
  bool pixel_put = !wanted.opens;
  HtmlTracking tracking;
  if (wanted.clicks) {
    tracking.link = [&](const std::string& link,
                        std::string_view tags) -> std::optional<std::string> {
      const bool ours = link.starts_with(public_url + std::string(kTrackingPrefix));
      const bool secret = secrets_ == Secrets::kLeave && HasSecret(link);
      if (links >= kLinksMax || ours || secret) return std::nullopt;
      return public_url + urls_.Link(message_id, link, links++, tags);
    };
  }
  return ReplaceHtmlParts(std::move(raw), [&](const HtmlPart& part) -> std::optional<std::string> {
    tracking.pixel.reset();
    if (!std::exchange(pixel_put, true)) {
      tracking.pixel = public_url + urls_.Pixel(message_id);
    }
    std::string html = TrackHtml(part.html, tracking);
    if (html == part.html) return std::nullopt;
    return html;
  });
}

}  // namespace postglass::mail
