#include "store/embedded/segment/determined_codes.h"

#include <algorithm>

#include "store/coding.h"
#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/number_array.h"

namespace postglass::store {

namespace {

enum class Form : std::uint8_t { kOne, kLists };

tl::unexpected<Error> NoFunction() {
  return Fail(ErrorCode::kCorruption, "codes that do not follow from their key");
}

// The values of one row begin here; this is where they end.
std::uint32_t EndOfRow(const Layout& layout, std::uint32_t begin) {
  if (layout.is_single()) return begin + 1;
  const std::span<const RowIndex> rows = layout.rows();
  std::uint32_t end = begin + 1;
  while (end < rows.size() && rows[end] == rows[begin]) ++end;
  return end;
}

}  // namespace

std::optional<std::vector<Code>> CodeOfRow(const Codes& codes,
                                           const Layout& layout,
                                           std::uint32_t rows) {
  if (!layout.is_single()) return std::nullopt;
  std::vector<Code> of_row(rows, kNoCode);
  codes.Visit([&](const auto& values) {
    if (layout.is_identity()) {
      for (std::size_t i = 0; i < values.size(); ++i) of_row[i] = values[i];
    } else {
      const std::span<const RowIndex> row_of = layout.rows();
      for (std::size_t i = 0; i < values.size(); ++i) of_row[row_of[i]] = values[i];
    }
  });
  return of_row;
}

bool Determination::Try(const Codes& codes,
                        const Layout& layout,
                        std::span<const Code> key_of_row,
                        std::uint32_t key_size) {
  ++round_;
  if (met_.size() < key_size) met_.resize(key_size);
  return codes.Visit([&](const auto& values) {
    const auto count = static_cast<std::uint32_t>(values.size());
    for (std::uint32_t i = 0; i < count;) {
      const Code key = key_of_row[layout.RowOf(i)];
      if (key == kNoCode) return false;
      const std::uint32_t end = EndOfRow(layout, i);
      Met& met = met_[key];
      if (met.round != round_) {
        met = {round_, i, end - i};
      } else {
        if (met.count != end - i) return false;
        for (std::uint32_t j = 0; j < met.count; ++j) {
          if (values[met.begin + j] != values[i + j]) return false;
        }
      }
      i = end;
    }
    return true;
  });
}

std::string Determination::Encode(const Codes& codes,
                                  std::uint32_t dictionary_size,
                                  std::uint32_t key_size) const {
  std::vector<Code> values;
  std::vector<std::uint64_t> counts;
  bool one = true;
  for (std::uint32_t key = 0; key < key_size; ++key) {
    if (met_[key].round == round_) one = one && met_[key].count == 1;
  }
  Code last = 0;
  for (std::uint32_t key = 0; key < key_size; ++key) {
    const Met met = met_[key].round == round_ ? met_[key] : Met{};
    counts.push_back(met.count);
    for (std::uint32_t j = 0; j < met.count; ++j) {
      last = codes[met.begin + j];
      values.push_back(last);
    }
    // A key code without a value gets one that costs little.
    if (one && met.count == 0) values.push_back(last);
  }
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(one ? Form::kOne : Form::kLists));
  if (!one) {
    PutVarint(out, values.size());
    NumberArray::Append(out, counts);
  }
  out += EncodeCodes(Codes::Pack(values, dictionary_size), dictionary_size);
  return out;
}

Result<Codes> DecodeDetermined(std::string_view bytes,
                               const Layout& layout,
                               std::uint32_t dictionary_size,
                               std::span<const Code> key_of_row,
                               std::uint32_t key_size) {
  ByteReader in(bytes);
  const auto form = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kLists)) return NoFunction();
  const bool one = static_cast<Form>(form) == Form::kOne;
  std::uint64_t total = key_size;
  std::vector<std::uint32_t> begins;  // by key code, and the end
  if (!one) {
    total = in.Varint();
    const std::optional<NumberArray> counts = NumberArray::Take(in, key_size);
    if (!counts || counts->size() != key_size || total > layout.values_count()) {
      return NoFunction();
    }
    begins.resize(key_size + std::size_t{1});
    std::uint64_t sum = 0;
    for (std::uint32_t key = 0; key < key_size; ++key) {
      sum += std::min<std::uint64_t>((*counts)[key], total + 1);
      if (sum > total) return NoFunction();
      begins[key + 1] = static_cast<std::uint32_t>(sum);
    }
    if (sum != total) return NoFunction();
  } else if (!layout.is_single()) {
    return NoFunction();
  }
  ASSIGN_OR_RETURN(
      const Codes of_key,
      DecodeCodes(in.Take(in.remaining()), static_cast<std::uint32_t>(total), dictionary_size));
  return of_key.Visit([&](const auto& table) -> Result<Codes> {
    using Table = std::decay_t<decltype(table)>;
    if constexpr (std::is_same_v<Table, Codes::Constant>) {
      return Codes(Codes::Constant{layout.values_count()});
    } else {
      Table values(layout.values_count());
      if (one) {
        for (std::uint32_t i = 0; i < values.size(); ++i) {
          const Code key = key_of_row[layout.RowOf(i)];
          if (key >= key_size) return NoFunction();
          values[i] = table[key];
        }
        return Codes(std::move(values));
      }
      for (std::uint32_t i = 0; i < values.size();) {
        const Code key = key_of_row[layout.RowOf(i)];
        const std::uint32_t end = EndOfRow(layout, i);
        if (key >= key_size || begins[key + 1] - begins[key] != end - i) return NoFunction();
        for (std::uint32_t from = begins[key]; i < end; ++i, ++from) values[i] = table[from];
      }
      return Codes(std::move(values));
    }
  });
}

}  // namespace postglass::store
