#include "store/embedded/table/dictionary_merge.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "store/embedded/table/loser_tree.h"
#include "store/embedded/table/text_prefix.h"

namespace postglass::store {

namespace {

// What is read of one input at a time: enough for a block of a segment, little times the inputs.
constexpr Code kChunkCodes = 4096;
constexpr std::size_t kChunkBytes = 256 << 10;

// Goes through the kept texts of one dictionary.
class TextCursor {
 public:
  TextCursor(const Dictionary& dictionary, const std::vector<bool>& used, std::size_t first_code)
      : dictionary_(dictionary), used_(used), first_code_(first_code) {}

  bool at_end() const { return place_ == ends_.size(); }

  std::string_view text() const { return text_; }

  // Among the old codes of all inputs.
  std::size_t code() const { return first_code_ + codes_[place_]; }

  std::uint64_t prefix() const { return prefix_; }

  // All texts of all inputs begin with the same `common_bytes`.
  Status Begin(std::size_t common_bytes) {
    common_bytes_ = common_bytes;
    return ReadChunk();
  }

  Status Advance() {
    ++place_;
    if (place_ == ends_.size() && next_ < dictionary_.size()) return ReadChunk();
    if (!at_end()) Load();
    return {};
  }

 private:
  // Until there is a kept text, or none left.
  Status ReadChunk() {
    place_ = 0;
    ends_.clear();
    codes_.clear();
    arena_.clear();
    while (ends_.empty() && next_ < dictionary_.size()) {
      const Code end = std::min(dictionary_.size(), next_ + kChunkCodes);
      RETURN_IF_ERROR(dictionary_.ForEachText(next_, end, [&](Code code, std::string_view text) {
        next_ = code + 1;
        if (!used_.empty() && !used_[first_code_ + code]) return true;
        arena_ += text;
        ends_.push_back(arena_.size());
        codes_.push_back(code);
        return arena_.size() < kChunkBytes;
      }));
    }
    if (!at_end()) Load();
    return {};
  }

  void Load() {
    const std::size_t begin = place_ == 0 ? 0 : ends_[place_ - 1];
    text_ = std::string_view(arena_).substr(begin, ends_[place_] - begin);
    prefix_ = PrefixFrom(text_, std::min(common_bytes_, text_.size()));
  }

  const Dictionary& dictionary_;
  const std::vector<bool>& used_;
  const std::size_t first_code_;
  std::size_t common_bytes_ = 0;
  Code next_ = 0;
  std::string arena_;
  std::vector<std::size_t> ends_;
  std::vector<Code> codes_;
  std::size_t place_ = 0;
  std::string_view text_;
  std::uint64_t prefix_ = 0;
};

// What all texts begin with: as dictionaries are in order, that is what the first and the last have
// in common.
Result<std::size_t> CommonBytesOfAll(std::span<const std::shared_ptr<const Dictionary>> inputs) {
  std::string first;
  std::string last;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::string low;
    std::string high;
    RETURN_IF_ERROR(inputs[i]->AppendText(0, low));
    RETURN_IF_ERROR(inputs[i]->AppendText(inputs[i]->size() - 1, high));
    if (i == 0 || low < first) first = std::move(low);
    if (i == 0 || high > last) last = std::move(high);
  }
  return CommonBytes(first, last);
}

Result<MergedDictionary> MergeTexts(std::span<const std::shared_ptr<const Dictionary>> inputs,
                                    const std::vector<bool>& used,
                                    std::size_t codes_count,
                                    const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::size_t common_bytes, CommonBytesOfAll(inputs));
  std::vector<TextCursor> cursors;
  cursors.reserve(inputs.size());
  std::size_t first_code = 0;
  for (const auto& input : inputs) {
    cursors.emplace_back(*input, used, first_code);
    RETURN_IF_ERROR(cursors.back().Begin(common_bytes));
    first_code += input->size();
  }
  const auto before = [&](std::size_t a, std::size_t b) {
    const TextCursor& x = cursors[a];
    const TextCursor& y = cursors[b];
    if (x.at_end() || y.at_end()) return !x.at_end() || (y.at_end() && a < b);
    if (x.prefix() != y.prefix()) return x.prefix() < y.prefix();
    const int order = x.text().compare(y.text());
    return order != 0 ? order < 0 : a < b;
  };
  LoserTree tree(cursors.size(), before);
  std::string arena;
  std::vector<std::uint32_t> ends;
  std::vector<Code> new_codes(codes_count);
  std::size_t last_begin = 0;
  while (!cursors[tree.winner()].at_end()) {
    TextCursor& cursor = cursors[tree.winner()];
    if (ends.empty() || std::string_view(arena).substr(last_begin) != cursor.text()) {
      if ((ends.size() & 0xFFF) == 0 && stop.stop_requested()) {
        return Fail(ErrorCode::kCancelled, "merge of tables stopped");
      }
      last_begin = arena.size();
      arena += cursor.text();
      if (arena.size() > std::numeric_limits<std::uint32_t>::max()) {
        return Fail(ErrorCode::kLimit, "a column's distinct values take more than 4 GiB");
      }
      ends.push_back(static_cast<std::uint32_t>(arena.size()));
    }
    new_codes[cursor.code()] = static_cast<Code>(ends.size() - 1);
    RETURN_IF_ERROR(cursor.Advance());
    tree.Replay();
  }
  arena.shrink_to_fit();
  ends.shrink_to_fit();
  return MergedDictionary{
      std::make_shared<const MemoryDictionary>(std::move(arena), std::move(ends)),
      std::move(new_codes)};
}

template <class T>
bool NumberBefore(T a, T b) {
  if constexpr (std::is_same_v<T, double>) {
    return DoubleBefore(a, b);
  } else {
    return a < b;
  }
}

Result<std::span<const std::int64_t>> NumbersOf(const Dictionary& dictionary, std::int64_t) {
  return dictionary.Integers();
}

Result<std::span<const double>> NumbersOf(const Dictionary& dictionary, double) {
  return dictionary.Doubles();
}

template <class T>
Result<MergedDictionary> MergeNumbers(std::span<const std::shared_ptr<const Dictionary>> inputs,
                                      const std::vector<bool>& used,
                                      std::size_t codes_count) {
  std::vector<T> merged;
  std::size_t code = 0;
  for (const auto& input : inputs) {
    ASSIGN_OR_RETURN(const auto numbers, NumbersOf(*input, T()));
    const auto sorted_before = static_cast<std::ptrdiff_t>(merged.size());
    for (const T number : numbers) {
      if (used.empty() || used[code]) merged.push_back(number);
      ++code;
    }
    std::inplace_merge(
        merged.begin(), merged.begin() + sorted_before, merged.end(), NumberBefore<T>);
    const auto same = [](T a, T b) { return !NumberBefore(a, b) && !NumberBefore(b, a); };
    merged.erase(std::unique(merged.begin(), merged.end(), same), merged.end());
  }
  std::vector<Code> new_codes;
  new_codes.reserve(codes_count);
  for (const auto& input : inputs) {
    ASSIGN_OR_RETURN(const auto numbers, NumbersOf(*input, T()));
    std::size_t place = 0;
    for (const T number : numbers) {
      while (place < merged.size() && NumberBefore(merged[place], number)) ++place;
      new_codes.push_back(static_cast<Code>(place));
    }
  }
  merged.shrink_to_fit();
  return MergedDictionary{std::make_shared<const MemoryDictionary>(std::move(merged)),
                          std::move(new_codes)};
}

MergedDictionary MergeBools(std::span<const std::shared_ptr<const Dictionary>> inputs,
                            const std::vector<bool>& used) {
  std::array<bool, 2> present{};
  std::vector<bool> old;
  for (const auto& input : inputs) {
    for (Code code = 0; code < input->size(); ++code) {
      if (used.empty() || used[old.size()]) present[input->BoolAt(code) ? 1 : 0] = true;
      old.push_back(input->BoolAt(code));
    }
  }
  std::vector<bool> merged;
  for (const bool value : {false, true}) {
    if (present[value ? 1 : 0]) merged.push_back(value);
  }
  std::vector<Code> new_codes;
  for (const bool value : old) new_codes.push_back(value && present[0] ? 1 : 0);
  return {std::make_shared<const MemoryDictionary>(std::move(merged)), std::move(new_codes)};
}

}  // namespace

Result<MergedDictionary> MergeDictionaries(
    std::span<const std::shared_ptr<const Dictionary>> inputs,
    const std::vector<bool>& used,
    const std::stop_token& stop) {
  std::size_t codes_count = 0;
  for (const auto& input : inputs) codes_count += input->size();
  switch (inputs.front()->type()) {
    case ValueType::kInteger:
      return MergeNumbers<std::int64_t>(inputs, used, codes_count);
    case ValueType::kDouble:
      return MergeNumbers<double>(inputs, used, codes_count);
    case ValueType::kBool:
      return MergeBools(inputs, used);
    default:
      return MergeTexts(inputs, used, codes_count, stop);
  }
}

}  // namespace postglass::store
