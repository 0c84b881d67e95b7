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
constexpr std::size_t kPrefetchDistance = 8;    // values
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

// Most comparisons are of equal texts, or end in the first or last bytes.
bool SameBytes(std::string_view a, std::string_view b) {
  const std::size_t n = a.size();
  if (n != b.size()) return false;
  if (n < 8) return n == 0 || std::memcmp(a.data(), b.data(), n) == 0;
  if (Load64(a.data() + n - 8) != Load64(b.data() + n - 8)) return false;
  if (Load64(a.data()) != Load64(b.data())) return false;
  return n <= 16 || std::memcmp(a.data() + 8, b.data() + 8, n - 16) == 0;
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

std::shared_ptr<const Codes> PlacedCodes(const std::vector<Code>& codes,
                                         const std::vector<Code>& place_of) {
  if (place_of.size() <= 1) {
    return std::make_shared<const Codes>(Codes::Constant{static_cast<std::uint32_t>(codes.size())});
  }
  if (place_of.size() <= 1 << 8) return Placed<Codes::Narrow>(codes, place_of);
  if (place_of.size() <= 1 << 16) return Placed<Codes::Medium>(codes, place_of);
  return Placed<Codes::Wide>(codes, place_of);
}

}  // namespace

// Where this object is differs from run to run, so nobody outside can make hashes that collide.
// What is built does not depend on it.
ColumnBuilder::ColumnBuilder()
    : seed_(reinterpret_cast<std::uintptr_t>(this) * 0x9E3779B97F4A7C15) {}

MemoryTable::Column ColumnBuilder::Finish(Scratch& scratch) {
  Intern();
  MemoryTable::Column column;
  column.key = key_;
  switch (key_.type) {
    case ValueType::kString:
      SortTexts(scratch);
      column.dictionary = TextDictionary(scratch);
      break;
    case ValueType::kInteger:
      column.dictionary = SortedNumbers<std::int64_t>(scratch);
      break;
    case ValueType::kDouble:
      column.dictionary = SortedNumbers<double>(scratch);
      break;
    case ValueType::kBool:
      column.dictionary = SortedBools(scratch);
      break;
  }
  column.codes = PlacedCodes(codes_, scratch.place_of);
  codes_.clear();
  distinct_.clear();
  hashes_.clear();
  arena_.clear();
  table_.clear();
  return column;
}

void ColumnBuilder::Intern() {
  if (pending_count_ == 0) return;
  if (table_.empty()) table_.resize(kTableSlotsMin);
  const bool is_text = key_.type == ValueType::kString;
  const auto bytes_of = [&](std::size_t i) {
    if (is_text) return pending_[i].view();
    return std::string_view(reinterpret_cast<const char*>(&pending_[i].integer), 8);
  };
  // Runs of one value are common: constants, and what one mail's events share.
  std::array<std::uint64_t, std::tuple_size_v<decltype(pending_)>> hashes;
  std::array<std::uint16_t, std::tuple_size_v<decltype(pending_)>> run_begins;
  std::size_t runs_count = 0;
  for (std::size_t i = 0; i < pending_count_; ++i) {
    if (i > 0 && SameBytes(bytes_of(i), bytes_of(run_begins[runs_count - 1]))) continue;
    hashes[runs_count] = HashText(bytes_of(i), seed_);
    run_begins[runs_count++] = static_cast<std::uint16_t>(i);
  }
  codes_.resize(codes_.size() + pending_count_);
  Code* const codes = codes_.data() + codes_.size() - pending_count_;
  for (std::size_t run = 0; run < runs_count; ++run) {
    if (run + kPrefetchDistance < runs_count) {
      const std::uint64_t hash = hashes[run + kPrefetchDistance];
      __builtin_prefetch(&table_[hash >> 32 & (table_.size() - 1)]);
    }
    const std::size_t begin = run_begins[run];
    const std::size_t end = run + 1 < runs_count ? run_begins[run + 1] : pending_count_;
    std::fill(codes + begin, codes + end, CodeOf(bytes_of(begin), hashes[run]));
  }
  pending_count_ = 0;
}

Code ColumnBuilder::CodeOf(std::string_view bytes, std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = tag & mask;; i = (i + 1) & mask) {
    Slot& slot = table_[i];
    if (slot.code_plus_1 == 0) {
      const auto code = static_cast<Code>(distinct_.size());
      slot = {tag, code + 1};
      distinct_.push_back(
          {static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(bytes.size())});
      arena_.insert(arena_.end(), bytes.begin(), bytes.end());
      hashes_.push_back(tag);
      if (2 * distinct_.size() > table_.size()) GrowTable();
      return code;
    }
    if (slot.hash == tag && SameBytes(TextOf(slot.code_plus_1 - 1), bytes)) {
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

void ColumnBuilder::SortTexts(Scratch& scratch) const {
  std::size_t common_bytes = TextOf(0).size();
  for (Code code = 1; code < distinct_.size() && common_bytes > 0; ++code) {
    common_bytes = CommonBytes(TextOf(0).substr(0, common_bytes), TextOf(code));
  }
  scratch.order.clear();
  scratch.order.reserve(distinct_.size());
  for (Code code = 0; code < distinct_.size(); ++code) {
    scratch.order.push_back({PrefixFrom(TextOf(code), common_bytes), code});
  }
  SortByPrefix(common_bytes, scratch);
  scratch.place_of.resize(scratch.order.size());
  for (std::size_t place = 0; place < scratch.order.size(); ++place) {
    scratch.place_of[scratch.order[place].code] = static_cast<Code>(place);
  }
}

// Radix passes over the first four bytes of the prefix that differ leave runs so short that
// comparing them costs next to nothing.
void ColumnBuilder::SortByPrefix(std::size_t common_bytes, Scratch& scratch) const {
  std::vector<Entry>& order = scratch.order;
  const auto before = [&](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return TextOf(a.code).substr(common_bytes) < TextOf(b.code).substr(common_bytes);
  };
  if (order.size() < kRadixSortMin) {
    std::sort(order.begin(), order.end(), before);
    return;
  }
  constexpr int kPassesMax = 4;
  std::uint64_t differing = 0;
  for (const Entry& entry : order) differing |= entry.prefix ^ order.front().prefix;
  std::array<int, 8> shifts{};  // of the bytes that differ, most significant first
  int shifts_count = 0;
  for (int shift = 56; shift >= 0 && shifts_count < kPassesMax; shift -= 8) {
    if ((differing >> shift & 0xFF) != 0) shifts[static_cast<std::size_t>(shifts_count++)] = shift;
  }
  scratch.swap.resize(order.size());
  for (int pass = shifts_count - 1; pass >= 0; --pass) {
    const int shift = shifts[static_cast<std::size_t>(pass)];
    std::array<std::uint32_t, 257> begins{};
    for (const Entry& entry : order) ++begins[(entry.prefix >> shift & 0xFF) + 1];
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    for (const Entry& entry : order) {
      scratch.swap[begins[entry.prefix >> shift & 0xFF]++] = entry;
    }
    order.swap(scratch.swap);
  }
  // Everything above the last byte looked at is in order now.
  const int looked_at = shifts_count == 0 ? 0 : shifts[static_cast<std::size_t>(shifts_count - 1)];
  for (auto run = order.begin(); run != order.end();) {
    auto end = run + 1;
    while (end != order.end() && shifts_count > 0 &&
           end->prefix >> looked_at == run->prefix >> looked_at) {
      ++end;
    }
    if (shifts_count == 0) end = order.end();
    if (end - run > 1) std::sort(run, end, before);
    run = end;
  }
}

std::shared_ptr<const MemoryDictionary> ColumnBuilder::TextDictionary(
    const Scratch& scratch) const {
  std::string texts;
  texts.reserve(arena_.size());
  std::vector<std::uint32_t> ends;
  ends.reserve(scratch.order.size());
  for (const Entry& entry : scratch.order) {
    texts += TextOf(entry.code);
    ends.push_back(static_cast<std::uint32_t>(texts.size()));
  }
  return std::make_shared<const MemoryDictionary>(std::move(texts), std::move(ends));
}

template <class T>
std::shared_ptr<const MemoryDictionary> ColumnBuilder::SortedNumbers(Scratch& scratch) const {
  std::vector<std::pair<T, Code>> order;
  order.reserve(distinct_.size());
  for (Code code = 0; code < distinct_.size(); ++code) {
    T number;
    std::memcpy(&number, TextOf(code).data(), sizeof(number));
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
  scratch.place_of.resize(order.size());
  for (const auto& [number, code] : order) {
    scratch.place_of[code] = static_cast<Code>(numbers.size());
    numbers.push_back(number);
  }
  return std::make_shared<const MemoryDictionary>(std::move(numbers));
}

std::shared_ptr<const MemoryDictionary> ColumnBuilder::SortedBools(Scratch& scratch) const {
  std::vector<bool> bools;
  scratch.place_of.assign(distinct_.size(), 0);
  for (const bool value : {false, true}) {
    for (Code code = 0; code < distinct_.size(); ++code) {
      if ((TextOf(code).front() != 0) != value) continue;
      scratch.place_of[code] = static_cast<Code>(bools.size());
      bools.push_back(value);
    }
  }
  return std::make_shared<const MemoryDictionary>(std::move(bools));
}

}  // namespace postglass::store
