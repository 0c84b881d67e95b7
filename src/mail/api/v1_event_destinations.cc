#include <fmt/format.h>

#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {
namespace {

using Parsed = std::variant<EventDestination, aws::AwsError>;

// Says which kinds of destination the request names beside SNS, with v1's code for each.
std::optional<aws::AwsError> RefuseOtherKinds(const aws::QueryParams& params) {
  struct OtherKind {
    std::string_view parameter;
    std::string_view code;
    std::string_view name;
  };

  constexpr OtherKind kOthers[] = {
      {"EventDestination.KinesisFirehoseDestination", "InvalidFirehoseDestination", "Firehose"},
      {"EventDestination.CloudWatchDestination", "InvalidCloudWatchDestination", "CloudWatch"},
  };
  for (const OtherKind& other : kOthers) {
    if (params.HasPrefix(other.parameter)) {
      return aws::AwsError{
          400,
          std::string(other.code),
          fmt::format("{} event destinations are not supported here. Use an SNS destination.",
                      other.name),
          true};
    }
  }
  return std::nullopt;
}

Parsed ReadDestination(const Call& call) {
  const aws::QueryParams& params = call.params;
  if (!params.Find("EventDestination.Name")) return V1Missing("eventDestination.name");
  if (auto refused = RefuseOtherKinds(params)) return *refused;
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
  if (destination.topic_arn.empty()) {
    return aws::AwsError{
        400, "InvalidParameterValue", "An event destination must be specified.", true};
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
