#include "store/embedded/exec/condition.h"

#include <algorithm>

#include "store/embedded/exec/field_columns.h"

namespace postglass::store {

namespace {

using Node = Matcher::Node;
using Piece = WildcardMatch::Piece;

// Steps of cost: a look-up, a run between two look-ups, a visit of every value, one that folds it,
// and the same in every column.
enum Cost : int { kCostNothing, kCostLookUp, kCostRun, kCostWord, kCostScan, kCostFold, kCostRows };

constexpr int kCostEveryColumn = 10;

void AddTerms(const ValueTest& test, Leaf& leaf) {
  const auto add = [&](std::vector<Leaf::Key>& keys, const std::string& text) {
    std::string key = leaf.prefix + text;
    std::string folded = Fold(key);
    keys.push_back({std::move(key), std::move(folded)});
  };
  if (const auto* one = std::get_if<EqualTest>(&test)) {
    if (one->ignore_case) {
      add(leaf.keys_ignoring_case, AsciiLower(one->text));
    } else {
      add(leaf.keys, one->text);
    }
    if (one->number) leaf.numbers.push_back(*one->number);
  } else if (const auto* many = std::get_if<OneOfTest>(&test)) {
    for (const std::string& text : many->texts) add(leaf.keys, text);
    for (const std::string& text : many->texts_ignoring_case) {
      add(leaf.keys_ignoring_case, AsciiLower(text));
    }
    leaf.numbers.assign(many->numbers.begin(), many->numbers.end());
  }
  const auto by_text = [](const Leaf::Key& a, const Leaf::Key& b) { return a.text < b.text; };
  std::sort(leaf.keys.begin(), leaf.keys.end(), by_text);
  std::sort(leaf.keys_ignoring_case.begin(), leaf.keys_ignoring_case.end(), by_text);
}

void AddGlob(const Glob& glob, Leaf& leaf) {
  const std::vector<Piece>& pieces = glob.pieces();
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kLiteral && piece.literal.size() > leaf.glob_literal.size()) {
      leaf.glob_literal = piece.literal;
    }
  }
  if (glob.letter_case() != Glob::Case::kExact) return;
  std::size_t heads = 0;
  while (heads < pieces.size() && pieces[heads].kind == Piece::Kind::kLiteral) {
    leaf.glob_head += pieces[heads++].literal;
  }
  leaf.glob_is_head =
      heads < pieces.size() &&
      std::all_of(pieces.begin() + static_cast<std::ptrdiff_t>(heads),
                  pieces.end(),
                  [](const Piece& piece) { return piece.kind == Piece::Kind::kAnyRun; });
}

// The text of a number holds digits, signs, a point and the 'e' of an exponent.
bool MayBeInNumber(const PhraseTest& test) {
  return std::all_of(test.words.begin(), test.words.end(), [](const std::string& word) {
    return word.find_first_not_of("0123456789e") == word.npos;
  });
}

int CostOf(const Node& node) {
  const KeyField key_field = KeyFieldOf(node.field);
  if (key_field == KeyField::kIndex) return kCostNothing;
  if (key_field != KeyField::kNone) return kCostRows;
  const int columns = node.field.kind == Field::Kind::kAllText ? kCostEveryColumn : 0;
  if (node.kind == Node::Kind::kExists) return kCostRun + columns;
  if (node.kind == Node::Kind::kText) {
    const bool by_word = std::holds_alternative<PhraseTest>(*node.text_test);
    return (by_word ? kCostWord : kCostFold) + columns;
  }
  if (const auto* equal = std::get_if<EqualTest>(&*node.value_test)) {
    return (equal->ignore_case ? kCostRun : kCostLookUp) + columns;
  }
  if (std::holds_alternative<OneOfTest>(*node.value_test)) return kCostRun;
  if (std::holds_alternative<RangeTest>(*node.value_test)) return kCostRun + columns;
  return kCostScan + columns;
}

Condition MakeLeaf(const Node& node) {
  auto leaf = std::make_unique<Leaf>();
  leaf->node = &node;
  leaf->prefix = TagPrefixOf(node.field);
  if (node.value_test) {
    AddTerms(*node.value_test, *leaf);
    if (const auto* glob = std::get_if<GlobTest>(&*node.value_test)) AddGlob(glob->glob, *leaf);
  }
  if (node.text_test) {
    if (const auto* phrase = std::get_if<PhraseTest>(&*node.text_test)) {
      leaf->may_be_number = MayBeInNumber(*phrase);
      leaf->may_be_bool =
          phrase->words.size() == 1 && (phrase->words[0] == "true" || phrase->words[0] == "false");
    }
  }
  Condition condition;
  condition.kind = Condition::Kind::kLeaf;
  condition.cost = CostOf(node);
  condition.leaf = std::move(leaf);
  return condition;
}

Condition Make(const Node& node) {
  Condition condition;
  switch (node.kind) {
    case Node::Kind::kAll:
      return condition;
    case Node::Kind::kNone:
      condition.kind = Condition::Kind::kNone;
      return condition;
    case Node::Kind::kExists:
    case Node::Kind::kValue:
    case Node::Kind::kText:
      return MakeLeaf(node);
    case Node::Kind::kNot:
      condition.kind = Condition::Kind::kNot;
      break;
    case Node::Kind::kAnd:
      condition.kind = Condition::Kind::kAnd;
      break;
    case Node::Kind::kOr:
      condition.kind = Condition::Kind::kOr;
      break;
  }
  for (const Node& part : node.parts) {
    condition.parts.push_back(Make(part));
    condition.cost = std::max(condition.cost, condition.parts.back().cost);
  }
  std::stable_sort(condition.parts.begin(),
                   condition.parts.end(),
                   [](const Condition& a, const Condition& b) { return a.cost < b.cost; });
  return condition;
}

}  // namespace

Condition Condition::Of(const Matcher& matcher) { return Make(matcher.root()); }

}  // namespace postglass::store
