#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/service.h"
#include "aws/sns_signature.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/secret_box.h"
#include "base/settings.h"
#include "functions/invoker.h"
#include "net/http.h"
#include "net/http_client.h"
#include "queues/queue_sender.h"
#include "topics/delivery_status.h"
#include "topics/dispatcher.h"
#include "topics/envelope.h"
#include "topics/outbox.h"
#include "topics/publisher.h"
#include "topics/topic_registry.h"

namespace postglass::topics {

// The topics as one part: what mail/ publishes to, what the SNS API (SnsApi) changes, and the
// threads that deliver. Thread-safe.
class TopicService final : public SesPublisher {
 public:
  struct Parts {  // all must outlive the service
    Settings& settings;
    FileSystem& fs;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
    const SecretBox& box;
    net::HttpClient& client;
    functions::Invoker& invoker;
    queues::QueueSender& queues;
    const aws::SnsSigner& signer;
  };

  struct Options {
    Path dir;  // of the outbox journal
    aws::Account account;
    PublicUrl public_url;
    PrivateEndpoints private_endpoints = PrivateEndpoints::kAllowed;
    StatusLog status_log = {};  // of deliveries, for topics that ask for it
    journal::Durability durability = journal::Durability::kFsync;
    std::uint64_t file_bytes_max = 64u << 20;     // of one journal file; the least that is trimmed
    std::chrono::milliseconds commit_spacing{0};  // of the journal
    Outbox::Options outbox = {};
    Dispatcher::Options dispatcher = {};
  };

  // Loads the configuration, opens the outbox and queues what was pending. Nothing is delivered
  // before Start(). `recovery` says what the journal found.
  static Result<std::unique_ptr<TopicService>> Create(Parts parts,
                                                      Options options,
                                                      journal::Recovery* recovery = nullptr);
  // Stop(), when it was not called before.
  ~TopicService() override;

  void Start();
  // Finishes the calls in flight, writes their outcomes, joins. Publishing still works afterwards;
  // what is published waits for the next start.
  void Stop();

  void PublishAsync(SesPublication publication, Done done) override;
  Status CheckTopic(const std::string& topic_arn, const std::string& source_arn) const override;

  // Publishes for a caller whose right was checked. Blocks until durable; gives the message id.
  // Message id and time are set here. Errors: kNotFound (no such topic), those of PublishAsync.
  Result<std::string> Publish(Message message);
  // Sends the (un)subscription's confirmation to its endpoint. Blocks until durable.
  Status SendConfirmation(const Subscription& subscription, Message::Type type);

  std::vector<DeadLetter> DeadLetters(std::size_t count_max) const;
  // One dead letter or, given nothing, all. Returns how many are delivered again.
  std::size_t Redrive(std::optional<std::pair<MessageNumber, std::uint32_t>> one = std::nullopt);

  // Delivers what lies in a subscription's dead-letter queue to that subscription again, under the
  // same message id. Blocks until durable. kNotFound: it is not subscribed any more.
  Status Redeliver(const queues::Message& dead_letter);

  struct Health {
    std::size_t pending = 0;  // deliveries
    std::chrono::nanoseconds oldest_age{0};
    std::size_t dead_letters = 0;
    bool writable = true;
    std::string reason;  // why not
  };

  Health health() const;

  TopicRegistry& registry() { return *registry_; }

  PrivateEndpoints private_endpoints() const { return options_.private_endpoints; }

  // For tests: makes every delivery that is due on this thread, and writes the outcomes.
  std::size_t RunDue();

 private:
  TopicService(Parts parts, Options options);
  void Store(Message message, Done done);
  void Drop(std::string_view reason, const std::string& topic_arn, const std::string& cause);
  void LogLost(std::string_view reason, const std::string& topic_arn, const std::string& cause);
  aws::PolicyOutcome EvaluateForSes(const Topic& topic, const std::string& source_arn) const;
  void Housekeep();

  const Parts parts_;
  const Options options_;
  Counter& published_;
  Counter& no_subscription_;
  Counter& filtered_;
  std::unique_ptr<TopicRegistry> registry_;
  std::unique_ptr<EnvelopeWriter> envelopes_;
  std::unique_ptr<Deliverer> deliverer_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Dispatcher> dispatcher_;

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;

  struct Quiet {
    std::chrono::nanoseconds until{0};
    std::uint64_t suppressed = 0;
  };

  std::map<std::string, Quiet> quiet_ GUARDED_BY(mutex_);  // log lines held back, by cause
  std::thread housekeeper_;
};

// Serves the signing certificate at the path that SigningCertURL names; nothing for other paths.
std::optional<net::HttpResponse> ServeSigningCertificate(const aws::SnsSigner& signer,
                                                         const net::HttpRequest& request);

}  // namespace postglass::topics
