#include "store/embedded/table/column_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "store/embedded/table/text_prefix.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::size_t kTableSlotsMin = 64;
constexpr std::size_t kPrefetchDistance = 12;   // values; about one miss to memory ahead
constexpr std::size_t kRadixSortMin = 256;      // below it comparing is cheaper
constexpr std::size_t kShortTextBytesMax = 48;  // above it XXH3 is as fast

std::uint64_t Load64(const char* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

std::uint64_t Load32(const char* p) {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}

std::uint64_t Multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Most values are short; for those a few multiplications beat a call.
std::uint64_t HashText(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t kB = 0xE7037ED1A0B428DB;
  const std::size_t n = text.size();
  const char* p = text.data();
  if (n > kShortTextBytesMax) return Hash64(text, seed);
  if (n > 16) {
    std::uint64_t hash = seed ^ n;
    for (std::size_t i = 0; i + 16 < n; i += 16) {
      hash = Multiply(Load64(p + i) ^ kA ^ hash, Load64(p + i + 8) ^ kB);
    }
    return Multiply(Load64(p + n - 16) ^ kA ^ hash, Load64(p + n - 8) ^ kB);
  }
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (n >= 8) {
    a = Load64(p);
    b = Load64(p + n - 8);
  } else if (n >= 4) {
    a = Load32(p);
    b = Load32(p + n - 4);
  } else {
    for (std::size_t i = 0; i < n; ++i) a = a << 8 | static_cast<unsigned char>(p[i]);
  }
  return Multiply(a ^ kA ^ seed, b ^ kB ^ n);
}

bool EqualBytes(const Leaf& a, const Leaf& b) {
  return a.text_bytes == b.text_bytes &&
         (a.text_bytes == 0 || std::memcmp(a.text, b.text, a.text_bytes) == 0);
}

std::span<const Leaf> AsBytes(std::span<const Leaf> numbers, std::vector<Leaf>& scratch) {
  scratch.clear();
  scratch.reserve(numbers.size());
  for (const Leaf& leaf : numbers) {
    scratch.push_back(Leaf::Of({reinterpret_cast<const char*>(&leaf.integer), 8}));
  }
  return scratch;
}

template <class Vector>
std::shared_ptr<const Codes> Placed(const std::vector<Code>& codes,
                                    const std::vector<Code>& place_of) {
  Vector placed(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    placed[i] = static_cast<typename Vector::value_type>(place_of[codes[i]]);
  }
  return std::make_shared<const Codes>(std::move(placed));
}

}  // namespace

// Where this object is differs from run to run, so nobody outside can make hashes that collide.
// What is built does not depend on it.
ColumnBuilder::ColumnBuilder()
    : seed_(reinterpret_cast<std::uintptr_t>(this) * 0x9E3779B97F4A7C15) {}

void ColumnBuilder::Build(std::span<const Leaf> values, MemoryTable::Column& column) {
  switch (column.key.type) {
    case ValueType::kString:
      InternTexts(values);
      SortTexts();
      column.dictionary = TextDictionary();
      break;
    case ValueType::kInteger: {
      std::vector<Leaf> bytes;
      InternTexts(AsBytes(values, bytes));
      column.dictionary = SortedNumbers<std::int64_t>();
      break;
    }
    case ValueType::kDouble: {
      std::vector<Leaf> bytes;
      InternTexts(AsBytes(values, bytes));
      column.dictionary = SortedNumbers<double>();
      break;
    }
    case ValueType::kBool:
      column.dictionary = InternBools(values);
      break;
  }
  column.codes = PlacedCodes(column.dictionary->size());
}

void ColumnBuilder::InternTexts(std::span<const Leaf> values) {
  table_.assign(kTableSlotsMin, Slot());
  distinct_.clear();
  hashes_.clear();
  codes_.resize(values.size());
  Code last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i + kPrefetchDistance < values.size()) {
      __builtin_prefetch(values[i + kPrefetchDistance].text);
    }
    // Runs of one value are common: constants, and what one mail's events share.
    if (i == 0 || !EqualBytes(values[i], distinct_[last])) {
      last = Intern(values[i], HashText(values[i].view(), seed_));
    }
    codes_[i] = last;
  }
}

Code ColumnBuilder::Intern(const Leaf& value, std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = tag & mask;; i = (i + 1) & mask) {
    Slot& slot = table_[i];
    if (slot.code_plus_1 == 0) {
      slot = {tag, static_cast<Code>(distinct_.size() + 1)};
      distinct_.push_back(value);
      hashes_.push_back(tag);
      if (2 * distinct_.size() > table_.size()) GrowTable();
      return static_cast<Code>(distinct_.size() - 1);
    }
    if (slot.hash == tag && EqualBytes(distinct_[slot.code_plus_1 - 1], value)) {
      return slot.code_plus_1 - 1;
    }
  }
}

void ColumnBuilder::GrowTable() {
  table_.assign(4 * table_.size(), Slot());
  const std::size_t mask = table_.size() - 1;
  for (Code code = 0; code < hashes_.size(); ++code) {
    std::size_t i = hashes_[code] & mask;
    while (table_[i].code_plus_1 != 0) i = (i + 1) & mask;
    table_[i] = {hashes_[code], code + 1};
  }
}

void ColumnBuilder::SortTexts() {
  std::size_t common_bytes = distinct_.front().text_bytes;
  for (const Leaf& leaf : distinct_) {
    common_bytes = CommonBytes(distinct_.front().view().substr(0, common_bytes), leaf.view());
  }
  order_.clear();
  for (Code code = 0; code < distinct_.size(); ++code) {
    order_.push_back({PrefixFrom(distinct_[code].view(), common_bytes), code});
  }
  SortByPrefix(common_bytes);
  place_of_.resize(order_.size());
  for (std::size_t place = 0; place < order_.size(); ++place) {
    place_of_[order_[place].code] = static_cast<Code>(place);
  }
}

// Radix passes over the first four bytes of the prefix that differ leave runs so short that
// comparing them costs next to nothing.
void ColumnBuilder::SortByPrefix(std::size_t common_bytes) {
  const auto before = [&](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return distinct_[a.code].view().substr(common_bytes) <
           distinct_[b.code].view().substr(common_bytes);
  };
  if (order_.size() < kRadixSortMin) {
    std::sort(order_.begin(), order_.end(), before);
    return;
  }
  constexpr int kPassesMax = 4;
  std::uint64_t differing = 0;
  for (const Entry& entry : order_) differing |= entry.prefix ^ order_.front().prefix;
  std::array<int, 8> shifts{};  // of the bytes that differ, most significant first
  int shifts_count = 0;
  for (int shift = 56; shift >= 0 && shifts_count < kPassesMax; shift -= 8) {
    if ((differing >> shift & 0xFF) != 0) shifts[static_cast<std::size_t>(shifts_count++)] = shift;
  }
  order_scratch_.resize(order_.size());
  for (int pass = shifts_count - 1; pass >= 0; --pass) {
    const int shift = shifts[static_cast<std::size_t>(pass)];
    std::array<std::uint32_t, 257> begins{};
    for (const Entry& entry : order_) ++begins[(entry.prefix >> shift & 0xFF) + 1];
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    for (const Entry& entry : order_) {
      order_scratch_[begins[entry.prefix >> shift & 0xFF]++] = entry;
    }
    order_.swap(order_scratch_);
  }
  // Everything above the last byte looked at is in order now.
  const int looked_at = shifts_count == 0 ? 0 : shifts[static_cast<std::size_t>(shifts_count - 1)];
  for (auto run = order_.begin(); run != order_.end();) {
    auto end = run + 1;
    while (end != order_.end() && shifts_count > 0 &&
           end->prefix >> looked_at == run->prefix >> looked_at) {
      ++end;
    }
    if (shifts_count == 0) end = order_.end();
    if (end - run > 1) std::sort(run, end, before);
    run = end;
  }
}

std::shared_ptr<const MemoryDictionary> ColumnBuilder::TextDictionary() const {
  std::size_t bytes = 0;
  for (const Leaf& leaf : distinct_) bytes += leaf.text_bytes;
  std::string arena;
  arena.reserve(bytes);
  std::vector<std::uint32_t> ends;
  ends.reserve(order_.size());
  for (const Entry& entry : order_) {
    arena += distinct_[entry.code].view();
    ends.push_back(static_cast<std::uint32_t>(arena.size()));
  }
  return std::make_shared<const MemoryDictionary>(std::move(arena), std::move(ends));
}

template <class T>
std::shared_ptr<const MemoryDictionary> ColumnBuilder::SortedNumbers() {
  std::vector<std::pair<T, Code>> order;
  order.reserve(distinct_.size());
  for (Code code = 0; code < distinct_.size(); ++code) {
    T number;
    std::memcpy(&number, distinct_[code].text, sizeof(number));
    order.emplace_back(number, code);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    if constexpr (std::is_same_v<T, double>) {
      return DoubleBefore(a.first, b.first);
    } else {
      return a.first < b.first;
    }
  });
  std::vector<T> numbers;
  numbers.reserve(order.size());
  place_of_.resize(order.size());
  for (const auto& [number, code] : order) {
    place_of_[code] = static_cast<Code>(numbers.size());
    numbers.push_back(number);
  }
  return std::make_shared<const MemoryDictionary>(std::move(numbers));
}

std::shared_ptr<const MemoryDictionary> ColumnBuilder::InternBools(std::span<const Leaf> values) {
  codes_.clear();
  std::array<bool, 2> seen{};
  for (const Leaf& leaf : values) {
    codes_.push_back(leaf.truth ? 1 : 0);
    seen[codes_.back()] = true;
  }
  std::vector<bool> bools;
  place_of_.assign(2, 0);
  for (const bool value : {false, true}) {
    if (!seen[value ? 1 : 0]) continue;
    place_of_[value ? 1 : 0] = static_cast<Code>(bools.size());
    bools.push_back(value);
  }
  return std::make_shared<const MemoryDictionary>(std::move(bools));
}

std::shared_ptr<const Codes> ColumnBuilder::PlacedCodes(std::size_t dictionary_size) const {
  if (dictionary_size <= 1) {
    return std::make_shared<const Codes>(
        Codes::Constant{static_cast<std::uint32_t>(codes_.size())});
  }
  if (dictionary_size <= 1 << 8) return Placed<Codes::Narrow>(codes_, place_of_);
  if (dictionary_size <= 1 << 16) return Placed<Codes::Medium>(codes_, place_of_);
  return Placed<Codes::Wide>(codes_, place_of_);
}

}  // namespace postglass::store
