#pragma once

#include <cstddef>
#include <cstdint>

// The bounds of the embedded store's formats. What a file claims beyond them is damage.

namespace postglass::store {

// A block is what a look-up decompresses at least: 2 MB of typical mail events, about 1 ms.
inline constexpr std::uint32_t kBlockRowsTarget = 1024;
inline constexpr std::size_t kBlockBytesTarget = 4 << 20;
// What a batch on top of nearly a whole block may make of it, before it is divided.
inline constexpr std::uint32_t kBlockRowsMax = 2 * kBlockRowsTarget;
inline constexpr std::size_t kBlockBytesMax = 2 * kBlockBytesTarget;

// Decoders refuse larger ones before they allocate. A batch is bounded on the way in by the same
// number, a block's section by one batch above the target.
inline constexpr std::size_t kBatchRawBytesMax = 64 << 20;
inline constexpr std::size_t kSectionRawBytesMax = kBatchRawBytesMax + (8 << 20);
inline constexpr std::size_t kBatchRowsMax = 1 << 20;
inline constexpr std::uint32_t kSegmentBlocksMax = 1 << 20;
inline constexpr std::uint32_t kManifestSegmentsMax = 1 << 22;

// The longest sentence list that Describe() carries; the rest is a number.
inline constexpr std::size_t kSetAsideMax = 100;

}  // namespace postglass::store
