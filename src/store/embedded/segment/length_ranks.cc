#include "store/embedded/segment/length_ranks.h"

#include <algorithm>

namespace postglass::store {

namespace {

constexpr std::size_t kStrideMin = 64;

}  // namespace

LengthRanks::LengthRanks(const std::vector<Code>& lengths) {
  Code max = 0;
  for (const Code length : lengths) max = std::max(max, length);
  std::vector<std::uint32_t> counts(std::size_t{max} + 1);  // by length, then by its place below
  for (const Code length : lengths) ++counts[length];
  std::vector<std::uint32_t> place_of(counts.size());
  for (std::uint32_t length = 0; length < counts.size(); ++length) {
    if (counts[length] == 0) continue;
    place_of[length] = static_cast<std::uint32_t>(distinct_.size());
    distinct_.push_back(length);
  }
  // With many lengths marks are further apart: together they take a byte a place at most.
  stride_ = std::max(kStrideMin, sizeof(marks_[0]) * distinct_.size());
  std::vector<std::uint32_t> before(distinct_.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (i % stride_ == 0) marks_.insert(marks_.end(), before.begin(), before.end());
    ++before[place_of[lengths[i]]];
  }
  lengths_ = Codes::Pack(lengths, counts.size());
}

std::uint32_t LengthRanks::RankOf(std::size_t i) const {
  const std::size_t mark = i / stride_;
  const std::uint32_t length = length_of(i);
  const auto place = std::lower_bound(distinct_.begin(), distinct_.end(), length);
  std::uint32_t rank =
      marks_[mark * distinct_.size() + static_cast<std::size_t>(place - distinct_.begin())];
  lengths_.Visit([&](const auto& values) {
    for (std::size_t at = mark * stride_; at < i; ++at) rank += values[at] == length ? 1U : 0U;
  });
  return rank;
}

}  // namespace postglass::store
