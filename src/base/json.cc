#include "base/json.h"

#include <fmt/format.h>

#include <boost/json/src.hpp>
#include <charconv>

#include "base/encoding.h"

namespace postglass::json {
namespace {

const value* FindIn(const value& v, std::string_view path);

const value* FindInObject(const object& o, std::string_view path) {
  if (const value* whole = o.if_contains(path)) return whole;
  // The longest key that is a prefix at a dot: "a.b" wins over "a".
  for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = path.rfind('.', dot - 1)) {
    if (const value* child = o.if_contains(path.substr(0, dot))) {
      if (const value* found = FindIn(*child, path.substr(dot + 1))) return found;
    }
  }
  return nullptr;
}

const value* FindIn(const value& v, std::string_view path) {
  if (const object* o = v.if_object()) return FindInObject(*o, path);
  if (const array* a = v.if_array()) {
    const std::size_t dot = path.find('.');
    const std::string_view head = path.substr(0, dot);
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), index);
    if (error != std::errc() || end != head.data() + head.size() || index >= a->size()) {
      return nullptr;
    }
    if (dot == std::string_view::npos) return &(*a)[index];
    return FindIn((*a)[index], path.substr(dot + 1));
  }
  return nullptr;
}

}  // namespace

Result<value> Parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const std::size_t consumed = parser.write_some(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (!error) {
    const std::string_view rest = TrimAscii(text.substr(consumed));
    if (rest.empty()) return parser.release();
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("json: unexpected text after the value at byte {}", consumed));
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("json: {} at byte {}", error.message(), consumed));
}

Result<object> ParseObject(std::string_view text) {
  ASSIGN_OR_RETURN(value v, Parse(text));
  if (object* o = v.if_object()) return std::move(*o);
  return Fail(ErrorCode::kInvalidArgument, "json: expected an object");
}

std::string Serialize(const value& v) { return boost::json::serialize(v); }

std::string Serialize(const object& o) { return boost::json::serialize(o); }

std::optional<std::string_view> GetString(const object& o, std::string_view name) {
  const value* v = o.if_contains(name);
  if (v == nullptr || !v->is_string()) return std::nullopt;
  return std::string_view(v->get_string());
}

std::string GetStringOr(const object& o, std::string_view name, std::string_view fallback) {
  return std::string(GetString(o, name).value_or(fallback));
}

std::optional<std::int64_t> GetInt(const object& o, std::string_view name) {
  const value* v = o.if_contains(name);
  if (v == nullptr) return std::nullopt;
  if (v->is_int64()) return v->get_int64();
  return std::nullopt;
}

std::optional<bool> GetBool(const object& o, std::string_view name) {
  const value* v = o.if_contains(name);
  if (v == nullptr || !v->is_bool()) return std::nullopt;
  return v->get_bool();
}

const object* GetObject(const object& o, std::string_view name) {
  const value* v = o.if_contains(name);
  return v == nullptr ? nullptr : v->if_object();
}

const array* GetArray(const object& o, std::string_view name) {
  const value* v = o.if_contains(name);
  return v == nullptr ? nullptr : v->if_array();
}

const value* FindPath(const object& root, std::string_view path) {
  return FindInObject(root, path);
}

void AppendQuoted(std::string& out, std::string_view text) {
  std::string repaired;
  if (!IsUtf8(text)) {
    repaired = ToValidUtf8(text);
    text = repaired;
  }
  out += '"';
  std::size_t plain = 0;  // where the run begins that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out.append(text, plain);
  out += '"';
}

}  // namespace postglass::json
