#include "topics/outbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "topics/topics_harness_testing.h"

namespace postglass::topics {
namespace {

// What happened to messages in one life of the process: published and acknowledged, delivered.
struct Life {
  std::vector<std::string> acknowledged;
};

Life PublishAndDeliver(TopicsHarness& t, const std::string& topic, int messages) {
  Life life;
  for (int i = 0; i < messages; ++i) {
    const std::string body = fmt::format("message {}", i);
    if (t.SesPublish(topic, body, body)) life.acknowledged.push_back(body);
    if (i % 4 == 3) t.service->RunDue();
  }
  return life;
}

std::map<std::string, std::set<std::string>> IdsByBody(const TopicsHarness& t) {
  std::map<std::string, std::set<std::string>> ids;
  for (const functions::SnsRecord& record : t.invoker.records()) {
    const json::object o = *json::ParseObject(record.json);
    ids[json::GetStringOr(*json::GetObject(o, "Sns"), "Message", "")].insert(record.message_id);
  }
  return ids;
}

// A power cut at any file operation loses no message that was acknowledged, and what is delivered
// twice has the same message id. One run per cut point, until a run ends before its cut.
TEST(OutboxCrash, DeliversEveryAcknowledgedMessageWhereverThePowerIsCut) {
  constexpr int kMessages = 12;
  for (std::uint64_t cut_op = 0;; ++cut_op) {
    SCOPED_TRACE(fmt::format("power cut at file operation {}", cut_op));
    TopicsHarness t;
    const std::string topic = t.TopicWithFunction();
    t.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = cut_op});
    const Life life = PublishAndDeliver(t, topic, kMessages);
    t.api.reset();
    t.service.reset();
    const bool fired = t.fs.fault_fired();
    t.fs.RestorePower();
    t.Start();
    t.service->RunDue();
    const auto ids = IdsByBody(t);
    for (const std::string& body : life.acknowledged) {
      ASSERT_TRUE(ids.contains(body)) << body;
    }
    for (const auto& [body, of_body] : ids) EXPECT_EQ(of_body.size(), 1U) << body;
    EXPECT_EQ(t.service->health().pending, 0U);
    if (!fired) {
      EXPECT_EQ(life.acknowledged.size(), static_cast<std::size_t>(kMessages));
      break;
    }
  }
}

TEST(OutboxCrash, AFailedOperationLosesNothingAcknowledged) {
  for (std::uint64_t op = 0;; ++op) {
    SCOPED_TRACE(fmt::format("operation {} fails", op));
    TopicsHarness t;
    const std::string topic = t.TopicWithFunction();
    t.fs.Arm({.seed = op + 1, .fail_at_op = op});
    const Life life = PublishAndDeliver(t, topic, 8);
    t.api.reset();
    t.service.reset();
    const bool fired = t.fs.fault_fired();
    t.fs.KillProcess();
    t.fs.Arm({});
    t.Start();
    t.service->RunDue();
    const auto ids = IdsByBody(t);
    for (const std::string& body : life.acknowledged) ASSERT_TRUE(ids.contains(body)) << body;
    if (!fired) break;
  }
}

TEST(Outbox, ACleanStopDeliversNothingTwice) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(t.SesPublish(topic, std::to_string(i)));
  t.service->RunDue();
  for (int i = 0; i < 3; ++i) {
    t.Restart();
    EXPECT_EQ(t.service->RunDue(), 0U);
  }
  EXPECT_EQ(t.invoker.records().size(), 20U);
}

// Bodies beyond the budget are read from the journal again, in order.
TEST(Outbox, KeepsOnlySoManyBodiesInMemory) {
  TopicsHarness t;
  t.outbox_options.bodies_bytes_max = 4'096;
  t.Restart();
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(functions::InvokeResult::Outcome::kFailed);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(t.SesPublish(topic, fmt::format("{:04}{}", i, std::string(1'000, 'x'))));
  }
  t.Restart();
  t.invoker.AnswerAlways(functions::InvokeResult::Outcome::kSucceeded);
  t.clock.Advance(std::chrono::seconds(20));
  t.service->RunDue();
  const auto records = t.invoker.records();
  ASSERT_EQ(records.size(), 500U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_NE(records[i].json.find(fmt::format("\"{:04}x", i)), std::string::npos) << i;
  }
}

// One message that nobody takes must not pin everything published after it.
TEST(Outbox, AStuckMessageIsMovedSoThatTheJournalCanBeTrimmed) {
  TopicsHarness t;
  t.outbox_options.compact_bytes_min = 512u << 10;
  t.file_bytes_max = 128u << 10;
  t.Restart();
  const std::string topic = t.TopicWithFunction();
  const auto is_stuck = [](const functions::SnsRecord& record) {
    return record.json.find("stuck") != std::string::npos;
  };
  t.invoker.Answer([&](const functions::SnsRecord& record) -> functions::InvokeResult {
    if (is_stuck(record)) return {functions::InvokeResult::Outcome::kFailed, "no"};
    return {};
  });
  ASSERT_TRUE(t.SesPublish(topic, "stuck"));
  const std::string filler(10'000, 'x');
  std::uint64_t largest = 0;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(t.SesPublish(topic, filler));
    t.service->RunDue();
    largest = std::max(largest, t.fs.bytes_used());
  }
  EXPECT_LT(largest, 1u << 20);  // 3 MB went through
  EXPECT_EQ(t.service->health().pending, 1U);
  t.Restart();
  EXPECT_EQ(t.service->health().pending, 1U);
  t.invoker.Answer(nullptr);
  t.clock.Advance(std::chrono::seconds(20));
  EXPECT_EQ(t.service->RunDue(), 1U);
  EXPECT_TRUE(is_stuck(t.invoker.records().back()));
}

TEST(Outbox, TheOldestDeadLettersGoFirst) {
  TopicsHarness t;
  t.outbox_options.dead_letters_max = 3;
  t.Restart();
  t.Call("Action=CreateTopic&Name=t");
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(functions::InvokeResult::Outcome::kFailed);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(t.SesPublish(topic, std::to_string(i), std::to_string(i)));
  t.clock.Advance(std::chrono::hours(24 * 24));
  t.service->RunDue();
  const auto letters = t.service->DeadLetters(10);
  ASSERT_EQ(letters.size(), 3U);
  EXPECT_GT(letters[0].number, letters[2].number);
  EXPECT_EQ(t.CounterValue("postglass_topics_dead_letters_dropped_total"), 2);
  EXPECT_EQ(t.service->Redrive(std::pair(letters[1].number, letters[1].target_index)), 1U);
  EXPECT_EQ(t.service->DeadLetters(10).size(), 2U);
}

}  // namespace
}  // namespace postglass::topics
