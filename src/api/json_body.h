#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "net/http.h"

// Reading JSON request bodies. Errors are kInvalidArgument or kLimit, in the caller's words.
// Members that are missing or null leave `out` as it is. Pure.

namespace postglass::api {

inline constexpr std::size_t kQueryBodyBytesMax = 1 << 20;  // inflated; a query may have 64 KiB

// The body, its Content-Encoding undone, as one object; of an empty body an empty one.
Result<json::object> ReadJsonBody(const net::HttpRequest& request,
                                  std::size_t bytes_max = kQueryBodyBytesMax);

Status ReadText(const json::object& o, std::string_view name, std::string& out);
// A text, or a number of milliseconds since 1970.
Status ReadTimeText(const json::object& o, std::string_view name, std::string& out);
Status ReadInteger(const json::object& o,
                   std::string_view name,
                   std::int64_t min,
                   std::int64_t max,
                   std::int64_t& out);
Status ReadBool(const json::object& o, std::string_view name, bool& out);
// Null when it is missing.
Result<const json::object*> ReadObject(const json::object& o, std::string_view name);
Result<const json::array*> ReadArray(const json::object& o, std::string_view name);
Result<std::optional<double>> ReadNumber(const json::object& o, std::string_view name);

// An element of an array that must be an object.
Result<const json::object*> AsObject(const json::value& value, std::string_view what);

// Datadog's names of tiers, of which there is one here.
Status CheckStorageTier(std::string_view tier);

// Datadog's `filter`: query, from, to; indexes and storage_tier are accepted.
Status ReadFilter(const json::object& body, std::string& query, std::string& from, std::string& to);

}  // namespace postglass::api
