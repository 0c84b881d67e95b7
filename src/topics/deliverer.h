#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "topics/delivery_policy.h"
#include "topics/types.h"

namespace postglass::topics {

struct DeliveryOutcome {
  enum class Kind {
    kDelivered,
    kFailed,    // try again on the schedule
    kRefused,   // a function's policy does not let the topic in: try again, it may be mended
    kRejected,  // trying again will not help: dead letter
    kGone,      // the subscription is not there any more: nothing is owed
  };
  Kind kind = Kind::kDelivered;
  std::string reason;  // one line for the operator, without the payload
};

// What became of a delivery in the end.
struct DeliveryReport {
  std::shared_ptr<const Message> message;
  bool delivered = false;
  std::uint32_t attempts = 0;
  std::chrono::milliseconds dwell{0};  // since it was published
  std::string reason;                  // of a failure
};

// Makes one attempt at delivering. Thread-safe; blocks until the other side has answered.
class Deliverer {
 public:
  virtual ~Deliverer() = default;
  using Messages = std::span<const std::shared_ptr<const Message>>;
  // One outcome for each message, in order.
  virtual std::vector<DeliveryOutcome> Deliver(const Target& target, Messages messages) = 0;
  virtual RetrySchedule ScheduleOf(const Target& target) const = 0;
  // Takes the news for the delivery status logs that the topic asks for.
  virtual void Report(const Target& target, const std::vector<DeliveryReport>& reports) = 0;
  // Puts a message that was given up into the dead-letter queue of the subscription; false when it
  // has none or the queue does not take it: then it is kept here.
  virtual bool Bury(const Target& target, const Message& message) = 0;
};

}  // namespace postglass::topics
