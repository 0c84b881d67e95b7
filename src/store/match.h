#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "store/event_reader.h"
#include "store/event_view.h"
#include "store/predicate.h"

namespace postglass::store {

// A predicate made ready: patterns compiled, words folded, the cheap parts of each AND and OR put
// first. It is the one meaning of the search language; every store answers as it does.
// Rules: docs/semantics.md. Immutable, cheap to copy, thread-safe.
class Matcher {
 public:
  // Errors: kInvalidArgument (a CIDR block that is none, a word pattern that is not UTF-8), kLimit
  // (a pattern too large).
  static Result<Matcher> Compile(const Predicate& predicate);

  // About the event that the reader stands on.
  bool Matches(EventReader& reader) const;

  // The same with a reader of their own; for single events.
  bool Matches(const EventView& event) const;
  bool Matches(const Event& event) const;
  bool MatchesObject(const Reserved& reserved, const json::object& attributes) const;

  // True of every event.
  bool matches_all() const;
  // Whether Matches() may look at more than id and times.
  bool reads_fields() const;
  // Whether Matches() may look at the attributes.
  bool reads_attributes() const;

  // What it is made of: match_tests.h.
  struct Node;
  const Node& root() const;

 private:
  explicit Matcher(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

  std::shared_ptr<const Node> root_;
};

// The stored name of a status as a query may spell it ("WARNING" is "warn"); unknown ones in lower
// case.
std::string NormalizeStatus(std::string_view text);

}  // namespace postglass::store
