#include "query/measure.h"

#include <array>
#include <charconv>
#include <cmath>

namespace postglass::query {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Bytes of the number at the front of `text`, 0 when there is none.
std::size_t NumberLength(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at > first;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (!digits()) return 0;
  if (at + 1 < text.size() && text[at] == '.' && IsDigit(text[at + 1])) {
    ++at;
    digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t mantissa_end = at++;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!digits()) at = mantissa_end;
  }
  return at;
}

std::optional<double> ToDouble(std::string_view number) {
  // from_chars takes neither "E+5" with its sign nor reports it: the sign is left out.
  std::string_view head = number;
  std::array<char, 64> copy{};
  if (const std::size_t plus = number.find('+'); plus != std::string_view::npos) {
    if (number.size() > copy.size()) return std::nullopt;
    std::size_t size = 0;
    for (const char c : number) {
      if (c != '+') copy[size++] = c;
    }
    head = std::string_view(copy.data(), size);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), value);
  if (error != std::errc() || end != head.data() + head.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

struct Unit {
  std::string_view name;
  double scale;  // to nanoseconds or bytes
  bool time;
};

constexpr std::array<Unit, 19> kUnits = {{
    {"ns", 1, true},
    {"us", 1e3, true},
    {"\xC2\xB5s", 1e3, true},
    {"ms", 1e6, true},
    {"s", 1e9, true},
    {"min", 60e9, true},
    {"m", 60e9, true},
    {"h", 3600e9, true},
    {"d", 86400e9, true},
    {"w", 604800e9, true},
    {"B", 1, false},
    {"KB", 1e3, false},
    {"MB", 1e6, false},
    {"GB", 1e9, false},
    {"TB", 1e12, false},
    {"KiB", 1024.0, false},
    {"MiB", 1048576.0, false},
    {"GiB", 1073741824.0, false},
    {"TiB", 1099511627776.0, false},
}};

// How many nanoseconds one step of the attribute is.
double StoredTimeUnit(std::string_view path) {
  const auto ends = [path](std::string_view suffix) { return path.ends_with(suffix); };
  if (ends("Millis") || ends("_ms") || ends(".ms")) return 1e6;
  if (ends("Seconds") || ends("_seconds") || ends("_s")) return 1e9;
  return 1;
}

}  // namespace

std::optional<double> ParseNumber(std::string_view text) {
  if (text.empty() || NumberLength(text) != text.size()) return std::nullopt;
  return ToDouble(text);
}

std::optional<double> ParseMeasure(std::string_view text, std::string_view path) {
  const std::size_t length = NumberLength(text);
  if (length == 0) return std::nullopt;
  const std::string_view name = text.substr(length);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    const std::optional<double> number = ToDouble(text.substr(0, length));
    if (!number) return std::nullopt;
    return *number * unit.scale / (unit.time ? StoredTimeUnit(path) : 1);
  }
  return std::nullopt;
}

}  // namespace postglass::query
