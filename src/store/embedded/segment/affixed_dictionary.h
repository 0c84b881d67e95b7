#pragma once

#include <memory>
#include <string>

#include "store/embedded/table/dictionary.h"

namespace postglass::store {

// The strings of another dictionary, each between the same two pieces of text, in the same order.
class AffixedDictionary final : public Dictionary {
 public:
  AffixedDictionary(std::shared_ptr<const Dictionary> inner,
                    std::string prefix,
                    std::string suffix,
                    bool all_lower_case)
      : inner_(std::move(inner)),
        prefix_(std::move(prefix)),
        suffix_(std::move(suffix)),
        all_lower_case_(all_lower_case) {}

  ValueType type() const override { return ValueType::kString; }

  std::uint32_t size() const override { return inner_->size(); }

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
  std::shared_ptr<const Dictionary> inner_;
  std::string prefix_;
  std::string suffix_;
  bool all_lower_case_;
};

}  // namespace postglass::store
