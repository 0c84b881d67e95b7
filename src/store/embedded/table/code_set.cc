#include "store/embedded/table/code_set.h"

#include <algorithm>

namespace postglass::store {

CodeSet CodeSet::Range(Code begin, Code end) {
  CodeSet set;
  if (begin < end) {
    set.begin_ = begin;
    set.end_ = end;
  }
  return set;
}

CodeSet CodeSet::List(std::vector<Code> codes) {
  if (codes.empty()) return {};
  CodeSet set = Range(codes.front(), codes.back() + 1);
  if (codes.size() < set.end_ - set.begin_) set.codes_ = std::move(codes);
  return set;
}

bool CodeSet::Contains(Code code) const {
  if (code < begin_ || code >= end_) return false;
  return is_range() || std::binary_search(codes_.begin(), codes_.end(), code);
}

}  // namespace postglass::store
