#include "store/embedded/segment/text_block.h"

#include <algorithm>
#include <array>

#include "store/embedded/segment/limits.h"

namespace postglass::store {

namespace {

enum class Form : std::uint8_t { kFront, kTemplate, kPieces };

using Limbs = std::array<std::uint64_t, kTemplateDigitsMax>;

std::size_t SharedBytes(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

std::string TextBlock::EncodeFront(std::span<const std::string_view> texts) {
  std::string out;
  std::string suffix_sizes;
  std::string suffixes;
  PutFixed(out, static_cast<std::uint8_t>(Form::kFront));
  std::string_view last;
  for (const std::string_view text : texts) {
    const std::size_t shared = SharedBytes(last, text);
    PutVarint(out, shared);
    PutVarint(suffix_sizes, text.size() - shared);
    suffixes += text.substr(shared);
    last = text;
  }
  return out + suffix_sizes + suffixes;
}

std::string TextBlock::EncodeTemplate(std::span<const std::string_view> texts,
                                      const TextTemplate& form,
                                      std::size_t form_index) {
  const std::size_t limbs_count = form.limbs();
  std::vector<std::vector<std::uint64_t>> columns(limbs_count);
  Limbs limbs;
  for (const std::string_view text : texts) {
    form.Split(text, limbs.data());
    for (std::size_t limb = 0; limb < limbs_count; ++limb) columns[limb].push_back(limbs[limb]);
  }
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(Form::kTemplate));
  PutVarint(out, form_index);
  std::string packed;
  for (const std::vector<std::uint64_t>& column : columns) {
    const auto [min, max] = std::minmax_element(column.begin(), column.end());
    const auto width = static_cast<unsigned>(std::bit_width(*max - *min));
    PutVarint(out, *min);
    PutFixed(out, static_cast<std::uint8_t>(width));
    AppendPacked(packed, column, *min, width);
  }
  return out + packed;
}

std::string TextBlock::EncodePieces(const PieceFinder::Found& found,
                                    const std::vector<std::uint64_t>& numbers) {
  std::string out;
  PutFixed(out, static_cast<std::uint8_t>(Form::kPieces));
  PutPieces(out, found, numbers);
  return out;
}

bool TextBlock::ParseFront(ByteReader in) {
  ByteReader sizes = in;
  for (std::uint32_t i = 0; i < count_; ++i) sizes.Varint();
  if (!sizes.ok()) return false;
  ByteReader suffixes = sizes;
  std::uint64_t total = 0;
  {
    ByteReader shared_sizes = in;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint64_t suffix_size = suffixes.Varint();
      total += shared_sizes.Varint() + suffix_size;
      if (!suffixes.ok() || total > kExtentBytesMax) return false;
    }
  }
  arena_.resize(total);
  ends_.resize(count_);
  char* to = arena_.data();
  std::size_t last_begin = 0;
  std::size_t last_end = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::uint64_t shared = in.Varint();
    const std::uint64_t suffix_size = sizes.Varint();
    const std::string_view suffix = suffixes.Take(suffix_size);
    if (!suffixes.ok() || shared > last_end - last_begin) return false;
    std::memcpy(to + last_end, to + last_begin, shared);
    std::memcpy(to + last_end + shared, suffix.data(), suffix.size());
    last_begin = last_end;
    last_end += shared + suffix.size();
    ends_[i] = static_cast<std::uint32_t>(last_end);
  }
  return suffixes.AtEnd();
}

bool TextBlock::ParseTemplate(ByteReader in, std::span<const TextTemplate> templates) {
  const std::uint64_t index = in.Varint();
  if (!in.ok() || index >= templates.size()) return false;
  form_index_ = index;
  form_ = &templates[index];
  limbs_.resize(form_->limbs());
  for (Limb& limb : limbs_) {
    limb.base = in.Varint();
    limb.width = in.Fixed<std::uint8_t>();
    if (limb.width > 64) return false;
  }
  for (Limb& limb : limbs_) limb.packed = in.Take(PackedBytes(count_, limb.width)).data();
  return in.AtEnd();
}

std::shared_ptr<const TextBlock> TextBlock::Parse(Buffer bytes,
                                                  std::uint32_t count,
                                                  const Shared& shared) {
  std::shared_ptr<TextBlock> block(new TextBlock());
  block->count_ = count;
  ByteReader in(bytes.view());
  const auto form = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kPieces)) return nullptr;
  switch (static_cast<Form>(form)) {
    case Form::kFront:
      return block->ParseFront(in) ? block : nullptr;
    case Form::kTemplate:
      block->bytes_ = std::move(bytes);
      return block->ParseTemplate(in, shared.templates) ? block : nullptr;
    case Form::kPieces:
      break;
  }
  Result<PieceBlock> pieces = PieceBlock::Parse(in, count, shared.patterns, shared.sources);
  if (!pieces) return nullptr;
  block->pieces_ = std::move(*pieces);
  return block;
}

std::string_view TextBlock::At(std::uint32_t i, std::string& scratch) const {
  if (form_ == nullptr) {
    const std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(arena_).substr(begin, ends_[i] - begin);
  }
  Limbs limbs;
  for (std::size_t limb = 0; limb < limbs_.size(); ++limb) {
    limbs[limb] = limbs_[limb].base + LoadBits(limbs_[limb].packed, i, limbs_[limb].width);
  }
  scratch.clear();
  form_->Join(limbs.data(), scratch);
  return scratch;
}

Status TextBlock::Append(std::uint32_t i, const PieceSources& sources, std::string& out) const {
  if (pieces_) return pieces_->Append(i, sources, out);
  std::string scratch;
  out += At(i, scratch);
  return {};
}

Result<std::uint32_t> TextBlock::LowerBound(std::string_view text,
                                            const PieceSources& sources) const {
  std::string scratch;
  std::uint32_t low = 0;
  std::uint32_t high = count_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    std::string_view at;
    if (pieces_) {
      scratch.clear();
      RETURN_IF_ERROR(pieces_->Append(middle, sources, scratch));
      at = scratch;
    } else {
      at = At(middle, scratch);
    }
    if (at < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::optional<std::uint32_t>> TextBlock::Find(std::string_view text,
                                                     const PieceSources& sources) const {
  using Found = std::optional<std::uint32_t>;
  ASSIGN_OR_RETURN(const std::uint32_t place, LowerBound(text, sources));
  if (place == count_) return Found();
  std::string at;
  RETURN_IF_ERROR(Append(place, sources, at));
  return at == text ? Found(place) : Found();
}

Result<bool> TextBlock::ForEach(std::uint32_t begin,
                                std::uint32_t end,
                                const PieceSources& sources,
                                FunctionRef<bool(std::uint32_t, std::string_view)> visit) const {
  std::string scratch;
  for (std::uint32_t i = begin; i < end; ++i) {
    if (!pieces_) {
      if (!visit(i, At(i, scratch))) return false;
      continue;
    }
    scratch.clear();
    RETURN_IF_ERROR(pieces_->Append(i, sources, scratch));
    if (!visit(i, scratch)) return false;
  }
  return true;
}

std::optional<std::size_t> TextBlock::template_index() const {
  if (form_ == nullptr) return std::nullopt;
  return form_index_;
}

std::size_t TextBlock::memory_bytes() const {
  return sizeof(*this) + arena_.size() + ends_.size() * sizeof(ends_[0]) +
         limbs_.size() * sizeof(Limb) + bytes_.size() + (pieces_ ? pieces_->memory_bytes() : 0);
}

}  // namespace postglass::store
