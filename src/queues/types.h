#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace postglass::queues {

using Attributes = std::map<std::string, std::string, std::less<>>;

// Where a queue's messages go that were received too often.
struct RedrivePolicy {
  std::string target_arn;
  std::uint32_t receives_max = 0;
};

// Immutable once in the registry; changed by replacing it.
struct Queue {
  std::string name;
  std::string arn;
  std::string uid;  // its messages are kept under this: a queue made again begins empty
  Timestamp created_at;
  Timestamp modified_at;
  Attributes attributes;  // those a caller set, as given
  Attributes tags;
  std::shared_ptr<const json::object> policy;  // `attributes` Policy, parsed; null: none
  std::optional<RedrivePolicy> redrive;        // `attributes` RedrivePolicy, parsed

  // One of the numeric attributes, or SQS's default for it. Requires: a known name.
  std::int64_t Setting(std::string_view attribute) const;

  std::chrono::seconds Seconds(std::string_view attribute) const {
    return std::chrono::seconds(Setting(attribute));
  }
};

struct MessageAttribute {
  std::string name;
  std::string type;   // String, Number or Binary, maybe with ".label"
  std::string value;  // raw bytes for Binary
  bool operator==(const MessageAttribute&) const = default;

  bool binary() const { return type.starts_with("Binary"); }
};

struct Message {
  std::string message_id;  // UUID; a message keeps it when it is moved to another queue
  std::string body;
  std::vector<MessageAttribute> attributes;  // by name
  std::string trace_header;                  // system attribute AWSTraceHeader; empty: none
  std::string sender_id;
  Timestamp sent_at;
  std::string source_queue_arn;  // of a dead letter: where it was
  std::string subscription_arn;  // of a topic's dead letter: whom it could not be delivered to
  bool operator==(const Message&) const = default;
};

// Names a message over restarts: the journal sequence of its first copy.
using MessageNumber = std::uint64_t;

struct MessageState {
  Timestamp visible_at;  // delayed or in flight until then
  std::uint32_t receives = 0;
  Timestamp first_received_at;
  bool operator==(const MessageState&) const = default;
};

}  // namespace postglass::queues
