#include "store/embedded/segment/text_index.h"

#include <algorithm>
#include <map>
#include <optional>

#include "store/embedded/segment/limits.h"
#include "store/embedded/segment/number_array.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::size_t kBlockBytesAim = 4 << 10;  // of text, before it is shortened
constexpr std::uint64_t kBlockBytesMax = 64 << 20;
constexpr std::uint32_t kTemplateTextsMin = 16;  // a template must be shared to pay

unsigned BlockValuesLog2(const TextList& texts) {
  const std::size_t text_bytes = texts.arena.size() / texts.size() + 1;
  unsigned log2 = kBlockValuesLog2Max;
  while (log2 > kBlockValuesLog2Min && (text_bytes << log2) > kBlockBytesAim) --log2;
  std::size_t longest = 0;
  for (std::uint32_t i = 0; i < texts.size(); ++i) longest = std::max(longest, texts[i].size());
  while (log2 > 0 && (std::uint64_t{longest} << log2) > kBlockBytesMax) --log2;
  return log2;
}

// Shortest text that parts `before` from `first`. Requires: before < first.
std::string_view Border(std::string_view before, std::string_view first) {
  std::size_t i = 0;
  while (i < before.size() && before[i] == first[i]) ++i;
  return first.substr(0, i + 1);
}

std::vector<std::string_view> BlockOf(const TextList& texts, std::uint32_t begin, unsigned log2) {
  const std::uint32_t end = begin + std::min(texts.size() - begin, 1U << log2);
  std::vector<std::string_view> block;
  block.reserve(end - begin);
  for (std::uint32_t i = begin; i < end; ++i) block.push_back(texts[i]);
  return block;
}

// The signature that all of them share.
std::optional<std::string> SharedSignature(const std::vector<std::string_view>& texts) {
  std::optional<std::string> signature = TextTemplate::SignatureOf(texts.front());
  if (!signature) return std::nullopt;
  for (const std::string_view text : texts) {
    if (TextTemplate::SignatureOf(text) != signature) return std::nullopt;
  }
  return signature;
}

// The templates of a dictionary, and which block can be written with which.
class Templates {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  Templates(const TextList& texts, unsigned log2) {
    struct Form {
      TextTemplate::Learner learner;
      std::uint32_t texts = 0;
      std::vector<std::size_t> blocks;
    };

    std::map<std::string, Form> forms;
    for (std::uint32_t begin = 0; begin < texts.size(); begin += 1U << log2) {
      const std::vector<std::string_view> block = BlockOf(texts, begin, log2);
      const std::size_t number = of_block_.size();
      of_block_.push_back(kNone);
      const std::optional<std::string> signature = SharedSignature(block);
      if (!signature) continue;
      if (forms.size() >= kTemplatesMax && !forms.contains(*signature)) continue;
      Form& form = forms[*signature];
      for (const std::string_view text : block) form.learner.Add(text);
      form.texts += static_cast<std::uint32_t>(block.size());
      form.blocks.push_back(number);
    }
    for (const auto& [signature, form] : forms) {
      if (form.texts < kTemplateTextsMin) continue;
      std::optional<TextTemplate> made = form.learner.Finish(signature);
      if (!made) continue;
      for (const std::size_t block : form.blocks) of_block_[block] = made_.size();
      made_.push_back(std::move(*made));
    }
  }

  std::size_t of_block(std::size_t block) const { return of_block_[block]; }

  const std::vector<TextTemplate>& made() const { return made_; }

 private:
  std::vector<TextTemplate> made_;
  std::vector<std::size_t> of_block_;
};

}  // namespace

Result<TextIndex::Written> TextIndex::Write(ExtentWriter& out,
                                            const TextList& texts,
                                            const PieceFinder& finder) {
  const unsigned log2 = BlockValuesLog2(texts);
  const Templates templates(texts, log2);

  // Both forms of each block; the shorter is kept, of about equal ones that without zstd.
  std::vector<std::string> fronts;
  std::vector<std::string> limbs;
  std::vector<std::string> pieces;
  std::map<PiecePattern, std::size_t> patterns;
  std::vector<std::vector<bool>> single_piece;  // by block, by string
  std::vector<std::string> samples;
  for (std::uint32_t begin = 0; begin < texts.size(); begin += 1U << log2) {
    const std::vector<std::string_view> block = BlockOf(texts, begin, log2);
    pieces.emplace_back();
    single_piece.emplace_back();
    const std::optional<PieceFinder::Found> found = finder.Find(block);
    if (found && patterns.size() + found->patterns.size() <= kPatternsMax) {
      std::vector<std::uint64_t> numbers;
      for (const PiecePattern& pattern : found->patterns) {
        numbers.push_back(patterns.emplace(pattern, patterns.size()).first->second);
      }
      pieces.back() = TextBlock::EncodePieces(*found, numbers);
      for (const std::uint64_t pattern : found->pattern_of) {
        single_piece.back().push_back(pattern > 0 && found->patterns[pattern - 1].is_single());
      }
      // Two bytes a string: nothing else comes near.
      if (pieces.back().size() <= 2 * block.size() + 16) {
        fronts.emplace_back();
        limbs.emplace_back();
        continue;
      }
    }
    fronts.push_back(TextBlock::EncodeFront(block));
    const std::size_t form = templates.of_block(limbs.size());
    limbs.push_back(form == Templates::kNone
                        ? std::string()
                        : TextBlock::EncodeTemplate(block, templates.made()[form], form));
    // zstd can hardly halve what was cut at common beginnings already.
    if (!limbs.back().empty() && limbs.back().size() <= fronts.back().size() * 11 / 20) {
      fronts.back().clear();
    } else {
      samples.push_back(fronts.back());
    }
  }
  const std::string trained = BlockDictionary::Train(samples);
  samples.clear();
  const BlockDictionary dictionary(trained);

  const std::uint64_t first_offset = out.offset();
  std::vector<std::uint64_t> stored_sizes;
  std::vector<std::uint64_t> raw_sizes;
  std::string checksums;
  std::string borders;
  Written written;
  written.block_values = 1U << log2;
  for (std::size_t b = 0; b < fronts.size(); ++b) {
    std::string stored;
    std::size_t raw_bytes = 0;
    if (!fronts[b].empty()) {
      stored = dictionary.Compress(fronts[b]);
      raw_bytes = fronts[b].size();
      if (stored.size() >= raw_bytes - raw_bytes / 10) stored = fronts[b];
      if (!limbs[b].empty() && limbs[b].size() <= stored.size() + stored.size() / 8) {
        stored.clear();
      }
    }
    // Pieces read blocks of other columns, so they have to save something.
    const std::size_t shortest = stored.empty() ? limbs[b].size() : stored.size();
    const bool by_pieces =
        !pieces[b].empty() && (shortest == 0 || pieces[b].size() < shortest - shortest / 4);
    if (by_pieces) {
      stored = std::move(pieces[b]);
      raw_bytes = stored.size();
    }
    const std::size_t texts_end = std::min<std::size_t>(texts.size(), (b + 1) << log2);
    if (by_pieces) {
      written.single_pieces.insert(
          written.single_pieces.end(), single_piece[b].begin(), single_piece[b].end());
    }
    written.single_pieces.resize(texts_end);
    written.has_pieces = written.has_pieces || by_pieces;
    const std::size_t form = templates.of_block(b);
    written.id_blocks.push_back(stored.empty() && templates.made()[form].is_id());
    if (stored.empty()) {
      stored = std::move(limbs[b]);
      raw_bytes = stored.size();
    }
    stored_sizes.push_back(stored.size());
    raw_sizes.push_back(raw_bytes);
    PutFixed(checksums, Hash64(stored));
    const auto first = static_cast<std::uint32_t>(b << log2);
    PutBytes(borders, b == 0 ? std::string_view() : Border(texts[first - 1], texts[first]));
    RETURN_IF_ERROR(out.AppendPlain(stored));
    fronts[b] = {};
  }

  std::string index;
  PutFixed(index, static_cast<std::uint8_t>(log2));
  PutVarint(index, templates.made().size());
  for (const TextTemplate& made : templates.made()) made.Append(index);
  std::vector<const PiecePattern*> by_number(patterns.size());
  for (const auto& [pattern, number] : patterns) by_number[number] = &pattern;
  if (!written.has_pieces) by_number.clear();
  PutVarint(index, by_number.size());
  for (const PiecePattern* pattern : by_number) PutPattern(index, *pattern);
  PutBytes(index, trained);
  PutVarint(index, first_offset);
  NumberArray::Append(index, stored_sizes);
  NumberArray::Append(index, raw_sizes);
  index += checksums;
  index += borders;
  ASSIGN_OR_RETURN(written.index, out.Append(index, Squeeze::kWhenSmaller));
  return written;
}

std::shared_ptr<const TextIndex> TextIndex::Parse(std::string_view bytes,
                                                  std::uint32_t texts_count,
                                                  std::uint64_t file_bytes,
                                                  std::uint32_t columns_count) {
  ByteReader in(bytes);
  const unsigned log2 = in.Fixed<std::uint8_t>();
  const std::uint64_t templates = in.Varint();
  if (!in.ok() || log2 > kBlockValuesLog2Max || templates > kTemplatesMax || texts_count == 0) {
    return nullptr;
  }
  std::vector<TextTemplate> made;
  for (std::uint64_t i = 0; i < templates; ++i) {
    std::optional<TextTemplate> form = TextTemplate::Take(in);
    if (!form) return nullptr;
    made.push_back(std::move(*form));
  }
  const std::uint64_t patterns = in.Varint();
  if (!in.ok() || patterns > kPatternsMax) return nullptr;
  std::vector<PiecePattern> of_pieces;
  for (std::uint64_t i = 0; i < patterns; ++i) {
    std::optional<PiecePattern> pattern = TakePattern(in, columns_count);
    if (!pattern) return nullptr;
    of_pieces.push_back(std::move(*pattern));
  }
  std::shared_ptr<TextIndex> index(new TextIndex(in.Bytes()));
  index->patterns_ = std::move(of_pieces);
  index->texts_count_ = texts_count;
  index->block_values_log2_ = log2;
  index->templates_ = std::move(made);
  std::uint64_t offset = in.Varint();
  const std::uint64_t blocks = ((std::uint64_t{texts_count} - 1) >> log2) + 1;
  const std::optional<NumberArray> stored = NumberArray::Take(in, blocks);
  if (!stored || stored->size() != blocks) return nullptr;
  const std::optional<NumberArray> raw = NumberArray::Take(in, blocks);
  if (!raw || raw->size() != blocks || offset > file_bytes) return nullptr;
  if (in.remaining() / sizeof(std::uint64_t) < blocks) return nullptr;
  index->places_.reserve(blocks);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint64_t stored_bytes = (*stored)[b];
    const std::uint64_t raw_bytes = (*raw)[b];
    const auto checksum = in.Fixed<std::uint64_t>();
    if (stored_bytes > kExtentBytesMax || raw_bytes > kExtentBytesMax ||
        stored_bytes > file_bytes - offset) {
      return nullptr;
    }
    index->places_.push_back({offset,
                              static_cast<std::uint32_t>(stored_bytes),
                              static_cast<std::uint32_t>(raw_bytes),
                              checksum});
    offset += stored_bytes;
  }
  for (std::size_t b = 0; b < blocks; ++b) index->borders_.Add(in.Bytes());
  return in.AtEnd() ? index : nullptr;
}

std::uint32_t TextIndex::values_of(std::uint32_t block) const {
  return std::min(block_values(), texts_count_ - (block << block_values_log2_));
}

std::uint32_t TextIndex::BlockFor(std::string_view text) const {
  std::uint32_t low = 0;  // borders up to here are not above the text
  std::uint32_t high = blocks_count();
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (borders_[middle] <= text) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::shared_ptr<const TextBlock>> TextIndex::Load(const ExtentReader& reader,
                                                         std::uint32_t block,
                                                         const PieceSources& sources) const {
  const Extent& place = places_[block];
  ASSIGN_OR_RETURN(Buffer bytes, reader.ReadStored(place));
  if (place.raw_bytes != place.stored_bytes) {
    Buffer raw(place.raw_bytes);
    if (!dictionary_.Decompress(bytes.view(), raw.writable().data(), raw.size())) {
      return reader.Damaged(place, "no whole frame");
    }
    bytes = std::move(raw);
  }
  std::shared_ptr<const TextBlock> parsed =
      TextBlock::Parse(std::move(bytes), values_of(block), {templates_, patterns_, sources});
  if (parsed == nullptr) return reader.Damaged(place, "no block of strings");
  return parsed;
}

bool TextIndex::IdMayHoldWord(std::string_view folded_word) const {
  return std::any_of(templates_.begin(), templates_.end(), [&](const TextTemplate& form) {
    return form.is_id() && form.MayHoldWord(folded_word);
  });
}

std::size_t TextIndex::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + places_.size() * sizeof(Extent) + borders_.arena.size() +
                      borders_.ends.size() * sizeof(borders_.ends[0]) + dictionary_.memory_bytes();
  for (const TextTemplate& form : templates_) bytes += form.memory_bytes();
  return bytes;
}

std::uint64_t TextIndex::blocks_bytes() const {
  std::uint64_t bytes = 0;
  for (const Extent& place : places_) bytes += place.stored_bytes;
  return bytes;
}

}  // namespace postglass::store
