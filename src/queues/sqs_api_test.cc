#include "queues/sqs_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "queues/message_digest.h"
#include "queues/queues_harness_testing.h"

namespace postglass::queues {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Url(const std::string& name) { return QueuesHarness::Url(name); }

TEST(SqsApi, QueuesAreMadeFoundListedAndDeleted) {
  QueuesHarness t;
  EXPECT_EQ(json::GetStringOr(t.Call("CreateQueue", {{"QueueName", "mail_q-1"}}), "QueueUrl", ""),
            Url("mail_q-1"));
  t.MakeQueue("mail_q-1");  // again: the same
  EXPECT_EQ(json::GetStringOr(t.Call("GetQueueUrl", {{"QueueName", "mail_q-1"}}), "QueueUrl", ""),
            Url("mail_q-1"));
  t.MakeQueue("other");
  EXPECT_EQ(t.Call("ListQueues", {{"QueueNamePrefix", "mail"}}).at("QueueUrls").as_array().size(),
            1U);
  const json::object page = t.Call("ListQueues", {{"MaxResults", 1}});
  EXPECT_EQ(page.at("QueueUrls").as_array()[0], json::value(Url("mail_q-1")));
  const json::object rest =
      t.Call("ListQueues", {{"MaxResults", 1}, {"NextToken", page.at("NextToken")}});
  EXPECT_EQ(rest.at("QueueUrls").as_array()[0], json::value(Url("other")));
  EXPECT_FALSE(rest.contains("NextToken"));

  t.Call("DeleteQueue", {{"QueueUrl", Url("other")}});
  EXPECT_EQ(t.Error("GetQueueUrl", {{"QueueName", "other"}}),
            "QueueDoesNotExist: The specified queue does not exist.");
  EXPECT_THAT(t.Error("CreateQueue", {{"QueueName", "a b"}}),
              StartsWith("InvalidParameterValueException: Can only include"));
  EXPECT_THAT(t.Error("CreateQueue", {{"QueueName", std::string(81, 'a')}}),
              StartsWith("InvalidParameterValueException"));
  EXPECT_THAT(t.Error("CreateQueue", {{"QueueName", "a.fifo"}}),
              StartsWith("UnsupportedOperation"));
  EXPECT_THAT(t.Error("CreateQueue", {}), StartsWith("MissingRequiredParameterException"));
  EXPECT_THAT(t.Error("SendMessage", {{"QueueUrl", "nowhere"}, {"MessageBody", "x"}}),
              StartsWith("InvalidAddress"));
  EXPECT_THAT(t.Error("SendMessage", {{"QueueUrl", "http://h/1/q"}, {"MessageBody", "x"}}),
              StartsWith("QueueDoesNotExist"));
  EXPECT_THAT(t.Error("MakeCoffee", {}), StartsWith("UnknownOperationException"));
}

TEST(SqsApi, AttributesHaveDefaultsAndBounds) {
  QueuesHarness t;
  t.MakeQueue("q", {{"VisibilityTimeout", "60"}});
  EXPECT_EQ(t.Attribute("q", "VisibilityTimeout"), "60");
  EXPECT_EQ(t.Attribute("q", "MessageRetentionPeriod"), "345600");
  EXPECT_EQ(t.Attribute("q", "QueueArn"), QueuesHarness::Arn("q"));
  EXPECT_EQ(t.Attribute("q", "SqsManagedSseEnabled"), "true");
  EXPECT_EQ(t.Attribute("q", "Policy"), "");
  const auto set = [&](const char* name, const std::string& value) {
    return t.Error("SetQueueAttributes",
                   {{"QueueUrl", Url("q")}, {"Attributes", json::object{{name, value}}}});
  };
  EXPECT_EQ(set("DelaySeconds", "900"), "");
  EXPECT_EQ(t.Attribute("q", "DelaySeconds"), "900");
  EXPECT_EQ(set("DelaySeconds", "901"),
            "InvalidAttributeValue: Invalid value for the parameter DelaySeconds.");
  EXPECT_THAT(set("VisibilityTimeout", "x"), StartsWith("InvalidAttributeValue"));
  EXPECT_THAT(set("Policy", "x"), StartsWith("InvalidAttributeValue"));
  EXPECT_THAT(
      set("RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sns:a:b:c","maxReceiveCount":1})"),
      StartsWith("InvalidAttributeValue"));
  EXPECT_EQ(set("Colour", "red"), "InvalidAttributeName: Unknown Attribute Colour.");
  EXPECT_THAT(set("FifoQueue", "true"), StartsWith("UnsupportedOperation"));
  EXPECT_EQ(
      set("RedrivePolicy",
          R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d","maxReceiveCount":"5"})"),
      "");
  t.Restart();
  EXPECT_EQ(t.Attribute("q", "DelaySeconds"), "900");
  EXPECT_THAT(
      t.Error("CreateQueue",
              {{"QueueName", "q"}, {"Attributes", json::object{{"VisibilityTimeout", "61"}}}}),
      StartsWith("QueueNameExists: A queue already exists with the same name and a different "
                 "value for attribute VisibilityTimeout"));
}

TEST(SqsApi, MessagesKeepTheirAttributes) {
  QueuesHarness t;
  t.MakeQueue("q");
  const json::object attributes{
      {"kind", json::object{{"DataType", "String"}, {"StringValue", "reset"}}},
      {"bytes", json::object{{"DataType", "Binary.x"}, {"BinaryValue", "AP8="}}}};
  const json::object sent =
      t.Call("SendMessage",
             {{"QueueUrl", Url("q")}, {"MessageBody", "hello"}, {"MessageAttributes", attributes}});
  EXPECT_EQ(json::GetStringOr(sent, "MD5OfMessageBody", ""), BodyDigest("hello"));
  const std::string digest = AttributesDigest(
      {{"bytes", "Binary.x", std::string("\0\xFF", 2)}, {"kind", "String", "reset"}});
  EXPECT_EQ(json::GetStringOr(sent, "MD5OfMessageAttributes", ""), digest);
  const json::object received = t.Call("ReceiveMessage",
                                       {{"QueueUrl", Url("q")},
                                        {"MessageSystemAttributeNames", json::array{"All"}},
                                        {"MessageAttributeNames", json::array{"All"}}});
  const json::object& message = received.at("Messages").as_array()[0].as_object();
  EXPECT_EQ(message.at("MessageAttributes"), json::value(attributes));
  EXPECT_EQ(json::GetStringOr(message, "MD5OfMessageAttributes", ""), digest);
  EXPECT_EQ(message.at("MessageId"), sent.at("MessageId"));
  const json::object& system = message.at("Attributes").as_object();
  EXPECT_EQ(json::GetStringOr(system, "ApproximateReceiveCount", ""), "1");
  EXPECT_EQ(json::GetStringOr(system, "SenderId", ""), "AKIA");
  EXPECT_EQ(json::GetStringOr(system, "SentTimestamp", ""), "1800000000000");
}

TEST(SqsApi, MessagesAreChecked) {
  QueuesHarness t;
  t.MakeQueue("q", {{"MaximumMessageSize", "1024"}});
  const auto send = [&](json::object more) {
    more["QueueUrl"] = Url("q");
    return t.Error("SendMessage", more);
  };
  EXPECT_EQ(
      send({}),
      "MissingRequiredParameterException: The request must contain the parameter MessageBody.");
  EXPECT_THAT(send({{"MessageBody", ""}}), StartsWith("InvalidParameterValueException"));
  EXPECT_EQ(send({{"MessageBody", std::string(1'024, 'x')}}), "");
  EXPECT_THAT(send({{"MessageBody", std::string(1'025, 'x')}}),
              HasSubstr("Message must be shorter than 1024 bytes"));
  EXPECT_THAT(send({{"MessageBody", "\x01"}}), StartsWith("InvalidMessageContents"));
  EXPECT_THAT(send({{"MessageBody", "\xEF\xBF\xBF"}}), StartsWith("InvalidMessageContents"));
  EXPECT_THAT(send({{"MessageBody", "x"}, {"DelaySeconds", 901}}),
              HasSubstr("parameter DelaySeconds is invalid"));
  for (const json::object& bad :
       {json::object{{"", json::object{{"DataType", "String"}, {"StringValue", "x"}}}},
        json::object{{".a", json::object{{"DataType", "String"}, {"StringValue", "x"}}}},
        json::object{{"a", json::object{{"StringValue", "x"}}}},
        json::object{{"a", json::object{{"DataType", "Colour"}, {"StringValue", "x"}}}},
        json::object{{"a", json::object{{"DataType", "String"}}}},
        json::object{{"a", json::object{{"DataType", "Binary"}, {"BinaryValue", "%"}}}},
        json::object{{"a", "text"}}}) {
    EXPECT_THAT(send({{"MessageBody", "x"}, {"MessageAttributes", bad}}),
                StartsWith("InvalidParameterValueException"))
        << json::Serialize(bad);
  }
  EXPECT_THAT(t.Error("ReceiveMessage", {{"QueueUrl", Url("q")}, {"MaxNumberOfMessages", 11}}),
              HasSubstr("Must be between 1 and 10"));
  EXPECT_THAT(t.Error("ReceiveMessage", {{"QueueUrl", Url("q")}, {"WaitTimeSeconds", 21}}),
              HasSubstr("WaitTimeSeconds is invalid"));
}

TEST(SqsApi, HandlesAreChecked) {
  QueuesHarness t;
  t.MakeQueue("q");
  t.Put("q", "a");
  EXPECT_THAT(
      t.Error("DeleteMessage", {{"QueueUrl", Url("q")}, {"ReceiptHandle", "x"}}),
      StartsWith("ReceiptHandleIsInvalid: The input receipt handle \"x\" is not a valid receipt"));
  const auto taken = t.Take("q", 60);
  const json::object change{
      {"QueueUrl", Url("q")}, {"ReceiptHandle", taken[0].second}, {"VisibilityTimeout", 0}};
  t.Call("ChangeMessageVisibility", change);
  EXPECT_THAT(t.Error("ChangeMessageVisibility", change), StartsWith("MessageNotInflight"));
  const auto again = t.Take("q", 60);
  ASSERT_EQ(again.size(), 1U);
  t.Call("DeleteMessage", {{"QueueUrl", Url("q")}, {"ReceiptHandle", again[0].second}});
  t.Call("DeleteMessage", {{"QueueUrl", Url("q")}, {"ReceiptHandle", again[0].second}});
  EXPECT_THAT(
      t.Error(
          "ChangeMessageVisibility",
          {{"QueueUrl", Url("q")}, {"ReceiptHandle", again[0].second}, {"VisibilityTimeout", 5}}),
      HasSubstr("Message does not exist"));
}

TEST(SqsApi, BatchesAnswerForEachEntry) {
  QueuesHarness t;
  t.MakeQueue("q");
  const json::object sent =
      t.Call("SendMessageBatch",
             {{"QueueUrl", Url("q")},
              {"Entries",
               json::array{json::object{{"Id", "a"}, {"MessageBody", "one"}},
                           json::object{{"Id", "b"}, {"MessageBody", ""}},
                           json::object{{"Id", "c"}, {"MessageBody", "three"}}}}});
  EXPECT_EQ(sent.at("Successful").as_array().size(), 2U);
  EXPECT_EQ(sent.at("Failed").as_array()[0].as_object().at("Id"), "b");
  EXPECT_EQ(sent.at("Failed").as_array()[0].as_object().at("Code"), "InvalidParameterValue");
  const auto taken = t.Take("q", 60);
  ASSERT_EQ(taken.size(), 2U);
  const json::object changed = t.Call(
      "ChangeMessageVisibilityBatch",
      {{"QueueUrl", Url("q")},
       {"Entries",
        json::array{
            json::object{{"Id", "a"}, {"ReceiptHandle", taken[0].second}, {"VisibilityTimeout", 0}},
            json::object{{"Id", "b"}, {"ReceiptHandle", "x"}, {"VisibilityTimeout", 0}}}}});
  EXPECT_EQ(changed.at("Successful").as_array().size(), 1U);
  EXPECT_EQ(changed.at("Failed").as_array()[0].as_object().at("Code"), "ReceiptHandleIsInvalid");
  const json::object gone =
      t.Call("DeleteMessageBatch",
             {{"QueueUrl", Url("q")},
              {"Entries",
               json::array{json::object{{"Id", "a"}, {"ReceiptHandle", taken[0].second}},
                           json::object{{"Id", "b"}, {"ReceiptHandle", taken[1].second}}}}});
  EXPECT_EQ(gone.at("Successful").as_array().size(), 2U);

  const auto batch = [&](json::array entries) {
    return t.Error("SendMessageBatch", {{"QueueUrl", Url("q")}, {"Entries", std::move(entries)}});
  };
  EXPECT_THAT(batch({}), StartsWith("EmptyBatchRequest"));
  const json::object entry{{"Id", "a"}, {"MessageBody", "x"}};
  EXPECT_THAT(batch({entry, entry}), StartsWith("BatchEntryIdsNotDistinct: Id a repeated."));
  EXPECT_THAT(batch({json::object{{"Id", "a b"}, {"MessageBody", "x"}}}),
              StartsWith("InvalidBatchEntryId"));
  json::array eleven;
  for (int i = 0; i < 11; ++i) {
    eleven.push_back(json::object{{"Id", std::to_string(i)}, {"MessageBody", "x"}});
  }
  EXPECT_THAT(batch(eleven), HasSubstr("You have sent 11"));
  const std::string half(600'000, 'x');
  EXPECT_THAT(batch({json::object{{"Id", "a"}, {"MessageBody", half}},
                     json::object{{"Id", "b"}, {"MessageBody", half}}}),
              StartsWith("BatchRequestTooLong"));
}

TEST(SqsApi, TagsPermissionsAndPurges) {
  QueuesHarness t;
  t.Call("CreateQueue", {{"QueueName", "q"}, {"tags", json::object{{"owner", "mail"}}}});
  t.Call("TagQueue", {{"QueueUrl", Url("q")}, {"Tags", json::object{{"a", "1"}}}});
  t.Call("UntagQueue", {{"QueueUrl", Url("q")}, {"TagKeys", json::array{"owner"}}});
  EXPECT_EQ(t.Call("ListQueueTags", {{"QueueUrl", Url("q")}}).at("Tags"),
            json::value(json::object{{"a", "1"}}));
  t.Call("AddPermission",
         {{"QueueUrl", Url("q")},
          {"Label", "l"},
          {"AWSAccountIds", json::array{"111111111111"}},
          {"Actions", json::array{"SendMessage"}}});
  EXPECT_THAT(t.Attribute("q", "Policy"), HasSubstr("SQS:SendMessage"));
  t.Call("RemovePermission", {{"QueueUrl", Url("q")}, {"Label", "l"}});
  EXPECT_EQ(t.Attribute("q", "Policy"), "");
  EXPECT_THAT(t.Error("RemovePermission", {{"QueueUrl", Url("q")}, {"Label", "l"}}),
              HasSubstr("can't find label"));
  t.Put("q", "a");
  t.Call("PurgeQueue", {{"QueueUrl", Url("q")}});
  EXPECT_EQ(t.Attribute("q", "ApproximateNumberOfMessages"), "0");
  EXPECT_THAT(t.Error("PurgeQueue", {{"QueueUrl", Url("q")}}), StartsWith("PurgeQueueInProgress"));
}

TEST(SqsApi, PoliciesDeny) {
  QueuesHarness t;
  t.MakeQueue("q",
              {{"Policy",
                R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
                R"("Action":"sqs:SendMessage","Resource":"*"}]})"}});
  EXPECT_THAT(t.Error("SendMessage", {{"QueueUrl", Url("q")}, {"MessageBody", "x"}}),
              StartsWith("AccessDeniedException"));
  EXPECT_THAT(t.Error("SendMessageBatch",
                      {{"QueueUrl", Url("q")},
                       {"Entries", json::array{json::object{{"Id", "a"}, {"MessageBody", "x"}}}}}),
              StartsWith("AccessDeniedException"));
}

TEST(SqsApi, OlderClientsSpeakTheQueryProtocol) {
  QueuesHarness t;
  const net::HttpResponse made = t.Query(
      "Action=CreateQueue&QueueName=q&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=60&"
      "Tag.1.Key=owner&Tag.1.Value=mail");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(made.body,
              HasSubstr("<CreateQueueResult><QueueUrl>http://localhost:8080/000000000000/q</"
                        "QueueUrl></CreateQueueResult>"));
  const std::string url = "&QueueUrl=" + PercentEncode(Url("q"));
  EXPECT_THAT(t.Query("Action=ListQueueTags" + url).body,
              HasSubstr("<Tag><Key>owner</Key><Value>mail</Value></Tag>"));
  EXPECT_THAT(t.Query("Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout" + url).body,
              HasSubstr("<Attribute><Name>VisibilityTimeout</Name><Value>60</Value></Attribute>"));
  const net::HttpResponse sent = t.Query(
      "Action=SendMessage&MessageBody=a%26b&MessageAttribute.1.Name=kind&"
      "MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=reset",
      "/000000000000/q");
  EXPECT_THAT(sent.body, HasSubstr("<MD5OfMessageBody>" + BodyDigest("a&b")));
  const std::string received =
      t.Query(
           "Action=ReceiveMessage&AttributeName.1=All&MessageAttributeName.1=All&"
           "MaxNumberOfMessages=10" +
           url)
          .body;
  EXPECT_THAT(received, HasSubstr("<Body>a&amp;b</Body>"));
  EXPECT_THAT(received,
              HasSubstr("<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value>"));
  EXPECT_THAT(received,
              HasSubstr("<MessageAttribute><Name>kind</Name><Value><StringValue>reset</StringValue>"
                        "<DataType>String</DataType></Value></MessageAttribute>"));
  EXPECT_THAT(t.Query("Action=ReceiveMessage" + url).body, HasSubstr("<ReceiveMessageResult>"));
  EXPECT_THAT(t.Query("Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&"
                      "SendMessageBatchRequestEntry.1.MessageBody=x" +
                      url)
                  .body,
              HasSubstr("<SendMessageBatchResultEntry><MessageId>"));
  const net::HttpResponse none = t.Query("Action=GetQueueUrl&QueueName=none");
  EXPECT_EQ(none.status, 400);
  EXPECT_THAT(none.body, HasSubstr("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"));
  const net::HttpResponse json_none = t.Send("GetQueueUrl", {{"QueueName", "none"}});
  EXPECT_EQ(json_none.headers.Get("x-amzn-query-error"),
            "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

TEST(SqsApi, BatchesNeedTheRightOfTheSingleCall) {
  QueuesHarness t;
  net::HttpRequest request;
  request.headers = {{"X-Amz-Target", "AmazonSQS.SendMessageBatch"}};
  EXPECT_EQ(t.api->ActionOf(request), "sqs:SendMessage");
  request.headers = {{"X-Amz-Target", "AmazonSQS.MakeCoffee"}};
  EXPECT_EQ(t.api->ActionOf(request), "");
}

}  // namespace
}  // namespace postglass::queues
