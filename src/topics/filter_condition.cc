#include "topics/filter_condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/ip_network.h"
#include "aws/wildcard.h"
#include "base/encoding.h"

namespace postglass::topics {
namespace {

constexpr std::size_t kWildcardsMax = 3;  // '*' in one pattern; SNS's own bound

std::optional<Scalar> ScalarOf(const json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return Null();
    case boost::json::kind::bool_:
      return value.get_bool();
    case boost::json::kind::int64:
      return static_cast<double>(value.get_int64());
    case boost::json::kind::uint64:
      return static_cast<double>(value.get_uint64());
    case boost::json::kind::double_:
      return value.get_double();
    case boost::json::kind::string:
      return std::string_view(value.get_string().data(), value.get_string().size());
    default:
      return std::nullopt;
  }
}

bool Equal(const OwnedScalar& wanted, const Scalar& value) {
  if (const auto* text = std::get_if<std::string>(&wanted)) {
    const auto* actual = std::get_if<std::string_view>(&value);
    return actual != nullptr && *actual == *text;
  }
  if (const auto* number = std::get_if<double>(&wanted)) {
    const auto* actual = std::get_if<double>(&value);
    return actual != nullptr && *actual == *number;
  }
  if (const auto* truth = std::get_if<bool>(&wanted)) {
    const auto* actual = std::get_if<bool>(&value);
    return actual != nullptr && *actual == *truth;
  }
  return std::holds_alternative<Null>(value);
}

Result<std::string> TextOf(const json::value& value, std::string_view match_type) {
  if (!value.is_string()) {
    return WrongPolicy(fmt::format("{} match pattern must be a string", match_type));
  }
  return std::string(value.get_string());
}

Result<std::optional<TextTest>> ParseTextTest(std::string_view name, const json::value& value) {
  using Kind = TextTest::Kind;
  static constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds{{
      {"prefix", Kind::kPrefix},
      {"suffix", Kind::kSuffix},
      {"equals-ignore-case", Kind::kEqualsIgnoreCase},
      {"wildcard", Kind::kWildcard},
      {"cidr", Kind::kCidr},
  }};
  for (const auto& [known, kind] : kKinds) {
    if (name != known) continue;
    ASSIGN_OR_RETURN(std::string text, TextOf(value, name));
    if (kind == Kind::kCidr) {
      const std::size_t slash = text.find('/');
      if (slash == std::string::npos) return WrongPolicy("Malformed CIDR, one '/' required");
      if (!aws::InNetwork(text, text.substr(0, slash))) {
        return WrongPolicy(fmt::format("Nonstandard IP address or mask: {}", text));
      }
    }
    if (kind == Kind::kWildcard &&
        static_cast<std::size_t>(std::count(text.begin(), text.end(), '*')) > kWildcardsMax) {
      return WrongPolicy(fmt::format("a wildcard pattern has at most {} '*'", kWildcardsMax));
    }
    return std::optional(TextTest{kind, std::move(text)});
  }
  return std::optional<TextTest>();
}

Result<Condition> ParseNumeric(const json::value& value) {
  using Op = NumericTest::Op;
  static constexpr std::array<std::pair<std::string_view, Op>, 5> kOps{{
      {"<", Op::kLess},
      {"<=", Op::kLessEqual},
      {"=", Op::kEqual},
      {">=", Op::kGreaterEqual},
      {">", Op::kGreater},
  }};
  if (!value.is_array()) return WrongPolicy("numeric match pattern must be an array");
  const json::array& members = value.get_array();
  if (members.empty()) return WrongPolicy("Invalid member in numeric match: ]");
  NumericTest test;
  for (std::size_t i = 0; i < members.size(); i += 2) {
    if (i == 4) return WrongPolicy("Too many elements in numeric expression");
    if (!members[i].is_string()) {
      return WrongPolicy(
          fmt::format("Invalid member in numeric match: {}", json::Serialize(members[i])));
    }
    const std::string_view name(members[i].get_string().data(), members[i].get_string().size());
    const auto* op = std::find_if(
        kOps.begin(), kOps.end(), [&](const auto& known) { return known.first == name; });
    if (op == kOps.end())
      return WrongPolicy(fmt::format("Unrecognized numeric range operator: {}", name));
    const std::optional<Scalar> operand =
        i + 1 < members.size() ? ScalarOf(members[i + 1]) : std::nullopt;
    if (!operand || !std::holds_alternative<double>(*operand)) {
      return WrongPolicy(fmt::format("Value of {} must be numeric", name));
    }
    test.bounds.push_back({op->second, std::get<double>(*operand)});
  }
  if (test.bounds.size() == 2) {
    const auto is_low = [](Op op) { return op == Op::kGreater || op == Op::kGreaterEqual; };
    const auto is_high = [](Op op) { return op == Op::kLess || op == Op::kLessEqual; };
    if (!is_low(test.bounds[0].op) || !is_high(test.bounds[1].op)) {
      return WrongPolicy("Too many elements in numeric expression");
    }
    if (test.bounds[1].number <= test.bounds[0].number)
      return WrongPolicy("Bottom must be less than top");
  }
  return Condition(std::move(test));
}

OwnedScalar Own(const Scalar& scalar) {
  if (const auto* text = std::get_if<std::string_view>(&scalar)) return std::string(*text);
  if (const auto* number = std::get_if<double>(&scalar)) return *number;
  if (const auto* truth = std::get_if<bool>(&scalar)) return *truth;
  return Null();
}

Result<Condition> ParseAnythingBut(const json::value& value) {
  AnythingButTest test;
  const auto add = [&](const json::value& unwanted) -> Status {
    const std::optional<Scalar> scalar = ScalarOf(unwanted);
    if (!scalar || std::holds_alternative<Null>(*scalar)) {
      return WrongPolicy("Inside anything but list, start|null|boolean is not supported.");
    }
    test.unwanted.push_back(ExactTest{Own(*scalar)});
    return {};
  };
  if (value.is_object()) {
    if (value.get_object().size() != 1)
      return WrongPolicy("Only one key allowed in match expression");
    const auto& [name, pattern] = *value.get_object().begin();
    const json::array one{pattern};
    for (const json::value& text : pattern.is_array() ? pattern.get_array() : one) {
      ASSIGN_OR_RETURN(const std::optional<TextTest> unwanted, ParseTextTest(name, text));
      if (!unwanted) {
        return WrongPolicy(
            fmt::format("Unsupported anything-but pattern: {}", std::string_view(name)));
      }
      test.unwanted.push_back(*unwanted);
    }
  } else if (value.is_array()) {
    if (value.get_array().empty()) return WrongPolicy("Empty arrays are not allowed");
    for (const json::value& unwanted : value.get_array()) RETURN_IF_ERROR(add(unwanted));
  } else {
    RETURN_IF_ERROR(add(value));
  }
  return Condition(std::move(test));
}

}  // namespace

bool ExactTest::operator()(const Scalar& value) const { return Equal(wanted, value); }

bool TextTest::operator()(const Scalar& value) const {
  const auto* actual = std::get_if<std::string_view>(&value);
  if (actual == nullptr) return false;
  switch (kind) {
    case Kind::kPrefix:
      return actual->starts_with(text);
    case Kind::kSuffix:
      return actual->ends_with(text);
    case Kind::kEqualsIgnoreCase:
      return EqualsIgnoreAsciiCase(*actual, text);
    case Kind::kWildcard:
      return aws::MatchesWildcard(text, *actual, aws::Case::kSensitive);
    case Kind::kCidr:
      return aws::InNetwork(text, *actual);
  }
  return false;
}

bool NumericTest::operator()(const Scalar& value) const {
  const auto* actual = std::get_if<double>(&value);
  if (actual == nullptr) return false;
  return std::all_of(bounds.begin(), bounds.end(), [&](const Bound& bound) {
    switch (bound.op) {
      case Op::kLess:
        return *actual < bound.number;
      case Op::kLessEqual:
        return *actual <= bound.number;
      case Op::kEqual:
        return *actual == bound.number;
      case Op::kGreaterEqual:
        return *actual >= bound.number;
      case Op::kGreater:
        return *actual > bound.number;
    }
    return false;
  });
}

bool AnythingButTest::operator()(const Scalar& value) const {
  return std::none_of(unwanted.begin(), unwanted.end(), [&](const auto& test) {
    return std::visit([&](const auto& t) { return t(value); }, test);
  });
}

void CollectScalars(const json::value& value, FoundValues& found) {
  if (value.is_array()) {
    found.exists = true;
    for (const json::value& element : value.get_array()) CollectScalars(element, found);
    return;
  }
  const std::optional<Scalar> scalar = ScalarOf(value);
  if (!scalar) return;  // an object: only its leaves exist
  found.exists = true;
  found.values.push_back(*scalar);
}

bool Holds(const Condition& condition, const FoundValues& found) {
  if (const auto* exists = std::get_if<ExistsTest>(&condition)) {
    return exists->wanted == found.exists;
  }
  return std::any_of(found.values.begin(), found.values.end(), [&](const Scalar& value) {
    return std::visit(
        [&](const auto& test) {
          if constexpr (std::is_same_v<std::decay_t<decltype(test)>, ExistsTest>) {
            return false;
          } else {
            return test(value);
          }
        },
        condition);
  });
}

tl::unexpected<Error> WrongPolicy(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("FilterPolicy: {}", what));
}

Result<Condition> ParseCondition(const json::value& value) {
  if (const std::optional<Scalar> scalar = ScalarOf(value)) {
    return Condition(ExactTest{Own(*scalar)});
  }
  if (!value.is_object()) {
    return WrongPolicy("Match value must be String, number, true, false, or null");
  }
  if (value.get_object().size() != 1)
    return WrongPolicy("Only one key allowed in match expression");
  const auto& [key, operand] = *value.get_object().begin();
  const std::string_view name(key.data(), key.size());
  if (name == "exists") {
    if (!operand.is_bool())
      return WrongPolicy("exists match pattern must be either true or false.");
    return Condition(ExistsTest{operand.get_bool()});
  }
  if (name == "numeric") return ParseNumeric(operand);
  if (name == "anything-but") return ParseAnythingBut(operand);
  ASSIGN_OR_RETURN(std::optional<TextTest> test, ParseTextTest(name, operand));
  if (!test) return WrongPolicy(fmt::format("Unrecognized match type {}", name));
  return Condition(std::move(*test));
}

}  // namespace postglass::topics
