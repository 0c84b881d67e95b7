#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/url_secrets.h"

// Masking never crashes, is stable, and what it leaves carries no secret by its own rules.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string url = postglass::MaskUrl(text);
  CHECK(postglass::HasSecret(text) || url == text);
  CHECK(postglass::MaskUrl(url) == url);
  static_cast<void>(postglass::MaskText(text));
  return 0;
}
