#include "query/log_list.h"

#include <fmt/format.h>

#include <utility>

#include "query/parser.h"
#include "query/time_range.h"

namespace postglass::query {
namespace {

class CollectRows final : public store::Sink {
 public:
  std::vector<store::Event> rows;

  void Rows(std::span<const store::Event> more) override {
    rows.insert(rows.end(), more.begin(), more.end());
  }
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

// The neighbouring id; nothing beyond the last one.
std::optional<store::EventId> Neighbour(store::EventId id, bool up) {
  for (std::size_t i = id.bytes.size(); i-- > 0;) {
    const std::uint8_t turns = up ? 0xFF : 0x00;
    const bool carry = id.bytes[i] == turns;
    id.bytes[i] = static_cast<std::uint8_t>(up ? id.bytes[i] + 1 : id.bytes[i] - 1);
    if (!carry) return id;
  }
  return std::nullopt;
}

// The place right in front of an event, so that a page behind it begins with the event.
std::optional<store::RowCursor> InFrontOf(const store::Event& event, store::Order order) {
  const auto id = Neighbour(event.id, order == store::Order::kNewestFirst);
  if (!id) return std::nullopt;
  return store::RowCursor{event.timestamp_ms, *id};
}

}  // namespace

std::variant<LogListPage, SearchError> LogListService::List(const LogListRequest& request) {
  if (request.limit == 0 || request.limit > kSearchLimitMax) {
    return BadRequest(fmt::format("limit must be within 1 and {}", kSearchLimitMax));
  }
  auto parsed = Parse(request.query);
  if (auto* error = std::get_if<SyntaxError>(&parsed)) {
    return SearchError{SearchError::Kind::kBadQuery, std::move(error->message), error->position};
  }
  const Timestamp now = clock_.Now();
  const Result<Timestamp> from = ParseTime(request.from, now);
  if (!from) return BadRequest("time.from: " + from.error().message);
  const Result<Timestamp> to = ParseTime(request.to, now);
  if (!to) return BadRequest("time.to: " + to.error().message);

  store::Plan plan;
  plan.where = std::move(std::get<store::Predicate>(parsed));
  plan.from_ms = from->millis();
  plan.to_ms = to->millis() + 1;
  // One more than asked for, to know where the next page begins.
  plan.rows = store::RowsRequest{request.order, request.limit + 1, std::nullopt};

  if (!request.start_at.empty()) {
    const auto id = store::EventId::Parse(request.start_at);
    if (!id) return BadRequest("startAt is no id of a log");
    store::Plan find;
    find.where = {store::TermMatch{
        {store::Field::Kind::kReserved, "id"}, id->ToString(), true, /*ignore_case=*/false}};
    find.rows = store::RowsRequest{request.order, 1, std::nullopt};
    CollectRows first;
    const Result<store::RunReport> found = runner_.Run(std::move(find), first);
    if (!found) return FromStore(found.error());
    if (first.rows.empty()) return BadRequest("startAt: no log has this id");
    const std::int64_t at_ms = first.rows.front().timestamp_ms;
    if (at_ms >= plan.from_ms && at_ms < plan.to_ms) {
      plan.rows->after = InFrontOf(first.rows.front(), request.order);
    }
  }

  CollectRows sink;
  Result<store::RunReport> report = runner_.Run(std::move(plan), sink);
  if (!report) return FromStore(report.error());
  LogListPage page;
  if (sink.rows.size() > request.limit) {
    page.next = sink.rows.back().id;
    sink.rows.pop_back();
  }
  page.events = std::move(sink.rows);
  page.damage = std::move(report->damage);
  return page;
}

}  // namespace postglass::query
