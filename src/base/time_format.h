#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace postglass {

// 2026-11-23T05:57:01.123Z — the form that SES, SNS and Datadog use.
std::string FormatIso8601Millis(Timestamp t);
// Mon, 23 Nov 2026 05:57:01 GMT (RFC 9110 §5.6.7).
std::string FormatHttpDate(Timestamp t);
// Mon, 23 Nov 2026 05:57:01 +0000 (RFC 5322 §3.3).
std::string FormatMailDate(Timestamp t);
// 20261123T055701Z (SigV4).
std::string FormatCompactUtc(Timestamp t);

// ISO 8601 date-time: fraction of any length, 'Z', '±hh:mm', '±hhmm' or nothing (UTC); 'T' or a
// blank between; a bare date is midnight UTC. Nothing when it is not one or out of 1677..2262.
std::optional<Timestamp> ParseIso8601(std::string_view text);
std::optional<Timestamp> ParseCompactUtc(std::string_view text);

}  // namespace postglass
