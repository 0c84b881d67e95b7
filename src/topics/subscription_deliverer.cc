#include "topics/subscription_deliverer.h"

#include <fmt/format.h>

#include "topics/limits.h"

namespace postglass::topics {
namespace {

using Kind = DeliveryOutcome::Kind;

constexpr std::size_t kAnswerBytesMax = 64u << 10;  // nobody reads it

std::string_view TypeHeader(Message::Type type) {
  switch (type) {
    case Message::Type::kNotification:
      return "Notification";
    case Message::Type::kSubscriptionConfirmation:
      return "SubscriptionConfirmation";
    case Message::Type::kUnsubscribeConfirmation:
      return "UnsubscribeConfirmation";
  }
  return "";
}

// SNS takes every answer below 500 for final; 429 is treated as "later" here, since throwing a
// message away because an endpoint asked for time serves nobody.
DeliveryOutcome OutcomeOf(int status) {
  if (status >= 200 && status < 300) return {};
  const bool is_final = status >= 300 && status < 500 && status != 429 && status != 408;
  return {is_final ? Kind::kRejected : Kind::kFailed, fmt::format("answered {}", status)};
}

}  // namespace

aws::SnsSignatureVersion SubscriptionDeliverer::VersionOf(std::string_view topic_arn) const {
  const std::shared_ptr<const Topic> topic = registry_.FindTopic(topic_arn);
  if (topic) {
    const auto at = topic->attributes.find("SignatureVersion");
    if (at != topic->attributes.end() && at->second == "2") {
      return aws::SnsSignatureVersion::kSha256;
    }
  }
  return aws::SnsSignatureVersion::kSha1;
}

HttpDeliveryPolicy SubscriptionDeliverer::PolicyOf(std::string_view topic_arn,
                                                   std::string_view subscription_arn) const {
  const std::shared_ptr<const Topic> topic = registry_.FindTopic(topic_arn);
  const std::shared_ptr<const Subscription> subscription =
      registry_.FindSubscription(subscription_arn);
  DeliveryPolicyTexts texts;
  if (topic) {
    const auto at = topic->attributes.find("DeliveryPolicy");
    if (at != topic->attributes.end()) texts.topic = at->second;
  }
  if (subscription) {
    const auto at = subscription->attributes.find("DeliveryPolicy");
    if (at != subscription->attributes.end()) texts.subscription = at->second;
  }
  return EffectiveHttpPolicy(texts);
}

RetrySchedule SubscriptionDeliverer::ScheduleOf(const Target& target) const {
  if (target.protocol == Protocol::kLambda) return FunctionRetrySchedule();
  // A subscription's ARN is its topic's and an id.
  const std::string_view arn = target.subscription_arn;
  return PolicyOf(arn.substr(0, arn.rfind(':')), arn).retries;
}

std::vector<DeliveryOutcome> SubscriptionDeliverer::Deliver(const Target& target,
                                                            Messages messages) {
  if (target.protocol == Protocol::kLambda) return Invoke(target, messages);
  std::vector<DeliveryOutcome> outcomes;
  for (const std::shared_ptr<const Message>& message : messages) {
    outcomes.push_back(Post(target, *message));
  }
  return outcomes;
}

std::vector<DeliveryOutcome> SubscriptionDeliverer::Invoke(const Target& target,
                                                           Messages messages) {
  const std::shared_ptr<const Subscription> subscription =
      registry_.FindSubscription(target.subscription_arn);
  if (!subscription || subscription->state != Subscription::State::kConfirmed) {
    return {messages.size(), {Kind::kGone, "unsubscribed"}};
  }
  const auto with_signature = invoker_.WantsSignature(target.endpoint)
                                  ? EnvelopeWriter::Signed::kYes
                                  : EnvelopeWriter::Signed::kNo;
  const aws::SnsSignatureVersion version = VersionOf(subscription->topic_arn);
  std::vector<functions::SnsRecord> records;
  records.reserve(messages.size());
  for (const std::shared_ptr<const Message>& message : messages) {
    records.push_back(
        {message->message_id, envelopes_.LambdaRecord(*message, target, version, with_signature)});
  }
  const std::vector<functions::InvokeResult> results =
      invoker_.InvokeFromSns(target.endpoint, subscription->topic_arn, records);
  std::vector<DeliveryOutcome> outcomes;
  outcomes.reserve(results.size());
  for (const functions::InvokeResult& result : results) {
    using Outcome = functions::InvokeResult::Outcome;
    outcomes.push_back({result.outcome == Outcome::kSucceeded ? Kind::kDelivered
                        : result.outcome == Outcome::kRefused ? Kind::kRefused
                                                              : Kind::kFailed,
                        result.reason});
  }
  return outcomes;
}

DeliveryOutcome SubscriptionDeliverer::Post(const Target& target, const Message& message) {
  const std::shared_ptr<const Subscription> subscription =
      registry_.FindSubscription(target.subscription_arn);
  const bool notification = message.type == Message::Type::kNotification;
  const bool unsubscribed = message.type == Message::Type::kUnsubscribeConfirmation;
  if (!unsubscribed) {
    const auto wanted =
        notification ? Subscription::State::kConfirmed : Subscription::State::kPending;
    if (!subscription || subscription->state != wanted) return {Kind::kGone, "unsubscribed"};
  }
  const bool raw = notification && subscription->raw_delivery();

  net::HttpClient::Request request;
  request.method = "POST";
  request.url = target.endpoint;
  request.timeout = kHttpTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  request.deny_link_local_addresses = true;
  request.deny_private_addresses = private_endpoints_ == PrivateEndpoints::kDenied;
  request.headers.Add("x-amz-sns-message-type", std::string(TypeHeader(message.type)));
  request.headers.Add("x-amz-sns-message-id", message.message_id);
  request.headers.Add("x-amz-sns-topic-arn", message.topic_arn);
  if (message.type != Message::Type::kSubscriptionConfirmation) {
    request.headers.Add("x-amz-sns-subscription-arn", target.subscription_arn);
  }
  if (raw) request.headers.Add("x-amz-sns-rawdelivery", "true");
  request.headers.Add("Content-Type",
                      notification
                          ? PolicyOf(message.topic_arn, target.subscription_arn).content_type
                          : std::string("text/plain; charset=UTF-8"));
  request.headers.Add("User-Agent", "Amazon Simple Notification Service Agent");
  request.headers.Add("Accept-Encoding", "gzip,deflate");
  request.body = raw ? message.body_for(target.protocol)
                     : envelopes_.HttpBody(message, target, VersionOf(message.topic_arn));
  const Result<net::HttpResponse> response = client_.Send(request);
  if (!response) return {Kind::kFailed, response.error().message};
  return OutcomeOf(response->status);
}

}  // namespace postglass::topics
