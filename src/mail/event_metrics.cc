#include "mail/event_metrics.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kNamespace = "AWS/SES";
// Of what AWS keeps to itself: bounces that count for the reputation.
constexpr std::string_view kOwnNamespace = "Postglass/SES";
constexpr std::string_view kPermanentBounce = "PermanentBounce";
constexpr std::chrono::hours kReputationWindow{24};

constexpr std::array<std::string_view, kEventTypeCount> kNames = {"Send",
                                                                  "Reject",
                                                                  "Bounce",
                                                                  "Complaint",
                                                                  "Delivery",
                                                                  "Open",
                                                                  "Click",
                                                                  "RenderingFailure",
                                                                  "DeliveryDelay",
                                                                  "Subscription"};

// One for each recipient the event is about.
double ValueOf(const EventDetail& detail) {
  if (const auto* bounce = std::get_if<BounceDetail>(&detail)) {
    return static_cast<double>(bounce->recipients.size());
  }
  if (const auto* complaint = std::get_if<ComplaintDetail>(&detail)) {
    return static_cast<double>(complaint->recipients.size());
  }
  if (const auto* delivery = std::get_if<DeliveryDetail>(&detail)) {
    return static_cast<double>(delivery->recipients.size());
  }
  return 1;
}

cloudwatch::Statistics One(double value) { return {1, value, value, value}; }

cloudwatch::Statistics Times(double count) { return {count, count, 1, 1}; }

std::optional<std::string> FindTag(const json::object& mail_object, const std::string& name) {
  const json::object* tags = json::GetObject(mail_object, "tags");
  const json::array* values = tags == nullptr ? nullptr : json::GetArray(*tags, name);
  if (values == nullptr || values->empty() || !(*values)[0].is_string()) return std::nullopt;
  return std::string((*values)[0].get_string());
}

std::optional<std::string> FindHeader(const json::object& mail_object, const std::string& name) {
  const json::array* headers = json::GetArray(mail_object, "headers");
  if (headers == nullptr) return std::nullopt;
  for (const json::value& item : *headers) {
    const json::object* header = item.if_object();
    if (header == nullptr) continue;
    if (!EqualsIgnoreAsciiCase(json::GetStringOr(*header, "name", ""), name)) continue;
    return std::string(TrimAscii(json::GetStringOr(*header, "value", "")));
  }
  return std::nullopt;
}

std::optional<std::string> FindLinkTag(const EventDetail& detail, const std::string& name) {
  const auto* click = std::get_if<ClickDetail>(&detail);
  if (click == nullptr) return std::nullopt;
  for (const auto& [tag, values] : click->link_tags) {
    if (tag == name && !values.empty()) return values[0];
  }
  return std::nullopt;
}

}  // namespace

std::string_view EventMetricName(EventType type) { return kNames[static_cast<std::size_t>(type)]; }

bool IsDimensionText(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '@';
  });
}

std::string DimensionValue(const MetricDimension& dimension,
                           const MailEvent& event,
                           const json::object& mail_object) {
  std::optional<std::string> value;
  switch (dimension.source) {
    case MetricDimension::Source::kMessageTag:
      value = FindTag(mail_object, dimension.name);
      break;
    case MetricDimension::Source::kEmailHeader:
      value = FindHeader(mail_object, dimension.name);
      break;
    case MetricDimension::Source::kLinkTag:
      value = FindLinkTag(event.detail, dimension.name);
      break;
  }
  return value.value_or(dimension.default_value);
}

EventMetrics::EventMetrics(cloudwatch::MetricStore& store, const Clock& clock, Metrics& metrics)
    : store_(store),
      clock_(clock),
      metrics_(metrics),
      bounce_rate_(metrics.GetGauge(
          "postglass_ses_reputation_bounce_rate",
          "Permanent bounces to mails sent in the last 24 hours, as Reputation.BounceRate")),
      complaint_rate_(
          metrics.GetGauge("postglass_ses_reputation_complaint_rate",
                           "Complaints to mails sent in 24 hours, as Reputation.ComplaintRate")),
      dropped_(metrics.GetCounter(
          "postglass_ses_metrics_dropped_total",
          "Metrics of CloudWatch destinations dropped for a value that is no dimension")) {}

void EventMetrics::CountForAccount(const MailEvent& event) {
  const EventType type = TypeOf(event.detail);
  const std::string_view name = EventMetricName(type);
  const double value = ValueOf(event.detail);
  const Timestamp now = clock_.Now();
  metrics_
      .GetCounter("postglass_ses_events_total",
                  "What SES counts for the account, as the metrics of AWS/SES",
                  {{"metric", name}})
      .Add(value);
  // A full store is logged by its reader; an event is never held up by it.
  static_cast<void>(
      store_.Add({std::string(kNamespace), std::string(name), {}}, now, Times(value), "Count")
          .has_value());
  if (const auto* bounce = std::get_if<BounceDetail>(&event.detail);
      bounce != nullptr && bounce->type == "Permanent") {
    static_cast<void>(store_
                          .Add({std::string(kOwnNamespace), std::string(kPermanentBounce), {}},
                               now,
                               Times(value),
                               "Count")
                          .has_value());
  }
  if (type == EventType::kSend || type == EventType::kBounce || type == EventType::kComplaint) {
    UpdateReputation(now);
  }
}

double EventMetrics::SumOf(std::string_view metric_namespace,
                           std::string_view name,
                           Timestamp now) const {
  double sum = 0;
  for (const cloudwatch::DataPoint& point :
       store_.Read({std::string(metric_namespace), std::string(name), {}},
                   now - kReputationWindow,
                   now + std::chrono::minutes(1),
                   kReputationWindow * 2)) {
    sum += point.statistics.sum;
  }
  return sum;
}

void EventMetrics::UpdateReputation(Timestamp now) {
  const std::int64_t minute = now.millis() / 60'000;
  {
    MutexLock lock(mutex_);
    if (minute == reputation_minute_) return;
    reputation_minute_ = minute;
  }
  const double sent = SumOf(kNamespace, "Send", now);
  if (sent == 0) return;
  const double bounce_rate = std::min(1.0, SumOf(kOwnNamespace, kPermanentBounce, now) / sent);
  const double complaint_rate = std::min(1.0, SumOf(kNamespace, "Complaint", now) / sent);
  bounce_rate_.Set(bounce_rate);
  complaint_rate_.Set(complaint_rate);
  for (const auto& [name, value] : {std::pair("Reputation.BounceRate", bounce_rate),
                                    std::pair("Reputation.ComplaintRate", complaint_rate)}) {
    static_cast<void>(
        store_.Add({std::string(kNamespace), name, {}}, now, One(value), "").has_value());
  }
}

void EventMetrics::Publish(const EventDestination& destination, const MailEvent& event) {
  const Result<json::object> mail_object = json::ParseObject(event.subject.mail_object);
  cloudwatch::MetricId id{
      std::string(kNamespace), std::string(EventMetricName(TypeOf(event.detail))), {}};
  for (const MetricDimension& dimension : destination.metric_dimensions) {
    std::string value =
        DimensionValue(dimension, event, mail_object ? *mail_object : json::object());
    if (!IsDimensionText(value)) {
      dropped_.Add();
      return;
    }
    id.dimensions.insert_or_assign(dimension.name, std::move(value));
  }
  const Status added = store_.Add(id, clock_.Now(), Times(ValueOf(event.detail)), "Count");
  if (!added) dropped_.Add();
}

}  // namespace postglass::mail
