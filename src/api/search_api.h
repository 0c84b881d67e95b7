#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "api/json_api.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/http.h"
#include "query/runner.h"
#include "query/search.h"

namespace postglass::api {

// Reading stored events. Thread-safe; handlers block.
//   POST /api/v2/logs/events/search          as Datadog's
//   GET  /api/v2/logs/events                 the same, by query parameters
//   POST /api/v2/postglass/search            the same, sorted by any attribute, explained
//   GET  /api/v2/postglass/tail?query=       server-sent events, one a stored event, as it comes
class SearchApi {
 public:
  struct Options {
    std::string base_url;  // of links.next, without '/' at the end; empty: from the Host header
    std::size_t tails_max = 16;  // each takes a worker thread
    std::chrono::milliseconds tail_poll{250};
    std::chrono::milliseconds tail_heartbeat{15'000};
    // Waits between two polls of a tail.
    std::function<void(std::chrono::milliseconds)> wait;
    RateLimit::Options rate{"logs_queries", 6'000, std::chrono::seconds(60)};
  };

  // All must outlive it, and the responses' streams.
  SearchApi(query::QueryRunner& runner,
            query::SearchService& search,
            const ReadGuard& guard,
            const Clock& clock,
            Random& random,
            Options options);

  // Whether the path is one of ours.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse Route(const net::HttpRequest& request);
  net::HttpResponse PostSearch(const net::HttpRequest& request);
  net::HttpResponse GetSearch(const net::HttpRequest& request);
  net::HttpResponse PostOwnSearch(const net::HttpRequest& request);
  net::HttpResponse RunSearch(const net::HttpRequest& request, query::SearchRequest search);
  net::HttpResponse GetTail(const net::HttpRequest& request);

  query::QueryRunner& runner_;
  query::SearchService& search_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  ReadDoor door_;
  std::atomic<std::size_t> tails_ = 0;
};

}  // namespace postglass::api
