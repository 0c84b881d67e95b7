#include "mail/tracking/html_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "mail/header_block.h"
#include "mail/message_builder.h"

namespace postglass::mail {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kPartsMax = 200;

struct ContentType {
  std::string type = "text/plain";  // lower case
  std::string boundary;
  std::string charset;  // lower case
};

// One parameter value, quoted or not.
std::string TakeValue(std::string_view& rest) {
  std::string value;
  if (!rest.empty() && rest.front() == '"') {
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      value += rest[i];
    }
    rest.remove_prefix(std::min(i + 1, rest.size()));
    return value;
  }
  const std::size_t end = std::min(rest.find_first_of("; \t\r\n"), rest.size());
  value = rest.substr(0, end);
  rest.remove_prefix(end);
  return value;
}

ContentType ReadContentType(const HeaderBlock& header) {
  ContentType result;
  const HeaderField* field = header.Find("Content-Type");
  if (field == nullptr) return result;
  const std::string value = field->Value();
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  result.type = AsciiLower(TrimAscii(std::string_view(value).substr(0, semicolon)));
  std::string_view rest = std::string_view(value).substr(semicolon);
  while (!rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of("; \t\r\n"), rest.size()));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) break;
    const std::string name = AsciiLower(TrimAscii(rest.substr(0, equals)));
    rest.remove_prefix(equals + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::string parameter = TakeValue(rest);
    if (name == "charset") {
      result.charset = AsciiLower(parameter);
    } else if (name == "boundary" && result.boundary.empty()) {
      result.boundary = std::move(parameter);
    }
  }
  return result;
}

// In these, bytes that look like '<' may be half a character.
bool HidesMarkup(std::string_view charset) {
  for (const std::string_view prefix : {"utf-16", "utf-32", "utf-7", "iso-2022", "ucs-", "hz-"}) {
    if (charset.starts_with(prefix)) return true;
  }
  return false;
}

std::optional<std::string> DecodeBody(std::string_view encoding, std::string_view body) {
  if (encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary") {
    return std::string(body);
  }
  if (encoding == "quoted-printable") return DecodeQuotedPrintable(body);
  if (encoding == "base64") return Base64Decode(body);
  return std::nullopt;
}

class Finder {
 public:
  explicit Finder(std::string_view message) : message_(message) {}

  void Entity(std::string_view entity, int depth);

  std::vector<HtmlPart> Take() { return std::move(parts_); }

 private:
  void Multipart(std::string_view body, const std::string& boundary, int depth);
  void Html(const HeaderBlock& header, std::string_view entity, const ContentType& type);

  std::size_t Place(std::string_view piece) const {
    return static_cast<std::size_t>(piece.data() - message_.data());
  }

  const std::string_view message_;
  std::size_t seen_ = 0;
  std::vector<HtmlPart> parts_;
};

void Finder::Entity(std::string_view entity, int depth) {
  if (depth > kDepthMax || ++seen_ > kPartsMax) return;
  const Result<HeaderBlock> header = HeaderBlock::Scan(entity);
  if (!header || header->body().empty()) return;
  const ContentType type = ReadContentType(*header);
  if (type.type == "text/html") return Html(*header, entity, type);
  const bool untouchable = type.type == "multipart/signed" || type.type == "multipart/encrypted" ||
                           type.type == "multipart/report";
  if (type.type.starts_with("multipart/") && !untouchable && !type.boundary.empty()) {
    Multipart(header->body(), type.boundary, depth);
  }
}

void Finder::Multipart(std::string_view body, const std::string& boundary, int depth) {
  const std::string delimiter = "--" + boundary;
  std::size_t part = std::string_view::npos;  // where the current part begins
  for (std::size_t line = 0; line < body.size();) {
    const std::size_t found = body.find(delimiter, line);
    if (found == std::string_view::npos) break;
    const std::size_t after = found + delimiter.size();
    const bool at_line = found == 0 || body[found - 1] == '\n';
    const std::size_t line_end = body.find('\n', after);
    const std::string_view tail = body.substr(after, std::min(line_end, body.size()) - after);
    const bool closes = tail.starts_with("--");
    if (!at_line || (!closes && !TrimAscii(tail).empty())) {
      line = after;
      continue;
    }
    if (part != std::string_view::npos && found > part) {
      std::size_t end = found - 1;  // the line end before the delimiter belongs to it
      if (end > part && body[end - 1] == '\r') --end;
      Entity(body.substr(part, end - part), depth + 1);
    }
    if (closes || line_end == std::string_view::npos) return;
    part = line_end + 1;
    line = part;
  }
}

void Finder::Html(const HeaderBlock& header, std::string_view entity, const ContentType& type) {
  const HeaderField* disposition = header.Find("Content-Disposition");
  if (disposition != nullptr &&
      AsciiLower(TrimAscii(disposition->folded)).starts_with("attachment")) {
    return;
  }
  if (HidesMarkup(type.charset)) return;
  HtmlPart part;
  part.body_begin = Place(header.body());
  part.body_end = part.body_begin + header.body().size();
  // The empty line before the body.
  part.header_end = part.body_begin - 2;
  const HeaderField* field = header.Find("Content-Transfer-Encoding");
  std::string encoding;
  if (field != nullptr) {
    encoding = AsciiLower(TrimAscii(field->Value()));
    part.encoding_begin = Place(field->bytes);
    part.encoding_end = part.encoding_begin + field->bytes.size();
  }
  if (part.body_begin < Place(entity) + 2) return;
  std::optional<std::string> html = DecodeBody(encoding, header.body());
  if (!html) return;
  part.html = std::move(*html);
  parts_.push_back(std::move(part));
}

}  // namespace

std::string DecodeQuotedPrintable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '=') {
      out += text[i++];
      continue;
    }
    if (const auto byte = HexDecode(text.substr(i + 1, 2)); byte && byte->size() == 1) {
      out += *byte;
      i += 3;
      continue;
    }
    // A soft line break, maybe with blanks that a server put behind it.
    std::size_t next = i + 1;
    while (next < text.size() && (text[next] == ' ' || text[next] == '\t')) ++next;
    if (next < text.size() && text[next] == '\r') ++next;
    if (next < text.size() && text[next] == '\n') {
      i = next + 1;
    } else if (next == text.size()) {
      i = next;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::vector<HtmlPart> FindHtmlParts(std::string_view message) {
  Finder finder(message);
  finder.Entity(message, 0);
  return finder.Take();
}

std::string ReplaceHtmlParts(
    std::string message,
    const std::function<std::optional<std::string>(const HtmlPart&)>& replace) {
  const std::vector<HtmlPart> parts = FindHtmlParts(message);
  std::string out;
  std::size_t done = 0;
  const std::string_view old = message;
  for (const HtmlPart& part : parts) {
    const std::optional<std::string> html = replace(part);
    if (!html) continue;
    const EncodedBody body = EncodeBody(*html);
    const std::string field =
        fmt::format("Content-Transfer-Encoding: {}\r\n", body.transfer_encoding);
    const bool had_field = part.encoding_end > part.encoding_begin;
    const std::size_t place = had_field ? part.encoding_begin : part.header_end;
    out += old.substr(done, place - done);
    out += field;
    const std::size_t after = had_field ? part.encoding_end : place;
    out += old.substr(after, part.body_begin - after);
    out += body.bytes;
    done = part.body_end;
  }
  if (done == 0) return message;
  out += old.substr(done);
  return out;
}

}  // namespace postglass::mail
