#include <array>

#include "streams/firehose_api.h"

namespace postglass::streams {
namespace {

// One kind of destination: its name in descriptions, updates and configurations.
constexpr std::array<std::string_view, 3> kKinds = {
    "HttpEndpointDestination", "ExtendedS3Destination", "S3Destination"};

std::string Name(std::string_view kind, std::string_view what) {
  return std::string(kind) + std::string(what);
}

// What `change` says takes the place of what is there, member by member.
void Merge(json::object& into, const json::object& change) {
  for (const auto& entry : change) {
    json::value& place = into[entry.key()];
    if (place.is_object() && entry.value().is_object()) {
      Merge(place.get_object(), entry.value().get_object());
    } else {
      place = entry.value();
    }
  }
}

void Rename(json::object& o, std::string_view from, std::string_view to) {
  const json::value* found = o.if_contains(from);
  if (found == nullptr) return;
  json::value moved = *found;
  o.erase(from);
  o[to] = std::move(moved);
}

}  // namespace

std::variant<StreamConfig, aws::AwsError> ReadUpdate(const json::object& input,
                                                     const StreamConfig& now) {
  for (const std::string_view kind : kKinds) {
    const json::object* shown = json::GetObject(now.description, Name(kind, "Description"));
    if (shown == nullptr) continue;
    const json::object* change = json::GetObject(input, Name(kind, "Update"));
    if (change == nullptr) break;
    json::object whole = *shown;
    Rename(whole, "S3DestinationDescription", "S3Configuration");
    json::value& endpoint = whole["EndpointConfiguration"];
    if (now.endpoint && endpoint.is_object()) {
      endpoint.get_object()["AccessKey"] = now.endpoint->access_key;
    }
    json::object changed = *change;
    Rename(changed, "S3Update", "S3Configuration");
    Merge(whole, changed);
    return ReadStream({{Name(kind, "Configuration"), std::move(whole)}});
  }
  return aws::AwsError{400,
                       "InvalidArgumentException",
                       "The update must be of the kind of destination that the stream has"};
}

}  // namespace postglass::streams
