#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/hash.h"
#include "store/event_reader.h"
#include "store/predicate.h"

// What a block's filter knows: folded whole values, folded words, attribute paths and tag keys. The
// two halves here must agree: GatherKeys puts in at least what KeyCondition asks for.

namespace postglass::store {

// Gathers the keys of one block's events.
class FilterKeys {
 public:
  void Add(EventReader& reader);
  std::vector<std::uint64_t> Take();  // and begins anew

 private:
  enum class Cut { kWhole, kWords };

  void AddValue(std::string_view text, Cut cut);
  void AddPath(std::string_view path);

  HashSet keys_;
  HashSet seen_;  // of values and paths as they stand: most come again and are done
  std::string folded_;
};

// What a filter must contain for any event of its block to match.
class KeyCondition {
 public:
  static KeyCondition For(const Predicate& predicate);

  // False when no event of a block with this filter can match.
  bool MayHold(std::string_view filter) const;

  // Holds whatever the filter is: not worth loading one.
  bool is_always() const { return kind_ == Kind::kAlways; }

 private:
  enum class Kind { kAlways, kNever, kKey, kAll, kAny };
  friend struct ConditionMaker;

  static KeyCondition Key(std::uint64_t hash);
  static KeyCondition Join(Kind kind, std::vector<KeyCondition> parts);

  Kind kind_ = Kind::kAlways;
  std::uint64_t key_ = 0;
  std::vector<KeyCondition> parts_;
};

}  // namespace postglass::store
