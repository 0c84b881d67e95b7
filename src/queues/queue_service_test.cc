#include "queues/queue_service.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "queues/queues_harness_testing.h"

namespace postglass::queues {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(QueueService, MessagesComeInOrderOnceUntilTheirVisibilityEnds) {
  QueuesHarness t;
  t.MakeQueue("q");
  for (const char* body : {"a", "b", "c"}) t.Put("q", body);
  const auto taken = t.Take("q", 60);
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_THAT(t.Bodies("q"), IsEmpty());
  EXPECT_EQ(t.Attribute("q", "ApproximateNumberOfMessagesNotVisible"), "3");
  t.Call("DeleteMessage",
         {{"QueueUrl", QueuesHarness::Url("q")}, {"ReceiptHandle", taken[1].second}});
  t.clock.Advance(seconds(61));
  EXPECT_THAT(t.Bodies("q"), ElementsAre("a", "c"));
}

TEST(QueueService, AnOldHandleDeletesNothingOnceSomebodyElseHasTheMessage) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.Put("q", "a");
  const auto first = t.Take("q", 10);
  t.clock.Advance(seconds(11));
  const auto second = t.Take("q", 10);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(first[0].second, second[0].second);
  t.Call("DeleteMessage",
         {{"QueueUrl", QueuesHarness::Url("q")}, {"ReceiptHandle", first[0].second}});
  t.clock.Advance(seconds(11));
  EXPECT_THAT(t.Bodies("q"), ElementsAre("a"));
}

TEST(QueueService, NothingIsTakenWhenTheDiskIsTooFullAndAllIsGivenOut) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.Put("q", "before");
  t.may_take = Fail(ErrorCode::kDiskFull, "92 % full");
  const net::HttpResponse refused =
      t.Send("SendMessage", {{"QueueUrl", QueuesHarness::Url("q")}, {"MessageBody", "during"}});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_THAT(t.Bodies("q"), ElementsAre("before"));
  t.may_take = {};
  t.Put("q", "after");
  EXPECT_THAT(t.Bodies("q"), ElementsAre("after"));
}

TEST(QueueService, DelayedMessagesComeLater) {
  QueuesHarness t;
  t.MakeQueue("q", {{"DelaySeconds", "30"}});
  t.Put("q", "later");
  t.Call("SendMessage",
         {{"QueueUrl", QueuesHarness::Url("q")}, {"MessageBody", "now"}, {"DelaySeconds", 0}});
  EXPECT_THAT(t.Bodies("q", 100), ElementsAre("now"));
  EXPECT_EQ(t.Attribute("q", "ApproximateNumberOfMessagesDelayed"), "1");
  t.clock.Advance(seconds(30));
  EXPECT_THAT(t.Bodies("q"), ElementsAre("later"));
}

TEST(QueueService, RestartsKeepMessagesReceivesAndHandles) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.Put("q", "a");
  t.Put("q", "b");
  const auto taken = t.Take("q", 60);
  ASSERT_EQ(taken.size(), 2U);
  t.Restart();
  EXPECT_THAT(t.Bodies("q"), IsEmpty());  // still in flight
  t.Call("DeleteMessage",
         {{"QueueUrl", QueuesHarness::Url("q")}, {"ReceiptHandle", taken[0].second}});
  t.Restart();
  t.clock.Advance(seconds(61));
  EXPECT_THAT(t.Bodies("q"), ElementsAre("b"));
}

// What a waiting receive was answered; it counts the answers.
struct Answer {
  int answers = 0;
  net::HttpResponse response;
};

std::shared_ptr<Answer> Wait(QueuesHarness& t, const std::string& queue, int wait_seconds) {
  auto answer = std::make_shared<Answer>();
  net::HttpResponse begun =
      t.Begin("ReceiveMessage",
              {{"QueueUrl", QueuesHarness::Url(queue)}, {"WaitTimeSeconds", wait_seconds}});
  begun.later([answer](net::HttpResponse response) {
    ++answer->answers;
    answer->response = std::move(response);
  });
  return answer;
}

TEST(QueueService, WhoWaitsGetsTheNextMessageInTurn) {
  QueuesHarness t;
  t.MakeQueue("q");
  const auto first = Wait(t, "q", 20);
  const auto second = Wait(t, "q", 5);
  t.service->RunOnce();
  EXPECT_EQ(first->answers + second->answers, 0);
  t.Put("q", "a");
  t.service->RunOnce();
  EXPECT_EQ(first->answers, 1);
  EXPECT_NE(first->response.body.find("\"Body\":\"a\""), std::string::npos);
  EXPECT_EQ(second->answers, 0);
  t.clock.Advance(seconds(5));
  t.service->RunOnce();
  EXPECT_EQ(second->answers, 1);
  EXPECT_EQ(second->response.body, "{}");
}

TEST(QueueService, StoppingAnswersThoseWhoWait) {
  QueuesHarness t;
  t.MakeQueue("q");
  const auto waiting = Wait(t, "q", 20);
  t.service->EndWaits();
  EXPECT_EQ(waiting->answers, 1);
  EXPECT_EQ(Wait(t, "q", 20)->answers, 1);
}

TEST(QueueService, TheThreadWakesForMessages) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.service->Start();
  const net::HttpResponse begun =
      t.Begin("ReceiveMessage", {{"QueueUrl", QueuesHarness::Url("q")}, {"WaitTimeSeconds", 20}});
  Mutex mutex;
  CondVar ready;
  std::string body;
  begun.later([&](const net::HttpResponse& response) {
    MutexLock lock(mutex);
    body = response.body;
    ready.NotifyAll();
  });
  t.Put("q", "hello");
  MutexLock lock(mutex);
  while (body.empty()) ready.Wait(mutex);
  EXPECT_NE(body.find("hello"), std::string::npos);
}

json::object RedriveTo(const std::string& dead_letters, int receives) {
  return {{"RedrivePolicy",
           fmt::format(R"({{"deadLetterTargetArn":"{}","maxReceiveCount":{}}})",
                       QueuesHarness::Arn(dead_letters),
                       receives)}};
}

TEST(QueueService, MessagesReceivedTooOftenAreDeadLettersAndCanBeSentBack) {
  QueuesHarness t;
  t.MakeQueue("dead");
  t.MakeQueue("q", RedriveTo("dead", 2));
  t.Put("q", "poison");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(t.Bodies("q", 1), ElementsAre("poison"));
    t.clock.Advance(seconds(2));
  }
  EXPECT_THAT(t.Bodies("q", 1), IsEmpty());
  const auto queue = t.service->registry().Find("dead");
  const auto seen = t.service->Peek(*queue, 10);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].message->source_queue_arn, QueuesHarness::Arn("q"));
  EXPECT_EQ(seen[0].state.receives, 0U);
  t.Restart();

  const json::object started =
      t.Call("StartMessageMoveTask", {{"SourceArn", QueuesHarness::Arn("dead")}});
  EXPECT_FALSE(json::GetStringOr(started, "TaskHandle", "").empty());
  t.service->RunOnce();
  t.service->RunOnce();
  const json::object tasks =
      t.Call("ListMessageMoveTasks", {{"SourceArn", QueuesHarness::Arn("dead")}});
  const json::object& task = tasks.at("Results").as_array()[0].as_object();
  EXPECT_EQ(json::GetStringOr(task, "Status", ""), "COMPLETED");
  EXPECT_EQ(json::GetInt(task, "ApproximateNumberOfMessagesMoved"), 1);
  EXPECT_THAT(t.Bodies("q", 1), ElementsAre("poison"));
  EXPECT_EQ(t.Attribute("dead", "ApproximateNumberOfMessages"), "0");
}

TEST(QueueService, DeadLettersOfTopicsGoBackToTheirSubscription) {
  QueuesHarness t;
  t.MakeQueue("dead");
  t.Call(
      "SetQueueAttributes",
      {{"QueueUrl", QueuesHarness::Url("dead")},
       {"Attributes",
        json::object{
            {"Policy",
             R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
             R"("Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage",)"
             R"("Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:000000000000:t"}}}]})"}}}});
  std::vector<Message> again;
  t.service->SetRedelivery([&](const Message& message) {
    again.push_back(message);
    return Status();
  });
  const std::string dead = QueuesHarness::Arn("dead");
  EXPECT_EQ(
      t.service->SendFrom("sns.amazonaws.com", "arn:other", dead, {{"x", {}, ""}}).error().code,
      ErrorCode::kPermissionDenied);
  ASSERT_TRUE(t.service->SendFrom(
      "sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:t", dead, {{"x", {}, "arn:s"}}));
  t.Call("StartMessageMoveTask", {{"SourceArn", dead}});
  t.service->RunOnce();
  t.service->RunOnce();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].subscription_arn, "arn:s");
  EXPECT_EQ(t.Attribute("dead", "ApproximateNumberOfMessages"), "0");
}

TEST(QueueService, OldMessagesGo) {
  QueuesHarness t;
  t.MakeQueue("q", {{"MessageRetentionPeriod", "3600"}});
  t.Put("q", "old");
  t.clock.Advance(hours(2));
  t.Put("q", "new");
  for (int i = 0; i < 600; ++i) t.service->RunOnce();
  EXPECT_THAT(t.Bodies("q"), ElementsAre("new"));
}

TEST(QueueService, AQueueMadeAgainIsEmpty) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.Put("q", "a");
  t.Call("DeleteQueue", {{"QueueUrl", QueuesHarness::Url("q")}});
  t.MakeQueue("q");
  EXPECT_THAT(t.Bodies("q"), IsEmpty());
  t.Restart();
  EXPECT_THAT(t.Bodies("q"), IsEmpty());
}

// What is kept for long is copied forward, so that the journal does not grow with what went
// through.
TEST(QueueService, TheJournalShrinksAroundWhatStays) {
  QueuesHarness t;
  t.file_bytes_max = 64 << 10;
  t.store_options.compact_bytes_min = 128 << 10;
  t.store_options.bodies_bytes_max = 0;
  t.Restart();
  t.MakeQueue("kept");
  t.MakeQueue("q");
  t.Put("kept", "stays");
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 10; ++i) t.Put("q", std::string(2'000, 'x'));
    t.Call("PurgeQueue", {{"QueueUrl", QueuesHarness::Url("q")}});
    t.clock.Advance(seconds(61));
    t.service->RunOnce();
  }
  t.service->RunOnce();
  t.service->RunOnce();
  EXPECT_LT(t.fs.bytes_used(), 512u << 10);
  t.Restart();
  EXPECT_THAT(t.Bodies("kept"), ElementsAre("stays"));
  EXPECT_THAT(t.Bodies("q"), IsEmpty());
}

// A power cut at any file operation: what was acknowledged is there, once; what was deleted stays
// deleted; a dead letter is in exactly one of both queues. One run per cut, until one ends before
// its cut.
TEST(QueueCrash, LosesNothingAndBringsNothingBackWhereverThePowerIsCut) {
  for (std::uint64_t cut_op = 0;; ++cut_op) {
    SCOPED_TRACE(fmt::format("power cut at file operation {}", cut_op));
    QueuesHarness t;
    t.MakeQueue("dead");
    t.MakeQueue("q", RedriveTo("dead", 1));
    t.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = cut_op});
    std::set<std::string> sent;
    std::set<std::string> deleted;   // acknowledged
    std::set<std::string> deleting;  // asked for; may or may not be
    for (int i = 0; i < 8; ++i) {
      const std::string body = fmt::format("message {}", i);
      const net::HttpResponse answer =
          t.Send("SendMessage", {{"QueueUrl", QueuesHarness::Url("q")}, {"MessageBody", body}});
      if (answer.status == 200) sent.insert(body);
      if (i % 3 == 2) {
        const auto taken = t.Take("q", 1);
        if (!taken.empty()) {
          deleting.insert(taken[0].first);
          const net::HttpResponse gone =
              t.Send("DeleteMessage",
                     {{"QueueUrl", QueuesHarness::Url("q")}, {"ReceiptHandle", taken[0].second}});
          if (gone.status == 200) deleted.insert(taken[0].first);
        }
        t.clock.Advance(seconds(2));  // the next receive buries what was received
      }
      t.service->RunOnce();
    }
    t.api.reset();
    t.service.reset();
    const bool fired = t.fs.fault_fired();
    t.fs.RestorePower();
    t.Start();
    std::multiset<std::string> there;
    for (const char* name : {"q", "dead"}) {
      for (const auto& each : t.service->Peek(*t.service->registry().Find(name), 100)) {
        there.insert(each.message->body);
      }
    }
    for (const std::string& body : sent) {
      if (deleted.contains(body)) {
        EXPECT_EQ(there.count(body), 0U) << body;
      } else if (!deleting.contains(body)) {
        EXPECT_EQ(there.count(body), 1U) << body;
      }
    }
    for (const std::string& body : there) EXPECT_EQ(there.count(body), 1U) << body;
    if (!fired) {
      EXPECT_EQ(sent.size(), 8U);
      break;
    }
    ASSERT_LT(cut_op, 2'000U);
  }
}

}  // namespace
}  // namespace postglass::queues
