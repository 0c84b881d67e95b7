#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace postglass {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

Status CheckEven(int n) {
  RETURN_IF_ERROR(Half(n));
  return {};
}

TEST(Result, CarriesAValueOrAnError) {
  EXPECT_EQ(*Half(4), 2);
  ASSERT_FALSE(Half(3));
  EXPECT_EQ(Half(3).error(), (Error{ErrorCode::kInvalidArgument, "odd"}));
}

TEST(Result, MacrosHandTheErrorOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_TRUE(CheckEven(2));
  EXPECT_EQ(CheckEven(1).error().code, ErrorCode::kInvalidArgument);
}

TEST(Result, AndThenStopsAtTheFirstError) {
  EXPECT_EQ(*Half(8).and_then(Half), 2);
  EXPECT_FALSE(Half(3).and_then(Half));
  EXPECT_TRUE(CheckEven(2).and_then([] { return CheckEven(4); }));
}

TEST(Result, MovesOutWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto pass_on = [&]() -> Result<int> {
    ASSIGN_OR_RETURN(const std::unique_ptr<int> made, make());
    return *made;
  };
  EXPECT_EQ(*pass_on(), 7);
}

TEST(Result, EveryCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    EXPECT_NE(ErrorCodeName(static_cast<ErrorCode>(code)), "unknown") << code;
  }
}

}  // namespace
}  // namespace postglass
