#include "store/embedded/table/shape.h"

#include <algorithm>

#include "store/embedded/table/json_text.h"

namespace postglass::store {

namespace {

// Follows keys and brackets of a skeleton; `path` is always that of the next value.
class SkeletonWalk {
 public:
  explicit SkeletonWalk(std::string_view skeleton) : rest_(skeleton) {}

  std::vector<ColumnKey> Columns() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '{' || c == '[') {
        open_.push_back(path_.size());
      } else if (c == '}' || c == ']') {
        if (open_.empty()) break;
        path_.resize(open_.back());
        open_.pop_back();
      } else if (c == '"') {
        if (!EnterKey()) break;
      } else if (IsMark(c)) {
        const auto type =
            c == kScientificMark ? ValueType::kDouble : static_cast<ValueType>(c - kMarks[0]);
        columns_.push_back({ColumnKind::kAttribute, type, path_});
      }
    }
    return std::move(columns_);
  }

 private:
  // Requires: behind the opening quote.
  bool EnterKey() {
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2U : 1U;
    if (end >= rest_.size() || open_.empty()) return false;
    path_.resize(open_.back());
    if (open_.size() > 1) path_ += '.';
    const bool good = AppendUnescaped(path_, rest_.substr(0, end)) != Escapes::kBad;
    rest_.remove_prefix(end + 1);
    return good;
  }

  std::string_view rest_;
  std::string path_;
  std::vector<std::size_t> open_;  // bytes of the path outside of each bracket
  std::vector<ColumnKey> columns_;
};

}  // namespace

std::vector<ColumnKey> ColumnsOfSkeleton(std::string_view skeleton) {
  return SkeletonWalk(skeleton).Columns();
}

}  // namespace postglass::store
