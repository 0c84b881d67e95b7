#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// Codes of one dictionary: a run of them, or a list.
class CodeSet {
 public:
  CodeSet() = default;  // nothing

  static CodeSet Range(Code begin, Code end);
  // Requires: ascending, distinct.
  static CodeSet List(std::vector<Code> codes);

  bool empty() const { return begin_ == end_; }

  std::size_t size() const { return is_range() ? end_ - begin_ : codes_.size(); }

  // All codes lie in [begin(), end()); of a range they are all of these.
  bool is_range() const { return codes_.empty(); }

  Code begin() const { return begin_; }

  Code end() const { return end_; }

  // Of a list, ascending.
  const std::vector<Code>& codes() const { return codes_; }

  bool Contains(Code code) const;

 private:
  Code begin_ = 0;
  Code end_ = 0;
  std::vector<Code> codes_;  // empty: the whole range
};

}  // namespace postglass::store
