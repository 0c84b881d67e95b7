#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "mail/account.h"
#include "mail/configuration_sets.h"
#include "mail/event_json.h"
#include "mail/event_metrics.h"
#include "mail/types.h"
#include "streams/record_sink.h"
#include "topics/publisher.h"

namespace postglass::mail {

// Hands each event to the topics, metrics and streams of the enabled destinations that ask for its
// type. Thread-safe.
//
// An event that no destination takes is dropped, as SES drops it, but never silently: counter
// postglass_mail_events_without_destination_total and a line in the log name the cause. Of a topic
// that denies SES or is gone the topics' side counts and logs.
class SnsEventPublisher final : public EventPublisher {
 public:
  struct Dependencies {
    const ConfigurationSets& configuration_sets;
    topics::SesPublisher& publisher;
    AccountState& account_state;  // bounces, complaints, rejects are counted for the statistics
    const Clock& clock;
    Metrics& metrics;
    EventRendering rendering;
    EventMetrics* metrics_of_events = nullptr;  // null: no figures, no CloudWatch destinations
    streams::RecordSink* streams = nullptr;     // null: no Firehose destinations
  };

  explicit SnsEventPublisher(const Dependencies& dependencies);

  void PublishAsync(const MailEvent& event,
                    std::string key,
                    std::function<void(Status)> done) override;

 private:
  enum class Reason { kNoSet, kSetDeleted, kNoMatch, kDisabled };
  static constexpr std::size_t kReasonCount = 4;

  void CountStatistics(const MailEvent& event);
  void NoDestination(Reason reason, const MailEvent& event, std::string_view destinations);

  const Dependencies on_;
  std::array<Counter*, kReasonCount> without_destination_;
  Counter& published_;
  Mutex mutex_;

  struct LogLimit {
    std::chrono::nanoseconds next{0};
    std::uint64_t held_back = 0;
  };

  std::array<LogLimit, kReasonCount> log_limits_ GUARDED_BY(mutex_);
};

}  // namespace postglass::mail
