#include "intake/sqs_source.h"

#include <gtest/gtest.h>

#include <deque>

#include "aws/sigv4.h"
#include "base/time_format.h"
#include "intake/intake_testing.h"
#include "intake/sns_testing.h"

namespace postglass::intake {
namespace {

const std::filesystem::path kSnsData =
    std::filesystem::path(POSTGLASS_SOURCE_DIR) / "tests/data/sns";

constexpr std::string_view kQueueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/events";
constexpr std::string_view kEvent =
    R"({"eventType":"Delivery","mail":{"timestamp":"2026-10-01T00:00:00.000Z","messageId":"0100",)"
    R"("destination":["a@example.com"]},"delivery":{"timestamp":"2026-10-01T00:00:01.000Z",)"
    R"("recipients":["a@example.com"],"smtpResponse":"250 ok"}})";

// A queue of Amazon's as far as the source calls it; each message is there until it is deleted.
class FakeSqs final : public net::HttpClient {
 public:
  explicit FakeSqs(const Clock& clock) : clock_(clock) {}

  Result<net::HttpResponse> Send(const Request& request) override {
    if (request.url != "https://sqs.eu-west-1.amazonaws.com/") return certificates.Send(request);
    ExpectSigned(request);
    const json::object body = *json::ParseObject(request.body);
    EXPECT_EQ(json::GetStringOr(body, "QueueUrl", ""), kQueueUrl);
    const std::string_view target = request.headers.Get("X-Amz-Target");
    calls.emplace_back(target);
    if (!refusal.empty()) return net::TextResponse(refusal_status, refusal);
    if (target == "AmazonSQS.ReceiveMessage") return Receive();
    EXPECT_EQ(target, "AmazonSQS.DeleteMessageBatch");
    return Delete(*json::GetArray(body, "Entries"));
  }

  FakeHttpClient certificates;
  std::map<std::string, std::string> waiting;  // by receipt handle
  std::vector<std::string> calls;
  std::string refusal;  // what every call gets; empty: none
  int refusal_status = 403;
  bool keeps_all = false;  // deletes fail

 private:
  void ExpectSigned(const Request& request) {
    net::HttpRequest received;
    received.method = request.method;
    received.target = "/";
    received.body = request.body;
    received.headers.Add("Host", "sqs.eu-west-1.amazonaws.com");
    for (const auto& [name, value] : request.headers) received.headers.Add(name, value);
    const auto scope = aws::ReadScope(received);
    ASSERT_TRUE(scope.scope);
    EXPECT_EQ(scope.scope->region, "eu-west-1");
    EXPECT_EQ(scope.scope->service, "sqs");
    EXPECT_FALSE(aws::VerifySignature(received, *scope.scope, "secret", clock_.Now()));
  }

  net::HttpResponse Receive() const {
    json::array messages;
    for (const auto& [handle, text] : waiting) {
      if (messages.size() == 10) break;
      messages.push_back(
          json::object{{"MessageId", "id-" + handle}, {"ReceiptHandle", handle}, {"Body", text}});
    }
    return net::JsonResponse(200, json::Serialize(json::object{{"Messages", messages}}));
  }

  net::HttpResponse Delete(const json::array& entries) {
    json::array failed;
    for (const json::value& entry : entries) {
      const std::string handle = json::GetStringOr(entry.as_object(), "ReceiptHandle", "");
      if (keeps_all) {
        failed.push_back(json::object{{"Id", *json::GetString(entry.as_object(), "Id")}});
      } else {
        EXPECT_EQ(waiting.erase(handle), 1U);
      }
    }
    return net::JsonResponse(200, json::Serialize(json::object{{"Failed", failed}}));
  }

  const Clock& clock_;
};

struct SqsSourceTest : ::testing::Test {
  SqsSource::Options Settings(SqsSource::Form form) const {
    SqsSource::Options options;
    options.queue_url = kQueueUrl;
    options.access_key_id = "AKIDEXAMPLE";
    options.secret_access_key = "secret";
    options.topics = topics;
    options.form = form;
    return options;
  }

  std::unique_ptr<SqsSource> Make(SqsSource::Form form) {
    ServeGenuineCertificates(kSnsData, sqs.certificates, chain);
    const SqsSource::Options options = Settings(form);
    EXPECT_TRUE(SqsSource::CheckOptions(options));
    return std::make_unique<SqsSource>(options, f.intake, sqs, chain, f.clock, f.metrics);
  }

  double Refused(std::string_view reason) {
    return f.metrics
        .GetCounter(
            "postglass_intake_refused_deliveries_total", "", {{"hook", "sqs"}, {"reason", reason}})
        .value();
  }

  IntakeFixture f;
  FakeSqs sqs{f.clock};
  PinnedChain chain;
  std::vector<std::string> topics{"arn:aws:sns:eu-west-1:123456789012:events"};
};

TEST_F(SqsSourceTest, RawEventsAreStoredOnceAndThenDeleted) {
  auto source = Make(SqsSource::Form::kRaw);
  sqs.waiting["1"] = kEvent;
  sqs.waiting["2"] = "no JSON at all";
  sqs.keeps_all = true;
  EXPECT_EQ(source->PollOnce().count(), 0);
  EXPECT_EQ(sqs.waiting.size(), 2U);
  EXPECT_EQ(f.metrics.GetCounter("postglass_source_sqs_undeleted_total", "").value(), 2);
  sqs.keeps_all = false;
  sqs.waiting.erase("2");  // a plain text has no key by which it would be recognised
  EXPECT_EQ(source->PollOnce().count(), 0);
  EXPECT_TRUE(sqs.waiting.empty());
  const auto stored = f.Stored();
  ASSERT_EQ(stored.size(), 2U);
  for (const auto& event : stored) {
    EXPECT_NE(event.attributes.find(R"("verified":"sigv4")"), std::string::npos);
    EXPECT_TRUE(event.source == "ses" || event.message == "no JSON at all") << event.source;
  }
  EXPECT_EQ(source->trouble(), "");
}

TEST_F(SqsSourceTest, GenuineMessagesAreBelievedAndOthersStay) {
  const std::string genuine = ReadAll(kSnsData / "notification-us-west-2-sha256.json");
  const json::object envelope = *json::ParseObject(genuine);
  f.clock.Jump(*ParseIso8601(json::GetStringOr(envelope, "Timestamp", "")) - f.clock.Now() +
               std::chrono::hours(24 * 13));
  chain.valid_until = f.clock.Now() + std::chrono::hours(1);
  topics = {json::GetStringOr(envelope, "TopicArn", "")};
  auto source = Make(SqsSource::Form::kEnvelope);
  json::object altered = envelope;
  altered["Message"] = "another";
  json::object foreign = envelope;
  foreign["TopicArn"] = "arn:aws:sns:us-west-2:131990247566:another";
  sqs.waiting = {{"1", genuine},
                 {"2", json::Serialize(altered)},
                 {"3", json::Serialize(foreign)},
                 {"4", std::string(kEvent)},
                 {"5", "{"},
                 {"6", ""}};
  EXPECT_EQ(source->PollOnce().count(), 0);
  EXPECT_EQ(sqs.waiting.size(), 5U);
  EXPECT_FALSE(sqs.waiting.contains("1"));
  const auto stored = f.Stored();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].source, "sns");
  EXPECT_EQ(stored[0].message, json::GetStringOr(envelope, "Message", ""));
  EXPECT_NE(stored[0].attributes.find(R"("verified":"signature")"), std::string::npos);
  EXPECT_EQ(Refused("signature"), 1);
  EXPECT_EQ(Refused("topic_not_allowed"), 1);
  EXPECT_EQ(Refused("type"), 1);
  EXPECT_EQ(Refused("malformed"), 2);
  EXPECT_EQ(source->Refusals().size(), 5U);

  f.clock.Jump(std::chrono::hours(24 * 3));
  chain.valid_until = f.clock.Now() + std::chrono::hours(1);
  sqs.waiting = {{"7", genuine}};
  EXPECT_EQ(source->PollOnce().count(), 0);
  EXPECT_EQ(Refused("too_old"), 1);
  EXPECT_EQ(sqs.waiting.size(), 1U);
}

TEST_F(SqsSourceTest, NothingIsDeletedThatTheStoreDidNotTake) {
  auto source = Make(SqsSource::Form::kRaw);
  sqs.waiting["1"] = kEvent;
  f.store.FailAppendsWith(Error{ErrorCode::kDiskFull, "no space left"});
  EXPECT_EQ(source->PollOnce(), SqsSource::kFirstPause);
  EXPECT_NE(source->trouble().find("no space left"), std::string::npos);
  EXPECT_EQ(sqs.calls, std::vector<std::string>{"AmazonSQS.ReceiveMessage"});
  f.store.FailAppendsWith(std::nullopt);
  EXPECT_EQ(source->PollOnce().count(), 0);
  EXPECT_EQ(source->trouble(), "");
  EXPECT_TRUE(sqs.waiting.empty());
  EXPECT_EQ(f.Stored().size(), 1U);
}

TEST_F(SqsSourceTest, TroubleIsNamedAndPausesGrow) {
  auto source = Make(SqsSource::Form::kRaw);
  sqs.refusal = R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"})";
  sqs.refusal_status = 400;
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(source->PollOnce(), std::chrono::seconds(seconds));
  }
  EXPECT_EQ(source->trouble(), "ReceiveMessage: 400 QueueDoesNotExist: no such queue");
  sqs.refusal = "<html>";
  sqs.refusal_status = 502;
  EXPECT_EQ(source->PollOnce(), SqsSource::kLastPause);
  EXPECT_EQ(source->trouble(), "ReceiveMessage: 502");
  sqs.refusal.clear();
  EXPECT_EQ(source->PollOnce().count(), 0);
  sqs.refusal = "{}";
  EXPECT_EQ(source->PollOnce(), SqsSource::kFirstPause);
}

TEST_F(SqsSourceTest, AnswersThatAreNoneAreTrouble) {
  auto source = Make(SqsSource::Form::kRaw);
  sqs.refusal_status = 200;
  sqs.refusal = "not JSON";
  EXPECT_EQ(source->PollOnce(), SqsSource::kFirstPause);
  for (const char* odd :
       {R"({"Messages":7})", R"({"Messages":[7,{}]})", R"({"Messages":[{"Body":"x"}]})", "{}"}) {
    sqs.refusal = odd;
    EXPECT_EQ(source->PollOnce().count(), 0) << odd;
  }
  EXPECT_TRUE(f.Stored().empty());
}

TEST_F(SqsSourceTest, SettingsAreChecked) {
  const auto complaint = [&](auto change) {
    SqsSource::Options options = Settings(SqsSource::Form::kEnvelope);
    change(options);
    const Status checked = SqsSource::CheckOptions(options);
    return checked ? "" : checked.error().message;
  };
  EXPECT_EQ(complaint([](auto&) {}), "");
  EXPECT_NE(complaint([](auto& o) { o.queue_url = "events"; }).find("queue_url"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.endpoint = "ftp://x"; }).find("endpoint"), std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.queue_url = "http://127.0.0.1:1/1/q"; }).find("region"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.access_key_id = ""; }).find("access_key_id"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.secret_access_key = ""; }).find("secret_access_key"),
            std::string::npos);
  EXPECT_NE(complaint([](auto& o) { o.topics.clear(); }).find("topics"), std::string::npos);
  EXPECT_EQ(complaint([](auto& o) {
              o.topics.clear();
              o.form = SqsSource::Form::kRaw;
            }),
            "");
}

}  // namespace
}  // namespace postglass::intake
