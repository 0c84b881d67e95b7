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
  ASSIGN_OR_RETURN(const std::uint32_t place, texts->LowerBound(text, sources_));
  return block * index_->block_values() + place;
}

Result<std::optional<Code>> TextDictionary::Find(std::string_view text) const {
  const std::uint32_t block = index_->BlockFor(text);
  ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
  ASSIGN_OR_RETURN(const std::optional<std::uint32_t> place, texts->Find(text, sources_));
  if (!place) return std::optional<Code>();
  return std::optional<Code>(block * index_->block_values() + *place);
}

Status TextDictionary::AppendText(Code code, std::string& out) const {
  ASSIGN_OR_RETURN(const auto texts, BlockAt(code / index_->block_values()));
  return texts->Append(code % index_->block_values(), sources_, out);
}

Status TextDictionary::ForEachText(Code begin,
                                   Code end,
                                   FunctionRef<bool(Code, std::string_view)> visit) const {
  for (Code code = begin; code < end;) {
    const std::uint32_t block = code / index_->block_values();
    const Code first = block * index_->block_values();
    ASSIGN_OR_RETURN(const auto texts, BlockAt(block));
    const Code block_end = std::min(end, first + texts->size());
    ASSIGN_OR_RETURN(
        const bool on,
        texts->ForEach(
            code - first, block_end - first, sources_, [&](std::uint32_t i, std::string_view text) {
              return visit(first + i, text);
            }));
    if (!on) return {};
    code = block_end;
  }
  return {};
}

}  // namespace postglass::store
