#pragma once

#include <cstddef>
#include <cstdint>

// The bounds of tables. What does not fit makes its row opaque, or the builder begins another
// table; an attack with endless names costs bytes, not memory.

namespace postglass::store {

inline constexpr std::uint32_t kTableRowsMax = 4 << 20;
inline constexpr std::uint32_t kTableShapesMax = 60'000;   // a shape index has 16 bits
inline constexpr std::uint32_t kTableColumnsMax = 4'096;   // beside the reserved ones
inline constexpr std::uint32_t kBuilderShapesMax = 1'024;  // new ones in one Build()
inline constexpr std::uint32_t kRowValuesMax = 2'048;      // values of one event
inline constexpr std::uint32_t kPathBytesMax = 1'024;
inline constexpr int kFlattenDepthMax = 64;

}  // namespace postglass::store
