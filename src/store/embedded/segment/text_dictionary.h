#pragma once

#include <memory>

#include "store/embedded/segment/segment_core.h"
#include "store/embedded/segment/text_index.h"
#include "store/embedded/table/dictionary.h"

namespace postglass::store {

// The strings of a segment's column, read block by block through the cache.
class TextDictionary final : public Dictionary {
 public:
  // `part`: of its blocks in the cache.
  TextDictionary(std::shared_ptr<const SegmentCore> core,
                 std::shared_ptr<const TextIndex> index,
                 PieceSources sources,
                 std::uint32_t part,
                 std::uint32_t size,
                 bool all_lower_case)
      : core_(std::move(core)),
        index_(std::move(index)),
        sources_(std::move(sources)),
        part_(part),
        size_(size),
        all_lower_case_(all_lower_case) {}

  ValueType type() const override { return ValueType::kString; }

  std::uint32_t size() const override { return size_; }

  bool all_lower_case() const override { return all_lower_case_; }

  Result<std::optional<Code>> Find(std::string_view text) const override;
  Result<Code> LowerBound(std::string_view text) const override;
  Status AppendText(Code code, std::string& out) const override;
  Status ForEachText(Code begin,
                     Code end,
                     FunctionRef<bool(Code, std::string_view)> visit) const override;

  Result<std::span<const std::int64_t>> Integers() const override {
    return std::span<const std::int64_t>();
  }

  Result<std::span<const double>> Doubles() const override { return std::span<const double>(); }

  bool BoolAt(Code) const override { return false; }

 private:
  Result<std::shared_ptr<const TextBlock>> BlockAt(std::uint32_t block) const;

  std::shared_ptr<const SegmentCore> core_;
  std::shared_ptr<const TextIndex> index_;
  PieceSources sources_;
  std::uint32_t part_;
  std::uint32_t size_;
  bool all_lower_case_;
};

}  // namespace postglass::store
