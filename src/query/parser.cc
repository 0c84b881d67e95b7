#include "query/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "query/field_names.h"
#include "query/measure.h"
#include "query/word.h"
#include "store/cidr.h"

namespace postglass::query {
namespace {

using store::And;
using store::Comparison;
using store::Exists;
using store::Field;
using store::MatchAll;
using store::Not;
using store::Operand;
using store::Or;
using store::Predicate;
using store::RangeMatch;
using store::TermMatch;
using store::WildcardMatch;

// A colon may belong to an attribute's path or to its value; so many are tried for each word. SES's
// tag names have one. The bound keeps parsing linear.
constexpr std::size_t kColonsMax = 8;

// How much of the query a message repeats.
constexpr std::size_t kExcerptBytesMax = 60;

// What a value without a field of its own is compared with.
struct Scope {
  enum class Test { kMatch, kExists, kMissing };
  std::vector<Field> fields;
  Test test = Test::kMatch;
  bool ignore_case = false;  // of whole values and wildcards

  bool IsText() const { return test == Test::kMatch && fields[0].kind == Field::Kind::kText; }
};

Scope TextScope() { return {{Field{Field::Kind::kText, ""}}}; }

Scope AllTextScope() { return {{Field{Field::Kind::kAllText, ""}}}; }

bool IsFullText(const Field& field) {
  return field.kind == Field::Kind::kText || field.kind == Field::Kind::kAllText;
}

Predicate Negate(Predicate operand) {
  return {Not{std::make_shared<const Predicate>(std::move(operand))}};
}

template <class Node>
Predicate Combine(std::vector<Predicate> operands) {
  if (operands.size() == 1) return std::move(operands.front());
  return {Node{std::move(operands)}};
}

Predicate ExistsIn(const Field& field) {
  if (IsFullText(field)) return {MatchAll{}};
  return {Exists{field}};
}

Predicate TermIn(const Field& field, std::string value, bool quoted, bool ignore_case) {
  return {TermMatch{field, std::move(value), quoted, ignore_case}};
}

// Tags and text compare as strings; only attributes and the date have numbers.
Operand OperandFor(const Field& field, std::string text, bool quoted) {
  Operand operand{std::move(text), std::nullopt};
  const bool numeric = field.kind == Field::Kind::kAttribute ||
                       (field.kind == Field::Kind::kReserved && field.name == "timestamp");
  if (quoted || !numeric) return operand;
  operand.number = ParseNumber(operand.text);
  if (!operand.number) operand.number = ParseMeasure(operand.text, field.name);
  return operand;
}

// Recursive descent over the text. Each Parse function starts at `pos_`, moves it behind what it
// took, and gives nothing after an error, which is then in `error_`. Recursion happens at '(' only
// and is bounded by kQueryDepthMax.
class Parser {
 public:
  // `resolve` must outlive it.
  Parser(std::string_view query, const ResolveSubquery& resolve)
      : query_(query), resolve_(resolve) {}

  std::variant<Predicate, SyntaxError> Run() {
    SkipBlanks();
    if (AtEnd()) return Predicate{MatchAll{}};
    std::optional<Predicate> parsed = ParseQuery(TextScope(), 0);
    if (parsed && !AtEnd()) {
      Fail(pos_, "unexpected \")\": nothing was opened before it");
      parsed.reset();
    }
    if (!parsed) return std::move(error_);
    return std::move(*parsed);
  }

 private:
  bool AtEnd() const { return pos_ >= query_.size(); }

  char Peek() const { return AtEnd() ? '\0' : query_[pos_]; }

  std::string_view Rest() const { return query_.substr(pos_); }

  void SkipBlanks() {
    while (!AtEnd() && IsBlank(query_[pos_])) ++pos_;
  }

  std::nullopt_t Fail(std::size_t position, std::string message) {
    error_ = SyntaxError{position, std::move(message)};
    return std::nullopt;
  }

  static std::string_view Excerpt(std::string_view text) {
    return text.substr(0, kExcerptBytesMax);
  }

  // Takes `word` when it stands alone: "ANDROID" and "AND:x" are no operators.
  bool TakeKeyword(std::string_view word) {
    if (!Rest().starts_with(word)) return false;
    const std::string_view behind = Rest().substr(word.size());
    const bool alone = behind.empty() || IsBlank(behind.front()) || behind.front() == '(' ||
                       behind.front() == ')' || QuoteLength(behind) != 0;
    if (alone) pos_ += word.size();
    return alone;
  }

  enum class Operator { kNone, kAnd, kOr };

  Operator TakeOperator() {
    if (TakeKeyword("AND")) return Operator::kAnd;
    if (TakeKeyword("OR")) return Operator::kOr;
    if (Rest().starts_with("&&")) return pos_ += 2, Operator::kAnd;
    if (Rest().starts_with("||")) return pos_ += 2, Operator::kOr;
    return Operator::kNone;
  }

  // query := clause { [AND | OR] clause }, up to ')' or the end. AND binds tighter than OR.
  std::optional<Predicate> ParseQuery(const Scope& scope, std::size_t depth) {
    std::vector<Predicate> alternatives;
    std::vector<Predicate> conjuncts;
    bool need_clause = true;
    bool in_all_text = false;  // `*:a b` means `*:a *:b`
    std::string_view before;   // the operator that wants a clause
    for (;;) {
      SkipBlanks();
      if (AtEnd() || Peek() == ')') break;
      const std::size_t operator_at = pos_;
      if (const Operator op = TakeOperator(); op != Operator::kNone) {
        before = query_.substr(operator_at, pos_ - operator_at);
        if (need_clause) {
          return Fail(operator_at, fmt::format("expected a term before {}", before));
        }
        if (op == Operator::kOr) {
          alternatives.push_back(Combine<And>(std::exchange(conjuncts, {})));
        }
        need_clause = true;
        in_all_text = false;
        continue;
      }
      const bool inherits = in_all_text && StartsBareValue();
      std::optional<Predicate> clause = ParseClause(inherits ? AllTextScope() : scope, depth);
      if (!clause) return std::nullopt;
      conjuncts.push_back(std::move(*clause));
      need_clause = false;
      in_all_text = scope.IsText() && (clause_kind_ == ClauseKind::kAllText ||
                                       (inherits && clause_kind_ == ClauseKind::kBare));
    }
    if (need_clause) {
      return Fail(pos_,
                  before.empty() ? std::string("expected a term")
                                 : fmt::format("expected a term after {}", before));
    }
    if (alternatives.empty()) return Combine<And>(std::move(conjuncts));
    alternatives.push_back(Combine<And>(std::move(conjuncts)));
    return Combine<Or>(std::move(alternatives));
  }

  bool StartsBareValue() const {
    constexpr std::string_view kOthers = "([{<>+-";
    if (kOthers.find(Peek()) != std::string_view::npos) return false;
    return !Rest().starts_with("NOT") || !IsBlank(Rest().size() > 3 ? Rest()[3] : ' ');
  }

  // clause := {'+' | '-' | NOT} ( '(' query ')' | CIDR(…) | '@' path [NOT] IN '(' query ')'
  //           | [field ':'] value )
  std::optional<Predicate> ParseClause(const Scope& scope, std::size_t depth) {
    bool negated = false;
    bool modified = false;
    for (;;) {
      const std::size_t modifier_at = pos_;
      if (Peek() == '+' || Peek() == '-') {
        const char modifier = Peek();
        negated ^= modifier == '-';
        ++pos_;
        if (AtEnd() || IsBlank(Peek()) || Peek() == ')') {
          return Fail(modifier_at,
                      fmt::format("expected a term right behind \"{}\"; as a character to look for "
                                  "write \"\\{}\"",
                                  modifier,
                                  modifier));
        }
      } else if (TakeKeyword("NOT")) {
        negated = !negated;
        SkipBlanks();
        if (AtEnd() || Peek() == ')') return Fail(pos_, "expected a term after NOT");
      } else {
        break;
      }
      modified = true;
    }
    clause_kind_ = ClauseKind::kOther;
    std::optional<Predicate> clause;
    if (Rest().starts_with("CIDR(")) {
      clause = ParseCidr();
    } else if (const SubqueryHead head = FindSubquery(); head.name_bytes != 0) {
      clause = ParseSubquery(head, depth);
    } else {
      clause = ParseValue(scope, depth, /*may_name_field=*/true);
    }
    if (!clause) return std::nullopt;
    if (modified) clause_kind_ = ClauseKind::kOther;
    if (negated) return Negate(std::move(*clause));
    return clause;
  }

  // value := '(' query ')' | phrase | range | word. A word may begin with a field when
  // `may_name_field`, that is, when none was given yet.
  std::optional<Predicate> ParseValue(const Scope& scope, std::size_t depth, bool may_name_field) {
    if (Peek() == '(') return ParseGroup(scope, depth);
    if (QuoteLength(Rest()) != 0) return ParsePhrase(scope);
    if (Peek() == '[' || Peek() == '{') return ParseRange(scope);
    if (Peek() == ']' || Peek() == '}') {
      return Fail(pos_, fmt::format("unexpected \"{}\": nothing was opened before it", Peek()));
    }
    if (may_name_field && scope.test == Scope::Test::kMatch) return ParseWord(scope, depth);
    const std::size_t at = pos_;
    const RawWord word = TakeWord(Rest(), kColonsMax);
    pos_ += word.text.size();
    return MakeValue(scope, word.text, at);
  }

  std::optional<Predicate> ParseGroup(const Scope& scope, std::size_t depth) {
    const std::size_t opened_at = pos_;
    if (depth >= kQueryDepthMax) {
      return Fail(pos_, fmt::format("parentheses are nested more than {} deep", kQueryDepthMax));
    }
    ++pos_;
    std::optional<Predicate> inner = ParseQuery(scope, depth + 1);
    if (!inner) return std::nullopt;
    if (AtEnd()) {
      return Fail(pos_,
                  fmt::format("missing closing parenthesis for the one at {}", opened_at + 1));
    }
    ++pos_;
    clause_kind_ = ClauseKind::kOther;
    return inner;
  }

  // The content of the phrase at pos_, unescaped.
  std::optional<std::string> TakePhrase() {
    const std::size_t opened_at = pos_;
    const bool ascii = Peek() == '"';
    pos_ += QuoteLength(Rest());
    const std::size_t first = pos_;
    while (!AtEnd()) {
      if (Peek() == '\\' && pos_ + 1 < query_.size()) {
        pos_ += 2;
        continue;
      }
      const std::size_t quote = QuoteLength(Rest());
      // A typographic quote inside plain ones is content.
      if (quote == 1 || (quote != 0 && !ascii)) {
        std::string content = Unescape(query_.substr(first, pos_ - first));
        pos_ += quote;
        return content;
      }
      ++pos_;
    }
    return Fail(pos_, fmt::format("missing closing quote for the one at {}", opened_at + 1));
  }

  std::optional<Predicate> ParsePhrase(const Scope& scope) {
    const std::size_t at = pos_;
    std::optional<std::string> content = TakePhrase();
    if (!content) return std::nullopt;
    clause_kind_ = ClauseKind::kBare;
    if (scope.test != Scope::Test::kMatch) return MakeExists(scope, *content, at);
    return MakeLeaf(scope, at, [&](const Field& field) {
      return TermIn(field, *content, /*quoted=*/true, scope.ignore_case);
    });
  }

  // A word at clause level: finds where the field ends and the value begins.
  std::optional<Predicate> ParseWord(const Scope& scope, std::size_t depth) {
    const std::size_t at = pos_;
    const RawWord word = TakeWord(Rest(), kColonsMax);
    pos_ += word.text.size();
    if (word.text.front() == ':') return Fail(at, "expected a field name before \":\"");
    if (word.ends_with_colon) {
      const bool value_follows =
          Peek() == '(' || Peek() == '[' || Peek() == '{' || QuoteLength(Rest()) != 0;
      if (!value_follows) {
        return Fail(pos_, fmt::format("missing value after \"{}\"", Excerpt(word.text)));
      }
      const std::string_view name = word.text.substr(0, word.text.size() - 1);
      std::optional<Scope> named = NamedScope(name, at);
      if (!named) return std::nullopt;
      const bool group = Peek() == '(';
      std::optional<Predicate> value = ParseValue(*named, depth, /*may_name_field=*/false);
      if (!group) NoteField(*named);
      return value;
    }
    if (word.colons.empty()) {
      std::optional<Predicate> value = MakeValue(scope, word.text, at);
      clause_kind_ = ClauseKind::kBare;
      return value;
    }
    for (const std::size_t colon : word.colons) {
      const char next = word.text[colon + 1];
      if (next == '<' || next == '>') return MakeNamed(word.text, {colon}, at);
    }
    if (word.text.front() == '@') return MakeNamed(word.text, word.colons, at);
    return MakeNamed(word.text, {word.colons.front()}, at);
  }

  // `text` read as field and value, divided at any of `colons`.
  std::optional<Predicate> MakeNamed(std::string_view text,
                                     const std::vector<std::size_t>& colons,
                                     std::size_t at) {
    std::vector<Predicate> readings;
    for (const std::size_t colon : colons) {
      const bool first = readings.empty();
      const std::string_view name = text.substr(0, colon);
      if (!first && HasWildcard(name)) break;
      std::optional<Scope> named = NamedScope(name, at);
      if (!named) return std::nullopt;
      const std::string_view value = text.substr(colon + 1);
      std::optional<Predicate> reading = first ? MakeValue(*named, value, at + colon + 1)
                                               : MakeUnchecked(*named, value, at + colon + 1);
      if (!reading) return std::nullopt;
      readings.push_back(std::move(*reading));
      NoteField(*named);
    }
    return Combine<Or>(std::move(readings));
  }

  void NoteField(const Scope& named) {
    clause_kind_ =
        named.fields[0].kind == Field::Kind::kAllText ? ClauseKind::kAllText : ClauseKind::kOther;
  }

  // The scope that the field written as `raw` makes.
  std::optional<Scope> NamedScope(std::string_view raw, std::size_t at) {
    if (raw == "_exists_") return Scope{TextScope().fields, Scope::Test::kExists};
    if (raw == "_missing_") return Scope{TextScope().fields, Scope::Test::kMissing};
    if (raw == "*") return AllTextScope();
    if (!CheckFieldName(raw, at)) return std::nullopt;
    // Written with a backslash, the name of an address is a tag's alone.
    return ScopeOf(Unescape(raw), AddressFieldsNamed(raw));
  }

  static Scope ScopeOf(std::string_view name, std::vector<Field> addresses) {
    if (!addresses.empty()) {
      return Scope{std::move(addresses), Scope::Test::kMatch, /*ignore_case=*/true};
    }
    return Scope{FieldsNamed(name)};
  }

  bool CheckFieldName(std::string_view raw, std::size_t at) {
    constexpr std::string_view kNotFirst = "!~^=<>+-";
    if (raw.empty()) {
      Fail(at, "expected a field name");
    } else if (raw == "@") {
      Fail(at + 1, "expected an attribute path behind \"@\"");
    } else if (raw.front() == '#') {
      Fail(at, "calculated fields (\"#name:\") are not supported");
    } else if (kNotFirst.find(raw.front()) != std::string_view::npos) {
      Fail(at, fmt::format("a field name cannot begin with \"{}\"", raw.front()));
    } else if (HasWildcard(raw)) {
      Fail(at, fmt::format("wildcards are not allowed in the field name \"{}\"", Excerpt(raw)));
    } else {
      return true;
    }
    return false;
  }

  // A word in the place of a value.
  std::optional<Predicate> MakeValue(const Scope& scope, std::string_view raw, std::size_t at) {
    if (raw.empty()) return Fail(at, "expected a value");
    const char first = raw.front();
    if (scope.test == Scope::Test::kMatch) {
      if (first == '<' || first == '>') return MakeComparison(scope, raw, at);
      constexpr std::string_view kNotFirst = "!~^=:";
      const bool sign = (first == '-' && !ParseNumber(Unescape(raw))) || first == '+';
      if (sign || kNotFirst.find(first) != std::string_view::npos) {
        return Fail(
            at,
            fmt::format(
                "a value cannot begin with \"{}\"; write \"\\{}\", or put it in "
                "quotes{}",
                first,
                first,
                first == '-' || first == '!' ? ", or to exclude put \"-\" before the field" : ""));
      }
    }
    return MakeUnchecked(scope, raw, at);
  }

  std::optional<Predicate> MakeUnchecked(const Scope& scope, std::string_view raw, std::size_t at) {
    if (scope.test != Scope::Test::kMatch) {
      if (!CheckFieldName(raw, at)) return std::nullopt;
      return MakeExists(scope, Unescape(raw), at);
    }
    if (!HasWildcard(raw)) {
      const std::string value = Unescape(raw);
      return MakeLeaf(scope, at, [&](const Field& field) {
        return TermIn(field, value, /*quoted=*/false, scope.ignore_case);
      });
    }
    const std::vector<WildcardMatch::Piece> pieces = ToPieces(raw);
    const bool anything =
        pieces.size() == 1 && pieces[0].kind == WildcardMatch::Piece::Kind::kAnyRun;
    return MakeLeaf(scope, at, [&](const Field& field) {
      return anything ? ExistsIn(field)
                      : Predicate{WildcardMatch{field, pieces, scope.ignore_case}};
    });
  }

  std::optional<Predicate> MakeExists(const Scope& scope, std::string_view name, std::size_t at) {
    if (name.empty() || name == "@" || name == "*") return Fail(at, "expected a field name");
    const bool missing = scope.test == Scope::Test::kMissing;
    std::optional<Predicate> exists =
        MakeLeaf(ScopeOf(name, AddressFieldsNamed(name)), at, ExistsIn);
    if (exists && missing) return Negate(std::move(*exists));
    return exists;
  }

  // comparison := ('>=' | '<=' | '>' | '<') (word | phrase)
  std::optional<Predicate> MakeComparison(const Scope& scope,
                                          std::string_view raw,
                                          std::size_t at) {
    const bool less = raw.front() == '<';
    const bool equal = raw.size() > 1 && raw[1] == '=';
    const Comparison::Op op =
        less ? (equal ? Comparison::Op::kLessEqual : Comparison::Op::kLess)
             : (equal ? Comparison::Op::kGreaterEqual : Comparison::Op::kGreater);
    const std::string_view sign = raw.substr(0, equal ? 2 : 1);
    std::string text = Unescape(raw.substr(sign.size()));
    bool quoted = false;
    if (text.empty() && pos_ == at + raw.size() && QuoteLength(Rest()) != 0) {
      std::optional<std::string> content = TakePhrase();
      if (!content) return std::nullopt;
      text = std::move(*content);
      quoted = true;
    } else if (text.empty()) {
      return Fail(at + sign.size(), fmt::format("expected a value right behind \"{}\"", sign));
    }
    return MakeLeaf(scope, at, [op, quoted, &text](const Field& field) {
      return Predicate{Comparison{field, op, OperandFor(field, text, quoted)}};
    });
  }

  struct Bound {
    bool open = false;  // '*'
    bool quoted = false;
    std::string text;
  };

  std::optional<Bound> TakeBound(std::string_view which) {
    SkipBlanks();
    if (QuoteLength(Rest()) != 0) {
      std::optional<std::string> content = TakePhrase();
      if (!content) return std::nullopt;
      return Bound{false, true, std::move(*content)};
    }
    const std::string_view raw = TakeWord(Rest(), 0).text;
    if (raw.empty()) return Fail(pos_, fmt::format("expected the {} bound of the range", which));
    pos_ += raw.size();
    if (raw == "*") return Bound{true, false, ""};
    return Bound{false, false, Unescape(raw)};
  }

  // range := ('[' | '{') bound TO bound (']' | '}')
  std::optional<Predicate> ParseRange(const Scope& scope) {
    const std::size_t at = pos_;
    const bool inclusive = Peek() == '[';
    if (scope.test != Scope::Test::kMatch) return Fail(at, "expected a field name");
    ++pos_;
    const std::optional<Bound> low = TakeBound("lower");
    if (!low) return std::nullopt;
    SkipBlanks();
    if (!TakeKeyword("TO")) return Fail(pos_, "expected TO between the bounds of the range");
    const std::optional<Bound> high = TakeBound("upper");
    if (!high) return std::nullopt;
    SkipBlanks();
    const char closing = inclusive ? ']' : '}';
    if (Peek() != closing) {
      return Fail(pos_, fmt::format("expected \"{}\" to close the range", closing));
    }
    ++pos_;
    return MakeLeaf(scope, at, [&](const Field& field) {
      if (low->open && high->open) return ExistsIn(field);
      RangeMatch range{field, std::nullopt, std::nullopt, inclusive, inclusive};
      if (!low->open) range.low = OperandFor(field, low->text, low->quoted);
      if (!high->open) range.high = OperandFor(field, high->text, high->quoted);
      // Numbers compare with numbers only: one bound that is none makes both strings.
      if (range.low && range.high && (!range.low->number || !range.high->number)) {
        range.low->number.reset();
        range.high->number.reset();
      }
      return Predicate{std::move(range)};
    });
  }

  struct SubqueryHead {
    std::size_t name_bytes = 0;  // 0: there is none
    std::size_t group_at = 0;    // of its parenthesis
    bool negated = false;
  };

  // Looks ahead for '@' path [NOT] IN '('.
  SubqueryHead FindSubquery() const {
    if (Peek() != '@') return {};
    const RawWord word = TakeWord(Rest(), kColonsMax);
    std::size_t at = pos_ + word.text.size();
    const auto skip_blanks = [&] {
      const std::size_t from = at;
      while (at < query_.size() && IsBlank(query_[at])) ++at;
      return at > from;
    };
    SubqueryHead head{word.text.size(), 0, false};
    if (word.ends_with_colon || !skip_blanks()) return {};
    if (query_.substr(at).starts_with("NOT")) {
      at += 3;
      head.negated = true;
      if (!skip_blanks()) return {};
    }
    if (!query_.substr(at).starts_with("IN")) return {};
    at += 2;
    skip_blanks();
    if (at >= query_.size() || query_[at] != '(') return {};
    head.group_at = at;
    return head;
  }

  std::optional<Predicate> ParseSubquery(const SubqueryHead& head, std::size_t depth) {
    const std::size_t at = pos_;
    const std::string_view name = Rest().substr(0, head.name_bytes);
    if (!CheckFieldName(name, at) || !CountTerm(at)) return std::nullopt;
    if (!resolve_) return Fail(at, "a query within a query (IN) cannot be used here");
    pos_ = head.group_at;
    const std::optional<Predicate> where = ParseGroup(TextScope(), depth);
    if (!where) return std::nullopt;
    std::optional<Predicate> found = resolve_(FieldsNamed(Unescape(name)), *where);
    if (!found) return Fail(at, "the query within could not be answered");
    clause_kind_ = ClauseKind::kOther;
    if (!head.negated) return found;
    // Of events that have the field: what has none is not among the others either.
    std::vector<Predicate> exist;
    for (const Field& field : FieldsNamed(Unescape(name))) exist.push_back(ExistsIn(field));
    return Predicate{And{{Combine<Or>(std::move(exist)), Negate(std::move(*found))}}};
  }

  // CIDR '(' field ',' block {',' block} ')'
  std::optional<Predicate> ParseCidr() {
    const std::size_t at = pos_;
    const std::size_t close = query_.find(')', pos_);
    if (close == std::string_view::npos) {
      return Fail(query_.size(), "missing closing parenthesis of CIDR(");
    }
    std::size_t part_at = pos_ + std::string_view("CIDR(").size();
    std::optional<Scope> named;
    std::vector<std::string> blocks;
    for (bool last = false; !last;) {
      const std::size_t end = std::min(query_.substr(0, close).find(',', part_at), close);
      last = end == close;
      const std::string_view raw = query_.substr(part_at, end - part_at);
      const std::string_view part = TrimAscii(raw);
      const std::size_t offset =
          part.empty() ? part_at : part_at + static_cast<std::size_t>(part.data() - raw.data());
      if (!named) {
        if (!CheckFieldName(part, offset)) return std::nullopt;
        named = Scope{FieldsNamed(Unescape(part)), Scope::Test::kMatch};
      } else if (!store::Cidr::Parse(part)) {
        return Fail(offset,
                    fmt::format("\"{}\" is no address block such as 10.0.0.0/8", Excerpt(part)));
      } else {
        if (!CountTerm(offset)) return std::nullopt;
        blocks.emplace_back(part);
      }
      part_at = end + 1;
    }
    if (blocks.empty()) return Fail(close, "expected an address block such as 10.0.0.0/8");
    pos_ = close + 1;
    return MakeLeaf(*named, at, [&blocks](const Field& field) {
      return Predicate{store::CidrMatch{field, blocks}};
    });
  }

  bool CountTerm(std::size_t at) {
    if (++terms_ <= kQueryTermsMax) return true;
    Fail(at, fmt::format("the query has more than {} terms", kQueryTermsMax));
    return false;
  }

  // `make(field)` for each field of the scope: any of them may match.
  template <class Make>
  std::optional<Predicate> MakeLeaf(const Scope& scope, std::size_t at, Make make) {
    std::vector<Predicate> tests;
    for (const Field& field : scope.fields) {
      if (!CountTerm(at)) return std::nullopt;
      tests.push_back(make(field));
    }
    return Combine<Or>(std::move(tests));
  }

  enum class ClauseKind { kOther, kBare, kAllText };

  std::string_view query_;
  const ResolveSubquery& resolve_;
  std::size_t pos_ = 0;
  std::size_t terms_ = 0;
  ClauseKind clause_kind_ = ClauseKind::kOther;  // of the clause parsed last
  SyntaxError error_;
};

}  // namespace

std::variant<store::Predicate, SyntaxError> Parse(std::string_view query) {
  return Parse(query, nullptr);
}

std::variant<store::Predicate, SyntaxError> Parse(std::string_view query,
                                                  const ResolveSubquery& resolve) {
  if (query.size() > kQueryBytesMax) {
    return SyntaxError{kQueryBytesMax,
                       fmt::format("the query is longer than {} bytes", kQueryBytesMax)};
  }
  return Parser(query, resolve).Run();
}

std::string Quote(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

}  // namespace postglass::query
