#include <fmt/format.h>

#include <utility>

#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

using Parsed = std::variant<EventDestination, aws::AwsError>;

std::optional<aws::AwsError> RefuseOtherKinds(const json::object& destination) {
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"EventBridgeDestination", "EventBridge"},
      {"PinpointDestination", "Pinpoint"},
  };
  for (const auto& other : kOthers) {
    if (json::GetObject(destination, other.first) == nullptr) continue;
    return aws::AwsError{400,
                         "BadRequestException",
                         fmt::format("{} event destinations are not supported here.", other.second),
                         true};
  }
  return std::nullopt;
}

std::optional<aws::AwsError> ReadMetrics(const json::object& object,
                                         EventDestination& destination) {
  const json::array* list = json::GetArray(object, "DimensionConfigurations");
  if (list == nullptr || list->empty()) {
    return aws::AwsError{400,
                         "BadRequestException",
                         "A CloudWatch destination must have at least one dimension.",
                         true};
  }
  for (const json::value& item : *list) {
    const json::object dimension = item.is_object() ? item.get_object() : json::object();
    const std::string source_name = json::GetStringOr(dimension, "DimensionValueSource", "");
    const auto source = DimensionSourceFromV2Name(source_name);
    if (!source) {
      return V2Invalid(
          "eventDestination.cloudWatchDestination.dimensionConfigurations.dimensionValueSource",
          source_name,
          "satisfy enum value set: [MESSAGE_TAG, EMAIL_HEADER, LINK_TAG]");
    }
    destination.metric_dimensions.push_back(
        {json::GetStringOr(dimension, "DimensionName", ""),
         *source,
         json::GetStringOr(dimension, "DefaultDimensionValue", "")});
  }
  return std::nullopt;
}

Parsed ReadDestination(const Call& call, std::string name) {
  const json::object* object = json::GetObject(call.body, "EventDestination");
  if (object == nullptr) return V2Missing("eventDestination");
  if (auto refused = RefuseOtherKinds(*object)) return std::move(*refused);
  EventDestination destination;
  destination.name = std::move(name);
  destination.enabled = json::GetBool(*object, "Enabled").value_or(false);
  for (const std::string& type_name : ReadStrings(*object, "MatchingEventTypes")) {
    const std::optional<EventType> type = EventTypeFromV2Name(type_name);
    if (!type) {
      return V2Invalid("eventDestination.matchingEventTypes",
                       type_name,
                       "satisfy enum value set: [SEND, REJECT, BOUNCE, COMPLAINT, DELIVERY, OPEN, "
                       "CLICK, RENDERING_FAILURE, DELIVERY_DELAY, SUBSCRIPTION]");
    }
    destination.matching.Add(*type);
  }
  const json::object* sns = json::GetObject(*object, "SnsDestination");
  const json::object* stream = json::GetObject(*object, "KinesisFirehoseDestination");
  const json::object* metrics = json::GetObject(*object, "CloudWatchDestination");
  const int kinds = (sns != nullptr) + (stream != nullptr) + (metrics != nullptr);
  if (kinds != 1) {
    return aws::AwsError{400,
                         "BadRequestException",
                         kinds == 0 ? "An event destination must be specified."
                                    : "Only one event destination can be specified.",
                         true};
  }
  if (metrics != nullptr) {
    if (auto error = ReadMetrics(*metrics, destination)) return std::move(*error);
  } else if (stream != nullptr) {
    destination.stream_arn = json::GetStringOr(*stream, "DeliveryStreamArn", "");
    destination.stream_role_arn = json::GetStringOr(*stream, "IamRoleArn", "");
    if (destination.stream_arn.empty()) {
      return V2Missing("eventDestination.kinesisFirehoseDestination.deliveryStreamArn");
    }
  } else {
    destination.topic_arn = json::GetStringOr(*sns, "TopicArn", "");
  }
  return destination;
}

using Change = SesOutcome (ConfigurationSets::*)(const std::string&, EventDestination);

Answer StoreDestination(const Call& call, std::string name, Change change) {
  Parsed parsed = ReadDestination(call, std::move(name));
  if (const auto* error = std::get_if<aws::AwsError>(&parsed)) return *error;
  return Done((call.backend.configuration_sets.*change)(
      call.path[0], std::move(std::get<EventDestination>(parsed))));
}

}  // namespace

Answer GetConfigurationSetEventDestinations(const Call& call) {
  const auto set = call.backend.configuration_sets.Find(call.path[0]);
  if (!set) {
    return V2Error(SesError{SesError::Kind::kSetDoesNotExist,
                            fmt::format("Configuration set <{}> does not exist.", call.path[0])});
  }
  json::array list;
  for (const EventDestination& destination : set->destinations) {
    json::array types;
    for (const EventType type : destination.matching.List()) {
      types.emplace_back(EventTypeV2Name(type));
    }
    json::object shown{{"Name", destination.name},
                       {"Enabled", destination.enabled},
                       {"MatchingEventTypes", std::move(types)}};
    if (!destination.topic_arn.empty()) {
      shown["SnsDestination"] = json::object{{"TopicArn", destination.topic_arn}};
    } else if (!destination.stream_arn.empty()) {
      shown["KinesisFirehoseDestination"] =
          json::object{{"IamRoleArn", destination.stream_role_arn},
                       {"DeliveryStreamArn", destination.stream_arn}};
    } else {
      json::array dimensions;
      for (const MetricDimension& dimension : destination.metric_dimensions) {
        dimensions.push_back(
            json::object{{"DimensionName", dimension.name},
                         {"DimensionValueSource", DimensionSourceV2Name(dimension.source)},
                         {"DefaultDimensionValue", dimension.default_value}});
      }
      shown["CloudWatchDestination"] =
          json::object{{"DimensionConfigurations", std::move(dimensions)}};
    }
    list.push_back(std::move(shown));
  }
  return json::object{{"EventDestinations", std::move(list)}};
}

Answer CreateConfigurationSetEventDestination(const Call& call) {
  const auto name = json::GetString(call.body, "EventDestinationName");
  if (!name) return V2Missing("eventDestinationName");
  return StoreDestination(call, std::string(*name), &ConfigurationSets::CreateDestination);
}

Answer UpdateConfigurationSetEventDestination(const Call& call) {
  return StoreDestination(call, call.path[1], &ConfigurationSets::UpdateDestination);
}

Answer DeleteConfigurationSetEventDestination(const Call& call) {
  return Done(call.backend.configuration_sets.DeleteDestination(call.path[0], call.path[1]));
}

}  // namespace postglass::mail::v2
