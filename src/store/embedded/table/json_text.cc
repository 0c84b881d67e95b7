#include "store/embedded/table/json_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "store/event_reader.h"

namespace postglass::store {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
// Longer ones are legal but nobody's: what two parsers make of them need not be the same.
constexpr std::size_t kDoubleBytesMax = 64;
constexpr std::size_t kExponentDigitsMax = 3;

constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}

constexpr std::array<char, 256> kEscapes = MakeEscapes();

// The letter behind the backslash, 'u' for controls without a letter, 0 for what stands for itself.
char EscapeOf(char c) { return kEscapes[static_cast<unsigned char>(c)]; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(std::string& out, std::uint32_t c) {
  const auto byte = [&](std::uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  }
}

// The four digits at `at` behind "\u".
std::optional<std::uint32_t> ReadUnit(std::string_view raw, std::size_t at) {
  if (raw.size() < at + 4) return std::nullopt;
  std::uint32_t unit = 0;
  const char* end = raw.data() + at + 4;
  const auto [stop, error] = std::from_chars(raw.data() + at, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

// Reads the escape at `raw[i]`, "\uXXXX" or a pair of them, and moves behind it.
Escapes AppendUnicode(std::string& out, std::string_view raw, std::size_t& i) {
  const std::optional<std::uint32_t> first = ReadUnit(raw, i + 2);
  if (!first) return Escapes::kBad;
  const std::string_view written = raw.substr(i, 6);
  i += 6;
  if (*first < 0xD800 || *first > 0xDFFF) {
    AppendUtf8(out, *first);
    if (*first >= 0x20 || EscapeOf(static_cast<char>(*first)) != 'u') return Escapes::kOther;
    const bool same =
        written[4] == kHexDigits[*first >> 4] && written[5] == kHexDigits[*first & 15];
    return same ? Escapes::kCanonical : Escapes::kOther;
  }
  if (*first > 0xDBFF || raw.substr(i, 2) != "\\u") return Escapes::kBad;
  const std::optional<std::uint32_t> second = ReadUnit(raw, i + 2);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return Escapes::kBad;
  i += 6;
  AppendUtf8(out, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
  return Escapes::kOther;
}

// Where digits from `i` on end.
std::size_t SkipDigits(std::string_view token, std::size_t i) {
  while (i < token.size() && IsDigit(token[i])) ++i;
  return i;
}

struct NumberParts {
  std::size_t integer_end = 0;
  std::size_t fraction_end = 0;  // integer_end without a fraction
  bool exponent = false;
};

// Checks the grammar of RFC 8259, section 6.
std::optional<NumberParts> CutNumber(std::string_view token) {
  NumberParts parts;
  const std::size_t begin = token.starts_with('-') ? 1 : 0;
  parts.integer_end = SkipDigits(token, begin);
  if (parts.integer_end == begin) return std::nullopt;
  if (token[begin] == '0' && parts.integer_end > begin + 1) return std::nullopt;
  std::size_t i = parts.integer_end;
  if (i < token.size() && token[i] == '.') {
    i = SkipDigits(token, i + 1);
    if (i == parts.integer_end + 1) return std::nullopt;
  }
  parts.fraction_end = i;
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    parts.exponent = true;
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    const std::size_t digits = i;
    i = SkipDigits(token, i);
    if (i == digits || i - digits > kExponentDigitsMax) return std::nullopt;
  }
  if (i != token.size()) return std::nullopt;
  return parts;
}

std::optional<NumberToken> ReadInteger(std::string_view token) {
  NumberToken read;
  const auto [end, error] =
      std::from_chars(token.data(), token.data() + token.size(), read.integer);
  if (error != std::errc()) return std::nullopt;
  read.bytes = token.size();
  if (read.integer == 0 && token.size() > 1) read.form = NumberToken::Form::kOther;  // "-0"
  return read;
}

// "7.0": EventReader gives the integer 7.
std::optional<NumberToken> ReadIntegralFraction(std::string_view token, const NumberParts& parts) {
  constexpr std::int64_t kExactMax = 1'000'000'000'000'000;  // NumberText() writes digits below it
  if (parts.exponent || parts.fraction_end == parts.integer_end) return std::nullopt;
  if (token.find_first_not_of('0', parts.integer_end + 1) != token.npos) return std::nullopt;
  std::optional<NumberToken> read = ReadInteger(token.substr(0, parts.integer_end));
  if (!read || read->form != NumberToken::Form::kText) return std::nullopt;
  if (read->integer <= -kExactMax || read->integer >= kExactMax) return std::nullopt;
  read->form = NumberToken::Form::kFraction;
  return read;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain_begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char escape = EscapeOf(text[i]);
    if (escape == '\0') continue;
    out += text.substr(plain_begin, i - plain_begin);
    plain_begin = i + 1;
    out += '\\';
    out += escape;
    if (escape != 'u') continue;
    const auto c = static_cast<unsigned char>(text[i]);
    out += "00";
    out += kHexDigits[c >> 4];
    out += kHexDigits[c & 15];
  }
  out += text.substr(plain_begin);
  out += '"';
}

void AppendScientific(std::string& out, double number) {
  std::array<char, 40> digits;
  const auto [end, error] = std::to_chars(
      digits.data(), digits.data() + digits.size(), number, std::chars_format::scientific);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  const std::size_t e = text.find('e');
  out += text.substr(0, e);
  out += 'E';
  if (text[e + 1] == '-') out += '-';
  std::size_t i = e + 2;
  while (i + 1 < text.size() && text[i] == '0') ++i;
  out += text.substr(i);
}

Escapes AppendUnescaped(std::string& out, std::string_view raw) {
  Escapes all = Escapes::kCanonical;
  std::size_t i = 0;
  while (i < raw.size()) {
    const std::size_t backslash = std::min(raw.find('\\', i), raw.size());
    out += raw.substr(i, backslash - i);
    i = backslash;
    if (i == raw.size()) break;
    if (i + 1 == raw.size()) return Escapes::kBad;
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (raw[i + 1] == 'u') {
      const Escapes one = AppendUnicode(out, raw, i);
      if (one == Escapes::kBad) return one;
      if (one == Escapes::kOther) all = one;
      continue;
    }
    const std::size_t letter = kLetters.find(raw[i + 1]);
    if (letter == kLetters.npos) return Escapes::kBad;
    if (raw[i + 1] == '/') all = Escapes::kOther;
    out += kMeanings[letter];
    i += 2;
  }
  return all;
}

std::optional<NumberToken> ReadNumber(std::string_view token) {
  const std::optional<NumberParts> parts = CutNumber(token);
  if (!parts) return std::nullopt;
  if (!parts->exponent && parts->fraction_end == parts->integer_end) return ReadInteger(token);
  if (token.size() > kDoubleBytesMax) return std::nullopt;
  if (const auto integral = ReadIntegralFraction(token, *parts)) return integral;
  NumberToken read;
  read.type = ValueType::kDouble;
  read.bytes = token.size();
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), read.number);
  if (error != std::errc() || !std::isfinite(read.number)) return std::nullopt;
  if (parts->exponent) {
    std::string scientific;
    AppendScientific(scientific, read.number);
    if (scientific == token) {
      read.form = NumberToken::Form::kScientific;
      return read;
    }
  }
  if (NumberText(read.number) != token) read.form = NumberToken::Form::kOther;
  return read;
}

}  // namespace postglass::store
