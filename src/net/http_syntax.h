#pragma once

#include <string_view>

// Character classes of HTTP/1.1 (RFC 9110 §5.6.2, RFC 9112). Pure functions.

namespace postglass::net {

inline bool IsTokenCharacter(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && kMarks.find(c) != std::string_view::npos);
}

inline bool IsToken(std::string_view text) {
  for (const char c : text) {
    if (!IsTokenCharacter(c)) return false;
  }
  return !text.empty();
}

// A tab, printable ASCII, or a byte above it (obs-text).
inline bool IsFieldValue(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

inline bool IsTargetCharacter(char c) { return c > ' ' && c < 0x7F && c != '#'; }

// host, [v6] and port; no user information, path or list.
inline bool IsAuthorityCharacter(char c) {
  constexpr std::string_view kMarks = "-._~:[]%";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && kMarks.find(c) != std::string_view::npos);
}

}  // namespace postglass::net
