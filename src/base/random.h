#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace postglass {

// Source of random bytes. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<std::byte> out) = 0;

  std::uint64_t Next64();
  // Uniform in [0, bound). Requires: bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // `bytes` random bytes as lower-case hex, twice as many characters.
  std::string Hex(std::size_t bytes);
  // RFC 9562 version 4, lower case with dashes.
  std::string Uuid();
};

// From the operating system; fit for keys.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<std::byte> out) override;
};

}  // namespace postglass
