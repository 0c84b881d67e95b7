#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/encoding.h"
#include "store/cidr.h"
#include "store/event_view.h"
#include "store/glob.h"
#include "store/match.h"
#include "store/predicate.h"
#include "store/text.h"

namespace re2 {
class RE2;
}

// What a Matcher is made of: for executors that ask the same questions of a column's values, once
// each, instead of every event.

namespace postglass::store {

// One side of a range.
struct Bound {
  Operand operand;
  bool inclusive = true;
};

// True when the value lies inside: by number when value and bounds are numbers, else by bytes.
struct RangeTest {
  std::optional<Bound> low;
  std::optional<Bound> high;

  bool operator()(const ValueView& value) const {
    const bool numeric =
        value.number && (!low || low->operand.number) && (!high || high->operand.number);
    if (low) {
      const bool below = numeric ? *value.number < *low->operand.number
                                 : value.text < std::string_view(low->operand.text);
      const bool equal =
          numeric ? *value.number == *low->operand.number : value.text == low->operand.text;
      if (below || (equal && !low->inclusive)) return false;
    }
    if (high) {
      const bool above = numeric ? *value.number > *high->operand.number
                                 : value.text > std::string_view(high->operand.text);
      const bool equal =
          numeric ? *value.number == *high->operand.number : value.text == high->operand.text;
      if (above || (equal && !high->inclusive)) return false;
    }
    return true;
  }
};

struct EqualTest {
  std::string text;
  std::optional<double> number;  // "5e2" finds 500
  bool ignore_case = false;

  bool operator()(const ValueView& value) const {
    if (value.text == text) return true;
    if (number && value.number) return *number == *value.number;
    return ignore_case && EqualsIgnoreAsciiCase(value.text, text);
  }
};

// Hashes and compares without regard to ASCII case, and finds views without copying them.
struct IgnoreCaseHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : text) {
      const bool is_upper = c >= 'A' && c <= 'Z';
      hash ^= static_cast<unsigned char>(is_upper ? c | 0x20 : c);
      hash *= 0x100000001b3;
    }
    return static_cast<std::size_t>(hash);
  }
};

struct IgnoreCaseEqual {
  using is_transparent = void;

  bool operator()(std::string_view a, std::string_view b) const {
    return EqualsIgnoreAsciiCase(a, b);
  }
};

struct ExactHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

// True when one of many EqualTests is, at the cost of one. A term that ignores case and is a number
// need not be kept from the numbers that equal it by letters only, as EqualTest does: a number's
// text reads back as that number, so they equal it by number too.
struct OneOfTest {
  std::unordered_set<std::string, ExactHash, std::equal_to<>> texts;
  std::unordered_set<std::string, IgnoreCaseHash, IgnoreCaseEqual> texts_ignoring_case;
  std::unordered_set<double> numbers;

  void Add(EqualTest test) {
    if (test.number) numbers.insert(*test.number);
    if (test.ignore_case) {
      texts_ignoring_case.insert(std::move(test.text));
    } else {
      texts.insert(std::move(test.text));
    }
  }

  bool operator()(const ValueView& value) const {
    return (!texts.empty() && texts.contains(value.text)) ||
           (!texts_ignoring_case.empty() && texts_ignoring_case.contains(value.text)) ||
           (value.number && !numbers.empty() && numbers.contains(*value.number));
  }
};

struct CidrTest {
  std::vector<Cidr> blocks;

  bool operator()(const ValueView& value) const {
    const std::optional<IpAddress> address = ParseIpAddress(value.text);
    if (!address) return false;
    return std::any_of(
        blocks.begin(), blocks.end(), [&](const Cidr& block) { return block.Contains(*address); });
  }
};

struct GlobTest {
  Glob glob;

  bool operator()(const ValueView& value) const { return glob.Matches(value.text); }
};

using ValueTest = std::variant<EqualTest, OneOfTest, GlobTest, RangeTest, CidrTest>;

inline bool Test(const ValueTest& test, const ValueView& value) {
  return std::visit([&](const auto& t) { return t(value); }, test);
}

// Words that follow each other in a folded text.
struct PhraseTest {
  std::vector<std::string> words;  // folded; none: true of nothing

  bool operator()(std::string_view folded) const {
    if (words.empty()) return false;
    Words rest(folded);
    while (true) {
      const std::string_view word = rest.Next();
      if (word.empty()) return false;
      if (word != words[0]) continue;
      Words following = rest;
      std::size_t matched = 1;
      while (matched < words.size() && following.Next() == words[matched]) ++matched;
      if (matched == words.size()) return true;
    }
  }
};

// A wildcard over words of a folded text.
struct PatternTest {
  std::shared_ptr<const re2::RE2> pattern;
  std::string literal;  // what every text that fits holds; may be empty

  bool operator()(std::string_view folded) const;
};

using TextTest = std::variant<PhraseTest, PatternTest>;

// One node of a compiled predicate.
struct Matcher::Node {
  enum class Kind { kAll, kNone, kNot, kAnd, kOr, kExists, kValue, kText };

  Kind kind = Kind::kAll;
  int cost = 0;
  bool reads_fields = false;
  bool reads_attributes = false;
  std::vector<Node> parts;  // of Not, And, Or
  Field field;
  std::optional<ValueTest> value_test;
  std::optional<TextTest> text_test;

  bool Matches(EventReader& reader) const;
};

}  // namespace postglass::store
