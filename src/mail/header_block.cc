#include "mail/header_block.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

bool HasOnlyCrlf(std::string_view text) {
  std::size_t at = 0;
  while ((at = text.find('\n', at)) != std::string_view::npos) {
    if (at == 0 || text[at - 1] != '\r') return false;
    ++at;
  }
  at = 0;
  while ((at = text.find('\r', at)) != std::string_view::npos) {
    if (at + 1 >= text.size() || text[at + 1] != '\n') return false;
    at += 2;
  }
  return true;
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// RFC 5322 §2.2: printable US-ASCII without the colon.
bool IsFieldName(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    if (c <= ' ' || c > '~' || c == ':') return false;
  }
  return true;
}

// The end of the line that begins at `at`, line end included.
std::size_t LineEnd(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end + 1;
}

std::string_view WithoutLineEnd(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string NormalizeLineEnds(std::string message) {
  if (HasOnlyCrlf(message)) return message;
  std::string out;
  out.reserve(message.size() + message.size() / 32 + 2);
  for (std::size_t i = 0; i < message.size(); ++i) {
    const char c = message[i];
    if (c == '\r') {
      out += "\r\n";
      if (i + 1 < message.size() && message[i + 1] == '\n') ++i;
    } else if (c == '\n') {
      out += "\r\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string HeaderField::Value() const {
  std::string out;
  out.reserve(folded.size());
  bool folding = false;  // inside the blanks that begin a continued line: SES shows tabs as blanks
  for (const char c : folded) {
    if (c == '\r' || c == '\n') {
      folding = true;
    } else if (folding && c == '\t') {
      out += ' ';
    } else {
      if (c != ' ') folding = false;
      out += c;
    }
  }
  return std::string(TrimAscii(out));
}

Result<HeaderBlock> HeaderBlock::Scan(std::string_view message) {
  HeaderBlock block;
  block.fields_.reserve(16);
  std::size_t at = 0;
  while (at < message.size()) {
    std::size_t end = LineEnd(message, at);
    if (WithoutLineEnd(message.substr(at, end - at)).empty()) {
      at = end;
      break;
    }
    const std::size_t first_line_end = end;
    while (end < message.size() && IsBlank(message[end])) end = LineEnd(message, end);
    if (end > kHeaderBytesMax) {
      return Fail(ErrorCode::kLimit, fmt::format("header larger than {} bytes", kHeaderBytesMax));
    }
    const std::string_view bytes = message.substr(at, end - at);
    const std::size_t colon = bytes.substr(0, first_line_end - at).find(':');
    if (colon != std::string_view::npos) {
      std::string_view name = bytes.substr(0, colon);
      while (!name.empty() && IsBlank(name.back())) name.remove_suffix(1);  // RFC 5322 §4.5
      if (IsFieldName(name)) {
        if (block.fields_.size() == kHeaderFieldsMax) {
          return Fail(ErrorCode::kLimit, fmt::format("more than {} headers", kHeaderFieldsMax));
        }
        block.fields_.push_back({name, WithoutLineEnd(bytes.substr(colon + 1)), bytes});
      }
    }
    at = end;
  }
  block.body_ = message.substr(at);
  return block;
}

const HeaderField* HeaderBlock::Find(std::string_view name) const {
  for (const HeaderField& field : fields_) {
    if (EqualsIgnoreAsciiCase(field.name, name)) return &field;
  }
  return nullptr;
}

}  // namespace postglass::mail
