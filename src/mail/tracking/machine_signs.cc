#include "mail/tracking/machine_signs.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

constexpr std::chrono::seconds kInstant{2};
constexpr std::chrono::seconds kTogether{1};
constexpr std::size_t kTogetherLinks = 3;

// Parts of user agents, in lower case.
constexpr std::string_view kProxies[] = {"googleimageproxy", "yahoomailproxy", "ggpht.com"};
constexpr std::string_view kScanners[] = {
    "barracuda",  "mimecast", "proofpoint", "safelinks", "symantec",       "trendmicro",
    "urldefense", "bot",      "crawl",      "spider",    "scan",           "preview",
    "headless",   "curl/",    "wget/",      "python",    "go-http-client", "java/",
    "okhttp",     "libwww",   "node-fetch", "axios"};

template <std::size_t kCount>
bool ContainsAny(std::string_view text, const std::string_view (&parts)[kCount]) {
  return std::any_of(std::begin(parts), std::end(parts), [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

// Our own simulated readers, and readers behind a proxy of this machine, whose time tells nothing.
bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

std::vector<std::string_view> MachineSigns::Find(const net::HttpRequest& request,
                                                 const std::string& message_id,
                                                 int link) {
  std::vector<std::string_view> signs;
  const std::string agent = AsciiLower(request.headers.Get("User-Agent"));
  // Apple's Mail Privacy Protection calls itself by nothing more than this.
  if (agent == "mozilla/5.0" || ContainsAny(agent, kProxies)) signs.emplace_back("proxy");
  if (agent.empty() || ContainsAny(agent, kScanners)) signs.emplace_back("scanner");
  const std::optional<Timestamp> sent_at = MessageIdTime(message_id);
  if (sent_at && clock_.Now() - *sent_at < kInstant && !IsLoopback(request.peer_address)) {
    signs.emplace_back("instant");
  }
  if (link >= 0 && IsOneOfMany(message_id, link)) signs.emplace_back("many_links");
  return signs;
}

bool MachineSigns::IsOneOfMany(const std::string& message_id, int link) {
  const std::chrono::nanoseconds now = clock_.Monotonic();
  MutexLock lock(mutex_);
  auto found = clicks_.find(message_id);
  if (found == clicks_.end()) {
    if (clicks_.size() >= kMailsMax) {
      clicks_.erase(by_age_.front());
      by_age_.pop_front();
    }
    by_age_.push_back(message_id);
    found = clicks_.emplace(message_id, Clicks{now, {}, std::prev(by_age_.end())}).first;
  }
  Clicks& clicks = found->second;
  by_age_.splice(by_age_.end(), by_age_, clicks.age);
  if (now - clicks.since > kTogether) {
    clicks.since = now;
    clicks.links.clear();
  }
  if (clicks.links.size() < kTogetherLinks &&
      std::find(clicks.links.begin(), clicks.links.end(), link) == clicks.links.end()) {
    clicks.links.push_back(link);
  }
  return clicks.links.size() >= kTogetherLinks;
}

}  // namespace postglass::mail
