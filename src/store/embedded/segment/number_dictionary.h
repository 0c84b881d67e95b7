#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/dictionary.h"

namespace postglass::store {

// Ascending numbers as their differences, which are small for what is counted or measured often.
// `bits`: integers or doubles as they are in memory.
std::string EncodeNumbers(std::span<const std::uint64_t> bits);
// Errors: kCorruption: not `count` numbers. Requires: slack behind the bytes.
Result<std::vector<std::uint64_t>> DecodeNumbers(std::string_view bytes, std::uint32_t count);

// Numbers or booleans of a segment's column, whole in memory.
class NumberDictionary final : public Dictionary {
 public:
  NumberDictionary(ValueType type, const std::vector<std::uint64_t>& bits);

  ValueType type() const override { return type_; }

  std::uint32_t size() const override {
    return static_cast<std::uint32_t>(integers_.size() + doubles_.size() + bools_.size());
  }

  bool all_lower_case() const override { return true; }

  Result<std::optional<Code>> Find(std::string_view) const override {
    return std::optional<Code>();
  }

  Result<Code> LowerBound(std::string_view) const override { return size(); }

  Status AppendText(Code, std::string&) const override { return {}; }

  Status ForEachText(Code, Code, FunctionRef<bool(Code, std::string_view)>) const override {
    return {};
  }

  Result<std::span<const std::int64_t>> Integers() const override {
    return std::span<const std::int64_t>(integers_);
  }

  Result<std::span<const double>> Doubles() const override {
    return std::span<const double>(doubles_);
  }

  bool BoolAt(Code code) const override { return bools_[code]; }

  std::size_t memory_bytes() const {
    return sizeof(*this) + (integers_.size() + doubles_.size()) * sizeof(std::int64_t);
  }

 private:
  ValueType type_;
  std::vector<std::int64_t> integers_;
  std::vector<double> doubles_;
  std::vector<bool> bools_;
};

}  // namespace postglass::store
