#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/runner.h"
#include "store/plan.h"
#include "store/predicate.h"
#include "store/types.h"

namespace postglass::query {

// Where a tail stands: the newest event it gave, and how many it gave of the time before that in
// which events may still become visible (ids are made before events are durable). Its text is the
// SSE event id.
struct TailPosition {
  // Within what came while nobody followed, which is read by date: up to which id, and where.
  struct CatchUp {
    store::EventId until;  // exclusive
    store::RowCursor after;

    bool operator==(const CatchUp&) const = default;
  };

  store::EventId last;
  std::int64_t window_begin_ms = 0;            // ingest time
  std::optional<std::size_t> given_in_window;  // nothing: take all up to `last` as given
  std::optional<CatchUp> catch_up;

  std::string ToString() const;
  // Also an event's id alone.
  static std::optional<TailPosition> Parse(std::string_view text);

  bool operator==(const TailPosition&) const = default;
};

// Follows what the store takes in: each Poll() gives the matching events that became visible since,
// in the order of ingest as far as it is known by then. One poll may give an event that is older
// than the last one of the poll before, when it became visible late.
//
// Continued from a position, it leaves nothing out. When more came meanwhile than one look takes,
// that is caught up with page by page in the order of the events' dates. It repeats nothing, unless
// an event became visible late while nobody followed, or there was so much to catch up with: then
// the last kWindowMs before the break come again (each event has its id).
//
// Faster events than a reader can follow are sampled evenly, and the batch says so. Not
// thread-safe.
class Tail {
 public:
  // How long after its id was made an event may become visible.
  static constexpr std::int64_t kWindowMs = 5'000;

  struct Options {
    std::size_t events_max = 10'000;  // looked at in one window; of more, the newest
    std::size_t given_max = 500;      // in one poll; a sample of more
    std::size_t page_max = 1'000;     // of one poll that catches up; given whole
  };

  // `runner` and `clock` must outlive the tail. Without a position it begins now.
  Tail(QueryRunner& runner,
       const Clock& clock,
       store::Predicate where,
       std::optional<TailPosition> position)
      : Tail(runner, clock, std::move(where), position, Options()) {}

  Tail(QueryRunner& runner,
       const Clock& clock,
       store::Predicate where,
       std::optional<TailPosition> position,
       Options options);

  struct Batch {
    std::vector<store::Event> events;
    std::vector<TailPosition> positions;  // behind each event
    std::size_t found = 0;                // new events; more than events.size(): a sample
    bool found_more = false;              // there were even more, and they were not looked at
    bool behind = false;                  // catching up: poll again at once

    bool sampled() const { return found > events.size() || found_more; }
  };

  // Errors as QueryRunner::Run; the next Poll() gives what this one would have.
  Result<Batch> Poll();

  // Behind the last event given or left out of a sample; at first where it begins.
  const TailPosition& position() const { return position_; }

 private:
  Result<Batch> Read(bool& more);
  void Restore(const std::vector<store::Event>& seen);
  bool MayCatchUp();
  Result<Batch> CatchUpPage();
  void Give(const store::Event& event);

  QueryRunner& runner_;
  const Clock& clock_;
  const store::Predicate where_;
  const Options options_;
  TailPosition position_;
  bool restore_ = false;            // the position came from outside: given_ is to be found
  std::set<store::EventId> given_;  // within the window
  // How much time the last catching up was about; nothing: live.
  std::optional<std::int64_t> caught_up_ms_;
};

}  // namespace postglass::query
