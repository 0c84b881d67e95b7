#pragma once

#include "api/json_api.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/http.h"
#include "query/log_list.h"

namespace postglass::api {

inline constexpr std::string_view kLogListPath = "/api/v1/logs-queries/list";

// POST /api/v1/logs-queries/list, as Datadog's API v1: a body that cannot be understood is answered
// with the envelope of log configuration, all else with {"errors":[…]}. Thread-safe; blocks.
class LogListApi {
 public:
  // All must outlive it.
  LogListApi(query::LogListService& list,
             const ReadGuard& guard,
             const Clock& clock,
             Random& random,
             RateLimit::Options rate)
      : list_(list), random_(random), door_(guard, clock, std::move(rate)) {}

  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse Answer(const net::HttpRequest& request);

  query::LogListService& list_;
  Random& random_;
  ReadDoor door_;
};

}  // namespace postglass::api
