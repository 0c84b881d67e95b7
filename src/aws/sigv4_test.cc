#include "aws/sigv4.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::aws {
namespace {

constexpr std::string_view kKeyId = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

Timestamp At(std::string_view text) { return *ParseCompactUtc(text); }

// A request as a client puts it on the wire, with the signature the client computed.
struct Vector {
  std::string name, service, method, target, host, date, content_type, body, signed_headers,
      signature;
  std::string key_id = std::string(kKeyId);
  std::string secret = std::string(kSecret);
};

net::HttpRequest Request(const Vector& v) {
  net::HttpRequest request;
  request.method = v.method;
  request.target = v.target;
  request.body = v.body;
  request.headers = {{"Host", v.host}, {"X-Amz-Date", v.date}};
  if (!v.content_type.empty()) request.headers.Add("Content-Type", v.content_type);
  request.headers.Add("Content-Length", std::to_string(v.body.size()));
  request.headers.Add(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}/us-east-1/{}/aws4_request, SignedHeaders={}, "
                  "Signature={}",
                  v.key_id,
                  v.date.substr(0, 8),
                  v.service,
                  v.signed_headers,
                  v.signature));
  return request;
}

// AWS's published test suite, with its key; the host of all is example.amazonaws.com.
Vector Suite(std::string name, std::string method, std::string target, std::string signature) {
  return {std::move(name),
          "service",
          std::move(method),
          std::move(target),
          "example.amazonaws.com",
          "20150830T123600Z",
          "",
          "",
          "host;x-amz-date",
          std::move(signature),
          "AKIDEXAMPLE",
          "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
}

std::vector<Vector> Vectors() {
  std::vector<Vector> vectors = {
      Suite("get-vanilla",
            "GET",
            "/",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      Suite("get-relative",
            "GET",
            "/example/..",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      Suite("get-vanilla-query-order-key-case",
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
      Suite("post-vanilla",
            "POST",
            "/",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
      // Computed with botocore 1.43, which encodes the encoded path again, as all services but S3.
      Suite("utf-8 path",
            "GET",
            "/%E1%88%B4",
            "697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d"),
  };
  Vector form = Suite("post-x-www-form-urlencoded",
                      "POST",
                      "/",
                      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  form.content_type = "application/x-www-form-urlencoded";
  form.body = "Param1=value1";
  form.signed_headers = "content-type;host;x-amz-date";
  vectors.push_back(form);
  // The rest: botocore 1.43 for a local endpoint.
  vectors.push_back({"ses v1",
                     "ses",
                     "POST",
                     "/",
                     "127.0.0.1:8080",
                     "20261123T060000Z",
                     "application/x-www-form-urlencoded; charset=utf-8",
                     "Action=SendEmail&Version=2010-12-01&Source=a%40example.com",
                     "content-type;host;x-amz-date",
                     "3848a2e5b7f64cf5022d7be6f9b368e78f38758910f04503a1a6cc668396293f"});
  vectors.push_back({"ses v2 with an escape in the path",
                     "ses",
                     "GET",
                     "/v2/email/identities/a%40b.c",
                     "127.0.0.1:8080",
                     "20261123T060000Z",
                     "",
                     "",
                     "host;x-amz-date",
                     "45ee8757ae5fa5872e287e9a6c87e88d5a5db7b8db8e9c7098331e6fec80e0ba"});
  vectors.push_back({"ses v2 with a repeated query parameter",
                     "ses",
                     "DELETE",
                     "/v2/email/tags?ResourceArn=arn%3Aaws%3Ases%3Aus-east-1%3A000000000000%3A"
                     "identity%2Fx&TagKeys=b%20c&TagKeys=a",
                     "127.0.0.1:8080",
                     "20261123T060000Z",
                     "",
                     "",
                     "host;x-amz-date",
                     "687f9716bb5316a9a48455a211aec052b3580df040ed162e095aedb5623bdfb9"});
  return vectors;
}

TEST(SigV4, VerifiesWhatOthersSigned) {
  for (const Vector& v : Vectors()) {
    const net::HttpRequest request = Request(v);
    const ScopeOrError read = ReadScope(request);
    ASSERT_TRUE(read.scope) << v.name;
    EXPECT_EQ(read.scope->access_key_id, v.key_id);
    EXPECT_EQ(read.scope->service, v.service);
    const auto error = VerifySignature(request, *read.scope, v.secret, At(v.date));
    EXPECT_FALSE(error) << v.name << ": " << error->message;
    const auto wrong = VerifySignature(request, *read.scope, v.secret + "x", At(v.date));
    ASSERT_TRUE(wrong) << v.name;
    EXPECT_EQ(wrong->code, "SignatureDoesNotMatch");
    EXPECT_EQ(wrong->http_status, 403);
  }
}

TEST(SigV4, RefusesEveryChangedPart) {
  using Change = void (*)(net::HttpRequest&);
  const std::vector<std::pair<std::string, Change>> changes = {
      {"method", [](net::HttpRequest& r) { r.method = "PUT"; }},
      {"path", [](net::HttpRequest& r) { r.target = "/v2"; }},
      {"query", [](net::HttpRequest& r) { r.target = "/?a=b"; }},
      {"host", [](net::HttpRequest& r) { r.headers.Set("Host", "127.0.0.1:8081"); }},
      {"signed header", [](net::HttpRequest& r) { r.headers.Set("Content-Type", "text/plain"); }},
      {"body", [](net::HttpRequest& r) { r.body[0] = 'B'; }},
      {"time", [](net::HttpRequest& r) { r.headers.Set("X-Amz-Date", "20261123T060001Z"); }},
      {"payload",
       [](net::HttpRequest& r) { r.headers.Add("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"); }},
  };
  const Vector v = Vectors()[6];
  for (const auto& [name, change] : changes) {
    net::HttpRequest request = Request(v);
    const SignatureScope scope = *ReadScope(request).scope;
    ASSERT_FALSE(VerifySignature(request, scope, kSecret, At(v.date)));
    change(request);
    const auto error = VerifySignature(request, scope, kSecret, At(v.date));
    ASSERT_TRUE(error) << name;
    EXPECT_EQ(error->code, "SignatureDoesNotMatch") << name;
  }
}

TEST(SigV4, ClockSkewIsFiveMinutesEitherWay) {
  const Vector v = Vectors()[6];
  const net::HttpRequest request = Request(v);
  const SignatureScope scope = *ReadScope(request).scope;
  for (const auto& [now, text] : std::vector<std::pair<std::string, std::string>>{
           {"20261123T060500Z", ""},
           {"20261123T055500Z", ""},
           {"20261123T060501Z",
            "Signature expired: 20261123T060000Z is now earlier than "
            "20261123T060001Z (20261123T060501Z - 5 min.)"},
           {"20261123T055459Z",
            "Signature not yet current: 20261123T060000Z is still later than "
            "20261123T055959Z (20261123T055459Z + 5 min.)"}}) {
    const auto error = VerifySignature(request, scope, kSecret, At(now));
    EXPECT_EQ(error ? error->message : "", text) << now;
  }
}

TEST(SigV4, VerifiesPresignedRequestsUntilTheyExpire) {
  net::HttpRequest request;
  request.method = "GET";
  request.target =
      "/?Action=ListTopics&Version=2010-03-31&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
      "AKIAIOSFODNN7EXAMPLE%2F20261123%2Fus-east-1%2Fsns%2Faws4_request&X-Amz-Date="
      "20261123T060000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
      "10b0159b7eb3f02b9bc3c1b369f69f1dabb8d23bc12dc32b31f510203f8676bd";
  request.headers = {{"Host", "127.0.0.1:8080"}};
  const ScopeOrError read = ReadScope(request);
  ASSERT_TRUE(read.scope);
  EXPECT_EQ(read.scope->service, "sns");
  EXPECT_FALSE(VerifySignature(request, *read.scope, kSecret, At("20261123T061500Z")));
  EXPECT_TRUE(VerifySignature(request, *read.scope, kSecret, At("20261123T061501Z")));
  request.target.replace(request.target.find("ListTopics"), 10, "ListTopicz");
  EXPECT_TRUE(VerifySignature(request, *read.scope, kSecret, At("20261123T060000Z")));
}

TEST(SigV4, BrokenSignaturesAreIncompleteAndNoneIsNothing) {
  net::HttpRequest request = Request(Vectors()[0]);
  for (const std::string authorization :
       {"AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=/b/c/d/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws3_request, SignedHeaders=host, Signature=00"}) {
    request.headers.Set("Authorization", authorization);
    const ScopeOrError read = ReadScope(request);
    EXPECT_FALSE(read.scope) << authorization;
    ASSERT_TRUE(read.error) << authorization;
    EXPECT_EQ(read.error->code, "IncompleteSignature") << authorization;
  }
  request.headers.Set("Authorization", "Basic abc");
  const ScopeOrError none = ReadScope(request);
  EXPECT_FALSE(none.scope);
  EXPECT_FALSE(none.error);
}

// As the SDKs for JavaScript and Go sign: more headers, and the hash of the body as one.
TEST(SigV4, SignsWhatItVerifiesWithManyHeaders) {
  SigningKeyCache cache;
  const Timestamp now = At("20261123T060000Z");
  const SignatureScope scope{std::string(kKeyId), "20261123", "us-east-1", "ses"};
  for (const bool hash_header : {false, true}) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/v2/email/outbound-emails";
    request.body = R"({"Content":{}})";
    request.headers = {{"Host", "localhost:8080"},
                       {"Content-Type", "application/json"},
                       {"amz-sdk-invocation-id", "4a50f1f8-4e8f-4b2e-8e3b-1d0a4d8a3f0c"},
                       {"amz-sdk-request", "attempt=1;   max=3"},
                       {"content-length", std::to_string(request.body.size())}};
    if (hash_header) {
      request.headers.Add("x-amz-content-sha256", HexEncode(Sha256(request.body)));
    }
    SignRequest(request, scope, kSecret, now);
    request.headers.Add("User-Agent", "not signed");
    for (int round = 0; round < 2; ++round) {
      const auto error = VerifySignature(request, scope, kSecret, now, &cache);
      EXPECT_FALSE(error) << error->message;
    }
    // A cached key of a secret that was replaced does not open the door.
    EXPECT_TRUE(VerifySignature(request, scope, "other", now, &cache));
    EXPECT_FALSE(VerifySignature(request, scope, kSecret, now, &cache));
    request.body += ' ';
    const auto error = VerifySignature(request, scope, kSecret, now, &cache);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, hash_header ? "XAmzContentSHA256Mismatch" : "SignatureDoesNotMatch");
  }
}

TEST(SigV4, HostTargetAndDateMustBeSigned) {
  const Timestamp now = At("20261123T060000Z");
  const SignatureScope scope{std::string(kKeyId), "20261123", "us-east-1", "ses"};
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/";
  SignRequest(request, scope, kSecret, now);
  ASSERT_TRUE(VerifySignature(request, scope, kSecret, now));
  request.headers.Add("Host", "localhost");
  SignRequest(request, scope, kSecret, now);
  ASSERT_FALSE(VerifySignature(request, scope, kSecret, now));
  request.headers.Add("X-Amz-Target", "Other.Operation");
  EXPECT_TRUE(VerifySignature(request, scope, kSecret, now));
}

TEST(SigV4, SmtpPasswordsAreDerivedByRegion) {
  EXPECT_EQ(SmtpPassword(kSecret, "us-east-1"), "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9");
  EXPECT_EQ(SmtpPassword(kSecret, "us-west-2"), "BF2PynzbSCAjX08zhZZnP/kW+T9P5zs/1Er0pi5vTEmd");
  EXPECT_EQ(SmtpPassword(kSecret, "eu-west-1"), "BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk");
}

}  // namespace
}  // namespace postglass::aws
