#include "topics/delivery_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "base/json.h"

namespace postglass::topics {
namespace {

constexpr std::int64_t kDelaySecondsMax = 3'600;
constexpr std::int64_t kRetriesMax = 100;
constexpr std::chrono::seconds kTotalMax{3'600};

struct BackoffName {
  std::string_view name;
  RetrySchedule::Backoff backoff;
};

constexpr std::array kBackoffNames = {
    BackoffName{"linear", RetrySchedule::Backoff::kLinear},
    BackoffName{"arithmetic", RetrySchedule::Backoff::kArithmetic},
    BackoffName{"geometric", RetrySchedule::Backoff::kGeometric},
    BackoffName{"exponential", RetrySchedule::Backoff::kExponential},
};

// How far between the shortest (0) and the longest delay (1) the i-th of n backoff retries lies.
double Fraction(RetrySchedule::Backoff backoff, int i, int n, double ratio) {
  if (n <= 1) return 0;
  const double x = static_cast<double>(i) / (n - 1);
  switch (backoff) {
    case RetrySchedule::Backoff::kLinear:
      return x;
    case RetrySchedule::Backoff::kArithmetic:
      return static_cast<double>(i) * (i + 1) / (static_cast<double>(n) * (n - 1));
    case RetrySchedule::Backoff::kGeometric:
      return ratio <= 1 ? 0 : (std::pow(ratio, x) - 1) / (ratio - 1);
    case RetrySchedule::Backoff::kExponential:
      return (std::exp2(i) - 1) / (std::exp2(n - 1) - 1);
  }
  return 0;
}

json::object ParsedOrEmpty(std::string_view text) {
  if (text.empty()) return {};
  Result<json::object> parsed = json::ParseObject(text);
  return parsed ? std::move(*parsed) : json::object();
}

// A retry policy in full: every member there, as SNS shows it.
json::object CompleteRetryPolicy(const json::object& given) {
  const auto number = [&given](std::string_view name, std::int64_t fallback) {
    return json::GetInt(given, name).value_or(fallback);
  };
  return {{"minDelayTarget", number("minDelayTarget", 20)},
          {"maxDelayTarget", number("maxDelayTarget", 20)},
          {"numRetries", number("numRetries", 3)},
          {"numMaxDelayRetries", number("numMaxDelayRetries", 0)},
          {"numNoDelayRetries", number("numNoDelayRetries", 0)},
          {"numMinDelayRetries", number("numMinDelayRetries", 0)},
          {"backoffFunction", json::GetStringOr(given, "backoffFunction", "linear")}};
}

// Requires: `policy` passed CheckRetryPolicy.
RetrySchedule ScheduleOf(const json::object& policy) {
  const json::object full = CompleteRetryPolicy(policy);
  const auto number = [&full](std::string_view name) {
    return static_cast<int>(
        std::clamp<std::int64_t>(json::GetInt(full, name).value_or(0), 0, kDelaySecondsMax));
  };
  RetrySchedule schedule;
  schedule.retries_no_delay = number("numNoDelayRetries");
  schedule.retries_min_delay = number("numMinDelayRetries");
  schedule.retries_max_delay = number("numMaxDelayRetries");
  schedule.retries_backoff = std::max(0,
                                      number("numRetries") - schedule.retries_no_delay -
                                          schedule.retries_min_delay - schedule.retries_max_delay);
  schedule.delay_min = std::chrono::seconds(number("minDelayTarget"));
  schedule.delay_max = std::chrono::seconds(number("maxDelayTarget"));
  const std::string name = json::GetStringOr(full, "backoffFunction", "linear");
  for (const BackoffName& known : kBackoffNames) {
    if (known.name == name) schedule.backoff = known.backoff;
  }
  return schedule;
}

Status CheckRetryPolicy(const json::object& policy) {
  const auto wrong = [](std::string text) {
    return Fail(ErrorCode::kInvalidArgument, std::move(text));
  };

  struct Bound {
    std::string_view name;
    std::int64_t min, max;
  };

  constexpr std::array kBounds = {Bound{"minDelayTarget", 1, kDelaySecondsMax},
                                  Bound{"maxDelayTarget", 1, kDelaySecondsMax},
                                  Bound{"numRetries", 0, kRetriesMax},
                                  Bound{"numNoDelayRetries", 0, kRetriesMax},
                                  Bound{"numMinDelayRetries", 0, kRetriesMax},
                                  Bound{"numMaxDelayRetries", 0, kRetriesMax}};
  for (const Bound& bound : kBounds) {
    const auto at = policy.find(bound.name);
    if (at == policy.end() || at->value().is_null()) continue;
    const auto value = json::GetInt(policy, bound.name);
    if (!value || *value < bound.min || *value > bound.max) {
      return wrong(fmt::format("{} must be between {} and {}", bound.name, bound.min, bound.max));
    }
  }
  const json::object full = CompleteRetryPolicy(policy);
  const auto number = [&full](std::string_view name) { return *json::GetInt(full, name); };
  if (number("maxDelayTarget") < number("minDelayTarget")) {
    return wrong("maxDelayTarget must be greater than or equal to minDelayTarget");
  }
  if (number("numNoDelayRetries") + number("numMinDelayRetries") + number("numMaxDelayRetries") >
      number("numRetries")) {
    return wrong(
        "numRetries must be at least the sum of numNoDelayRetries, numMinDelayRetries and "
        "numMaxDelayRetries");
  }
  const std::string name = json::GetStringOr(full, "backoffFunction", "");
  if (std::none_of(kBackoffNames.begin(), kBackoffNames.end(), [&name](const BackoffName& known) {
        return known.name == name;
      })) {
    return wrong("backoffFunction must be one of linear, arithmetic, geometric, exponential");
  }
  const RetrySchedule schedule = ScheduleOf(policy);
  std::chrono::milliseconds total{0};
  for (int retry = 1; retry <= schedule.retries(); ++retry) total += *schedule.DelayBefore(retry);
  if (total > kTotalMax) {
    return wrong(fmt::format(
        "all delays together are {} s, above {} s", total.count() / 1000, kTotalMax.count()));
  }
  return {};
}

// A member that is an object, absent or null.
Result<const json::object*> OptionalObject(const json::object& o, std::string_view name) {
  const auto at = o.find(name);
  if (at == o.end() || at->value().is_null()) return nullptr;
  const json::object* member = at->value().if_object();
  if (member == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} must be an object", name));
  }
  return member;
}

json::object TopicHttpPart(std::string_view text) {
  const json::object policy = ParsedOrEmpty(text);
  const json::object* http = json::GetObject(policy, "http");
  return http == nullptr ? json::object() : *http;
}

bool OverridesForbidden(const json::object& topic_http) {
  return json::GetBool(topic_http, "disableSubscriptionOverrides").value_or(false);
}

// Retry and request policy that are in force, both complete.
struct Effective {
  json::object retry;
  json::object request;
  json::value throttle;
};

Effective Merge(DeliveryPolicyTexts texts) {
  const json::object http = TopicHttpPart(texts.topic);
  const json::object own =
      OverridesForbidden(http) ? json::object() : ParsedOrEmpty(texts.subscription);
  const auto first = [](const json::object* a, const json::object* b) {
    return a != nullptr ? *a : b != nullptr ? *b : json::object();
  };
  Effective effective;
  effective.retry = CompleteRetryPolicy(first(json::GetObject(own, "healthyRetryPolicy"),
                                              json::GetObject(http, "defaultHealthyRetryPolicy")));
  const json::object request =
      first(json::GetObject(own, "requestPolicy"), json::GetObject(http, "defaultRequestPolicy"));
  effective.request = {
      {"headerContentType",
       json::GetStringOr(request, "headerContentType", "text/plain; charset=UTF-8")}};
  if (const json::object* throttle = json::GetObject(own, "throttlePolicy")) {
    effective.throttle = *throttle;
  } else if (const json::object* shared = json::GetObject(http, "defaultThrottlePolicy")) {
    effective.throttle = *shared;
  }
  return effective;
}

}  // namespace

std::optional<std::chrono::milliseconds> RetrySchedule::DelayBefore(int retry) const {
  int i = retry - 1;
  if (i < 0) return std::chrono::milliseconds(0);
  if (i < retries_no_delay) return std::chrono::milliseconds(0);
  i -= retries_no_delay;
  if (i < retries_min_delay) return delay_min;
  i -= retries_min_delay;
  if (i < retries_backoff) {
    const auto span = static_cast<double>((delay_max - delay_min).count());
    const double ratio = delay_min.count() > 0 ? static_cast<double>(delay_max.count()) /
                                                     static_cast<double>(delay_min.count())
                                               : 1;
    return delay_min + std::chrono::milliseconds(
                           std::llround(span * Fraction(backoff, i, retries_backoff, ratio)));
  }
  i -= retries_backoff;
  if (i < retries_max_delay) return delay_max;
  return std::nullopt;
}

RetrySchedule FunctionRetrySchedule() {
  RetrySchedule schedule;
  schedule.retries_no_delay = 3;
  schedule.retries_min_delay = 2;
  schedule.retries_backoff = 10;
  schedule.retries_max_delay = 100'000;
  schedule.delay_min = std::chrono::seconds(1);
  schedule.delay_max = std::chrono::seconds(20);
  schedule.backoff = RetrySchedule::Backoff::kExponential;
  return schedule;
}

Status CheckTopicDeliveryPolicy(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object policy, json::ParseObject(text));
  ASSIGN_OR_RETURN(const json::object* http, OptionalObject(policy, "http"));
  if (http == nullptr) return {};
  ASSIGN_OR_RETURN(const json::object* retry, OptionalObject(*http, "defaultHealthyRetryPolicy"));
  RETURN_IF_ERROR(OptionalObject(*http, "defaultRequestPolicy"));
  RETURN_IF_ERROR(OptionalObject(*http, "defaultThrottlePolicy"));
  return retry == nullptr ? Status() : CheckRetryPolicy(*retry);
}

Status CheckSubscriptionDeliveryPolicy(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object policy, json::ParseObject(text));
  ASSIGN_OR_RETURN(const json::object* retry, OptionalObject(policy, "healthyRetryPolicy"));
  RETURN_IF_ERROR(OptionalObject(policy, "requestPolicy"));
  RETURN_IF_ERROR(OptionalObject(policy, "throttlePolicy"));
  return retry == nullptr ? Status() : CheckRetryPolicy(*retry);
}

HttpDeliveryPolicy EffectiveHttpPolicy(DeliveryPolicyTexts texts) {
  const Effective effective = Merge(texts);
  return {ScheduleOf(effective.retry),
          json::GetStringOr(effective.request, "headerContentType", "")};
}

std::string EffectiveTopicPolicyText(std::string_view topic) {
  const json::object given = TopicHttpPart(topic);
  const Effective effective = Merge({.topic = topic, .subscription = {}});
  json::object http = {{"defaultHealthyRetryPolicy", effective.retry},
                       {"disableSubscriptionOverrides", OverridesForbidden(given)}};
  if (!effective.throttle.is_null()) http["defaultThrottlePolicy"] = effective.throttle;
  http["defaultRequestPolicy"] = effective.request;
  return json::Serialize(json::object{{"http", std::move(http)}});
}

std::string EffectiveSubscriptionPolicyText(DeliveryPolicyTexts texts) {
  const Effective effective = Merge(texts);
  return json::Serialize(json::object{{"healthyRetryPolicy", effective.retry},
                                      {"sicklyRetryPolicy", nullptr},
                                      {"throttlePolicy", effective.throttle},
                                      {"requestPolicy", effective.request},
                                      {"guaranteed", false}});
}

std::string CompleteSubscriptionPolicyText(std::string_view subscription) {
  const json::object own = ParsedOrEmpty(subscription);
  const json::object* retry = json::GetObject(own, "healthyRetryPolicy");
  const auto member = [&own](std::string_view name) -> json::value {
    const json::object* found = json::GetObject(own, name);
    return found == nullptr ? json::value() : json::value(*found);
  };
  return json::Serialize(
      json::object{{"healthyRetryPolicy",
                    retry == nullptr ? json::value() : json::value(CompleteRetryPolicy(*retry))},
                   {"sicklyRetryPolicy", member("sicklyRetryPolicy")},
                   {"throttlePolicy", member("throttlePolicy")},
                   {"requestPolicy", member("requestPolicy")},
                   {"guaranteed", json::GetBool(own, "guaranteed").value_or(false)}});
}

}  // namespace postglass::topics
