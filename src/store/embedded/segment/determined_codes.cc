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

// An event has at most kRowValuesMax values, which is far below.
constexpr std::uint32_t kLengthMax = 0xFFFF;

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

Result<DeterminedCodes> DeterminedCodes::Parse(std::string_view bytes,
                                               std::uint32_t values_max,
                                               std::uint32_t dictionary_size,
                                               std::uint32_t key_size) {
  ByteReader in(bytes);
  const auto form = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kLists)) return NoFunction();
  DeterminedCodes made;
  made.key_size_ = key_size;
  if (static_cast<Form>(form) == Form::kOne) {
    ASSIGN_OR_RETURN(made.one_,
                     StoredCodes::ParseTight(in.Take(in.remaining()), key_size, dictionary_size));
    return made;
  }
  const std::optional<NumberArray> lengths = NumberArray::Take(in, key_size);
  if (!lengths || lengths->size() != key_size) return NoFunction();
  std::map<std::uint32_t, std::uint32_t> keys_of_length;
  std::uint64_t values_count = 0;
  std::vector<Code> length_of(key_size);
  for (std::uint32_t key = 0; key < key_size; ++key) {
    const std::uint64_t length = (*lengths)[key];
    if (length > values_max - values_count || length > kLengthMax) return NoFunction();
    values_count += length;
    length_of[key] = static_cast<Code>(length);
    if (length > 0) ++keys_of_length[length_of[key]];
  }
  made.lengths_ = LengthRanks(length_of);
  for (const auto& [length, keys] : keys_of_length) {
    Lists& lists = made.lists_[length];
    for (std::uint32_t place = 0; place < length; ++place) {
      ASSIGN_OR_RETURN(StoredCodes codes,
                       StoredCodes::ParseTight(in.Bytes(), keys, dictionary_size));
      lists.push_back(std::move(codes));
    }
  }
  if (!in.AtEnd()) return NoFunction();
  return made;
}

void DeterminedCodes::Append(Code key, std::vector<Code>& out) const {
  if (key >= key_size_) return;
  if (one_) {
    out.push_back((*one_)[key]);
    return;
  }
  const auto lists = lists_.find(lengths_.length_of(key));
  if (lists == lists_.end()) return;
  const std::uint32_t rank = lengths_.RankOf(key);
  for (const StoredCodes& place : lists->second) out.push_back(place[rank]);
}

namespace {

// hits[i] |= whether code i is in the set.
Status NoteHits(const StoredCodes& stored,
                std::uint32_t dictionary_size,
                const CodeSet& set,
                std::vector<std::uint8_t>& hits) {
  std::optional<Codes> unpacked;
  if (stored.whole() == nullptr) {
    ASSIGN_OR_RETURN(unpacked, stored.Unpack(dictionary_size));
  }
  const Codes& codes = unpacked ? *unpacked : *stored.whole();
  codes.Visit([&](const auto& values) {
    const std::size_t count = values.size();
    if (set.is_range()) {
      const Code begin = set.begin();
      const Code size = set.end() - begin;
      for (std::size_t i = 0; i < count; ++i) {
        hits[i] = static_cast<std::uint8_t>(hits[i] | (Code{values[i]} - begin < size ? 1 : 0));
      }
      return;
    }
    // Codes below the first wrap around to beyond the table.
    std::vector<std::uint8_t> table(set.end() - set.begin() + 1);
    for (const Code code : set.codes()) table[code - set.begin()] = 1;
    const Code begin = set.begin();
    const Code last = set.end() - begin;
    for (std::size_t i = 0; i < count; ++i) {
      hits[i] |= table[std::min<Code>(Code{values[i]} - begin, last)];
    }
  });
  return {};
}

}  // namespace

Result<CodeSet> DeterminedCodes::KeysOf(const CodeSet& codes, std::uint32_t dictionary_size) const {
  std::vector<Code> keys;
  if (codes.empty()) return CodeSet();
  if (one_) {
    if (!one_->MayHold(codes)) return CodeSet();
    std::vector<std::uint8_t> hits(key_size_);
    RETURN_IF_ERROR(NoteHits(*one_, dictionary_size, codes, hits));
    for (Code key = 0; key < key_size_; ++key) {
      if (hits[key] != 0) keys.push_back(key);
    }
    return CodeSet::List(std::move(keys));
  }
  std::map<std::uint32_t, std::vector<std::uint8_t>> hits_of_length;  // by rank
  bool any = false;
  for (const auto& [length, lists] : lists_) {
    std::vector<std::uint8_t>& hits = hits_of_length[length];
    hits.resize(lists.front().size());
    for (const StoredCodes& place : lists) {
      if (!place.MayHold(codes)) continue;
      any = true;
      RETURN_IF_ERROR(NoteHits(place, dictionary_size, codes, hits));
    }
  }
  if (!any) return CodeSet();
  // By length: those of that length so far, of the hits.
  std::vector<const std::uint8_t*> next(lengths_.distinct().back() + std::size_t{1});
  for (const auto& [length, hits] : hits_of_length) next[length] = hits.data();
  lengths_.lengths().Visit([&](const auto& values) {
    for (Code key = 0; key < key_size_; ++key) {
      const std::uint32_t length = values[key];
      if (length > 0 && *next[length]++ != 0) keys.push_back(key);
    }
  });
  return CodeSet::List(std::move(keys));
}

Result<Codes> DeterminedCodes::Expand(const Layout& layout,
                                      std::uint32_t dictionary_size,
                                      std::span<const Code> key_of_row) const {
  return one_ ? ExpandOne(layout, dictionary_size, key_of_row)
              : ExpandLists(layout, dictionary_size, key_of_row);
}

Result<Codes> DeterminedCodes::ExpandOne(const Layout& layout,
                                         std::uint32_t dictionary_size,
                                         std::span<const Code> key_of_row) const {
  if (!layout.is_single()) return NoFunction();
  const std::uint32_t count = layout.values_count();
  ASSIGN_OR_RETURN(const Codes of_key, one_->Unpack(dictionary_size));
  return of_key.Visit([&](const auto& table) -> Result<Codes> {
    using Table = std::decay_t<decltype(table)>;
    if constexpr (std::is_same_v<Table, Codes::Constant>) {
      return Codes(Codes::Constant{count});
    } else {
      Table values(count);
      for (std::uint32_t i = 0; i < count; ++i) {
        const Code key = key_of_row[layout.RowOf(i)];
        if (key >= key_size_) return NoFunction();
        values[i] = table[key];
      }
      return Codes(std::move(values));
    }
  });
}

Result<Codes> DeterminedCodes::ExpandLists(const Layout& layout,
                                           std::uint32_t dictionary_size,
                                           std::span<const Code> key_of_row) const {
  // By key code, its values, in one list.
  std::vector<std::uint32_t> begins(key_size_ + std::size_t{1});
  std::map<std::uint32_t, std::vector<std::uint32_t>> keys_of_length;
  for (std::uint32_t key = 0; key < key_size_; ++key) {
    const std::uint32_t length = lengths_.length_of(key);
    begins[key + 1] = begins[key] + length;
    if (length > 0) keys_of_length[length].push_back(key);
  }
  std::vector<Code> of_key(begins.back());
  for (const auto& [length, lists] : lists_) {
    const std::vector<std::uint32_t>& keys = keys_of_length[length];
    for (std::uint32_t place = 0; place < length; ++place) {
      ASSIGN_OR_RETURN(const Codes codes, lists[place].Unpack(dictionary_size));
      codes.Visit([&](const auto& values) {
        for (std::size_t i = 0; i < keys.size(); ++i) of_key[begins[keys[i]] + place] = values[i];
      });
    }
  }
  const std::uint32_t count = layout.values_count();
  std::vector<Code> values(count);
  for (std::uint32_t i = 0; i < count;) {
    const Code key = key_of_row[layout.RowOf(i)];
    const std::uint32_t end = EndOfRow(layout, i);
    if (key >= key_size_ || begins[key + 1] - begins[key] != end - i) return NoFunction();
    for (std::uint32_t from = begins[key]; i < end; ++i, ++from) values[i] = of_key[from];
  }
  return Codes::Pack(values, dictionary_size);
}

std::size_t DeterminedCodes::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + lengths_.memory_bytes();
  if (one_) bytes += one_->memory_bytes();
  for (const auto& of_length : lists_) {
    for (const StoredCodes& codes : of_length.second) bytes += codes.memory_bytes();
  }
  return bytes;
}

}  // namespace postglass::store
