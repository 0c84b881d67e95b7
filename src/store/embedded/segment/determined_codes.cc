#include "store/embedded/segment/determined_codes.h"

#include <algorithm>
#include <map>
#include <set>

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
  std::vector<std::uint64_t> counts(key_size);
  std::set<std::uint64_t> lengths;
  for (std::uint32_t key = 0; key < key_size; ++key) {
    if (met_[key].round != round_) continue;
    counts[key] = met_[key].count;
    lengths.insert(counts[key]);
  }
  const bool one = lengths == std::set<std::uint64_t>{1};
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(one ? Form::kOne : Form::kLists));
  if (one) {
    std::vector<Code> values;
    for (std::uint32_t key = 0; key < key_size; ++key) {
      // A key code without a value gets one that costs little.
      const Code last = values.empty() ? 0 : values.back();
      values.push_back(counts[key] == 0 ? last : codes[met_[key].begin]);
    }
    out += EncodeCodes(Codes::Pack(values, dictionary_size), dictionary_size);
    return out;
  }
  NumberArray::Append(out, counts);
  for (const std::uint64_t length : lengths) {
    for (std::uint64_t place = 0; place < length; ++place) {
      std::vector<Code> values;
      for (std::uint32_t key = 0; key < key_size; ++key) {
        if (counts[key] == length) values.push_back(codes[met_[key].begin + place]);
      }
      PutBytes(out, EncodeCodes(Codes::Pack(values, dictionary_size), dictionary_size));
    }
  }
  return out;
}

namespace {

// By key code, its values, in one list.
struct ListTable {
  std::vector<std::uint32_t> begins;  // by key code, and the end
  std::vector<Code> values;
};

std::optional<ListTable> TakeLists(ByteReader& in,
                                   std::uint32_t values_max,
                                   std::uint32_t dictionary_size,
                                   std::uint32_t key_size) {
  const std::optional<NumberArray> counts = NumberArray::Take(in, key_size);
  if (!counts || counts->size() != key_size) return std::nullopt;
  ListTable table;
  table.begins.resize(key_size + std::size_t{1});
  std::map<std::uint32_t, std::vector<std::uint32_t>> keys_of_length;
  for (std::uint32_t key = 0; key < key_size; ++key) {
    const std::uint64_t count = (*counts)[key];
    if (count > values_max - table.begins[key]) return std::nullopt;
    table.begins[key + 1] = table.begins[key] + static_cast<std::uint32_t>(count);
    if (count > 0) keys_of_length[static_cast<std::uint32_t>(count)].push_back(key);
  }
  table.values.resize(table.begins.back());
  for (const auto& of_length : keys_of_length) {
    const std::vector<std::uint32_t>& keys = of_length.second;
    for (std::uint32_t place = 0; place < of_length.first; ++place) {
      const Result<Codes> codes =
          DecodeCodes(in.Bytes(), static_cast<std::uint32_t>(keys.size()), dictionary_size);
      if (!codes) return std::nullopt;
      codes->Visit([&](const auto& values) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
          table.values[table.begins[keys[i]] + place] = values[i];
        }
      });
    }
  }
  return table;
}

}  // namespace

Result<Codes> DecodeDetermined(std::string_view bytes,
                               const Layout& layout,
                               std::uint32_t dictionary_size,
                               std::span<const Code> key_of_row,
                               std::uint32_t key_size) {
  ByteReader in(bytes);
  const auto form = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kLists)) return NoFunction();
  const std::uint32_t count = layout.values_count();
  if (static_cast<Form>(form) == Form::kOne) {
    if (!layout.is_single()) return NoFunction();
    ASSIGN_OR_RETURN(const Codes of_key,
                     DecodeCodes(in.Take(in.remaining()), key_size, dictionary_size));
    return of_key.Visit([&](const auto& table) -> Result<Codes> {
      using Table = std::decay_t<decltype(table)>;
      if constexpr (std::is_same_v<Table, Codes::Constant>) {
        return Codes(Codes::Constant{count});
      } else {
        Table values(count);
        for (std::uint32_t i = 0; i < count; ++i) {
          const Code key = key_of_row[layout.RowOf(i)];
          if (key >= key_size) return NoFunction();
          values[i] = table[key];
        }
        return Codes(std::move(values));
      }
    });
  }
  const std::optional<ListTable> table = TakeLists(in, count, dictionary_size, key_size);
  if (!table || !in.AtEnd()) return NoFunction();
  std::vector<Code> values(count);
  for (std::uint32_t i = 0; i < count;) {
    const Code key = key_of_row[layout.RowOf(i)];
    const std::uint32_t end = EndOfRow(layout, i);
    if (key >= key_size || table->begins[key + 1] - table->begins[key] != end - i) {
      return NoFunction();
    }
    for (std::uint32_t from = table->begins[key]; i < end; ++i, ++from) {
      values[i] = table->values[from];
    }
  }
  return Codes::Pack(values, dictionary_size);
}

}  // namespace postglass::store
