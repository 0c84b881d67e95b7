#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::store {

// Strings one behind the other.
struct TextList {
  std::string arena;
  std::vector<std::uint32_t> ends;

  std::uint32_t size() const { return static_cast<std::uint32_t>(ends.size()); }

  void Add(std::string_view text) {
    arena += text;
    ends.push_back(static_cast<std::uint32_t>(arena.size()));
  }

  std::string_view operator[](std::uint32_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(arena).substr(begin, ends[i] - begin);
  }

  bool operator==(const TextList&) const = default;
};

}  // namespace postglass::store
