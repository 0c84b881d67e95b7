#include "query/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "query/measures.h"
#include "query/query_range.h"
#include "query/subquery.h"
#include "store/event_reader.h"
#include "store/plan_rules.h"

namespace postglass::query {
namespace {

constexpr std::size_t kCursorBytesMax = 2'048;

// Longer texts are looked up again by the event that they are of.
constexpr std::size_t kKeyTextBytesMax = 256;
constexpr std::size_t kSortBytesMax = 256;

// A page border, as Datadog's a base64 JSON object whose "after" names an event, and what makes the
// next page independent of the time at which it is asked for.
struct Cursor {
  store::RowCursor after;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  std::string sort;                   // as SortName()
  std::optional<store::SortKey> key;  // when sorted by a field; nothing: too long
};

// "-timestamp", "@duration".
std::string SortName(store::Order order, std::string_view by) {
  return fmt::format("{}{}",
                     order == store::Order::kNewestFirst ? "-" : "",
                     by.empty() ? std::string_view("timestamp") : by);
}

json::value KeyJson(const store::SortKey& key) {
  switch (key.kind) {
    case store::SortKey::Kind::kNumber:
      return key.number;
    case store::SortKey::Kind::kText:
      return json::value(Base64UrlEncode(key.text));
    case store::SortKey::Kind::kMissing:
      break;
  }
  return nullptr;
}

std::optional<store::SortKey> ReadKey(const json::value& value) {
  using Kind = store::SortKey::Kind;
  if (value.is_null()) return store::SortKey{};
  if (value.is_number()) return store::SortKey{Kind::kNumber, value.to_number<double>(), {}};
  if (!value.is_string()) return std::nullopt;
  const std::optional<std::string> text = Base64UrlDecode(std::string_view(value.get_string()));
  if (!text) return std::nullopt;
  return store::SortKey{Kind::kText, 0, *text};
}

std::string EncodeCursor(const Cursor& cursor) {
  json::object object{{"after", cursor.after.id.ToString()},
                      {"at", cursor.after.timestamp_ms},
                      {"from", cursor.from_ms},
                      {"to", cursor.to_ms},
                      {"sort", cursor.sort}};
  if (cursor.key) object["key"] = KeyJson(*cursor.key);
  return Base64UrlEncode(json::Serialize(object));
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
  if (!id || !at || !from || !IsTime(*from) || !to || !IsTime(*to)) return std::nullopt;
  Cursor cursor{{*at, *id}, *from, *to, json::GetStringOr(*object, "sort", ""), std::nullopt};
  if (const json::value* key = object->if_contains("key")) {
    cursor.key = ReadKey(*key);
    if (!cursor.key) return std::nullopt;
  }
  return cursor;
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
  return EncodeCursor({{event.timestamp_ms, event.id},
                       range.from.millis(),
                       range.to.millis(),
                       SortName(order, ""),
                       std::nullopt});
}

SearchOutcome SearchService::Search(const SearchRequest& request) {
  if (request.limit == 0 || request.limit > kSearchLimitMax) {
    return BadRequest(
        fmt::format("limit {} is not within 1 and {}", request.limit, kSearchLimitMax));
  }
  if (request.sort_by.size() > kSortBytesMax) {
    return BadRequest(fmt::format("the name to sort by is longer than {} bytes", kSortBytesMax));
  }
  store::Plan plan;
  plan.stop = request.stop;
  plan.explain = request.explain;
  plan.rows = store::RowsRequest{request.order, request.limit, std::nullopt};
  if (!request.sort_by.empty()) plan.rows->by = FacetNamed(request.sort_by);
  Cursor border{{}, 0, 0, SortName(request.order, request.sort_by), std::nullopt};
  if (request.cursor.empty()) {
    const Result<TimeRange> range = ParseRange(request.from, request.to, clock_.Now());
    if (!range) return BadRequest(range.error().message);
    border.from_ms = range->from.millis();
    border.to_ms = range->to.millis();
  } else {
    std::optional<Cursor> cursor = DecodeCursor(request.cursor);
    if (!cursor) return BadRequest("the cursor is not one that this server gave");
    if (cursor->sort != border.sort) {
      return BadRequest(fmt::format("the cursor belongs to sort {}", cursor->sort));
    }
    border = std::move(*cursor);
    plan.rows->after = border.after;
  }
  if (plan.rows->by && plan.rows->after) {
    Result<store::SortKey> key = KeyOfCursor(border.after, border.key, plan);
    if (!key) return FromStore(key.error());
    plan.rows->after_key = std::move(*key);
  }

  SearchPage page;
  page.from = Timestamp::FromMillis(border.from_ms);
  page.to = Timestamp::FromMillis(border.to_ms);
  SetRange({page.from, page.to}, plan);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  const auto micros_since = [&](std::chrono::nanoseconds from) {
    return std::chrono::duration_cast<std::chrono::microseconds>(clock_.Monotonic() - from);
  };
  auto parsed = ParseAndResolve(request.query, {page.from, page.to}, request.stop, runner_);
  page.steps.parse = micros_since(begun);
  if (auto* error = std::get_if<SearchError>(&parsed)) return std::move(*error);
  plan.where = std::move(std::get<store::Predicate>(parsed));
  CollectRows sink(page.events);
  const std::chrono::nanoseconds run_at = clock_.Monotonic();
  const Result<store::RunReport> report = runner_.Run(plan, sink);
  page.steps.store = micros_since(run_at);
  page.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
  bool more = false;
  if (report) {
    more = report->more_rows;
    AddDamage(report->damage, page.warnings);
    page.steps.wait = std::chrono::microseconds(report->waited_us);
    page.steps.store -= std::min(page.steps.store, page.steps.wait);
    page.steps.events_scanned = report->events_scanned;
    page.steps.explain = report->explain;
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
    const store::Event& last = page.events.back();
    border.after = {last.timestamp_ms, last.id};
    border.key.reset();
    if (plan.rows->by) {
      store::EventReader reader;
      reader.Reset(last);
      store::SortKey key = store::SortKeyOf(reader, *plan.rows->by, request.order);
      if (key.text.size() <= kKeyTextBytesMax) border.key = std::move(key);
    }
    page.next_cursor = EncodeCursor(border);
  }
  return page;
}

Result<store::SortKey> SearchService::KeyOfCursor(const store::RowCursor& place,
                                                  const std::optional<store::SortKey>& key,
                                                  const store::Plan& asked) {
  if (key) return *key;
  const tl::unexpected<Error> gone =
      Fail(ErrorCode::kInvalidArgument,
           "the event at which the cursor stands was deleted; begin with the first page");
  if (!IsTime(place.timestamp_ms)) return gone;  // no event has such a date
  store::Plan plan;
  plan.stop = asked.stop;
  plan.where = {store::TermMatch{
      {store::Field::Kind::kReserved, "id"}, place.id.ToString(), true, /*ignore_case=*/false}};
  SetRange({Timestamp::FromMillis(place.timestamp_ms), Timestamp::FromMillis(place.timestamp_ms)},
           plan);
  plan.rows = store::RowsRequest{asked.rows->order, 1, std::nullopt};
  std::vector<store::Event> events;
  CollectRows sink(events);
  RETURN_IF_ERROR(runner_.Run(std::move(plan), sink));
  if (events.empty()) return gone;
  store::EventReader reader;
  reader.Reset(events.front());
  return store::SortKeyOf(reader, *asked.rows->by, asked.rows->order);
}

}  // namespace postglass::query
