#include "query/predicate_testing.h"

#include <fmt/format.h>

namespace postglass::query {
namespace {

using store::Field;

std::string Name(const Field& field) {
  switch (field.kind) {
    case Field::Kind::kText:
      return "text";
    case Field::Kind::kAllText:
      return "*";
    case Field::Kind::kReserved:
      return field.name;
    case Field::Kind::kTag:
      return field.name + ":";
    case Field::Kind::kTags:
      return "tags";
    case Field::Kind::kAttribute:
      return "@" + field.name;
  }
  return "?";
}

std::string Text(const store::Operand& operand) {
  return operand.number ? fmt::format("{}#{}", operand.text, *operand.number) : operand.text;
}

std::string List(const char* name, const std::vector<store::Predicate>& operands) {
  std::string out = fmt::format("({}", name);
  for (const store::Predicate& operand : operands) out += " " + ToText(operand);
  return out + ")";
}

struct Printer {
  std::string operator()(const store::MatchAll&) const { return "all"; }

  std::string operator()(const store::MatchNone&) const { return "none"; }

  std::string operator()(const store::TermMatch& t) const {
    return Name(t.field) + (t.ignore_case ? "=i:" : "=") +
           (t.quoted ? "\"" + t.value + "\"" : t.value);
  }

  std::string operator()(const store::WildcardMatch& w) const {
    std::string out = Name(w.field) + (w.ignore_case ? "~i:" : "~");
    for (const auto& piece : w.pieces) {
      using Kind = store::WildcardMatch::Piece::Kind;
      out += piece.kind == Kind::kAnyRun ? "*" : piece.kind == Kind::kAnyOne ? "?" : piece.literal;
    }
    return out;
  }

  std::string operator()(const store::Comparison& c) const {
    using Op = store::Comparison::Op;
    const char* op = c.op == Op::kLess        ? "<"
                     : c.op == Op::kLessEqual ? "<="
                     : c.op == Op::kGreater   ? ">"
                                              : ">=";
    return Name(c.field) + op + Text(c.operand);
  }

  std::string operator()(const store::RangeMatch& r) const {
    return fmt::format("{} in{}{},{}{}",
                       Name(r.field),
                       r.low_inclusive ? "[" : "{",
                       r.low ? Text(*r.low) : "*",
                       r.high ? Text(*r.high) : "*",
                       r.high_inclusive ? "]" : "}");
  }

  std::string operator()(const store::Exists& e) const { return "exists(" + Name(e.field) + ")"; }

  std::string operator()(const store::CidrMatch& c) const {
    std::string out = "cidr(" + Name(c.field);
    for (const std::string& block : c.blocks) out += "," + block;
    return out + ")";
  }

  std::string operator()(const store::Not& n) const { return "(not " + ToText(*n.operand) + ")"; }

  std::string operator()(const store::And& a) const { return List("and", a.operands); }

  std::string operator()(const store::Or& o) const { return List("or", o.operands); }
};

}  // namespace

std::string ToText(const store::Predicate& predicate) {
  return std::visit(Printer(), predicate.node);
}

}  // namespace postglass::query
