#include "store/text.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace postglass::store {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Beside ASCII. Signs of Latin-1 less the letters among them, general punctuation, supplemental
// punctuation, CJK punctuation, full-width forms of ASCII punctuation, the byte order mark.
constexpr std::array<Range, 17> kSeparators{{
    {0x80, 0xA9},
    {0xAB, 0xB1},
    {0xB4, 0xB4},
    {0xB6, 0xB8},
    {0xBB, 0xBB},
    {0xBF, 0xBF},
    {0xD7, 0xD7},
    {0xF7, 0xF7},
    {0x1680, 0x1680},
    {0x2000, 0x206F},
    {0x2E00, 0x2E7F},
    {0x3000, 0x3004},
    {0x3008, 0x3020},
    {0xFE10, 0xFE6F},
    {0xFEFF, 0xFEFF},
    {0xFF01, 0xFF0F},
    {0xFF1A, 0xFF20},
}};

constexpr bool IsAsciiWord(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr std::array<bool, 128> MakeAsciiWordTable() {
  std::array<bool, 128> table{};
  for (unsigned c = 0; c < 128; ++c) table[c] = IsAsciiWord(static_cast<unsigned char>(c));
  return table;
}

constexpr std::array<bool, 128> kAsciiWord = MakeAsciiWordTable();

constexpr char AsciiLowerChar(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

char32_t FoldCodePoint(char32_t c) {
  if (c >= 0xC0 && c <= 0xDE) return c == 0xD7 ? c : c + 0x20;
  if (c >= 0x100 && c <= 0x17F) {
    if (c == 0x130) return 'i';   // dotted capital I
    if (c == 0x178) return 0xFF;  // Y with diaeresis
    if (c == 0x17F) return 's';   // long s
    if (c == 0x138 || c == 0x149) return c;
    const bool capital_is_odd = (c >= 0x139 && c <= 0x148) || c >= 0x179;
    if (capital_is_odd) return (c & 1) != 0 ? c + 1 : c;
    return (c & 1) == 0 && c != 0x131 ? c + 1 : c;
  }
  switch (c) {  // Greek with accents
    case 0x386:
      return 0x3AC;
    case 0x388:
    case 0x389:
    case 0x38A:
      return c + 0x25;
    case 0x38C:
      return 0x3CC;
    case 0x38E:
    case 0x38F:
      return c + 0x3F;
    case 0x3C2:
      return 0x3C3;  // final sigma
    default:
      break;
  }
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 0x20;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  return c;
}

void AppendUtf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    DCHECK(c < 0x10000);
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool IsContinuation(std::string_view text, std::size_t i) {
  return i < text.size() && (Byte(text, i) & 0xC0) == 0x80;
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  const unsigned first = Byte(text, 0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first < 0xE0 && IsContinuation(text, 1)) {
    return {((first & 0x1F) << 6) | (Byte(text, 1) & 0x3F), 2};
  }
  if (first >= 0xE0 && first < 0xF0 && IsContinuation(text, 1) && IsContinuation(text, 2)) {
    return {((first & 0x0F) << 12) | ((Byte(text, 1) & 0x3F) << 6) | (Byte(text, 2) & 0x3F), 3};
  }
  if (first >= 0xF0 && first < 0xF5 && IsContinuation(text, 1) && IsContinuation(text, 2) &&
      IsContinuation(text, 3)) {
    return {((first & 0x07) << 18) | ((Byte(text, 1) & 0x3F) << 12) |
                ((Byte(text, 2) & 0x3F) << 6) | (Byte(text, 3) & 0x3F),
            4};
  }
  // Outside Unicode, so that a stray byte is a word character and never equals a real one.
  return {0x110000 + first, 1};
}

void AppendAsciiFolded(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  for (const char c : text) out += AsciiLowerChar(c);
}

void AppendFolded(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (Byte(text, i) < 0x80) {
      out += AsciiLowerChar(text[i]);
      ++i;
      continue;
    }
    const CodePoint c = FirstCodePoint(text.substr(i));
    const char32_t folded = FoldCodePoint(c.value);
    if (folded == c.value) {
      out += text.substr(i, c.bytes);
    } else {
      AppendUtf8(out, folded);
    }
    i += c.bytes;
  }
}

std::string Fold(std::string_view text) {
  std::string out;
  AppendFolded(out, text);
  return out;
}

bool IsSeparator(char32_t code_point) {
  if (code_point < 128) return !kAsciiWord[code_point];
  for (const Range& range : kSeparators) {
    if (code_point < range.first) return false;
    if (code_point <= range.last) return true;
  }
  return false;
}

std::string SeparatorClass() {
  std::string out = "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{7f}";
  for (const Range& range : kSeparators) {
    out += fmt::format("\\x{{{:x}}}-\\x{{{:x}}}",
                       static_cast<std::uint32_t>(range.first),
                       static_cast<std::uint32_t>(range.last));
  }
  return out;
}

std::string_view Words::Next() {
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t i = 0; i < rest_.size();) {
    CodePoint c{Byte(rest_, i), 1};
    if (c.value >= 0x80) c = FirstCodePoint(rest_.substr(i));
    if (IsSeparator(c.value)) {
      if (inside) {
        const std::string_view word = rest_.substr(begin, i - begin);
        rest_.remove_prefix(i + c.bytes);
        return word;
      }
    } else if (!inside) {
      inside = true;
      begin = i;
    }
    i += c.bytes;
  }
  const std::string_view word = inside ? rest_.substr(begin) : std::string_view();
  rest_ = {};
  return word;
}

}  // namespace postglass::store
