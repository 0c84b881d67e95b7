#pragma once

#include <optional>
#include <string_view>

// Numbers as the query language writes them. Pure.

namespace postglass::query {

// -?digits[.digits][E[+-]digits], nothing else around. Nothing when it is not one or has no finite
// double.
std::optional<double> ParseNumber(std::string_view text);

// A number with a unit ("20ms", "1.5s", "2KB"), scaled to the unit that `path` is stored in. Time:
// ns us µs ms s min h d w; size: B KB MB GB TB (1000), KiB MiB GiB TiB (1024). An attribute whose
// last name ends in Millis, _ms or .ms holds milliseconds, one that ends in Seconds, _seconds or
// _s seconds, any other time nanoseconds (Datadog's standard attribute `duration`); sizes are
// bytes.
std::optional<double> ParseMeasure(std::string_view text, std::string_view path);

}  // namespace postglass::query
