#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// Boost.JSON with the project's bounds. json.cc holds its implementation (header-only mode).

namespace postglass::json {

using boost::json::array;
using boost::json::object;
using boost::json::string;
using boost::json::value;

inline constexpr std::size_t kDepthMax = 64;  // deeper nesting from outside is refused

// One whole JSON text. kInvalidArgument names the byte offset and the reason.
Result<value> Parse(std::string_view text);
Result<object> ParseObject(std::string_view text);
std::string Serialize(const value& v);
std::string Serialize(const object& o);

// Member `name` of `o` when it is there and a string, else nothing / the fallback.
std::optional<std::string_view> GetString(const object& o, std::string_view name);
std::string GetStringOr(const object& o, std::string_view name, std::string_view fallback);
std::optional<std::int64_t> GetInt(const object& o, std::string_view name);
std::optional<bool> GetBool(const object& o, std::string_view name);
const object* GetObject(const object& o, std::string_view name);
const array* GetArray(const object& o, std::string_view name);

// Looks up a dotted path such as "mail.commonHeaders.subject"; numeric parts index arrays. A key
// that itself contains dots wins over nesting at each step. Null when nothing is there.
const value* FindPath(const object& root, std::string_view path);

// Appends `text` as a JSON string with quotes to `out`. Ill-formed UTF-8 is replaced by U+FFFD.
void AppendQuoted(std::string& out, std::string_view text);

}  // namespace postglass::json
