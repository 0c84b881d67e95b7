#include "mail/smtp/smtp_path.h"

#include <algorithm>

#include "base/encoding.h"

namespace postglass::mail {
namespace {

constexpr std::size_t kParametersMax = 16;

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Where the path behind '<' ends: at the '>' that is not inside a quoted local part.
std::size_t FindClose(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<SmtpPathArgument> ReadSmtpPath(std::string_view arguments) {
  arguments = TrimAscii(arguments);
  SmtpPathArgument result;
  std::string_view path;
  if (arguments.starts_with('<')) {
    arguments.remove_prefix(1);
    const std::size_t close = FindClose(arguments);
    if (close == std::string_view::npos) return std::nullopt;
    path = arguments.substr(0, close);
    arguments.remove_prefix(close + 1);
    if (!arguments.empty() && arguments.front() != ' ') return std::nullopt;
  } else {
    const std::size_t end = std::min(arguments.find(' '), arguments.size());
    path = arguments.substr(0, end);
    arguments.remove_prefix(end);
    if (path.empty()) return std::nullopt;
  }
  if (path.starts_with('@')) {  // a source route: must be taken and ignored (RFC 5321 §C)
    const std::size_t colon = path.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    path.remove_prefix(colon + 1);
  }
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '<') return std::nullopt;
  }
  result.address = path;
  for (arguments = TrimAscii(arguments); !arguments.empty(); arguments = TrimAscii(arguments)) {
    if (result.parameters.size() >= kParametersMax) return std::nullopt;
    const std::size_t end = std::min(arguments.find(' '), arguments.size());
    const std::string_view parameter = arguments.substr(0, end);
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (equals == 0) return std::nullopt;
    result.parameters.emplace_back(Upper(parameter.substr(0, equals)),
                                   parameter.substr(std::min(equals + 1, parameter.size())));
    arguments.remove_prefix(end);
  }
  return result;
}

}  // namespace postglass::mail
