#include "intake/firehose_hook.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "intake/intake_testing.h"

namespace postglass::intake {
namespace {

class FirehoseHookTest : public testing::Test {
 protected:
  static json::object Body(const std::vector<std::string>& records) {
    json::array list;
    for (const std::string& record : records) {
      list.push_back(json::object{{"data", Base64Encode(record)}});
    }
    return {{"requestId", "r-1"}, {"timestamp", 1}, {"records", std::move(list)}};
  }

  net::HttpResponse Post(std::string body,
                         std::string_view key = kTestApiKey,
                         const std::string& coding = "") {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/hooks/firehose";
    request.headers = {{"X-Amz-Firehose-Request-Id", "r-1"},
                       {"X-Amz-Firehose-Access-Key", std::string(key)}};
    if (!coding.empty()) request.headers.Add("Content-Encoding", coding);
    request.body = std::move(body);
    return hook_.Handle(request);
  }

  IntakeFixture world_;
  FirehoseHook hook_{world_.keys, world_.intake, world_.clock, world_.metrics};
};

constexpr char kSend[] =
    R"({"eventType":"Send","mail":{"messageId":"m1","timestamp":"2027-01-15T08:00:00.000Z",)"
    R"("source":"a@example.com","destination":["b@example.com"]},"send":{}})";

TEST_F(FirehoseHookTest, EventsOfSesAndOthersAreTakenOnce) {
  const std::string body = json::Serialize(
      Body({std::string(kSend) + "\n", R"({"a":1}{"a":2})", "{\"message\":\"plain\"}"}));
  const net::HttpResponse answer = Post(body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::object shown = *json::ParseObject(answer.body);
  EXPECT_EQ(json::GetString(shown, "requestId"), "r-1");
  EXPECT_TRUE(json::GetInt(shown, "timestamp"));
  EXPECT_EQ(world_.Stored().size(), 4U);
  EXPECT_EQ(world_.Stored()[0].source, "ses");
  EXPECT_EQ(Post(*net::GzipCompress(json::Serialize(Body({kSend}))), kTestApiKey, "gzip").status,
            200);
  EXPECT_EQ(world_.Stored().size(), 4U);  // the same event again
}

TEST_F(FirehoseHookTest, WhatIsNoRequestOfFirehoseIsRefused) {
  const std::string good = json::Serialize(Body({kSend}));
  EXPECT_EQ(Post(good, "wrong").status, 401);
  EXPECT_EQ(Post(good, "").status, 401);
  EXPECT_EQ(Post("x").status, 400);
  EXPECT_EQ(Post("{}").status, 400);
  EXPECT_EQ(Post(R"({"requestId":"other","records":[{"data":"eA=="}]})").status, 400);
  EXPECT_EQ(Post(R"({"requestId":"r-1","records":[]})").status, 400);
  EXPECT_EQ(Post(R"({"requestId":"r-1","records":[{"data":"%"}]})").status, 400);
  EXPECT_EQ(Post(good, kTestApiKey, "gzip").status, 400);
  EXPECT_EQ(Post(json::Serialize(Body(std::vector<std::string>(10'001, "x")))).status, 413);
  EXPECT_TRUE(world_.Stored().empty());
}

}  // namespace
}  // namespace postglass::intake
