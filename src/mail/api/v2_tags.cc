#include <fmt/format.h>

#include <functional>
#include <utility>

#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"
#include "mail/limits.h"

namespace postglass::mail::v2 {
namespace {

enum class ResourceKind { kConfigurationSet, kIdentity, kTemplate };

struct Resource {
  ResourceKind kind = ResourceKind::kConfigurationSet;
  std::string name;
};

// What an ARN of this account and Region names; nothing when it is another's.
std::optional<Resource> FindResource(const Call& call, std::string_view arn) {
  for (const auto& [kind, prefix] :
       {std::pair{ResourceKind::kConfigurationSet, call.backend.configuration_sets.ArnOf("")},
        std::pair{ResourceKind::kIdentity, call.backend.identities.ArnOf("")},
        std::pair{ResourceKind::kTemplate, call.backend.templates.ArnOf("")}}) {
    if (arn.starts_with(prefix)) return Resource{kind, std::string(arn.substr(prefix.size()))};
  }
  return std::nullopt;
}

aws::AwsError NoResource(std::string_view arn) {
  return {404, "NotFoundException", fmt::format("Resource <{}> does not exist.", arn), true};
}

Answer ChangeTags(const Call& call,
                  std::string_view arn,
                  const std::function<SesOutcome(Tags&)>& change) {
  const std::optional<Resource> resource = FindResource(call, arn);
  if (!resource) return NoResource(arn);
  if (resource->kind == ResourceKind::kConfigurationSet) {
    return Done(call.backend.configuration_sets.Update(
        resource->name, [&](ConfigurationSet& set) { return change(set.tags); }));
  }
  if (resource->kind == ResourceKind::kTemplate) {
    return Done(call.backend.templates.UpdateTags(resource->name, change));
  }
  return Done(call.backend.identities.Update(
      resource->name, [&](Identity& identity) { return change(identity.tags); }));
}

}  // namespace

Answer ListTagsForResource(const Call& call) {
  const std::string_view arn = net::FindParam(call.query, "ResourceArn").value_or("");
  const std::optional<Resource> resource = FindResource(call, arn);
  if (!resource) return NoResource(arn);
  if (resource->kind == ResourceKind::kConfigurationSet) {
    const auto set = call.backend.configuration_sets.Find(resource->name);
    if (!set) return NoResource(arn);
    return json::object{{"Tags", RenderTags(set->tags)}};
  }
  if (resource->kind == ResourceKind::kTemplate) {
    const auto found = call.backend.templates.Find(resource->name);
    if (!found) return NoResource(arn);
    return json::object{{"Tags", RenderTags(found->tags)}};
  }
  const auto identity = call.backend.identities.Find(resource->name);
  if (!identity) return NoResource(arn);
  return json::object{{"Tags", RenderTags(identity->tags)}};
}

Answer TagResource(const Call& call) {
  auto read = ReadTags(call.body);
  if (const auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  const Tags& added = std::get<Tags>(read);
  return ChangeTags(
      call, json::GetStringOr(call.body, "ResourceArn", ""), [&](Tags& tags) -> SesOutcome {
        for (const auto& tag : added) {
          std::erase_if(tags, [&](const auto& present) { return present.first == tag.first; });
          tags.push_back(tag);
        }
        if (tags.size() <= kResourceTagsMax) return std::nullopt;
        return SesError{SesError::Kind::kInvalidParameter,
                        fmt::format("A resource cannot have more than {} tags.", kResourceTagsMax)};
      });
}

Answer UntagResource(const Call& call) {
  return ChangeTags(
      call, net::FindParam(call.query, "ResourceArn").value_or(""), [&](Tags& tags) -> SesOutcome {
        for (const auto& parameter : call.query) {
          if (parameter.first != "TagKeys") continue;
          std::erase_if(tags, [&](const auto& tag) { return tag.first == parameter.second; });
        }
        return std::nullopt;
      });
}

}  // namespace postglass::mail::v2
