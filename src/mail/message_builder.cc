#include "mail/message_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/header_block.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

constexpr std::size_t kLineMax = 998;         // RFC 5322 §2.1.1
constexpr std::size_t kQuotedLineMax = 76;    // RFC 2045 §6.7
constexpr std::size_t kBase64LineBytes = 57;  // 76 characters
constexpr std::string_view kHex = "0123456789ABCDEF";

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0 && c != '\0'; });
}

// `crlf` has CRLF line ends only.
bool HasLongLine(std::string_view crlf) {
  std::size_t at = 0;
  while (crlf.size() - at > kLineMax) {
    const std::size_t end = crlf.find('\n', at);
    if (end == std::string_view::npos || end - at > kLineMax + 1) return true;
    at = end + 1;
  }
  return false;
}

std::string Base64Lines(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + bytes.size() / kBase64LineBytes * 2 + 8);
  for (std::size_t at = 0; at < bytes.size(); at += kBase64LineBytes) {
    out += Base64Encode(bytes.substr(at, kBase64LineBytes));
    out += "\r\n";
  }
  return out;
}

std::string QuotedPrintable(std::string_view crlf) {
  std::string out;
  out.reserve(crlf.size() * 3 / 2);
  std::size_t line = 0;  // characters in the present output line
  const auto put = [&](std::string_view piece) {
    if (line + piece.size() > kQuotedLineMax - 1) {
      out += "=\r\n";
      line = 0;
    }
    out += piece;
    line += piece.size();
  };
  for (std::size_t i = 0; i < crlf.size(); ++i) {
    const char c = crlf[i];
    if (c == '\r' && i + 1 < crlf.size() && crlf[i + 1] == '\n') {
      out += "\r\n";
      line = 0;
      ++i;
      continue;
    }
    const bool at_line_end = i + 1 >= crlf.size() || crlf[i + 1] == '\r';
    const bool plain =
        (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !at_line_end);
    if (plain) {
      put(std::string_view(&c, 1));
    } else {
      const auto byte = static_cast<unsigned char>(c);
      const char escaped[3] = {'=', kHex[byte >> 4], kHex[byte & 15]};
      put(std::string_view(escaped, 3));
    }
  }
  return out;
}

std::string FormatMailbox(const Mailbox& mailbox) {
  if (mailbox.text.size() <= kLineMax - 100 && IsAscii(mailbox.text)) {
    std::string text = mailbox.text;
    // A fold inside the API's value is no fold of ours.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c == 0x7F; }, ' ');
    return text;
  }
  if (mailbox.display_name.empty()) return mailbox.address;
  return fmt::format("{} <{}>", EncodeHeaderText(mailbox.display_name), mailbox.address);
}

Status AppendAddresses(std::string& out,
                       std::string_view name,
                       const std::vector<std::string>& addresses) {
  bool first = true;
  for (const std::string& address : addresses) {
    ASSIGN_OR_RETURN(const Mailbox mailbox, ParseMailbox(address));
    // One a line, so that fifty of them stay within the longest line allowed.
    out += first ? fmt::format("{}: ", name) : std::string(",\r\n ");
    out += FormatMailbox(mailbox);
    first = false;
  }
  if (!first) out += "\r\n";
  return {};
}

// Fields that the builder or acceptance writes.
bool IsReservedHeader(std::string_view name) {
  constexpr std::string_view kReserved[] = {"from",
                                            "to",
                                            "cc",
                                            "bcc",
                                            "subject",
                                            "reply-to",
                                            "date",
                                            "message-id",
                                            "mime-version",
                                            "content-type",
                                            "return-path",
                                            "content-transfer-encoding",
                                            "sender"};
  const std::string lower = AsciiLower(name);
  return std::find(std::begin(kReserved), std::end(kReserved), lower) != std::end(kReserved);
}

Status AppendCustomHeaders(std::string& out, const SimpleMessage& message) {
  if (message.headers.size() > kCustomHeadersMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("The number of headers cannot exceed {}.", kCustomHeadersMax));
  }
  for (const auto& [name, value] : message.headers) {
    const bool well_formed = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c > ' ' && c <= '~' && c != ':';
    });
    if (!well_formed) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("Invalid header name <{}>.", ToValidUtf8(name)));
    }
    if (IsReservedHeader(name)) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("Header <{}> is not allowed.", name));
    }
    if (name.size() + value.size() > kCustomHeaderBytesMax) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("Header <{}> is longer than {} characters.", name, kCustomHeaderBytesMax));
    }
    out += fmt::format("{}: {}\r\n", name, EncodeHeaderText(value));
  }
  return {};
}

void AppendTextPart(std::string& out, std::string_view subtype, std::string_view text) {
  const EncodedBody body = EncodeBody(text);
  out +=
      fmt::format("Content-Type: text/{}; charset=UTF-8\r\nContent-Transfer-Encoding: {}\r\n\r\n",
                  subtype,
                  body.transfer_encoding);
  out += body.bytes;
}

std::string MakeBoundary(Random& random) {
  return fmt::format("----=_Part_{}_{}", random.Below(10'000'000), random.Hex(12));
}

// The bodies: one part, or two alternatives, the plain one first (RFC 2046 §5.1.4).
void AppendBodies(std::string& out, const SimpleMessage& message, Random& random) {
  if (!message.text || !message.html) {
    AppendTextPart(out,
                   message.html ? "html" : "plain",
                   message.html ? *message.html : message.text.value_or(""));
    return;
  }
  const std::string boundary = MakeBoundary(random);
  // SES folds here with a tab behind a blank; events then show two blanks.
  out +=
      fmt::format("Content-Type: multipart/alternative; \r\n\tboundary=\"{}\"\r\n\r\n", boundary);
  out += fmt::format("--{}\r\n", boundary);
  AppendTextPart(out, "plain", *message.text);
  out += fmt::format("\r\n--{}\r\n", boundary);
  AppendTextPart(out, "html", *message.html);
  out += fmt::format("\r\n--{}--\r\n", boundary);
}

// A parameter value between quotes; what cannot stand there becomes '_', and names beyond US-ASCII
// an encoded word, which every reader understands though RFC 2231 says otherwise.
std::string QuotedParameter(std::string_view value) {
  std::string out = EncodeHeaderText(value);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '"' || c == '\\'; }, '_');
  return out;
}

Status AppendAttachment(std::string& out, const Attachment& attachment) {
  const std::string_view type = attachment.content_type.empty()
                                    ? std::string_view("application/octet-stream")
                                    : std::string_view(attachment.content_type);
  const bool well_formed =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!well_formed || type.find('/') == std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "Invalid content type of an attachment.");
  }
  const std::string name = QuotedParameter(attachment.file_name);
  out += fmt::format("Content-Type: {}", type);
  if (!name.empty()) out += fmt::format(";\r\n\tname=\"{}\"", name);
  out += "\r\nContent-Transfer-Encoding: base64\r\n";
  out += fmt::format("Content-Disposition: {}", attachment.is_inline ? "inline" : "attachment");
  if (!name.empty()) out += fmt::format(";\r\n\tfilename=\"{}\"", name);
  out += "\r\n";
  if (!attachment.description.empty()) {
    out += fmt::format("Content-Description: {}\r\n", EncodeHeaderText(attachment.description));
  }
  if (!attachment.content_id.empty()) {
    out += fmt::format("Content-ID: <{}>\r\n", QuotedParameter(attachment.content_id));
  }
  out += "\r\n";
  out += Base64Lines(attachment.bytes);
  return {};
}

Status AppendContent(std::string& out, const SimpleMessage& message, Random& random) {
  if (message.attachments.empty()) {
    AppendBodies(out, message, random);
    return {};
  }
  if (message.attachments.size() > kAttachmentsMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("The number of attachments cannot exceed {}.", kAttachmentsMax));
  }
  const std::string boundary = MakeBoundary(random);
  out += fmt::format("Content-Type: multipart/mixed; \r\n\tboundary=\"{}\"\r\n\r\n", boundary);
  out += fmt::format("--{}\r\n", boundary);
  AppendBodies(out, message, random);
  for (const Attachment& attachment : message.attachments) {
    out += fmt::format("\r\n--{}\r\n", boundary);
    RETURN_IF_ERROR(AppendAttachment(out, attachment));
  }
  out += fmt::format("\r\n--{}--\r\n", boundary);
  return {};
}

}  // namespace

Result<std::string> BuildMessage(const SimpleMessage& message,
                                 Random& random,
                                 std::string_view head) {
  if (!message.text && !message.html) {
    return Fail(ErrorCode::kInvalidArgument, "Message body is empty: text or HTML is needed.");
  }
  std::string out;
  out.reserve(1024 + (message.text ? message.text->size() : 0) +
              (message.html ? message.html->size() * 5 / 4 : 0));
  out += head;
  if (!message.from.empty()) RETURN_IF_ERROR(AppendAddresses(out, "From", {message.from}));
  RETURN_IF_ERROR(AppendAddresses(out, "Reply-To", message.reply_to));
  RETURN_IF_ERROR(AppendAddresses(out, "To", message.to));
  RETURN_IF_ERROR(AppendAddresses(out, "Cc", message.cc));
  out += fmt::format("Subject: {}\r\n", EncodeHeaderText(message.subject));
  RETURN_IF_ERROR(AppendCustomHeaders(out, message));
  out += "MIME-Version: 1.0\r\n";
  RETURN_IF_ERROR(AppendContent(out, message, random));
  return out;
}

EncodedBody EncodeBody(std::string_view text) {
  std::string crlf = NormalizeLineEnds(std::string(text));
  if (IsAscii(crlf) && !HasLongLine(crlf)) return {"7bit", std::move(crlf)};
  const auto wide = std::count_if(crlf.begin(), crlf.end(), [](char c) { return (c & 0x80) != 0; });
  // Each such byte costs three characters quoted-printable, but 4/3 in base64.
  if (static_cast<std::size_t>(wide) > crlf.size() / 4) return {"base64", Base64Lines(crlf)};
  return {"quoted-printable", QuotedPrintable(crlf)};
}

}  // namespace postglass::mail
