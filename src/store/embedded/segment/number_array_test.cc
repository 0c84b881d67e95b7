#include "store/embedded/segment/number_array.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random_testing.h"
#include "store/embedded/segment/buffer.h"

namespace postglass::store {
namespace {

std::vector<std::uint64_t> Make(int kind, std::size_t count, SeededRandom& random) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t last = random.Below(1'000'000);
  for (std::size_t i = 0; i < count; ++i) {
    switch (kind) {
      case 0:  // all the same
        numbers.push_back(4711);
        break;
      case 1:  // any 64 bits
        numbers.push_back(random.Below(1U << 31) << 33 | random.Below(1U << 31));
        break;
      case 2:  // a counter
        numbers.push_back(last += random.Below(3));
        break;
      case 3:  // small, with a few that are large
        numbers.push_back(random.Below(50) == 0 ? ~random.Below(1U << 31) : random.Below(5));
        break;
      default:
        numbers.push_back(random.Below(std::uint64_t{1} << (kind * 5)));
        break;
    }
  }
  return numbers;
}

TEST(NumberArray, GivesBackWhatWasAppended) {
  SeededRandom random(1);
  for (const std::size_t count : {0U, 1U, 2U, 127U, 128U, 129U, 1000U, 5001U}) {
    for (int kind = 0; kind < 12; ++kind) {
      SCOPED_TRACE(fmt::format("{} numbers of kind {}", count, kind));
      const std::vector<std::uint64_t> numbers = Make(kind, count, random);
      std::string bytes;
      NumberArray::Append(bytes, numbers);
      bytes += 'x';
      const Buffer buffer(bytes);
      ByteReader in(buffer.view());
      const std::optional<NumberArray> array = NumberArray::Take(in, count);
      ASSERT_TRUE(array);
      EXPECT_EQ(in.remaining(), 1U);
      ASSERT_EQ(array->size(), count);
      std::vector<std::uint64_t> copy(count);
      array->CopyTo(copy.data());
      EXPECT_EQ(copy, numbers);
      const auto [least, greatest] = array->Bounds();
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ((*array)[i], numbers[i]);
        ASSERT_GE(numbers[i], least);
        ASSERT_LE(numbers[i], greatest);
      }
      // Cut anywhere it is none.
      const std::size_t whole = bytes.size() - 1;
      for (std::size_t size = 0; size < whole; size += 1 + whole / 50) {
        ByteReader cut(buffer.view().substr(0, size));
        EXPECT_FALSE(NumberArray::Take(cut, count));
      }
    }
  }
}

TEST(NumberArray, IsAsShortAsItsFormAllows) {
  const auto size = [](int kind) {
    SeededRandom random(1);
    std::string bytes;
    NumberArray::Append(bytes, Make(kind, 12'800, random));
    return bytes.size();
  };
  EXPECT_LT(size(0), 8U);
  EXPECT_LT(size(2), 12'800U);          // 7 bits and the blocks' beginnings
  EXPECT_LT(size(3), 12'800U * 3 / 4);  // 3 bits, and a fiftieth of eight bytes
}

// The bytes in docs/format/segment.md.
TEST(NumberArray, IsAsDocumented) {
  std::string bytes;
  NumberArray::Append(bytes, std::vector<std::uint64_t>{1000, 1005, 1003});
  EXPECT_EQ(bytes, std::string("\x00\x03\xe8\x07\x03\xe8\x00", 7));
}

}  // namespace
}  // namespace postglass::store
