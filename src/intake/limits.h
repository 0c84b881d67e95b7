#pragma once

#include <cstddef>

// The bounds of the intake (docs/compat/intake.md).

namespace postglass::intake {

inline constexpr std::size_t kBodyBytesMax = 5 << 20;        // after inflating; above: 413
inline constexpr std::size_t kArrayLogsMax = 1000;           // logs of one array; above: 413
inline constexpr std::size_t kLinesMax = 10'000;             // logs of a body of lines; above: 413
inline constexpr std::size_t kLogBytesMax = 1'000'000;       // one log; above: truncated
inline constexpr std::size_t kTagsMax = 100;                 // of one log; the rest is cut
inline constexpr std::size_t kTagBytesMax = 256;             // of one tag; the rest is cut
inline constexpr std::size_t kOriginBytesMax = 100;          // of each header that is kept
inline constexpr std::size_t kBadLogsNamedMax = 20;          // in one answer; the rest is counted
inline constexpr std::size_t kInFlightBytesMax = 128 << 20;  // of bodies being handled; above: 429

}  // namespace postglass::intake
