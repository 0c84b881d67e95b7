#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/secret_box.h"

// The URLs by which opens and clicks are seen, in the shape SES gives them:
//   PUBLIC/t/I0/<message id>/<signature>                          the pixel
//   PUBLIC/t/L0/<encoded link>/<index>/<message id>/<signature>   a link; ?tags=… when it has tags
// The signature covers everything else, so that the redirect leads nowhere a mail did not lead.

namespace postglass::mail {

inline constexpr std::string_view kTrackingPrefix = "/t/";
// Longer links are left alone: mail clients and proxies cut long URLs.
inline constexpr std::size_t kTrackedLinkBytesMax = 2'000;

using LinkTags = std::vector<std::pair<std::string, std::vector<std::string>>>;

// `ses:tags` of an anchor: "k:v;k2:v2;". Names and values of [A-Za-z0-9_-] only; others are left
// out. The values of one name come together.
LinkTags ParseLinkTags(std::string_view text);

struct PixelRequest {
  std::string message_id;
};

struct LinkRequest {
  std::string message_id;
  std::string link;
  std::size_t index = 0;
  LinkTags tags;
};

using TrackingRequest = std::variant<PixelRequest, LinkRequest>;

// Makes and checks them. A value; thread-safe.
class TrackingUrls {
 public:
  // Signs with a key of its own that is derived from the box's.
  explicit TrackingUrls(const SecretBox& box);

  explicit TrackingUrls(std::string key) : key_(std::move(key)) {}

  // Path and query, to be put behind the public URL.
  std::string Pixel(std::string_view message_id) const;
  std::string Link(std::string_view message_id,
                   std::string_view link,
                   std::size_t index,
                   std::string_view tags) const;

  // Nothing when the target is not of that form or its signature is wrong.
  std::optional<TrackingRequest> Read(std::string_view target) const;

 private:
  std::string Sign(std::string_view what) const;

  std::string key_;
};

}  // namespace postglass::mail
