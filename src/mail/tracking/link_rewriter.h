#pragma once

#include <functional>
#include <string>

#include "mail/tracking/tracking_urls.h"
#include "mail/types.h"

namespace postglass::mail {

// SES's open and click tracking (Developer Guide, "Tracking opens and clicks"): HTML parts only; a
// pixel at the end; each http(s) anchor a signed redirect, 250 at most in one mail; ses:no-track is
// honoured and removed. A link that carries a secret (base/url_secrets.h) is not rewritten unless
// the configuration set asks for it: who sees our log must not be able to use it.
//
// With a custom redirect domain the HTTPS policy decides the scheme: REQUIRE is https, OPTIONAL
// http for the pixel and the link's own for links, REQUIRE_OPEN_ONLY https for the pixel.
class LinkRewriter final : public TrackingRewriter {
 public:
  static constexpr std::size_t kLinksMax = 250;  // SES

  // `public_url` gives scheme and authority under which /t/ is reached ("https://mail.example"),
  // without a slash at the end; it is asked for each mail and must be thread-safe.
  // `secrets` is kTrack only where masking is off altogether.
  enum class Secrets { kLeave, kTrack };

  LinkRewriter(TrackingUrls urls,
               std::function<std::string()> public_url,
               Secrets secrets = Secrets::kLeave)
      : urls_(std::move(urls)), public_url_(std::move(public_url)), secrets_(secrets) {}

  std::string Rewrite(std::string raw,
                      const std::string& message_id,
                      const Wanted& wanted) const override;

 private:
  const TrackingUrls urls_;
  const std::function<std::string()> public_url_;
  const Secrets secrets_;
};

}  // namespace postglass::mail
