#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// When a failed delivery is tried again, and the documents that say so. Rules: SNS Developer Guide,
// "Amazon SNS message delivery retries".

namespace postglass::topics {

// Four phases in this order: at once, after the shortest delay, growing, after the longest delay.
struct RetrySchedule {
  enum class Backoff { kLinear, kArithmetic, kGeometric, kExponential };
  int retries_no_delay = 0;
  int retries_min_delay = 0;
  int retries_backoff = 3;
  int retries_max_delay = 0;
  std::chrono::milliseconds delay_min{20'000};
  std::chrono::milliseconds delay_max{20'000};
  Backoff backoff = Backoff::kLinear;

  // How long to wait before retry number `retry` (1 is the second attempt). Nothing once all are
  // used up.
  std::optional<std::chrono::milliseconds> DelayBefore(int retry) const;

  int retries() const {
    return retries_no_delay + retries_min_delay + retries_backoff + retries_max_delay;
  }

  bool operator==(const RetrySchedule&) const = default;
};

// SNS's schedule for functions: 100,015 retries over 23 days. Not configurable there either.
RetrySchedule FunctionRetrySchedule();

// What decides about one http(s) subscription.
struct HttpDeliveryPolicy {
  RetrySchedule retries;
  std::string content_type = "text/plain; charset=UTF-8";
};

// Delivery policies as given: JSON text, empty when none is set.
struct DeliveryPolicyTexts {
  std::string_view topic;
  std::string_view subscription;
};

// kInvalidArgument says what is wrong (no JSON, bound passed, more than 3,600 s in all).
Status CheckTopicDeliveryPolicy(std::string_view text);
Status CheckSubscriptionDeliveryPolicy(std::string_view text);
// The subscription's beats the topic's, unless that forbids it; both beat the defaults. Texts that
// do not parse count as not set.
HttpDeliveryPolicy EffectiveHttpPolicy(DeliveryPolicyTexts texts);
// The attribute EffectiveDeliveryPolicy of a topic and of an http(s) subscription.
std::string EffectiveTopicPolicyText(std::string_view topic);
std::string EffectiveSubscriptionPolicyText(DeliveryPolicyTexts texts);
// The attribute DeliveryPolicy of a subscription: as given, with the absent members as null.
std::string CompleteSubscriptionPolicyText(std::string_view subscription);

}  // namespace postglass::topics
