// Analytics requests from outside: the first line is a request target, the rest a body. Each must
// be answered with JSON, whatever it is.

#include <cstdint>
#include <string>
#include <string_view>

#include "api/analytics_api.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/random.h"
#include "query/aggregate.h"
#include "query/runner.h"
#include "query/time_zone.h"
#include "store/oracle_store.h"

namespace {

class NoKeys final : public postglass::access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return false; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

// Each piece of a stream is a line of JSON.
class Discard final : public postglass::net::BodyWriter {
 public:
  bool Write(std::string_view piece) override {
    CHECK(postglass::json::Parse(piece).has_value());
    return true;
  }

  bool Gone() override { return false; }
};

// One for the whole run: the runner owns a thread.
struct Service {
  postglass::SystemClock clock;
  postglass::SystemRandom random;
  postglass::Metrics metrics;
  postglass::PosixFileSystem files;
  postglass::store::OracleStore store;
  postglass::query::QueryRunner runner{store, clock, metrics, {}};
  postglass::query::TimeZones zones{files};
  postglass::query::AggregateService aggregates{runner, zones, clock};
  NoKeys keys;
  postglass::api::ReadGuard guard{keys, [](const postglass::net::HttpRequest&) { return true; }};
  postglass::query::ExploreService explorer{runner, zones, clock};
  postglass::query::TransactionsService transactions{runner, clock};
  postglass::api::AnalyticsApi api{
      {aggregates, explorer, transactions}, guard, clock, random, Options()};

  // A few events, so that answers have something to say.
  Service() {
    std::vector<postglass::store::NewEvent> events(3);
    events[0].event.attributes = R"({"a":1,"b":["x","y"],"c":{"d":2.5}})";
    events[1].event.attributes = R"({"a":"1","b":"x"})";
    events[2].event.attributes = R"({"a":[1,2,3],"c":[{"d":-1},{"d":true}]})";
    for (auto& entry : events) entry.event.timestamp_ms = clock.Now().millis();
    CHECK(store.Append(std::move(events)).has_value());
  }

  static postglass::api::AnalyticsApi::Options Options() {
    postglass::api::AnalyticsApi::Options options;
    options.rate.requests_max = SIZE_MAX / 2;
    return options;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Service service;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = text.find('\n');
  postglass::net::HttpRequest request;
  request.method = "POST";
  request.target = text.substr(0, line_end);
  if (line_end != std::string_view::npos) request.body = text.substr(line_end + 1);
  if (!postglass::api::AnalyticsApi::Handles(request.path())) {
    request.target = "/api/v2/logs/analytics/aggregate";
  }
  const postglass::net::HttpResponse response = service.api.Handle(request);
  if (response.stream) {
    Discard out;
    response.stream(out);
  } else {
    CHECK(postglass::json::Parse(response.body).has_value());
  }
  return 0;
}
