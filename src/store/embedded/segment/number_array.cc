#include "store/embedded/segment/number_array.h"

#include <algorithm>
#include <array>

namespace postglass::store {

namespace {

using Numbers = std::span<const std::uint64_t>;

unsigned BitsOf(std::uint64_t number) { return static_cast<unsigned>(std::bit_width(number)); }

unsigned VarintBytes(std::uint64_t number) { return number == 0 ? 1 : (BitsOf(number) + 6) / 7; }

struct Range {
  std::uint64_t min = 0;
  unsigned width = 0;
};

Range RangeOf(Numbers numbers) {
  if (numbers.empty()) return {};
  std::uint64_t min = numbers[0];
  std::uint64_t max = numbers[0];
  for (const std::uint64_t n : numbers) {
    min = std::min(min, n);
    max = std::max(max, n);
  }
  return {min, BitsOf(max - min)};
}

// The width for nearly all, and what the array then takes.
struct Patching {
  unsigned width = 64;
  std::uint64_t bytes = ~std::uint64_t{0};
};

Patching BestPatching(Numbers numbers, const Range& range) {
  std::array<std::uint64_t, 65> of_width{};  // numbers that need it
  for (const std::uint64_t n : numbers) ++of_width[BitsOf(n - range.min)];
  Patching best;
  std::uint64_t patches = 0;
  for (unsigned width = 64;; --width) {
    // A patch takes the difference of places and a varint.
    const std::uint64_t bytes = 16 + PackedBytes(numbers.size(), width) +
                                patches * (2 + VarintBytes(numbers.size() / (patches + 1)));
    if (bytes < best.bytes) best = {width, bytes};
    patches += of_width[width];
    if (width == 0) break;
  }
  return best;
}

}  // namespace

void NumberArray::Append(std::string& out, Numbers numbers) {
  const Range range = RangeOf(numbers);
  const std::uint64_t packed_bytes = PackedBytes(numbers.size(), range.width);
  Form form = Form::kPacked;
  std::uint64_t bytes = packed_bytes;
  std::vector<Range> blocks;
  Patching patching;
  if (range.width > 0 && numbers.size() > kBlockNumbers / 4) {
    std::uint64_t block_bytes = 0;
    std::vector<std::uint64_t> bases;
    for (std::size_t begin = 0; begin < numbers.size(); begin += kBlockNumbers) {
      const Numbers part = numbers.subspan(begin, std::min(kBlockNumbers, numbers.size() - begin));
      blocks.push_back(RangeOf(part));
      block_bytes += 1 + PackedBytes(part.size(), blocks.back().width);
      bases.push_back(blocks.back().min);
    }
    const Range base_range = RangeOf(bases);
    block_bytes += 10 + PackedBytes(bases.size(), base_range.width);
    patching = BestPatching(numbers, range);
    // The others are slower, so they have to save something.
    if (patching.bytes < bytes - bytes / 16) {
      form = Form::kPatched;
      bytes = patching.bytes;
    }
    if (block_bytes < bytes - bytes / 16) form = Form::kBlocks;
  }
  PutFixed(out, static_cast<std::uint8_t>(form));
  PutVarint(out, numbers.size());
  PutVarint(out, range.min);
  switch (form) {
    case Form::kPacked:
      PutFixed(out, static_cast<std::uint8_t>(range.width));
      AppendPacked(out, numbers, range.min, range.width);
      break;
    case Form::kBlocks: {
      std::vector<std::uint64_t> bases;
      for (const Range& block : blocks) bases.push_back(block.min - range.min);
      const unsigned width = RangeOf(bases).width;
      PutFixed(out, static_cast<std::uint8_t>(width));
      for (const Range& block : blocks) PutFixed(out, static_cast<std::uint8_t>(block.width));
      AppendPacked(out, bases, 0, width);
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        const std::size_t begin = b * kBlockNumbers;
        AppendPacked(out,
                     numbers.subspan(begin, std::min(kBlockNumbers, numbers.size() - begin)),
                     blocks[b].min,
                     blocks[b].width);
      }
      break;
    }
    case Form::kPatched: {
      PutFixed(out, static_cast<std::uint8_t>(patching.width));
      std::string patches;
      std::size_t count = 0;
      std::size_t last = 0;
      BitPacker packer(out, patching.width);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::uint64_t n = numbers[i] - range.min;
        if (BitsOf(n) <= patching.width) {
          packer.Add(n);
          continue;
        }
        packer.Add(0);
        PutVarint(patches, i - last);
        PutVarint(patches, n);
        last = i;
        ++count;
      }
      packer.Finish();
      PutVarint(out, count);
      out += patches;
      break;
    }
  }
}

bool NumberArray::TakeBlocks(ByteReader& in) {
  const std::size_t count = (count_ + kBlockNumbers - 1) / kBlockNumbers;
  const std::string_view widths = in.Take(count);
  const std::string_view bases = in.Take(PackedBytes(count, width_));
  if (!in.ok()) return false;
  blocks_.reserve(count);
  std::uint64_t offset = 0;
  for (std::size_t b = 0; b < count; ++b) {
    const auto width = static_cast<unsigned char>(widths[b]);
    if (width > 64) return false;
    blocks_.push_back(
        {base_ + LoadBits(bases.data(), b, width_), static_cast<std::uint32_t>(offset), width});
    offset += PackedBytes(std::min<std::size_t>(kBlockNumbers, count_ - b * kBlockNumbers), width);
    if (offset > in.remaining()) return false;
  }
  packed_ = in.Take(offset).data();
  return in.ok();
}

bool NumberArray::TakePatches(ByteReader& in) {
  const std::uint64_t count = in.Varint();
  if (count > in.remaining() / 2) return false;
  patch_places_.reserve(count);
  patch_numbers_.reserve(count);
  std::uint64_t place = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.Varint();
    if (step >= count_ || (i > 0 && step == 0)) return false;
    place += step;
    if (place >= count_) return false;
    patch_places_.push_back(static_cast<std::uint32_t>(place));
    patch_numbers_.push_back(base_ + in.Varint());
  }
  return in.ok();
}

std::optional<NumberArray> NumberArray::Take(ByteReader& in, std::uint64_t count_max) {
  NumberArray array;
  const auto form = in.Fixed<std::uint8_t>();
  const std::uint64_t count = in.Varint();
  array.base_ = in.Varint();
  array.width_ = in.Fixed<std::uint8_t>();
  if (!in.ok() || form > static_cast<std::uint8_t>(Form::kPatched) || count > count_max ||
      count > 0xFFFFFFFFU || array.width_ > 64) {
    return std::nullopt;
  }
  array.form_ = static_cast<Form>(form);
  array.count_ = static_cast<std::uint32_t>(count);
  if (array.form_ == Form::kBlocks) {
    if (!array.TakeBlocks(in)) return std::nullopt;
    return array;
  }
  array.packed_ = in.Take(PackedBytes(count, array.width_)).data();
  if (!in.ok()) return std::nullopt;
  if (array.form_ == Form::kPatched && !array.TakePatches(in)) return std::nullopt;
  return array;
}

std::pair<std::uint64_t, std::uint64_t> NumberArray::Bounds() const {
  // Sums wrap in damaged arrays alone, whose numbers do so too.
  const auto top = [](std::uint64_t base, unsigned width) {
    return width >= 64 ? ~std::uint64_t{0} : base + ((std::uint64_t{1} << width) - 1);
  };
  if (form_ != Form::kBlocks) {
    std::pair bounds(base_, top(base_, width_));
    for (const std::uint64_t number : patch_numbers_) {
      bounds.second = std::max(bounds.second, number);
    }
    return bounds;
  }
  std::pair<std::uint64_t, std::uint64_t> bounds(base_, base_);
  for (const Block& block : blocks_) {
    bounds.second = std::max(bounds.second, top(block.base, block.width));
  }
  return bounds;
}

std::uint64_t NumberArray::Patched(std::size_t i) const {
  const auto place = std::lower_bound(patch_places_.begin(), patch_places_.end(), i);
  if (place != patch_places_.end() && *place == i) {
    return patch_numbers_[static_cast<std::size_t>(place - patch_places_.begin())];
  }
  return base_ + LoadBits(packed_, i, width_);
}

}  // namespace postglass::store
