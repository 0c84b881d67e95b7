#include <fmt/format.h>

#include "mail/api/paging.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"
#include "mail/limits.h"

namespace postglass::mail::v2 {
namespace {

constexpr std::size_t kTagKeyMax = 128;
constexpr std::size_t kTagValueMax = 256;

}  // namespace

Answer Done(const SesOutcome& outcome) {
  if (outcome) return V2Error(*outcome);
  return json::object();
}

std::variant<Tags, aws::AwsError> ReadTags(const json::object& body) {
  Tags tags;
  const json::array* list = json::GetArray(body, "Tags");
  if (list == nullptr) return tags;
  if (list->size() > kResourceTagsMax) {
    return V2Invalid("tags",
                     std::to_string(list->size()),
                     fmt::format("have length less than or equal to {}", kResourceTagsMax));
  }
  for (const json::value& item : *list) {
    const json::object* tag = item.if_object();
    const auto key = tag != nullptr ? json::GetString(*tag, "Key") : std::nullopt;
    const auto value = tag != nullptr ? json::GetString(*tag, "Value") : std::nullopt;
    if (!key || key->empty()) return V2Missing("tags.key");
    if (!value) return V2Missing("tags.value");
    if (key->size() > kTagKeyMax) {
      return V2Invalid("tags.key", *key, "have length less than or equal to 128");
    }
    if (value->size() > kTagValueMax) {
      return V2Invalid("tags.value", *value, "have length less than or equal to 256");
    }
    tags.emplace_back(*key, *value);
  }
  return tags;
}

json::array RenderTags(const Tags& tags) {
  json::array list;
  for (const auto& tag : tags) {
    list.push_back(json::object{{"Key", tag.first}, {"Value", tag.second}});
  }
  return list;
}

std::vector<std::string> ReadStrings(const json::object& object, std::string_view name) {
  std::vector<std::string> strings;
  const json::array* list = json::GetArray(object, name);
  if (list == nullptr) return strings;
  for (const json::value& item : *list) {
    if (item.is_string()) strings.emplace_back(item.as_string());
  }
  return strings;
}

namespace {

// From the query, or from the body of an operation that lists by POST.
std::string PageParameter(const Call& call, std::string_view name) {
  if (const auto text = net::FindParam(call.query, name)) return std::string(*text);
  if (const auto number = json::GetInt(call.body, name)) return fmt::format("{}", *number);
  return json::GetStringOr(call.body, name, "");
}

}  // namespace

std::variant<PageRequest, aws::AwsError> ReadPage(const Call& call,
                                                  const std::vector<std::string>& names,
                                                  std::size_t page_max) {
  const std::string size_text = PageParameter(call, "PageSize");
  const auto size = ParsePageSize(size_text, page_max);
  if (!size) {
    return V2Invalid("pageSize", size_text, fmt::format("be between 1 and {}", page_max));
  }
  const auto page = PageOf(names, PageParameter(call, "NextToken"), *size);
  if (!page) {
    return aws::AwsError{400, "BadRequestException", "Next token is invalid.", true};
  }
  return PageRequest{page->names, page->next_token};
}

double EpochSeconds(Timestamp t) { return static_cast<double>(t.millis()) / 1000.0; }

}  // namespace postglass::mail::v2
