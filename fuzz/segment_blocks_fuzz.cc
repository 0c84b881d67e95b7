// The decoders behind a segment's checksums, which would stop nearly every input at the door. The
// first byte chooses one, the second how much there should be.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/segment/code_stream.h"
#include "store/embedded/segment/determined_codes.h"
#include "store/embedded/segment/key_blocks.h"
#include "store/embedded/segment/number_array.h"
#include "store/embedded/segment/number_dictionary.h"
#include "store/embedded/segment/segment_footer.h"
#include "store/embedded/segment/text_block.h"
#include "store/embedded/segment/text_index.h"
#include "store/embedded/segment/word_index.h"
#include "store/embedded/table/memory_table.h"

namespace postglass::store {
namespace {

constexpr std::uint64_t kFileBytes = 1 << 20;

void Numbers(std::string_view bytes, std::uint32_t count) {
  ByteReader in(bytes);
  const std::optional<NumberArray> numbers = NumberArray::Take(in, count);
  if (!numbers) return;
  std::vector<std::uint64_t> copy(numbers->size());
  numbers->CopyTo(copy.data());
  for (std::size_t i = 0; i < copy.size(); ++i) {
    if ((*numbers)[i] != copy[i]) std::abort();
  }
}

void CheckCodes(const Result<Codes>& codes, std::uint32_t count, std::uint32_t dictionary_size) {
  if (!codes) return;
  if (codes->size() != count) std::abort();
  for (std::uint32_t i = 0; i < count; ++i) {
    if ((*codes)[i] >= dictionary_size) std::abort();
  }
}

void Determined(std::string_view bytes, std::uint32_t count) {
  const std::vector<std::uint32_t> arities{1, 3};
  std::vector<std::uint16_t> shape_of_row(count);
  std::vector<Code> key_of_row(count);
  for (std::uint32_t row = 0; row < count; ++row) {
    shape_of_row[row] = static_cast<std::uint16_t>(row % 2);
    key_of_row[row] = row % 16;
  }
  const auto layout = Layout::Make(arities, shape_of_row);
  const auto codes = DeterminedCodes::Parse(Buffer(bytes).view(), layout->values_count(), 300, 16);
  if (!codes) return;
  std::vector<Code> of_key;
  for (Code key = 0; key < 17; ++key) codes->Append(key, of_key);
  CheckCodes(codes->Expand(*layout, 300, key_of_row), layout->values_count(), 300);
}

void Keys(const Buffer& bytes, std::uint32_t rows) {
  const auto keys = DecodeKeys(std::make_shared<const Buffer>(bytes.view()), rows);
  if (!keys) return;
  for (RowIndex row = 0; row < rows; ++row) {
    static_cast<void>((*keys)->ingested_at_ms(row));
    static_cast<void>((*keys)->id(row));
    static_cast<void>((*keys)->LowerBound((*keys)->timestamp_ms(row)));
  }
}

const PieceSources kNoSources;

void Visit(const TextBlock& block) {
  std::string text;
  for (std::uint32_t i = 0; i < block.size(); ++i) {
    text.clear();
    if (!block.Append(i, kNoSources, text)) std::abort();
    static_cast<void>(block.LowerBound(text, kNoSources));
  }
}

void Pieces(std::string_view bytes, std::uint32_t count) {
  PieceSources sources;
  sources[0] = std::make_shared<const MemoryDictionary>("abc", std::vector<std::uint32_t>{1, 3});
  const std::vector<PiecePattern> patterns{{{"<", ">"}, {0}}, {{"", " to ", ""}, {0, 0}}};
  const Result<PieceBlock> block = PieceBlock::Parse(ByteReader(bytes), count, patterns, sources);
  if (!block) return;
  std::string text;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!block->Append(i, sources, text)) std::abort();
  }
}

// A form and a block of it, one behind the other.
void Template(std::string_view bytes, std::uint32_t count) {
  ByteReader in(bytes);
  std::optional<TextTemplate> form = TextTemplate::Take(in);
  if (!form) return;
  static_cast<void>(form->MayHoldWord("word4"));
  const std::vector<TextTemplate> forms{std::move(*form)};
  const auto block =
      TextBlock::Parse(Buffer(in.Take(in.remaining())), count, {forms, {}, kNoSources});
  if (block != nullptr) Visit(*block);
}

void Texts(std::string_view bytes, std::uint32_t count) {
  const auto index = TextIndex::Parse(bytes, count, kFileBytes, 4);
  if (index == nullptr) return;
  static_cast<void>(index->BlockFor("word"));
  static_cast<void>(index->IdMayHoldWord("word4"));
  for (std::uint32_t block = 0; block < index->blocks_count(); ++block) {
    if (index->values_of(block) == 0) std::abort();
  }
}

void Decode(unsigned choice, const Buffer& buffer, std::uint32_t count) {
  const std::string_view bytes = buffer.view();
  switch (choice) {
    case 0:
      return Numbers(bytes, count);
    case 1:
      return CheckCodes(DecodeCodes(bytes, count, 1 + count / 2), count, 1 + count / 2);
    case 2:
      return CheckCodes(DecodeCodes(bytes, count, 100'000), count, 100'000);
    case 3:
      return Determined(bytes, count);
    case 4:
      return Keys(buffer, count);
    case 5:
      return static_cast<void>(DecodeNumbers(bytes, count).has_value());
    case 6:
      if (const auto block = TextBlock::Parse(Buffer(bytes), count, {{}, {}, kNoSources}))
        Visit(*block);
      return;
    case 7:
      return Template(bytes, count);
    case 8:
      return Pieces(bytes, count);
    case 9:
      return Texts(bytes, count);
    case 10:
      return static_cast<void>(WordIndex::Parse(bytes, kFileBytes));
    case 11:
      return static_cast<void>(
          FindInWordBlock(bytes, "word", std::array{count, 1U, 100'000U}).has_value());
    default:
      return static_cast<void>(DecodeFooter(bytes, kFileBytes).has_value());
  }
}

}  // namespace
}  // namespace postglass::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass::store;
  if (size < 2) return 0;
  const Buffer buffer(std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2));
  Decode(data[0] % 13, buffer, 1U + data[1] * 4U);
  return 0;
}
