#include "mail/event_publisher.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/log.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kSubject = "Amazon SES Email Event Notification";
constexpr std::string_view kReasonNames[] = {"no_set", "set_deleted", "no_match", "disabled"};
constexpr std::chrono::minutes kLogInterval{1};  // one line a reason

// Calls `done` once, when every destination has answered: OK, or the first error.
class Countdown {
 public:
  Countdown(std::size_t count, std::function<void(Status)> done)
      : left_(count), done_(std::move(done)) {}

  void Answer(const Status& outcome) {
    Status all;
    {
      MutexLock lock(mutex_);
      if (!outcome && !error_) error_ = outcome.error();
      if (--left_ > 0) return;
      if (error_) all = Fail(*error_);
    }
    done_(std::move(all));
  }

 private:
  Mutex mutex_;
  std::size_t left_ GUARDED_BY(mutex_);
  std::optional<Error> error_ GUARDED_BY(mutex_);
  const std::function<void(Status)> done_;
};

std::size_t RecipientCount(const EventDetail& detail) {
  if (const auto* bounce = std::get_if<BounceDetail>(&detail)) return bounce->recipients.size();
  if (const auto* complaint = std::get_if<ComplaintDetail>(&detail)) {
    return complaint->recipients.size();
  }
  return 1;
}

}  // namespace

SnsEventPublisher::SnsEventPublisher(const Dependencies& dependencies)
    : on_(dependencies),
      published_(on_.metrics.GetCounter("postglass_mail_events_published_total",
                                        "Events handed to a topic, once a destination.")) {
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    without_destination_[i] =
        &on_.metrics.GetCounter("postglass_mail_events_without_destination_total",
                                "Events that no enabled event destination took, by cause.",
                                {{"reason", kReasonNames[i]}});
  }
}

void SnsEventPublisher::PublishAsync(const MailEvent& event,
                                     std::string key,
                                     std::function<void(Status)> done) {
  CountStatistics(event);
  const std::string& set_name = event.subject.configuration_set;
  const std::shared_ptr<const ConfigurationSet> set =
      set_name.empty() ? nullptr : on_.configuration_sets.Find(set_name);
  const EventType type = TypeOf(event.detail);
  std::vector<const EventDestination*> destinations;
  std::vector<std::string_view> disabled;
  if (set) {
    for (const EventDestination& destination : set->destinations) {
      if (!destination.matching.Has(type)) continue;
      if (destination.enabled) {
        destinations.push_back(&destination);
      } else {
        disabled.push_back(destination.name);
      }
    }
  }
  if (destinations.empty()) {
    const Reason reason = set_name.empty()   ? Reason::kNoSet
                          : !set             ? Reason::kSetDeleted
                          : disabled.empty() ? Reason::kNoMatch
                                             : Reason::kDisabled;
    NoDestination(reason, event, fmt::format("{}", fmt::join(disabled, ", ")));
    done({});
    return;
  }

  const std::string record = RenderEvent(event, on_.rendering);
  const std::string source_arn = on_.configuration_sets.ArnOf(set_name);
  const auto countdown = std::make_shared<Countdown>(destinations.size(), std::move(done));
  for (const EventDestination* destination : destinations) {
    if (!destination->metric_dimensions.empty()) {
      if (on_.metrics_of_events != nullptr) on_.metrics_of_events->Publish(*destination, event);
      countdown->Answer({});
      continue;
    }
    if (!destination->stream_arn.empty()) {
      if (on_.streams == nullptr) {
        countdown->Answer({});
        continue;
      }
      on_.streams->PutAsync(destination->stream_arn,
                            record + "\n",
                            [countdown](const Status& stored) { countdown->Answer(stored); });
      continue;
    }
    topics::SesPublication publication;
    publication.topic_arn = destination->topic_arn;
    publication.subject = kSubject;
    publication.message = record;
    publication.source_arn = source_arn;
    publication.idempotency_key = fmt::format("{}/{}", key, destination->name);
    Counter& published = published_;
    on_.publisher.PublishAsync(
        std::move(publication), [countdown, &published](Result<topics::PublishOutcome> outcome) {
          if (outcome && *outcome == topics::PublishOutcome::kQueued) published.Add();
          countdown->Answer(outcome ? Status() : Status(Fail(outcome.error())));
        });
  }
}

void SnsEventPublisher::CountStatistics(const MailEvent& event) {
  const EventType type = TypeOf(event.detail);
  if (type == EventType::kBounce || type == EventType::kComplaint || type == EventType::kReject) {
    on_.account_state.Count(type, RecipientCount(event.detail));
  }
  if (on_.metrics_of_events != nullptr) on_.metrics_of_events->CountForAccount(event);
}

void SnsEventPublisher::NoDestination(Reason reason,
                                      const MailEvent& event,
                                      std::string_view destinations) {
  const auto index = static_cast<std::size_t>(reason);
  without_destination_[index]->Add();
  std::uint64_t held_back = 0;
  {
    MutexLock lock(mutex_);
    LogLimit& limit = log_limits_[index];
    const std::chrono::nanoseconds now = on_.clock.Monotonic();
    if (now < limit.next) {
      ++limit.held_back;
      return;
    }
    limit.next = now + kLogInterval;
    held_back = std::exchange(limit.held_back, 0);
  }
  const std::string_view type = EventTypeName(event.detail);
  const std::string& set = event.subject.configuration_set;
  const std::string more = held_back > 0 ? fmt::format(" ({} more like it)", held_back) : "";
  switch (reason) {
    case Reason::kNoSet:
      log::Info(
          "mail", "an event ({}) goes nowhere: its mail has no configuration set{}", type, more);
      break;
    case Reason::kSetDeleted:
      log::Warn("mail",
                "an event ({}) goes nowhere: configuration set {} does not exist any more{}",
                type,
                set,
                more);
      break;
    case Reason::kNoMatch:
      log::Info("mail",
                "an event ({}) goes nowhere: no event destination of configuration set {} asks for "
                "it{}",
                type,
                set,
                more);
      break;
    case Reason::kDisabled:
      log::Warn("mail",
                "an event ({}) goes nowhere: event destination {} of configuration set {} is "
                "disabled{}",
                type,
                destinations,
                set,
                more);
      break;
  }
}

}  // namespace postglass::mail
