#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "mail/identities.h"
#include "mail/types.h"
#include "topics/publisher.h"

namespace postglass::mail {

// Tells of bounces, complaints and deliveries to the topics of the sending identity
// (SetIdentityNotificationTopic), beside what the configuration set's destinations get, and hands
// every event on first. Thread-safe. The record is SES's other form: notificationType instead of
// eventType, no tags, headers only when asked for.
class IdentityNotifications final : public EventPublisher {
 public:
  // All must outlive it.
  IdentityNotifications(EventPublisher& next,
                        const Identities& identities,
                        topics::SesPublisher& publisher)
      : next_(next), identities_(identities), publisher_(publisher) {}

  // `done` gets the first error of the two ways; a topic that is gone or denies SES is none.
  void PublishAsync(const MailEvent& event,
                    std::string key,
                    std::function<void(Status)> done) override;

 private:
  EventPublisher& next_;
  const Identities& identities_;
  topics::SesPublisher& publisher_;
};

// The record, one line. Empty when the event's mail cannot be read.
std::string RenderNotification(const MailEvent& event, bool with_headers);

// Sets the topic for `type`; empty removes it. As SES, tells the topic that it was chosen. Errors:
// kIdentityNotVerified, kInvalidParameter when the topic is missing or denies SES, kUnavailable.
[[nodiscard]] SesOutcome SetNotificationTopic(Identities& identities,
                                              topics::SesPublisher& publisher,
                                              Random& random,
                                              const std::string& identity,
                                              NotificationType type,
                                              const std::string& topic_arn);

// SES's v1 text for an identity that is not there.
SesError UnknownIdentity(std::string_view name);

}  // namespace postglass::mail
