#include "store/embedded/exec/raw_filter.h"

#include <algorithm>
#include <cstring>

namespace postglass::store {

namespace {

bool MayBeInNumber(std::string_view text) {
  return text.find_first_not_of("0123456789+-.e") == text.npos;
}

// Whether JSON has no way to write one of these characters but as it is and as \u and its number.
bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '/';
  });
}

void AddLiterals(const Condition& condition, std::vector<std::string>& literals) {
  if (condition.kind == Condition::Kind::kAnd) {
    for (const Condition& part : condition.parts) AddLiterals(part, literals);
    return;
  }
  if (condition.kind != Condition::Kind::kLeaf) return;
  const Matcher::Node& node = *condition.leaf->node;
  if (node.field.kind != Field::Kind::kAttribute || !node.value_test) return;
  std::string literal;
  if (const auto* equal = std::get_if<EqualTest>(&*node.value_test)) {
    if (!equal->ignore_case) literal = equal->text;
  } else if (const auto* glob = std::get_if<GlobTest>(&*node.value_test)) {
    if (glob->glob.letter_case() == Glob::Case::kExact) literal = condition.leaf->glob_literal;
  }
  if (!MayBeInNumber(literal)) literals.push_back(std::move(literal));
}

}  // namespace

RawFilter::RawFilter(const Condition& condition) {
  std::vector<std::string> texts;
  AddLiterals(condition, texts);
  for (std::string& text : texts) {
    const bool is_plain = IsPlain(text);
    literals_.push_back({std::move(text), is_plain});
  }
}

bool RawFilter::MayMatch(std::string_view attributes) const {
  for (const Literal& literal : literals_) {
    if (memmem(attributes.data(), attributes.size(), literal.text.data(), literal.text.size()) !=
        nullptr) {
      continue;
    }
    // Addresses in headers have quotes, so that most events have a backslash.
    return attributes.find(literal.is_plain ? "\\u" : "\\") != attributes.npos;
  }
  return true;
}

}  // namespace postglass::store
