#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/match_tests.h"

namespace postglass::store {

// One test on a field's values, with what is the same for every table worked out once.
struct Leaf {
  // A text to be found in dictionaries, as it is and folded, as filters want it.
  struct Key {
    std::string text;
    std::string folded;
  };

  const Matcher::Node* node = nullptr;  // kExists, kValue or kText
  std::string prefix;                   // TagPrefixOf() the field
  // Of an EqualTest or a OneOfTest: the texts with the prefix in front, sorted, those that are
  // compared without case in lower case; and the numbers.
  std::vector<Key> keys;
  std::vector<Key> keys_ignoring_case;
  std::vector<double> numbers;
  // Of a GlobTest with case: what every text that fits begins with, behind the prefix, and whether
  // that is all that is asked.
  std::string glob_head;
  bool glob_is_head = false;
  std::string glob_literal;  // the longest piece that every text that fits holds, maybe folded
  // Of a PhraseTest: false when no number's text can hold all words.
  bool may_be_number = true;
  bool may_be_bool = true;  // the same of true and false
};

// A predicate as a tree for the executor: the leaves and what joins them, the cheap ones first.
struct Condition {
  enum class Kind { kAll, kNone, kNot, kAnd, kOr, kLeaf };

  Kind kind = Kind::kAll;
  int cost = 0;                  // of a leaf's dictionary work, roughly
  std::vector<Condition> parts;  // of kNot, kAnd, kOr
  std::unique_ptr<const Leaf> leaf;

  // Borrows from the matcher.
  static Condition Of(const Matcher& matcher);
};

}  // namespace postglass::store
