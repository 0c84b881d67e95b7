// Content-Encoding of untrusted bodies: whatever comes, the output stays within the cap and within
// what the contract names as errors.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postglass::ErrorCode;
  if (size == 0) return 0;
  constexpr std::array<std::string_view, 6> kCodings = {
      "gzip", "deflate", "zstd", "gzip, zstd", "zstd, deflate", "gzip, identity"};
  constexpr std::size_t kBytesMax = 256 << 10;
  const std::string_view coding = kCodings[data[0] % kCodings.size()];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto decoded = postglass::net::DecodeContent(coding, body, kBytesMax);
  if (decoded) {
    if (decoded->size() > kBytesMax) std::abort();
  } else {
    const ErrorCode code = decoded.error().code;
    if (code != ErrorCode::kLimit && code != ErrorCode::kInvalidArgument) std::abort();
  }
  return 0;
}
