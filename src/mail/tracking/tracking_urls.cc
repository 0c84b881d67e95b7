#include "mail/tracking/tracking_urls.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crypto.h"
#include "base/encoding.h"
#include "mail/message_id.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kPixelPath = "/t/I0/";
constexpr std::string_view kLinkPath = "/t/L0/";
constexpr std::string_view kTagsQuery = "tags=";
// 160 bits, 27 characters: as long as SES's.
constexpr std::size_t kSignatureBytes = 20;
// Everything percent-encoded takes three times its bytes.
constexpr std::size_t kTargetBytesMax = 4 * kTrackedLinkBytesMax;
constexpr std::size_t kTagsMax = 50;

bool IsTagChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// SES leaves the colon of the scheme and '=' readable.
std::string EncodeLink(std::string_view link) {
  std::string out;
  for (const char c : link) {
    if (c == ':' || c == '=') {
      out += c;
    } else {
      out += PercentEncode(std::string_view(&c, 1));
    }
  }
  return out;
}

std::string PixelText(std::string_view message_id) { return fmt::format("pixel\n{}", message_id); }

// Neither the link nor the tags can hold a line end.
std::string LinkText(std::string_view message_id,
                     std::string_view link,
                     std::string_view index,
                     std::string_view tags) {
  return fmt::format("link\n{}\n{}\n{}\n{}", message_id, index, tags, link);
}

// Cuts the last path segment off.
std::string_view TakeLast(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view last = path.substr(slash + 1);
  path = path.substr(0, slash);
  return last;
}

}  // namespace

LinkTags ParseLinkTags(std::string_view text) {
  LinkTags tags;
  std::size_t count = 0;
  while (!text.empty() && count++ < kTagsMax) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = pair.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = TrimAscii(pair.substr(0, colon));
    const std::string_view value = TrimAscii(pair.substr(colon + 1));
    const bool good = !name.empty() && !value.empty() &&
                      std::all_of(name.begin(), name.end(), IsTagChar) &&
                      std::all_of(value.begin(), value.end(), IsTagChar);
    if (!good) continue;
    const auto same = std::find_if(
        tags.begin(), tags.end(), [name](const auto& tag) { return tag.first == name; });
    if (same != tags.end()) {
      same->second.emplace_back(value);
    } else {
      tags.emplace_back(std::string(name), std::vector<std::string>{std::string(value)});
    }
  }
  return tags;
}

TrackingUrls::TrackingUrls(const SecretBox& box) : key_(box.DeriveKey("mail-tracking-links")) {}

std::string TrackingUrls::Sign(std::string_view what) const {
  return Base64UrlEncode(std::string_view(HmacSha256(key_, what)).substr(0, kSignatureBytes));
}

std::string TrackingUrls::Pixel(std::string_view message_id) const {
  return fmt::format("{}{}/{}", kPixelPath, message_id, Sign(PixelText(message_id)));
}

std::string TrackingUrls::Link(std::string_view message_id,
                               std::string_view link,
                               std::size_t index,
                               std::string_view tags) const {
  const std::string number = fmt::format("{}", index);
  std::string url = fmt::format("{}{}/{}/{}/{}",
                                kLinkPath,
                                EncodeLink(link),
                                number,
                                message_id,
                                Sign(LinkText(message_id, link, number, tags)));
  if (!tags.empty()) url += fmt::format("?{}{}", kTagsQuery, PercentEncode(tags));
  return url;
}

std::optional<TrackingRequest> TrackingUrls::Read(std::string_view target) const {
  if (target.size() > kTargetBytesMax) return std::nullopt;
  const std::size_t mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const bool is_pixel = path.starts_with(kPixelPath);
  if (!is_pixel && !path.starts_with(kLinkPath)) return std::nullopt;
  path.remove_prefix(kPixelPath.size());
  const std::string_view signature = TakeLast(path);
  if (is_pixel) {
    if (!MessageIdTime(path) || !ConstantTimeEquals(signature, Sign(PixelText(path)))) {
      return std::nullopt;
    }
    return PixelRequest{std::string(path)};
  }
  const std::string_view message_id = TakeLast(path);
  const std::string_view number = TakeLast(path);
  if (!MessageIdTime(message_id)) return std::nullopt;
  const std::string link = PercentDecode(path);
  const std::string tags = query.starts_with(kTagsQuery)
                               ? PercentDecode(query.substr(kTagsQuery.size()))
                               : std::string();
  if (!ConstantTimeEquals(signature, Sign(LinkText(message_id, link, number, tags)))) {
    return std::nullopt;
  }
  LinkRequest request{std::string(message_id), link, 0, ParseLinkTags(tags)};
  std::from_chars(number.data(), number.data() + number.size(), request.index);
  return request;
}

}  // namespace postglass::mail
