#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"
#include "base/encoding.h"

namespace postglass {

std::uint64_t Random::Next64() {
  std::uint64_t value = 0;
  Fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::uint64_t Random::Below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Rejection keeps it uniform; the loop ends with probability > 1/2 each time.
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  for (;;) {
    const std::uint64_t value = Next64();
    if (value < limit) return value % bound;
  }
}

std::string Random::Hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  Fill(std::as_writable_bytes(std::span(raw)));
  return HexEncode(raw);
}

std::string Random::Uuid() {
  std::string raw(16, '\0');
  Fill(std::as_writable_bytes(std::span(raw)));
  return FormatUuid(raw, 4);
}

void SystemRandom::Fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) continue;  // EINTR is the only error here
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace postglass
