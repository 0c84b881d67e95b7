#include "store/embedded/segment/affixed_dictionary.h"

namespace postglass::store {

Result<std::optional<Code>> AffixedDictionary::Find(std::string_view text) const {
  if (text.size() < prefix_.size() + suffix_.size() || !text.starts_with(prefix_) ||
      !text.ends_with(suffix_)) {
    return std::optional<Code>();
  }
  return inner_->Find(text.substr(prefix_.size(), text.size() - prefix_.size() - suffix_.size()));
}

Result<Code> AffixedDictionary::LowerBound(std::string_view text) const {
  // The suffix changes where a text falls, so the strings are compared as they are.
  Code low = 0;
  Code high = size();
  std::string middle_text;
  while (low < high) {
    const Code middle = low + (high - low) / 2;
    middle_text.clear();
    RETURN_IF_ERROR(AppendText(middle, middle_text));
    if (middle_text < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Status AffixedDictionary::AppendText(Code code, std::string& out) const {
  out += prefix_;
  RETURN_IF_ERROR(inner_->AppendText(code, out));
  out += suffix_;
  return {};
}

Status AffixedDictionary::ForEachText(Code begin,
                                      Code end,
                                      FunctionRef<bool(Code, std::string_view)> visit) const {
  std::string text = prefix_;
  return inner_->ForEachText(begin, end, [&](Code code, std::string_view inner) {
    text.resize(prefix_.size());
    text += inner;
    text += suffix_;
    return visit(code, text);
  });
}

}  // namespace postglass::store
