#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cloudwatch/metric_store.h"
#include "mail/configuration_set.h"
#include "mail/types.h"

namespace postglass::mail {

// Events as metrics: of the whole account without dimensions, as SES counts them by itself, and for
// event destinations of kind CloudWatch with theirs. Namespace AWS/SES, names as EventMetricName().
// The account's are on /metrics, too. Thread-safe. Rules: SES Developer Guide, "Set up a CloudWatch
// event destination for event publishing".
class EventMetrics {
 public:
  // The references must outlive it.
  EventMetrics(cloudwatch::MetricStore& store, const Clock& clock, Metrics& metrics);

  // Counts for the account and brings its reputation rates up to date (once a minute at most).
  void CountForAccount(const MailEvent& event);
  // A value that CloudWatch does not take as a dimension drops the metric, not the event.
  void Publish(const EventDestination& destination, const MailEvent& event);

 private:
  void UpdateReputation(Timestamp now);
  double SumOf(std::string_view metric_namespace, std::string_view name, Timestamp now) const;

  cloudwatch::MetricStore& store_;
  const Clock& clock_;
  Metrics& metrics_;
  Gauge& bounce_rate_;
  Gauge& complaint_rate_;
  Counter& dropped_;
  Mutex mutex_;
  std::int64_t reputation_minute_ GUARDED_BY(mutex_) = 0;
};

// "RenderingFailure": without the blank that the event's own name has.
std::string_view EventMetricName(EventType type);

// The value of one dimension for an event; its default when the mail has none.
std::string DimensionValue(const MetricDimension& dimension,
                           const MailEvent& event,
                           const json::object& mail_object);

// What CloudWatch takes: letters, digits, '_', '-', '.', '@', 1 to 256 of them.
bool IsDimensionText(std::string_view text);

}  // namespace postglass::mail
