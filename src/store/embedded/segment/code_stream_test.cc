#include "store/embedded/segment/code_stream.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/random_testing.h"
#include "store/embedded/segment/buffer.h"

namespace postglass::store {
namespace {

constexpr std::uint32_t kCount = 5000;

std::string Encoded(const std::vector<Code>& codes, std::uint32_t dictionary_size) {
  return EncodeCodes(Codes::Pack(codes, dictionary_size), dictionary_size);
}

void ExpectSame(const StoredCodes& stored,
                const std::vector<Code>& codes,
                std::uint32_t dictionary_size) {
  ASSERT_EQ(stored.size(), codes.size());
  const Result<Codes> all = stored.Unpack(dictionary_size);
  ASSERT_TRUE(all);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    ASSERT_EQ(stored[i], codes[i]) << i;
    ASSERT_EQ((*all)[i], codes[i]) << i;
  }
}

// Codes that planes are shorter for: they come again and again.
std::vector<Code> Repeated(Code first, Code below) {
  SeededRandom random(1);
  std::vector<Code> codes;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    codes.push_back(i < 500 ? first + static_cast<Code>(random.Below(below)) : codes[i - 500]);
  }
  return codes;
}

TEST(StoredCodes, AreTheSameInLessMemory) {
  const std::vector<Code> codes = Repeated(40'000, 200);
  const Buffer bytes{std::string_view(Encoded(codes, 50'000))};
  const auto stored = StoredCodes::Parse(nullptr, bytes.view(), kCount, 50'000);
  const auto tight = StoredCodes::ParseTight(bytes.view(), kCount, 50'000);
  ASSERT_TRUE(stored && tight);
  ASSERT_NE(stored->whole(), nullptr);
  EXPECT_EQ(tight->whole(), nullptr);
  EXPECT_LT(tight->memory_bytes(), stored->memory_bytes() / 4 * 3);
  ExpectSame(*stored, codes, 50'000);
  ExpectSame(*tight, codes, 50'000);
  EXPECT_FALSE(tight->MayHold(CodeSet::Range(0, 40'000)));
  EXPECT_TRUE(tight->MayHold(CodeSet::Range(40'001, 40'002)));
}

TEST(StoredCodes, StayWholeWhereNothingIsSaved) {
  const Buffer bytes{std::string_view(Encoded(Repeated(0, 256), 256))};
  const auto tight = StoredCodes::ParseTight(bytes.view(), kCount, 256);
  ASSERT_TRUE(tight);
  EXPECT_NE(tight->whole(), nullptr);
}

TEST(StoredCodes, OfFewValuesKeepNothingOfTheirBytes) {
  std::vector<Code> codes(100);
  for (Code i = 0; i < codes.size(); ++i) codes[i] = i * 7 % 100;
  std::optional<Buffer> bytes(std::string_view(Encoded(codes, 100)));
  const auto tight = StoredCodes::ParseTight(bytes->view(), 100, 100);
  ASSERT_TRUE(tight);
  bytes.reset();
  ExpectSame(*tight, codes, 100);
}

}  // namespace
}  // namespace postglass::store
