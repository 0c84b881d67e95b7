#include "query/query_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/time_format.h"
#include "query/time_range.h"

namespace postglass::query {

namespace {

constexpr std::size_t kWarningsMax = 20;

}  // namespace

Result<TimeRange> ParseRange(std::string_view from, std::string_view to, Timestamp now) {
  const Result<Timestamp> begin = ParseTime(from, now);
  if (!begin) return Fail(begin.error().code, "from: " + begin.error().message);
  const Result<Timestamp> end = ParseTime(to, now);
  if (!end) return Fail(end.error().code, "to: " + end.error().message);
  return TimeRange{*begin, *end};
}

void SetRange(const TimeRange& range, store::Plan& plan) {
  plan.from_ms = range.from.millis();
  // Inclusive here, exclusive there: what arrived in this very millisecond is to be seen.
  const std::int64_t to_ms = range.to.millis();
  plan.to_ms = to_ms == std::numeric_limits<std::int64_t>::max() ? to_ms : to_ms + 1;
}

SearchError BadRequest(std::string message) {
  return {SearchError::Kind::kBadRequest, std::move(message), std::nullopt};
}

SearchError FromStore(const Error& error) {
  using Kind = SearchError::Kind;
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return {Kind::kBusy, error.message, std::nullopt};
    case ErrorCode::kLimit:
      return {Kind::kTooLarge, error.message, std::nullopt};
    case ErrorCode::kInvalidArgument:
      return {Kind::kBadRequest, error.message, std::nullopt};
    case ErrorCode::kTimeout:
      return {Kind::kTimeout, error.message, std::nullopt};
    default:
      return {Kind::kFailed, error.message, std::nullopt};
  }
}

SearchWarning PartialWarning(const store::RunReport& report) {
  return {"timeout",
          "The query ran out of time",
          fmt::format("only events since {} were all looked at; narrow the time range or the query",
                      FormatIso8601Millis(Timestamp::FromMillis(
                          std::clamp(report.complete_from_ms, -kMillisMax, kMillisMax))))};
}

void AddDamage(const std::vector<std::string>& damage, std::vector<SearchWarning>& warnings) {
  for (const std::string& detail : damage) {
    if (warnings.size() == kWarningsMax) break;
    warnings.push_back({"damaged_data", "Some stored events could not be read", detail});
  }
}

}  // namespace postglass::query
