#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// One condition of a filter policy: what it may be, and what meets it. Rules: SNS Developer Guide,
// "Amazon SNS subscription filter policies". Pure.

namespace postglass::topics {

struct Null {
  bool operator==(const Null&) const = default;
};

// A value that a condition is put to. Texts are borrowed.
using Scalar = std::variant<Null, bool, double, std::string_view>;
using OwnedScalar = std::variant<Null, bool, double, std::string>;

// The values of one key of a message, and whether it is there at all (an empty array is).
struct FoundValues {
  bool exists = false;
  std::vector<Scalar> values;
};

// Adds the value, or each element of an array; an object has none.
void CollectScalars(const json::value& value, FoundValues& found);

struct ExactTest {
  OwnedScalar wanted;
  bool operator()(const Scalar& value) const;
};

struct TextTest {
  enum class Kind { kPrefix, kSuffix, kEqualsIgnoreCase, kWildcard, kCidr } kind;
  std::string text;
  bool operator()(const Scalar& value) const;
};

struct NumericTest {
  enum class Op { kLess, kLessEqual, kEqual, kGreaterEqual, kGreater };

  struct Bound {
    Op op;
    double number;
  };

  std::vector<Bound> bounds;  // all must hold
  bool operator()(const Scalar& value) const;
};

// A value that is none of these.
struct AnythingButTest {
  std::vector<std::variant<ExactTest, TextTest>> unwanted;
  bool operator()(const Scalar& value) const;
};

struct ExistsTest {
  bool wanted;
};

using Condition = std::variant<ExactTest, TextTest, NumericTest, AnythingButTest, ExistsTest>;

// kInvalidArgument with SNS's own words for what is wrong.
Result<Condition> ParseCondition(const json::value& value);

// One value is enough.
bool Holds(const Condition& condition, const FoundValues& found);

// An error of a policy in SNS's form.
tl::unexpected<Error> WrongPolicy(std::string_view what);

}  // namespace postglass::topics
