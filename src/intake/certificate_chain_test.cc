#include "intake/certificate_chain.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/time_format.h"
#include "intake/intake_testing.h"
#include "net/tls.h"

namespace postglass::intake {
namespace {

// An authority of our own and a certificate of it for sns.amazonaws.com.
struct Certificates {
  Certificates() {
    authority = *net::MakeCertificateAuthority(clock, random, "Test Root");
    leaf = *net::MakeServerCertificate(
        clock, random, authority, "sns.amazonaws.com", {"sns.amazonaws.com"});
  }

  ManualClock clock;
  SystemRandom random;
  net::CertificateAndKey authority;
  net::CertificateAndKey leaf;
};

TEST(IssuerFetchingChainChecker, AsksForAPathADateAndAName) {
  const Certificates made;
  FakeHttpClient client;
  const auto trusting = IssuerFetchingChainChecker::Create(
      client, {.system_roots = false, .extra_roots_pem = made.authority.certificate_pem});
  const auto other = IssuerFetchingChainChecker::Create(client, {.system_roots = false});
  ASSERT_TRUE(trusting && other);
  const Timestamp now = made.clock.Now() + std::chrono::hours(1);
  const std::string& pem = made.leaf.certificate_pem;

  EXPECT_TRUE((*trusting)->Check(pem, {"sns.amazonaws.com"}, now));
  EXPECT_TRUE((*trusting)->Check(pem, {"sns.us-east-1.amazonaws.com", "sns.amazonaws.com"}, now));
  const auto code = [](const Status& status) { return status.error().code; };
  EXPECT_EQ(code((*trusting)->Check(pem, {"sqs.amazonaws.com"}, now)),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(
      code((*trusting)->Check(pem, {"sns.amazonaws.com"}, now + std::chrono::hours(24 * 900))),
      ErrorCode::kPermissionDenied);
  EXPECT_EQ(code((*trusting)->Check(pem, {"sns.amazonaws.com"}, now - std::chrono::hours(24 * 30))),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(code((*other)->Check(pem, {"sns.amazonaws.com"}, now)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code((*other)->Check("no pem", {"sns.amazonaws.com"}, now)),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(client.requests.empty());
}

// The genuine certificate comes without its issuer: the checker asks where the certificate says.
TEST(IssuerFetchingChainChecker, AsksForTheIssuerOfAGenuineCertificate) {
  std::ifstream in(std::filesystem::path(POSTGLASS_SOURCE_DIR) /
                   "tests/data/sns/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem");
  const std::string pem{std::istreambuf_iterator<char>(in), {}};
  const Timestamp valid = *ParseIso8601("2026-03-06T19:31:32Z");
  const std::string url = "http://crt.r2m01.amazontrust.com/r2m01.cer";
  FakeHttpClient client;
  const auto checker = IssuerFetchingChainChecker::Create(client, {.system_roots = false});
  ASSERT_TRUE(checker);

  EXPECT_EQ((*checker)->Check(pem, {"sns.amazonaws.com"}, valid).error().code,
            ErrorCode::kUnavailable);
  ASSERT_EQ(client.requests.size(), 1U);
  EXPECT_EQ(client.requests[0].url, url);

  // What is served there is an authority nobody trusts, and not the issuer.
  client.answers[url] = net::TextResponse(200, Certificates().authority.certificate_pem);
  EXPECT_EQ((*checker)->Check(pem, {"sns.amazonaws.com"}, valid).error().code,
            ErrorCode::kPermissionDenied);
}

TEST(IssuerFetchingChainChecker, FetchesFromAmazonTrustServicesOnly) {
  const auto allowed = IssuerFetchingChainChecker::IsIssuerUrlAllowed;
  EXPECT_TRUE(allowed("http://crt.r2m01.amazontrust.com/r2m01.cer"));
  EXPECT_TRUE(allowed("http://crt.rootca1.amazontrust.com/rootca1.cer"));
  EXPECT_FALSE(allowed("http://crt.evil.example/r2m01.cer"));
  EXPECT_FALSE(allowed("http://crt.r2m01.amazontrust.com:8080/r2m01.cer"));
  EXPECT_FALSE(allowed("http://169.254.169.254/latest"));
  EXPECT_FALSE(allowed("http://amazontrust.com/"));
  EXPECT_FALSE(allowed("ftp://crt.r2m01.amazontrust.com/"));
  EXPECT_FALSE(allowed(""));
}

}  // namespace
}  // namespace postglass::intake
