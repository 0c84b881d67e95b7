#include "api/json_body.h"

#include <fmt/format.h>

#include <cmath>

#include "base/encoding.h"

namespace postglass::api {

namespace {

tl::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// Null when there is nothing.
const json::value* Find(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

Result<json::object> ReadJsonBody(const net::HttpRequest& request, std::size_t bytes_max) {
  std::string inflated;
  std::string_view body = request.body;
  if (const std::string_view coding = request.headers.Get("Content-Encoding"); !coding.empty()) {
    ASSIGN_OR_RETURN(inflated, net::DecodeContent(coding, body, bytes_max));
    body = inflated;
  }
  if (body.size() > bytes_max) {
    return Fail(ErrorCode::kLimit, fmt::format("the body is longer than {} bytes", bytes_max));
  }
  if (TrimAscii(body).empty()) return json::object();
  return json::ParseObject(body);
}

Status ReadText(const json::object& o, std::string_view name, std::string& out) {
  const json::value* value = Find(o, name);
  if (value == nullptr) return {};
  const json::string* text = value->if_string();
  if (text == nullptr) return Bad(fmt::format("\"{}\" must be a string", name));
  out.assign(text->data(), text->size());
  return {};
}

Status ReadTimeText(const json::object& o, std::string_view name, std::string& out) {
  if (const std::optional<std::int64_t> millis = json::GetInt(o, name)) {
    out = std::to_string(*millis);
    return {};
  }
  return ReadText(o, name, out);
}

Status ReadInteger(const json::object& o,
                   std::string_view name,
                   std::int64_t min,
                   std::int64_t max,
                   std::int64_t& out) {
  if (Find(o, name) == nullptr) return {};
  const std::optional<std::int64_t> number = json::GetInt(o, name);
  if (!number || *number < min || *number > max) {
    return Bad(fmt::format("\"{}\" must be within {} and {}", name, min, max));
  }
  out = *number;
  return {};
}

Status ReadBool(const json::object& o, std::string_view name, bool& out) {
  const json::value* value = Find(o, name);
  if (value == nullptr) return {};
  if (!value->is_bool()) return Bad(fmt::format("\"{}\" must be true or false", name));
  out = value->get_bool();
  return {};
}

Result<const json::object*> ReadObject(const json::object& o, std::string_view name) {
  const json::value* value = Find(o, name);
  if (value == nullptr) return nullptr;
  return AsObject(*value, name);
}

Result<const json::array*> ReadArray(const json::object& o, std::string_view name) {
  const json::value* value = Find(o, name);
  if (value == nullptr) return nullptr;
  const json::array* array = value->if_array();
  if (array == nullptr) return Bad(fmt::format("\"{}\" must be an array", name));
  return array;
}

Result<std::optional<double>> ReadNumber(const json::object& o, std::string_view name) {
  const json::value* value = Find(o, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return Bad(fmt::format("\"{}\" must be a number", name));
  const auto number = value->to_number<double>();
  if (!std::isfinite(number)) return Bad(fmt::format("\"{}\" must be a number", name));
  return number;
}

Result<const json::object*> AsObject(const json::value& value, std::string_view what) {
  const json::object* object = value.if_object();
  if (object == nullptr) return Bad(fmt::format("\"{}\" must be an object", what));
  return object;
}

Status CheckStorageTier(std::string_view tier) {
  for (const std::string_view known : {"indexes", "online-archives", "flex", "flex_and_indexes"}) {
    if (tier == known) return {};
  }
  return Bad(fmt::format("unknown storage_tier \"{}\"", tier));
}

Status ReadFilter(const json::object& body,
                  std::string& query,
                  std::string& from,
                  std::string& to) {
  ASSIGN_OR_RETURN(const json::object* filter, ReadObject(body, "filter"));
  if (filter == nullptr) return {};
  RETURN_IF_ERROR(ReadText(*filter, "query", query));
  RETURN_IF_ERROR(ReadTimeText(*filter, "from", from));
  RETURN_IF_ERROR(ReadTimeText(*filter, "to", to));
  RETURN_IF_ERROR(ReadArray(*filter, "indexes"));
  std::string tier;
  RETURN_IF_ERROR(ReadText(*filter, "storage_tier", tier));
  return tier.empty() ? Status() : CheckStorageTier(tier);
}

}  // namespace postglass::api
