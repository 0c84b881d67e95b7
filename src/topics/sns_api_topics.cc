#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "aws/policy.h"
#include "base/encoding.h"
#include "topics/delivery_policy.h"
#include "topics/limits.h"
#include "topics/sns_api.h"
#include "topics/sns_errors.h"

// The operations on topics and their tags.

namespace postglass::topics {
namespace {

bool IsTopicName(std::string_view name) {
  return !name.empty() && name.size() <= kTopicNameCharactersMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// HTTPSuccessFeedbackSampleRate and its like, for five protocols.
bool IsFeedbackAttribute(std::string_view name) {
  constexpr std::array kProtocols = {"HTTP", "Firehose", "Lambda", "Application", "SQS"};
  constexpr std::array kKinds = {
      "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"};
  return std::any_of(kProtocols.begin(), kProtocols.end(), [&](std::string_view protocol) {
    return name.starts_with(protocol) &&
           std::find(kKinds.begin(), kKinds.end(), name.substr(protocol.size())) != kKinds.end();
  });
}

std::optional<aws::AwsError> CheckPolicyText(const std::string& value) {
  if (value.size() > kPolicyBytesMax) {
    return InvalidParameter("Policy Reason: Policy is too long");
  }
  const Result<json::object> policy = json::ParseObject(value);
  if (!policy) return InvalidParameter("Policy Error: null");
  if (const Status good = aws::CheckPolicy(*policy); !good) {
    return InvalidParameter(
        fmt::format("Policy Reason: Policy statement error: {}", good.error().message));
  }
  return std::nullopt;
}

// Checks one attribute and puts it into `topic`; an empty value takes those with a default away.
std::optional<aws::AwsError> SetAttribute(Topic& topic,
                                          const std::string& name,
                                          const std::string& value) {
  constexpr std::array kPlain = {"KmsMasterKeyId", "TracingConfig"};
  const bool removes = value.empty();
  if (name == "Policy") {
    if (!removes) {
      if (auto error = CheckPolicyText(value)) return error;
    }
  } else if (name == "DeliveryPolicy") {
    if (!removes) {
      if (const Status good = CheckTopicDeliveryPolicy(value); !good) {
        return InvalidParameter(fmt::format("DeliveryPolicy: {}", good.error().message));
      }
    }
  } else if (name == "SignatureVersion") {
    if (value != "1" && value != "2") {
      return InvalidParameter(
          fmt::format("SignatureVersion Reason: Invalid value [{}]. Must be 1 or 2.", value));
    }
  } else if (name == "DisplayName") {
    if (value.size() > 100) return InvalidParameter("DisplayName");
    topic.attributes.insert_or_assign(name, value);
    return std::nullopt;
  } else if (std::find(kPlain.begin(), kPlain.end(), name) == kPlain.end() &&
             !IsFeedbackAttribute(name)) {
    return InvalidParameter("AttributeName");
  }
  if (removes) {
    topic.attributes.erase(name);
  } else {
    topic.attributes.insert_or_assign(name, value);
  }
  return std::nullopt;
}

// Kept with the other attributes, but an operation of its own reads and writes it.
constexpr std::string_view kDataProtectionPolicy = "DataProtectionPolicy";

std::optional<aws::AwsError> SetDataProtectionPolicy(Topic& topic, std::string_view value) {
  if (value.size() > kPolicyBytesMax) {
    return InvalidParameter("DataProtectionPolicy Reason: Policy is too long");
  }
  if (value.empty()) {
    topic.attributes.erase(std::string(kDataProtectionPolicy));
    return std::nullopt;
  }
  if (const Result<json::object> policy = json::ParseObject(value); !policy) {
    return InvalidParameter(fmt::format("DataProtectionPolicy Reason: {}", policy.error().message));
  }
  topic.attributes.insert_or_assign(std::string(kDataProtectionPolicy), std::string(value));
  return std::nullopt;
}

// Tags.member.N.Key and .Value, keys unique.
struct TagsOrError {
  Tags tags;
  std::optional<aws::AwsError> error;
};

TagsOrError ReadTags(const aws::QueryParams& params) {
  TagsOrError read;
  std::set<std::string, std::less<>> keys;
  const std::size_t count = params.StructListSize("Tags");
  for (std::size_t i = 1; i <= count; ++i) {
    std::string key(params.Get(fmt::format("Tags.member.{}.Key", i)));
    if (!keys.insert(key).second) {
      read.error = InvalidParameter("Duplicated keys are not allowed.");
      return read;
    }
    read.tags.emplace_back(std::move(key), params.Get(fmt::format("Tags.member.{}.Value", i)));
  }
  return read;
}

// What is asked for again must be there already, with the same values.
bool HasAttributes(const Topic& topic, const Attributes& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&topic](const auto& attribute) {
    const auto at = topic.attributes.find(attribute.first);
    if (at == topic.attributes.end()) return attribute.second.empty();
    if (at->second == attribute.second) return true;
    const Result<json::value> ours = json::Parse(at->second);
    const Result<json::value> theirs = json::Parse(attribute.second);
    return ours && theirs && *ours == *theirs;
  });
}

bool HasTags(const Topic& topic, const Tags& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&topic](const auto& tag) {
    return std::find(topic.tags.begin(), topic.tags.end(), tag) != topic.tags.end();
  });
}

}  // namespace

SnsApi::Reply SnsApi::CreateTopic(const Call& call) {
  const std::string name(call.params.Get("Name"));
  // FIFO topics end in ".fifo", which is not a name here either; SES cannot publish to them.
  if (!IsTopicName(name)) return InvalidParameter("Topic Name");
  Topic topic;
  topic.arn = fmt::format(
      "arn:aws:sns:{}:{}:{}", registry_.account().region, registry_.account().account_id, name);
  Attributes wanted;
  for (const auto& [key, value] : call.params.Map("Attributes")) {
    if (key == "FifoTopic") {
      if (EqualsIgnoreAsciiCase(value, "false")) continue;
      return InvalidParameter("Topic Name");
    }
    if (auto error = SetAttribute(topic, key, value)) {
      if (error->message == "Invalid parameter: AttributeName") {
        return InvalidParameter(fmt::format("Attributes Reason: Unknown attribute {}", key));
      }
      return *error;
    }
    wanted.insert_or_assign(key, value);
  }
  if (const auto policy = call.params.Find(kDataProtectionPolicy)) {
    if (auto error = SetDataProtectionPolicy(topic, *policy)) return *error;
    wanted.insert_or_assign(std::string(kDataProtectionPolicy), std::string(*policy));
  }
  TagsOrError read = ReadTags(call.params);
  if (read.error) return *read.error;
  if (read.tags.size() > kTagsMax) {
    return aws::AwsError{
        400, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded"};
  }

  MutexLock changing(registry_.change_mutex());
  if (const std::shared_ptr<const Topic> existing = registry_.FindTopic(topic.arn)) {
    if (auto error = CheckDeny(call, *existing, "CreateTopic")) return *error;
    if (!HasAttributes(*existing, wanted)) {
      return InvalidParameter("Attributes Reason: Topic already exists with different attributes");
    }
    if (!HasTags(*existing, read.tags)) {
      return InvalidParameter("Tags Reason: Topic already exists with different tags");
    }
  } else {
    topic.tags = std::move(read.tags);
    if (const Status stored = registry_.PutTopic(topic); !stored) {
      return StorageError(stored.error());
    }
  }
  aws::XmlWriter xml;
  xml.Text("TopicArn", topic.arn);
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::DeleteTopic(const Call& call) {
  if (auto error = CheckArn(call, "TopicArn")) return *error;
  MutexLock changing(registry_.change_mutex());
  if (const auto topic = registry_.FindTopic(call.params.Get("TopicArn"))) {
    if (auto error = CheckDeny(call, *topic, "DeleteTopic")) return *error;
    if (const Status removed = registry_.RemoveTopic(topic->arn); !removed) {
      return StorageError(removed.error());
    }
  }
  return aws::ResultElement::kNone;
}

SnsApi::Reply SnsApi::GetTopicAttributes(const Call& call) {
  const TopicOrError found = FindTopic(call, "TopicArn", "GetTopicAttributes");
  if (found.error) return *found.error;
  const Topic& topic = *found.topic;
  const TopicRegistry::Counts counts = registry_.CountSubscriptions(topic.arn);
  Attributes shown = topic.attributes;
  shown.erase(std::string(kDataProtectionPolicy));
  shown.emplace("DisplayName", "");
  if (!topic.attributes.contains("Policy")) {
    shown.insert_or_assign("Policy", json::Serialize(*topic.policy));
  }
  const auto delivery = topic.attributes.find("DeliveryPolicy");
  shown.insert_or_assign("EffectiveDeliveryPolicy",
                         EffectiveTopicPolicyText(delivery == topic.attributes.end()
                                                      ? std::string_view()
                                                      : std::string_view(delivery->second)));
  shown.insert_or_assign("Owner", registry_.account().account_id);
  shown.insert_or_assign("TopicArn", topic.arn);
  shown.insert_or_assign("SubscriptionsConfirmed", std::to_string(counts.confirmed));
  shown.insert_or_assign("SubscriptionsPending", std::to_string(counts.pending));
  shown.insert_or_assign("SubscriptionsDeleted", std::to_string(topic.subscriptions_deleted));
  aws::XmlWriter xml;
  xml.Open("Attributes");
  for (const auto& [name, value] : shown) {
    xml.Open("entry").Text("key", name).Text("value", value).Close();
  }
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::SetTopicAttributes(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTopic(call, "TopicArn", "SetTopicAttributes");
  if (found.error) return *found.error;
  Topic changed = *found.topic;
  if (auto error = SetAttribute(changed,
                                std::string(call.params.Get("AttributeName")),
                                std::string(call.params.Get("AttributeValue")))) {
    return *error;
  }
  if (const Status stored = registry_.PutTopic(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return aws::ResultElement::kNone;
}

SnsApi::Reply SnsApi::ListTopics(const Call& call) {
  const auto after = Base64UrlDecode(call.params.Get("NextToken"));
  if (!after) return InvalidParameter("NextToken");
  const auto topics = registry_.ListTopics(*after, kPageSize + 1);
  aws::XmlWriter xml;
  xml.Open("Topics");
  const std::size_t shown = std::min(topics.size(), kPageSize);
  for (std::size_t i = 0; i < shown; ++i) {
    xml.Open("member").Text("TopicArn", topics[i]->arn).Close();
  }
  xml.Close();
  if (topics.size() > kPageSize) xml.Text("NextToken", Base64UrlEncode(topics[shown - 1]->arn));
  return std::move(xml).Finish();
}

SnsApi::TopicOrError SnsApi::FindTagged(const Call& call) {
  TopicOrError found = FindTopic(call, "ResourceArn", call.params.action());
  if (found.error && found.error->http_status == 404) {
    found.error = aws::AwsError{404, "ResourceNotFound", "Resource does not exist"};
  }
  return found;
}

SnsApi::Reply SnsApi::ListTagsForResource(const Call& call) {
  const TopicOrError found = FindTagged(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  xml.Open("Tags");
  for (const auto& [key, value] : found.topic->tags) {
    xml.Open("member").Text("Key", key).Text("Value", value).Close();
  }
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::TagResource(const Call& call) {
  TagsOrError read = ReadTags(call.params);
  if (read.error) return *read.error;
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTagged(call);
  if (found.error) return *found.error;
  Topic changed = *found.topic;
  for (auto& [key, value] : read.tags) {
    const auto at =
        std::find_if(changed.tags.begin(), changed.tags.end(), [&tag_key = key](const auto& tag) {
          return tag.first == tag_key;
        });
    if (at != changed.tags.end()) {
      at->second = std::move(value);
    } else {
      changed.tags.emplace_back(std::move(key), std::move(value));
    }
  }
  if (changed.tags.size() > kTagsMax) {
    return aws::AwsError{
        400, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded"};
  }
  if (const Status stored = registry_.PutTopic(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return std::string();
}

SnsApi::Reply SnsApi::UntagResource(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTagged(call);
  if (found.error) return *found.error;
  const std::vector<std::string> keys = call.params.List("TagKeys");
  Topic changed = *found.topic;
  std::erase_if(changed.tags, [&keys](const auto& tag) {
    return std::find(keys.begin(), keys.end(), tag.first) != keys.end();
  });
  if (const Status stored = registry_.PutTopic(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return std::string();
}

SnsApi::Reply SnsApi::GetDataProtectionPolicy(const Call& call) {
  const TopicOrError found = FindTopic(call, "ResourceArn", "GetDataProtectionPolicy");
  if (found.error) return *found.error;
  const auto at = found.topic->attributes.find(kDataProtectionPolicy);
  aws::XmlWriter xml;
  xml.Text(kDataProtectionPolicy, at == found.topic->attributes.end() ? "" : at->second);
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::PutDataProtectionPolicy(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTopic(call, "ResourceArn", "PutDataProtectionPolicy");
  if (found.error) return *found.error;
  Topic changed = *found.topic;
  if (auto error = SetDataProtectionPolicy(changed, call.params.Get(kDataProtectionPolicy))) {
    return *error;
  }
  if (const Status stored = registry_.PutTopic(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return aws::ResultElement::kNone;
}

}  // namespace postglass::topics
