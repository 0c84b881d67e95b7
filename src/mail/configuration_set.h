#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/types.h"

// A configuration set: options for the mails that name it, and where their events go.

namespace postglass::mail {

enum class EventType {
  kSend,
  kReject,
  kBounce,
  kComplaint,
  kDelivery,
  kOpen,
  kClick,
  kRenderingFailure,
  kDeliveryDelay,  // only API v2 can ask for this one and the next
  kSubscription,
};
inline constexpr int kEventTypeCount = 10;

EventType TypeOf(const EventDetail& detail);
std::string_view EventTypeV1Name(EventType type);  // renderingFailure
std::string_view EventTypeV2Name(EventType type);  // RENDERING_FAILURE
std::optional<EventType> EventTypeFromV1Name(std::string_view name);
std::optional<EventType> EventTypeFromV2Name(std::string_view name);

class EventTypeSet {
 public:
  void Add(EventType type) { bits_ |= Bit(type); }

  bool Has(EventType type) const { return (bits_ & Bit(type)) != 0; }

  bool empty() const { return bits_ == 0; }

  std::vector<EventType> List() const;
  bool operator==(const EventTypeSet&) const = default;

 private:
  static std::uint32_t Bit(EventType type) { return 1U << static_cast<unsigned>(type); }

  std::uint32_t bits_ = 0;
};

// One dimension of the metrics of a CloudWatch destination, and where its value comes from.
struct MetricDimension {
  enum class Source { kMessageTag, kEmailHeader, kLinkTag };
  std::string name;
  Source source = Source::kMessageTag;
  std::string default_value;  // when the mail has none
  bool operator==(const MetricDimension&) const = default;
};

std::string_view DimensionSourceV1Name(MetricDimension::Source source);  // messageTag
std::string_view DimensionSourceV2Name(MetricDimension::Source source);  // MESSAGE_TAG
std::optional<MetricDimension::Source> DimensionSourceFromV1Name(std::string_view name);
std::optional<MetricDimension::Source> DimensionSourceFromV2Name(std::string_view name);

// Of one kind: a topic, metrics (CloudWatch), or a delivery stream (Firehose).
struct EventDestination {
  std::string name;
  bool enabled = false;
  EventTypeSet matching;
  std::string topic_arn;                                // SNS; empty: another kind
  std::vector<MetricDimension> metric_dimensions = {};  // CloudWatch; empty: another kind
  std::string stream_arn = {};                          // Firehose; empty: another kind
  std::string stream_role_arn = {};                     // kept and shown
  bool operator==(const EventDestination&) const = default;
};

struct TrackingOptions {
  std::string custom_redirect_domain;
  std::string https_policy;  // REQUIRE REQUIRE_OPEN_ONLY OPTIONAL; empty: not given
  bool operator==(const TrackingOptions&) const = default;
};

// Whether URLs can be made with it: a host name with a dot, as DNS has them.
bool IsRedirectDomain(std::string_view domain);

struct ConfigurationSet {
  std::string name;
  Timestamp created_at;
  bool sending_enabled = true;
  bool reputation_metrics_enabled = false;
  std::optional<Timestamp> last_fresh_start;  // when sending was last switched on again
  std::string tls_policy;                     // REQUIRE OPTIONAL; empty: not given
  std::string sending_pool_name;
  std::optional<std::int64_t> max_delivery_seconds;
  std::optional<TrackingOptions> tracking;
  std::optional<std::vector<std::string>> suppressed_reasons;  // nothing: the account's
  std::optional<bool> vdm_engagement_metrics;  // kept and shown; nothing here reads them
  std::optional<bool> vdm_optimized_shared_delivery;
  std::string archive_arn;  // kept and shown, as above
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<EventDestination> destinations;
  bool operator==(const ConfigurationSet&) const = default;

  const EventDestination* FindDestination(std::string_view destination) const;
  // Whether an enabled destination asks for events of this type.
  bool Wants(EventType type) const;
  // Whether its tag `track-secret-links` asks to track links that carry a secret, too.
  bool TracksSecretLinks() const;
};

// Switching sending on again begins a fresh start of the reputation figures, as in SES.
void SetSendingEnabled(ConfigurationSet& set, bool enabled, Timestamp now);

// The stored form: JSON text. Unknown members are ignored, missing ones take their defaults.
std::string EncodeConfigurationSet(const ConfigurationSet& set);
Result<ConfigurationSet> DecodeConfigurationSet(std::string_view json_text);

}  // namespace postglass::mail
