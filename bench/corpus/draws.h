#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::bench {

// One step of splitmix64: spreads neighbouring numbers over all 64 bits.
constexpr std::uint64_t Mix(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// Repeatable random draws, a nanosecond each. Copied freely: whoever knows the seed of a mail can
// draw the whole mail again, so nothing of it has to be kept.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    const std::uint64_t drawn = Mix(state_);
    state_ += 0x9E3779B97F4A7C15ULL;
    return drawn;
  }

  // Requires: 0 < bound < 2^32.
  std::uint64_t Below(std::uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }

  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }  // [0, 1)

  bool Chance(double probability) { return Unit() < probability; }

  double Exponential(double mean) { return -std::log(1 - Unit()) * mean; }

  // Median times a factor that is as often above one as below it.
  double LogNormal(double median, double sigma) { return median * std::exp(sigma * Normal()); }

  void AppendChars(std::string& out, std::size_t count, std::string_view alphabet) {
    for (std::size_t i = 0; i < count; ++i) out += alphabet[Below(alphabet.size())];
  }

  void AppendDigits(std::string& out, std::size_t count) { AppendChars(out, count, "0123456789"); }

  void AppendHex(std::string& out, std::size_t count) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i, bits >>= 4) {
      if (i % 16 == 0) bits = Next();
      out += "0123456789abcdef"[bits & 15];
    }
  }

  void AppendUuid(std::string& out, char version) {
    AppendHex(out, 8);
    out += '-';
    AppendHex(out, 4);
    out += '-';
    out += version;
    AppendHex(out, 3);
    out += '-';
    out += "89ab"[Below(4)];
    AppendHex(out, 3);
    out += '-';
    AppendHex(out, 12);
  }

 private:
  double Normal() {  // of twelve uniform numbers: near enough, and quick
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Unit();
    return sum;
  }

  std::uint64_t state_;
};

// Draws an index by weight, from a table of 4,096 places.
class WeightedPick {
 public:
  explicit WeightedPick(std::span<const double> weights) : table_(kPlaces) {
    double total = 0;
    for (const double w : weights) total += w;
    double sum = 0;
    std::size_t place = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i];
      const auto end = static_cast<std::size_t>(sum / total * kPlaces + 0.5);
      for (; place < end && place < kPlaces; ++place) table_[place] = static_cast<std::uint16_t>(i);
    }
  }

  std::size_t operator()(Draws& draws) const { return table_[draws.Below(kPlaces)]; }

 private:
  static constexpr std::size_t kPlaces = 4096;
  std::vector<std::uint16_t> table_;
};

}  // namespace postglass::bench
