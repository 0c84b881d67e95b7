#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"

namespace postglass::mail {

// Remembers the failed log-ins of each client address over its connections and suspends the client
// for a while after too many: whoever guesses passwords gets few guesses. A right password forgets
// the failures. Thread-safe. An IPv6 client is its /64; loopback is never suspended, as a proxy
// there speaks for many.
class ClientGuard {
 public:
  struct Options {
    int failures_max = 10;  // within `window`
    std::chrono::nanoseconds window = std::chrono::minutes(10);
    std::chrono::nanoseconds suspension = std::chrono::minutes(15);
    std::size_t clients_max = 10'000;  // remembered; above, the oldest is forgotten
  };

  // `clock` must outlive it.
  explicit ClientGuard(const Clock& clock) : ClientGuard(clock, Options()) {}

  ClientGuard(const Clock& clock, Options options) : clock_(clock), options_(options) {}

  bool IsSuspended(std::string_view address) const;
  // True when this failure suspends the client.
  bool Failed(std::string_view address);
  void Succeeded(std::string_view address);

 private:
  struct Client {
    int failures = 0;
    std::chrono::nanoseconds first{0};  // of the failures counted
    std::chrono::nanoseconds suspended_until{0};
  };

  void ForgetOldest() REQUIRES(mutex_);

  const Clock& clock_;
  const Options options_;
  mutable Mutex mutex_;
  std::map<std::string, Client, std::less<>> clients_ GUARDED_BY(mutex_);
};

}  // namespace postglass::mail
