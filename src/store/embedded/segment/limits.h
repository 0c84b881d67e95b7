#pragma once

#include <cstddef>
#include <cstdint>

// The bounds of segment files. What a file claims beyond them is damage; a writer never passes
// them.

namespace postglass::store {

inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{1} << 40;
// A footer of 4,096 columns and 60,000 shapes takes a few MB.
inline constexpr std::uint32_t kFooterBytesMax = 256 << 20;
// What can be read alone. The largest are the codes of four million values, four bytes each, and
// one block of the longest strings.
inline constexpr std::uint32_t kExtentBytesMax = 1U << 30;
inline constexpr std::uint32_t kReplacesMax = 1 << 16;
inline constexpr std::uint32_t kColumnValuesMax = 1U << 31;

// Most footers are below it, so that opening a segment is two reads: header and this tail.
inline constexpr std::size_t kTailGuessBytes = 64 << 10;

// Strings in one dictionary block: a power of two between these, by the strings' length.
inline constexpr unsigned kBlockValuesLog2Min = 4;
inline constexpr unsigned kBlockValuesLog2Max = 10;

inline constexpr std::size_t kTemplatesMax = 64;        // of one dictionary
inline constexpr std::size_t kPatternsMax = 1024;       // of pieces, of one dictionary
inline constexpr std::size_t kTemplateDigitsMax = 256;  // positions that vary
inline constexpr std::size_t kRunBytesMax = 64;         // one varying run of a template

// Values up to which a look-up reads the dictionary rather than a filter, and words with a digit
// are indexed like all others rather than left to filter and templates.
inline constexpr std::uint32_t kFilterValuesMin = 65;
inline constexpr std::uint32_t kWordsValuesMin = 257;

inline constexpr std::uint32_t kCountsPageValues = 16'384;
inline constexpr std::uint32_t kFilterPageBytes = 16 << 10;

// How deep columns may lean on one another before a value is found.
inline constexpr int kColumnDepthMax = 16;

}  // namespace postglass::store
