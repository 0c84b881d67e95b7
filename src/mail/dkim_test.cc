#include "mail/dkim.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/clock_testing.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "mail/dkim_signing.h"
#include "mail/dkim_testing.h"
#include "mail/header_block.h"
#include "mail/mail_testing.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kMessage =
    "Message-ID: <1@example.com>\r\nFrom: Shop <shop@example.com>\r\nTo: a@example.org,\r\n"
    " b@example.org\r\nSubject:  Reset   your\tpassword \r\nList-Unsubscribe: <https://x/1>\r\n"
    "List-Unsubscribe: <https://x/2>\r\nReceived: by x\r\n\r\nHello \t world  \r\n\r\n\r\n";

// RFC 6376 §3.4.5.
TEST(Dkim, CanonicalFormsAreThoseOfTheRfc) {
  EXPECT_EQ(RelaxedField("A: X\r\n"), "a:X");
  EXPECT_EQ(RelaxedField("B : Y\t\r\n\tZ  \r\n"), "b:Y Z");
  EXPECT_EQ(RelaxedField("C:\r\n"), "c:");
  EXPECT_EQ(RelaxedBody(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(RelaxedBody(""), "");
  EXPECT_EQ(RelaxedBody("\r\n \t\r\n"), "");
  EXPECT_EQ(RelaxedBody("no end"), "no end\r\n");
  EXPECT_EQ(Base64Encode(Sha256(RelaxedBody(""))), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Dkim, KeysAreTakenAsSesTakesThem) {
  EXPECT_TRUE(DkimKey::Parse(kDkimTestKey));
  std::string wrapped = "-----BEGIN RSA PRIVATE KEY-----\n";
  for (std::size_t i = 0; i < kDkimTestKey.size(); i += 64) {
    wrapped += std::string(kDkimTestKey.substr(i, 64)) + "\r\n";
  }
  EXPECT_TRUE(DkimKey::Parse(wrapped + "-----END RSA PRIVATE KEY-----\n"));
  EXPECT_FALSE(DkimKey::Parse(""));
  EXPECT_FALSE(DkimKey::Parse("AAAA"));
  EXPECT_FALSE(DkimKey::Parse("not base64!"));
  EXPECT_FALSE(DkimKey::Parse("-----"));
  EXPECT_FALSE(DkimKey::Parse(kDkimTestKey.substr(0, kDkimTestKey.size() / 2)));
  EXPECT_FALSE(DkimKey::Parse(std::string(20'000, 'A')));
}

// What a receiver does, as far as it needs no DNS.
bool Verifies(std::string_view message) {
  const HeaderBlock header = *HeaderBlock::Scan(message);
  const HeaderField* field = header.Find("DKIM-Signature");
  if (field == nullptr) return false;
  const std::string relaxed = RelaxedField(field->bytes);
  const auto tag = [&relaxed](std::string_view name) {
    const std::size_t at = relaxed.find(std::string(name) + "=") + name.size() + 1;
    return relaxed.substr(at, relaxed.find(';', at) - at);
  };
  if (tag(" bh") != Base64Encode(Sha256(RelaxedBody(header.body())))) return false;
  std::string text;
  std::map<std::string, int> used;
  std::string names = tag(" h") + ":";
  for (std::size_t end = names.find(':'); end != std::string::npos; end = names.find(':')) {
    const std::string name = names.substr(0, end);
    names.erase(0, end + 1);
    int skip = used[name]++;
    for (auto f = header.fields().rbegin(); f != header.fields().rend(); ++f) {
      if (!EqualsIgnoreAsciiCase(f->name, name) || skip-- > 0) continue;
      text += RelaxedField(f->bytes) + "\r\n";
      break;
    }
  }
  text += relaxed.substr(0, relaxed.find(" b=") + 3);
  std::string signature = relaxed.substr(relaxed.find(" b=") + 3);
  std::erase(signature, ' ');
  const std::string raw = Base64Decode(signature).value_or("");
  const std::string der = *Base64Decode(kDkimTestKey);
  auto bytes = reinterpret_cast<const unsigned char*>(der.data());
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &bytes, static_cast<long>(der.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
  const int verified = EVP_DigestVerify(context,
                                        reinterpret_cast<const unsigned char*>(raw.data()),
                                        raw.size(),
                                        reinterpret_cast<const unsigned char*>(text.data()),
                                        text.size());
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return verified == 1;
}

std::string Signed(std::string_view message) {
  const DkimSigner signer{"example.com", "s1", *DkimKey::Parse(kDkimTestKey)};
  return DkimSignatureField(message, signer, Timestamp::FromMillis(1'800'000'000'000)) +
         std::string(message);
}

TEST(Dkim, TheSignatureCoversBodyAndHeaders) {
  const std::string message = Signed(kMessage);
  EXPECT_TRUE(
      message.starts_with("DKIM-Signature: v=1; a=rsa-sha256; "
                          "c=relaxed/relaxed;\r\n\td=example.com; s=s1; t=1800000000;"));
  EXPECT_NE(message.find("h=from:subject:message-id:to:list-unsubscribe:list-unsubscribe:from;"),
            std::string::npos);
  EXPECT_TRUE(Verifies(message));
  const auto with = [&message](std::string_view from, std::string_view to) {
    std::string changed = message;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  EXPECT_TRUE(Verifies(with("Received: by x", "Received: by y")));
  EXPECT_TRUE(Verifies(with("Reset   your\tpassword \r\n", "Reset your\r\n password\r\n")));
  EXPECT_TRUE(Verifies(with("Hello \t world  \r\n\r\n", "Hello world\r\n")));
  EXPECT_FALSE(Verifies(with("Hello", "Hallo")));
  EXPECT_FALSE(Verifies(with("Reset", "Resat")));
  EXPECT_FALSE(Verifies(with("<https://x/2>", "<https://x/3>")));
  EXPECT_FALSE(Verifies(with("Received: by x", "From: other@example.com")));
}

TEST(Dkim, OddMessagesAreSignedToo) {
  for (const std::string_view message : {"From: a@example.com\r\n\r\n",
                                         "From: a@example.com\r\n",
                                         "From:\r\n a@example.com\r\n\r\nx"}) {
    EXPECT_TRUE(Verifies(Signed(message))) << message;
  }
}

TEST(DkimSigning, TheDomainsKeySignsItsAddressesAndSubdomains) {
  MailWorld world;
  FaultyFileSystem fs;
  const SecretBox box = *SecretBox::Open(fs, world.random, "/secret.key");
  DkimSigning signing(*world.identities, box, world.clock, world.metrics);
  const auto field = [&](std::string_view from) {
    return signing.FieldFor("From: " + std::string(from) + "\r\n\r\nx\r\n");
  };
  EXPECT_EQ(field("a@example.com"), "");
  Identity identity;
  identity.name = "example.com";
  identity.dkim.enabled = identity.dkim.started = true;
  identity.dkim.selector = "s1";
  identity.dkim.sealed_key = *signing.SealKey(kDkimTestKey);
  EXPECT_EQ(identity.dkim.sealed_key.find(std::string(kDkimTestKey.substr(0, 40))),
            std::string::npos);
  ASSERT_FALSE(world.identities->Create(identity));
  EXPECT_FALSE(world.identities->Ensure("a@example.com"));
  for (const char* from : {"a@example.com", "A <b@Example.COM>", "c@mail.example.com"}) {
    EXPECT_NE(field(from).find("d=example.com; s=s1;"), std::string::npos) << from;
  }
  EXPECT_EQ(field("a@example.org"), "");
  EXPECT_EQ(field("no address"), "");
  EXPECT_EQ(signing.FieldFor("To: a@example.com\r\n\r\n"), "");

  // As it is after a restart.
  const Identity kept = *DecodeIdentity(EncodeIdentity(*world.identities->Find("example.com")));
  EXPECT_EQ(kept.dkim, identity.dkim);
  const auto change = [&](auto how) {
    EXPECT_FALSE(world.identities->Update("example.com", [&](Identity& it) -> SesOutcome {
      how(it);
      return std::nullopt;
    }));
  };
  change([](Identity& it) { it.dkim.enabled = false; });
  EXPECT_EQ(field("a@example.com"), "");
  change([](Identity& it) {
    it.dkim.enabled = true;
    it.dkim.sealed_key = "damaged";
  });
  EXPECT_EQ(field("a@example.com"), "");
  EXPECT_EQ(world.metrics.GetCounter("postglass_mail_dkim_failed_total", "").value(), 1);
}

}  // namespace
}  // namespace postglass::mail
