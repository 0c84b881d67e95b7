#include "pipelines/ses_pipeline.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/time_format.h"
#include "pipelines/masking.h"

namespace postglass::pipelines {
namespace {

const std::filesystem::path kData =
    std::filesystem::path(POSTGLASS_SOURCE_DIR) / "tests/data/pipelines";
constexpr Timestamp kNow = Timestamp::FromMillis(1'800'000'000'000);

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The SNS record that the forwarder ships, around `message`.
json::object RecordAround(std::string_view message) {
  json::object sns;
  sns["Type"] = "Notification";
  sns["MessageId"] = "95df01b4-ee98-5cb9-9903-4c221d41eb5e";
  sns["TopicArn"] = "arn:aws:sns:eu-west-1:123456789012:mail-events";
  sns["Subject"] = "Amazon SES Email Event Notification";
  sns["Message"] = message;
  sns["Timestamp"] = "2022-01-12T01:00:20.000Z";
  sns["SignatureVersion"] = "1";
  sns["Signature"] = "tcc6faL2yUC6dgZdmrwh1Y4cGa";
  sns["UnsubscribeUrl"] = "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe";
  json::object record;
  record["EventSource"] = "aws:sns";
  record["EventVersion"] = "1.0";
  record["Sns"] = std::move(sns);
  return record;
}

Log ProcessedRecord(std::string_view message) {
  Log log;
  log.source = "sns";
  log.attributes = RecordAround(message);
  Engine({MakeSesPipeline()}).Process(log, kNow);
  return log;
}

void Indent(const json::value& v, std::string& out, std::size_t depth) {
  const std::string pad(depth * 2 + 2, ' ');
  if (v.is_object() && !v.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& member : v.get_object()) {
      if (!first) out += ",\n";
      first = false;
      out += pad + json::Serialize(json::value(member.key())) + ": ";
      Indent(member.value(), out, depth + 1);
    }
    out += '\n' + std::string(depth * 2, ' ') + '}';
  } else {
    out += json::Serialize(v);
  }
}

std::string Render(const Log& log) {
  json::object o;
  if (log.timestamp_ms) {
    o["timestamp"] = FormatIso8601Millis(Timestamp::FromMillis(*log.timestamp_ms));
  }
  o["message"] = log.message;
  o["status"] = log.status;
  o["service"] = log.service;
  o["source"] = log.source;
  o["tags"] = json::array(log.tags.begin(), log.tags.end());
  o["attributes"] = log.attributes;
  std::string out;
  Indent(o, out, 0);
  return out + '\n';
}

// Every sample of SES's documentation against the event it becomes. With POSTGLASS_UPDATE_GOLDEN
// set the expectations are written anew, for review.
TEST(SesPipeline, TurnsEachSampleIntoTheExpectedEvent) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, and nobody sets variables
  const bool update = std::getenv("POSTGLASS_UPDATE_GOLDEN") != nullptr;
  std::size_t samples = 0;
  for (const char* folder : {"ses-event", "ses-notification"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kData / folder)) {
      SCOPED_TRACE(entry.path().filename());
      ++samples;
      const std::string text = ReadAll(entry.path());
      const Log log = ProcessedRecord(text);
      const auto golden = kData / "expected" / folder / entry.path().filename();
      if (update) {
        std::filesystem::create_directories(golden.parent_path());
        std::ofstream(golden, std::ios::binary) << Render(log);
      }
      EXPECT_EQ(Render(log), ReadAll(golden));
      // The provider's record is there unchanged in name and shape.
      const json::object original = *json::ParseObject(text);
      for (const auto& member : original) {
        ASSERT_TRUE(log.attributes.contains(member.key()));
        EXPECT_EQ(log.attributes.at(member.key()), member.value()) << member.key();
      }
    }
  }
  EXPECT_EQ(samples, 15U);
}

TEST(SesPipeline, UnderstandsTheThreeNestings) {
  const std::string text = ReadAll(kData / "ses-event/bounce.json");
  const Log by_record = ProcessedRecord(text);

  Log by_message;  // the whole record as the text of the message
  by_message.source = "sns";
  by_message.message = json::Serialize(RecordAround(text));
  Engine({MakeSesPipeline()}).Process(by_message, kNow);
  EXPECT_EQ(Render(by_message), Render(by_record));

  for (const bool in_message : {true, false}) {
    Log raw;
    raw.source = "ses";
    if (in_message) {
      raw.message = text;
    } else {
      raw.attributes = *json::ParseObject(text);
    }
    Engine({MakeSesPipeline()}).Process(raw, kNow);
    EXPECT_EQ(raw.message, by_record.message);
    EXPECT_EQ(raw.timestamp_ms, by_record.timestamp_ms);
    for (const char* member : {"event", "email", "smtp", "bounce", "mail"}) {
      EXPECT_EQ(raw.attributes.at(member), by_record.attributes.at(member)) << member;
    }
  }
}

TEST(SesPipeline, LeavesOtherSourcesAlone) {
  Log log;
  log.source = "nginx";
  log.attributes = RecordAround(R"({"eventType":"Send","mail":{}})");
  const std::string before = json::Serialize(log.attributes);
  Engine({MakeSesPipeline()}).Process(log, kNow);
  EXPECT_EQ(json::Serialize(log.attributes), before);
}

TEST(SesPipeline, PassesTheTestMessageOnAsText) {
  const std::string_view text = "Successfully validated SNS topic for Amazon SES event publishing.";
  const Log log = ProcessedRecord(text);
  EXPECT_EQ(log.message, text);
  EXPECT_TRUE(log.tags.empty());
  EXPECT_EQ(log.timestamp_ms, ParseIso8601("2022-01-12T01:00:20.000Z")->millis());
  EXPECT_EQ(json::FindPath(log.attributes, "Sns.Message"), nullptr);
  EXPECT_NE(json::FindPath(log.attributes, "Sns.MessageId"), nullptr);
}

TEST(SesPipeline, KeepsAPayloadThatDoesNotParse) {
  const Log log = ProcessedRecord(R"({"eventType":"Send",)");
  EXPECT_EQ(log.tags, std::vector<std::string>{"pipeline_error:sns-unwrap"});
  EXPECT_EQ(std::string_view(json::FindPath(log.attributes, "Sns.Message")->get_string()),
            R"({"eventType":"Send",)");
}

TEST(SesPipeline, APayloadCannotPoseAsTheEnvelope) {
  const Log log = ProcessedRecord(R"({"Sns":{"MessageId":"forged"},"other":1})");
  EXPECT_EQ(std::string_view(json::FindPath(log.attributes, "Sns.MessageId")->get_string()),
            "95df01b4-ee98-5cb9-9903-4c221d41eb5e");
  EXPECT_NE(log.attributes.if_contains("other"), nullptr);
}

// What the table of types decides, for what the samples do not show.
TEST(SesPipeline, NamesTypeOutcomeAndStatus) {
  struct Case {
    std::string_view record;
    std::string_view name;
    std::string_view status;
  };

  for (
      const Case& c : {
          Case{
              R"({"eventType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"General"},"mail":{}})",
              "email.bounced",
              "warn"},
          Case{R"({"eventType":"Bounce","bounce":{"bounceType":"Undetermined"},"mail":{}})",
               "email.bounced",
               "warn"},
          Case{
              R"({"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList"},"mail":{}})",
              "email.suppressed",
              "error"},
          Case{R"({"eventType":"RenderingFailure","failure":{},"mail":{}})",
               "email.rejected",
               "error"},
          Case{
              R"({"eventType":"Subscription","subscription":{"newTopicPreferences":{"unsubscribeAll":false,"topicSubscriptionStatus":[{"subscriptionStatus":"OptIn"}]}},"mail":{}})",
              "email.resubscribed",
              "info"},
          Case{R"({"eventType":"Telepathy","mail":{"destination":["a@b"]}})",
               "email.unknown",
               "info"},
          Case{
              R"({"eventType":"Send","mail":{"destination":"odd","tags":[],"headers":{},"commonHeaders":7}})",
              "email.accepted",
              "info"},
      }) {
    const Log log = ProcessedRecord(c.record);
    EXPECT_TRUE(log.tags.empty()) << c.record;
    EXPECT_EQ(std::string_view(json::FindPath(log.attributes, "event.name")->get_string()), c.name);
    EXPECT_EQ(log.status, c.status) << c.record;
  }
}

TEST(SesPipeline, DescribesSeveralRecipients) {
  const Log log = ProcessedRecord(
      R"({"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[
         {"emailAddress":"Jane <Jane@Example.com>","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 no"},
         {"emailAddress":"joe@example.org","status":"5.2.2","diagnosticCode":"smtp; 552 5.2.2 full"}]},
         "mail":{"destination":["jane@example.com","joe@example.org","other@example.net"],"messageId":"m-1",
                 "tags":{"service":["checkout"],"ses:configuration-set":["default"]}}})");
  const auto text = [&](std::string_view path) {
    const json::value* v = json::FindPath(log.attributes, path);
    return v == nullptr ? "(none)" : json::Serialize(*v);
  };
  EXPECT_EQ(text("email.recipient.address"), R"(["jane@example.com","joe@example.org"])");
  EXPECT_EQ(text("email.recipient.domain"), R"(["example.com","example.org"])");
  EXPECT_EQ(text("smtp.code"), "[550,552]");
  EXPECT_EQ(text("smtp.enhanced_code"), R"(["5.1.1","5.2.2"])");
  EXPECT_EQ(text("email.bounce.class"), R"("no_such_user")");
  EXPECT_EQ(text("email.tags.service"), R"(["checkout"])");
  EXPECT_EQ(log.service, "checkout");
  EXPECT_EQ(log.message, "Bounce → jane@example.com, joe@example.org");
}

TEST(SesPipeline, MasksTheLinkOfAClick) {
  const std::string secret = "a8Fk29sLq0ZmX71Pd4Rt";
  Log log = ProcessedRecord(
      R"({"eventType":"Click","click":{"link":"https://app.example/reset?token=)" + secret +
      R"(","timestamp":"2017-08-09T23:51:25.570Z"},"mail":{"destination":["a@b.example"]}})");
  EXPECT_NE(json::Serialize(log.attributes).find(secret), std::string::npos);
  MaskSecrets(log);
  EXPECT_EQ(json::Serialize(log.attributes).find(secret), std::string::npos);
  EXPECT_NE(json::FindPath(log.attributes, "email.engagement.url"), nullptr);
}

}  // namespace
}  // namespace postglass::pipelines
