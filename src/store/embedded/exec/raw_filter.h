#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/exec/condition.h"

namespace postglass::store {

// Tells from the bytes of an event's attributes that they cannot match, which is far cheaper than
// parsing them. Immutable.
class RawFilter {
 public:
  explicit RawFilter(const Condition& condition);

  // False only when no attributes with these bytes match.
  bool MayMatch(std::string_view attributes) const;

 private:
  struct Literal {
    std::string text;
    bool is_plain = false;  // its characters are hidden by no escape but \uXXXX
  };

  // Each of them is in a text value of every event that matches. None is in a number's text, and
  // JSON writes a text's bytes as they are unless there is a backslash.
  std::vector<Literal> literals_;
};

}  // namespace postglass::store
