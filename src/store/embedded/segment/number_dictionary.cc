#include "store/embedded/segment/number_dictionary.h"

#include <bit>

#include "store/embedded/segment/number_array.h"

namespace postglass::store {

std::string EncodeNumbers(std::span<const std::uint64_t> bits) {
  std::vector<std::uint64_t> steps(bits.begin(), bits.end());
  for (std::size_t i = steps.size(); i-- > 1;) steps[i] -= steps[i - 1];
  const std::uint64_t first = steps.empty() ? 0 : steps[0];
  if (!steps.empty()) steps.erase(steps.begin());
  std::string out;
  PutFixed(out, first);
  NumberArray::Append(out, steps);
  return out;
}

Result<std::vector<std::uint64_t>> DecodeNumbers(std::string_view bytes, std::uint32_t count) {
  ByteReader in(bytes);
  const auto first = in.Fixed<std::uint64_t>();
  const std::optional<NumberArray> steps = NumberArray::Take(in, count);
  if (!steps || !in.AtEnd() || count == 0 || steps->size() != count - 1) {
    return Fail(ErrorCode::kCorruption, "numbers that are no dictionary");
  }
  std::vector<std::uint64_t> numbers(count);
  numbers[0] = first;
  steps->CopyTo(numbers.data() + 1);
  for (std::size_t i = 1; i < numbers.size(); ++i) numbers[i] += numbers[i - 1];
  return numbers;
}

NumberDictionary::NumberDictionary(ValueType type, const std::vector<std::uint64_t>& bits)
    : type_(type) {
  for (const std::uint64_t number : bits) {
    switch (type) {
      case ValueType::kInteger:
        integers_.push_back(static_cast<std::int64_t>(number));
        break;
      case ValueType::kDouble:
        doubles_.push_back(std::bit_cast<double>(number));
        break;
      default:
        bools_.push_back(number != 0);
        break;
    }
  }
}

}  // namespace postglass::store
