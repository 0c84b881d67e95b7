#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/types.h"

namespace postglass::store {

// What the JSON parser reads ahead; without so much readable memory behind it, a text is copied.
inline constexpr std::size_t kJsonPaddingBytes = 64;

// A borrowed event, wherever its bytes lie: an Event, a row of a decoded block, a log entry on its
// way through the pipelines.
struct EventView {
  EventId id;
  std::int64_t timestamp_ms = 0;
  std::int64_t ingested_at_ms = 0;
  std::string_view message;
  std::string_view status;
  std::string_view service;
  std::string_view source;
  std::string_view host;
  std::span<const std::string_view> tags;
  std::string_view attributes;  // text of one JSON object
  bool attributes_padded =
      false;  // kJsonPaddingBytes behind the text may be read, whatever they are
};

// The fields beside the attributes of an entry that is not an event yet.
struct Reserved {
  std::optional<std::int64_t> timestamp_ms;
  std::string_view message;
  std::string_view status;
  std::string_view service;
  std::string_view source;
  std::string_view host;
  std::span<const std::string> tags;
};

// One value of a field, as text and, for JSON numbers and instants, as a number.
struct ValueView {
  std::string_view text;
  std::optional<double> number;
};

}  // namespace postglass::store
