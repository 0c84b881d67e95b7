#pragma once

#include <string>
#include <string_view>

// Which parts of a URL give whoever holds them a right: reset and sign-in links, one-time codes,
// signatures, session and API keys. Such a part must not be stored in the clear, and a link that
// carries one is never rewritten for tracking. Pure functions, linear in the length of the text.
//
// A part is taken for a secret when
//  - its parameter is named like one (token, signature, password …, also inside a compound name:
//    reset_password_token, oobCode, user[otp]); names that are often harmless (code, key, state,
//    t …) need a value that does not look like a plain word or a small number;
//  - it follows a path segment that asks for one (/reset/…, /verify-email/…);
//  - it is a JWT, or a long string that looks random: many changes between letters and digits,
//    and neighbouring letters that words do not have;
//  - it is the password of the user info.
// UUIDs, message ids, numbers, addresses and slugs survive where nothing of this names them. A
// parameter that holds a URL of its own is looked into.
//
// The rules lean to masking: an identifier that looks random (24 hex digits, say) is masked too.

namespace postglass {

// What stands in the place of a secret. Valid in every part of a URL (RFC 3986 sub-delims).
inline constexpr std::string_view kUrlMask = "***";

bool HasSecret(std::string_view url);

// The URL with each secret replaced by kUrlMask; all other bytes are kept. MaskUrl(MaskUrl(u)) is
// MaskUrl(u). Relative references are understood too.
std::string MaskUrl(std::string_view url);

// Masks each URL (any scheme, and "www.") within running text, and each bare JWT.
std::string MaskText(std::string_view text);

}  // namespace postglass
