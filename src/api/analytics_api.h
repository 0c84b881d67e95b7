#pragma once

#include <string_view>

#include "api/json_api.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "net/http.h"
#include "query/aggregate.h"
#include "query/explore.h"
#include "query/transactions.h"

namespace postglass::api {

// Questions about many events at once. Thread-safe; handlers block.
//   POST /api/v2/logs/analytics/aggregate   as Datadog's
//   POST /api/v2/postglass/explore          one screen: rows, count, histogram, values of facets
//   POST /api/v2/postglass/transactions     groups of events by one attribute, whole
// A query ends soon after its client has gone.
class AnalyticsApi {
 public:
  struct Options {
    RateLimit::Options rate{"logs_analytics", 6'000, std::chrono::seconds(60)};
  };

  struct Services {
    query::AggregateService& aggregates;
    query::ExploreService& explorer;
    query::TransactionsService& transactions;
  };

  // All must outlive it, and the responses' streams.
  AnalyticsApi(Services services,
               const ReadGuard& guard,
               const Clock& clock,
               Random& random,
               const Options& options)
      : services_(services), random_(random), door_(guard, clock, options.rate) {}

  // Whether the path is one of ours.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse Route(const net::HttpRequest& request);
  net::HttpResponse Aggregate(const net::HttpRequest& request, const json::object& body);
  net::HttpResponse Explore(const net::HttpRequest& request, const json::object& body);
  net::HttpResponse Transactions(const net::HttpRequest& request, const json::object& body);

  const Services services_;
  Random& random_;
  ReadDoor door_;
};

}  // namespace postglass::api
