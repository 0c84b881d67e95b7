#include "query/search.h"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "query/query_range.h"
#include "query/subquery.h"

namespace postglass::query {
namespace {

constexpr std::size_t kCursorBytesMax = 1'024;

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
  if (!id || !at || !from || !IsTime(*from) || !to || !IsTime(*to) ||
      (sort != "timestamp" && sort != "-timestamp")) {
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

}  // namespace

std::string SearchCursorBehind(const store::Event& event,
                               const TimeRange& range,
                               store::Order order) {
  return EncodeCursor(
      {{event.timestamp_ms, event.id}, range.from.millis(), range.to.millis(), order});
}

SearchOutcome SearchService::Search(const SearchRequest& request) {
  if (request.limit == 0 || request.limit > kSearchLimitMax) {
    return BadRequest(
        fmt::format("limit {} is not within 1 and {}", request.limit, kSearchLimitMax));
  }
  store::Plan plan;
  plan.stop = request.stop;
  plan.rows = store::RowsRequest{request.order, request.limit, std::nullopt};
  Cursor border{{}, 0, 0, request.order};
  if (request.cursor.empty()) {
    const Result<TimeRange> range = ParseRange(request.from, request.to, clock_.Now());
    if (!range) return BadRequest(range.error().message);
    border.from_ms = range->from.millis();
    border.to_ms = range->to.millis();
  } else {
    const std::optional<Cursor> cursor = DecodeCursor(request.cursor);
    if (!cursor) return BadRequest("the cursor is not one that this server gave");
    if (cursor->order != request.order) {
      return BadRequest(fmt::format("the cursor belongs to sort {}", OrderName(cursor->order)));
    }
    border = *cursor;
    plan.rows->after = cursor->after;
  }

  SearchPage page;
  page.from = Timestamp::FromMillis(border.from_ms);
  page.to = Timestamp::FromMillis(border.to_ms);
  SetRange({page.from, page.to}, plan);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  auto parsed = ParseAndResolve(request.query, {page.from, page.to}, request.stop, runner_);
  if (auto* error = std::get_if<SearchError>(&parsed)) return std::move(*error);
  plan.where = std::move(std::get<store::Predicate>(parsed));
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
