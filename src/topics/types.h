#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace postglass::topics {

class FilterPolicy;

enum class Protocol { kHttp, kHttps, kLambda, kSqs };
inline constexpr std::array kProtocols = {
    Protocol::kHttp, Protocol::kHttps, Protocol::kLambda, Protocol::kSqs};
std::string_view ProtocolName(Protocol protocol);  // "http", "https", "lambda", "sqs"
std::optional<Protocol> ParseProtocol(std::string_view name);

// Whether it leaves this server: such subscriptions are confirmed by their endpoint and have
// delivery policies; functions and queues are ours.
constexpr bool IsHttp(Protocol protocol) {
  return protocol == Protocol::kHttp || protocol == Protocol::kHttps;
}

// Whether http(s) endpoints may be on loopback and private addresses. Those that are link-local or
// metadata servers of clouds are refused always.
enum class PrivateEndpoints { kAllowed, kDenied };

using Attributes = std::map<std::string, std::string, std::less<>>;
using Tags = std::vector<std::pair<std::string, std::string>>;  // in order of adding, keys unique

// Immutable once in the registry; changed by replacing it.
struct Topic {
  std::string arn;
  Attributes attributes;  // those a caller set; Policy and DeliveryPolicy as JSON text
  Tags tags;
  std::uint64_t subscriptions_deleted = 0;
  std::shared_ptr<const json::object> policy;  // `attributes` Policy, or the default, parsed
};

// Immutable once in the registry; changed by replacing it.
struct Subscription {
  enum class State {
    kPending,       // an endpoint that has not confirmed
    kConfirmed,     // gets messages
    kUnsubscribed,  // invisible; its token brings it back until it expires
  };
  std::string arn;
  std::string topic_arn;
  Protocol protocol = Protocol::kHttp;
  std::string endpoint;   // URL, or ARN of a function or queue
  std::string principal;  // ARN of who subscribed
  Attributes attributes;  // RawMessageDelivery, DeliveryPolicy, FilterPolicy …, as given
  State state = State::kPending;
  std::string token;  // of the confirmation; empty for functions and queues
  Timestamp token_expires_at;
  bool confirmation_was_authenticated = false;
  bool authenticate_on_unsubscribe = false;
  // `attributes` FilterPolicy, parsed; null: every message.
  std::shared_ptr<const FilterPolicy> filter;

  bool raw_delivery() const;
  // ARN of the queue that `attributes` RedrivePolicy names; empty: none.
  std::string dead_letter_queue() const;
};

// String, String.Array, Number or Binary (then `value` is base64).
struct MessageAttribute {
  std::string name;
  std::string type;
  std::string value;
  bool operator==(const MessageAttribute&) const = default;
};

struct Message {
  enum class Type { kNotification, kSubscriptionConfirmation, kUnsubscribeConfirmation };
  Type type = Type::kNotification;
  std::string message_id;  // UUID; the same on every attempt
  std::string topic_arn;
  std::string subject;  // empty: none
  std::string body;
  // Bodies that replace `body` for one protocol (MessageStructure=json).
  std::map<std::string, std::string, std::less<>> body_by_protocol;
  std::vector<MessageAttribute> attributes;
  std::string token;  // confirmations only
  Timestamp published_at;

  const std::string& body_for(Protocol protocol) const;
  bool operator==(const Message&) const = default;
};

// Where one message goes.
struct Target {
  std::string subscription_arn;
  Protocol protocol = Protocol::kHttp;
  std::string endpoint;
  bool operator==(const Target&) const = default;
};

}  // namespace postglass::topics
