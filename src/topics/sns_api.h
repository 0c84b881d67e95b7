#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/query_protocol.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "topics/topic_service.h"

namespace postglass::topics {

// Amazon SNS's API, query protocol. Which calls and fields: docs/compat/sns.md. Thread-safe.
class SnsApi final : public aws::Service {
 public:
  // The references must outlive it.
  SnsApi(TopicService& topics, const Clock& clock, Random& random)
      : topics_(topics), registry_(topics.registry()), clock_(clock), random_(random) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;
  // The links in confirmation and notification messages.
  bool AllowsUnsigned(const net::HttpRequest& request) const override;

 private:
  struct Call {
    const aws::ServiceRequest& request;
    const aws::QueryParams& params;

    bool is_signed() const { return !request.caller.access_key_id.empty(); }
  };

  // What an operation answers: an error, or the XML inside its result element.
  struct Reply {
    std::optional<aws::AwsError> error;
    std::string xml;
    aws::ResultElement element = aws::ResultElement::kPresent;

    Reply(aws::AwsError e) : error(std::move(e)) {}  // NOLINT(google-explicit-constructor)

    Reply(std::string x) : xml(std::move(x)) {}  // NOLINT(google-explicit-constructor)

    Reply(aws::ResultElement none) : element(none) {}  // NOLINT(google-explicit-constructor)
  };

  using Operation = Reply (SnsApi::*)(const Call&);

  struct NamedOperation {
    std::string_view name;
    Operation run;
  };

  static const NamedOperation kOperations[];
  static const NamedOperation* FindOperation(std::string_view action);

  // sns_api_topics.cc
  Reply CreateTopic(const Call& call);
  Reply DeleteTopic(const Call& call);
  Reply GetTopicAttributes(const Call& call);
  Reply SetTopicAttributes(const Call& call);
  Reply ListTopics(const Call& call);
  Reply ListTagsForResource(const Call& call);
  Reply TagResource(const Call& call);
  Reply UntagResource(const Call& call);
  Reply GetDataProtectionPolicy(const Call& call);
  Reply PutDataProtectionPolicy(const Call& call);
  // sns_api_subscriptions.cc
  Reply Subscribe(const Call& call);
  Reply ConfirmSubscription(const Call& call);
  Reply Unsubscribe(const Call& call);
  Reply GetSubscriptionAttributes(const Call& call);
  Reply SetSubscriptionAttributes(const Call& call);
  Reply ListSubscriptions(const Call& call);
  Reply ListSubscriptionsByTopic(const Call& call);
  // sns_api_permissions.cc
  Reply AddPermission(const Call& call);
  Reply RemovePermission(const Call& call);
  Reply StorePolicy(const Topic& topic, const json::object& policy);
  // sns_api_publish.cc
  Reply Publish(const Call& call);
  Reply PublishBatch(const Call& call);

  // An ARN of this account and Region in `parameter`, or AWS's error about it.
  std::optional<aws::AwsError> CheckArn(const Call& call, std::string_view parameter) const;

  // The topic named by `parameter`, unless it is not there or its policy denies `action`.
  struct TopicOrError {
    std::shared_ptr<const Topic> topic;
    std::optional<aws::AwsError> error;
  };

  TopicOrError FindTopic(const Call& call, std::string_view parameter, std::string_view action);
  std::optional<aws::AwsError> CheckDeny(const Call& call,
                                         const Topic& topic,
                                         std::string_view action) const;
  TopicOrError FindTagged(const Call& call);
  Reply SubscriptionPage(const Call& call, std::string_view topic_arn);
  std::string CallerArn(const Call& call) const;
  std::string NewToken();

  TopicService& topics_;
  TopicRegistry& registry_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postglass::topics
