#include "query/log_list.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::minutes;

class LogListTest : public testing::Test {
 protected:
  LogListRequest Request(store::Order order = store::Order::kNewestFirst) {
    LogListRequest request;
    request.from = "now-1h";
    request.to = "now";
    request.order = order;
    return request;
  }

  SearchError::Kind ErrorOf(const LogListRequest& request) {
    const auto outcome = list_.List(request);
    const auto* error = std::get_if<SearchError>(&outcome);
    return error == nullptr ? SearchError::Kind::kFailed : error->kind;
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  LogListService list_{runner_, clock_};
};

TEST_F(LogListTest, PagesBeginAtAnEvent) {
  // Many have the same date.
  for (int i = 0; i < 23; ++i) make_.AppendLog(store_, std::to_string(i), -minutes(i / 5));
  for (const store::Order order : {store::Order::kNewestFirst, store::Order::kOldestFirst}) {
    LogListRequest whole = Request(order);
    whole.limit = 1'000;
    const auto all = std::get<LogListPage>(list_.List(whole));
    ASSERT_EQ(all.events.size(), 23u);
    EXPECT_FALSE(all.next);
    for (const std::size_t limit : {1u, 4u, 22u, 23u}) {
      LogListRequest request = Request(order);
      request.limit = limit;
      std::vector<store::Event> seen;
      for (int pages = 0; pages < 30; ++pages) {
        const auto page = std::get<LogListPage>(list_.List(request));
        EXPECT_LE(page.events.size(), limit);
        seen.insert(seen.end(), page.events.begin(), page.events.end());
        if (!page.next) break;
        request.start_at = page.next->ToString();
      }
      EXPECT_EQ(seen, all.events) << limit;
    }
  }
}

TEST_F(LogListTest, AStartOutsideTheTimeDoesNotCount) {
  const store::Event old = make_.Log("old", -minutes(90));
  make_.Append(store_, {old, make_.Log("new", {})});
  LogListRequest request = Request();
  request.start_at = old.id.ToString();
  EXPECT_EQ(std::get<LogListPage>(list_.List(request)).events.size(), 1u);
}

TEST_F(LogListTest, RefusesWhatItDoesNotUnderstand) {
  LogListRequest request = Request();
  request.start_at = "x";
  EXPECT_EQ(ErrorOf(request), SearchError::Kind::kBadRequest);
  request.start_at = make_.Log("never stored", {}).id.ToString();
  EXPECT_EQ(ErrorOf(request), SearchError::Kind::kBadRequest);
  request = Request();
  request.limit = 1'001;
  EXPECT_EQ(ErrorOf(request), SearchError::Kind::kBadRequest);
  request = Request();
  request.to = "later";
  EXPECT_EQ(ErrorOf(request), SearchError::Kind::kBadRequest);
  request = Request();
  request.query = "(a";
  EXPECT_EQ(ErrorOf(request), SearchError::Kind::kBadQuery);
}

}  // namespace
}  // namespace postglass::query
