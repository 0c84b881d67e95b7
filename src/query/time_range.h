#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace postglass::query {

// One end of a time range: ISO 8601, epoch milliseconds (10 or more digits), "now", and date math
// "now-15m", "now+1h", "now-1d/d" (units ms s m h d w M y; "/u" rounds down, UTC).
Result<Timestamp> ParseTime(std::string_view text, Timestamp now);

}  // namespace postglass::query
