#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/runner.h"
#include "store/predicate.h"
#include "store/types.h"

namespace postglass::query {

// Where a tail stands: the newest event it gave, and how many it gave of the time before that in
// which events may still become visible (ids are made before events are durable). Its text is the
// SSE event id.
struct TailPosition {
  store::EventId last;
  std::int64_t window_begin_ms = 0;            // ingest time
  std::optional<std::size_t> given_in_window;  // nothing: take all up to `last` as given

  std::string ToString() const;
  // Also an event's id alone.
  static std::optional<TailPosition> Parse(std::string_view text);

  bool operator==(const TailPosition&) const = default;
};

// Follows what the store takes in: each Poll() gives the matching events that became visible since,
// in the order of ingest as far as it is known by then. One poll may give an event that is older
// than the last one of the poll before, when it became visible late.
//
// Continued from a position, it leaves nothing out. It repeats nothing either, unless an event
// became visible late while nobody followed: then the last kWindowMs come again (each event has its
// id). Not thread-safe.
class Tail {
 public:
  // How long after its id was made an event may become visible.
  static constexpr std::int64_t kWindowMs = 5'000;
  static constexpr std::size_t kEventsMax = 10'000;  // in one window; the newest are kept

  // `runner` must outlive the tail. Without a position it begins now.
  Tail(QueryRunner& runner,
       const Clock& clock,
       store::Predicate where,
       std::optional<TailPosition> position);

  struct Batch {
    std::vector<store::Event> events;
    std::vector<TailPosition> positions;  // behind each event
    bool skipped = false;                 // more came than one poll gives; some were left out
  };

  // Errors as QueryRunner::Run; the next Poll() gives what this one would have.
  Result<Batch> Poll();

  // Behind the last event given; at first where it begins.
  const TailPosition& position() const { return position_; }

 private:
  Result<Batch> Read();
  void Restore(const std::vector<store::Event>& seen);

  QueryRunner& runner_;
  const store::Predicate where_;
  TailPosition position_;
  bool restore_ = false;            // the position came from outside: given_ is to be found
  std::set<store::EventId> given_;  // within the window
};

}  // namespace postglass::query
