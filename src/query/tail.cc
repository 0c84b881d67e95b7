#include "query/tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace postglass::query {
namespace {

std::int64_t MillisOf(const store::EventId& id) { return id.ingested_at_ms(); }

// One number as a whole text.
template <class T>
std::optional<T> NumberIn(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string_view> Parts(std::string_view text, char between) {
  std::vector<std::string_view> parts;
  for (std::size_t at = text.find(between); at != text.npos; at = text.find(between)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

// "UNTIL~MILLISECONDS~ID".
std::optional<TailPosition::CatchUp> ParseCatchUp(std::string_view text) {
  const std::vector<std::string_view> parts = Parts(text, '~');
  if (parts.size() != 3) return std::nullopt;
  const auto until = store::EventId::Parse(parts[0]);
  const auto timestamp_ms = NumberIn<std::int64_t>(parts[1]);
  const auto id = store::EventId::Parse(parts[2]);
  if (!until || !timestamp_ms || !id) return std::nullopt;
  return TailPosition::CatchUp{*until, {*timestamp_ms, *id}};
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
  std::string text = last.ToString();
  if (given_in_window) text += fmt::format(".{}.{}", window_begin_ms, *given_in_window);
  if (catch_up) {
    text += fmt::format("~{}~{}~{}",
                        catch_up->until.ToString(),
                        catch_up->after.timestamp_ms,
                        catch_up->after.id.ToString());
  }
  return text;
}

std::optional<TailPosition> TailPosition::Parse(std::string_view text) {
  std::optional<CatchUp> catch_up;
  if (const std::size_t tilde = text.find('~'); tilde != text.npos) {
    catch_up = ParseCatchUp(text.substr(tilde + 1));
    if (!catch_up) return std::nullopt;
    text = text.substr(0, tilde);
  }
  const std::vector<std::string_view> parts = Parts(text, '.');
  if (parts.size() != 1 && parts.size() != 3) return std::nullopt;
  const auto id = store::EventId::Parse(parts[0]);
  if (!id) return std::nullopt;
  TailPosition position{*id, MillisOf(*id) - Tail::kWindowMs, std::nullopt, catch_up};
  if (parts.size() == 1) return position;
  const auto window_begin_ms = NumberIn<std::int64_t>(parts[1]);
  position.given_in_window = NumberIn<std::size_t>(parts[2]);
  if (!window_begin_ms || !position.given_in_window) return std::nullopt;
  // No window is longer, whatever the text says.
  position.window_begin_ms = std::max(*window_begin_ms, position.window_begin_ms);
  return position;
}

Tail::Tail(QueryRunner& runner,
           const Clock& clock,
           store::Predicate where,
           std::optional<TailPosition> position,
           Options options)
    : runner_(runner),
      clock_(clock),
      where_(std::move(where)),
      options_(options),
      restore_(position.has_value()) {
  const std::int64_t now_ms = clock.Now().millis();
  position_ = position.value_or(TailPosition{store::EventId::Make(now_ms, {}), now_ms, 0, {}});
}

// Everything from the beginning of the window on, ordered by id.
Result<Tail::Batch> Tail::Read(bool& more) {
  store::Plan plan;
  plan.where = where_;
  plan.ingested_from_ms = position_.window_begin_ms;
  plan.rows = store::RowsRequest{store::Order::kNewestFirst, options_.events_max, std::nullopt};
  Batch batch;
  CollectRows sink(batch.events);
  ASSIGN_OR_RETURN(const store::RunReport report, runner_.Run(std::move(plan), sink));
  more = report.more_rows;
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
    return;
  }
  // The window comes again from its beginning, and each event of it moves the position on: whoever
  // breaks off within it gets ahead all the same.
  position_.last = store::EventId::Make(position_.window_begin_ms, {});
  position_.given_in_window = 0;
}

// Whether what did not fit into one look is to be caught up with, and no stream that is simply too
// fast: a position from outside, or what came while that was caught up with, as long as it becomes
// less each time.
bool Tail::MayCatchUp() {
  const std::int64_t now_ms = clock_.Now().millis();
  const std::int64_t behind_ms = now_ms - MillisOf(position_.last);
  const bool nearer = caught_up_ms_ && behind_ms < *caught_up_ms_ / 2 && behind_ms > kWindowMs;
  if (!restore_ && !nearer) return false;
  caught_up_ms_ = behind_ms;
  // Nothing has this id, and what comes from now on has a greater one.
  const store::EventId until = store::EventId::Make(now_ms, {});
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
  position_.catch_up = TailPosition::CatchUp{until, {kFirst, store::EventId()}};
  return true;
}

Result<Tail::Batch> Tail::CatchUpPage() {
  TailPosition::CatchUp& here = *position_.catch_up;
  store::Plan plan;
  plan.where = where_;
  plan.ingested_from_ms = position_.window_begin_ms;
  plan.rows = store::RowsRequest{store::Order::kOldestFirst, options_.page_max, here.after};
  std::vector<store::Event> rows;
  CollectRows sink(rows);
  ASSIGN_OR_RETURN(const store::RunReport report, runner_.Run(std::move(plan), sink));
  Batch batch;
  batch.behind = report.more_rows;
  const std::int64_t window_begin_ms = MillisOf(here.until) - kWindowMs;
  for (store::Event& event : rows) {
    here.after = {event.timestamp_ms, event.id};
    if (event.id >= here.until || given_.count(event.id) != 0) continue;
    if (MillisOf(event.id) >= window_begin_ms) given_.insert(event.id);
    batch.positions.push_back(position_);
    batch.events.push_back(std::move(event));
  }
  batch.found = batch.events.size();
  if (batch.behind) return batch;
  // From here on as if `until` had been given just now.
  given_.erase(given_.begin(), given_.lower_bound(store::EventId::Make(window_begin_ms, {})));
  position_ = {here.until, window_begin_ms, given_.size(), std::nullopt};
  restore_ = false;
  if (!batch.positions.empty()) batch.positions.back() = position_;
  return batch;
}

void Tail::Give(const store::Event& event) {
  given_.insert(event.id);
  position_.last = std::max(position_.last, event.id);
  position_.window_begin_ms =
      std::max(position_.window_begin_ms, MillisOf(position_.last) - kWindowMs);
  while (MillisOf(*given_.begin()) < position_.window_begin_ms) given_.erase(given_.begin());
  position_.given_in_window = given_.size();
}

Result<Tail::Batch> Tail::Poll() {
  if (position_.catch_up) return CatchUpPage();
  bool more = false;
  ASSIGN_OR_RETURN(Batch batch, Read(more));
  if (more && MayCatchUp()) return CatchUpPage();
  if (restore_) Restore(batch.events);
  caught_up_ms_.reset();
  const auto given = [this](const store::Event& event) { return given_.count(event.id) != 0; };
  batch.events.erase(std::remove_if(batch.events.begin(), batch.events.end(), given),
                     batch.events.end());
  batch.found = batch.events.size();
  // When all that was looked at is new, it did not reach back to what was given before.
  batch.found_more = more && batch.found == options_.events_max;
  // Of n events, every n/k-th and always the last.
  const std::size_t kept_max = std::min(batch.found, options_.given_max);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.found; ++i) {
    Give(batch.events[i]);
    if ((i + 1) * kept_max / batch.found == kept) continue;
    if (kept != i) batch.events[kept] = std::move(batch.events[i]);
    ++kept;
    batch.positions.push_back(position_);
  }
  batch.events.resize(kept);
  return batch;
}

}  // namespace postglass::query
