#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/time_format.h"
#include "mail/api/paging.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {
namespace {

constexpr std::size_t kPageMax = 1000;

std::string SetName(const Call& call) {
  return std::string(call.params.Get("ConfigurationSetName"));
}

std::string_view BoolText(bool value) { return value ? "true" : "false"; }

void AppendDestinations(aws::XmlWriter& xml, const ConfigurationSet& set) {
  xml.Open("EventDestinations");
  for (const EventDestination& destination : set.destinations) {
    xml.Open("member");
    xml.Text("Name", destination.name).Text("Enabled", BoolText(destination.enabled));
    xml.Open("MatchingEventTypes");
    for (const EventType type : destination.matching.List()) {
      // What only v2 knows would be no member of v1's enumeration.
      if (EventTypeFromV1Name(EventTypeV1Name(type))) xml.Text("member", EventTypeV1Name(type));
    }
    xml.Close();
    if (!destination.topic_arn.empty()) {
      xml.Open("SNSDestination").Text("TopicARN", destination.topic_arn).Close();
    } else if (!destination.stream_arn.empty()) {
      xml.Open("KinesisFirehoseDestination")
          .Text("IAMRoleARN", destination.stream_role_arn)
          .Text("DeliveryStreamARN", destination.stream_arn)
          .Close();
    } else {
      xml.Open("CloudWatchDestination").Open("DimensionConfigurations");
      for (const MetricDimension& dimension : destination.metric_dimensions) {
        xml.Open("member")
            .Text("DimensionName", dimension.name)
            .Text("DimensionValueSource", DimensionSourceV1Name(dimension.source))
            .Text("DefaultDimensionValue", dimension.default_value)
            .Close();
      }
      xml.Close().Close();
    }
    xml.Close();
  }
  xml.Close();
}

void AppendReputation(aws::XmlWriter& xml, const ConfigurationSet& set) {
  xml.Open("ReputationOptions");
  xml.Text("SendingEnabled", BoolText(set.sending_enabled));
  xml.Text("ReputationMetricsEnabled", BoolText(set.reputation_metrics_enabled));
  if (set.last_fresh_start) xml.Text("LastFreshStart", FormatIso8601Millis(*set.last_fresh_start));
  xml.Close();
}

// Sets TrackingOptions.CustomRedirectDomain; `present` says whether there must be options already.
enum class Present { kRequired, kForbidden };

Answer StoreTracking(const Call& call, Present present) {
  const std::string domain(call.params.Get("TrackingOptions.CustomRedirectDomain"));
  return Done(call.backend.configuration_sets.Update(
      SetName(call), [&](ConfigurationSet& set) -> SesOutcome {
        if (set.tracking && present == Present::kForbidden) {
          return SesError{
              SesError::Kind::kTrackingOptionsAlreadyExist,
              fmt::format("Tracking options for configuration set <{}> already exist.", set.name)};
        }
        if (!set.tracking && present == Present::kRequired) {
          return SesError{
              SesError::Kind::kTrackingOptionsDoNotExist,
              fmt::format("Tracking options for configuration set <{}> do not exist.", set.name)};
        }
        if (domain.empty()) {
          return SesError{SesError::Kind::kInvalidTrackingOptions,
                          "Custom redirect domain must be specified."};
        }
        if (!IsRedirectDomain(domain)) {
          return SesError{SesError::Kind::kInvalidTrackingOptions,
                          fmt::format("Invalid custom redirect domain <{}>.", ToValidUtf8(domain))};
        }
        if (!set.tracking) set.tracking.emplace();
        set.tracking->custom_redirect_domain = domain;
        return std::nullopt;
      }));
}

}  // namespace

Answer CreateConfigurationSet(const Call& call) {
  if (!call.params.Find("ConfigurationSet.Name")) return V1Missing("configurationSet.name");
  ConfigurationSet set;
  set.name = call.params.Get("ConfigurationSet.Name");
  return Done(call.backend.configuration_sets.Create(std::move(set)));
}

Answer DeleteConfigurationSet(const Call& call) {
  return Done(call.backend.configuration_sets.Delete(SetName(call)));
}

Answer DescribeConfigurationSet(const Call& call) {
  const std::string name = SetName(call);
  const auto set = call.backend.configuration_sets.Find(name);
  if (!set) {
    return V1Error(SesError{SesError::Kind::kSetDoesNotExist,
                            fmt::format("Configuration set <{}> does not exist.", name)});
  }
  const std::vector<std::string> wanted = call.params.List("ConfigurationSetAttributeNames");
  const auto wants = [&](std::string_view attribute) {
    return std::find(wanted.begin(), wanted.end(), attribute) != wanted.end();
  };
  aws::XmlWriter xml;
  xml.Open("ConfigurationSet").Text("Name", set->name).Close();
  if (wants("eventDestinations")) AppendDestinations(xml, *set);
  if (wants("trackingOptions") && set->tracking) {
    xml.Open("TrackingOptions");
    xml.Text("CustomRedirectDomain", set->tracking->custom_redirect_domain).Close();
  }
  if (wants("deliveryOptions") && !set->tls_policy.empty()) {
    xml.Open("DeliveryOptions");
    xml.Text("TlsPolicy", set->tls_policy == "REQUIRE" ? "Require" : "Optional").Close();
  }
  if (wants("reputationOptions")) AppendReputation(xml, *set);
  return std::move(xml).Finish();
}

Answer ListConfigurationSets(const Call& call) {
  const auto size = ParsePageSize(call.params.Get("MaxItems"), kPageMax);
  if (!size) {
    return V1Invalid(
        "maxItems", call.params.Get("MaxItems"), fmt::format("be between 1 and {}", kPageMax));
  }
  const auto page =
      PageOf(call.backend.configuration_sets.Names(), call.params.Get("NextToken"), *size);
  if (!page) {
    return aws::AwsError{400, "InvalidParameterValue", "Next token is invalid.", true};
  }
  aws::XmlWriter xml;
  xml.Open("ConfigurationSets");
  for (const std::string& name : page->names) xml.Open("member").Text("Name", name).Close();
  xml.Close();
  if (!page->next_token.empty()) xml.Text("NextToken", page->next_token);
  return std::move(xml).Finish();
}

Answer UpdateConfigurationSetSendingEnabled(const Call& call) {
  const std::optional<bool> enabled = ReadBool(call, "Enabled");
  if (!enabled) return V1Missing("enabled");
  return Done(call.backend.configuration_sets.Update(
      SetName(call), [&](ConfigurationSet& set) -> SesOutcome {
        SetSendingEnabled(set, *enabled, call.backend.clock.Now());
        return std::nullopt;
      }));
}

Answer UpdateConfigurationSetReputationMetricsEnabled(const Call& call) {
  const std::optional<bool> enabled = ReadBool(call, "Enabled");
  if (!enabled) return V1Missing("enabled");
  return Done(call.backend.configuration_sets.Update(SetName(call),
                                                     [&](ConfigurationSet& set) -> SesOutcome {
                                                       set.reputation_metrics_enabled = *enabled;
                                                       return std::nullopt;
                                                     }));
}

Answer PutConfigurationSetDeliveryOptions(const Call& call) {
  const std::string_view policy = call.params.Get("DeliveryOptions.TlsPolicy");
  if (!policy.empty() && policy != "Require" && policy != "Optional") {
    return V1Invalid(
        "deliveryOptions.tlsPolicy", policy, "satisfy enum value set: [Require, Optional]");
  }
  return Done(call.backend.configuration_sets.Update(
      SetName(call), [&](ConfigurationSet& set) -> SesOutcome {
        set.tls_policy = policy.empty() ? "" : policy == "Require" ? "REQUIRE" : "OPTIONAL";
        return std::nullopt;
      }));
}

Answer CreateConfigurationSetTrackingOptions(const Call& call) {
  return StoreTracking(call, Present::kForbidden);
}

Answer UpdateConfigurationSetTrackingOptions(const Call& call) {
  return StoreTracking(call, Present::kRequired);
}

Answer DeleteConfigurationSetTrackingOptions(const Call& call) {
  return Done(call.backend.configuration_sets.Update(
      SetName(call), [&](ConfigurationSet& set) -> SesOutcome {
        if (!set.tracking) {
          return SesError{
              SesError::Kind::kTrackingOptionsDoNotExist,
              fmt::format("Tracking options for configuration set <{}> do not exist.", set.name)};
        }
        set.tracking.reset();
        return std::nullopt;
      }));
}

}  // namespace postglass::mail::v1
