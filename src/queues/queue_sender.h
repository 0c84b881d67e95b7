#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "queues/types.h"

namespace postglass::queues {

// How other stages put messages into a queue, as a service of AWS does: the queue's own policy must
// let it in. Thread-safe.
class QueueSender {
 public:
  virtual ~QueueSender() = default;

  struct Item {
    std::string body;
    std::vector<MessageAttribute> attributes;
    std::string subscription_arn;  // of a dead letter: whom it is sent to again; else empty
  };

  // All or nothing; waits until they are durable. `service` is "sns.amazonaws.com", say, and
  // `source_arn` the topic. Errors: kNotFound (no such queue), kPermissionDenied (its policy says
  // no), kLimit (too large, or the queue is full), those of the journal.
  virtual Status SendFrom(std::string_view service,
                          const std::string& source_arn,
                          const std::string& queue_arn,
                          std::vector<Item> items) = 0;
};

}  // namespace postglass::queues
