#include "topics/subscription_deliverer.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/log.h"
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
  if (!IsHttp(target.protocol)) return FunctionRetrySchedule();
  // A subscription's ARN is its topic's and an id.
  const std::string_view arn = target.subscription_arn;
  return PolicyOf(arn.substr(0, arn.rfind(':')), arn).retries;
}

std::vector<DeliveryOutcome> SubscriptionDeliverer::Deliver(const Target& target,
                                                            Messages messages) {
  if (target.protocol == Protocol::kLambda) return Invoke(target, messages);
  if (target.protocol == Protocol::kSqs) return Enqueue(target, messages);
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
    outcomes.push_back({result.outcome == Outcome::kSucceeded  ? Kind::kDelivered
                        : result.outcome == Outcome::kRefused  ? Kind::kRefused
                        : result.outcome == Outcome::kRejected ? Kind::kRejected
                                                               : Kind::kFailed,
                        result.reason});
  }
  return outcomes;
}

// The envelope of an HTTP delivery; with raw delivery the message itself, its attributes as those
// of the queue's message.
queues::QueueSender::Item SubscriptionDeliverer::QueueItem(const Target& target,
                                                           const Message& message,
                                                           bool raw_delivery) const {
  queues::QueueSender::Item item;
  if (!raw_delivery) {
    item.body = envelopes_.HttpBody(message, target, VersionOf(message.topic_arn));
    return item;
  }
  item.body = message.body_for(target.protocol);
  for (const MessageAttribute& attribute : message.attributes) {
    const bool binary = attribute.type.starts_with("Binary");
    item.attributes.push_back(
        {attribute.name,
         attribute.type,
         binary ? Base64Decode(attribute.value).value_or("") : attribute.value});
  }
  return item;
}

std::vector<DeliveryOutcome> SubscriptionDeliverer::Enqueue(const Target& target,
                                                            Messages messages) {
  const std::shared_ptr<const Subscription> subscription =
      registry_.FindSubscription(target.subscription_arn);
  if (!subscription || subscription->state != Subscription::State::kConfirmed) {
    return {messages.size(), {Kind::kGone, "unsubscribed"}};
  }
  const bool raw = subscription->raw_delivery();
  std::vector<queues::QueueSender::Item> items;
  for (const std::shared_ptr<const Message>& message : messages) {
    items.push_back(QueueItem(target, *message, raw));
  }
  const Status sent = queues_.SendFrom(
      "sns.amazonaws.com", subscription->topic_arn, target.endpoint, std::move(items));
  if (sent) return {messages.size(), DeliveryOutcome()};
  const Error& error = sent.error();
  if (error.code == ErrorCode::kLimit && messages.size() > 1) {
    // One of them is too large: each by itself.
    std::vector<DeliveryOutcome> outcomes;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      outcomes.push_back(Enqueue(target, messages.subspan(i, 1))[0]);
    }
    return outcomes;
  }
  // As SNS: a queue that is not there or does not let the topic in is not asked again.
  const bool is_final =
      error.code == ErrorCode::kNotFound || error.code == ErrorCode::kPermissionDenied;
  return {messages.size(), {is_final ? Kind::kRejected : Kind::kFailed, error.message}};
}

void SubscriptionDeliverer::Report(const Target& target,
                                   const std::vector<DeliveryReport>& reports) {
  if (!status_log_) return;
  const std::string& arn = target.subscription_arn;
  const std::shared_ptr<const Topic> topic = registry_.FindTopic(arn.substr(0, arn.rfind(':')));
  if (!topic) return;
  StatusEntries entries = MakeStatusEntries(*topic, target, reports);
  if (!entries.successes.empty()) {
    status_log_(StatusLogGroup(topic->arn, true), std::move(entries.successes));
  }
  if (!entries.failures.empty()) {
    status_log_(StatusLogGroup(topic->arn, false), std::move(entries.failures));
  }
}

bool SubscriptionDeliverer::Bury(const Target& target, const Message& message) {
  const std::shared_ptr<const Subscription> subscription =
      registry_.FindSubscription(target.subscription_arn);
  if (!subscription || message.type != Message::Type::kNotification) return false;
  const std::string queue = subscription->dead_letter_queue();
  if (queue.empty()) return false;
  queues::QueueSender::Item item = QueueItem(target, message, subscription->raw_delivery());
  item.subscription_arn = target.subscription_arn;
  std::vector<queues::QueueSender::Item> items;
  items.push_back(std::move(item));
  const Status sent =
      queues_.SendFrom("sns.amazonaws.com", subscription->topic_arn, queue, std::move(items));
  if (!sent) {
    log::Warn("topics",
              "a dead letter of {} stays in the server's own dead-letter queue: {}",
              target.subscription_arn,
              sent.error().message);
  }
  return sent.has_value();
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
