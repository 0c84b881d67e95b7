#include "store/embedded/segment/text_dictionary.h"

namespace postglass::store {

Result<std::shared_ptr<const TextBlock>> TextDictionary::BlockAt(std::uint32_t block) const {
  // A block leans on the index's templates: what the cache keeps holds both.
  struct Held {
    std::shared_ptr<const TextIndex> index;
    std::shared_ptr<const TextBlock> block;
  };

  ASSIGN_OR_RETURN(const std::shared_ptr<const Held> held,
                   core_->Cached<Held>(
                       part_,
                       block,
                       [&]() -> Result<std::shared_ptr<const Held>> {
                         ASSIGN_OR_RETURN(const auto loaded,
                                          index_->Load(core_->reader(), block, sources_));
                         return std::make_shared<const Held>(Held{index_, loaded});
                       },
                       [](const Held& h) { return h.block->memory_bytes(); }));
  return std::shared_ptr<const TextBlock>(held, held->block.get());
}

Result<Code> TextDictionary::LowerBound(std::string_view text) const {
  const std::uint32_t block = index_->BlockFor(text);
  ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
  return block * index_->block_values() + texts->LowerBound(text);
}

Result<std::optional<Code>> TextDictionary::Find(std::string_view text) const {
  const std::uint32_t block = index_->BlockFor(text);
  ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
  const std::uint32_t place = texts->LowerBound(text);
  std::string scratch;
  if (place == texts->size() || texts->At(place, scratch) != text) return std::optional<Code>();
  return std::optional<Code>(block * index_->block_values() + place);
}

Status TextDictionary::AppendText(Code code, std::string& out) const {
  const std::uint32_t block = code / index_->block_values();
  ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
  std::string scratch;
  out += texts->At(code % index_->block_values(), scratch);
  return {};
}

Status TextDictionary::ForEachText(Code begin,
                                   Code end,
                                   FunctionRef<bool(Code, std::string_view)> visit) const {
  std::string scratch;
  for (Code code = begin; code < end;) {
    const std::uint32_t block = code / index_->block_values();
    const Code first = block * index_->block_values();
    ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
    const Code block_end = std::min(end, first + texts->size());
    for (; code < block_end; ++code) {
      if (!visit(code, texts->At(code - first, scratch))) return {};
    }
  }
  return {};
}

}  // namespace postglass::store
