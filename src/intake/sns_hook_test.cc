#include "intake/sns_hook.h"

#include <gtest/gtest.h>

#include "aws/sns_signature.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "intake/intake_testing.h"
#include "intake/sns_testing.h"

namespace postglass::intake {
namespace {

const std::filesystem::path kSnsData =
    std::filesystem::path(POSTGLASS_SOURCE_DIR) / "tests/data/sns";

constexpr std::string_view kGenuine[] = {"notification-sha1.json",
                                         "notification-sha256.json",
                                         "notification-with-subject-sha1.json",
                                         "notification-no-subject-sha1.json",
                                         "notification-us-west-2-sha256.json",
                                         "subscription-confirmation-sha1.json",
                                         "unsubscribe-confirmation-sha256.json"};

// The hook as it is when `body` arrives: clock at its time, topic on the list, certificate served.
struct Scene {
  explicit Scene(std::string_view file) : Scene(ReadAll(kSnsData / file), {}) {}

  Scene(std::string text, SnsHook::Options options)
      : body(std::move(text)), message(*json::ParseObject(body)) {
    ServeGenuineCertificates(kSnsData, client, chain);
    if (options.topics.empty()) options.topics.push_back(Text("TopicArn"));
    const auto sent = ParseIso8601(Text("Timestamp"));
    f.clock.Jump(*sent - f.clock.Now() + std::chrono::seconds(2));
    hook = std::make_unique<SnsHook>(options, f.intake, client, chain, f.clock, f.metrics);
  }

  std::string Text(std::string_view name) const { return json::GetStringOr(message, name, ""); }

  net::HttpResponse Deliver() {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/hooks/sns";
    request.body = body;
    request.peer_address = "203.0.113.9";
    request.headers.Add("x-amz-sns-message-type", type.empty() ? Text("Type") : type);
    if (raw) request.headers.Add("x-amz-sns-rawdelivery", "true");
    return hook->Handle(request);
  }

  // Refused with this status and reason, nothing stored, counted once and there for look-up.
  void ExpectRefused(int status, std::string_view reason) {
    const net::HttpResponse response = Deliver();
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_TRUE(f.Stored().empty());
    const auto refusals = hook->Refusals();
    ASSERT_EQ(refusals.size(), 1U);
    EXPECT_EQ(refusals[0].reason, reason) << refusals[0].detail;
    EXPECT_EQ(refusals[0].peer_address, "203.0.113.9");
    EXPECT_FALSE(refusals[0].detail.empty());
    EXPECT_EQ(f.metrics
                  .GetCounter("postglass_intake_refused_deliveries_total",
                              "",
                              {{"hook", "sns"}, {"reason", reason}})
                  .value(),
              1);
  }

  std::string body;
  json::object message;
  std::string type;  // of the header; empty: as the body says
  bool raw = false;
  IntakeFixture f;
  FakeHttpClient client;
  PinnedChain chain;
  std::unique_ptr<SnsHook> hook;
};

TEST(SnsHook, TakesTheGenuineMessages) {
  for (const std::string_view file : kGenuine) {
    SCOPED_TRACE(file);
    Scene scene(file);
    scene.client
        .answers["https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" +
                 PercentEncode(scene.Text("TopicArn")) + "&Token=" + scene.Text("Token")] =
        net::TextResponse(200, "<ConfirmSubscriptionResponse/>");
    const net::HttpResponse response = scene.Deliver();
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(scene.hook->Refusals().empty());
    const auto stored = scene.f.Stored();
    ASSERT_EQ(stored.size(), scene.Text("Type") == "Notification" ? 1U : 0U);
    if (stored.empty()) continue;
    EXPECT_EQ(stored[0].source, "sns");
    EXPECT_EQ(stored[0].message, scene.Text("Message"));
    EXPECT_NE(stored[0].attributes.find(R"("verified":"signature")"), std::string::npos);
    EXPECT_EQ(stored[0].timestamp_ms, ParseIso8601(scene.Text("Timestamp"))->millis());
    EXPECT_EQ(scene.chain.names.front(), "sns.amazonaws.com");
    // Sent again by SNS, it is stored once.
    EXPECT_EQ(scene.Deliver().status, 200);
    EXPECT_EQ(scene.f.Stored().size(), 1U);
  }
}

// One byte changed in each field that is signed, and in the signature itself.
TEST(SnsHook, RefusesAGenuineMessageThatWasAltered) {
  for (const std::string_view file : kGenuine) {
    const json::object genuine = *json::ParseObject(ReadAll(kSnsData / file));
    for (const char* field : {"Message",
                              "MessageId",
                              "Subject",
                              "SubscribeURL",
                              "Timestamp",
                              "Token",
                              "TopicArn",
                              "Signature"}) {
      const auto text = json::GetString(genuine, field);
      if (!text) continue;
      for (const std::size_t at : {std::size_t{0}, text->size() / 2, text->size() - 3}) {
        SCOPED_TRACE(std::string(file) + " " + field + " " + std::to_string(at));
        std::string altered(*text);
        // A digit stays one, so that what is altered is the value and not its form.
        altered[at] = altered[at] == '1'                         ? '2'
                      : altered[at] >= '0' && altered[at] <= '9' ? '1'
                      : altered[at] == 'x'                       ? 'y'
                                                                 : 'x';
        json::object message = genuine;
        message[field] = altered;
        if (std::string_view(field) == "Timestamp" && !ParseIso8601(altered)) continue;
        Scene scene(json::Serialize(message), {});
        if (std::string_view(field) == "Timestamp") {
          scene.chain.valid_until = scene.f.clock.Now() + std::chrono::hours(1);
        }
        scene.ExpectRefused(403, "signature");
      }
    }
  }
}

TEST(SnsHook, RefusesWhatIsNotProven) {
  const std::string file(kGenuine[4]);
  const std::string genuine = ReadAll(kSnsData / file);
  const auto with = [&](std::string_view field, std::string_view value) {
    json::object message = *json::ParseObject(genuine);
    message[field] = value;
    return json::Serialize(message);
  };
  {
    Scene scene(genuine, {.topics = {"arn:aws:sns:us-west-2:131990247566:another"}});
    scene.ExpectRefused(403, "topic_not_allowed");
    EXPECT_NE(scene.hook->Refusals()[0].detail.find("hooks.sns.topics"), std::string::npos);
    EXPECT_TRUE(scene.client.requests.empty());
  }
  {
    Scene scene(file);
    scene.f.clock.Advance(std::chrono::hours(25));
    scene.ExpectRefused(403, "too_old");
  }
  {
    Scene scene(genuine, {.topics = {}, .max_age = std::chrono::hours(1)});
    scene.f.clock.Advance(std::chrono::hours(2));
    scene.ExpectRefused(403, "too_old");
  }
  {
    // A longer age than the built-in one is not granted.
    Scene scene(genuine, {.topics = {}, .max_age = std::chrono::hours(24 * 365)});
    scene.f.clock.Advance(std::chrono::hours(25));
    scene.ExpectRefused(403, "too_old");
  }
  {
    Scene scene(file);
    scene.f.clock.Jump(-std::chrono::hours(1));
    scene.ExpectRefused(403, "from_future");
  }
  {
    Scene scene(file);
    scene.chain.valid_until = scene.f.clock.Now() - std::chrono::seconds(1);
    scene.ExpectRefused(403, "certificate_untrusted");
  }
  {
    Scene scene(file);
    scene.chain.pinned.clear();
    scene.ExpectRefused(403, "certificate_untrusted");
  }
  {
    Scene scene(file);
    scene.client.answers.clear();
    scene.ExpectRefused(503, "certificate_unavailable");
  }
  {
    Scene scene(file);
    for (auto& [url, answer] : scene.client.answers) answer.status = 302;
    scene.ExpectRefused(503, "certificate_unavailable");
  }
  {
    Scene scene(with("SignatureVersion", "3"), {});
    scene.ExpectRefused(403, "signature");
  }
  {
    Scene scene(with("SignatureVersion", "1"), {});
    scene.ExpectRefused(403, "signature");
  }
  {
    Scene scene(file);
    scene.raw = true;
    scene.ExpectRefused(400, "raw_delivery");
  }
  {
    Scene scene(file);
    scene.type = "SubscriptionConfirmation";
    scene.ExpectRefused(400, "type");
  }
  {
    Scene scene(with("Type", "SubscriptionConfirmation"), {});
    scene.ExpectRefused(400, "malformed");
  }
  {
    Scene scene(file);
    scene.body = "{\"Type\":";
    scene.ExpectRefused(400, "malformed");
  }
  {
    Scene scene(file);
    scene.body.append(SnsHook::kBodyBytesMax, ' ');
    scene.ExpectRefused(413, "too_large");
  }
  {
    Scene scene(file);
    scene.f.store.FailAppendsWith(Error{ErrorCode::kDiskFull, "no space left"});
    scene.ExpectRefused(503, "store_unavailable");
    scene.f.store.FailAppendsWith(std::nullopt);
    EXPECT_EQ(scene.Deliver().status, 200);
    EXPECT_EQ(scene.f.Stored().size(), 1U);
  }
}

TEST(SnsHook, AnEmptyListRefusesEveryTopic) {
  Scene scene(kGenuine[0]);
  scene.hook = std::make_unique<SnsHook>(SnsHook::Options{},
                                         scene.f.intake,
                                         scene.client,
                                         scene.chain,
                                         scene.f.clock,
                                         scene.f.metrics);
  scene.ExpectRefused(403, "topic_not_allowed");
}

TEST(SnsHook, RefusesForeignCertificateAddresses) {
  const std::string name = "/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
  for (const std::string& url : std::vector<std::string>{
           "http://sns.us-east-1.amazonaws.com" + name,
           "https://sns.us-east-1.amazonaws.com.evil.example" + name,
           "https://evil.example" + name,
           "https://sns.us-east-1.amazonaws.com@evil.example" + name,
           "https://user@sns.us-east-1.amazonaws.com" + name,
           "https://sns.us-east-1.amazonaws.com:8443" + name,
           "https://sns.us-east-1.amazonaws.com:443" + name,
           "https://sns.s3.us-east-1.amazonaws.com" + name,
           "https://snsx.us-east-1.amazonaws.com" + name,
           "https://sns.us-east-1.amazonaws.com.cn.evil" + name,
           "https://SNS.us-east-1.amazonaws.com" + name,
           "https://sns..amazonaws.com" + name,
           "https://sns.us-east-1.amazonaws.com/other.pem",
           "https://sns.us-east-1.amazonaws.com/x" + name,
           "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-.pem",
           "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ab/../c.pem",
           "https://sns.us-east-1.amazonaws.com" + name + "?x=1",
           "https://sns.us-east-1.amazonaws.com" + name + "#x",
           "https://sns.us-east-1.amazonaws.com" + name + "\n",
           std::string(),
       }) {
    SCOPED_TRACE(url);
    EXPECT_FALSE(CheckSigningCertificateUrl(url));
    json::object message = *json::ParseObject(ReadAll(kSnsData / kGenuine[4]));
    message["SigningCertURL"] = url;
    Scene scene(json::Serialize(message), {});
    scene.ExpectRefused(403, "certificate_url");
    EXPECT_TRUE(scene.client.requests.empty());
  }
  EXPECT_EQ(*CheckSigningCertificateUrl("https://sns.cn-north-1.amazonaws.com.cn" + name),
            "sns.cn-north-1.amazonaws.com.cn");
}

TEST(SnsHook, ConfirmsByACallOfItsOwnAndNeverFollowsTheUrl) {
  Scene scene(kGenuine[5]);
  scene.ExpectRefused(503, "confirmation_failed");
  ASSERT_EQ(scene.client.requests.size(), 2U);
  EXPECT_EQ(scene.client.requests[1].url,
            "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn="
            "arn%3Aaws%3Asns%3Aus-west-2%3A131990247566%3Adongie-standard-topic&Token=" +
                scene.Text("Token"));
}

TEST(SigningCertificates, AreFetchedOnceAndNotWithoutBound) {
  FakeHttpClient client;
  ManualClock clock;
  SigningCertificates certificates(client, clock);
  client.answers["https://sns.us-east-1.amazonaws.com/a"] = net::TextResponse(200, "pem");
  EXPECT_EQ(*certificates.Get("https://sns.us-east-1.amazonaws.com/a"), "pem");
  EXPECT_EQ(*certificates.Get("https://sns.us-east-1.amazonaws.com/a"), "pem");
  EXPECT_EQ(client.requests.size(), 1U);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(certificates.Get("x" + std::to_string(i)));
  EXPECT_EQ(client.requests.size(), SigningCertificates::kFetchesPerMinuteMax);
  clock.Advance(std::chrono::minutes(1));
  EXPECT_FALSE(certificates.Get("y"));
  EXPECT_EQ(client.requests.size(), SigningCertificates::kFetchesPerMinuteMax + 1);
}

TEST(RefusalLog, KeepsTheNewestAndCutsTexts) {
  RefusalLog log;
  for (int i = 0; i < 1500; ++i) {
    Refusal refusal;
    refusal.message_id = std::to_string(i);
    refusal.detail = std::string(100'000, 'x');
    log.Add(std::move(refusal));
  }
  const auto newest = log.Newest();
  ASSERT_EQ(newest.size(), RefusalLog::kKeptMax);
  EXPECT_EQ(newest.front().message_id, "1499");
  EXPECT_EQ(newest.front().detail.size(), RefusalLog::kTextBytesMax);
}

}  // namespace
}  // namespace postglass::intake
