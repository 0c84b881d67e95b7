#include "base/secret_box.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"

namespace postglass {
namespace {

class SecretBoxTest : public testing::Test {
 protected:
  SecretBox Open(const Path& path = "/key") {
    Result<SecretBox> box = SecretBox::Open(fs_, random_, path);
    EXPECT_TRUE(box);
    return std::move(*box);
  }

  FaultyFileSystem fs_;
  SeededRandom random_{5};
};

TEST_F(SecretBoxTest, OpensWhatItSealed) {
  const SecretBox box = Open();
  for (const std::string& plain : {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    const std::string sealed = box.Seal("mail/1", plain);
    EXPECT_EQ(sealed.size(), plain.size() + 29);
    EXPECT_EQ(*box.Unseal("mail/1", sealed), plain);
  }
  EXPECT_NE(box.Seal("c", "same"), box.Seal("c", "same")) << "a nonce was used twice";
}

TEST_F(SecretBoxTest, RefusesEveryFlippedBitOtherContextAndOtherKey) {
  const SecretBox box = Open();
  const std::string sealed = box.Seal("mail/1", "secret");
  for (std::size_t byte = 0; byte < sealed.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[byte] = static_cast<char>(changed[byte] ^ (1 << bit));
      ASSERT_EQ(box.Unseal("mail/1", changed).error().code, ErrorCode::kCorruption);
    }
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    ASSERT_FALSE(box.Unseal("mail/1", sealed.substr(0, size)));
  }
  EXPECT_FALSE(box.Unseal("mail/2", sealed));
  EXPECT_FALSE(Open("/other").Unseal("mail/1", sealed));
}

TEST_F(SecretBoxTest, KeepsItsKeyInAFile) {
  const std::string sealed = Open().Seal("c", "secret");
  EXPECT_EQ(fs_.FileSize("/key"), 32U);
  fs_.RestorePower();
  EXPECT_EQ(*Open().Unseal("c", sealed), "secret");
}

TEST_F(SecretBoxTest, NeverReplacesADamagedKeyFile) {
  for (const std::size_t size : {0U, 31U, 33U}) {
    ASSERT_TRUE(fs_.WriteFileAtomically("/key", std::string(size, 'k')));
    EXPECT_EQ(SecretBox::Open(fs_, random_, "/key").error().code, ErrorCode::kCorruption);
    EXPECT_EQ(fs_.FileSize("/key"), size);
  }
}

TEST_F(SecretBoxTest, DerivesKeysByPurpose) {
  ASSERT_TRUE(fs_.WriteFileAtomically("/key", std::string(32, 'k')));
  const SecretBox box = Open();
  EXPECT_EQ(box.DeriveKey("links"), HmacSha256(std::string(32, 'k'), "links"));
  EXPECT_NE(box.DeriveKey("links"), box.DeriveKey("cursors"));
}

}  // namespace
}  // namespace postglass
