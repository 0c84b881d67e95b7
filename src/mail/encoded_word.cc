#include "mail/encoded_word.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/encoding.h"

namespace postglass::mail {
namespace {

constexpr std::size_t kEncodedWordMax = 75;  // RFC 2047 §2
constexpr std::size_t kPlainLineMax = 900;   // below RFC 5322's 998, with room for the name
constexpr std::string_view kPrefix = "=?UTF-8?";
constexpr std::size_t kPayloadMax = kEncodedWordMax - kPrefix.size() - 4;  // "B?" and "?="

// Charsets that mail really carries. The list is closed because the converters behind iconv() have
// had memory faults in rare charsets, and the name comes from outside.
constexpr std::array<std::string_view, 25> kCharsets = {
    "iso-8859-1",   "iso-8859-2",   "iso-8859-3",   "iso-8859-4",   "iso-8859-5",
    "iso-8859-7",   "iso-8859-9",   "iso-8859-13",  "iso-8859-15",  "windows-1250",
    "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "koi8-r",       "gb2312",       "gbk",
    "gb18030",      "big5",         "euc-kr",       "shift_jis",    "euc-jp"};

struct Converter {
  explicit Converter(const std::string& from) : handle(iconv_open("UTF-8", from.c_str())) {}

  ~Converter() {
    if (ok()) iconv_close(handle);
  }

  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // NOLINTNEXTLINE(performance-no-int-to-ptr): POSIX defines the error as (iconv_t)-1
  bool ok() const { return handle != reinterpret_cast<iconv_t>(std::intptr_t{-1}); }

  iconv_t handle;
};

std::optional<std::string> ToUtf8(std::string_view charset, std::string bytes) {
  const std::string name = AsciiLower(charset.substr(0, charset.find('*')));  // RFC 2231 language
  if (name == "utf-8" || name == "utf8" || name == "us-ascii") return bytes;
  if (std::find(kCharsets.begin(), kCharsets.end(), name) == kCharsets.end()) return std::nullopt;
  Converter converter(name);
  if (!converter.ok()) return std::nullopt;
  std::string out(bytes.size() * 4 + 4, '\0');  // no charset above needs more
  char* in = bytes.data();
  std::size_t in_left = bytes.size();
  char* to = out.data();
  std::size_t to_left = out.size();
  if (iconv(converter.handle, &in, &in_left, &to, &to_left) == static_cast<std::size_t>(-1)) {
    return std::nullopt;
  }
  out.resize(out.size() - to_left);
  return out;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string DecodeQ(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
               HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Word {
  std::string_view charset;
  char encoding = 'q';
  std::string bytes;
  std::size_t end = 0;  // behind "?="
};

// The encoded word that begins at `at` ("=?").
std::optional<Word> ReadWord(std::string_view text, std::size_t at) {
  const std::size_t charset_end = text.find('?', at + 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() ||
      text[charset_end + 2] != '?') {
    return std::nullopt;
  }
  const std::size_t payload = charset_end + 3;
  const std::size_t end = text.find("?=", payload);
  if (end == std::string_view::npos) return std::nullopt;
  Word word;
  word.charset = text.substr(at + 2, charset_end - at - 2);
  word.end = end + 2;
  const std::string_view encoded = text.substr(payload, end - payload);
  switch (text[charset_end + 1]) {
    case 'q':
    case 'Q':
      // "=?UTF-8?Q?=?=" would end at the first "?="; a blank never occurs inside a word.
      if (encoded.find(' ') != std::string_view::npos) return std::nullopt;
      word.bytes = DecodeQ(encoded);
      return word;
    case 'b':
    case 'B': {
      std::optional<std::string> bytes = Base64Decode(encoded);
      if (!bytes) return std::nullopt;
      word.encoding = 'b';
      word.bytes = std::move(*bytes);
      return word;
    }
    default:
      return std::nullopt;
  }
}

bool AllBlank(std::string_view text) { return text.find_first_not_of(" \t") == text.npos; }

// Consecutive words of one charset are joined before they are converted: careless senders split a
// character over two words.
class WordRun {
 public:
  explicit WordRun(std::string& out) : out_(out) {}

  void Add(const Word& word, std::string_view as_written) {
    if (!bytes_.empty() && !EqualsIgnoreAsciiCase(word.charset, charset_)) Flush();
    charset_ = word.charset;
    bytes_ += word.bytes;
    as_written_ += as_written;
  }

  void Flush() {
    if (as_written_.empty()) return;
    const std::optional<std::string> text = ToUtf8(charset_, std::move(bytes_));
    out_ += text ? *text : as_written_;
    bytes_.clear();
    as_written_.clear();
  }

 private:
  std::string& out_;
  std::string_view charset_;
  std::string bytes_;
  std::string as_written_;
};

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Length of the UTF-8 sequence at the front. Requires: well-formed UTF-8.
std::size_t SequenceLength(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

bool IsQSafe(char c) {  // RFC 2047 §5 (3): fits phrases too
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '!' ||
         c == '*' || c == '+' || c == '-' || c == '/';
}

void AppendQ(std::string& out, std::string_view character) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : character) {
    if (c == ' ') {
      out += '_';
    } else if (IsQSafe(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '=';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

std::size_t QLength(std::string_view character) {
  return character == " " || (character.size() == 1 && IsQSafe(character[0]))
             ? 1
             : character.size() * 3;
}

}  // namespace

std::string DecodeEncodedWords(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  WordRun run(out);
  std::size_t at = 0;
  bool after_word = false;
  while (at < value.size()) {
    const std::size_t begin = value.find("=?", at);
    const std::optional<Word> word =
        begin == std::string_view::npos ? std::nullopt : ReadWord(value, begin);
    const std::size_t plain_end =
        word ? begin : (begin == std::string_view::npos ? value.size() : begin + 2);
    const std::string_view plain = value.substr(at, plain_end - at);
    if (!(word && after_word && AllBlank(plain))) {
      run.Flush();
      out += plain;
    }
    after_word = word.has_value();
    if (word) run.Add(*word, value.substr(begin, word->end - begin));
    at = word ? word->end : plain_end;
  }
  run.Flush();
  return ToValidUtf8(out);
}

std::string EncodeHeaderText(std::string_view text) {
  std::string clean = IsUtf8(text) ? std::string(text) : ToValidUtf8(text);
  for (char& c : clean) {
    if ((c >= 0 && c < ' ') || c == 0x7F) c = ' ';
  }
  // Plain text that looks like an encoded word would be decoded by the reader; a line too long for
  // SMTP is folded by making words of it.
  if (clean.size() <= kPlainLineMax && IsPrintableAscii(clean) &&
      clean.find("=?") == std::string::npos) {
    return clean;
  }

  const auto wide =
      std::count_if(clean.begin(), clean.end(), [](char c) { return (c & 0x80) != 0; });
  const bool base64 = static_cast<std::size_t>(wide) * 3 > clean.size();
  std::string out;
  std::string payload;  // of the present word: raw bytes for base64, else Q text
  const auto flush = [&] {
    if (payload.empty()) return;
    if (!out.empty()) out += "\r\n ";
    out += kPrefix;
    out += base64 ? "B?" : "Q?";
    out += base64 ? Base64Encode(payload) : payload;
    out += "?=";
    payload.clear();
  };
  for (std::size_t i = 0; i < clean.size();) {
    const std::string_view character = std::string_view(clean).substr(i, SequenceLength(clean[i]));
    const std::size_t length = base64 ? (payload.size() + character.size() + 2) / 3 * 4
                                      : payload.size() + QLength(character);
    if (length > kPayloadMax) flush();
    if (base64) {
      payload += character;
    } else {
      AppendQ(payload, character);
    }
    i += character.size();
  }
  flush();
  return out;
}

}  // namespace postglass::mail
