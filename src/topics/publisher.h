#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace postglass::topics {

// An event that the mail service hands to a topic.
struct SesPublication {
  std::string topic_arn;
  std::string subject;     // empty: none (the test message)
  std::string message;     // UTF-8 text
  std::string source_arn;  // of the configuration set: aws:SourceArn for the topic's policy
  // The same publication after a crash carries the same key and so gets the same SNS MessageId.
  std::string idempotency_key;
};

enum class PublishOutcome {
  kQueued,       // in the outbox, durable
  kDenied,       // the topic's policy does not let ses.amazonaws.com publish; counted and logged
  kNoSuchTopic,  // counted and logged
};

// What mail/ hands events to. Thread-safe.
class SesPublisher {
 public:
  virtual ~SesPublisher() = default;
  using Done = std::function<void(Result<PublishOutcome>)>;
  // Returns at once; `done` runs from the outbox's commit thread once the message is durable. It
  // runs within this call when there is nothing to store: denied, no such topic, or no confirmed
  // subscription (then kQueued); so hold no lock that it takes.
  // Errors: those of journal::Journal::AppendAsync; the caller tries again later.
  virtual void PublishAsync(SesPublication publication, Done done) = 0;
  // Whether a destination may be made for the topic (SES checks it): kOk, kNotFound,
  // kPermissionDenied.
  virtual Status CheckTopic(const std::string& topic_arn, const std::string& source_arn) const = 0;
};

}  // namespace postglass::topics
