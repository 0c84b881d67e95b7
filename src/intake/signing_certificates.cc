#include "intake/signing_certificates.h"

#include <fmt/format.h>

#include <algorithm>

namespace postglass::intake {
namespace {

constexpr std::chrono::milliseconds kFetchTimeout{5'000};
constexpr std::size_t kCertificateBytesMax = 64 << 10;
constexpr std::size_t kHexMax = 128;

bool IsRegion(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsHex(std::string_view text) {
  return !text.empty() && text.size() <= kHexMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9');
         });
}

// Takes `part` off the front, or off the back; false when it is not there.
bool ConsumeFront(std::string_view& text, std::string_view part) {
  if (!text.starts_with(part)) return false;
  text.remove_prefix(part.size());
  return true;
}

bool ConsumeBack(std::string_view& text, std::string_view part) {
  if (!text.ends_with(part)) return false;
  text.remove_suffix(part.size());
  return true;
}

}  // namespace

Result<std::string> CheckSigningCertificateUrl(std::string_view url) {
  // Matched as a text and as a whole: nothing is left for a parser to understand differently.
  std::string_view rest = url;
  const auto refused = [&] {
    return Fail(ErrorCode::kPermissionDenied,
                fmt::format("not an address of an Amazon SNS signing certificate: {}", url));
  };
  if (!ConsumeFront(rest, "https://")) return refused();
  const std::string_view host = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(host.size());
  std::string_view region = host;
  if (!ConsumeFront(region, "sns.")) return refused();
  ConsumeBack(region, ".cn");
  if (!ConsumeBack(region, ".amazonaws.com") || !IsRegion(region)) return refused();
  if (!ConsumeFront(path, "/SimpleNotificationService-") || !ConsumeBack(path, ".pem") ||
      !IsHex(path)) {
    return refused();
  }
  return std::string(host);
}

bool SigningCertificates::MayFetch() {
  const auto now = clock_.Monotonic();
  MutexLock lock(mutex_);
  if (now - window_start_ >= std::chrono::minutes(1) || fetches_ == 0) {
    window_start_ = now;
    fetches_ = 0;
  }
  return fetches_++ < kFetchesPerMinuteMax;
}

Result<std::string> SigningCertificates::Get(const std::string& url) {
  {
    MutexLock lock(mutex_);
    for (const auto& [address, pem] : kept_) {
      if (address == url) return pem;
    }
  }
  if (!MayFetch()) {
    return Fail(ErrorCode::kUnavailable, "too many signing certificates were asked for lately");
  }
  net::HttpClient::Request request;
  request.url = url;
  request.timeout = kFetchTimeout;
  request.response_bytes_max = kCertificateBytesMax;
  const auto response = client_.Send(request);
  if (!response) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("signing certificate {}: {}", url, response.error().message));
  }
  // Redirects are answers like others here: the address was checked, another was not.
  if (response->status != 200) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("signing certificate {}: answered {}", url, response->status));
  }
  MutexLock lock(mutex_);
  if (kept_.size() == kKeptMax) kept_.pop_front();
  kept_.emplace_back(url, response->body);
  return response->body;
}

}  // namespace postglass::intake
