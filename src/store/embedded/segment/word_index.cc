#include "store/embedded/segment/word_index.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

enum class Form : std::uint8_t { kSteps, kBits };

constexpr std::size_t kBlockBytesAim = 4 << 10;
constexpr std::size_t kAloneBytes = 2 << 10;  // a word with more has a block of its own

struct WordHash {
  std::size_t operator()(std::string_view word) const { return Hash64(word); }
};

std::string EncodeSteps(const std::vector<Code>& codes) {
  std::string out;
  Code last = 0;
  for (const Code code : codes) {
    PutVarint(out, code - last);
    last = code;
  }
  return out;
}

std::string EncodeBits(const std::vector<Code>& codes, std::uint32_t dictionary_size) {
  std::string out((dictionary_size + 7) / 8, '\0');
  for (const Code code : codes) {
    out[code / 8] = static_cast<char>(out[code / 8] | (1 << (code % 8)));
  }
  return out;
}

bool DecodeSteps(std::string_view bytes, std::uint32_t dictionary_size, std::vector<Code>& codes) {
  ByteReader in(bytes);
  std::uint64_t code = 0;
  while (in.ok() && in.remaining() > 0) {
    const std::uint64_t step = in.Varint();
    if (step >= dictionary_size) return false;
    code += step;
    if (code >= dictionary_size || (!codes.empty() && code <= codes.back())) return false;
    codes.push_back(static_cast<Code>(code));
  }
  return in.ok();
}

bool DecodeBits(std::string_view bytes, std::uint32_t dictionary_size, std::vector<Code>& codes) {
  if (bytes.size() != (std::uint64_t{dictionary_size} + 7) / 8) return false;
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    auto bits = static_cast<unsigned char>(bytes[byte]);
    while (bits != 0) {
      const auto bit = static_cast<unsigned>(std::countr_zero(bits));
      codes.push_back(static_cast<Code>(8 * byte + bit));
      bits = static_cast<unsigned char>(bits & (bits - 1));
    }
  }
  return codes.empty() || codes.back() < dictionary_size;
}

}  // namespace

struct WordIndexWriter::Impl {
  std::unordered_map<std::string, std::vector<Code>> codes_of;
  std::string key;
};

WordIndexWriter::WordIndexWriter() : impl_(std::make_unique<Impl>()) {}

WordIndexWriter::~WordIndexWriter() = default;

void WordIndexWriter::Add(Code code, std::string_view folded_word) {
  impl_->key = folded_word;
  std::vector<Code>& codes = impl_->codes_of[impl_->key];
  if (codes.empty() || codes.back() != code) codes.push_back(code);
}

bool WordIndexWriter::empty() const { return impl_->codes_of.empty(); }

Result<Extent> WordIndexWriter::Write(ExtentWriter& out, std::uint32_t dictionary_size) const {
  std::vector<const std::pair<const std::string, std::vector<Code>>*> words;
  words.reserve(impl_->codes_of.size());
  for (const auto& word : impl_->codes_of) words.push_back(&word);
  std::sort(words.begin(), words.end(), [](auto a, auto b) { return a->first < b->first; });

  std::string places;
  std::uint64_t blocks = 0;
  std::string block;
  std::string_view first_word;
  const auto close = [&]() -> Status {
    if (block.empty()) return {};
    ASSIGN_OR_RETURN(const Extent place, out.Append(block, Squeeze::kWhenSmaller));
    PutExtent(places, place);
    PutBytes(places, first_word);
    ++blocks;
    block.clear();
    return {};
  };
  for (const auto* word : words) {
    std::string codes = EncodeSteps(word->second);
    Form form = Form::kSteps;
    if (codes.size() > (dictionary_size + 7) / 8) {
      codes = EncodeBits(word->second, dictionary_size);
      form = Form::kBits;
    }
    if (codes.size() > kAloneBytes || block.size() > kBlockBytesAim) RETURN_IF_ERROR(close());
    if (block.empty()) first_word = word->first;
    PutBytes(block, word->first);
    PutFixed(block, static_cast<std::uint8_t>(form));
    PutBytes(block, codes);
    if (codes.size() > kAloneBytes) RETURN_IF_ERROR(close());
  }
  RETURN_IF_ERROR(close());
  std::string index;
  PutVarint(index, blocks);
  index += places;
  return out.Append(index, Squeeze::kWhenSmaller);
}

std::shared_ptr<const WordIndex> WordIndex::Parse(std::string_view bytes,
                                                  std::uint64_t file_bytes) {
  auto index = std::make_shared<WordIndex>();
  ByteReader in(bytes);
  const std::uint64_t blocks = in.Varint();
  if (blocks > bytes.size()) return nullptr;
  for (std::uint64_t b = 0; b < blocks && in.ok(); ++b) {
    index->places_.push_back(TakeExtent(in, file_bytes));
    index->first_words_.Add(in.Bytes());
  }
  return in.AtEnd() ? index : nullptr;
}

std::optional<std::uint32_t> WordIndex::BlockFor(std::string_view folded_word) const {
  std::uint32_t low = 0;
  std::uint32_t high = blocks_count();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (first_words_[middle] <= folded_word) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  return low - 1;
}

std::size_t WordIndex::memory_bytes() const {
  return sizeof(*this) + places_.size() * sizeof(Extent) + first_words_.arena.size() +
         first_words_.ends.size() * sizeof(std::uint32_t);
}

std::uint64_t WordIndex::blocks_bytes() const {
  std::uint64_t bytes = 0;
  for (const Extent& place : places_) bytes += place.stored_bytes;
  return bytes;
}

Result<std::vector<Code>> FindInWordBlock(std::string_view block,
                                          std::string_view folded_word,
                                          std::uint32_t dictionary_size) {
  ByteReader in(block);
  while (in.ok() && in.remaining() > 0) {
    const std::string_view word = in.Bytes();
    const auto form = in.Fixed<std::uint8_t>();
    const std::string_view bytes = in.Bytes();
    if (!in.ok()) break;
    if (word > folded_word) return std::vector<Code>();
    if (word != folded_word) continue;
    std::vector<Code> codes;
    const bool right = form == static_cast<std::uint8_t>(Form::kSteps)
                           ? DecodeSteps(bytes, dictionary_size, codes)
                           : form == static_cast<std::uint8_t>(Form::kBits) &&
                                 DecodeBits(bytes, dictionary_size, codes);
    if (!right) return Fail(ErrorCode::kCorruption, "codes of a word that are none");
    return codes;
  }
  if (!in.AtEnd()) return Fail(ErrorCode::kCorruption, "no block of words");
  return std::vector<Code>();
}

}  // namespace postglass::store
