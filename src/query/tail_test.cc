#include "query/tail.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class TailTest : public testing::Test {
 protected:
  Tail NewTail(std::optional<TailPosition> position = std::nullopt) {
    return Tail(runner_, clock_, store::Predicate{store::MatchAll{}}, position);
  }

  static std::vector<std::string> Messages(Tail& tail) {
    std::vector<std::string> messages;
    const Result<Tail::Batch> batch = tail.Poll();
    EXPECT_TRUE(batch);
    if (!batch) return messages;
    EXPECT_EQ(batch->events.size(), batch->positions.size());
    for (const store::Event& event : batch->events) messages.push_back(event.message);
    return messages;
  }

  using Texts = std::vector<std::string>;

  ManualClock clock_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  Metrics metrics_;
  QueryRunner runner_{store_, clock_, metrics_, {}};
};

TEST_F(TailTest, GivesEachEventOnceInOrderOfIngest) {
  make_.AppendLog(store_, "before", {});
  clock_.Advance(milliseconds(1));
  Tail tail = NewTail();
  EXPECT_EQ(Messages(tail), Texts{});
  make_.AppendLog(store_, "a", minutes(1));
  clock_.Advance(milliseconds(1));
  make_.AppendLog(store_, "b", -minutes(60 * 24));  // an old date, but taken in now
  EXPECT_EQ(Messages(tail), (Texts{"a", "b"}));
  EXPECT_EQ(Messages(tail), Texts{});
  clock_.Advance(minutes(10));
  make_.AppendLog(store_, "c", {});
  EXPECT_EQ(Messages(tail), Texts{"c"});
}

// An id is made before its event is durable, so a later id may show first.
TEST_F(TailTest, AnEventThatBecomesVisibleLateIsNotLost) {
  Tail tail = NewTail();
  const store::Event slow = make_.Log("slow", {});
  clock_.Advance(seconds(1));
  make_.AppendLog(store_, "fast", {});
  EXPECT_EQ(Messages(tail), Texts{"fast"});
  make_.Append(store_, {slow});
  EXPECT_EQ(Messages(tail), Texts{"slow"});
  EXPECT_EQ(Messages(tail), Texts{});
}

TEST_F(TailTest, ContinuesWithoutGapOrRepetition) {
  make_.AppendLog(store_, "before", {});
  clock_.Advance(milliseconds(1));
  std::optional<TailPosition> position;
  {
    Tail tail = NewTail();
    position = tail.position();
    EXPECT_EQ(Messages(tail), Texts{});
  }
  clock_.Advance(seconds(1));
  make_.AppendLog(store_, "a", {});
  make_.AppendLog(store_, "b", {});
  {
    Tail tail = NewTail(TailPosition::Parse(position->ToString()));
    const Result<Tail::Batch> batch = tail.Poll();
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->events.size(), 2u);
    position = batch->positions[0];  // the connection broke behind "a"
  }
  clock_.Advance(seconds(1));
  make_.AppendLog(store_, "c", {});
  {
    Tail tail = NewTail(TailPosition::Parse(position->ToString()));
    EXPECT_EQ(Messages(tail), (Texts{"b", "c"}));
    position = tail.position();
  }
  clock_.Advance(minutes(10));
  make_.AppendLog(store_, "d", {});
  Tail tail = NewTail(TailPosition::Parse(position->ToString()));
  EXPECT_EQ(Messages(tail), Texts{"d"});
}

TEST_F(TailTest, WhatBecameVisibleLateMeanwhileComesToo) {
  Tail first = NewTail();
  const store::Event slow = make_.Log("slow", {});
  clock_.Advance(milliseconds(10));
  make_.AppendLog(store_, "fast", {});
  EXPECT_EQ(Messages(first), Texts{"fast"});
  make_.Append(store_, {slow});
  Tail tail = NewTail(TailPosition::Parse(first.position().ToString()));
  EXPECT_EQ(Messages(tail), (Texts{"slow", "fast"}));  // which one came late is not known
}

TEST_F(TailTest, AnEventsIdAloneContinuesBehindIt) {
  const store::Event a = make_.Log("a", {});
  make_.Append(store_, {a, make_.Log("b", {})});
  Tail tail = NewTail(TailPosition::Parse(a.id.ToString()));
  EXPECT_EQ(Messages(tail), Texts{"b"});
}

// Reads until the tail is live, with a break and a new tail behind every `break_after` events.
std::vector<std::string> CatchUp(QueryRunner& runner,
                                 const Clock& clock,
                                 std::string position,
                                 Tail::Options options,
                                 std::size_t break_after,
                                 std::size_t* polls = nullptr) {
  std::vector<std::string> messages;
  for (bool behind = true; behind;) {
    Tail tail(
        runner, clock, store::Predicate{store::MatchAll{}}, TailPosition::Parse(position), options);
    std::size_t taken = 0;
    while (behind && taken < break_after) {
      const Result<Tail::Batch> batch = tail.Poll();
      EXPECT_TRUE(batch);
      if (polls != nullptr) ++*polls;
      EXPECT_FALSE(batch->sampled());
      for (std::size_t i = 0; i < batch->events.size() && taken < break_after; ++i, ++taken) {
        messages.push_back(batch->events[i].message);
        position = batch->positions[i].ToString();
      }
      behind = batch->behind || taken >= break_after;
    }
  }
  return messages;
}

TEST_F(TailTest, CatchesUpWithMoreThanOneLookTakes) {
  Tail::Options options;
  options.events_max = 50;
  options.page_max = 20;
  make_.AppendLog(store_, "long ago", -minutes(10));
  clock_.Advance(milliseconds(1));
  Tail first = NewTail();
  make_.AppendLog(store_, "seen", {});
  EXPECT_EQ(Messages(first), Texts{"seen"});
  clock_.Advance(seconds(20));
  std::set<std::string> expected;
  for (int i = 0; i < 230; ++i) {
    // Dates lie anywhere, and many are equal.
    make_.AppendLog(store_, "m" + std::to_string(i), -minutes((i * 7) % 60));
    expected.insert("m" + std::to_string(i));
    clock_.Advance(milliseconds(100));
  }
  for (const std::size_t break_after : {1u, 7u, 33u, 1'000u}) {
    SCOPED_TRACE(break_after);
    const Texts got = CatchUp(runner_, clock_, first.position().ToString(), options, break_after);
    std::set<std::string> found(got.begin(), got.end());
    found.erase("seen");  // of the last seconds before the break
    EXPECT_EQ(found, expected);
    // Only what came in the last window may be there twice, and only after a break.
    if (break_after == 1'000u) {
      EXPECT_EQ(got.size(), expected.size() + 1);
    }
  }
}

TEST_F(TailTest, GoesOnLiveAfterCatchingUp) {
  Tail::Options options;
  options.events_max = 10;
  options.page_max = 5;
  const std::string begin = NewTail().position().ToString();
  for (int i = 0; i < 30; ++i) make_.AppendLog(store_, "old", {});
  clock_.Advance(seconds(6));
  const store::Event late = make_.Log("late", -minutes(5));
  clock_.Advance(seconds(1));
  Tail tail(
      runner_, clock_, store::Predicate{store::MatchAll{}}, TailPosition::Parse(begin), options);
  std::size_t old = 0;
  for (bool behind = true; behind;) {
    const Result<Tail::Batch> batch = tail.Poll();
    ASSERT_TRUE(batch);
    behind = batch->behind;
    old += batch->events.size();
    make_.AppendLog(store_, "live", {});
  }
  EXPECT_EQ(old, 30u);
  make_.Append(store_, {late});
  const Result<Tail::Batch> batch = tail.Poll();
  ASSERT_TRUE(batch);
  std::multiset<std::string> live;
  for (const store::Event& event : batch->events) live.insert(event.message);
  EXPECT_EQ(live.count("late"), 1u);
  EXPECT_EQ(live.count("old"), 0u);
  EXPECT_EQ(live.count("live"), batch->events.size() - 1);
}

TEST_F(TailTest, GivesASampleOfWhatIsTooFast) {
  Tail::Options options;
  options.given_max = 10;
  Tail tail(runner_, clock_, store::Predicate{store::MatchAll{}}, std::nullopt, options);
  for (int i = 0; i < 95; ++i) make_.AppendLog(store_, std::to_string(i), {});
  const Result<Tail::Batch> batch = tail.Poll();
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->sampled());
  EXPECT_EQ(batch->found, 95u);
  EXPECT_FALSE(batch->found_more);
  ASSERT_EQ(batch->events.size(), 10u);
  EXPECT_EQ(batch->events.front().message, "9");
  EXPECT_EQ(batch->events.back().message, "94");
  // What was left out stays out, here and after a break.
  EXPECT_EQ(Messages(tail), Texts{});
  Tail again = NewTail(TailPosition::Parse(batch->positions.back().ToString()));
  EXPECT_EQ(Messages(again), Texts{});
  make_.AppendLog(store_, "slow", {});
  const Result<Tail::Batch> slow = tail.Poll();
  EXPECT_FALSE(slow->sampled());
  EXPECT_EQ(slow->events.size(), 1u);
}

TEST_F(TailTest, SaysWhenThereWasEvenMore) {
  Tail::Options options;
  options.events_max = 20;
  options.given_max = 10;
  Tail tail(runner_, clock_, store::Predicate{store::MatchAll{}}, std::nullopt, options);
  for (int i = 0; i < 95; ++i) make_.AppendLog(store_, std::to_string(i), {});
  const Result<Tail::Batch> batch = tail.Poll();
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->found_more);
  EXPECT_EQ(batch->found, 20u);
  EXPECT_EQ(batch->events.size(), 10u);
  EXPECT_FALSE(batch->behind);
}

TEST_F(TailTest, PositionsAreCheckedText) {
  TailPosition position{store::EventId::Make(1'800'000'000'000, {}), 1'799'999'999'000, 3, {}};
  EXPECT_EQ(TailPosition::Parse(position.ToString()), position);
  TailPosition behind = position;
  behind.catch_up = TailPosition::CatchUp{position.last, {-5, position.last}};
  EXPECT_EQ(TailPosition::Parse(behind.ToString()), behind);
  for (const std::string_view text : {"~", "~x~1~y", "~x"}) {
    EXPECT_FALSE(TailPosition::Parse(position.ToString() + std::string(text)));
  }
  for (const std::string& text : {std::string(),
                                  std::string("x"),
                                  position.last.ToString() + ".",
                                  position.last.ToString() + ".1",
                                  position.last.ToString() + ".1.x",
                                  position.ToString() + "x"}) {
    EXPECT_FALSE(TailPosition::Parse(text)) << text;
  }
  const auto far = TailPosition::Parse(position.last.ToString() + ".0.3");
  ASSERT_TRUE(far);
  EXPECT_EQ(far->window_begin_ms, 1'800'000'000'000 - Tail::kWindowMs);
}

}  // namespace
}  // namespace postglass::query
