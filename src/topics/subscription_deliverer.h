#pragma once

#include "functions/invoker.h"
#include "net/http_client.h"
#include "queues/queue_sender.h"
#include "topics/deliverer.h"
#include "topics/delivery_status.h"
#include "topics/envelope.h"
#include "topics/topic_registry.h"

namespace postglass::topics {

// Delivers over HTTP(S), to functions and to queues, as the subscription says at this moment.
// Thread-safe.
class SubscriptionDeliverer final : public Deliverer {
 public:
  // The references must outlive it.
  SubscriptionDeliverer(const TopicRegistry& registry,
                        const EnvelopeWriter& envelopes,
                        net::HttpClient& client,
                        functions::Invoker& invoker,
                        queues::QueueSender& queues,
                        PrivateEndpoints private_endpoints,
                        StatusLog status_log)
      : registry_(registry),
        envelopes_(envelopes),
        client_(client),
        invoker_(invoker),
        queues_(queues),
        private_endpoints_(private_endpoints),
        status_log_(std::move(status_log)) {}

  std::vector<DeliveryOutcome> Deliver(const Target& target, Messages messages) override;
  RetrySchedule ScheduleOf(const Target& target) const override;
  void Report(const Target& target, const std::vector<DeliveryReport>& reports) override;
  bool Bury(const Target& target, const Message& message) override;

 private:
  std::vector<DeliveryOutcome> Invoke(const Target& target, Messages messages);
  std::vector<DeliveryOutcome> Enqueue(const Target& target, Messages messages);
  queues::QueueSender::Item QueueItem(const Target& target,
                                      const Message& message,
                                      bool raw_delivery) const;
  DeliveryOutcome Post(const Target& target, const Message& message);
  HttpDeliveryPolicy PolicyOf(std::string_view topic_arn, std::string_view subscription_arn) const;
  aws::SnsSignatureVersion VersionOf(std::string_view topic_arn) const;

  const TopicRegistry& registry_;
  const EnvelopeWriter& envelopes_;
  net::HttpClient& client_;
  functions::Invoker& invoker_;
  queues::QueueSender& queues_;
  const PrivateEndpoints private_endpoints_;
  const StatusLog status_log_;
};

}  // namespace postglass::topics
