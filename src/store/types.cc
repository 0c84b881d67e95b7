#include "store/types.h"

#include <cstring>

#include "base/encoding.h"

namespace postglass::store {

namespace {

// Three zero-led bytes whose base64 is "AQAA": what Datadog's ids begin with.
constexpr std::string_view kIdPrefix("\x01\x00\x00", 3);

}  // namespace

EventId EventId::Make(std::int64_t ingested_at_ms, const std::array<std::uint8_t, 10>& unique) {
  EventId id;
  const auto millis = static_cast<std::uint64_t>(ingested_at_ms < 0 ? 0 : ingested_at_ms);
  for (unsigned i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(millis >> (8 * (5 - i)));
  }
  std::memcpy(id.bytes.data() + 6, unique.data(), unique.size());
  return id;
}

std::int64_t EventId::ingested_at_ms() const {
  std::uint64_t millis = 0;
  for (unsigned i = 0; i < 6; ++i) millis = millis << 8 | bytes[i];
  return static_cast<std::int64_t>(millis);
}

std::string EventId::ToString() const {
  std::string raw(kIdPrefix);
  raw.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return Base64UrlEncode(raw);
}

std::optional<EventId> EventId::Parse(std::string_view text) {
  const std::optional<std::string> raw = Base64UrlDecode(text);
  EventId id;
  if (!raw || raw->size() != kIdPrefix.size() + id.bytes.size()) return std::nullopt;
  if (std::string_view(*raw).substr(0, kIdPrefix.size()) != kIdPrefix) return std::nullopt;
  std::memcpy(id.bytes.data(), raw->data() + kIdPrefix.size(), id.bytes.size());
  // 19 bytes leave spare bits in the last character; only one spelling is an id.
  if (id.ToString() != text) return std::nullopt;
  return id;
}

}  // namespace postglass::store
