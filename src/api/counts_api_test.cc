#include "api/counts_api.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

class CountsApiTest : public testing::Test {
 protected:
  net::HttpResponse Get(std::string target, std::string method = "GET") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    EXPECT_TRUE(CountsApi::Handles(request.path()));
    return api_.Handle(request);
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  query::EventMaker make_{clock_};
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::CountService counts_{runner_, clock_};
  CountsApi api_{counts_};
};

TEST_F(CountsApiTest, CountsWhatMatches) {
  make_.AppendLog(store_, "one", {});
  make_.AppendLog(store_, "two", {});
  const auto top = Get("/api/v2/postglass/top?query=one&field=message&field=%40none&limit=5");
  ASSERT_EQ(top.status, 200) << top.body;
  const json::object body = json::ParseObject(top.body).value();
  EXPECT_EQ(json::GetInt(body, "matched"), 1);
  EXPECT_EQ(json::GetArray(body, "fields")->size(), 2u);
  const auto histogram = Get("/api/v2/postglass/histogram?interval=1h&from=now-1d&to=now");
  EXPECT_EQ(json::GetInt(json::ParseObject(histogram.body).value(), "matched"), 2);
}

TEST_F(CountsApiTest, RefusesWhatItDoesNotUnderstand) {
  for (const std::string target : {"/api/v2/postglass/top",
                                   "/api/v2/postglass/top?field=",
                                   "/api/v2/postglass/top?field=service&limit=x",
                                   "/api/v2/postglass/top?field=service&query=(a",
                                   "/api/v2/postglass/histogram?interval=x",
                                   "/api/v2/postglass/histogram?split=*",
                                   "/api/v2/postglass/histogram?from=x"}) {
    EXPECT_EQ(Get(target).status, 400) << target;
  }
  EXPECT_EQ(Get("/api/v2/postglass/top?field=service", "POST").status, 405);
}

}  // namespace
}  // namespace postglass::api
