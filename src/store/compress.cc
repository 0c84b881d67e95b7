#include "store/compress.h"

#include <fmt/format.h>
#include <zstd.h>

#include "base/check.h"

namespace postglass::store {

std::string Compress(std::string_view raw, int level) {
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t bytes =
      ZSTD_compress(frame.data(), frame.size(), raw.data(), raw.size(), level);
  CHECK(ZSTD_isError(bytes) == 0);  // the buffer has the bound that zstd asks for
  frame.resize(bytes);
  return frame;
}

Status Decompress(std::string_view frame, std::size_t raw_bytes, std::string& out) {
  out.resize(raw_bytes);
  const std::size_t bytes = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(bytes) != 0) {
    return Fail(ErrorCode::kCorruption, fmt::format("zstd: {}", ZSTD_getErrorName(bytes)));
  }
  if (bytes != raw_bytes) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("a frame holds {} bytes instead of {}", bytes, raw_bytes));
  }
  return {};
}

}  // namespace postglass::store
