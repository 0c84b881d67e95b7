#pragma once

#include <cstddef>
#include <cstdint>

// The bounds of the embedded store's own formats and queues; tables and segments have theirs. What
// a file claims beyond them is damage.

namespace postglass::store {

// Decoders refuse larger ones before they allocate; a batch is bounded on the way in by the same.
inline constexpr std::size_t kBatchRawBytesMax = 64 << 20;
inline constexpr std::size_t kBatchRowsMax = 1 << 20;
inline constexpr std::uint32_t kManifestSegmentsMax = 1 << 22;

// One table is built of so many rows at most, unless one batch has more: what is interned together
// stays in the processor's caches.
inline constexpr std::size_t kBuildRowsMax = 8192;
inline constexpr std::size_t kBuildBytesMax = 32 << 20;

// A query opens every table in memory, so they are merged when there are more; eight at a time.
inline constexpr std::size_t kMemoryTablesMax = 20;
inline constexpr std::size_t kMemoryMergeTables = 8;

// One seal writes a segment for each of so many days at most, the others share one.
inline constexpr std::size_t kSealDaysMax = 8;

// The longest sentence list that Describe() carries; the rest is a number.
inline constexpr std::size_t kSetAsideMax = 100;

}  // namespace postglass::store
