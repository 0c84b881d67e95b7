#include "aws/policy_condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "aws/ip_network.h"
#include "aws/wildcard.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace postglass::aws {
namespace {

using Matcher = bool (*)(std::string_view wanted, std::string_view actual);

bool StringEquals(std::string_view wanted, std::string_view actual) { return wanted == actual; }

bool StringEqualsIgnoreCase(std::string_view wanted, std::string_view actual) {
  return EqualsIgnoreAsciiCase(wanted, actual);
}

bool StringLike(std::string_view wanted, std::string_view actual) {
  return MatchesWildcard(wanted, actual, Case::kSensitive);
}

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Dates are ISO 8601 or seconds since 1970.
std::optional<double> Seconds(std::string_view text) {
  if (const std::optional<Timestamp> t = ParseIso8601(text)) {
    return static_cast<double>(t->nanos) / 1e9;
  }
  return Number(text);
}

template <std::optional<double> (*Parse)(std::string_view), class Compare>
bool Compared(std::string_view wanted, std::string_view actual) {
  const std::optional<double> left = Parse(actual);
  const std::optional<double> right = Parse(wanted);
  return left && right && Compare()(*left, *right);
}

struct Operator {
  std::string_view name;
  Matcher matches;
  bool negated;
};

constexpr std::array kOperators = {
    Operator{"StringEquals", StringEquals, false},
    Operator{"StringNotEquals", StringEquals, true},
    Operator{"StringEqualsIgnoreCase", StringEqualsIgnoreCase, false},
    Operator{"StringNotEqualsIgnoreCase", StringEqualsIgnoreCase, true},
    Operator{"StringLike", StringLike, false},
    Operator{"StringNotLike", StringLike, true},
    Operator{"ArnEquals", MatchesArn, false},
    Operator{"ArnLike", MatchesArn, false},
    Operator{"ArnNotEquals", MatchesArn, true},
    Operator{"ArnNotLike", MatchesArn, true},
    Operator{"Bool", StringEqualsIgnoreCase, false},
    Operator{"IpAddress", InNetwork, false},
    Operator{"NotIpAddress", InNetwork, true},
    Operator{"NumericEquals", Compared<Number, std::equal_to<>>, false},
    Operator{"NumericNotEquals", Compared<Number, std::equal_to<>>, true},
    Operator{"NumericLessThan", Compared<Number, std::less<>>, false},
    Operator{"NumericLessThanEquals", Compared<Number, std::less_equal<>>, false},
    Operator{"NumericGreaterThan", Compared<Number, std::greater<>>, false},
    Operator{"NumericGreaterThanEquals", Compared<Number, std::greater_equal<>>, false},
    Operator{"DateEquals", Compared<Seconds, std::equal_to<>>, false},
    Operator{"DateNotEquals", Compared<Seconds, std::equal_to<>>, true},
    Operator{"DateLessThan", Compared<Seconds, std::less<>>, false},
    Operator{"DateLessThanEquals", Compared<Seconds, std::less_equal<>>, false},
    Operator{"DateGreaterThan", Compared<Seconds, std::greater<>>, false},
    Operator{"DateGreaterThanEquals", Compared<Seconds, std::greater_equal<>>, false},
};

// Policy values may be written as strings, numbers or booleans.
std::string TextOf(const json::value& v) {
  if (const json::string* text = v.if_string()) return std::string(*text);
  return json::Serialize(v);
}

std::vector<std::string> TextsOf(const json::value& v) {
  std::vector<std::string> texts;
  if (const json::array* many = v.if_array()) {
    for (const json::value& item : *many) texts.push_back(TextOf(item));
  } else {
    texts.push_back(TextOf(v));
  }
  return texts;
}

const std::string* FindContext(const PolicyContext& context, std::string_view key) {
  for (const auto& [name, value] : context) {
    if (EqualsIgnoreAsciiCase(name, key)) return &value;
  }
  return nullptr;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!EqualsIgnoreAsciiCase(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (text.size() < suffix.size()) return false;
  if (!EqualsIgnoreAsciiCase(text.substr(text.size() - suffix.size()), suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool OperatorHolds(std::string_view name,
                   const json::object& keys,
                   const PolicyContext& context,
                   Effect effect) {
  // Context keys here have one value each, so of the two set qualifiers only their answer for a
  // missing key differs: all of nothing holds, any of nothing does not.
  const bool for_all = TakePrefix(name, "ForAllValues:");
  const bool for_any = !for_all && TakePrefix(name, "ForAnyValue:");
  const bool if_exists = TakeSuffix(name, "IfExists");
  if (EqualsIgnoreAsciiCase(name, "Null")) {
    return std::all_of(keys.begin(), keys.end(), [&](const auto& key) {
      const bool missing = FindContext(context, key.key()) == nullptr;
      const std::vector<std::string> wanted = TextsOf(key.value());
      return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
        return EqualsIgnoreAsciiCase(text, missing ? "true" : "false");
      });
    });
  }
  const auto op = std::find_if(kOperators.begin(), kOperators.end(), [&](const Operator& known) {
    return EqualsIgnoreAsciiCase(known.name, name);
  });
  if (op == kOperators.end()) return effect == Effect::kDeny;
  return std::all_of(keys.begin(), keys.end(), [&](const auto& key) {
    const std::string* actual = FindContext(context, key.key());
    if (actual == nullptr) return if_exists || for_all || (op->negated && !for_any);
    const std::vector<std::string> wanted = TextsOf(key.value());
    const bool matched = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
      return op->matches(text, *actual);
    });
    return matched != op->negated;
  });
}

}  // namespace

bool ConditionHolds(const json::value& condition, const PolicyContext& context, Effect effect) {
  const json::object* operators = condition.if_object();
  if (operators == nullptr) return effect == Effect::kDeny;
  return std::all_of(operators->begin(), operators->end(), [&](const auto& entry) {
    const json::object* keys = entry.value().if_object();
    if (keys == nullptr) return effect == Effect::kDeny;
    return OperatorHolds(entry.key(), *keys, context, effect);
  });
}

bool IsConditionBlock(const json::value& condition) {
  const auto is_plain = [](const json::value& v) {
    return v.is_string() || v.is_number() || v.is_bool();
  };
  const json::object* operators = condition.if_object();
  if (operators == nullptr) return false;
  return std::all_of(operators->begin(), operators->end(), [&](const auto& entry) {
    const json::object* keys = entry.value().if_object();
    if (keys == nullptr) return false;
    return std::all_of(keys->begin(), keys->end(), [&](const auto& key) {
      const json::array* many = key.value().if_array();
      return many == nullptr ? is_plain(key.value())
                             : std::all_of(many->begin(), many->end(), is_plain);
    });
  });
}

}  // namespace postglass::aws
