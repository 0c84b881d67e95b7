#include "query/tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postglass::query {
namespace {

std::int64_t MillisOf(const store::EventId& id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = (ms << 8) | id.bytes[i];
  return ms;
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

std::string TailPosition::ToString() const {
  if (!given_in_window) return last.ToString();
  return fmt::format("{}.{}.{}", last.ToString(), window_begin_ms, *given_in_window);
}

std::optional<TailPosition> TailPosition::Parse(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto id = store::EventId::Parse(text.substr(0, dot));
  if (!id) return std::nullopt;
  TailPosition position{*id, MillisOf(*id) - Tail::kWindowMs, std::nullopt};
  if (dot == std::string_view::npos) return position;
  const char* const end = text.data() + text.size();
  const auto begin = std::from_chars(text.data() + dot + 1, end, position.window_begin_ms);
  if (begin.ec != std::errc() || begin.ptr == end || *begin.ptr != '.') return std::nullopt;
  std::size_t given = 0;
  const auto count = std::from_chars(begin.ptr + 1, end, given);
  if (count.ec != std::errc() || count.ptr != end) return std::nullopt;
  // No window is longer, whatever the text says.
  position.window_begin_ms = std::max(position.window_begin_ms, MillisOf(*id) - Tail::kWindowMs);
  position.given_in_window = given;
  return position;
}

Tail::Tail(QueryRunner& runner,
           const Clock& clock,
           store::Predicate where,
           std::optional<TailPosition> position)
    : runner_(runner), where_(std::move(where)), restore_(position.has_value()) {
  const std::int64_t now_ms = clock.Now().millis();
  position_ = position.value_or(TailPosition{store::EventId::Make(now_ms, {}), now_ms, 0});
}

// Everything from the beginning of the window on, ordered by id.
Result<Tail::Batch> Tail::Read() {
  store::Plan plan;
  plan.where = where_;
  plan.ingested_from_ms = position_.window_begin_ms;
  plan.rows = store::RowsRequest{store::Order::kNewestFirst, kEventsMax, std::nullopt};
  Batch batch;
  CollectRows sink(batch.events);
  ASSIGN_OR_RETURN(const store::RunReport report, runner_.Run(std::move(plan), sink));
  batch.skipped = report.more_rows;
  std::sort(batch.events.begin(),
            batch.events.end(),
            [](const store::Event& a, const store::Event& b) { return a.id < b.id; });
  return batch;
}

void Tail::Restore(const std::vector<store::Event>& seen) {
  restore_ = false;
  std::vector<store::EventId> before;
  for (const store::Event& event : seen) {
    if (event.id <= position_.last) before.push_back(event.id);
  }
  // As many as were given: they are the same ones. Else one came late, and which is not known.
  if (before.size() == position_.given_in_window.value_or(before.size())) {
    given_.insert(before.begin(), before.end());
  }
}

Result<Tail::Batch> Tail::Poll() {
  ASSIGN_OR_RETURN(Batch batch, Read());
  if (restore_) Restore(batch.events);
  const auto given = [this](const store::Event& event) { return given_.count(event.id) != 0; };
  batch.events.erase(std::remove_if(batch.events.begin(), batch.events.end(), given),
                     batch.events.end());
  for (const store::Event& event : batch.events) {
    given_.insert(event.id);
    position_.last = std::max(position_.last, event.id);
    position_.window_begin_ms =
        std::max(position_.window_begin_ms, MillisOf(position_.last) - kWindowMs);
    while (MillisOf(*given_.begin()) < position_.window_begin_ms) given_.erase(given_.begin());
    position_.given_in_window = given_.size();
    batch.positions.push_back(position_);
  }
  return batch;
}

}  // namespace postglass::query
