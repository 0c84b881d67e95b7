#include "topics/topic_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"
#include "topics/topics_harness_testing.h"

namespace postglass::topics {
namespace {

using namespace std::chrono_literals;
using Outcome = functions::InvokeResult::Outcome;

json::object RecordOf(const functions::SnsRecord& record) {
  return *json::ParseObject(record.json);
}

std::string BodyOf(const functions::SnsRecord& record) {
  return json::GetStringOr(*json::GetObject(RecordOf(record), "Sns"), "Message", "");
}

TEST(TopicService, SesReachesTheFunctionInTheLambdaShape) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  ASSERT_EQ(t.SesPublish(topic, "{\"eventType\":\"Send\"}", "mail-1/send"),
            PublishOutcome::kQueued);
  EXPECT_EQ(t.service->health().pending, 1U);
  EXPECT_EQ(t.service->RunDue(), 1U);
  ASSERT_EQ(t.invoker.records().size(), 1U);
  const json::object record = RecordOf(t.invoker.records()[0]);
  EXPECT_EQ(json::GetString(record, "EventSource"), "aws:sns");
  EXPECT_EQ(json::GetString(record, "EventVersion"), "1.0");
  EXPECT_TRUE(json::GetStringOr(record, "EventSubscriptionArn", "").starts_with(topic + ":"));
  const json::object& sns = *json::GetObject(record, "Sns");
  EXPECT_EQ(json::GetString(sns, "Type"), "Notification");
  EXPECT_EQ(json::GetString(sns, "MessageId"), t.invoker.records()[0].message_id);
  EXPECT_EQ(json::GetString(sns, "TopicArn"), topic);
  EXPECT_EQ(json::GetString(sns, "Subject"), "Amazon SES Email Event Notification");
  EXPECT_EQ(json::GetString(sns, "Message"), "{\"eventType\":\"Send\"}");
  EXPECT_EQ(json::GetString(sns, "Timestamp"), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(json::GetString(sns, "SignatureVersion"), "1");
  EXPECT_EQ(json::GetString(sns, "Signature"), "");
  EXPECT_TRUE(sns.contains("SigningCertUrl"));
  EXPECT_TRUE(sns.contains("UnsubscribeUrl"));
  EXPECT_TRUE(json::GetObject(sns, "MessageAttributes")->empty());
  EXPECT_EQ(t.signer.signatures, 0);
  EXPECT_EQ(t.service->health().pending, 0U);
  EXPECT_EQ(t.CounterValue("postglass_topics_messages_published_total"), 1);
  EXPECT_EQ(t.CounterValue("postglass_topics_delivery_attempts_total",
                           {{"protocol", "lambda"}, {"result", "delivered"}}),
            1);
}

TEST(TopicService, DeliversWhatTheFilterPolicyLetsThrough) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  const std::string arn = TopicsHarness::Between(
      t.Call("Action=ListSubscriptionsByTopic&TopicArn=" + topic).body, "SubscriptionArn");
  const auto set = [&](const std::string& name, const std::string& value) {
    return t
        .Call("Action=SetSubscriptionAttributes&SubscriptionArn=" + arn + "&AttributeName=" + name +
              "&AttributeValue=" + PercentEncode(value))
        .status;
  };
  ASSERT_EQ(set("FilterPolicyScope", "MessageBody"), 200);
  ASSERT_EQ(set("FilterPolicy", R"({"bounce":{"bounceType":["Permanent"]}})"), 200);
  EXPECT_EQ(set("FilterPolicyScope", "MessageAttributes"), 400);  // it is nested
  for (const char* type : {"Transient", "Permanent"}) {
    ASSERT_EQ(t.SesPublish(topic, fmt::format(R"({{"bounce":{{"bounceType":"{}"}}}})", type), type),
              PublishOutcome::kQueued);
  }
  t.service->RunDue();
  ASSERT_EQ(t.invoker.records().size(), 1U);
  EXPECT_EQ(BodyOf(t.invoker.records()[0]), R"({"bounce":{"bounceType":"Permanent"}})");
  EXPECT_EQ(t.CounterValue("postglass_topics_filtered_total"), 1);
  EXPECT_EQ(t.CounterValue("postglass_topics_no_subscription_total"), 0);
}

TEST(TopicService, SignsRecordsOnlyForFunctionsThatWantIt) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.Call("Action=SetTopicAttributes&AttributeName=SignatureVersion&AttributeValue=2&TopicArn=" +
         topic);
  t.invoker.wants_signature = true;
  ASSERT_TRUE(t.SesPublish(topic, "m"));
  t.service->RunDue();
  const json::object sns = *json::GetObject(RecordOf(t.invoker.records().at(0)), "Sns");
  // As SNS itself: the record says 1, the signature is the topic's.
  EXPECT_EQ(json::GetString(sns, "SignatureVersion"), "1");
  EXPECT_EQ(json::GetStringOr(sns, "Signature", ""), "v2:" + *aws::SnsCanonicalString(sns));
}

TEST(TopicService, TheSamePublicationKeepsItsMessageId) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  ASSERT_TRUE(t.SesPublish(topic, "a", "key-1"));
  ASSERT_TRUE(t.SesPublish(topic, "b", "key-2"));
  t.Restart();
  ASSERT_TRUE(t.SesPublish(topic, "a", "key-1"));
  t.service->RunDue();
  const auto records = t.invoker.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].message_id, records[2].message_id);
  EXPECT_NE(records[0].message_id, records[1].message_id);
}

TEST(TopicService, PolicyDecidesWhetherSesMayPublish) {
  struct Row {
    std::string policy;  // empty: the default
    PublishOutcome outcome;
  };

  const std::string head = R"({"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":)";
  const std::string ses =
      R"("Principal":{"Service":"ses.amazonaws.com"},"Action":"SNS:Publish","Resource":"*")";
  for (
      const Row& row : {
          Row{"", PublishOutcome::kQueued},
          Row{head + "\"Allow\"," + ses + "}]}", PublishOutcome::kQueued},
          Row{head + "\"Allow\"," + ses +
                  R"(,"Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"}}}]})",
              PublishOutcome::kQueued},
          Row{head + "\"Allow\"," + ses +
                  R"(,"Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"}}}]})",
              PublishOutcome::kDenied},
          Row{head + "\"Allow\"," + ses +
                  R"(,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:ses:*:*:configuration-set/other"}}}]})",
              PublishOutcome::kDenied},
          Row{head + "\"Deny\"," + ses + "}]}", PublishOutcome::kDenied},
          Row{head + R"("Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"*",)" +
                  R"("Resource":"*"}]})",
              PublishOutcome::kDenied},
      }) {
    TopicsHarness t;
    const std::string topic = t.TopicWithFunction();
    if (!row.policy.empty()) {
      ASSERT_EQ(t.Call("Action=SetTopicAttributes&AttributeName=Policy&TopicArn=" + topic +
                       "&AttributeValue=" + PercentEncode(row.policy))
                    .status,
                200)
          << row.policy;
    }
    EXPECT_EQ(t.SesPublish(topic, "m"), row.outcome) << row.policy;
    const bool denied = row.outcome == PublishOutcome::kDenied;
    EXPECT_EQ(t.CounterValue("postglass_topics_publish_dropped_total", {{"reason", "denied"}}),
              denied ? 1 : 0);
    const Status checked = t.service->CheckTopic(
        topic, "arn:aws:ses:us-east-1:000000000000:configuration-set/default");
    EXPECT_EQ(checked.has_value(), !denied);
    if (denied) {
      EXPECT_EQ(checked.error().code, ErrorCode::kPermissionDenied);
    }
  }
}

TEST(TopicService, MissingTopicsAndMissingSubscriptionsAreCounted) {
  TopicsHarness t;
  EXPECT_EQ(t.SesPublish(t.Arn("none"), "m"), PublishOutcome::kNoSuchTopic);
  EXPECT_EQ(t.CounterValue("postglass_topics_publish_dropped_total", {{"reason", "no_such_topic"}}),
            1);
  EXPECT_EQ(t.service->CheckTopic(t.Arn("none"), "x").error().code, ErrorCode::kNotFound);
  t.Call("Action=CreateTopic&Name=lonely");
  EXPECT_EQ(t.SesPublish(t.Arn("lonely"), "m"), PublishOutcome::kQueued);
  EXPECT_EQ(t.CounterValue("postglass_topics_no_subscription_total"), 1);
  EXPECT_EQ(t.service->RunDue(), 0U);
}

TEST(TopicService, FailedCallsAreRetriedOnTheScheduleOverRestarts) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(Outcome::kFailed);
  ASSERT_TRUE(t.SesPublish(topic, "m", "k"));
  EXPECT_EQ(t.service->RunDue(), 4U);  // at once, and three times without delay
  EXPECT_EQ(t.service->RunDue(), 0U);
  t.clock.Advance(1s);
  EXPECT_EQ(t.service->RunDue(), 1U);
  t.clock.Advance(1s);
  EXPECT_EQ(t.service->RunDue(), 1U);
  EXPECT_EQ(t.invoker.calls(), 6U);
  t.Restart();
  EXPECT_EQ(t.service->health().pending, 1U);
  t.invoker.AnswerAlways(Outcome::kSucceeded);
  EXPECT_EQ(t.service->RunDue(), 1U);
  ASSERT_EQ(t.invoker.records().size(), 1U);
  t.Restart();
  EXPECT_EQ(t.service->health().pending, 0U);
}

TEST(TopicService, ABrokenFunctionIsProbedAndRecoversAtOnceInOrder) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(Outcome::kRefused);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(t.SesPublish(topic, std::to_string(i)));
    t.service->RunDue();
  }
  const std::size_t calls = t.invoker.calls();
  EXPECT_LE(calls, 4U);  // only the first: the others wait for a probe
  for (int i = 0; i < 600; ++i) {
    t.clock.Advance(1s);
    t.service->RunDue();
  }
  EXPECT_LE(t.invoker.calls(), 600U);
  EXPECT_GT(t.CounterValue("postglass_topics_delivery_attempts_total",
                           {{"protocol", "lambda"}, {"result", "refused"}}),
            0);
  t.invoker.AnswerAlways(Outcome::kSucceeded);
  t.clock.Advance(20s);
  t.service->RunDue();
  const auto records = t.invoker.records();
  ASSERT_EQ(records.size(), 1'000U);
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(BodyOf(records[i]), std::to_string(i));
}

TEST(TopicService, OnePoisonedMessageDoesNotStopTheOthers) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.invoker.Answer([](const functions::SnsRecord& record) -> functions::InvokeResult {
    if (BodyOf(record) == "poison") return {Outcome::kFailed, "cannot read it"};
    return {};
  });
  for (const char* body : {"a", "poison", "b"}) ASSERT_TRUE(t.SesPublish(topic, body));
  t.service->RunDue();
  EXPECT_EQ(t.invoker.records().size(), 2U);
  ASSERT_TRUE(t.SesPublish(topic, "c"));
  t.clock.Advance(1s);
  t.service->RunDue();
  EXPECT_EQ(t.invoker.records().size(), 3U);
}

TEST(TopicService, GivesUpAfterTheScheduleAndRedrives) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(Outcome::kFailed);
  ASSERT_TRUE(t.SesPublish(topic, "m"));
  t.service->RunDue();
  t.clock.Advance(24h * 24);
  t.service->RunDue();
  EXPECT_EQ(t.service->health().pending, 0U);
  for (int restart = 0; restart < 2; ++restart) {
    const std::vector<DeadLetter> letters = t.service->DeadLetters(10);
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].topic_arn, topic);
    EXPECT_EQ(letters[0].reason, "told so");
    EXPECT_EQ(letters[0].attempts, 5U);
    EXPECT_EQ(t.service->health().dead_letters, 1U);
    t.Restart();
  }
  t.invoker.AnswerAlways(Outcome::kSucceeded);
  EXPECT_EQ(t.service->Redrive(), 1U);
  EXPECT_EQ(t.service->RunDue(), 1U);
  EXPECT_EQ(BodyOf(t.invoker.records().at(0)), "m");
  EXPECT_EQ(t.service->health().dead_letters, 0U);
  t.Restart();
  EXPECT_TRUE(t.service->DeadLetters(10).empty());
  EXPECT_EQ(t.service->RunDue(), 0U);
}

TEST(TopicService, UnsubscribedFunctionsGetNothingMore) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.invoker.AnswerAlways(Outcome::kFailed);
  ASSERT_TRUE(t.SesPublish(topic, "m"));
  const std::string list = t.Call("Action=ListSubscriptionsByTopic&TopicArn=" + topic).body;
  t.Call("Action=Unsubscribe&SubscriptionArn=" + TopicsHarness::Between(list, "SubscriptionArn"));
  t.service->RunDue();
  EXPECT_EQ(t.invoker.calls(), 0U);
  EXPECT_EQ(t.CounterValue("postglass_topics_delivery_attempts_total",
                           {{"protocol", "lambda"}, {"result", "gone"}}),
            1);
  ASSERT_TRUE(t.SesPublish(topic, "n"));
  EXPECT_EQ(t.CounterValue("postglass_topics_no_subscription_total"), 1);
}

TEST(TopicService, BatchesOfFunctionRecordsAreBounded) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(t.SesPublish(topic, std::to_string(i)));
  t.service->RunDue();
  EXPECT_EQ(t.invoker.records().size(), 600U);
  EXPECT_EQ(t.invoker.calls(), 3U);
}

// An endpoint subscribed and confirmed by its own link; the topic's ARN.
std::string TopicWithEndpoint(TopicsHarness& t, const std::string& attributes = {}) {
  t.Call("Action=CreateTopic&Name=t");
  t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fhooks.example%2Fsns&TopicArn=" +
         t.Arn("t") + attributes);
  t.service->RunDue();
  const json::object confirmation = *json::ParseObject(t.client.requests().back().body);
  const std::string url = json::GetStringOr(confirmation, "SubscribeURL", "");
  EXPECT_EQ(t.Get(url.substr(url.find('?') + 1)).status, 200) << url;
  return t.Arn("t");
}

std::string HeaderOf(const net::HttpClient::Request& request, std::string_view name) {
  return std::string(request.headers.Get(name));
}

TEST(TopicService, EndpointsAreAskedToConfirmAndThenServed) {
  TopicsHarness t;
  t.Call("Action=CreateTopic&Name=t");
  const net::HttpResponse subscribed =
      t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fhooks.example%2Fsns&TopicArn=" +
             t.Arn("t"));
  EXPECT_EQ(TopicsHarness::Between(subscribed.body, "SubscriptionArn"), "pending confirmation");
  ASSERT_TRUE(t.SesPublish(t.Arn("t"), "too early"));
  t.service->RunDue();
  ASSERT_EQ(t.client.requests().size(), 1U);
  const net::HttpClient::Request request = t.client.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://hooks.example/sns");
  EXPECT_EQ(HeaderOf(request, "x-amz-sns-message-type"), "SubscriptionConfirmation");
  EXPECT_EQ(HeaderOf(request, "x-amz-sns-topic-arn"), t.Arn("t"));
  EXPECT_EQ(HeaderOf(request, "Content-Type"), "text/plain; charset=UTF-8");
  EXPECT_EQ(HeaderOf(request, "User-Agent"), "Amazon Simple Notification Service Agent");
  EXPECT_FALSE(request.headers.Find("x-amz-sns-subscription-arn"));
  const json::object body = *json::ParseObject(request.body);
  EXPECT_EQ(json::GetString(body, "MessageId"), HeaderOf(request, "x-amz-sns-message-id"));
  const std::string token = json::GetStringOr(body, "Token", "");
  EXPECT_EQ(token.size(), 256U);
  EXPECT_EQ(json::GetStringOr(body, "SubscribeURL", ""),
            "https://localhost:8443/?Action=ConfirmSubscription&TopicArn=" + t.Arn("t") +
                "&Token=" + token);
  EXPECT_EQ(json::GetStringOr(body, "Message", ""),
            "You have chosen to subscribe to the topic " + t.Arn("t") +
                ".\nTo confirm the subscription, visit the SubscribeURL included in this message.");
  EXPECT_EQ(json::GetStringOr(body, "Signature", ""), "v1:" + *aws::SnsCanonicalString(body));

  const std::string url = json::GetStringOr(body, "SubscribeURL", "");
  const net::HttpResponse confirmed = t.Get(url.substr(url.find('?') + 1));
  const std::string arn = TopicsHarness::Between(confirmed.body, "SubscriptionArn");
  EXPECT_TRUE(arn.starts_with(t.Arn("t") + ":")) << confirmed.body;
  // Twice gives the same answer.
  EXPECT_EQ(TopicsHarness::Between(t.Get(url.substr(url.find('?') + 1)).body, "SubscriptionArn"),
            arn);

  ASSERT_TRUE(t.SesPublish(t.Arn("t"), "hello \"you\""));
  t.service->RunDue();
  ASSERT_EQ(t.client.requests().size(), 2U);
  const net::HttpClient::Request message = t.client.requests()[1];
  EXPECT_EQ(HeaderOf(message, "x-amz-sns-message-type"), "Notification");
  EXPECT_EQ(HeaderOf(message, "x-amz-sns-subscription-arn"), arn);
  const json::object notification = *json::ParseObject(message.body);
  const std::string canonical = *aws::SnsCanonicalString(notification);
  EXPECT_EQ(message.body.substr(0, message.body.find("  \"Signature\"")),
            "{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : \"" +
                json::GetStringOr(notification, "MessageId", "") + "\",\n  \"TopicArn\" : \"" +
                t.Arn("t") +
                "\",\n  \"Subject\" : \"Amazon SES Email Event Notification\",\n"
                "  \"Message\" : \"hello \\\"you\\\"\",\n"
                "  \"Timestamp\" : \"2027-01-15T08:00:00.000Z\",\n"
                "  \"SignatureVersion\" : \"1\",\n");
  EXPECT_EQ(json::GetStringOr(notification, "Signature", ""), "v1:" + canonical);
  EXPECT_EQ(json::GetStringOr(notification, "SigningCertURL", ""),
            "https://localhost:8443" + t.signer.certificate_path());
  EXPECT_TRUE(
      message.body.ends_with("  \"UnsubscribeURL\" : \"https://localhost:8443/?Action="
                             "Unsubscribe&SubscriptionArn=" +
                             arn + "\"\n}"));
}

TEST(TopicService, RawDeliveryIsTheMessageAlone) {
  TopicsHarness t;
  const std::string topic = TopicWithEndpoint(
      t,
      "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
      "&Attributes.entry.2.key=DeliveryPolicy&Attributes.entry.2.value=" +
          PercentEncode(R"({"requestPolicy":{"headerContentType":"application/json"}})"));
  const int signatures = t.signer.signatures;
  ASSERT_TRUE(t.SesPublish(topic, "{\"a\":1}"));
  t.service->RunDue();
  const net::HttpClient::Request request = t.client.requests().back();
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_EQ(HeaderOf(request, "x-amz-sns-rawdelivery"), "true");
  EXPECT_EQ(HeaderOf(request, "Content-Type"), "application/json");
  EXPECT_EQ(t.signer.signatures, signatures);
}

TEST(TopicService, EndpointsAreRetriedByPolicyWithTheSameMessageId) {
  struct Row {
    std::deque<int> answers;
    std::size_t requests;
    std::size_t dead;
  };

  for (const Row& row : {Row{{200}, 1, 0},
                         Row{{500, 503, 0, 200}, 4, 0},
                         Row{{500}, 4, 1},
                         Row{{0}, 4, 1},
                         Row{{429, 200}, 2, 0},
                         Row{{404}, 1, 1},
                         Row{{302}, 1, 1}}) {
    TopicsHarness t;
    const std::string topic = TopicWithEndpoint(t);
    const std::size_t before = t.client.requests().size();
    t.client.Answer(row.answers);
    ASSERT_TRUE(t.SesPublish(topic, "m"));
    for (int i = 0; i < 10; ++i) {
      t.service->RunDue();
      t.clock.Advance(20s);
    }
    const auto requests = t.client.requests();
    ASSERT_EQ(requests.size() - before, row.requests) << row.answers.front();
    std::set<std::string> ids;
    for (std::size_t i = before; i < requests.size(); ++i) {
      ids.insert(HeaderOf(requests[i], "x-amz-sns-message-id"));
    }
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(t.service->health().dead_letters, row.dead) << row.answers.front();
  }
}

TEST(TopicService, UnsubscribedEndpointsMayComeBack) {
  TopicsHarness t;
  const std::string topic = TopicWithEndpoint(t);
  ASSERT_TRUE(t.SesPublish(topic, "m"));
  t.service->RunDue();
  const json::object notification = *json::ParseObject(t.client.requests().back().body);
  const std::string url = json::GetStringOr(notification, "UnsubscribeURL", "");
  EXPECT_EQ(t.Get(url.substr(url.find('?') + 1)).status, 200);
  EXPECT_EQ(t.Call("Action=ListSubscriptions").body.find("<member>"), std::string::npos);
  t.Restart();
  t.service->RunDue();
  const net::HttpClient::Request goodbye = t.client.requests().back();
  EXPECT_EQ(HeaderOf(goodbye, "x-amz-sns-message-type"), "UnsubscribeConfirmation");
  EXPECT_TRUE(goodbye.headers.Find("x-amz-sns-subscription-arn"));
  const json::object body = *json::ParseObject(goodbye.body);
  EXPECT_EQ(json::GetStringOr(body, "Signature", ""), "v1:" + *aws::SnsCanonicalString(body));
  const std::string back = json::GetStringOr(body, "SubscribeURL", "");
  EXPECT_EQ(t.Get(back.substr(back.find('?') + 1)).status, 200);
  const std::size_t before = t.client.requests().size();
  ASSERT_TRUE(t.SesPublish(topic, "n"));
  t.service->RunDue();
  EXPECT_EQ(t.client.requests().size(), before + 1);
}

TEST(TopicService, OneSignatureServesAllSubscribersOfATopic) {
  TopicsHarness t;
  TopicWithEndpoint(t);
  for (int i = 0; i < 3; ++i) {
    t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fhooks.example%2F" +
           std::to_string(i) + "&TopicArn=" + t.Arn("t"));
    t.service->RunDue();
    const json::object body = *json::ParseObject(t.client.requests().back().body);
    const std::string url = json::GetStringOr(body, "SubscribeURL", "");
    ASSERT_EQ(t.Get(url.substr(url.find('?') + 1)).status, 200);
  }
  const int before = t.signer.signatures;
  ASSERT_TRUE(t.SesPublish(t.Arn("t"), "m"));
  EXPECT_EQ(t.service->RunDue(), 4U);
  EXPECT_EQ(t.signer.signatures, before + 1);
}

TEST(TopicService, NothingOnDiskShowsTheMessage) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  ASSERT_TRUE(t.SesPublish(topic, "reset-token-1234567890"));
  t.service.reset();
  const auto names = t.fs.List("/topics");
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    const auto bytes = t.fs.ReadFile(Path("/topics") / name);
    if (bytes) {
      EXPECT_EQ(bytes->find("reset-token"), std::string::npos) << name;
    }
  }
}

TEST(TopicService, DeliversInTheBackgroundUntilStopped) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  t.service->Start();
  constexpr int kMessages = 2'000;
  Mutex mutex;
  CondVar all;
  int durable = 0;
  for (int i = 0; i < kMessages; ++i) {
    t.service->PublishAsync({topic, "", std::to_string(i), "arn:x", ""},
                            [&](const Result<PublishOutcome>& outcome) {
                              MutexLock lock(mutex);
                              if (outcome && ++durable == kMessages) all.NotifyAll();
                            });
  }
  {
    MutexLock lock(mutex);
    while (durable < kMessages) all.Wait(mutex);
  }
  while (t.service->health().pending > 0) std::this_thread::yield();
  t.service->Stop();
  EXPECT_EQ(t.invoker.records().size(), static_cast<std::size_t>(kMessages));
  t.Restart();
  EXPECT_EQ(t.service->RunDue(), 0U);
}

TEST(TopicService, SaysWhenTheDiskIsFullAndGoesOn) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  ASSERT_TRUE(t.SesPublish(topic, "m"));
  t.fs.SetSpace(t.fs.bytes_used());
  const auto refused = t.SesPublish(topic, "n");
  EXPECT_FALSE(refused);
  EXPECT_FALSE(t.service->health().writable);
  t.service->RunDue();
  EXPECT_EQ(t.invoker.records().size(), 1U);
}

TEST(SigningCertificate, IsServedAtItsPathAlone) {
  const ReadableSigner signer;
  net::HttpRequest request;
  request.method = "GET";
  request.target = signer.certificate_path();
  const auto response = ServeSigningCertificate(signer, request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, signer.certificate_pem());
  request.target = "/SimpleNotificationService-other.pem";
  EXPECT_FALSE(ServeSigningCertificate(signer, request));
  request.target = signer.certificate_path();
  request.method = "POST";
  EXPECT_FALSE(ServeSigningCertificate(signer, request));
}

std::string Subscribe(TopicsHarness& t, const std::string& topic, const std::string& rest) {
  const net::HttpResponse answer =
      t.Call("Action=Subscribe&ReturnSubscriptionArn=true&TopicArn=" + topic + rest);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return TopicsHarness::Between(answer.body, "SubscriptionArn");
}

constexpr char kQueueArn[] = "arn:aws:sqs:us-east-1:000000000000:q";

TEST(TopicService, QueuesGetTheEnvelopeOrTheMessageItself) {
  TopicsHarness t;
  t.Call("Action=CreateTopic&Name=t");
  const std::string topic = t.Arn("t");
  const std::string subscription =
      Subscribe(t, topic, std::string("&Protocol=sqs&Endpoint=") + kQueueArn);
  EXPECT_TRUE(subscription.starts_with(topic + ":"));
  const std::string publish =
      "Action=Publish&TopicArn=" + topic +
      "&Subject=s&Message=%7B%22default%22:%22d%22,%22sqs%22:%22for+queues%22%7D"
      "&MessageStructure=json&MessageAttributes.entry.1.Name=n"
      "&MessageAttributes.entry.1.Value.DataType=Binary"
      "&MessageAttributes.entry.1.Value.BinaryValue=AP8%3D";
  const std::string id = TopicsHarness::Between(t.Call(publish).body, "MessageId");
  t.service->RunDue();
  ASSERT_EQ(t.queues.items().size(), 1U);
  EXPECT_EQ(t.queues.queues()[0], kQueueArn);
  const json::object envelope = *json::ParseObject(t.queues.items()[0].body);
  EXPECT_EQ(json::GetString(envelope, "Type"), "Notification");
  EXPECT_EQ(json::GetString(envelope, "MessageId"), id);
  EXPECT_EQ(json::GetString(envelope, "Subject"), "s");
  EXPECT_EQ(json::GetString(envelope, "Message"), "for queues");
  EXPECT_TRUE(json::GetStringOr(envelope, "Signature", "").starts_with("v1:"));
  EXPECT_EQ(json::FindPath(envelope, "MessageAttributes.n.Value")->as_string(), "AP8=");
  EXPECT_TRUE(t.queues.items()[0].attributes.empty());

  t.Call("Action=SetSubscriptionAttributes&SubscriptionArn=" + subscription +
         "&AttributeName=RawMessageDelivery&AttributeValue=true");
  t.Call(publish);
  t.service->RunDue();
  ASSERT_EQ(t.queues.items().size(), 2U);
  EXPECT_EQ(t.queues.items()[1].body, "for queues");
  const std::vector<queues::MessageAttribute> attributes = {
      {"n", "Binary", std::string("\0\xFF", 2)}};
  EXPECT_EQ(t.queues.items()[1].attributes, attributes);
}

TEST(TopicService, AQueueThatRefusesMakesADeadLetterABusyOneIsAskedAgain) {
  TopicsHarness t;
  t.Call("Action=CreateTopic&Name=t");
  const std::string topic = t.Arn("t");
  Subscribe(t, topic, std::string("&Protocol=sqs&Endpoint=") + kQueueArn);
  t.queues.Refuse(kQueueArn, {ErrorCode::kDiskFull, "full"});
  t.Call("Action=Publish&Message=x&TopicArn=" + topic);
  t.service->RunDue();
  EXPECT_EQ(t.service->health().pending, 1U);
  t.queues.Refuse(kQueueArn, {ErrorCode::kPermissionDenied, "its policy says no"});
  t.clock.Advance(1min);
  t.service->RunDue();
  EXPECT_EQ(t.service->health().pending, 0U);
  ASSERT_EQ(t.service->DeadLetters(10).size(), 1U);
  EXPECT_EQ(t.service->DeadLetters(10)[0].reason, "its policy says no");
  t.queues.Accept(kQueueArn);
  EXPECT_EQ(t.service->Redrive(), 1U);
  t.service->RunDue();
  EXPECT_EQ(t.queues.items().size(), 1U);
}

TEST(TopicService, RedrivePoliciesPutDeadLettersIntoTheirQueueWhichDeliversThemAgain) {
  TopicsHarness t;
  t.Call("Action=CreateTopic&Name=t");
  const std::string topic = t.Arn("t");
  const std::string subscription = Subscribe(
      t,
      topic,
      "&Protocol=http&Endpoint=http%3A%2F%2Fsubscriber%2F&Attributes.entry.1.key=RedrivePolicy"
      "&Attributes.entry.1.value=" +
          PercentEncode(std::string(R"({"deadLetterTargetArn":")") + kQueueArn + "\"}"));
  t.service->RunDue();
  const json::object confirmation = *json::ParseObject(t.client.requests()[0].body);
  t.Call("Action=ConfirmSubscription&TopicArn=" + topic +
         "&Token=" + json::GetStringOr(confirmation, "Token", ""));
  t.client.Answer({404, 200});
  const std::string id = TopicsHarness::Between(
      t.Call("Action=Publish&Subject=s&Message=lost&TopicArn=" + topic).body, "MessageId");
  t.service->RunDue();
  EXPECT_EQ(t.service->health().dead_letters, 0U);
  ASSERT_EQ(t.queues.items().size(), 1U);
  const queues::QueueSender::Item buried = t.queues.items()[0];
  EXPECT_EQ(buried.subscription_arn, subscription);
  EXPECT_EQ(json::GetString(*json::ParseObject(buried.body), "MessageId"), id);

  queues::Message letter;
  letter.body = buried.body;
  letter.subscription_arn = buried.subscription_arn;
  ASSERT_TRUE(t.service->Redeliver(letter));
  t.service->RunDue();
  const net::HttpClient::Request again = t.client.requests().back();
  EXPECT_EQ(again.headers.Get("x-amz-sns-message-id"), id);
  EXPECT_EQ(json::GetString(*json::ParseObject(again.body), "Message"), "lost");
  EXPECT_EQ(json::GetString(*json::ParseObject(again.body), "Subject"), "s");
  letter.subscription_arn = topic + ":none";
  EXPECT_EQ(t.service->Redeliver(letter).error().code, ErrorCode::kNotFound);

  // A queue that does not take it: the server keeps it itself.
  t.queues.Refuse(kQueueArn, {ErrorCode::kNotFound, "no such queue"});
  t.client.Answer({404});
  t.Call("Action=Publish&Message=kept&TopicArn=" + topic);
  t.service->RunDue();
  EXPECT_EQ(t.service->health().dead_letters, 1U);
}

TEST(TopicService, TopicsThatAskForItGetTheStatusOfDeliveries) {
  TopicsHarness t;
  const std::string topic = t.TopicWithFunction();
  const auto set = [&](const std::string& name, const std::string& value) {
    ASSERT_EQ(t.Call("Action=SetTopicAttributes&TopicArn=" + topic + "&AttributeName=" + name +
                     "&AttributeValue=" + value)
                  .status,
              200);
  };
  const auto publish = [&] {
    t.Call("Action=Publish&Message=hello&TopicArn=" + topic);
    t.service->RunDue();
  };
  publish();
  EXPECT_TRUE(t.status.empty());
  set("LambdaSuccessFeedbackRoleArn", "arn:aws:iam::000000000000:role/r");
  publish();
  EXPECT_TRUE(t.status.empty());  // no rate, no sample
  set("LambdaSuccessFeedbackSampleRate", "100");
  set("HTTPSuccessFeedbackSampleRate", "0");
  publish();
  ASSERT_EQ(t.status.size(), 1U);
  EXPECT_EQ(t.status[0].first, "sns/us-east-1/000000000000/mail-events");
  const json::object& entry = t.status[0].second;
  EXPECT_EQ(json::GetString(entry, "status"), "SUCCESS");
  EXPECT_EQ(json::FindPath(entry, "notification.topicArn")->as_string(), topic);
  EXPECT_EQ(json::FindPath(entry, "notification.timestamp")->as_string(),
            "2027-01-15 08:00:00.000");
  EXPECT_EQ(json::FindPath(entry, "notification.messageMD5Sum")->as_string(),
            "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(json::FindPath(entry, "delivery.attempts")->to_number<int>(), 1);

  // A failure is one when it is final.
  set("SQSFailureFeedbackRoleArn", "arn:aws:iam::000000000000:role/r");
  Subscribe(t, topic, std::string("&Protocol=sqs&Endpoint=") + kQueueArn);
  t.queues.Refuse(kQueueArn, {ErrorCode::kNotFound, "no such queue"});
  publish();
  ASSERT_EQ(t.status.size(), 3U);
  const auto failed = std::find_if(t.status.begin(), t.status.end(), [](const auto& each) {
    return each.first == "sns/us-east-1/000000000000/mail-events/Failure";
  });
  ASSERT_NE(failed, t.status.end());
  EXPECT_EQ(json::FindPath(failed->second, "delivery.providerResponse")->as_string(),
            "no such queue");
  EXPECT_EQ(json::FindPath(failed->second, "delivery.destination")->as_string(), kQueueArn);
}

}  // namespace
}  // namespace postglass::topics
