#include "store/embedded/segment/text_pieces.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/hash.h"
#include "store/text.h"

namespace postglass::store {

namespace {

constexpr std::size_t kPieceBytesMin = 8;
constexpr std::size_t kPiecesMax = 8;
constexpr std::size_t kBlockPatternsMax = 15;
constexpr std::size_t kPatternTriesMax = 24;  // looking for one is slow
constexpr std::size_t kPatternTextMax = 512;  // of a text that a pattern is looked for in
constexpr unsigned kEndsLog2 = 22;            // bits of the sets of beginnings and ends
constexpr std::size_t kPlacesMax = 8 << 20;   // 16 bytes each
constexpr std::size_t kLiteralBytesMax = 4096;

enum class Form : std::uint8_t { kPlain, kSteps };

enum class Kind { kBlank, kWord, kSign };

Kind KindOf(char c) {
  if (c == ' ') return Kind::kBlank;
  const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    static_cast<unsigned char>(c) >= 0x80;
  return word ? Kind::kWord : Kind::kSign;
}

// Where pieces may begin or end.
bool IsEdge(std::string_view text, std::size_t i) {
  return i == 0 || i == text.size() || KindOf(text[i]) != KindOf(text[i - 1]);
}

std::size_t BitOf(const char* bytes, std::uint64_t seed) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, bytes, sizeof eight);
  return ((eight ^ seed) * 0x9E3779B97F4A7C15ULL) >> (64 - kEndsLog2);
}

constexpr std::uint64_t kBeginSeed = 0;
constexpr std::uint64_t kEndSeed = 0x5DEECE66D;

}  // namespace

bool IsBorder(char c) {
  return static_cast<unsigned char>(c) < 0x80 && IsSeparator(static_cast<unsigned char>(c));
}

bool PiecePattern::is_single() const {
  return columns.size() == 1 && (literals[0].empty() || IsBorder(literals[0].back())) &&
         (literals[1].empty() || IsBorder(literals[1].front()));
}

void PutPattern(std::string& out, const PiecePattern& pattern) {
  PutVarint(out, pattern.columns.size());
  for (const ColumnIndex column : pattern.columns) PutVarint(out, column);
  for (const std::string& literal : pattern.literals) PutBytes(out, literal);
}

std::optional<PiecePattern> TakePattern(ByteReader& in, std::uint32_t columns_max) {
  PiecePattern pattern;
  const std::uint64_t pieces = in.Varint();
  if (!in.ok() || pieces == 0 || pieces > kPiecesMax) return std::nullopt;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    const std::uint64_t column = in.Varint();
    if (column >= columns_max) return std::nullopt;
    pattern.columns.push_back(static_cast<ColumnIndex>(column));
  }
  for (std::uint64_t i = 0; i <= pieces; ++i) {
    pattern.literals.emplace_back(in.Bytes());
    if (!in.ok() || pattern.literals.back().size() > kLiteralBytesMax) return std::nullopt;
  }
  return pattern;
}

void PieceFinder::Insert(const Place& place) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = place.hash & mask;
  while (slots_[i].hash != 0) {
    if (slots_[i].hash == place.hash) {
      // The last column gives the value: columns come in order of size, and texts are alike when
      // their pieces are of one column, the largest.
      slots_[i] = place;
      return;
    }
    i = (i + 1) & mask;
  }
  slots_[i] = place;
  ++size_;
}

void PieceFinder::Add(ColumnIndex column, const TextList& texts) {
  if (size_ + texts.size() > kPlacesMax) return;
  const Result<std::shared_ptr<const Dictionary>> dictionary = table_.DictionaryOf(column);
  if (!dictionary) return;
  sources_.emplace(column, *dictionary);
  begins_.resize(std::size_t{1} << kEndsLog2);
  ends_.resize(std::size_t{1} << kEndsLog2);
  std::size_t slots = std::max<std::size_t>(1024, slots_.size());
  while (slots < 2 * (size_ + texts.size())) slots *= 2;
  if (slots > slots_.size()) {
    std::vector<Place> old(slots);
    std::swap(old, slots_);
    size_ = 0;
    for (const Place& place : old) {
      if (place.hash != 0) Insert(place);
    }
  }
  for (Code code = 0; code < texts.size(); ++code) {
    const std::string_view text = texts[code];
    if (text.size() < kPieceBytesMin) continue;
    begins_[BitOf(text.data(), kBeginSeed)] = true;
    ends_[BitOf(text.data() + text.size() - kPieceBytesMin, kEndSeed)] = true;
    Insert({Hash64(text) | 1, column, code});
  }
}

const PieceFinder::Place* PieceFinder::Lookup(std::string_view text) const {
  if (text.size() < kPieceBytesMin || slots_.empty()) return nullptr;
  const std::uint64_t hash = Hash64(text) | 1;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].hash != 0; i = (i + 1) & mask) {
    if (slots_[i].hash != hash) continue;
    // Hashes of 64 bits meet once in a blue moon; a text must come back as it was all the same.
    std::string found;
    if (!sources_.at(slots_[i].column)->AppendText(slots_[i].code, found) || found != text) {
      return nullptr;
    }
    return &slots_[i];
  }
  return nullptr;
}

std::optional<PiecePattern> PieceFinder::PatternOf(std::string_view text) const {
  PiecePattern pattern;
  if (text.size() > kPatternTextMax || begins_.empty()) return std::nullopt;
  std::size_t literal_begin = 0;
  for (std::size_t from = 0;
       from + kPieceBytesMin <= text.size() && pattern.columns.size() < kPiecesMax;) {
    std::size_t next = from + 1;
    if (IsEdge(text, from) && begins_[BitOf(text.data() + from, kBeginSeed)]) {
      // The longest piece is the best.
      for (std::size_t to = text.size(); to >= from + kPieceBytesMin; --to) {
        if (!IsEdge(text, to) || !ends_[BitOf(text.data() + to - kPieceBytesMin, kEndSeed)]) {
          continue;
        }
        const Place* place = Lookup(text.substr(from, to - from));
        if (place == nullptr) continue;
        pattern.literals.emplace_back(text.substr(literal_begin, from - literal_begin));
        pattern.columns.push_back(place->column);
        literal_begin = to;
        next = to;
        break;
      }
    }
    from = next;
  }
  if (pattern.columns.empty()) return std::nullopt;
  pattern.literals.emplace_back(text.substr(literal_begin));
  for (const std::string& literal : pattern.literals) {
    if (literal.size() > kLiteralBytesMax) return std::nullopt;
  }
  // Between two pieces there must be something to tell them apart by.
  for (std::size_t i = 1; i + 1 < pattern.literals.size(); ++i) {
    if (pattern.literals[i].empty()) return std::nullopt;
  }
  return pattern;
}

bool PieceFinder::Parse(std::string_view text,
                        const PiecePattern& pattern,
                        std::vector<std::vector<std::uint64_t>>& codes) const {
  if (!text.starts_with(pattern.literals.front())) return false;
  text.remove_prefix(pattern.literals.front().size());
  if (!text.ends_with(pattern.literals.back())) return false;
  text.remove_suffix(pattern.literals.back().size());
  std::array<Code, kPiecesMax> found{};
  for (std::size_t i = 0; i < pattern.columns.size(); ++i) {
    std::string_view piece = text;
    if (i + 1 < pattern.columns.size()) {
      const std::string& border = pattern.literals[i + 1];
      const std::size_t end = text.find(border);
      if (end == std::string_view::npos) return false;
      piece = text.substr(0, end);
      text.remove_prefix(end + border.size());
    }
    const Place* place = Lookup(piece);
    if (place == nullptr || place->column != pattern.columns[i]) return false;
    found[i] = place->code;
  }
  for (std::size_t i = 0; i < pattern.columns.size(); ++i) codes[i].push_back(found[i]);
  return true;
}

std::optional<PieceFinder::Found> PieceFinder::Find(std::span<const std::string_view> texts) const {
  if (slots_.empty()) return std::nullopt;
  // Most columns have nothing in common with others: three texts tell.
  if (!PatternOf(texts.front()) && !PatternOf(texts[texts.size() / 2]) &&
      !PatternOf(texts.back())) {
    return std::nullopt;
  }
  Found found;
  std::size_t tries = 0;
  for (const std::string_view text : texts) {
    std::size_t pattern = 0;
    while (pattern < found.patterns.size() &&
           !Parse(text, found.patterns[pattern], found.codes[pattern])) {
      ++pattern;
    }
    if (pattern == found.patterns.size()) {
      std::optional<PiecePattern> made;
      if (pattern < kBlockPatternsMax && tries++ < kPatternTriesMax) made = PatternOf(text);
      if (made) {
        found.codes.emplace_back(made->columns.size());
        found.patterns.push_back(std::move(*made));
      }
      if (!made || !Parse(text, found.patterns[pattern], found.codes[pattern])) {
        found.pattern_of.push_back(0);
        found.others.Add(text);
        continue;
      }
    }
    found.pattern_of.push_back(pattern + 1);
  }
  if (found.others.size() > texts.size() / 2) return std::nullopt;
  return found;
}

void PutPieces(std::string& out,
               const PieceFinder::Found& found,
               const std::vector<std::uint64_t>& numbers) {
  PutVarint(out, numbers.size());
  for (const std::uint64_t number : numbers) PutVarint(out, number);
  NumberArray::Append(out, found.pattern_of);
  for (const auto& pieces : found.codes) {
    for (const std::vector<std::uint64_t>& piece : pieces) {
      std::string plain;
      NumberArray::Append(plain, piece);
      std::vector<std::uint64_t> steps;
      std::uint64_t last = 0;
      for (const std::uint64_t code : piece) {
        steps.push_back(ZigZag(static_cast<std::int64_t>(code - last)));
        last = code;
      }
      std::string stepped;
      if (!steps.empty()) {
        PutVarint(stepped, steps.front());
        steps.erase(steps.begin());
      }
      NumberArray::Append(stepped, steps);
      const bool shorter = !piece.empty() && stepped.size() < plain.size();
      PutFixed(out, static_cast<std::uint8_t>(shorter ? Form::kSteps : Form::kPlain));
      out += shorter ? stepped : plain;
    }
  }
  for (std::uint32_t i = 0; i < found.others.size(); ++i) PutBytes(out, found.others[i]);
}

namespace {

// `count` codes below `size`.
std::optional<std::vector<Code>> TakeCodes(ByteReader& in, std::size_t count, std::uint32_t size) {
  std::vector<std::uint64_t> codes(count);
  const auto form = in.Fixed<std::uint8_t>();
  if (form == static_cast<std::uint8_t>(Form::kPlain)) {
    const std::optional<NumberArray> numbers = NumberArray::Take(in, count);
    if (!numbers || numbers->size() != count) return std::nullopt;
    numbers->CopyTo(codes.data());
  } else {
    const std::uint64_t first = in.Varint();
    const std::optional<NumberArray> steps = NumberArray::Take(in, count);
    if (!steps || count == 0 || steps->size() != count - 1) return std::nullopt;
    codes[0] = first;
    steps->CopyTo(codes.data() + 1);
    std::uint64_t last = 0;
    for (std::uint64_t& code : codes) {
      last += static_cast<std::uint64_t>(UnZigZag(code));
      code = last;
    }
  }
  const bool below = std::all_of(codes.begin(), codes.end(), [&](auto c) { return c < size; });
  if (!in.ok() || !below) return std::nullopt;
  return std::vector<Code>(codes.begin(), codes.end());
}

tl::unexpected<Error> NoPieces() {
  return Fail(ErrorCode::kCorruption, "pieces that are of no column");
}

}  // namespace

Result<PieceBlock> PieceBlock::Parse(ByteReader in,
                                     std::uint32_t count,
                                     std::span<const PiecePattern> patterns,
                                     const PieceSources& sources) {
  PieceBlock block;
  const std::uint64_t patterns_count = in.Varint();
  if (!in.ok() || patterns_count > kBlockPatternsMax) return NoPieces();
  block.patterns_.resize(patterns_count);
  for (Pattern& pattern : block.patterns_) {
    const std::uint64_t number = in.Varint();
    if (!in.ok() || number >= patterns.size()) return NoPieces();
    pattern.form = &patterns[number];
  }
  const std::optional<NumberArray> pattern_of = NumberArray::Take(in, count);
  if (!pattern_of || pattern_of->size() != count || count > 1U << kBlockValuesLog2Max) {
    return NoPieces();
  }
  std::array<std::uint16_t, kBlockPatternsMax + 1> texts{};  // by pattern
  block.places_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t pattern = (*pattern_of)[i];
    if (pattern > patterns_count) return NoPieces();
    block.places_.push_back({static_cast<std::uint16_t>(pattern), texts[pattern]++});
  }
  for (std::size_t p = 0; p < block.patterns_.size(); ++p) {
    for (const ColumnIndex column : block.patterns_[p].form->columns) {
      auto codes = TakeCodes(in, texts[p + 1], sources.at(column)->size());
      if (!codes) return NoPieces();
      block.patterns_[p].codes.push_back(std::move(*codes));
    }
  }
  for (std::uint16_t i = 0; i < texts[0]; ++i) block.others_.Add(in.Bytes());
  if (!in.AtEnd()) return NoPieces();
  return block;
}

Status PieceBlock::Append(std::uint32_t i, const PieceSources& sources, std::string& out) const {
  const Place place = places_[i];
  if (place.pattern == 0) {
    out += others_[place.text];
    return {};
  }
  const Pattern& pattern = patterns_[place.pattern - 1];
  const PiecePattern& form = *pattern.form;
  for (std::size_t piece = 0; piece < form.columns.size(); ++piece) {
    out += form.literals[piece];
    RETURN_IF_ERROR(
        sources.at(form.columns[piece])->AppendText(pattern.codes[piece][place.text], out));
  }
  out += form.literals.back();
  return {};
}

std::size_t PieceBlock::memory_bytes() const {
  std::size_t bytes = places_.size() * sizeof(Place) + others_.arena.size() +
                      others_.ends.size() * sizeof(others_.ends[0]);
  for (const Pattern& pattern : patterns_) {
    bytes += sizeof(Pattern);
    for (const std::vector<Code>& codes : pattern.codes) {
      bytes += sizeof(std::vector<Code>) + codes.size() * sizeof(Code);
    }
  }
  return bytes;
}

}  // namespace postglass::store
