#include "store/embedded/segment/word_index.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

enum class Form : std::uint8_t { kSteps, kBits };

constexpr std::size_t kBlockBytesAim = 4 << 10;
constexpr std::size_t kAloneBytes = 2 << 10;  // a word with more has a block of its own

std::string EncodeSteps(std::span<const Code> codes) {
  std::string out;
  Code last = 0;
  for (const Code code : codes) {
    PutVarint(out, code - last);
    last = code;
  }
  return out;
}

std::string EncodeBits(std::span<const Code> codes, std::uint32_t dictionary_size) {
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
  // What is known of a distinct word while a column is gathered.
  struct Word {
    std::uint64_t hash = 0;
    Code last_code = 0;       // of the column, when it has any
    std::uint32_t codes = 0;  // of the column: how many
    std::uint32_t begin = 0;  // where they go in `sorted`
  };

  // A word's codes of one column, encoded.
  struct Posting {
    std::uint32_t word = 0;
    ColumnIndex column = 0;
    Form form = Form::kSteps;
    std::uint32_t bytes = 0;
    std::size_t begin = 0;  // in `encoded`
  };

  std::uint32_t IdOf(std::string_view text) {
    const std::uint64_t hash = Hash64(text);
    if (texts.size() >= slots.size() / 2) Grow();
    for (std::size_t slot = hash & (slots.size() - 1);; slot = (slot + 1) & (slots.size() - 1)) {
      if (slots[slot] == 0) {
        texts.Add(text);
        words.push_back({hash, 0, 0, 0});
        slots[slot] = texts.size();
        return texts.size() - 1;
      }
      const std::uint32_t id = slots[slot] - 1;
      if (words[id].hash == hash && texts[id] == text) return id;
    }
  }

  void Grow() {
    slots.assign(std::max<std::size_t>(1024, 2 * slots.size()), 0);
    for (std::uint32_t id = 0; id < words.size(); ++id) {
      std::size_t slot = words[id].hash & (slots.size() - 1);
      while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
      slots[slot] = id + 1;
    }
  }

  TextList texts;
  std::vector<Word> words;           // parallel to texts
  std::vector<std::uint32_t> slots;  // a word's place + 1; 0: empty

  // Of the column being gathered: which word in which code, as they came, and its distinct words.
  std::vector<std::pair<std::uint32_t, Code>> pairs;
  std::vector<std::uint32_t> met;
  std::vector<Code> sorted;

  std::vector<Posting> postings;
  std::string encoded;
};

WordIndexWriter::WordIndexWriter() : impl_(std::make_unique<Impl>()) {}

WordIndexWriter::~WordIndexWriter() = default;

void WordIndexWriter::Add(Code code, std::string_view folded_word) {
  const std::uint32_t id = impl_->IdOf(folded_word);
  Impl::Word& word = impl_->words[id];
  if (word.codes == 0) {
    impl_->met.push_back(id);
  } else if (word.last_code == code) {
    return;
  }
  word.last_code = code;
  ++word.codes;
  impl_->pairs.emplace_back(id, code);
}

void WordIndexWriter::EndColumn(ColumnIndex column, std::uint32_t dictionary_size) {
  Impl& impl = *impl_;
  std::uint32_t begin = 0;
  for (const std::uint32_t id : impl.met) {
    impl.words[id].begin = begin;
    begin += impl.words[id].codes;
  }
  impl.sorted.resize(begin);
  for (const auto& [id, code] : impl.pairs) impl.sorted[impl.words[id].begin++] = code;
  const std::size_t bits_bytes = (dictionary_size + 7) / 8;
  for (const std::uint32_t id : impl.met) {
    Impl::Word& word = impl.words[id];
    const std::span codes = std::span(impl.sorted).subspan(word.begin - word.codes, word.codes);
    std::string bytes = EncodeSteps(codes);
    Form form = Form::kSteps;
    if (bytes.size() > bits_bytes) {
      bytes = EncodeBits(codes, dictionary_size);
      form = Form::kBits;
    }
    impl.postings.push_back(
        {id, column, form, static_cast<std::uint32_t>(bytes.size()), impl.encoded.size()});
    impl.encoded += bytes;
    word.codes = 0;
  }
  impl.pairs.clear();
  impl.met.clear();
}

Result<Extent> WordIndexWriter::Write(ExtentWriter& out) const {
  const Impl& impl = *impl_;
  if (impl.postings.empty()) return Extent{};
  std::vector<std::uint32_t> order(impl.texts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return impl.texts[a] < impl.texts[b];
  });
  std::vector<std::uint32_t> rank(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  std::vector<Impl::Posting> postings = impl.postings;
  std::sort(postings.begin(), postings.end(), [&](const auto& a, const auto& b) {
    return std::pair(rank[a.word], a.column) < std::pair(rank[b.word], b.column);
  });

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
  std::string entry;
  for (auto begin = postings.begin(); begin != postings.end();) {
    const std::string_view word = impl.texts[begin->word];
    const auto end = std::find_if(
        begin, postings.end(), [&](const Impl::Posting& p) { return p.word != begin->word; });
    std::string columns;
    for (auto posting = begin; posting != end; ++posting) {
      PutVarint(columns, posting->column);
      PutFixed(columns, static_cast<std::uint8_t>(posting->form));
      PutBytes(columns, std::string_view(impl.encoded).substr(posting->begin, posting->bytes));
    }
    entry.clear();
    PutBytes(entry, word);
    PutBytes(entry, columns);
    if (entry.size() > kAloneBytes || block.size() > kBlockBytesAim) RETURN_IF_ERROR(close());
    if (block.empty()) first_word = word;
    block += entry;
    if (entry.size() > kAloneBytes) RETURN_IF_ERROR(close());
    begin = end;
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

Result<std::vector<WordPosting>> FindInWordBlock(std::string_view block,
                                                 std::string_view folded_word,
                                                 std::span<const std::uint32_t> dictionary_sizes) {
  std::vector<WordPosting> postings;
  ByteReader in(block);
  std::string_view columns;
  while (in.ok() && in.remaining() > 0) {
    const std::string_view word = in.Bytes();
    const std::string_view bytes = in.Bytes();
    if (!in.ok()) return Fail(ErrorCode::kCorruption, "no block of words");
    if (word > folded_word) return postings;
    if (word < folded_word) continue;
    columns = bytes;
    break;
  }
  ByteReader of_word(columns);
  while (of_word.remaining() > 0) {
    const std::uint64_t column = of_word.Varint();
    const auto form = of_word.Fixed<std::uint8_t>();
    const std::string_view bytes = of_word.Bytes();
    if (!of_word.ok() || column >= dictionary_sizes.size() ||
        (!postings.empty() && column <= postings.back().column)) {
      return Fail(ErrorCode::kCorruption, "columns of a word that are none");
    }
    WordPosting& posting = postings.emplace_back();
    posting.column = static_cast<ColumnIndex>(column);
    const std::uint32_t size = dictionary_sizes[column];
    const bool right = form == static_cast<std::uint8_t>(Form::kSteps)
                           ? DecodeSteps(bytes, size, posting.codes)
                           : form == static_cast<std::uint8_t>(Form::kBits) &&
                                 DecodeBits(bytes, size, posting.codes);
    if (!right || posting.codes.empty()) {
      return Fail(ErrorCode::kCorruption, "codes of a word that are none");
    }
  }
  return postings;
}

}  // namespace postglass::store
