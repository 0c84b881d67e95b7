#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

// Finds and replaces the links of an HTML text without parsing it into a tree: every byte that is
// not a tracked attribute stays as it was. Linear in the length of the text.

namespace postglass::mail {

struct HtmlTracking {
  // The tracked URL for a link, or nothing to leave it. `tags` is the value of ses:tags. Called for
  // each http(s) link that is a valid URL (RFC 3986); anchors with ses:no-track are not asked for.
  // Null: links stay.
  std::function<std::optional<std::string>(const std::string& link, std::string_view tags)> link;
  // URL of the pixel: it goes to the first {{ses:openTracker}}, else to the end of the body.
  std::optional<std::string> pixel;
};

// The attributes ses:no-track and ses:tags, and all {{ses:openTracker}}, are removed in any case.
std::string TrackHtml(std::string_view html, const HtmlTracking& tracking);

}  // namespace postglass::mail
