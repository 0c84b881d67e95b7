#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/event_view.h"
#include "store/function_ref.h"
#include "store/predicate.h"

namespace postglass::store {

// Reads the fields of one event after another. The attributes are parsed on first need and once an
// event. What a field's values are: docs/semantics.md.
//
// Not thread-safe: one reader a thread, reused from event to event for its buffers.
class EventReader {
 public:
  // Returns true to stop; the views live until it returns.
  using Visit = FunctionRef<bool(const ValueView&)>;
  using VisitText = FunctionRef<bool(std::string_view)>;

  EventReader();
  ~EventReader();
  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;

  // Everything borrowed must live until the next Reset().
  void Reset(const EventView& event);
  void Reset(const Event& event);
  void Reset(const Reserved& reserved, const json::object& attributes);

  const EventView& event() const { return event_; }

  // Visits the values of the field until a visit returns true; whether one did. An array gives
  // each of its elements, an object gives nothing.
  bool AnyValue(const Field& field, Visit visit);
  // Whether there is anything: a value, or for an attribute an object with a value below it.
  bool Exists(const Field& field);
  // The texts that a kText or kAllText field searches, as they stand.
  bool AnyText(Field::Kind kind, VisitText visit);
  // Every value below `path` with its path in `visit`'s second argument; for facets and filters.
  // Arrays leave no trace in the path.
  void ForEachAttribute(FunctionRef<void(std::string_view path, const ValueView&)> visit);

 private:
  struct Document;  // hides simdjson

  template <class F>
  auto WithRoot(F&& use);
  bool AnyAttribute(std::string_view path, Visit visit);
  bool AnyReserved(std::string_view name, Visit visit);
  // False when the bytes of the attributes show that they hold none of the free-text attributes.
  bool MayHoldText() const;

  EventView event_;
  std::vector<std::string_view> tags_;
  std::unique_ptr<Document> document_;
};

// The text that a number is compared and counted by: integers in full, others in the shortest
// form that reads back the same ("0.1", "1e+22"). 7.0 is "7".
std::string NumberText(double number);

}  // namespace postglass::store
