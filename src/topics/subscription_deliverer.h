#pragma once

#include "functions/invoker.h"
#include "net/http_client.h"
#include "topics/deliverer.h"
#include "topics/envelope.h"
#include "topics/topic_registry.h"

namespace postglass::topics {

// Delivers over HTTP(S) and to functions, as the subscription says at this moment. Thread-safe.
class SubscriptionDeliverer final : public Deliverer {
 public:
  // The references must outlive it.
  SubscriptionDeliverer(const TopicRegistry& registry,
                        const EnvelopeWriter& envelopes,
                        net::HttpClient& client,
                        functions::Invoker& invoker,
                        PrivateEndpoints private_endpoints)
      : registry_(registry),
        envelopes_(envelopes),
        client_(client),
        invoker_(invoker),
        private_endpoints_(private_endpoints) {}

  std::vector<DeliveryOutcome> Deliver(const Target& target, Messages messages) override;
  RetrySchedule ScheduleOf(const Target& target) const override;

 private:
  std::vector<DeliveryOutcome> Invoke(const Target& target, Messages messages);
  DeliveryOutcome Post(const Target& target, const Message& message);
  HttpDeliveryPolicy PolicyOf(std::string_view topic_arn, std::string_view subscription_arn) const;
  aws::SnsSignatureVersion VersionOf(std::string_view topic_arn) const;

  const TopicRegistry& registry_;
  const EnvelopeWriter& envelopes_;
  net::HttpClient& client_;
  functions::Invoker& invoker_;
  const PrivateEndpoints private_endpoints_;
};

}  // namespace postglass::topics
