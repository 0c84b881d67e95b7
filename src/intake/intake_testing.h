#pragma once

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "access/keys.h"
#include "base/clock_testing.h"
#include "base/metrics.h"
#include "base/random_testing.h"
#include "intake/certificate_chain.h"
#include "intake/intake.h"
#include "net/http_client.h"
#include "pipelines/ses_pipeline.h"
#include "store/collect_testing.h"
#include "store/oracle_store.h"

namespace postglass::intake {

inline constexpr std::string_view kTestApiKey = "0123456789abcdef0123456789abcdef";

class OneKey final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view key) const override { return key == kTestApiKey; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

// An intake on the plainest store, with everything it needs.
struct IntakeFixture {
  explicit IntakeFixture(Intake::Options options = {})
      : intake(keys, engine, store, clock, random, metrics, options) {}

  std::vector<store::Event> Stored() {
    store::Plan plan;
    plan.rows = store::RowsRequest{};
    plan.rows->order = store::Order::kOldestFirst;
    plan.rows->limit = 100'000;
    store::CollectingSink sink;
    EXPECT_TRUE(store.Run(plan, sink));
    return sink.rows;
  }

  OneKey keys;
  pipelines::Engine engine{{pipelines::MakeSesPipeline()}};
  store::OracleStore store;
  ManualClock clock;
  SeededRandom random{7};
  Metrics metrics;
  Intake intake;
};

// Answers by URL; what is not there is unreachable.
class FakeHttpClient final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    const std::scoped_lock lock(mutex);
    requests.push_back(request);
    const auto found = answers.find(request.url);
    if (found == answers.end()) return Fail(ErrorCode::kUnavailable, "connection refused");
    return found->second;
  }

  std::mutex mutex;
  std::map<std::string, net::HttpResponse> answers;
  std::vector<Request> requests;
};

}  // namespace postglass::intake
