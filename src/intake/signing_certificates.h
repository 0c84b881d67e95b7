#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "net/http_client.h"

namespace postglass::intake {

// The host of a genuine signing certificate's address, or kPermissionDenied: https, host
// sns.REGION.amazonaws.com or …com.cn, no port, no user info, no query, path
// /SimpleNotificationService-<hex>.pem. Pure.
Result<std::string> CheckSigningCertificateUrl(std::string_view url);

// Fetches signing certificates and keeps them by address. Thread-safe.
class SigningCertificates {
 public:
  static constexpr std::size_t kKeptMax = 64;
  // Fetches that failed or not, so that forged addresses do not make a flood of requests.
  static constexpr std::size_t kFetchesPerMinuteMax = 30;

  // Both must outlive it.
  SigningCertificates(net::HttpClient& client, const Clock& clock)
      : client_(client), clock_(clock) {}

  // The PEM text. Requires: `url` passed CheckSigningCertificateUrl. Errors: kUnavailable.
  Result<std::string> Get(const std::string& url);

 private:
  bool MayFetch();

  net::HttpClient& client_;
  const Clock& clock_;
  Mutex mutex_;
  std::deque<std::pair<std::string, std::string>> kept_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds window_start_ GUARDED_BY(mutex_){0};
  std::size_t fetches_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::intake
