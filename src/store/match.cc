#include "store/match.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "store/match_tests.h"

namespace postglass::store {

namespace {

constexpr std::int64_t kPatternBytesMax = 8 << 20;  // RE2's memory for one text pattern

// The number in `text` when all of it is one; integers are compared by their digits instead.
std::optional<double> NonIntegerNumber(std::string_view text) {
  if (text.find_first_not_of("-0123456789") == text.npos) return std::nullopt;
  if (text.find_first_not_of("+-.eE0123456789") != text.npos) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsText(const Field& field) {
  return field.kind == Field::Kind::kText || field.kind == Field::Kind::kAllText;
}

bool IsStatus(const Field& field) {
  return field.kind == Field::Kind::kReserved && field.name == "status";
}

std::vector<std::string> FoldedWords(std::string_view text) {
  const std::string folded = Fold(text);
  std::vector<std::string> words;
  Words rest(folded);
  for (std::string_view word = rest.Next(); !word.empty(); word = rest.Next()) {
    words.emplace_back(word);
  }
  return words;
}

// "pass*" as a pattern: the wildcard stays inside a word, '?' is any character, a run of
// separators in the pattern stands for any run of separators.
std::string TextPattern(const std::vector<WildcardMatch::Piece>& pieces) {
  using Kind = WildcardMatch::Piece::Kind;
  const std::string separator = "[" + SeparatorClass() + "]";
  const std::string word = "[^" + SeparatorClass() + "]";
  std::string body;
  bool after_separator = false;
  bool begins_in_word = true;
  bool ends_in_word = true;
  for (const auto& piece : pieces) {
    const bool is_first = body.empty();
    if (piece.kind == Kind::kAnyRun) {
      body += word + "*";
      after_separator = false;
      ends_in_word = true;
      continue;
    }
    if (piece.kind == Kind::kAnyOne) {
      body += "(?s:.)";
      after_separator = false;
      ends_in_word = true;
      continue;
    }
    const std::string folded = Fold(piece.literal);
    for (std::string_view rest = folded; !rest.empty();) {
      const CodePoint c = FirstCodePoint(rest);
      const bool is_separator = IsSeparator(c.value);
      if (!is_separator) {
        body += RE2::QuoteMeta(re2::StringPiece(rest.data(), c.bytes));
      } else if (!after_separator) {
        if (is_first && rest.size() == folded.size()) begins_in_word = false;
        body += separator + "+";
      }
      after_separator = is_separator;
      ends_in_word = !is_separator;
      rest.remove_prefix(c.bytes);
    }
  }
  return (begins_in_word ? fmt::format("(?:^|{})", separator) : std::string()) + body +
         (ends_in_word ? fmt::format("(?:{}|$)", separator) : std::string());
}

// The longest run without a separator of the pattern's literals, folded.
std::string RequiredLiteral(const std::vector<WildcardMatch::Piece>& pieces) {
  std::string longest;
  for (const auto& piece : pieces) {
    if (piece.kind != WildcardMatch::Piece::Kind::kLiteral) continue;
    for (std::string& word : FoldedWords(piece.literal)) {
      if (word.size() > longest.size()) longest = std::move(word);
    }
  }
  return longest;
}

// What a leaf costs, to put cheap ones first.
enum Cost : int { kCostConstant, kCostReserved, kCostTags, kCostMessage, kCostAttribute, kCostAll };

int FieldCost(const Field& field) {
  switch (field.kind) {
    case Field::Kind::kReserved:
      return field.name == "trace_id" ? kCostAttribute : kCostReserved;
    case Field::Kind::kTag:
    case Field::Kind::kTags:
      return kCostTags;
    case Field::Kind::kText:
      return kCostMessage;
    case Field::Kind::kAttribute:
      return kCostAttribute;
    case Field::Kind::kAllText:
      return kCostAll;
  }
  return kCostAll;
}

}  // namespace

bool PatternTest::operator()(std::string_view folded) const {
  // Far cheaper than the pattern, and most texts fail it.
  if (folded.find(literal) == folded.npos) return false;
  return RE2::PartialMatch(re2::StringPiece(folded.data(), folded.size()), *pattern);
}

bool Matcher::Node::Matches(EventReader& reader) const {
  switch (kind) {
    case Kind::kAll:
      return true;
    case Kind::kNone:
      return false;
    case Kind::kNot:
      return !parts[0].Matches(reader);
    case Kind::kAnd:
      return std::all_of(
          parts.begin(), parts.end(), [&](const Node& part) { return part.Matches(reader); });
    case Kind::kOr:
      return std::any_of(
          parts.begin(), parts.end(), [&](const Node& part) { return part.Matches(reader); });
    case Kind::kExists:
      return reader.Exists(field);
    case Kind::kValue:
      return reader.AnyValue(field,
                             [&](const ValueView& value) { return Test(*value_test, value); });
    case Kind::kText: {
      std::string folded;
      return reader.AnyText(field.kind, [&](std::string_view text) {
        folded.clear();
        AppendFolded(folded, text);
        return std::visit([&](const auto& test) { return test(folded); }, *text_test);
      });
    }
  }
  return false;
}

namespace {

using Node = Matcher::Node;

Node MakeLeaf(Node::Kind kind, const Field& field) {
  Node node;
  node.kind = kind;
  node.field = field;
  node.cost = FieldCost(field);
  node.reads_fields =
      !(field.kind == Field::Kind::kReserved && (field.name == "timestamp" || field.name == "id"));
  // A free-text search may find its words in error.message.
  node.reads_attributes = node.cost >= kCostMessage;
  return node;
}

Node MakeValueLeaf(const Field& field, ValueTest test) {
  Node node = MakeLeaf(Node::Kind::kValue, field);
  node.value_test = std::move(test);
  return node;
}

struct Compiler {
  Result<Node> operator()(const MatchAll&) const { return Node(); }

  Result<Node> operator()(const MatchNone&) const {
    Node node;
    node.kind = Node::Kind::kNone;
    return node;
  }

  Result<Node> operator()(const TermMatch& term) const {
    if (IsText(term.field)) {
      Node node = MakeLeaf(Node::Kind::kText, term.field);
      node.text_test = PhraseTest{FoldedWords(term.value)};
      return node;
    }
    return MakeValueLeaf(term.field, TestFor(term));
  }

  Result<Node> operator()(const WildcardMatch& wildcard) const {
    const Glob::Case letter_case = wildcard.ignore_case || IsStatus(wildcard.field)
                                       ? Glob::Case::kAsciiFold
                                       : Glob::Case::kExact;
    Glob glob(wildcard.pieces, letter_case);
    if (glob.matches_all()) return MakeLeaf(Node::Kind::kExists, wildcard.field);
    if (!IsText(wildcard.field)) return MakeValueLeaf(wildcard.field, GlobTest{std::move(glob)});
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(kPatternBytesMax);
    auto pattern = std::make_shared<const RE2>(TextPattern(wildcard.pieces), options);
    if (pattern->error_code() == RE2::ErrorBadUTF8) {
      return Fail(ErrorCode::kInvalidArgument, "the wildcard is not UTF-8");
    }
    if (!pattern->ok()) {
      return Fail(ErrorCode::kLimit, fmt::format("wildcard pattern: {}", pattern->error()));
    }
    Node node = MakeLeaf(Node::Kind::kText, wildcard.field);
    node.text_test = PatternTest{std::move(pattern), RequiredLiteral(wildcard.pieces)};
    return node;
  }

  Result<Node> operator()(const Comparison& comparison) const {
    using Op = Comparison::Op;
    RangeTest test;
    const bool inclusive = comparison.op == Op::kLessEqual || comparison.op == Op::kGreaterEqual;
    const bool is_low = comparison.op == Op::kGreater || comparison.op == Op::kGreaterEqual;
    (is_low ? test.low : test.high) =
        Bound{OperandFor(comparison.field, comparison.operand), inclusive};
    return MakeValueLeaf(comparison.field, std::move(test));
  }

  Result<Node> operator()(const RangeMatch& range) const {
    if (!range.low && !range.high) return MakeLeaf(Node::Kind::kExists, range.field);
    RangeTest test;
    if (range.low) test.low = Bound{OperandFor(range.field, *range.low), range.low_inclusive};
    if (range.high) test.high = Bound{OperandFor(range.field, *range.high), range.high_inclusive};
    return MakeValueLeaf(range.field, std::move(test));
  }

  Result<Node> operator()(const Exists& exists) const {
    return MakeLeaf(Node::Kind::kExists, exists.field);
  }

  Result<Node> operator()(const CidrMatch& match) const {
    CidrTest test;
    for (const std::string& text : match.blocks) {
      const std::optional<Cidr> block = Cidr::Parse(text);
      if (!block) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("\"{}\" is not an address block such as 10.0.0.0/8", text));
      }
      test.blocks.push_back(*block);
    }
    return MakeValueLeaf(match.field, std::move(test));
  }

  Result<Node> operator()(const Not& negation) const {
    ASSIGN_OR_RETURN(Node operand, std::visit(*this, negation.operand->node));
    std::vector<Node> parts;
    parts.push_back(std::move(operand));
    return Join(Node::Kind::kNot, std::move(parts));
  }

  Result<Node> operator()(const And& conjunction) const {
    std::vector<const Predicate*> operands;
    for (const Predicate& operand : conjunction.operands) operands.push_back(&operand);
    return CompileAll(Node::Kind::kAnd, operands, {});
  }

  // Terms on the same field become one set: the way to the field is walked once an event, not once
  // a term.
  Result<Node> operator()(const Or& disjunction) const {
    Alternatives alternatives;
    Collect(disjunction, alternatives);
    std::vector<Node> parts;
    for (const auto& [place, terms] : alternatives.terms) {
      if (terms.size() == 1) {
        alternatives.others.push_back(terms[0]);
        continue;
      }
      OneOfTest test;
      for (const Predicate* term : terms) test.Add(TestFor(std::get<TermMatch>(term->node)));
      parts.push_back(MakeValueLeaf(std::get<TermMatch>(terms[0]->node).field, std::move(test)));
    }
    return CompileAll(Node::Kind::kOr, alternatives.others, std::move(parts));
  }

 private:
  // What an OR consists of, with the ORs in it: `(a OR b) OR c` is `a OR b OR c`.
  struct Alternatives {
    std::map<std::pair<Field::Kind, std::string_view>, std::vector<const Predicate*>> terms;
    std::vector<const Predicate*> others;
  };

  static void Collect(const Or& disjunction, Alternatives& out) {
    for (const Predicate& operand : disjunction.operands) {
      if (const auto* nested = std::get_if<Or>(&operand.node)) {
        Collect(*nested, out);
        continue;
      }
      const auto* term = std::get_if<TermMatch>(&operand.node);
      if (term != nullptr && !IsText(term->field)) {
        out.terms[{term->field.kind, term->field.name}].push_back(&operand);
      } else {
        out.others.push_back(&operand);
      }
    }
  }

  // Requires: the term's field is not free text.
  static EqualTest TestFor(const TermMatch& term) {
    EqualTest test{term.value, std::nullopt, term.ignore_case};
    if (IsStatus(term.field)) test.text = NormalizeStatus(term.value);
    if (!term.quoted) test.number = NonIntegerNumber(term.value);
    return test;
  }

  static Operand OperandFor(const Field& field, const Operand& operand) {
    if (!IsStatus(field)) return operand;
    return {NormalizeStatus(operand.text), std::nullopt};
  }

  // `parts` and the operands, compiled, under one node.
  Result<Node> CompileAll(Node::Kind kind,
                          const std::vector<const Predicate*>& operands,
                          std::vector<Node> parts) const {
    parts.reserve(parts.size() + operands.size());
    for (const Predicate* operand : operands) {
      ASSIGN_OR_RETURN(Node part, std::visit(*this, operand->node));
      parts.push_back(std::move(part));
    }
    std::stable_sort(
        parts.begin(), parts.end(), [](const Node& a, const Node& b) { return a.cost < b.cost; });
    return Join(kind, std::move(parts));
  }

  static Node Join(Node::Kind kind, std::vector<Node> parts) {
    Node node;
    node.kind = kind;
    for (const Node& part : parts) {
      node.cost = std::max(node.cost, part.cost);
      node.reads_fields |= part.reads_fields;
      node.reads_attributes |= part.reads_attributes;
    }
    node.parts = std::move(parts);
    return node;
  }
};

}  // namespace

Result<Matcher> Matcher::Compile(const Predicate& predicate) {
  ASSIGN_OR_RETURN(Node root, std::visit(Compiler(), predicate.node));
  return Matcher(std::make_shared<const Node>(std::move(root)));
}

bool Matcher::Matches(EventReader& reader) const { return root_->Matches(reader); }

bool Matcher::Matches(const EventView& event) const {
  EventReader reader;
  reader.Reset(event);
  return Matches(reader);
}

bool Matcher::Matches(const Event& event) const {
  EventReader reader;
  reader.Reset(event);
  return Matches(reader);
}

bool Matcher::MatchesObject(const Reserved& reserved, const json::object& attributes) const {
  EventReader reader;
  reader.Reset(reserved, attributes);
  return Matches(reader);
}

const Matcher::Node& Matcher::root() const { return *root_; }

bool Matcher::matches_all() const { return root_->kind == Node::Kind::kAll; }

bool Matcher::reads_fields() const { return root_->reads_fields; }

bool Matcher::reads_attributes() const { return root_->reads_attributes; }

std::string NormalizeStatus(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kSpellings{{
      {"emerg", "emergency"},
      {"fatal", "emergency"},
      {"crit", "critical"},
      {"err", "error"},
      {"warning", "warn"},
      {"information", "info"},
      {"informational", "info"},
      {"trace", "debug"},
      {"verbose", "debug"},
      {"success", "ok"},
  }};
  std::string folded = AsciiLower(text);
  for (const auto& [spelling, name] : kSpellings) {
    if (folded == spelling) return std::string(name);
  }
  return folded;
}

}  // namespace postglass::store
