#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "net/http.h"

// What the Datadog-compatible handlers have in common: error bodies, keys, rate limits.

namespace postglass::api {

// {"errors":["text"]}: most of the API.
net::HttpResponse ErrorResponse(int status, std::string_view text);
// {"errors":[{"status":"400","title":"Bad Request","detail":"text"}]}: intake v2, deletion.
net::HttpResponse DetailedErrorResponse(int status, std::string_view detail);
// {"error":{"code":"…","message":"…","details":[…]}}: log configuration v1.
net::HttpResponse ConfigErrorResponse(int status,
                                      std::string_view code,
                                      std::string_view message,
                                      const std::vector<std::string>& details);

// Who may read: a request with an API key and an application key, in the headers DD-API-KEY and
// DD-APPLICATION-KEY or the query parameters api_key and application_key; or one that the session
// authoriser vouches for (the console's cookie, the command line's key). Thread-safe.
class ReadGuard {
 public:
  using Session = std::function<bool(const net::HttpRequest&)>;

  // `keys` must outlive the guard. `session` may be empty; it must be thread-safe.
  ReadGuard(const access::KeyVerifier& keys, Session session)
      : keys_(keys), session_(std::move(session)) {}

  // Nothing when the request may read; else 401 (a key is missing) or 403 (a key is wrong).
  std::optional<net::HttpResponse> Refusal(const net::HttpRequest& request) const;

 private:
  const access::KeyVerifier& keys_;
  const Session session_;
};

// At most so many requests in each period; periods begin at multiples of their length, as the
// original's do. Thread-safe.
class RateLimit {
 public:
  struct Options {
    std::string name;
    std::size_t requests_max = 6'000;
    std::chrono::seconds period{60};
  };

  // `clock` must outlive it.
  RateLimit(const Clock& clock, Options options) : clock_(clock), options_(std::move(options)) {}

  struct Verdict {
    bool allowed = false;
    net::Headers headers;  // X-RateLimit-*, for the answer
  };

  Verdict Take();

 private:
  const Clock& clock_;
  const Options options_;
  Mutex mutex_;
  std::int64_t period_index_ GUARDED_BY(mutex_) = -1;
  std::size_t taken_ GUARDED_BY(mutex_) = 0;
};

// The way into a handler of questions: who asks may read (ReadGuard), asks not too often, and by
// the method of the path. Every answer but a refusal of the keys has the rate limit's headers.
// Thread-safe.
class ReadDoor {
 public:
  // `guard` and `clock` must outlive it.
  ReadDoor(const ReadGuard& guard, const Clock& clock, RateLimit::Options rate)
      : guard_(guard), rate_(clock, std::move(rate)) {}

  // `answer` is called for requests that may come in.
  net::HttpResponse Enter(const net::HttpRequest& request,
                          std::string_view method,
                          const std::function<net::HttpResponse()>& answer);

 private:
  const ReadGuard& guard_;
  RateLimit rate_;
};

// Names one answer, for the logs of client and server: 32 characters.
std::string NewRequestId(Random& random);

}  // namespace postglass::api
