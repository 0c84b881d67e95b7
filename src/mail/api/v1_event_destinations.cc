#include <fmt/format.h>

#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {
namespace {

using Parsed = std::variant<EventDestination, aws::AwsError>;

// EventDestination.CloudWatchDestination.
std::optional<aws::AwsError> ReadMetrics(const aws::QueryParams& params,
                                         EventDestination& destination) {
  const std::string list = "EventDestination.CloudWatchDestination.DimensionConfigurations";
  const std::size_t count = params.StructListSize(list);
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string prefix = fmt::format("{}.member.{}.", list, i);
    const std::string source_name(params.Get(prefix + "DimensionValueSource"));
    const auto source = DimensionSourceFromV1Name(source_name);
    if (!source) {
      return V1Invalid("eventDestination.cloudWatchDestination.dimensionConfigurations." +
                           std::to_string(i) + ".member.dimensionValueSource",
                       source_name,
                       "satisfy enum value set: [messageTag, emailHeader, linkTag]");
    }
    destination.metric_dimensions.push_back(
        {std::string(params.Get(prefix + "DimensionName")),
         *source,
         std::string(params.Get(prefix + "DefaultDimensionValue"))});
  }
  if (count > 0) return std::nullopt;
  return aws::AwsError{400,
                       "InvalidCloudWatchDestination",
                       "A CloudWatch destination must have at least one dimension.",
                       true};
}

Parsed ReadDestination(const Call& call) {
  const aws::QueryParams& params = call.params;
  if (!params.Find("EventDestination.Name")) return V1Missing("eventDestination.name");
  EventDestination destination;
  destination.name = params.Get("EventDestination.Name");
  destination.enabled = ReadBool(call, "EventDestination.Enabled").value_or(false);
  for (const std::string& name : params.List("EventDestination.MatchingEventTypes")) {
    const std::optional<EventType> type = EventTypeFromV1Name(name);
    if (!type) {
      return V1Invalid("eventDestination.matchingEventTypes",
                       name,
                       "satisfy enum value set: [send, reject, bounce, complaint, delivery, open, "
                       "click, renderingFailure]");
    }
    destination.matching.Add(*type);
  }
  destination.topic_arn = params.Get("EventDestination.SNSDestination.TopicARN");
  destination.stream_arn =
      params.Get("EventDestination.KinesisFirehoseDestination.DeliveryStreamARN");
  destination.stream_role_arn =
      params.Get("EventDestination.KinesisFirehoseDestination.IAMRoleARN");
  const bool metrics = params.HasPrefix("EventDestination.CloudWatchDestination");
  const int kinds = (destination.topic_arn.empty() ? 0 : 1) +
                    (params.HasPrefix("EventDestination.KinesisFirehoseDestination") ? 1 : 0) +
                    (metrics ? 1 : 0);
  if (kinds != 1) {
    return aws::AwsError{400,
                         "InvalidParameterValue",
                         kinds == 0 ? "An event destination must be specified."
                                    : "Only one event destination can be specified.",
                         true};
  }
  if (metrics) {
    if (auto error = ReadMetrics(params, destination)) return *error;
  } else if (destination.topic_arn.empty() && destination.stream_arn.empty()) {
    return V1Missing("eventDestination.kinesisFirehoseDestination.deliveryStreamARN");
  }
  return destination;
}

using Change = SesOutcome (ConfigurationSets::*)(const std::string&, EventDestination);

Answer StoreDestination(const Call& call, Change change) {
  Parsed parsed = ReadDestination(call);
  if (const auto* error = std::get_if<aws::AwsError>(&parsed)) return *error;
  return Done((call.backend.configuration_sets.*change)(
      std::string(call.params.Get("ConfigurationSetName")),
      std::move(std::get<EventDestination>(parsed))));
}

}  // namespace

Answer CreateConfigurationSetEventDestination(const Call& call) {
  return StoreDestination(call, &ConfigurationSets::CreateDestination);
}

Answer UpdateConfigurationSetEventDestination(const Call& call) {
  return StoreDestination(call, &ConfigurationSets::UpdateDestination);
}

Answer DeleteConfigurationSetEventDestination(const Call& call) {
  return Done(call.backend.configuration_sets.DeleteDestination(
      std::string(call.params.Get("ConfigurationSetName")),
      std::string(call.params.Get("EventDestinationName"))));
}

}  // namespace postglass::mail::v1
