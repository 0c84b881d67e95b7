#include "intake/intake.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "intake/body.h"
#include "intake/dedup.h"
#include "intake/intake_testing.h"
#include "intake/limits.h"
#include "intake/preprocess.h"
#include "intake/truncate.h"

namespace postglass::intake {
namespace {

net::HttpRequest Post(std::string body, std::string target = "/api/v2/logs") {
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.Add("DD-API-KEY", std::string(kTestApiKey));
  request.body = std::move(body);
  return request;
}

std::string Sample(std::string_view name) {
  std::ifstream in(std::filesystem::path(POSTGLASS_SOURCE_DIR) / "tests/data/pipelines" / name,
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One log as the forwarder ships it.
std::string ForwardedLog(std::string_view message_id, std::string_view ses_event) {
  json::object sns{{"MessageId", message_id},
                   {"TopicArn", "arn:aws:sns:us-east-1:000000000000:mail-events"},
                   {"Message", ses_event},
                   {"Timestamp", "2022-01-12T01:00:20.000Z"}};
  json::object log{{"EventSource", "aws:sns"}, {"ddsource", "sns"}};
  log["Sns"] = std::move(sns);
  return json::Serialize(log);
}

double Rejected(IntakeFixture& f, std::string_view reason) {
  return f.metrics.GetCounter("postglass_intake_rejected_total", "", {{"reason", reason}}).value();
}

TEST(IntakeKeys, AreFoundInAllPlacesAndCheckedFirst) {
  struct Case {
    std::string target;
    std::string header;
    int status;
    std::string body;
  };

  const std::string key(kTestApiKey);
  const std::string wrong(32, 'f');
  const std::string v2_403 =
      R"({"errors":[{"status":"403","title":"Forbidden","detail":"the API key is not valid here"}]})";
  for (
      const Case& c : {
          Case{"/api/v2/logs", key, 202, "{}"},
          Case{"/api/v2/logs?dd-api-key=" + key, "", 202, "{}"},
          Case{"/api/v2/logs?api_key=" + key + "&dd-evp-origin=x", "", 202, "{}"},
          Case{"/api/v2/logs/" + key, "", 202, "{}"},
          Case{"/v1/input", key, 200, "{}"},
          Case{"/v1/input/" + key, "", 200, "{}"},
          Case{"/v1/input?dd-api-key=" + key, "", 200, "{}"},
          Case{"/api/v2/logs", wrong, 403, v2_403},
          Case{"/api/v2/logs/" + wrong, "", 403, v2_403},
          Case{"/v1/input/" + wrong,
               "",
               403,
               R"({"code":403,"message":"the API key is not valid here"})"},
          Case{
              "/api/v2/logs",
              "",
              401,
              R"({"errors":[{"status":"401","title":"Unauthorized","detail":"no API key: send it in the header DD-API-KEY"}]})"},
      }) {
    SCOPED_TRACE(c.target + " " + c.header);
    IntakeFixture f;
    net::HttpRequest request = Post("[{\"message\":\"m\"}]", c.target);
    request.headers.Remove("DD-API-KEY");
    if (!c.header.empty()) request.headers.Add("dd-api-key", c.header);
    EXPECT_TRUE(Intake::Handles(request));
    const net::HttpResponse response = f.intake.Handle(request);
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(response.body, c.body);
    EXPECT_EQ(f.Stored().size(), c.status < 300 ? 1U : 0U);
  }
}

TEST(IntakeKeys, TheSearchApiIsNotOurs) {
  for (const char* target : {"/api/v2/logs/events",
                             "/api/v2/logs/events/search",
                             "/api/v2/logsx",
                             "/api/v2/logs/config/archives",
                             "/v1/inputs"}) {
    EXPECT_FALSE(Intake::Handles(Post("", target))) << target;
  }
}

TEST(IntakeValidate, AnswersAsDatadogDoes) {
  struct Case {
    std::string target;
    std::string header;
    int status;
    std::string body;
  };

  IntakeFixture f;
  for (const Case& c : {
           Case{"/api/v1/validate", std::string(kTestApiKey), 200, R"({"valid":true})"},
           Case{"/api/v1/validate?api_key=" + std::string(kTestApiKey),
                "",
                200,
                R"({"valid":true})"},
           Case{"/api/v1/validate", "", 403, R"({"errors":["API key required"]})"},
           Case{"/api/v1/validate", "nonsense", 403, R"({"errors":["Forbidden"]})"},
       }) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = c.target;
    if (!c.header.empty()) request.headers.Add("DD-API-KEY", c.header);
    const net::HttpResponse response = f.intake.Handle(request);
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(response.body, c.body);
  }
}

TEST(IntakeBody, TakesEveryCodingWithinTheCap) {
  const std::string text = R"([{"message":"coded"}])";
  const std::string gzip = *net::GzipCompress(text);
  const std::string bomb = *net::GzipCompress(std::string(kBodyBytesMax + 1, ' '));

  struct Case {
    std::string coding;
    std::string body;
    int status;
  };

  for (const Case& c : {
           Case{"", text, 202},
           Case{"identity", text, 202},
           Case{"gzip", gzip, 202},
           Case{"gzip", bomb, 413},
           Case{"gzip", text, 400},
           Case{"gzip", gzip.substr(0, gzip.size() / 2), 400},
           Case{"zstd", text, 400},
           Case{"deflate", text, 400},
           Case{"lzma", text, 400},
           Case{"", std::string(kBodyBytesMax + 1, 'x'), 413},
       }) {
    SCOPED_TRACE(c.coding);
    IntakeFixture f;
    net::HttpRequest request = Post(c.body);
    if (!c.coding.empty()) request.headers.Add("Content-Encoding", c.coding);
    EXPECT_EQ(f.intake.Handle(request).status, c.status);
    EXPECT_EQ(f.Stored().size(), c.status == 202 ? 1U : 0U);
  }
}

TEST(DecodeBody, TellsFormsApartByTheFirstByte) {
  struct Case {
    std::string_view body;
    std::vector<std::string> logs;
    std::vector<std::size_t> bad;
  };

  for (const Case& c : {
           Case{R"([{"a":1},{"b":2}])", {R"({"a":1})", R"({"b":2})"}, {}},
           Case{"[]", {}, {}},
           Case{R"( {"a":1} )", {R"({"a":1})"}, {}},
           Case{"{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}",
                {R"({"a":1})", R"({"b":2})", R"({"c":3})"},
                {}},
           Case{R"({"a":1}{"b":"}{"})", {R"({"a":1})", R"({"b":"}{"})"}, {}},
           Case{"{\n \"a\": 1\n}\n{\"b\":2}", {R"({"a":1})", R"({"b":2})"}, {}},
           Case{"first line\r\n\nsecond {line}",
                {R"({"message":"first line"})", R"({"message":"second {line}"})"},
                {}},
           Case{"\xEF\xBB\xBF[{\"a\":1}]", {R"({"a":1})"}, {}},
           Case{"[{\"a\":\"\xFF\"}]", {"{\"a\":\"\xEF\xBF\xBD\"}"}, {}},
           // What is broken is named; what is whole comes through.
           Case{R"([{"a":1},7,"text",null,{"b":2}])", {R"({"a":1})", R"({"b":2})"}, {1, 2, 3}},
           Case{R"([{"a":1},{"b":tru},{"c":"]\""},{"d")", {R"({"a":1})", R"({"c":"]\""})"}, {1, 3}},
           Case{"{\"a\":1}\n{\"b\":\n{\"c\":3}", {R"({"a":1})", R"({"c":3})"}, {1}},
           Case{"{\"a\":1}\nnonsense\n{\"c\":3}", {R"({"a":1})", R"({"c":3})"}, {1}},
           Case{R"({"message":)", {}, {0}},
           Case{"[", {}, {}},
           Case{"[}]", {}, {0}},
       }) {
    SCOPED_TRACE(c.body);
    const auto decoded = DecodeBody(c.body, {});
    ASSERT_TRUE(decoded);
    std::vector<std::string> logs;
    for (const json::object& log : decoded->logs) logs.push_back(json::Serialize(log));
    EXPECT_EQ(logs, c.logs);
    std::vector<std::size_t> bad;
    for (const BadLog& log : decoded->bad) bad.push_back(log.index);
    EXPECT_EQ(bad, c.bad);
  }
  EXPECT_EQ(DecodeBody(" \n ", {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(DecodeBody, BoundsDepthAndCount) {
  const auto array = [](std::size_t count) {
    std::string text = "[{}";
    for (std::size_t i = 1; i < count; ++i) text += ",{}";
    return text + "]";
  };
  EXPECT_EQ(DecodeBody(array(kArrayLogsMax), {})->logs.size(), kArrayLogsMax);
  EXPECT_EQ(DecodeBody(array(kArrayLogsMax + 1), {}).error().code, ErrorCode::kLimit);
  std::string lines;
  for (std::size_t i = 0; i <= kLinesMax; ++i) lines += "x\n";
  EXPECT_EQ(DecodeBody(lines, {}).error().code, ErrorCode::kLimit);

  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const auto decoded = DecodeBody("[{\"ok\":1}," + deep + "]", {});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->logs.size(), 1U);
  ASSERT_EQ(decoded->bad.size(), 1U);
  EXPECT_EQ(decoded->bad[0].reason, "nested deeper than 64");
}

TEST(Intake, NamesBadLogsOneByOneAndTakesTheOthers) {
  IntakeFixture f;
  const net::HttpResponse mixed = f.intake.Handle(Post(R"([{"message":"good"},7])"));
  EXPECT_EQ(mixed.status, 202);
  EXPECT_EQ(
      mixed.body,
      R"({"errors":[{"status":"400","title":"Bad Request","detail":"log 1: a log must be a JSON object"}]})");
  EXPECT_EQ(f.Stored().size(), 1U);
  EXPECT_EQ(f.intake.Handle(Post("[7]")).status, 400);
  EXPECT_EQ(f.intake.Handle(Post("[7]", "/v1/input")).body,
            R"({"code":400,"message":"log 0: a log must be a JSON object"})");
  EXPECT_EQ(f.intake.Handle(Post("")).status, 400);
  EXPECT_EQ(Rejected(f, "bad_log"), 3);
  EXPECT_EQ(Rejected(f, "malformed"), 1);
}

TEST(Intake, AnswersStoreTroubleWith503AndRecovers) {
  IntakeFixture f;
  for (const ErrorCode code : {ErrorCode::kDiskFull, ErrorCode::kIo, ErrorCode::kUnavailable}) {
    f.store.FailAppendsWith(Error{code, "no space left"});
    const net::HttpResponse response = f.intake.Handle(Post(R"([{"message":"m"}])"));
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.headers.Get("Retry-After"), "");
  }
  f.store.FailAppendsWith(std::nullopt);
  EXPECT_EQ(f.intake.Handle(Post(R"([{"message":"m"}])")).status, 202);
  EXPECT_EQ(f.Stored().size(), 1U);
  EXPECT_EQ(Rejected(f, "store_unavailable"), 3);
}

TEST(Preprocess, TakesReservedAttributes) {
  struct Case {
    std::string_view entry;
    std::string_view expected;  // message|status|service|source|host|tags|attributes|timestamp
  };

  const auto render = [](const pipelines::Log& log) {
    std::string tags;
    for (const std::string& tag : log.tags) tags += tag + ";";
    return log.message + '|' + log.status + '|' + log.service + '|' + log.source + '|' + log.host +
           '|' + tags + '|' + json::Serialize(log.attributes) + '|' +
           (log.timestamp_ms ? std::to_string(*log.timestamp_ms) : "");
  };
  for (
      const Case& c : {
          Case{
              R"({"message":"m","status":"WARNING","service":"s","ddsource":"nginx","host":"h","ddtags":"a:1, b , ,c:2"})",
              R"(m|warn|s|nginx|h|a:1;b;c:2;source:nginx;|{}|)"},
          Case{R"({"severity":"err","hostname":"h","syslog":{"appname":"app"}})",
               R"(|error|app||h||{"severity":"err","hostname":"h","syslog":{"appname":"app"}}|)"},
          Case{
              R"({"message":"{\"message\":\"inner\",\"service\":\"x\",\"k\":1}","service":"outer"})",
              R"(inner||x||||{"k":1}|)"},
          Case{R"({"message":{"message":"agent","a":{"b":1}},"hostname":"i-1"})",
               R"(agent||||i-1||{"hostname":"i-1","a":{"b":1}}|)"},
          Case{R"({"message":"{not json"})", R"({not json||||||{}|)"},
          Case{R"({"message":["a",1]})", R"(["a",1]||||||{}|)"},
          Case{R"({"timestamp":1476919264133,"date":"x"})",
               R"(||||||{"timestamp":1476919264133,"date":"x"}|1476919264133)"},
          Case{
              R"({"@timestamp":"yesterday","date":"2016-10-19T23:21:04.133Z"})",
              R"(||||||{"@timestamp":"yesterday","date":"2016-10-19T23:21:04.133Z"}|1476919264133)"},
          Case{R"({"status":5,"host":{"name":"x"}})", R"(|notice|||||{"host":{"name":"x"}}|)"},
      }) {
    EXPECT_EQ(render(Preprocess(*json::ParseObject(c.entry), {}, Timestamp{})), c.expected);
  }
}

TEST(Intake, FillsFromTheQueryString) {
  IntakeFixture f;
  EXPECT_EQ(f.intake
                .Handle(Post("plain text\n",
                             "/v1/input?ddsource=app&service=web&hostname=h1&ddtags=env:x,team:y"))
                .status,
            200);
  const auto stored = f.Stored();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].message, "plain text");
  EXPECT_EQ(stored[0].source, "app");
  EXPECT_EQ(stored[0].service, "web");
  EXPECT_EQ(stored[0].host, "h1");
  EXPECT_EQ(stored[0].tags, (std::vector<std::string>{"env:x", "team:y", "source:app"}));
  EXPECT_EQ(stored[0].status, "info");
  EXPECT_EQ(stored[0].attributes, R"({"event":{"verified":"shared_secret"}})");
  EXPECT_EQ(stored[0].timestamp_ms, f.clock.Now().millis());
}

TEST(Intake, KeepsWhatTheClientSaysOfItself) {
  IntakeFixture f;
  net::HttpRequest request = Post(R"({"message":"m","event":"login"})");
  request.headers.Add("DD-EVP-ORIGIN", "vector");
  request.headers.Add("DD-EVP-ORIGIN-VERSION", "0.40");
  EXPECT_EQ(f.intake.Handle(request).status, 202);
  EXPECT_EQ(f.Stored()[0].attributes,
            R"({"event":"login","ingest":{"origin":"vector","origin_version":"0.40"}})");
}

TEST(Intake, AClientCannotClaimToBeVerified) {
  IntakeFixture f;
  f.intake.Handle(Post(R"({"event":{"verified":"signature"}})"));
  EXPECT_EQ(f.Stored()[0].attributes, R"({"event":{"verified":"shared_secret"}})");
}

TEST(Intake, TakesLogsOfAnyAge) {
  IntakeFixture f;
  EXPECT_EQ(f.intake.Handle(Post(R"({"date":"2009-02-13T23:31:30Z"})")).status, 202);
  EXPECT_EQ(f.Stored()[0].timestamp_ms, 1234567890000);
}

TEST(Intake, StoresEachMailEventOnceAndEveryPlainLog) {
  IntakeFixture f;
  const std::string bounce = ForwardedLog("m-1", Sample("ses-event/bounce.json"));
  const std::string delivery = ForwardedLog("m-2", Sample("ses-event/delivery.json"));
  EXPECT_EQ(f.intake.Handle(Post("[" + bounce + "," + delivery + "," + bounce + "]")).status, 202);
  EXPECT_EQ(f.intake.Handle(Post("[" + delivery + "]")).status, 202);
  EXPECT_EQ(f.intake.Handle(Post(R"([{"message":"same"},{"message":"same"}])")).status, 202);
  EXPECT_EQ(f.Stored().size(), 4U);
  EXPECT_EQ(
      f.metrics.GetCounter("postglass_intake_duplicates_total", "", {{"source", "sns"}}).value(),
      2);
  EXPECT_EQ(f.metrics.GetCounter("postglass_intake_events_total", "", {{"door", "api_v2"}}).value(),
            6);
}

TEST(Intake, MasksSecretsBeforeTheyAreStored) {
  const std::string secret = "a8Fk29sLq0ZmX71Pd4Rt";
  const std::string body = ForwardedLog(
      "m-1",
      R"({"eventType":"Click","click":{"link":"https:\/\/app.example\/reset?token=)" + secret +
          R"("},"mail":{"messageId":"x","destination":["a@b.example"],"headers":[{"name":"X-Link","value":"https://app.example/reset?token=)" +
          secret + R"("}],"commonHeaders":{"subject":"See https://app.example/reset?token=)" +
          secret + R"("}}})");
  for (const bool masking : {true, false}) {
    IntakeFixture f(Intake::Options{.masking = masking});
    EXPECT_EQ(f.intake.Handle(Post("[" + body + "]")).status, 202);
    const store::Event event = f.Stored().at(0);
    EXPECT_EQ((event.attributes + event.message).find(secret) == std::string::npos, masking);
  }
}

TEST(DedupKey, NamesTheEventAndNotItsWay) {
  const auto key = [](std::string_view attributes, Verified verified, std::string source = "ses") {
    pipelines::Log log;
    log.source = std::move(source);
    log.timestamp_ms = 1;
    log.attributes = *json::ParseObject(attributes);
    return DedupKeyOf(log, verified);
  };
  const auto shared = Verified::kSharedSecret;
  const std::string_view sns = R"({"Sns":{"MessageId":"a","TopicArn":"t"}})";
  EXPECT_EQ(key(sns, shared), key(R"({"Sns":{"MessageId":"a","TopicArn":"t"},"k":1})", shared));
  EXPECT_NE(key(sns, shared), key(sns, Verified::kSignature));
  EXPECT_NE(key(sns, shared), key(sns, shared, "sns"));
  EXPECT_NE(key(sns, shared), key(R"({"Sns":{"MessageId":"b","TopicArn":"t"}})", shared));

  const std::string_view bounce =
      R"({"eventType":"Bounce","mail":{"messageId":"m"},"bounce":{"feedbackId":"f"}})";
  EXPECT_TRUE(key(bounce, shared));
  EXPECT_EQ(
      key(bounce, shared),
      key(R"({"eventType":"Bounce","mail":{"messageId":"m"},"bounce":{"feedbackId":"f","x":1}})",
          shared));
  const std::string_view click =
      R"({"eventType":"Click","mail":{"messageId":"m"},"click":{"link":"https://a/"}})";
  EXPECT_NE(key(click, shared),
            key(R"({"eventType":"Click","mail":{"messageId":"m"},"click":{"link":"https://b/"}})",
                shared));
  EXPECT_FALSE(key(R"({"message":"plain"})", shared));
  EXPECT_FALSE(key(R"({"eventType":"Send","mail":{}})", shared));
}

TEST(TruncateLog, CutsTheMessageThenTheTextsThenTheRest) {
  store::Event fits;
  fits.message = "m";
  TruncateLog(fits, 100);
  EXPECT_TRUE(fits.tags.empty());

  store::Event long_message;
  long_message.message = std::string(5000, 'm');
  TruncateLog(long_message, 3000);
  EXPECT_EQ(long_message.message.size(), 2998U);
  EXPECT_EQ(long_message.tags, std::vector<std::string>{"truncated"});

  store::Event long_text;
  long_text.attributes = R"({"a":")" + std::string(9000, 'x') + R"(","b":1})";
  TruncateLog(long_text, 3000);
  EXPECT_EQ(long_text.attributes, R"({"a":")" + std::string(1024, 'x') + R"(","b":1})");

  store::Event many;
  many.attributes = R"({"a":[0)";
  for (int i = 0; i < 5000; ++i) many.attributes += ",1";
  many.attributes += "]}";
  TruncateLog(many, 3000);
  EXPECT_EQ(many.attributes, "{}");
}

TEST(Intake, TruncatesALogAboveOneMegabyte) {
  IntakeFixture f;
  EXPECT_EQ(
      f.intake
          .Handle(Post(R"([{"message":")" + std::string(2'000'000, 'm') + R"("},{"message":"n"}])"))
          .status,
      202);
  const auto stored = f.Stored();
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_LE(stored[0].message.size(), kLogBytesMax);
  EXPECT_EQ(stored[0].tags, std::vector<std::string>{"truncated"});
  EXPECT_EQ(stored[1].message, "n");
}

}  // namespace
}  // namespace postglass::intake
