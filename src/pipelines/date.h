#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/json.h"

namespace postglass::pipelines {

// A date as a log may carry it, as ms since 1970 UTC: ISO 8601, epoch milliseconds (number or
// digits), or RFC 3164 ("Nov 23 05:57:01", the year taken so that it is not over a day ahead of
// `now`). Nothing when it is none of these. Pure.
std::optional<std::int64_t> ParseLogDate(const json::value& v, Timestamp now);

}  // namespace postglass::pipelines
