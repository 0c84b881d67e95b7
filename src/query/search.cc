#include "query/search.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "query/time_range.h"

namespace postglass::query {
namespace {

constexpr std::size_t kCursorBytesMax = 1'024;
constexpr std::size_t kWarningsMax = 20;

// A page border, as Datadog's a base64 JSON object whose "after" names an event, and what makes the
// next page independent of the time at which it is asked for.
struct Cursor {
  store::RowCursor after;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  store::Order order = store::Order::kNewestFirst;
};

std::string_view OrderName(store::Order order) {
  return order == store::Order::kNewestFirst ? "-timestamp" : "timestamp";
}

std::string EncodeCursor(const Cursor& cursor) {
  return Base64UrlEncode(fmt::format(R"({{"after":"{}","at":{},"from":{},"to":{},"sort":"{}"}})",
                                     cursor.after.id.ToString(),
                                     cursor.after.timestamp_ms,
                                     cursor.from_ms,
                                     cursor.to_ms,
                                     OrderName(cursor.order)));
}

std::optional<Cursor> DecodeCursor(std::string_view text) {
  if (text.size() > kCursorBytesMax) return std::nullopt;
  const std::optional<std::string> raw = Base64UrlDecode(text);
  if (!raw) return std::nullopt;
  const Result<json::object> object = json::ParseObject(*raw);
  if (!object) return std::nullopt;
  const auto id = store::EventId::Parse(json::GetString(*object, "after").value_or(""));
  const auto at = json::GetInt(*object, "at");
  const auto from = json::GetInt(*object, "from");
  const auto to = json::GetInt(*object, "to");
  const std::string_view sort = json::GetString(*object, "sort").value_or("");
  if (!id || !at || !from || !to || (sort != "timestamp" && sort != "-timestamp")) {
    return std::nullopt;
  }
  return Cursor{{*at, *id},
                *from,
                *to,
                sort == "timestamp" ? store::Order::kOldestFirst : store::Order::kNewestFirst};
}

class CollectRows final : public store::Sink {
 public:
  explicit CollectRows(std::vector<store::Event>& events) : events_(events) {}

  void Rows(std::span<const store::Event> rows) override {
    events_.insert(events_.end(), rows.begin(), rows.end());
  }

 private:
  std::vector<store::Event>& events_;
};

SearchError BadRequest(std::string message) {
  return {SearchError::Kind::kBadRequest, std::move(message), std::nullopt};
}

SearchError FromStore(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return {SearchError::Kind::kBusy, error.message, std::nullopt};
    case ErrorCode::kLimit:
      return {SearchError::Kind::kTooLarge, error.message, std::nullopt};
    default:
      return {SearchError::Kind::kFailed, error.message, std::nullopt};
  }
}

void AddDamage(const std::vector<std::string>& damage, std::vector<SearchWarning>& warnings) {
  for (const std::string& detail : damage) {
    if (warnings.size() == kWarningsMax) break;
    warnings.push_back({"damaged_data", "Some stored events could not be read", detail});
  }
}

}  // namespace

SearchOutcome SearchService::Search(const SearchRequest& request) {
  if (request.limit == 0 || request.limit > kSearchLimitMax) {
    return BadRequest(
        fmt::format("limit {} is not within 1 and {}", request.limit, kSearchLimitMax));
  }
  auto parsed = Parse(request.query);
  if (auto* error = std::get_if<SyntaxError>(&parsed)) {
    return SearchError{SearchError::Kind::kBadQuery, std::move(error->message), error->position};
  }

  store::Plan plan;
  plan.where = std::move(std::get<store::Predicate>(parsed));
  plan.stop = request.stop;
  plan.rows = store::RowsRequest{request.order, request.limit, std::nullopt};
  Cursor border{{}, 0, 0, request.order};
  if (request.cursor.empty()) {
    const Timestamp now = clock_.Now();
    const Result<Timestamp> from = ParseTime(request.from, now);
    if (!from) return BadRequest("from: " + from.error().message);
    const Result<Timestamp> to = ParseTime(request.to, now);
    if (!to) return BadRequest("to: " + to.error().message);
    border.from_ms = from->millis();
    border.to_ms = to->millis();
  } else {
    const std::optional<Cursor> cursor = DecodeCursor(request.cursor);
    if (!cursor) return BadRequest("the cursor is not one that this server gave");
    if (cursor->order != request.order) {
      return BadRequest(fmt::format("the cursor belongs to sort {}", OrderName(cursor->order)));
    }
    border = *cursor;
    plan.rows->after = cursor->after;
  }
  plan.from_ms = border.from_ms;
  // Inclusive here, exclusive there: what arrived in this very millisecond is to be seen.
  plan.to_ms =
      border.to_ms == std::numeric_limits<std::int64_t>::max() ? border.to_ms : border.to_ms + 1;

  SearchPage page;
  page.from = Timestamp::FromMillis(border.from_ms);
  page.to = Timestamp::FromMillis(border.to_ms);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  CollectRows sink(page.events);
  const Result<store::RunReport> report = runner_.Run(plan, sink);
  page.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
  bool more = false;
  if (report) {
    more = report->more_rows;
    AddDamage(report->damage, page.warnings);
  } else if (report.error().code == ErrorCode::kTimeout) {
    page.timed_out = true;
    page.warnings.push_back({"timeout",
                             "The query ran out of time",
                             report.error().message + "; narrow the time range or the query"});
    more = true;
  } else {
    return FromStore(report.error());
  }
  if (more && !page.events.empty()) {
    border.after = {page.events.back().timestamp_ms, page.events.back().id};
    page.next_cursor = EncodeCursor(border);
  }
  return page;
}

}  // namespace postglass::query
