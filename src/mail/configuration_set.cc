#include "mail/configuration_set.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace postglass::mail {
namespace {

struct TypeName {
  std::string_view v1;
  std::string_view v2;
};

// In the order of EventType.
constexpr std::array<TypeName, kEventTypeCount> kTypeNames = {{
    {"send", "SEND"},
    {"reject", "REJECT"},
    {"bounce", "BOUNCE"},
    {"complaint", "COMPLAINT"},
    {"delivery", "DELIVERY"},
    {"open", "OPEN"},
    {"click", "CLICK"},
    {"renderingFailure", "RENDERING_FAILURE"},
    {"deliveryDelay", "DELIVERY_DELAY"},
    {"subscription", "SUBSCRIPTION"},
}};

constexpr int kV1TypeCount = 8;

json::array EncodeDimensions(const std::vector<MetricDimension>& dimensions) {
  json::array list;
  for (const MetricDimension& dimension : dimensions) {
    list.push_back(json::object{{"name", dimension.name},
                                {"source", DimensionSourceV1Name(dimension.source)},
                                {"default", dimension.default_value}});
  }
  return list;
}

std::vector<MetricDimension> DecodeDimensions(const json::object& destination) {
  std::vector<MetricDimension> dimensions;
  const json::array* list = json::GetArray(destination, "dimensions");
  if (list == nullptr) return dimensions;
  for (const json::value& item : *list) {
    const json::object* o = item.if_object();
    if (o == nullptr) continue;
    dimensions.push_back({json::GetStringOr(*o, "name", ""),
                          DimensionSourceFromV1Name(json::GetStringOr(*o, "source", ""))
                              .value_or(MetricDimension::Source::kMessageTag),
                          json::GetStringOr(*o, "default", "")});
  }
  return dimensions;
}

json::array EncodeDestinations(const std::vector<EventDestination>& destinations) {
  json::array list;
  for (const EventDestination& destination : destinations) {
    json::array types;
    for (const EventType type : destination.matching.List()) {
      types.emplace_back(EventTypeV2Name(type));
    }
    list.push_back(json::object{{"name", destination.name},
                                {"dimensions", EncodeDimensions(destination.metric_dimensions)},
                                {"stream_arn", destination.stream_arn},
                                {"stream_role_arn", destination.stream_role_arn},
                                {"enabled", destination.enabled},
                                {"types", std::move(types)},
                                {"topic_arn", destination.topic_arn}});
  }
  return list;
}

std::vector<EventDestination> DecodeDestinations(const json::object& document) {
  std::vector<EventDestination> destinations;
  const json::array* list = json::GetArray(document, "destinations");
  if (list == nullptr) return destinations;
  for (const json::value& item : *list) {
    if (!item.is_object()) continue;
    const json::object& object = item.as_object();
    EventDestination destination;
    destination.name = json::GetStringOr(object, "name", "");
    destination.enabled = json::GetBool(object, "enabled").value_or(false);
    destination.topic_arn = json::GetStringOr(object, "topic_arn", "");
    destination.metric_dimensions = DecodeDimensions(object);
    destination.stream_arn = json::GetStringOr(object, "stream_arn", "");
    destination.stream_role_arn = json::GetStringOr(object, "stream_role_arn", "");
    const json::array* types = json::GetArray(object, "types");
    for (const json::value& type : types != nullptr ? *types : json::array()) {
      const std::optional<EventType> known =
          type.is_string() ? EventTypeFromV2Name(std::string_view(type.as_string())) : std::nullopt;
      if (known) destination.matching.Add(*known);
    }
    destinations.push_back(std::move(destination));
  }
  return destinations;
}

}  // namespace

EventType TypeOf(const EventDetail& detail) {
  struct Visitor {
    EventType operator()(const SendDetail&) const { return EventType::kSend; }

    EventType operator()(const RejectDetail&) const { return EventType::kReject; }

    EventType operator()(const DeliveryDetail&) const { return EventType::kDelivery; }

    EventType operator()(const BounceDetail&) const { return EventType::kBounce; }

    EventType operator()(const ComplaintDetail&) const { return EventType::kComplaint; }

    EventType operator()(const OpenDetail&) const { return EventType::kOpen; }

    EventType operator()(const ClickDetail&) const { return EventType::kClick; }

    EventType operator()(const RenderingFailureDetail&) const {
      return EventType::kRenderingFailure;
    }

    EventType operator()(const DeliveryDelayDetail&) const { return EventType::kDeliveryDelay; }
  };

  return std::visit(Visitor{}, detail);
}

std::string_view EventTypeV1Name(EventType type) {
  return kTypeNames[static_cast<std::size_t>(type)].v1;
}

std::string_view EventTypeV2Name(EventType type) {
  return kTypeNames[static_cast<std::size_t>(type)].v2;
}

std::optional<EventType> EventTypeFromV1Name(std::string_view name) {
  for (int i = 0; i < kV1TypeCount; ++i) {
    if (kTypeNames[static_cast<std::size_t>(i)].v1 == name) return static_cast<EventType>(i);
  }
  return std::nullopt;
}

std::optional<EventType> EventTypeFromV2Name(std::string_view name) {
  for (int i = 0; i < kEventTypeCount; ++i) {
    if (kTypeNames[static_cast<std::size_t>(i)].v2 == name) return static_cast<EventType>(i);
  }
  return std::nullopt;
}

namespace {

struct SourceName {
  MetricDimension::Source source;
  std::string_view v1;
  std::string_view v2;
};

constexpr SourceName kSourceNames[] = {
    {MetricDimension::Source::kMessageTag, "messageTag", "MESSAGE_TAG"},
    {MetricDimension::Source::kEmailHeader, "emailHeader", "EMAIL_HEADER"},
    {MetricDimension::Source::kLinkTag, "linkTag", "LINK_TAG"},
};

}  // namespace

std::string_view DimensionSourceV1Name(MetricDimension::Source source) {
  return kSourceNames[static_cast<std::size_t>(source)].v1;
}

std::string_view DimensionSourceV2Name(MetricDimension::Source source) {
  return kSourceNames[static_cast<std::size_t>(source)].v2;
}

std::optional<MetricDimension::Source> DimensionSourceFromV1Name(std::string_view name) {
  for (const SourceName& known : kSourceNames) {
    if (known.v1 == name) return known.source;
  }
  return std::nullopt;
}

std::optional<MetricDimension::Source> DimensionSourceFromV2Name(std::string_view name) {
  for (const SourceName& known : kSourceNames) {
    if (known.v2 == name) return known.source;
  }
  return std::nullopt;
}

std::vector<EventType> EventTypeSet::List() const {
  std::vector<EventType> types;
  for (int i = 0; i < kEventTypeCount; ++i) {
    if (Has(static_cast<EventType>(i))) types.push_back(static_cast<EventType>(i));
  }
  return types;
}

const EventDestination* ConfigurationSet::FindDestination(std::string_view destination) const {
  for (const EventDestination& candidate : destinations) {
    if (candidate.name == destination) return &candidate;
  }
  return nullptr;
}

bool ConfigurationSet::Wants(EventType type) const {
  return std::any_of(
      destinations.begin(), destinations.end(), [type](const EventDestination& destination) {
        return destination.enabled && destination.matching.Has(type);
      });
}

bool ConfigurationSet::TracksSecretLinks() const {
  return std::any_of(tags.begin(), tags.end(), [](const auto& tag) {
    return tag.first == "track-secret-links" && tag.second != "false";
  });
}

bool IsRedirectDomain(std::string_view domain) {
  if (domain.empty() || domain.size() > 253 || domain.find('.') == std::string_view::npos) {
    return false;
  }
  if (domain.front() == '.' || domain.back() == '.' ||
      domain.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(domain.begin(), domain.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

void SetSendingEnabled(ConfigurationSet& set, bool enabled, Timestamp now) {
  if (enabled && !set.sending_enabled) set.last_fresh_start = now;
  set.sending_enabled = enabled;
}

std::string EncodeConfigurationSet(const ConfigurationSet& set) {
  json::object document{{"name", set.name},
                        {"created_ms", set.created_at.millis()},
                        {"sending_enabled", set.sending_enabled},
                        {"reputation_metrics_enabled", set.reputation_metrics_enabled},
                        {"destinations", EncodeDestinations(set.destinations)}};
  if (set.last_fresh_start) document["last_fresh_start_ms"] = set.last_fresh_start->millis();
  if (!set.tls_policy.empty()) document["tls_policy"] = set.tls_policy;
  if (!set.sending_pool_name.empty()) document["sending_pool_name"] = set.sending_pool_name;
  if (set.max_delivery_seconds) document["max_delivery_seconds"] = *set.max_delivery_seconds;
  if (set.tracking) {
    document["tracking"] =
        json::object{{"custom_redirect_domain", set.tracking->custom_redirect_domain},
                     {"https_policy", set.tracking->https_policy}};
  }
  if (set.suppressed_reasons) {
    json::array reasons;
    for (const std::string& reason : *set.suppressed_reasons) reasons.emplace_back(reason);
    document["suppressed_reasons"] = std::move(reasons);
  }
  if (set.vdm_engagement_metrics) document["vdm_engagement"] = *set.vdm_engagement_metrics;
  if (set.vdm_optimized_shared_delivery) {
    document["vdm_shared_delivery"] = *set.vdm_optimized_shared_delivery;
  }
  if (!set.archive_arn.empty()) document["archive_arn"] = set.archive_arn;
  json::array tags;
  for (const auto& tag : set.tags) tags.push_back(json::array{tag.first, tag.second});
  if (!tags.empty()) document["tags"] = std::move(tags);
  return json::Serialize(document);
}

Result<ConfigurationSet> DecodeConfigurationSet(std::string_view json_text) {
  ASSIGN_OR_RETURN(const json::object document, json::ParseObject(json_text));
  ConfigurationSet set;
  set.name = json::GetStringOr(document, "name", "");
  if (set.name.empty()) return Fail(ErrorCode::kCorruption, "configuration set without a name");
  set.created_at = Timestamp::FromMillis(json::GetInt(document, "created_ms").value_or(0));
  set.sending_enabled = json::GetBool(document, "sending_enabled").value_or(true);
  set.reputation_metrics_enabled =
      json::GetBool(document, "reputation_metrics_enabled").value_or(false);
  if (const auto at = json::GetInt(document, "last_fresh_start_ms")) {
    set.last_fresh_start = Timestamp::FromMillis(*at);
  }
  set.tls_policy = json::GetStringOr(document, "tls_policy", "");
  set.sending_pool_name = json::GetStringOr(document, "sending_pool_name", "");
  set.max_delivery_seconds = json::GetInt(document, "max_delivery_seconds");
  if (const json::object* tracking = json::GetObject(document, "tracking")) {
    set.tracking = TrackingOptions{json::GetStringOr(*tracking, "custom_redirect_domain", ""),
                                   json::GetStringOr(*tracking, "https_policy", "")};
  }
  if (const json::array* reasons = json::GetArray(document, "suppressed_reasons")) {
    set.suppressed_reasons.emplace();
    for (const json::value& reason : *reasons) {
      if (reason.is_string()) set.suppressed_reasons->emplace_back(reason.as_string());
    }
  }
  set.vdm_engagement_metrics = json::GetBool(document, "vdm_engagement");
  set.vdm_optimized_shared_delivery = json::GetBool(document, "vdm_shared_delivery");
  set.archive_arn = json::GetStringOr(document, "archive_arn", "");
  if (const json::array* tags = json::GetArray(document, "tags")) {
    for (const json::value& tag : *tags) {
      if (!tag.is_array() || tag.as_array().size() != 2 || !tag.as_array()[0].is_string() ||
          !tag.as_array()[1].is_string()) {
        continue;
      }
      set.tags.emplace_back(std::string(tag.as_array()[0].as_string()),
                            std::string(tag.as_array()[1].as_string()));
    }
  }
  set.destinations = DecodeDestinations(document);
  return set;
}

}  // namespace postglass::mail
