#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

// SES's message ids: 16 hex digits (4 for the Region, 12 for the time of sending in epoch
// milliseconds), '-', a UUID, "-000000"; 60 characters in all.

namespace postglass::mail {

inline constexpr std::size_t kMessageIdLength = 60;

std::string MakeMessageId(std::string_view region, Timestamp accepted_at, Random& random);

// The id of one bounce or complaint: the same form, with the time of the report.
std::string MakeFeedbackId(std::string_view region, Timestamp reported_at, Random& random);

// Nothing when `id` has not the form above. What arrives from outside (/t/ links, look-ups) is
// checked by it before it becomes a key.
std::optional<Timestamp> MessageIdTime(std::string_view id);

}  // namespace postglass::mail
