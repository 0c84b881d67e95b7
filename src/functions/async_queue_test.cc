#include "functions/async_queue.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "functions/functions_testing.h"

namespace postglass::functions {
namespace {

using std::chrono::seconds;

struct AsyncFixture : HostFixture {
  AsyncFixture() { Open(); }

  void Open() {
    queue.reset();
    queue = *AsyncQueue::Create({*host, *registry, fs, clock, random, metrics, *box},
                                {.dir = "/async"});
    queue->SetDeliver([this](AsyncQueue::Parcel parcel) -> Status {
      if (!reachable) return Fail(ErrorCode::kNotFound, "there is no such queue");
      parcels.push_back(std::move(parcel));
      return {};
    });
  }

  template <class F>
  void Change(F&& change) {
    ASSERT_TRUE(registry->Update("forwarder", [&](Function& function) -> Status {
      change(function);
      return {};
    }));
  }

  std::string Add(std::string event) {
    return *queue->Add(*registry->Find("forwarder"), std::move(event));
  }

  bool RunAfter(seconds pause) {
    clock.Advance(pause);
    return queue->RunOne();
  }

  double Events(std::string_view result) {
    return metrics
        .GetCounter("postglass_functions_async_events_total",
                    "",
                    {{"function", kForwarderName}, {"result", result}})
        .value();
  }

  std::unique_ptr<AsyncQueue> queue;
  std::vector<AsyncQueue::Parcel> parcels;
  bool reachable = true;
};

TEST(AsyncQueue, TriesAgainAfterOneAndTwoMinutesThenSendsOn) {
  AsyncFixture f;
  f.Change([](Function& function) {
    function.dead_letter_arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    function.event_invoke.emplace().on_failure_arn = "arn:aws:sns:us-east-1:000000000000:failed";
  });
  f.loopback.AnswerWith(500);
  const std::string id = f.Add(R"({"n":1})");
  EXPECT_TRUE(f.queue->RunOne());
  EXPECT_FALSE(f.RunAfter(seconds(59)));
  EXPECT_TRUE(f.RunAfter(seconds(1)));
  EXPECT_FALSE(f.RunAfter(seconds(119)));
  EXPECT_TRUE(f.parcels.empty());
  EXPECT_TRUE(f.RunAfter(seconds(1)));
  EXPECT_EQ(f.queue->size(), 0U);
  EXPECT_EQ(f.loopback.requests().size(), 3U);
  EXPECT_EQ(f.Events("exhausted"), 1);

  ASSERT_EQ(f.parcels.size(), 2U);
  const AsyncQueue::Parcel& letter = f.parcels[0];
  EXPECT_EQ(letter.target_arn, "arn:aws:sqs:us-east-1:000000000000:dead");
  EXPECT_EQ(letter.body, R"({"n":1})");
  ASSERT_EQ(letter.attributes.size(), 3U);
  EXPECT_EQ(letter.attributes[0].value, "200");
  EXPECT_EQ(letter.attributes[2].value, id);
  const auto record = *json::ParseObject(f.parcels[1].body);
  EXPECT_EQ(json::Serialize(*json::FindPath(record, "requestContext.condition")),
            R"("RetriesExhausted")");
  EXPECT_EQ(json::Serialize(*json::FindPath(record, "requestContext.approximateInvokeCount")), "3");
  EXPECT_EQ(json::Serialize(*json::FindPath(record, "requestPayload")), R"({"n":1})");
  EXPECT_EQ(json::Serialize(*json::FindPath(record, "responsePayload.errorType")),
            R"("Forwarder.Error")");
}

TEST(AsyncQueue, KeepsEventsOverARestart) {
  AsyncFixture f;
  f.Add(R"({"n":1})");
  f.Open();
  EXPECT_EQ(f.queue->size(), 1U);
  EXPECT_TRUE(f.queue->RunOne());
  EXPECT_EQ(f.Events("succeeded"), 1);
  f.Open();
  EXPECT_EQ(f.queue->size(), 0U);
}

TEST(AsyncQueue, FollowsTheFunctionsOwnRetriesAndAge) {
  AsyncFixture f;
  f.Change([](Function& function) {
    function.event_invoke.emplace().retries_max = 0;
    function.event_invoke->event_age_max_seconds = 60;
    function.event_invoke->on_success_arn = "arn:aws:sqs:us-east-1:000000000000:good";
    function.dead_letter_arn = "arn:aws:sqs:us-east-1:000000000000:dead";
  });
  f.Add("{}");
  EXPECT_TRUE(f.queue->RunOne());
  ASSERT_EQ(f.parcels.size(), 1U);
  EXPECT_NE(f.parcels[0].body.find(R"("condition":"Success")"), std::string::npos);

  f.loopback.AnswerWith(500);
  f.Add("{}");
  EXPECT_TRUE(f.queue->RunOne());
  EXPECT_EQ(f.Events("exhausted"), 1);
  f.Add("{}");
  EXPECT_TRUE(f.RunAfter(seconds(61)));
  EXPECT_EQ(f.Events("expired"), 1);
  EXPECT_EQ(f.parcels.size(), 3U);
}

TEST(AsyncQueue, WaitsForATargetThatIsNotThereWithoutRunningAgain) {
  AsyncFixture f;
  f.Change([](Function& function) {
    function.event_invoke.emplace().retries_max = 0;
    function.dead_letter_arn = "arn:aws:sqs:us-east-1:000000000000:dead";
  });
  f.loopback.AnswerWith(500);
  f.reachable = false;
  f.Add("{}");
  EXPECT_TRUE(f.queue->RunOne());
  EXPECT_TRUE(f.RunAfter(seconds(30)));
  EXPECT_EQ(f.queue->size(), 1U);
  f.reachable = true;
  EXPECT_TRUE(f.RunAfter(seconds(30)));
  EXPECT_EQ(f.queue->size(), 0U);
  EXPECT_EQ(f.parcels.size(), 1U);
  EXPECT_EQ(f.loopback.requests().size(), 1U);
}

TEST(AsyncQueue, AThrottleIsNoFailureButConcurrencyZeroIsFinal) {
  AsyncFixture f;
  f.Change([](Function& function) {
    function.reserved_concurrency = 0;
    function.dead_letter_arn = "arn:aws:sqs:us-east-1:000000000000:dead";
  });
  f.Add("{}");
  EXPECT_TRUE(f.queue->RunOne());
  ASSERT_EQ(f.parcels.size(), 1U);
  EXPECT_EQ(f.parcels[0].attributes[0].value, "429");
  // A topic's event goes the same way, as the function says what becomes of failures.
  f.host->SetAsync([&](const Function& function, std::string event) -> Status {
    const auto taken = f.queue->Add(function, std::move(event));
    return taken ? Status() : Status(Fail(taken.error()));
  });
  const std::vector<SnsRecord> records = {{"1", "{}"}};
  EXPECT_EQ(f.host->InvokeFromSns("forwarder", std::string(kTestTopic), records)[0].outcome,
            InvokeResult::Outcome::kSucceeded);
  EXPECT_EQ(f.queue->size(), 1U);
}

}  // namespace
}  // namespace postglass::functions
