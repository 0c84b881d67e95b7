#include "aws/sns_signature.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock_testing.h"
#include "base/file_system.h"
#include "base/random_testing.h"

namespace postglass::aws {
namespace {

namespace stdfs = std::filesystem;

const stdfs::path kGenuine = stdfs::path(POSTGLASS_SOURCE_DIR) / "tests/data/sns";

json::object ReadMessage(const stdfs::path& file) {
  return *json::ParseObject(*PosixFileSystem().ReadFile(file));
}

std::vector<stdfs::path> GenuineMessages() {
  std::vector<stdfs::path> files;
  for (const auto& entry : stdfs::directory_iterator(kGenuine)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  return files;
}

std::string CertificateOf(const json::object& message) {
  const std::string url = json::GetStringOr(message, "SigningCertURL", "");
  return *PosixFileSystem().ReadFile(kGenuine / url.substr(url.rfind('/') + 1));
}

Status Verify(const json::object& message, const std::string& certificate) {
  ASSIGN_OR_RETURN(const std::string canonical, SnsCanonicalString(message));
  const SnsSignatureVersion version = json::GetStringOr(message, "SignatureVersion", "") == "1"
                                          ? SnsSignatureVersion::kSha1
                                          : SnsSignatureVersion::kSha256;
  return VerifySnsSignature(
      canonical, json::GetStringOr(message, "Signature", ""), certificate, version);
}

TEST(SnsSignature, GenuineMessagesVerify) {
  const std::vector<stdfs::path> files = GenuineMessages();
  ASSERT_EQ(files.size(), 7U);
  for (const stdfs::path& file : files) {
    const json::object message = ReadMessage(file);
    const Status status = Verify(message, CertificateOf(message));
    EXPECT_TRUE(status) << file << ": " << status.error().message;
    EXPECT_TRUE(VerifySnsSignature(*SnsCanonicalString(message),
                                   json::GetStringOr(message, "Signature", ""),
                                   CertificateOf(message),
                                   std::nullopt));
  }
}

TEST(SnsSignature, OneChangedByteOfAnySignedFieldIsRefused) {
  for (const stdfs::path& file : GenuineMessages()) {
    const json::object message = ReadMessage(file);
    const std::string certificate = CertificateOf(message);
    for (const char* field : {"Message",
                              "MessageId",
                              "Subject",
                              "Timestamp",
                              "TopicArn",
                              "Type",
                              "SubscribeURL",
                              "Token",
                              "Signature"}) {
      const auto original = json::GetString(message, field);
      if (!original || original->empty()) continue;
      for (const std::size_t at : {std::size_t{0}, original->size() / 2, original->size() - 1}) {
        json::object altered = message;
        std::string text(*original);
        text[at] = text[at] == 'x' ? 'y' : 'x';
        altered[field] = text;
        EXPECT_FALSE(Verify(altered, certificate)) << file << " " << field << " at " << at;
      }
    }
    for (const char* field : {"Message", "MessageId", "Timestamp", "TopicArn", "Type"}) {
      json::object altered = message;
      altered.erase(field);
      EXPECT_FALSE(Verify(altered, certificate)) << file << " without " << field;
    }
  }
}

TEST(SnsSignature, SubjectIsSignedOnlyWhenThere) {
  json::object message{{"Type", "Notification"},
                       {"MessageId", "i"},
                       {"TopicArn", "t"},
                       {"Message", "m"},
                       {"Timestamp", "w"}};
  const std::string without =
      "Message\nm\nMessageId\ni\nTimestamp\nw\nTopicArn\nt\nType\nNotification\n";
  EXPECT_EQ(*SnsCanonicalString(message), without);
  message["Subject"] = nullptr;  // as Lambda records say
  EXPECT_EQ(*SnsCanonicalString(message), without);
  message["Subject"] = "s";
  EXPECT_EQ(
      *SnsCanonicalString(message),
      "Message\nm\nMessageId\ni\nSubject\ns\nTimestamp\nw\nTopicArn\nt\nType\nNotification\n");
  message["Subject"] = 1;
  EXPECT_FALSE(SnsCanonicalString(message));
  message["Type"] = "Other";
  EXPECT_FALSE(SnsCanonicalString(message));
}

TEST(SnsSignature, SignsWhatItVerifies) {
  ManualClock clock;
  SeededRandom random(1);
  const auto authority = net::MakeCertificateAuthority(clock, random, "Test CA");
  ASSERT_TRUE(authority) << authority.error().message;
  const auto key =
      net::MakeServerCertificate(clock, random, *authority, "sns.amazonaws.com", {"localhost"});
  ASSERT_TRUE(key) << key.error().message;
  const auto signer = SnsSigner::Create(*key);
  ASSERT_TRUE(signer) << signer.error().message;
  for (const auto version : {SnsSignatureVersion::kSha1, SnsSignatureVersion::kSha256}) {
    const std::string signature = (*signer)->Sign("text", version);
    EXPECT_TRUE(VerifySnsSignature("text", signature, (*signer)->certificate_pem(), version));
    EXPECT_TRUE(VerifySnsSignature("text", signature, (*signer)->certificate_pem(), std::nullopt));
    const auto other = version == SnsSignatureVersion::kSha1 ? SnsSignatureVersion::kSha256
                                                             : SnsSignatureVersion::kSha1;
    const Status wrong = VerifySnsSignature("text", signature, (*signer)->certificate_pem(), other);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ErrorCode::kPermissionDenied);
  }
  const std::string& path = (*signer)->certificate_path();
  EXPECT_TRUE(path.starts_with("/SimpleNotificationService-"));
  EXPECT_TRUE(path.ends_with(".pem"));
  EXPECT_EQ(path.size(), std::string_view("/SimpleNotificationService-.pem").size() + 32);
  EXPECT_FALSE(SnsSigner::Create({key->certificate_pem, authority->private_key_pem}));
  EXPECT_FALSE(SnsSigner::Create({"x", "y"}));
}

TEST(SnsSignature, BadInputsAreNamed) {
  const json::object message = ReadMessage(kGenuine / "notification-sha256.json");
  const std::string certificate = CertificateOf(message);
  EXPECT_EQ(VerifySnsSignature("x", "***", certificate, std::nullopt).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(VerifySnsSignature("x", "AAAA", "no pem", std::nullopt).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(VerifySnsSignature("x", "AAAA", certificate, std::nullopt).error().code,
            ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace postglass::aws
