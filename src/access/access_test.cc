#include <gtest/gtest.h>

#include "access/key_ring.h"
#include "access/users.h"
#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"

namespace postglass::access {
namespace {

class AccessTest : public testing::Test {
 protected:
  AccessTest() {
    auto box = SecretBox::Open(fs_, random_, "secret.key");
    EXPECT_TRUE(box.has_value());
    box_ = std::make_unique<SecretBox>(std::move(*box));
  }

  std::unique_ptr<KeyRing> Ring() { return *KeyRing::Load(*settings_, *box_, clock_, random_); }

  std::unique_ptr<Users> People() { return *Users::Load(*settings_, *box_, clock_, random_); }

  ManualClock clock_;
  SeededRandom random_{7};
  FaultyFileSystem fs_;
  std::unique_ptr<Settings> settings_ = std::make_unique<MemorySettings>();
  std::unique_ptr<SecretBox> box_;
};

TEST_F(AccessTest, KeysSurviveARestartAndEndWithTheirRevocation) {
  auto ring = Ring();
  const aws::Credential aws_key = *ring->CreateAwsKey("app", {"ses:*"});
  const std::string api_key = *ring->CreateApiKey("default");
  const std::string application_key = *ring->CreateApplicationKey("default");
  EXPECT_EQ(api_key.size(), 32u);
  EXPECT_EQ(application_key.size(), 40u);

  ring = Ring();
  EXPECT_EQ(ring->Find(aws_key.access_key_id)->secret_access_key, aws_key.secret_access_key);
  EXPECT_EQ(ring->Find(aws_key.access_key_id)->allowed_actions, std::vector<std::string>{"ses:*"});
  EXPECT_TRUE(ring->IsApiKey(api_key));
  EXPECT_TRUE(ring->IsApplicationKey(application_key));
  EXPECT_FALSE(ring->IsApiKey(application_key)) << "one kind is not the other";
  EXPECT_FALSE(ring->IsApiKey(""));

  EXPECT_TRUE(ring->Revoke(api_key).has_value()) << "the whole key is taken as its name";
  EXPECT_TRUE(ring->Revoke(aws_key.access_key_id).has_value());
  EXPECT_FALSE(ring->IsApiKey(api_key));
  EXPECT_FALSE(ring->Find(aws_key.access_key_id).has_value());
  EXPECT_EQ(ring->Revoke("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(Ring()->IsApiKey(api_key));
}

TEST_F(AccessTest, SecretsAreNotInTheDatabase) {
  auto ring = Ring();
  const aws::Credential aws_key = *ring->CreateAwsKey("app");
  const std::string api_key = *ring->CreateApiKey("default");
  for (const char* kind : {"aws_key", "api_key"}) {
    const std::vector<Settings::Document> documents = *settings_->List(kind);
    ASSERT_EQ(documents.size(), 1u);
    EXPECT_EQ(documents[0].json.find(aws_key.secret_access_key), std::string::npos);
    EXPECT_EQ((documents[0].key + documents[0].json).find(api_key), std::string::npos);
  }
}

TEST_F(AccessTest, ASessionEndsWithItsTimeItsPasswordAndItsUser) {
  auto users = People();
  ASSERT_TRUE(users->Create("admin", "correct horse battery").has_value());
  const std::string token = *users->LogIn("admin", "correct horse battery", "127.0.0.1");
  EXPECT_EQ(users->FindSession(token), "admin");
  EXPECT_EQ(People()->FindSession(token), "admin") << "survives a restart";

  std::string forged = token;
  forged[2] = forged[2] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(users->FindSession(forged).has_value());

  clock_.Advance(std::chrono::hours(13));
  EXPECT_FALSE(users->FindSession(token).has_value());

  const std::string second = *users->LogIn("admin", "correct horse battery", "127.0.0.1");
  ASSERT_TRUE(users->SetPassword("admin", "another good one").has_value());
  EXPECT_FALSE(users->FindSession(second).has_value());
}

TEST_F(AccessTest, RefusesBadNamesShortPasswordsAndGuessing) {
  auto users = People();
  EXPECT_EQ(users->Create("Bad Name", "correct horse battery").error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(users->Create("admin", "short").error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(users->Create("admin", "correct horse battery").has_value());
  EXPECT_EQ(users->Create("admin", "correct horse battery").error().code,
            ErrorCode::kAlreadyExists);

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(users->LogIn("admin", "wrong password", "127.0.0.1").error().code,
              ErrorCode::kUnauthenticated);
  }
  EXPECT_EQ(users->LogIn("admin", "correct horse battery", "127.0.0.1").error().code,
            ErrorCode::kLimit);
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_TRUE(users->LogIn("admin", "correct horse battery", "127.0.0.1").has_value());
}

}  // namespace
}  // namespace postglass::access
