#pragma once

#include <optional>
#include <string>
#include <string_view>

// Text forms of bytes. Pure functions over byte strings.

namespace postglass {

std::string HexEncode(std::string_view bytes);                // lower case
std::optional<std::string> HexDecode(std::string_view text);  // either case

std::string Base64Encode(std::string_view bytes);  // RFC 4648 §4, padded
// Accepts padded or unpadded text and skips CR, LF and blanks (MIME); nothing on other characters.
std::optional<std::string> Base64Decode(std::string_view text);
std::string Base64UrlEncode(std::string_view bytes);  // RFC 4648 §5, unpadded
std::optional<std::string> Base64UrlDecode(std::string_view text);

// RFC 3986 percent encoding; leaves only unreserved characters (A-Z a-z 0-9 - . _ ~).
std::string PercentEncode(std::string_view text);
// Invalid escapes are kept as they stand.
std::string PercentDecode(std::string_view text);
// application/x-www-form-urlencoded: as PercentDecode, and '+' is a blank.
std::string FormDecode(std::string_view text);

// 16 bytes as 8-4-4-4-12 hex with the RFC 9562 version and variant bits set.
// Requires: raw.size() == 16.
std::string FormatUuid(std::string_view raw, int version);

std::string AsciiLower(std::string_view text);
bool EqualsIgnoreAsciiCase(std::string_view a, std::string_view b);
std::string_view TrimAscii(std::string_view text);  // blanks, tabs, CR, LF at both ends

// True when `text` is well-formed UTF-8.
bool IsUtf8(std::string_view text);
// Replaces each ill-formed sequence with U+FFFD.
std::string ToValidUtf8(std::string_view text);

}  // namespace postglass
