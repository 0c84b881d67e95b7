#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/search.h"
#include "store/plan.h"

// What the questions to the store have in common: time ranges, errors, warnings. Pure.

namespace postglass::query {

// Milliseconds that a Timestamp can hold, with room around them; cursors from outside are held to
// it.
inline constexpr std::int64_t kMillisMax = 9'000'000'000'000;

inline bool IsTime(std::int64_t millis) { return millis >= -kMillisMax && millis <= kMillisMax; }

struct TimeRange {
  Timestamp from;  // both inclusive
  Timestamp to;
};

// As ParseTime() each. Errors: kInvalidArgument, with the end's name in front.
Result<TimeRange> ParseRange(std::string_view from, std::string_view to, Timestamp now);

// A cursor of SearchService that stands behind the event.
std::string SearchCursorBehind(const store::Event& event,
                               const TimeRange& range,
                               store::Order order);

void SetRange(const TimeRange& range, store::Plan& plan);

SearchError BadRequest(std::string message);
// What an error of the runner or the store is for the caller.
SearchError FromStore(const Error& error);

// A warning about an answer that Plan::enough cut short.
SearchWarning PartialWarning(const store::RunReport& report);

void AddDamage(const std::vector<std::string>& damage, std::vector<SearchWarning>& warnings);

}  // namespace postglass::query
