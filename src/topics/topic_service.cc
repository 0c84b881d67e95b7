#include "topics/topic_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "aws/arn.h"
#include "aws/policy.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "topics/filter_policy.h"
#include "topics/limits.h"
#include "topics/subscription_deliverer.h"

namespace postglass::topics {
namespace {

constexpr std::chrono::milliseconds kTidyInterval{100};
constexpr int kTidiesPerSweep = 600;  // expired subscriptions are looked for once a minute
constexpr std::chrono::seconds kLogInterval{10};
constexpr std::size_t kQuietMax = 1'000;  // causes whose log lines are counted

// The same publication gets the same id, whenever it is made. SNS's own ids look like version 5.
std::string MessageIdFor(const SesPublication& publication, Random& random) {
  if (publication.idempotency_key.empty()) return random.Uuid();
  const std::string hash =
      Sha256(fmt::format("{}\n{}", publication.topic_arn, publication.idempotency_key));
  return FormatUuid(hash.substr(0, 16), 5);
}

std::string ConfirmationText(const Subscription& subscription, Message::Type type) {
  if (type == Message::Type::kSubscriptionConfirmation) {
    return fmt::format(
        "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the "
        "SubscribeURL included in this message.",
        subscription.topic_arn);
  }
  return fmt::format(
      "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the "
      "subscription, visit the SubscribeURL included in this message.",
      subscription.arn);
}

}  // namespace

TopicService::TopicService(Parts parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      published_(parts.metrics.GetCounter("postglass_topics_messages_published_total",
                                          "Messages taken by a topic")),
      no_subscription_(
          parts.metrics.GetCounter("postglass_topics_no_subscription_total",
                                   "Messages of topics without a confirmed subscription")),
      filtered_(parts.metrics.GetCounter(
          "postglass_topics_filtered_total",
          "Deliveries that a subscription's filter policy did not let through")) {}

Result<std::unique_ptr<TopicService>> TopicService::Create(Parts parts,
                                                           Options options,
                                                           journal::Recovery* recovery) {
  std::unique_ptr<TopicService> service(new TopicService(parts, std::move(options)));
  ASSIGN_OR_RETURN(service->registry_,
                   TopicRegistry::Load(parts.settings, service->options_.account));
  journal::Options journal_options;
  journal_options.durability = service->options_.durability;
  journal_options.file_bytes_max = service->options_.file_bytes_max;
  journal_options.commit_spacing = service->options_.commit_spacing;
  journal_options.name = "topics";
  ASSIGN_OR_RETURN(
      auto journal,
      journal::Journal::Open(
          parts.fs, parts.clock, parts.metrics, service->options_.dir, journal_options, recovery));
  ASSIGN_OR_RETURN(
      service->outbox_,
      Outbox::Open(std::move(journal), parts.box, parts.metrics, service->options_.outbox));
  service->envelopes_ =
      std::make_unique<EnvelopeWriter>(parts.signer, service->options_.public_url);
  service->deliverer_ = std::make_unique<SubscriptionDeliverer>(*service->registry_,
                                                                *service->envelopes_,
                                                                parts.client,
                                                                parts.invoker,
                                                                parts.queues,
                                                                service->options_.private_endpoints,
                                                                service->options_.status_log);
  service->dispatcher_ = std::make_unique<Dispatcher>(*service->outbox_,
                                                      *service->deliverer_,
                                                      parts.clock,
                                                      parts.metrics,
                                                      service->options_.dispatcher);
  service->dispatcher_->Enqueue(service->outbox_->Pending());
  return service;
}

TopicService::~TopicService() {
  Stop();
  // The journal's last commits call back into the dispatcher, so the outbox goes first.
  outbox_.reset();
}

void TopicService::Start() {
  dispatcher_->Start();
  housekeeper_ = std::thread([this] { Housekeep(); });
}

void TopicService::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (housekeeper_.joinable()) housekeeper_.join();
  dispatcher_->Stop();
  if (const Status flushed = outbox_->Flush(); !flushed) {
    log::Warn("topics", "outcomes of deliveries not written: {}", flushed.error().message);
  }
}

void TopicService::Housekeep() {
  for (int round = 1;; ++round) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) wake_.WaitFor(mutex_, kTidyInterval);
      if (stopping_) return;
    }
    outbox_->Tidy();
    if (round % kTidiesPerSweep != 0) continue;
    MutexLock changing(registry_->change_mutex());
    if (const Status swept = registry_->RemoveExpired(parts_.clock.Now()); !swept) {
      log::Warn("topics", "expired subscriptions not removed: {}", swept.error().message);
    }
  }
}

aws::PolicyOutcome TopicService::EvaluateForSes(const Topic& topic,
                                                const std::string& source_arn) const {
  const std::string& account = options_.account.account_id;
  return aws::EvaluatePolicy(
      *topic.policy,
      {.principal_service = "ses.amazonaws.com",
       .principal_account = {},
       .principal_arn = {},
       .action = "SNS:Publish",
       .resource = topic.arn,
       // The default policy asks for SourceOwner: SES publishes for the
       // account it belongs to.
       .context = {{"aws:SourceAccount", account},
                   {"aws:SourceOwner", account},
                   {"aws:SourceArn", source_arn},
                   {"aws:PrincipalIsAWSService", "true"},
                   {"aws:SecureTransport", "true"},
                   {"aws:CurrentTime", FormatIso8601Millis(parts_.clock.Now())}}});
}

void TopicService::Drop(std::string_view reason,
                        const std::string& topic_arn,
                        const std::string& cause) {
  parts_.metrics
      .GetCounter("postglass_topics_publish_dropped_total",
                  "Messages that a topic did not take",
                  {{"reason", reason}})
      .Add();
  LogLost(reason, topic_arn, cause);
}

// One line a cause and ten seconds: a wrong policy drops every event.
void TopicService::LogLost(std::string_view reason,
                           const std::string& topic_arn,
                           const std::string& cause) {
  std::uint64_t suppressed = 0;
  {
    MutexLock lock(mutex_);
    if (quiet_.size() >= kQuietMax) quiet_.clear();
    Quiet& quiet = quiet_[fmt::format("{} {}", reason, topic_arn)];
    const std::chrono::nanoseconds now = parts_.clock.Monotonic();
    if (now < quiet.until) {
      ++quiet.suppressed;
      return;
    }
    quiet.until = now + kLogInterval;
    suppressed = std::exchange(quiet.suppressed, 0);
  }
  log::Warn("topics",
            "message for {} dropped: {} ({} more of these not logged)",
            topic_arn,
            cause,
            suppressed);
}

void TopicService::PublishAsync(SesPublication publication, Done done) {
  const std::shared_ptr<const Topic> topic = registry_->FindTopic(publication.topic_arn);
  if (!topic) {
    Drop("no_such_topic", publication.topic_arn, "there is no such topic");
    done(PublishOutcome::kNoSuchTopic);
    return;
  }
  const aws::PolicyOutcome policy = EvaluateForSes(*topic, publication.source_arn);
  if (policy.decision != aws::Decision::kAllowed) {
    Drop("denied",
         publication.topic_arn,
         policy.decision == aws::Decision::kExplicitDeny
             ? fmt::format("statement \"{}\" of the topic policy denies ses.amazonaws.com for {}",
                           policy.statement_id,
                           publication.source_arn)
             : fmt::format("the topic policy does not let ses.amazonaws.com publish for {}",
                           publication.source_arn));
    done(PublishOutcome::kDenied);
    return;
  }
  Message message;
  message.message_id = MessageIdFor(publication, parts_.random);
  message.topic_arn = std::move(publication.topic_arn);
  message.subject = std::move(publication.subject);
  message.body = std::move(publication.message);
  message.published_at = Timestamp::FromMillis(parts_.clock.Now().millis());
  Store(std::move(message), std::move(done));
}

Status TopicService::CheckTopic(const std::string& topic_arn, const std::string& source_arn) const {
  const std::shared_ptr<const Topic> topic = registry_->FindTopic(topic_arn);
  if (!topic) return Fail(ErrorCode::kNotFound, fmt::format("no topic {}", topic_arn));
  if (EvaluateForSes(*topic, source_arn).decision == aws::Decision::kAllowed) return {};
  return Fail(ErrorCode::kPermissionDenied,
              fmt::format("the policy of {} does not let ses.amazonaws.com publish", topic_arn));
}

void TopicService::Store(Message message, Done done) {
  std::vector<Target> targets;
  bool any_subscription = false;
  FilterPolicy::Subject subject(message);
  for (const auto& subscription : registry_->ConfirmedOf(message.topic_arn)) {
    any_subscription = true;
    if (subscription->filter != nullptr && !subscription->filter->Matches(subject)) {
      filtered_.Add();
      continue;
    }
    Target target{subscription->arn, subscription->protocol, subscription->endpoint};
    if (!dispatcher_->HasRoom(target)) {
      if (target.protocol == Protocol::kLambda) {
        done(Fail(ErrorCode::kUnavailable,
                  fmt::format("too many messages wait for {}", target.endpoint)));
        return;
      }
      Drop("backlog", message.topic_arn, fmt::format("too many wait for {}", target.endpoint));
      continue;
    }
    targets.push_back(std::move(target));
  }
  if (targets.empty()) {
    published_.Add();
    if (!any_subscription) {
      no_subscription_.Add();
      LogLost("no_subscription", message.topic_arn, "it has no confirmed subscription");
    }
    done(PublishOutcome::kQueued);
    return;
  }
  const Timestamp published_at = message.published_at;
  outbox_->Add(
      std::move(message),
      targets,
      [this, targets, published_at, done = std::move(done)](const Result<MessageNumber>& number) {
        if (!number) {
          done(Fail(number.error()));
          return;
        }
        std::vector<PendingDelivery> deliveries;
        for (std::uint32_t i = 0; i < targets.size(); ++i) {
          deliveries.push_back({*number, i, targets[i], 0, published_at});
        }
        dispatcher_->Enqueue(deliveries);
        published_.Add();
        done(PublishOutcome::kQueued);
      });
}

Result<std::string> TopicService::Publish(Message message) {
  if (!registry_->FindTopic(message.topic_arn)) {
    return Fail(ErrorCode::kNotFound, fmt::format("no topic {}", message.topic_arn));
  }
  message.message_id = parts_.random.Uuid();
  message.published_at = Timestamp::FromMillis(parts_.clock.Now().millis());
  std::string id = message.message_id;
  std::promise<Result<PublishOutcome>> durable;
  Store(std::move(message),
        [&durable](Result<PublishOutcome> outcome) { durable.set_value(std::move(outcome)); });
  Result<PublishOutcome> outcome = durable.get_future().get();
  if (!outcome) return Fail(std::move(outcome.error()));
  return id;
}

Status TopicService::SendConfirmation(const Subscription& subscription, Message::Type type) {
  Message message;
  message.type = type;
  message.message_id = parts_.random.Uuid();
  message.topic_arn = subscription.topic_arn;
  message.body = ConfirmationText(subscription, type);
  message.token = subscription.token;
  message.published_at = Timestamp::FromMillis(parts_.clock.Now().millis());
  const Timestamp published_at = message.published_at;
  const Target target{subscription.arn, subscription.protocol, subscription.endpoint};
  std::promise<Result<MessageNumber>> durable;
  outbox_->Add(std::move(message), {target}, [&durable](Result<MessageNumber> number) {
    durable.set_value(std::move(number));
  });
  ASSIGN_OR_RETURN(const MessageNumber number, durable.get_future().get());
  dispatcher_->Enqueue({{number, 0, target, 0, published_at}});
  return {};
}

std::vector<DeadLetter> TopicService::DeadLetters(std::size_t count_max) const {
  return outbox_->DeadLetters(count_max);
}

std::size_t TopicService::Redrive(std::optional<std::pair<MessageNumber, std::uint32_t>> one) {
  const std::vector<PendingDelivery> deliveries = outbox_->Redrive(one);
  dispatcher_->Enqueue(deliveries);
  return deliveries.size();
}

Status TopicService::Redeliver(const queues::Message& dead_letter) {
  const std::shared_ptr<const Subscription> subscription =
      registry_->FindSubscription(dead_letter.subscription_arn);
  if (!subscription || subscription->state != Subscription::State::kConfirmed) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} is not subscribed any more", dead_letter.subscription_arn));
  }
  Message message = MessageFromDeadLetter(dead_letter, subscription->raw_delivery());
  message.topic_arn = subscription->topic_arn;
  if (message.message_id.empty()) message.message_id = parts_.random.Uuid();
  const Target target{subscription->arn, subscription->protocol, subscription->endpoint};
  const Timestamp now = Timestamp::FromMillis(parts_.clock.Now().millis());
  if (message.published_at == Timestamp()) message.published_at = now;
  std::promise<Result<MessageNumber>> durable;
  outbox_->Add(std::move(message), {target}, [&durable](Result<MessageNumber> number) {
    durable.set_value(std::move(number));
  });
  ASSIGN_OR_RETURN(const MessageNumber number, durable.get_future().get());
  dispatcher_->Enqueue({{number, 0, target, 0, now}});  // its time to live begins anew
  return {};
}

TopicService::Health TopicService::health() const {
  Health health;
  health.pending = dispatcher_->pending();
  health.dead_letters = outbox_->dead_letters();
  if (const std::optional<Timestamp> oldest = outbox_->oldest()) {
    health.oldest_age = std::max(std::chrono::nanoseconds(0), parts_.clock.Now() - *oldest);
  }
  health.writable = outbox_->journal().health() == journal::Journal::Health::kOk;
  health.reason = outbox_->journal().health_reason();
  return health;
}

std::size_t TopicService::RunDue() {
  const std::size_t attempted = dispatcher_->RunDue();
  outbox_->Tidy();
  return attempted;
}

std::optional<net::HttpResponse> ServeSigningCertificate(const aws::SnsSigner& signer,
                                                         const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  if (request.path() != signer.certificate_path()) return std::nullopt;
  net::HttpResponse response;
  response.headers.Add("Content-Type", "application/x-pem-file");
  response.headers.Add("Cache-Control", "max-age=86400");
  response.body = signer.certificate_pem();
  return response;
}

}  // namespace postglass::topics
