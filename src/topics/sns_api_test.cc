#include "topics/sns_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "topics/topics_harness_testing.h"

namespace postglass::topics {
namespace {

// What real AWS answered, by test and step.
const json::object& Recorded() {
  static const json::object recorded = *json::ParseObject(
      *PosixFileSystem().ReadFile(Path(POSTGLASS_SOURCE_DIR) / "tests/data/aws/sns.snapshot.json"));
  return recorded;
}

const json::object& RecordedStep(const std::string& test, const std::string& step) {
  return Recorded().at(test).as_object().at(step).as_object();
}

std::string Unescape(std::string text) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

// All <entry><key>…</key><value>…</value></entry>.
Attributes Entries(std::string xml) {
  Attributes entries;
  for (std::size_t at = xml.find("<entry>"); at != std::string::npos; at = xml.find("<entry>")) {
    xml = xml.substr(at + 7);
    entries[TopicsHarness::Between(xml, "key")] = Unescape(TopicsHarness::Between(xml, "value"));
  }
  return entries;
}

std::vector<std::string> All(std::string xml, const std::string& tag) {
  std::vector<std::string> texts;
  for (std::size_t at = xml.find("<" + tag + ">"); at != std::string::npos;
       at = xml.find("<" + tag + ">")) {
    xml = xml.substr(at);
    texts.push_back(TopicsHarness::Between(xml, tag));
    xml = xml.substr(1);
  }
  return texts;
}

bool HasPlaceholder(std::string_view text) {
  return text.find('<') != std::string_view::npos && text.find('>') != std::string_view::npos;
}

// Whether `actual` is what was recorded, where placeholders stand for anything.
bool SameAsRecorded(const json::value& recorded, const json::value& actual) {
  if (const json::string* text = recorded.if_string()) {
    return HasPlaceholder(*text) ? actual.is_string() : recorded == actual;
  }
  if (const json::object* members = recorded.if_object()) {
    const json::object* others = actual.if_object();
    if (others == nullptr || others->size() != members->size()) return false;
    return std::all_of(members->begin(), members->end(), [others](const auto& member) {
      const auto at = others->find(member.key());
      return at != others->end() && SameAsRecorded(member.value(), at->value());
    });
  }
  if (const json::array* items = recorded.if_array()) {
    const json::array* others = actual.if_array();
    if (others == nullptr || others->size() != items->size()) return false;
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (!SameAsRecorded((*items)[i], (*others)[i])) return false;
    }
    return true;
  }
  return recorded == actual;
}

class SnsApiTest : public testing::Test {
 protected:
  SnsApiTest() : t({.region = "us-east-1", .account_id = "111111111111"}) {}

  // The error of `step` in `test` as AWS gave it: code, message, type and status.
  void ExpectError(const std::string& test,
                   const std::string& step,
                   const net::HttpResponse& response) {
    const json::object& recorded = RecordedStep(test, step);
    const json::object& outer =
        recorded.contains("ErrorResponse") ? recorded.at("ErrorResponse").as_object() : recorded;
    const json::object& error = outer.at("Error").as_object();
    EXPECT_EQ(TopicsHarness::Between(response.body, "Code"), error.at("Code").as_string())
        << test << " " << step;
    EXPECT_EQ(Unescape(TopicsHarness::Between(response.body, "Message")),
              error.at("Message").as_string())
        << test << " " << step;
    EXPECT_EQ(TopicsHarness::Between(response.body, "Type"), error.at("Type").as_string());
    if (recorded.contains("ResponseMetadata")) {
      EXPECT_EQ(response.status, recorded.at("ResponseMetadata").at("HTTPStatusCode").as_int64())
          << test << " " << step;
    }
  }

  // The same attributes as AWS showed, none more; values that are JSON are compared as JSON.
  void ExpectAttributes(const std::string& test,
                        const std::string& step,
                        const net::HttpResponse& response,
                        const std::set<std::string>& left_out = {}) {
    ASSERT_EQ(response.status, 200) << response.body;
    const Attributes actual = Entries(response.body);
    std::set<std::string> names;
    for (const auto& entry : RecordedStep(test, step).at("Attributes").as_object()) {
      const std::string name(entry.key());
      if (left_out.contains(name)) continue;
      names.insert(name);
      const auto at = actual.find(name);
      ASSERT_NE(at, actual.end()) << test << " " << step << ": " << name;
      const json::value shown =
          entry.value().is_string() ? json::value(at->second) : *json::Parse(at->second);
      EXPECT_TRUE(SameAsRecorded(entry.value(), shown))
          << test << " " << step << ": " << name << " is " << at->second;
    }
    for (const auto& [name, value] : actual) {
      EXPECT_TRUE(names.contains(name)) << test << " " << step << ": AWS does not show " << name;
    }
  }

  net::HttpResponse TopicAttributes(const std::string& name) {
    return t.Call("Action=GetTopicAttributes&TopicArn=" + t.Arn(name));
  }

  net::HttpResponse SetTopic(const std::string& topic,
                             const std::string& name,
                             const std::string& value) {
    return t.Call("Action=SetTopicAttributes&TopicArn=" + t.Arn(topic) + "&AttributeName=" + name +
                  "&AttributeValue=" + PercentEncode(value));
  }

  std::string SubscribeFunction(const std::string& topic, const std::string& more = {}) {
    return t
        .Call(
            "Action=Subscribe&Protocol=lambda&Endpoint="
            "arn:aws:lambda:us-east-1:111111111111:function:f&TopicArn=" +
            t.Arn(topic) + more)
        .body;
  }

  TopicsHarness t;
};

TEST_F(SnsApiTest, TopicsAreMadeShownAndDeleted) {
  const net::HttpResponse made = t.Call("Action=CreateTopic&Name=t");
  EXPECT_EQ(TopicsHarness::Between(made.body, "TopicArn"), t.Arn("t"));
  ExpectAttributes("test_create_topic_test_arn", "get-topic-attrs", TopicAttributes("t"));
  for (const char* rate : {"Application", "HTTP", "Lambda", "SQS", "Firehose"}) {
    EXPECT_EQ(SetTopic("t", std::string(rate) + "SuccessFeedbackSampleRate", "0").status, 200);
  }
  t.Restart();
  EXPECT_EQ(Entries(TopicAttributes("t").body)["LambdaSuccessFeedbackSampleRate"], "0");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(t.Call("Action=DeleteTopic&TopicArn=" + t.Arn("t")).status, 200);
  }
  ExpectError("test_create_topic_test_arn", "topic-not-exists", TopicAttributes("t"));
  ExpectError("test_create_topic_with_attributes",
              "get-attrs-malformed-topic",
              t.Call("Action=GetTopicAttributes&TopicArn=topic"));
}

TEST_F(SnsApiTest, TopicNames) {
  const std::string test = "test_create_topic_name_constraints";
  EXPECT_EQ(t.Call("Action=CreateTopic&Name=" + std::string(256, 'a')).status, 200);
  ExpectError(test, "name-too-short", t.Call("Action=CreateTopic&Name="));
  ExpectError(test, "name-too-long", t.Call("Action=CreateTopic&Name=" + std::string(257, 'a')));
  ExpectError(test, "name-contains-fifo", t.Call("Action=CreateTopic&Name=x.fifo"));
  ExpectError(test,
              "fifo-name-not-contains-fifo",
              t.Call("Action=CreateTopic&Name=x&Attributes.entry.1.key=FifoTopic&"
                     "Attributes.entry.1.value=true"));
  ExpectError(test, "name-invalid-char-0", t.Call("Action=CreateTopic&Name=a%20b"));
  ExpectError("test_topic_get_attributes_with_fifo_false",
              "set-fifo-false-after-creation",
              (t.Call("Action=CreateTopic&Name=t&Attributes.entry.1.key=FifoTopic&"
                      "Attributes.entry.1.value=false"),
               SetTopic("t", "FifoTopic", "false")));
  ExpectAttributes("test_topic_get_attributes_with_fifo_false",
                   "get-attrs-standard-topic",
                   TopicAttributes("t"));
}

TEST_F(SnsApiTest, CreatingAgainNeedsTheSameAttributesAndTags) {
  const std::string name = "Action=CreateTopic&Name=t";
  const auto display = [](const std::string& value) {
    return "&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=" + value;
  };
  const std::string tags = "&Tags.member.1.Key=k1&Tags.member.1.Value=v1";
  EXPECT_EQ(t.Call(name + display("Value1") + tags).status, 200);
  for (const std::string& again : {name, name + display("Value1"), name + tags}) {
    EXPECT_EQ(TopicsHarness::Between(t.Call(again).body, "TopicArn"), t.Arn("t"));
  }
  const std::string test = "test_create_topic_different_attrs";
  ExpectAttributes(test, "topic-attrs", TopicAttributes("t"));
  ExpectError(test, "create-topic-diff-attrs", t.Call(name + display("Value2")));
  ExpectError(test,
              "create-topic-new-attrs",
              t.Call(name + "&Attributes.entry.1.key=SignatureVersion&Attributes.entry.1.value=2"));
  ExpectError("test_create_duplicate_topic_with_more_tags",
              "exception-duplicate",
              t.Call(name + tags + "&Tags.member.2.Key=k2&Tags.member.2.Value=v2"));
}

TEST_F(SnsApiTest, TagsAreListedChangedAndRemoved) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string arn = "&ResourceArn=" + t.Arn("t");
  ExpectError("test_tags",
              "duplicate-key-error",
              t.Call("Action=TagResource" + arn +
                     "&Tags.member.1.Key=k&Tags.member.1.Value=1&Tags.member.2.Key=k&"
                     "Tags.member.2.Value=2"));
  t.Call(
      "Action=TagResource" + arn +
      "&Tags.member.1.Key=k1&Tags.member.1.Value=v1&Tags.member.2.Key=k2&Tags.member.2.Value=v2");
  t.Call("Action=UntagResource" + arn + "&TagKeys.member.1=k1");
  t.Call("Action=TagResource" + arn + "&Tags.member.1.Key=k2&Tags.member.1.Value=v2b");
  const std::string listed = t.Call("Action=ListTagsForResource" + arn).body;
  EXPECT_EQ(All(listed, "Key"), std::vector<std::string>{"k2"});
  EXPECT_EQ(All(listed, "Value"), std::vector<std::string>{"v2b"});
  EXPECT_EQ(TopicsHarness::Between(
                t.Call("Action=ListTagsForResource&ResourceArn=" + t.Arn("none")).body, "Code"),
            "ResourceNotFound");
}

TEST_F(SnsApiTest, DeliveryPolicies) {
  const std::string test = "test_topic_delivery_policy_crud";
  t.Call("Action=CreateTopic&Name=t");
  const auto expect = [&](const std::string& step) {
    Attributes shown = Entries(TopicAttributes("t").body);
    const json::object& recorded = RecordedStep(test, step).at("Attributes").as_object();
    for (const char* name : {"DeliveryPolicy", "EffectiveDeliveryPolicy"}) {
      ASSERT_EQ(shown.contains(name), recorded.contains(name)) << step;
      if (!shown.contains(name) || std::string_view(name) == "DeliveryPolicy") continue;
      EXPECT_TRUE(SameAsRecorded(recorded.at(name), *json::Parse(shown[name])))
          << step << shown[name];
    }
  };
  EXPECT_EQ(
      SetTopic("t",
               "DeliveryPolicy",
               R"({"http":{"defaultRequestPolicy":{"headerContentType":"application/json"}}})")
          .status,
      200);
  expect("get-topic-attrs");
  EXPECT_EQ(SetTopic("t",
                     "DeliveryPolicy",
                     R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,)"
                     R"("maxDelayTarget":6,"numRetries":1}}})")
                .status,
            200);
  expect("get-topic-attrs-after-update");
  EXPECT_EQ(SetTopic("t", "DeliveryPolicy", "").status, 200);
  expect("get-topic-attrs-after-delete");

  const std::string http = "test_subscribe_external_http_endpoint_content_type[True]";
  t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fh%2Fsns-endpoint&TopicArn=" +
         t.Arn("t") +
         "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
         "&Attributes.entry.2.key=DeliveryPolicy&Attributes.entry.2.value=" +
         PercentEncode(R"({"requestPolicy":{"headerContentType":"text/csv"}})"));
  const auto subscriptions = t.service->registry().ListSubscriptions(t.Arn("t"), "", 1);
  ASSERT_EQ(subscriptions.size(), 1U);
  ExpectAttributes(
      http,
      "sub-attrs",
      t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" + subscriptions[0]->arn));
}

TEST_F(SnsApiTest, Policies) {
  t.Call("Action=CreateTopic&Name=t");
  EXPECT_EQ(SetTopic("t", "Policy", "{").status, 400);
  EXPECT_EQ(SetTopic("t", "Policy", R"({"Statement":[]})").status, 400);
  const std::string deny =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
      R"("Action":["SNS:Publish","SNS:Subscribe"],"Resource":"*"}]})";
  EXPECT_EQ(SetTopic("t", "Policy", deny).status, 200);
  EXPECT_EQ(Entries(TopicAttributes("t").body)["Policy"], deny);
  const net::HttpResponse refused = t.Call("Action=Publish&Message=m&TopicArn=" + t.Arn("t"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(TopicsHarness::Between(refused.body, "Code"), "AuthorizationError");
  EXPECT_EQ(TopicsHarness::Between(refused.body, "Message"),
            "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: SNS:Publish "
            "on resource: " +
                t.Arn("t") + " with an explicit deny in a resource-based policy");
  // A policy that merely does not name the owner takes nothing away.
  EXPECT_EQ(
      SetTopic("t",
               "Policy",
               R"({"Statement":[{"Effect":"Allow","Principal":{"Service":"ses.amazonaws.com"},)"
               R"("Action":"SNS:Publish","Resource":"*"}]})")
          .status,
      200);
  EXPECT_EQ(t.Call("Action=Publish&Message=m&TopicArn=" + t.Arn("t")).status, 200);
}

TEST_F(SnsApiTest, SubscribingFunctions) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string arn = TopicsHarness::Between(SubscribeFunction("t"), "SubscriptionArn");
  EXPECT_TRUE(arn.starts_with(t.Arn("t") + ":")) << arn;
  ExpectAttributes("test_redrive_policy_lambda_subscription",
                   "subscription-attributes",
                   t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" + arn),
                   {"RedrivePolicy"});
  // The same again is the same subscription.
  EXPECT_EQ(TopicsHarness::Between(SubscribeFunction("t"), "SubscriptionArn"), arn);
  EXPECT_EQ(TopicsHarness::Between(SubscribeFunction("t",
                                                     "&Attributes.entry.1.key=RawMessageDelivery&"
                                                     "Attributes.entry.1.value=false"),
                                   "SubscriptionArn"),
            arn);
  const std::string raw =
      "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true";
  net::HttpResponse different;
  different.body = SubscribeFunction("t", raw);
  different.status = 400;
  ExpectError("test_subscribe_idempotency", "subscribe-diff-attributes", different);
  t.Restart();
  const std::string listed = t.Call("Action=ListSubscriptionsByTopic&TopicArn=" + t.Arn("t")).body;
  EXPECT_EQ(All(listed, "SubscriptionArn"), std::vector<std::string>{arn});
  EXPECT_EQ(All(listed, "Protocol"), std::vector<std::string>{"lambda"});
  EXPECT_EQ(Entries(TopicAttributes("t").body)["SubscriptionsConfirmed"], "1");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(t.Call("Action=Unsubscribe&SubscriptionArn=" + arn).status, 200);
  }
  ExpectError("test_not_found_error_on_set_subscription_attributes",
              "sub-not-found",
              t.Call("Action=SetSubscriptionAttributes&AttributeName=RawMessageDelivery&"
                     "AttributeValue=true&SubscriptionArn=" +
                     arn));
  ExpectError("test_get_subscription_attributes_error_not_exists",
              "get-sub-attrs-nonexistent",
              t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" + arn));
  EXPECT_EQ(Entries(TopicAttributes("t").body)["SubscriptionsDeleted"], "1");
}

TEST_F(SnsApiTest, SubscribingTakesOnlyWhatItCanServe) {
  t.Call("Action=CreateTopic&Name=t");
  const auto subscribe = [&](const std::string& rest) {
    return t.Call("Action=Subscribe&" + rest);
  };
  const std::string here = "&TopicArn=" + t.Arn("t");
  ExpectError("test_subscribe_with_invalid_protocol",
              "exception",
              subscribe("Protocol=test-protocol&Endpoint=x" + here));
  ExpectError("test_subscribe_with_invalid_topic",
              "invalid-subscribe-arn-1",
              subscribe("Protocol=http&Endpoint=http%3A%2F%2Fh%2F&TopicArn=randomstring"));
  ExpectError(
      "test_subscribe_with_invalid_topic",
      "invalid-subscribe-arn-2",
      subscribe("Protocol=http&Endpoint=http%3A%2F%2Fh%2F&TopicArn=arn:aws:sns:us-east-1:x"));
  ExpectError("test_subscribe_unknown_topic",
              "subscribe-unknown-topic",
              subscribe("Protocol=http&Endpoint=http%3A%2F%2Fh%2F&TopicArn=" + t.Arn("none")));
  ExpectError("test_create_subscriptions_with_attributes",
              "subscribe-wrong-attr",
              subscribe("Protocol=http&Endpoint=http%3A%2F%2Fh%2F" + here +
                        "&Attributes.entry.1.key=RawMessageDelivery&"
                        "Attributes.entry.1.value=wrongvalue"));
  ExpectError("test_subscribe_sqs_queue_url",
              "subscribe-sqs-via-url-error",
              subscribe("Protocol=sqs&Endpoint=http%3A%2F%2Fh%2F1%2Fq" + here));
  for (const char* bad : {"Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:999999999999:q",
                          "Protocol=https&Endpoint=http%3A%2F%2Fh%2F",
                          "Protocol=http&Endpoint=nowhere",
                          "Protocol=lambda&Endpoint=http%3A%2F%2Fh%2F"}) {
    EXPECT_EQ(subscribe(bad + here).status, 400) << bad;
  }
}

TEST_F(SnsApiTest, SubscribingQueues) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string subscribe = "Action=Subscribe&Protocol=sqs&TopicArn=" + t.Arn("t") +
                                "&Endpoint=arn:aws:sqs:us-east-1:" + t.account.account_id + ":";
  const auto attributes = [this](const net::HttpResponse& subscribed) {
    return t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" +
                  TopicsHarness::Between(subscribed.body, "SubscriptionArn"));
  };
  ExpectAttributes(
      "test_subscribe_sqs_queue",
      "subscription-attributes",
      attributes(t.Call(subscribe +
                        "q1&Attributes.entry.1.key=FilterPolicy&"
                        "Attributes.entry.1.value=" +
                        PercentEncode(R"({"attr1":[{"numeric":[">",0,"<=",100]}]})"))));
  ExpectAttributes("test_creating_subscription_with_attributes",
                   "subscription-with-attributes",
                   attributes(t.Call(subscribe + "q2&Attributes.entry.1.key=RawMessageDelivery&"
                                                 "Attributes.entry.1.value=true")));
}

TEST_F(SnsApiTest, MetadataServersAreNoEndpoints) {
  t.Call("Action=CreateTopic&Name=t");
  for (const char* url : {"http://169.254.169.254/latest/",
                          "http://[::ffff:169.254.169.254]/",
                          "http://[fd00:ec2::254]/"}) {
    const net::HttpResponse refused =
        t.Call("Action=Subscribe&Protocol=http&TopicArn=" + t.Arn("t") +
               "&Endpoint=" + PercentEncode(url));
    EXPECT_EQ(refused.status, 400) << url;
    EXPECT_NE(refused.body.find("Endpoint Reason: link-local"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(t.Call("Action=Subscribe&Protocol=http&TopicArn=" + t.Arn("t") +
                   "&Endpoint=http%3A%2F%2F127.0.0.1%2F")
                .status,
            200);
  t.service->RunDue();
  ASSERT_EQ(t.client.requests().size(), 1u);
  EXPECT_TRUE(t.client.requests()[0].deny_link_local_addresses);
  EXPECT_FALSE(t.client.requests()[0].deny_private_addresses);
}

TEST_F(SnsApiTest, DataProtectionPoliciesAreKept) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string resource = "&ResourceArn=" + t.Arn("t");
  const auto shown = [&] {
    const std::string body = t.Call("Action=GetDataProtectionPolicy" + resource).body;
    return Unescape(TopicsHarness::Between(body, "DataProtectionPolicy"));
  };
  EXPECT_EQ(shown(), "");
  const std::string put = "Action=PutDataProtectionPolicy" + resource + "&DataProtectionPolicy=";
  EXPECT_EQ(t.Call(put + PercentEncode(R"({"Name":"p"})")).status, 200);
  EXPECT_EQ(shown(), R"({"Name":"p"})");
  EXPECT_EQ(Entries(TopicAttributes("t").body).count("DataProtectionPolicy"), 0u);
  EXPECT_EQ(t.Call(put + "nonsense").status, 400);
  EXPECT_EQ(t.Call(put).status, 200);
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(t.Call("Action=GetDataProtectionPolicy&ResourceArn=" + t.Arn("none")).status, 404);
}

TEST_F(SnsApiTest, SubscriptionAttributes) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string arn = TopicsHarness::Between(SubscribeFunction("t"), "SubscriptionArn");
  const auto set = [&](const std::string& name, const std::string& value) {
    return t.Call("Action=SetSubscriptionAttributes&SubscriptionArn=" + arn +
                  "&AttributeName=" + name + "&AttributeValue=" + PercentEncode(value));
  };
  const std::string test = "test_validate_set_sub_attributes";
  ExpectError(test, "fake-attribute", set("FakeAttribute", "test-value"));
  ExpectError(test, "raw-message-wrong-value", set("RawMessageDelivery", "test-ValUe"));
  ExpectError(test, "raw-message-empty-value", set("RawMessageDelivery", ""));
  ExpectError(test,
              "fake-arn-redrive-policy",
              set("RedrivePolicy", R"({"deadLetterTargetArn":"fake-arn"})"));
  EXPECT_EQ(set("RedrivePolicy", "{invalid").status, 400);
  EXPECT_EQ(set("FilterPolicy", "{invalid").status, 400);
  EXPECT_EQ(set("FilterPolicyScope", "Both").status, 400);
  EXPECT_EQ(set("RawMessageDelivery", "True").status, 200);
  EXPECT_EQ(set("FilterPolicy", R"({"eventType":["Bounce"]})").status, 200);
  Attributes shown =
      Entries(t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" + arn).body);
  EXPECT_EQ(shown["RawMessageDelivery"], "true");
  EXPECT_EQ(shown["FilterPolicyScope"], "MessageAttributes");
}

TEST_F(SnsApiTest, PendingSubscriptionsAreShownAsSuchAndConfirmedByToken) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string subscribe =
      "Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fh%2F&TopicArn=" + t.Arn("t");
  EXPECT_EQ(TopicsHarness::Between(t.Call(subscribe).body, "SubscriptionArn"),
            "pending confirmation");
  const std::string arn = TopicsHarness::Between(
      t.Call(subscribe + "&ReturnSubscriptionArn=true").body, "SubscriptionArn");
  EXPECT_TRUE(arn.starts_with(t.Arn("t") + ":"));
  EXPECT_EQ(TopicsHarness::Between(t.Call("Action=ListSubscriptions").body, "SubscriptionArn"),
            "PendingConfirmation");
  EXPECT_NE(t.Call("Action=Unsubscribe&SubscriptionArn=" + arn).body.find("pending confirmation"),
            std::string::npos);
  const std::string token = t.service->registry().FindSubscription(arn)->token;
  EXPECT_EQ(token.size(), 256U);

  const auto confirm = [&](const std::string& topic, const std::string& given) {
    return t.Get("Action=ConfirmSubscription&TopicArn=" + topic + "&Token=" + given);
  };
  const std::string http = "test_subscribe_external_http_endpoint[True]";
  ExpectError(http, "broken-topic-arn-confirm", confirm("arn:aws:sns", token));
  ExpectError(
      http, "different-region-arn-confirm", confirm("arn:aws:sns:us-west-1:111111111111:t", token));
  ExpectError(http, "broken-token-confirm", confirm(t.Arn("t"), "abc123"));
  ExpectError("test_sns_confirm_subscription_wrong_token",
              "invalid-token",
              confirm(t.Arn("t"), "randomtoken"));
  ExpectError("test_sns_confirm_subscription_wrong_token",
              "token-not-exists",
              confirm(t.Arn("t"), std::string(256, 'a')));
  t.clock.Advance(std::chrono::hours(49));
  EXPECT_EQ(confirm(t.Arn("t"), token).status, 400) << "the token is two days old";
  t.clock.Advance(-std::chrono::hours(49));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(TopicsHarness::Between(confirm(t.Arn("t"), token).body, "SubscriptionArn"), arn);
  }
  Attributes shown =
      Entries(t.Call("Action=GetSubscriptionAttributes&SubscriptionArn=" + arn).body);
  EXPECT_EQ(shown["PendingConfirmation"], "false");
  EXPECT_EQ(shown["ConfirmationWasAuthenticated"], "false");
}

TEST_F(SnsApiTest, AuthenticatedUnsubscribeKeepsStrangersOut) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string arn = TopicsHarness::Between(
      t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fh%2F&ReturnSubscriptionArn=true&"
             "TopicArn=" +
             t.Arn("t"))
          .body,
      "SubscriptionArn");
  t.Call("Action=ConfirmSubscription&AuthenticateOnUnsubscribe=true&TopicArn=" + t.Arn("t") +
         "&Token=" + t.service->registry().FindSubscription(arn)->token);
  EXPECT_EQ(t.Get("Action=Unsubscribe&SubscriptionArn=" + arn).status, 403);
  EXPECT_EQ(t.Call("Action=Unsubscribe&SubscriptionArn=" + arn).status, 200);
}

TEST_F(SnsApiTest, UnsubscribeErrors) {
  const std::string test = "test_unsubscribe_wrong_arn_format";
  const auto unsubscribe = [&](const std::string& arn) {
    return t.Call("Action=Unsubscribe&SubscriptionArn=" + arn);
  };
  ExpectError(test, "invalid-unsubscribe-arn-1", unsubscribe("randomstring"));
  ExpectError(test, "invalid-unsubscribe-arn-2", unsubscribe("arn:aws:sns:us-east-1:random"));
  ExpectError(test, "invalid-unsubscribe-arn-3", unsubscribe(t.Arn("random")));
  ExpectError(test, "invalid-unsubscribe-arn-4", t.Call("Action=Unsubscribe"));
  EXPECT_EQ(unsubscribe(t.Arn("t") + ":0a2b9e3c-0000-4000-8000-000000000000").status, 200);
}

TEST_F(SnsApiTest, OtherRegionsAreNotServed) {
  const std::string arn = "&TopicArn=arn:aws:sns:eu-west-1:111111111111:t";
  const std::string test = "test_cross_region_access";
  ExpectError(test, "get-topic-attrs", t.Call("Action=GetTopicAttributes" + arn));
  ExpectError(test, "cross-region-publish-forbidden", t.Call("Action=Publish&Message=m" + arn));
  ExpectError(test,
              "cross-region-subscribe",
              t.Call("Action=Subscribe&Protocol=http&Endpoint=http%3A%2F%2Fh%2F" + arn));
  ExpectError(test, "list-subs", t.Call("Action=ListSubscriptionsByTopic" + arn));
  ExpectError(test, "delete-topic", t.Call("Action=DeleteTopic" + arn));
}

TEST_F(SnsApiTest, ListsComeInPagesOfAHundred) {
  for (int i = 0; i < 201; ++i) {
    ASSERT_EQ(t.Call("Action=CreateTopic&Name=t" + std::to_string(i)).status, 200);
  }
  std::set<std::string> seen;
  std::string token;
  std::vector<std::size_t> sizes;
  do {
    const std::string page =
        t.Call("Action=ListTopics" + (token.empty() ? "" : "&NextToken=" + token)).body;
    const std::vector<std::string> arns = All(page, "TopicArn");
    sizes.push_back(arns.size());
    seen.insert(arns.begin(), arns.end());
    token = TopicsHarness::Between(page, "NextToken");
  } while (!token.empty());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 1}));
  EXPECT_EQ(seen.size(), 201U);
  EXPECT_EQ(t.Call("Action=ListTopics&NextToken=%7E%7E").status, 400);
}

TEST_F(SnsApiTest, PublishChecksWhatItIsGiven) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string here = "&TopicArn=" + t.Arn("t");
  const auto publish = [&](const std::string& rest) { return t.Call("Action=Publish&" + rest); };
  const net::HttpResponse good = publish("Message=m&Subject=s" + here);
  EXPECT_EQ(TopicsHarness::Between(good.body, "MessageId").size(), 36U);
  EXPECT_EQ(publish("Message=m&TargetArn=" + t.Arn("t")).status, 200);
  ExpectError(
      "test_publish_wrong_arn_format", "invalid-topic-arn", publish("Message=m&TopicArn=x"));
  ExpectError(
      "test_publish_wrong_arn_format", "invalid-topic-arn-1", publish("Message=m&TopicArn=x:y"));
  ExpectError("test_publish_wrong_arn_format", "empty-topic", publish("Message=m&TopicArn="));
  ExpectError(
      "test_unknown_topic_publish", "error", publish("Message=m&TopicArn=" + t.Arn("none")));
  ExpectError("test_publish_non_existent_target",
              "non-existent-endpoint",
              publish("Message=m&TargetArn=arn:aws:sns:us-east-1:111111111111:endpoint/APNS/x/y"));
  ExpectError("test_publish_with_empty_subject",
              "response-with-empty-subject",
              publish("Message=m&Subject=" + here));
  EXPECT_EQ(publish("Message=m&Subject=" + std::string(101, 'a') + here).status, 400);
  EXPECT_EQ(publish("Message=m&Subject=a%0Ab" + here).status, 400);
  ExpectError("test_empty_sns_message", "empty-msg-error", publish("Message=" + here));
  EXPECT_EQ(publish("Message=" + std::string(262'144, 'a') + here).status, 200);
  ExpectError("test_publish_too_long_message",
              "error",
              publish("Message=" + std::string(262'145, 'a') + here));
  ExpectError("test_publish_too_long_message",
              "error-with-attrs",
              publish("Message=" + std::string(262'140, 'a') + here +
                      "&MessageAttributes.entry.1.Name=attr1&"
                      "MessageAttributes.entry.1.Value.DataType=Number&"
                      "MessageAttributes.entry.1.Value.StringValue=99"));
  const std::string json = "test_message_structure_json_exc";
  ExpectError(json,
              "missing-default-key",
              publish("MessageStructure=json&Message=%7B%22sqs%22%3A%22x%22%7D" + here));
  ExpectError(json, "invalid-json", publish("MessageStructure=json&Message=%7Bx" + here));
  ExpectError(json,
              "key-is-not-string",
              publish("MessageStructure=json&Message=%7B%22default%22%3A1%7D" + here));
}

TEST_F(SnsApiTest, PublishChecksMessageAttributes) {
  t.Call("Action=CreateTopic&Name=t");
  const auto publish = [&](const std::string& name, const std::string& value) {
    return t.Call("Action=Publish&Message=m&TopicArn=" + t.Arn("t") +
                  "&MessageAttributes.entry.1.Name=" + name + value);
  };
  const std::string v = "&MessageAttributes.entry.1.Value.";
  const std::string test = "test_empty_or_wrong_message_attributes";
  ExpectError(
      test, "missing_string_attr", publish("attr1", v + "DataType=String" + v + "StringValue="));
  ExpectError(test, "fully_missing_string_attr", publish("attr1", v + "DataType=String"));
  ExpectError(test, "fully_missing_data_type", publish("attr1", v + "StringValue=x"));
  ExpectError(
      test, "missing_binary_attr", publish("attr1", v + "DataType=Binary" + v + "BinaryValue="));
  ExpectError(test,
              "str_attr_binary_value",
              publish("attr1", v + "DataType=String" + v + "BinaryValue=eA=="));
  ExpectError(test,
              "int_attr_binary_value",
              publish("attr1", v + "DataType=Number" + v + "BinaryValue=eA=="));
  ExpectError(test,
              "binary_attr_string_value",
              publish("attr1", v + "DataType=Binary" + v + "StringValue=x"));
  ExpectError(test,
              "invalid_attr_string_value",
              publish("attr1", v + "DataType=InvalidType" + v + "StringValue=x"));
  ExpectError(test,
              "too_long_name",
              publish(std::string(257, 'a'), v + "DataType=String" + v + "StringValue=x"));
  ExpectError(test, "invalid_name", publish("a%5Eb", v + "DataType=String" + v + "StringValue=x"));
  SubscribeFunction("t");
  EXPECT_EQ(publish("a", v + "DataType=Number" + v + "StringValue=1").status, 200);
  t.service->RunDue();
  EXPECT_NE(t.invoker.records().at(0).json.find(
                R"("MessageAttributes":{"a":{"Type":"String","Value":"1"}})"),
            std::string::npos)
      << t.invoker.records()[0].json;
}

TEST_F(SnsApiTest, PublishBatchPublishesEachEntry) {
  t.Call("Action=CreateTopic&Name=t");
  SubscribeFunction("t");
  const std::string entry = "&PublishBatchRequestEntries.member.";
  const net::HttpResponse reply =
      t.Call("Action=PublishBatch&TopicArn=" + t.Arn("t") + entry + "1.Id=one" + entry +
             "1.Message=first" + entry + "2.Id=two" + entry + "2.Message=second" + entry +
             "2.Subject=s" + entry + "2.MessageAttributes.entry.1.Name=a" + entry +
             "2.MessageAttributes.entry.1.Value.DataType=String" + entry +
             "2.MessageAttributes.entry.1.Value.StringValue=b");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(All(reply.body, "Id"), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(All(reply.body, "MessageId").size(), 2U);
  t.service->RunDue();
  std::string delivered;
  for (const auto& record : t.invoker.records()) delivered += record.json;
  EXPECT_NE(delivered.find(R"("Message":"first")"), std::string::npos);
  EXPECT_NE(delivered.find(R"("MessageAttributes":{"a":)"), std::string::npos);
}

TEST_F(SnsApiTest, PublishBatchChecksAllBeforeTheFirstIsPublished) {
  t.Call("Action=CreateTopic&Name=t");
  SubscribeFunction("t");
  const auto entry = [](int n, const std::string& id, const std::string& rest = "Message=m") {
    const std::string at = "&PublishBatchRequestEntries.member." + std::to_string(n) + ".";
    return at + "Id=" + id + at + rest;
  };
  const auto batch = [&](const std::string& entries) {
    return t.Call("Action=PublishBatch&TopicArn=" + t.Arn("t") + entries);
  };
  ExpectError("test_publish_batch_messages_without_topic",
              "publish-batch-no-topic",
              t.Call("Action=PublishBatch&TopicArn=" + t.Arn("none") + entry(1, "1")));
  EXPECT_EQ(TopicsHarness::Between(batch("").body, "Code"), "EmptyBatchRequest");
  std::string eleven;
  for (int i = 1; i <= 11; ++i) eleven += entry(i, std::to_string(i));
  ExpectError("test_publish_batch_exceptions", "too-many-msg", batch(eleven));
  ExpectError("test_publish_batch_exceptions", "same-msg-id", batch(entry(1, "1") + entry(2, "1")));
  ExpectError("test_publish_batch_exceptions",
              "no-default-key-json",
              batch(entry(1,
                          "1",
                          "MessageStructure=json&PublishBatchRequestEntries.member.1."
                          "Message=%7B%22sqs%22%3A%22x%22%7D")));
  const std::string ids = "test_publish_batch_invalid_entry_id";
  ExpectError(ids, "invalid-char-dot", batch(entry(1, "message.id")));
  ExpectError(ids, "invalid-char-special", batch(entry(1, "msg%40123%23test")));
  ExpectError(ids, "id-too-long-81", batch(entry(1, std::string(81, 'a'))));
  EXPECT_EQ(batch(entry(1, std::string(80, 'a'))).status, 200);
  ExpectError("test_publish_batch_too_long_message",
              "error-no-attrs",
              batch(entry(1, "1", "Message=" + std::string(150'000, 'a')) +
                    entry(2, "2", "Message=" + std::string(150'000, 'a'))));
  const auto attribute = [&](const std::string& name, const std::string& value) {
    const std::string at = "PublishBatchRequestEntries.member.1.";
    return batch(entry(1, "1") + "&" + at + "MessageAttributes.entry.1.Name=" + name + "&" + at +
                 "MessageAttributes.entry.1.Value." + value);
  };
  const std::string attributes = "test_empty_or_wrong_message_attributes";
  ExpectError(attributes, "batch-fully_missing_string_attr", attribute("attr1", "DataType=String"));
  ExpectError(attributes, "batch-fully_missing_data_type", attribute("attr1", "StringValue=x"));
  ExpectError(attributes, "batch-invalid_name_2", attribute(".a", "DataType=String"));
  ExpectError(attributes, "batch-invalid_name_3", attribute("a.", "DataType=String"));
  ExpectError(attributes, "batch-invalid_name_4", attribute("a..b", "DataType=String"));
  t.service->RunDue();
  EXPECT_EQ(t.invoker.records().size(), 1U);  // of the one good batch
}

TEST_F(SnsApiTest, PermissionsAreStatementsOfThePolicy) {
  t.Call("Action=CreateTopic&Name=t");
  const std::string here = "&TopicArn=" + t.Arn("t");
  const auto add = [&](const std::string& label, const std::string& actions) {
    return t.Call("Action=AddPermission&Label=" + label + here +
                  "&AWSAccountId.member.1=222222222222" + actions);
  };
  const auto policy = [&] {
    return *json::ParseObject(Entries(TopicAttributes("t").body).at("Policy"));
  };
  const auto statement = [&](std::size_t i) { return policy().at("Statement").as_array().at(i); };
  EXPECT_EQ(add("test", "&ActionName.member.1=Publish").status, 200);
  EXPECT_EQ(statement(1).at("Action").as_string(), "SNS:Publish");
  EXPECT_EQ(statement(1).at("Principal").at("AWS").as_string(), "arn:aws:iam::222222222222:root");
  EXPECT_EQ(statement(1).at("Resource").as_string(), t.Arn("t"));
  const std::string errors = "test_add_permission_errors";
  ExpectError(errors, "duplicate-label", add("test", "&ActionName.member.1=Publish"));
  ExpectError(errors, "invalid-action", add("other", "&ActionName.member.1=CreateTopic"));
  ExpectError(errors,
              "topic-not-found",
              t.Call("Action=AddPermission&Label=x&AWSAccountId.member.1=222222222222&"
                     "ActionName.member.1=Publish&TopicArn=" +
                     t.Arn("none")));
  EXPECT_EQ(add("", "&ActionName.member.1=Publish").status, 400);
  EXPECT_EQ(add("two", "&ActionName.member.1=Publish&ActionName.member.2=Subscribe").status, 200);
  EXPECT_EQ(statement(2).at("Action").as_array().size(), 2U);
  EXPECT_EQ(t.Call("Action=RemovePermission&Label=test" + here).status, 200);
  EXPECT_EQ(statement(1).at("Sid").as_string(), "two");
  EXPECT_EQ(t.Call("Action=RemovePermission&Label=test" + here).status, 200);  // gone already
  ExpectError("test_remove_permission_errors",
              "topic-not-found",
              t.Call("Action=RemovePermission&Label=x&TopicArn=" + t.Arn("none")));
}

TEST_F(SnsApiTest, StructuredMessagesDifferByProtocol) {
  t.Call("Action=CreateTopic&Name=t");
  SubscribeFunction("t");
  t.Call("Action=Publish&MessageStructure=json&TopicArn=" + t.Arn("t") +
         "&Message=" + PercentEncode(R"({"default":"for all","lambda":"for functions"})"));
  t.service->RunDue();
  EXPECT_NE(t.invoker.records().at(0).json.find(R"("Message":"for functions")"), std::string::npos);
}

TEST_F(SnsApiTest, TroubleOfTheDatabaseIsAServiceErrorAndChangesNothing) {
  t.settings.FailApply(Error{ErrorCode::kDiskFull, "no space"});
  const net::HttpResponse refused = t.Call("Action=CreateTopic&Name=t");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(TopicsHarness::Between(refused.body, "Code"), "ServiceUnavailable");
  EXPECT_EQ(TopicsHarness::Between(refused.body, "Type"), "Receiver");
  t.settings.FailApply(std::nullopt);
  EXPECT_EQ(TopicAttributes("t").status, 404);
}

TEST_F(SnsApiTest, UnknownActionsAndUnsignedOnes) {
  const net::HttpResponse unknown = t.Call("Action=CreatePlatformApplication");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(TopicsHarness::Between(unknown.body, "Code"), "InvalidAction");
  net::HttpRequest request;
  request.method = "GET";
  request.target = "/?Action=ConfirmSubscription&Token=x";
  EXPECT_TRUE(t.api->AllowsUnsigned(request));
  request.target = "/?Action=Unsubscribe&SubscriptionArn=x";
  EXPECT_TRUE(t.api->AllowsUnsigned(request));
  request.target = "/?Action=Publish&Message=x";
  EXPECT_FALSE(t.api->AllowsUnsigned(request));
  EXPECT_EQ(t.api->ActionOf(request), "sns:Publish");
  request.target = "/?Action=SendEmail";
  EXPECT_EQ(t.api->ActionOf(request), "");
}

}  // namespace
}  // namespace postglass::topics
