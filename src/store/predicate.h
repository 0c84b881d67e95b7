#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What a query asks of one event, after parsing: the AST that query/ makes and the store executes.
// Meaning of each node: docs/compat/search.md (after Datadog's log search syntax).

namespace postglass::store {

struct Predicate;

// What a term is compared with.
struct Field {
  enum class Kind {
    kText,       // free text: message, error.message, error.stack, title; words, case-insensitive
    kAllText,    // `*:`: message and every attribute value; words, case-insensitive
    kReserved,   // host source status service message timestamp trace_id index id; by `name`
    kTag,        // `name:value` on the tag list
    kTags,       // `tags:x`: a whole element of the tag list
    kAttribute,  // `@path`: dotted, arrays are traversed, case-sensitive
  };
  Kind kind = Kind::kText;
  std::string name;  // reserved name, tag key or attribute path without '@'

  bool operator==(const Field&) const = default;
};

struct MatchAll {};

struct MatchNone {};

// A value in a comparison: what was written, and its number when it is one.
struct Operand {
  std::string text;
  std::optional<double> number;  // nothing when quoted or not a number
  bool operator==(const Operand&) const = default;
};

// Whole value (attribute, tag, reserved) or whole word (text).
struct TermMatch {
  Field field;
  std::string value;
  bool quoted = false;       // text: consecutive words; attribute: no number matching by form
  bool ignore_case = false;  // ASCII fold; our operator for addresses
};

// '*' any run of characters, '?' exactly one (a Unicode code point); both kinds of piece in order.
struct WildcardMatch {
  struct Piece {
    enum class Kind { kLiteral, kAnyRun, kAnyOne } kind;
    std::string literal;
  };

  Field field;
  std::vector<Piece> pieces;
  bool ignore_case = false;
};

struct Comparison {
  enum class Op { kLess, kLessEqual, kGreater, kGreaterEqual };
  Field field;
  Op op = Op::kLess;
  Operand operand;
};

struct RangeMatch {
  Field field;
  std::optional<Operand> low;  // nothing: '*'
  std::optional<Operand> high;
  bool low_inclusive = true;
  bool high_inclusive = true;
};

struct Exists {
  Field field;
};

// The value is an IP address inside one of the blocks ("10.0.0.0/8", "2001:db8::/32").
struct CidrMatch {
  Field field;
  std::vector<std::string> blocks;
};

struct Not {
  std::shared_ptr<const Predicate> operand;
};

struct And {
  std::vector<Predicate> operands;
};

struct Or {
  std::vector<Predicate> operands;
};

struct Predicate {
  std::variant<MatchAll,
               MatchNone,
               TermMatch,
               WildcardMatch,
               Comparison,
               RangeMatch,
               Exists,
               CidrMatch,
               Not,
               And,
               Or>
      node;
};

}  // namespace postglass::store
