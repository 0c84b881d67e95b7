#include "query/tail.h"

#include <gtest/gtest.h>

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

TEST_F(TailTest, PositionsAreCheckedText) {
  const TailPosition position{store::EventId::Make(1'800'000'000'000, {}), 1'799'999'999'000, 3};
  EXPECT_EQ(TailPosition::Parse(position.ToString()), position);
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
