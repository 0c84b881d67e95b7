#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::store {

// Identity of a stored event: 128 bits, ordered by the time of ingest.
struct EventId {
  std::array<std::uint8_t, 16> bytes{};

  // 48 bits of milliseconds since 1970, then 80 bits that make it unique.
  static EventId Make(std::int64_t ingested_at_ms, const std::array<std::uint8_t, 10>& unique);
  std::int64_t ingested_at_ms() const;
  // URL-safe base64 that begins "AQAA", as Datadog's ids do; its order as text is the id's order
  // within one alphabet only, so compare ids, not texts.
  std::string ToString() const;
  static std::optional<EventId> Parse(std::string_view text);

  auto operator<=>(const EventId&) const = default;
};

// One stored event: a log entry as Datadog models it. Equal bytes come back as went in.
struct Event {
  EventId id;
  std::int64_t timestamp_ms = 0;    // official date, ms since 1970 UTC
  std::int64_t ingested_at_ms = 0;  // when the intake took it
  std::string message;
  std::string status = "info";  // emergency alert critical error warn notice info debug ok
  std::string service;
  std::string source;
  std::string host;
  std::vector<std::string> tags;  // "key:value" or "value", in order, duplicates kept
  std::string attributes = "{}";  // text of one JSON object

  bool operator==(const Event&) const = default;
};

// 128 bits that name the event at its origin; two events with equal keys within the window are the
// same event. Includes the source and how it was verified, so that an unverified event never
// shadows a verified one.
struct DedupKey {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const DedupKey&) const = default;
};

struct NewEvent {
  Event event;                        // id and ingested_at_ms given by the intake
  std::optional<DedupKey> dedup_key;  // nothing: never a duplicate
};

}  // namespace postglass::store
