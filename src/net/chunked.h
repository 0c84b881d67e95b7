#pragma once

#include <cstddef>

namespace postglass::net {

// Beast's chunk parser (1.81) takes for granted, by an assertion, that the last chunk does not
// reach it split after its first line. No chunked body ends in fewer bytes than "0\r\n\r\n", so
// bytes are held back until there are as many.
constexpr std::size_t kChunkedBytesMin = 5;

// A chunk line or trailer that is not complete within this is not one.
constexpr std::size_t kChunkRestBytesMax = 8 << 10;

}  // namespace postglass::net
