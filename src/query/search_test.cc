#include "query/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/random_testing.h"
#include "query/measures.h"
#include "query/scripted_store_testing.h"
#include "query/store_testing.h"
#include "store/event_reader.h"
#include "store/oracle_store.h"
#include "store/plan_rules.h"

namespace postglass::query {
namespace {

class SearchTest : public testing::Test {
 protected:
  SearchPage Page(const SearchRequest& request) {
    SearchOutcome outcome = service_.Search(request);
    if (auto* error = std::get_if<SearchError>(&outcome)) {
      ADD_FAILURE() << error->message;
      return {};
    }
    return std::move(std::get<SearchPage>(outcome));
  }

  SearchError::Kind ErrorKind(const SearchRequest& request) {
    const SearchOutcome outcome = service_.Search(request);
    const auto* error = std::get_if<SearchError>(&outcome);
    EXPECT_NE(error, nullptr);
    return error == nullptr ? SearchError::Kind::kFailed : error->kind;
  }

  ManualClock clock_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  Metrics metrics_;
  QueryRunner runner_{store_, clock_, metrics_, {}};
  SearchService service_{runner_, clock_};
};

TEST_F(SearchTest, GivesNewestFirstWithinTheDefaultRange) {
  make_.AppendLog(store_, "old", std::chrono::minutes(-16));
  make_.AppendLog(store_, "a", std::chrono::minutes(-2));
  make_.AppendLog(store_, "b", std::chrono::minutes(-1));
  make_.AppendLog(store_, "now", std::chrono::minutes(0));
  const SearchPage page = Page({});
  ASSERT_EQ(page.events.size(), 3u);
  EXPECT_EQ(page.events[0].message, "now");
  EXPECT_EQ(page.events[2].message, "a");
  EXPECT_TRUE(page.next_cursor.empty());
  EXPECT_FALSE(page.timed_out);
}

TEST_F(SearchTest, RefusesBadRequests) {
  SearchRequest bad_query;
  bad_query.query = "service:";
  EXPECT_EQ(ErrorKind(bad_query), SearchError::Kind::kBadQuery);
  for (const std::size_t limit : {std::size_t{0}, kSearchLimitMax + 1}) {
    SearchRequest request;
    request.limit = limit;
    EXPECT_EQ(ErrorKind(request), SearchError::Kind::kBadRequest);
  }
  SearchRequest bad_time;
  bad_time.from = "yesterday";
  EXPECT_EQ(ErrorKind(bad_time), SearchError::Kind::kBadRequest);
  for (const std::string& cursor : {std::string("x"),
                                    std::string("e30"),
                                    std::string(5'000, 'A'),
                                    Base64UrlEncode(R"({"after":"AQAA"})")}) {
    SearchRequest request;
    request.cursor = cursor;
    EXPECT_EQ(ErrorKind(request), SearchError::Kind::kBadRequest) << cursor;
  }
}

TEST_F(SearchTest, ACursorBelongsToItsOrder) {
  make_.AppendLog(store_, "a", std::chrono::minutes(-2));
  make_.AppendLog(store_, "b", std::chrono::minutes(-1));
  SearchRequest request;
  request.limit = 1;
  request.cursor = Page(request).next_cursor;
  ASSERT_FALSE(request.cursor.empty());
  request.order = store::Order::kOldestFirst;
  EXPECT_EQ(ErrorKind(request), SearchError::Kind::kBadRequest);
}

// Sorted by an attribute too, whatever its values are: numbers, texts (also ones too long for a
// cursor), several, none.
TEST_F(SearchTest, PagesByAnAttributeStayStableWhileEventsArrive) {
  const std::string longer(400, 'l');
  const std::vector<std::string> kinds = {R"({"v":1})",
                                          R"({"v":2.5})",
                                          R"({"v":[7,-3]})",
                                          R"({"v":"b"})",
                                          R"({"v":["a",9]})",
                                          R"({"v":")" + longer + "x\"}",
                                          R"({"v":")" + longer + "y\"}",
                                          "{}"};
  const auto append = [&](store::LogStore& store, SeededRandom& random, std::string message) {
    store::Event event = make_.Log(std::move(message), -std::chrono::minutes(random.Below(5)));
    event.attributes = kinds[random.Below(kinds.size())];
    make_.Append(store, {std::move(event)});
  };
  for (const store::Order order : {store::Order::kNewestFirst, store::Order::kOldestFirst}) {
    store::OracleStore store;
    QueryRunner runner(store, clock_, metrics_, {});
    SearchService service(runner, clock_);
    SeededRandom random(3);
    std::set<std::string> at_first;
    for (int i = 0; i < 60; ++i) at_first.insert("e" + std::to_string(i));
    for (const std::string& name : at_first) append(store, random, name);
    SearchRequest request;
    request.order = order;
    request.sort_by = "@v";
    request.limit = 7;
    std::set<store::EventId> ids;
    std::vector<store::SortKey> keys;
    for (int page_number = 0; page_number < 100; ++page_number) {
      const SearchOutcome outcome = service.Search(request);
      ASSERT_TRUE(std::holds_alternative<SearchPage>(outcome));
      const auto& page = std::get<SearchPage>(outcome);
      for (const store::Event& event : page.events) {
        EXPECT_TRUE(ids.insert(event.id).second) << "given twice";
        at_first.erase(event.message);
        store::EventReader reader;
        reader.Reset(event);
        keys.push_back(store::SortKeyOf(reader, FacetNamed("@v"), order));
      }
      if (page.next_cursor.empty()) break;
      request.cursor = page.next_cursor;
      for (int i = 0; i < 5; ++i) append(store, random, "late");
    }
    EXPECT_TRUE(at_first.empty());
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
      return store::CompareKeys(order, a, b) < 0;
    }));
    EXPECT_EQ(keys.back().kind, store::SortKey::Kind::kMissing);
  }
}

TEST_F(SearchTest, RefusesACursorWhoseEventIsGone) {
  SearchRequest request;
  request.sort_by = "@v";
  for (const char* at : {"0", "9223372036854775807", "-9223372036854775808"}) {
    request.cursor = Base64UrlEncode(std::string(R"({"after":"AQAAAaMYXFAAAAAAAAAAAAAAAQ","at":)") +
                                     at + R"(,"from":0,"to":1800000000000,"sort":"-@v"})");
    EXPECT_EQ(ErrorKind(request), SearchError::Kind::kBadRequest) << at;
  }
}

TEST_F(SearchTest, RefusesASortThatHasNoValues) {
  for (const std::string_view name : {"*", "id", "index"}) {
    SearchRequest request;
    request.sort_by = name;
    EXPECT_EQ(ErrorKind(request), SearchError::Kind::kBadRequest) << name;
  }
}

// Events arrive between the pages, at every place of the order: what was there at the first page
// comes exactly once and in order, in both directions.
TEST_F(SearchTest, PagesStayStableWhileEventsArrive) {
  for (const store::Order order : {store::Order::kNewestFirst, store::Order::kOldestFirst}) {
    store::OracleStore store;
    QueryRunner runner(store, clock_, metrics_, {});
    SearchService service(runner, clock_);
    SeededRandom random(7);
    std::set<std::string> at_first;
    for (int i = 0; i < 40; ++i) {
      const std::string name = "e" + std::to_string(i);
      // Few distinct instants, so that pages end inside one.
      make_.AppendLog(store, name, -std::chrono::minutes(random.Below(5)));
      at_first.insert(name);
    }
    SearchRequest request;
    request.order = order;
    request.limit = 7;
    std::vector<store::Event> all;
    for (int page_number = 0; page_number < 100; ++page_number) {
      const SearchOutcome outcome = service.Search(request);
      ASSERT_TRUE(std::holds_alternative<SearchPage>(outcome));
      const auto& page = std::get<SearchPage>(outcome);
      all.insert(all.end(), page.events.begin(), page.events.end());
      if (page.next_cursor.empty()) break;
      request.cursor = page.next_cursor;
      clock_.Advance(std::chrono::minutes(1));
      for (int i = 0; i < 5; ++i) {
        make_.AppendLog(store, "late", -std::chrono::minutes(random.Below(20)));
      }
    }
    std::set<store::EventId> ids;
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(ids.insert(all[i].id).second) << "given twice";
      at_first.erase(all[i].message);
      if (i == 0) continue;
      const bool ordered = order == store::Order::kNewestFirst
                               ? all[i].timestamp_ms <= all[i - 1].timestamp_ms
                               : all[i].timestamp_ms >= all[i - 1].timestamp_ms;
      EXPECT_TRUE(ordered);
    }
    EXPECT_TRUE(at_first.empty()) << *at_first.begin() << " is missing";
  }
}

TEST_F(SearchTest, TellsOfDamage) {
  ScriptedStore store;
  store.run = [](const store::Plan&, store::Sink&) -> Result<store::RunReport> {
    store::RunReport report;
    report.damage = {"1 block of segment 7 could not be read"};
    return report;
  };
  QueryRunner runner(store, clock_, metrics_, {});
  SearchService service(runner, clock_);
  const SearchOutcome outcome = service.Search({});
  const auto& page = std::get<SearchPage>(outcome);
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, "damaged_data");
  EXPECT_EQ(page.warnings[0].detail, "1 block of segment 7 could not be read");
}

TEST_F(SearchTest, ATimeOutKeepsWhatCameAndGoesOnBehindIt) {
  ScriptedStore store;
  const store::Event event = make_.Log("first", std::chrono::minutes(-1));
  store.run = [&event](const store::Plan& plan, store::Sink& sink) -> Result<store::RunReport> {
    sink.Rows({&event, 1});
    EXPECT_TRUE(plan.stop.stop_requested());
    return Fail(ErrorCode::kCancelled, "stopped");
  };
  QueryRunner::Options options;
  options.timeout = std::chrono::milliseconds(0);
  QueryRunner runner(store, clock_, metrics_, options);
  SearchService service(runner, clock_);
  const SearchOutcome outcome = service.Search({});
  const auto& page = std::get<SearchPage>(outcome);
  EXPECT_TRUE(page.timed_out);
  ASSERT_EQ(page.events.size(), 1u);
  EXPECT_FALSE(page.next_cursor.empty());
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_EQ(page.warnings[0].code, "timeout");
}

TEST_F(SearchTest, TheCallerCanStopIt) {
  ScriptedStore store;
  std::stop_source stop;
  store.run = [&stop](const store::Plan& plan, store::Sink&) -> Result<store::RunReport> {
    EXPECT_FALSE(plan.stop.stop_requested());
    stop.request_stop();
    EXPECT_TRUE(plan.stop.stop_requested());
    return Fail(ErrorCode::kCancelled, "stopped");
  };
  QueryRunner runner(store, clock_, metrics_, {});
  SearchService service(runner, clock_);
  SearchRequest request;
  request.stop = stop.get_token();
  const SearchOutcome outcome = service.Search(request);
  EXPECT_EQ(std::get<SearchError>(outcome).kind, SearchError::Kind::kFailed);
}

// While one query runs and one more may not even wait, the next is sent away at once.
TEST_F(SearchTest, BoundsHowManyRunAtOnce) {
  ScriptedStore store;
  QueryRunner::Options options;
  options.concurrent_max = 1;
  options.waiting_max = 0;
  QueryRunner runner(store, clock_, metrics_, options);
  SearchService service(runner, clock_);
  int depth = 0;
  store.run = [&](const store::Plan&, store::Sink&) -> Result<store::RunReport> {
    if (++depth == 1) {
      const SearchOutcome inner = service.Search({});
      EXPECT_EQ(std::get<SearchError>(inner).kind, SearchError::Kind::kBusy);
    }
    return store::RunReport{};
  };
  EXPECT_TRUE(std::holds_alternative<SearchPage>(service.Search({})));
  EXPECT_TRUE(std::holds_alternative<SearchPage>(service.Search({})));  // the place is free again
  EXPECT_EQ(depth, 2);
}

// A waiting query runs when the one before it ends.
TEST_F(SearchTest, AWaitingQueryGetsItsTurn) {
  ScriptedStore store;
  QueryRunner::Options options;
  options.concurrent_max = 1;
  options.waiting_max = 4;
  QueryRunner runner(store, clock_, metrics_, options);
  SearchService service(runner, clock_);
  std::atomic<int> now_running = 0;
  std::atomic<int> done = 0;
  store.run = [&](const store::Plan&, store::Sink&) -> Result<store::RunReport> {
    EXPECT_EQ(++now_running, 1);
    --now_running;
    return store::RunReport{};
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 25; ++k) {
        if (std::holds_alternative<SearchPage>(service.Search({}))) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace postglass::query
