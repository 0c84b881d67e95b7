#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "net/openssl_handles.h"
#include "net/tls.h"

namespace postglass::net {
namespace {

using StorePtr = std::unique_ptr<X509_STORE, OpenSslFree<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpenSslFree<X509_STORE_CTX_free>>;

CertificatePtr Parse(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// OpenSSL's verdict on `leaf` as a TLS server's certificate under `authority`, as strict as it
// gets.
int Verify(X509* leaf, X509* authority, Timestamp at) {
  const StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority);
  const StoreContextPtr context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr);
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(at.millis() / 1000));
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(Certificates, ServerCertificateVerifiesStrictlyUnderItsAuthority) {
  ManualClock clock;
  SeededRandom random(1);
  const auto authority = MakeCertificateAuthority(clock, random, "Postglass CA");
  ASSERT_TRUE(authority) << authority.error().message;
  const auto other = MakeCertificateAuthority(clock, random, "Postglass CA");
  ASSERT_TRUE(other);
  const auto server = MakeServerCertificate(
      clock, random, *authority, "localhost", {"localhost", "127.0.0.1", "::1", "*.a.example"});
  ASSERT_TRUE(server) << server.error().message;

  const CertificatePtr ca = Parse(authority->certificate_pem);
  const CertificatePtr foreign = Parse(other->certificate_pem);
  const CertificatePtr leaf = Parse(server->certificate_pem);
  using std::chrono::days;
  EXPECT_EQ(Verify(leaf.get(), ca.get(), clock.Now()), X509_V_OK);
  EXPECT_EQ(Verify(leaf.get(), ca.get(), clock.Now() + days(824)), X509_V_OK);
  EXPECT_NE(Verify(leaf.get(), ca.get(), clock.Now() + days(826)), X509_V_OK);
  EXPECT_NE(Verify(leaf.get(), ca.get(), clock.Now() - days(1)), X509_V_OK);
  EXPECT_NE(Verify(leaf.get(), foreign.get(), clock.Now()), X509_V_OK);

  EXPECT_EQ(X509_check_host(leaf.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf.get(), "b.a.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "127.0.0.2", 0), 0);
}

TEST(Certificates, NamesCannotSmuggleFurtherNames) {
  ManualClock clock;
  SeededRandom random(2);
  const auto authority = MakeCertificateAuthority(clock, random, "CA");
  ASSERT_TRUE(authority);
  const auto server =
      MakeServerCertificate(clock, random, *authority, "x", {"a.example,DNS:evil.example"});
  ASSERT_TRUE(server);
  const CertificatePtr leaf = Parse(server->certificate_pem);
  EXPECT_EQ(X509_check_host(leaf.get(), "evil.example", 0, 0, nullptr), 0);
}

TEST(Certificates, RefusesWhatCannotBeSigned) {
  ManualClock clock;
  SeededRandom random(3);
  const auto authority = MakeCertificateAuthority(clock, random, "CA");
  ASSERT_TRUE(authority);
  EXPECT_FALSE(MakeServerCertificate(clock, random, *authority, "x", {}));
  EXPECT_FALSE(MakeServerCertificate(clock, random, *authority, "x", {""}));
  EXPECT_FALSE(MakeServerCertificate(clock, random, *authority, "x", {"a b"}));
  EXPECT_FALSE(MakeServerCertificate(clock, random, {"no", "pem"}, "x", {"a.example"}));
  // A name too long for CN is still a fine alternative name.
  const std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  const auto server = MakeServerCertificate(clock, random, *authority, long_name, {long_name});
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(X509_check_host(Parse(server->certificate_pem).get(), long_name.c_str(), 0, 0, nullptr),
            1);
}

}  // namespace
}  // namespace postglass::net
