#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "topics/types.h"

namespace postglass::topics {

// What a filter policy looks at.
enum class FilterScope { kMessageAttributes, kMessageBody };

// Decides which messages a subscription gets. Rules: SNS Developer Guide, "Amazon SNS subscription
// filter policies". All keys must hold, of a key's conditions one must, of an array's elements one
// must meet it. Immutable, thread-safe.
class FilterPolicy {
 public:
  // kInvalidArgument with SNS's own words for what is wrong.
  static Result<std::shared_ptr<const FilterPolicy>> Parse(std::string_view text,
                                                           FilterScope scope);
  ~FilterPolicy();

  // The parts of one message that policies look at; the body is parsed once, for all
  // subscriptions, and only when a policy asks for it. Not thread-safe.
  class Subject {
   public:
    // `message` must outlive it.
    explicit Subject(const Message& message) : message_(message) {}

    const Message& message() const { return message_; }

    // Null when the body is not one JSON object: no policy of this scope matches it then.
    const json::object* body();

   private:
    const Message& message_;
    bool parsed_ = false;
    std::optional<json::object> body_;
  };

  bool Matches(Subject& subject) const;

 private:
  struct Node;
  explicit FilterPolicy(FilterScope scope, std::unique_ptr<const Node> root);

  const FilterScope scope_;
  const std::unique_ptr<const Node> root_;
};

// The policy of these subscription attributes; null when there is none. Errors: as Parse().
Result<std::shared_ptr<const FilterPolicy>> FilterPolicyOf(const Attributes& attributes);

}  // namespace postglass::topics
