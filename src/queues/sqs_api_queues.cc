#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "queues/limits.h"
#include "queues/sqs_api.h"
#include "queues/sqs_input.h"

// The operations on queues.

namespace postglass::queues {
namespace {

bool IsQueueName(std::string_view name) {
  return !name.empty() && name.size() <= kQueueNameCharactersMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// What AWS asks of each attribute of CreateQueue and SetQueueAttributes.
std::optional<aws::AwsError> Check(const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (name == "FifoQueue" && value == "false") continue;
    if (name == "FifoQueue" || name == "ContentBasedDeduplication") {
      return aws::AwsError{
          400, "UnsupportedOperation", "FIFO queues are not supported here, only standard ones."};
    }
    if (!IsSettable(name)) {
      return aws::AwsError{400, "InvalidAttributeName", fmt::format("Unknown Attribute {}.", name)};
    }
    if (const Status good = CheckAttribute(name, value); !good) {
      return aws::AwsError{400, "InvalidAttributeValue", good.error().message};
    }
  }
  return std::nullopt;
}

// An attribute as GetQueueAttributes shows it, with its default; nothing when it is not shown.
std::optional<std::string> ShownAttribute(const Queue& queue, const std::string& name) {
  if (const auto at = queue.attributes.find(name); at != queue.attributes.end()) return at->second;
  if (name == "KmsDataKeyReusePeriodSeconds" && !queue.attributes.contains("KmsMasterKeyId")) {
    return std::nullopt;
  }
  if (name == "SqsManagedSseEnabled") {
    return queue.attributes.contains("KmsMasterKeyId") ? "false" : "true";
  }
  for (const char* number : {"DelaySeconds",
                             "MaximumMessageSize",
                             "MessageRetentionPeriod",
                             "ReceiveMessageWaitTimeSeconds",
                             "VisibilityTimeout",
                             "KmsDataKeyReusePeriodSeconds"}) {
    if (name == number) return std::to_string(queue.Setting(number));
  }
  return std::nullopt;
}

void Apply(const Attributes& given, Attributes& attributes) {
  for (const auto& [name, value] : given) {
    if (name == "FifoQueue") continue;
    if (value.empty()) {
      attributes.erase(name);
    } else {
      attributes.insert_or_assign(name, value);
    }
  }
}

bool SameValue(const Queue& queue, const std::string& name, const std::string& value) {
  const std::string shown = ShownAttribute(queue, name).value_or("");
  if (shown == value) return true;
  const Result<json::value> ours = json::Parse(shown);
  const Result<json::value> theirs = json::Parse(value);
  return ours && theirs && *ours == *theirs;
}

json::object PolicyOf(const Queue& queue) {
  if (queue.policy != nullptr) return *queue.policy;
  return {{"Version", "2012-10-17"},
          {"Id", fmt::format("{}/SQSDefaultPolicy", queue.arn)},
          {"Statement", json::array()}};
}

// The statements, made a list when the policy holds a single one.
json::array& StatementsOf(json::object& policy) {
  json::value& statement = policy["Statement"];
  if (!statement.is_array()) statement = json::array{statement};
  return statement.get_array();
}

bool HasLabel(const json::value& statement, std::string_view label) {
  const json::object* o = statement.if_object();
  return o != nullptr && json::GetStringOr(*o, "Sid", "") == label;
}

}  // namespace

SqsApi::Reply SqsApi::CreateQueue(const Call& call) {
  const std::string name = json::GetStringOr(call.input, "QueueName", "");
  if (name.empty()) return MissingParameter("QueueName");
  if (name.ends_with(".fifo")) {
    return aws::AwsError{
        400, "UnsupportedOperation", "FIFO queues are not supported here, only standard ones."};
  }
  if (!IsQueueName(name)) {
    return InvalidParameterValue(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  }
  const Attributes given = ReadTextMap(call.input, "Attributes");
  if (auto error = Check(given)) return *error;
  Attributes tags = ReadTextMap(call.input, "tags");
  if (tags.size() > kTagsMax) return InvalidParameterValue("Too many tags added for queue.");

  MutexLock changing(registry_.change_mutex());
  if (const std::shared_ptr<const Queue> existing = registry_.Find(name)) {
    if (auto error = CheckDeny(call.request, *existing)) return *error;
    for (const auto& [attribute, value] : given) {
      if (attribute == "FifoQueue" || SameValue(*existing, attribute, value)) continue;
      return aws::AwsError{400,
                           "QueueNameExists",
                           fmt::format("A queue already exists with the same name and a different "
                                       "value for attribute {}",
                                       attribute)};
    }
  } else {
    Attributes attributes;
    Apply(given, attributes);
    const Status made = queues_.CreateQueue(name, std::move(attributes), std::move(tags));
    if (!made) return StorageError(made.error());
  }
  return json::object{{"QueueUrl", UrlOf(call.request, name)}};
}

SqsApi::Reply SqsApi::DeleteQueue(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  if (const Status gone = queues_.DeleteQueue(*found.queue); !gone) {
    return StorageError(gone.error());
  }
  return json::object();
}

SqsApi::Reply SqsApi::GetQueueUrl(const Call& call) {
  const std::string name = json::GetStringOr(call.input, "QueueName", "");
  if (name.empty()) return MissingParameter("QueueName");
  const std::string owner = json::GetStringOr(call.input, "QueueOwnerAWSAccountId", "");
  const bool ours = owner.empty() || owner == registry_.account().account_id;
  const std::shared_ptr<const Queue> queue = ours ? registry_.Find(name) : nullptr;
  if (!queue) return QueueDoesNotExist();
  if (auto error = CheckDeny(call.request, *queue)) return *error;
  return json::object{{"QueueUrl", UrlOf(call.request, name)}};
}

SqsApi::Reply SqsApi::ListQueues(const Call& call) {
  const NumberOrError size = ReadNumber(call.input, "MaxResults", 1, kPageSize);
  if (size.error) return *size.error;
  const auto after = Base64UrlDecode(json::GetStringOr(call.input, "NextToken", ""));
  if (!after) return InvalidParameterValue("Invalid or expired next token.");
  const auto size_max = static_cast<std::size_t>(size.number.value_or(kPageSize));
  const auto listed =
      registry_.List(json::GetStringOr(call.input, "QueueNamePrefix", ""), *after, size_max + 1);
  json::object output;
  json::array urls;
  for (std::size_t i = 0; i < listed.size() && i < size_max; ++i) {
    urls.emplace_back(UrlOf(call.request, listed[i]->name));
  }
  // Who did not ask for pages gets none.
  if (listed.size() > size_max && size.number) {
    output["NextToken"] = Base64UrlEncode(listed[size_max - 1]->name);
  }
  if (!urls.empty()) output["QueueUrls"] = std::move(urls);
  return output;
}

SqsApi::Reply SqsApi::GetQueueAttributes(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const Queue& queue = *found.queue;
  const MessageStore::Counts counts = queues_.CountsOf(queue);
  json::object all{{"ApproximateNumberOfMessages", std::to_string(counts.visible)},
                   {"ApproximateNumberOfMessagesDelayed", std::to_string(counts.delayed)},
                   {"ApproximateNumberOfMessagesNotVisible", std::to_string(counts.in_flight)},
                   {"CreatedTimestamp", std::to_string(queue.created_at.millis() / 1'000)},
                   {"LastModifiedTimestamp", std::to_string(queue.modified_at.millis() / 1'000)},
                   {"QueueArn", queue.arn}};
  for (const char* name : {"DelaySeconds",
                           "MaximumMessageSize",
                           "MessageRetentionPeriod",
                           "ReceiveMessageWaitTimeSeconds",
                           "VisibilityTimeout",
                           "Policy",
                           "RedrivePolicy",
                           "RedriveAllowPolicy",
                           "KmsMasterKeyId",
                           "KmsDataKeyReusePeriodSeconds",
                           "SqsManagedSseEnabled"}) {
    if (auto shown = ShownAttribute(queue, name)) all[name] = *std::move(shown);
  }
  json::object shown;
  for (const std::string& name : ReadTexts(call.input, "AttributeNames")) {
    if (name == "All") {
      shown = all;
      break;
    }
    if (const json::value* value = all.if_contains(name)) {
      shown[name] = *value;
    } else if (!IsSettable(name) && name != "FifoQueue" && name != "ContentBasedDeduplication") {
      return aws::AwsError{400, "InvalidAttributeName", fmt::format("Unknown Attribute {}.", name)};
    }
  }
  if (shown.empty()) return json::object();
  return json::object{{"Attributes", std::move(shown)}};
}

SqsApi::Reply SqsApi::SetQueueAttributes(const Call& call) {
  const Attributes given = ReadTextMap(call.input, "Attributes");
  if (auto error = Check(given)) return *error;
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  if (given.empty()) return MissingParameter("Attributes");
  Queue changed = *found.queue;
  Apply(given, changed.attributes);
  return StoreChanged(std::move(changed));
}

SqsApi::Reply SqsApi::PurgeQueue(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  const Status purged = queues_.PurgeQueue(*found.queue);
  if (purged) return json::object();
  if (purged.error().code != ErrorCode::kUnavailable) return StorageError(purged.error());
  return aws::AwsError{
      403,
      "PurgeQueueInProgress",
      fmt::format("Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                  found.queue->name)};
}

SqsApi::Reply SqsApi::TagQueue(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  Queue changed = *found.queue;
  for (const auto& [key, value] : ReadTextMap(call.input, "Tags")) {
    if (key.empty() || key.size() > 128 || value.size() > 256) {
      return InvalidParameterValue("Tag keys are 1 to 128 characters long, values up to 256.");
    }
    changed.tags.insert_or_assign(key, value);
  }
  if (changed.tags.size() > kTagsMax) {
    return InvalidParameterValue(
        fmt::format("Too many tags added for queue {}.", found.queue->name));
  }
  return StoreChanged(std::move(changed));
}

SqsApi::Reply SqsApi::UntagQueue(const Call& call) {
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  Queue changed = *found.queue;
  for (const std::string& key : ReadTexts(call.input, "TagKeys")) changed.tags.erase(key);
  return StoreChanged(std::move(changed));
}

SqsApi::Reply SqsApi::ListQueueTags(const Call& call) {
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  json::object tags;
  for (const auto& [key, value] : found.queue->tags) tags[key] = value;
  if (tags.empty()) return json::object();
  return json::object{{"Tags", std::move(tags)}};
}

SqsApi::Reply SqsApi::AddPermission(const Call& call) {
  const std::string label = json::GetStringOr(call.input, "Label", "");
  const std::vector<std::string> accounts = ReadTexts(call.input, "AWSAccountIds");
  const std::vector<std::string> actions = ReadTexts(call.input, "Actions");
  if (label.empty()) return MissingParameter("Label");
  if (!IsQueueName(label)) return InvalidParameterValue("Invalid label.");
  if (accounts.empty()) return MissingParameter("AWSAccountIds");
  if (actions.empty()) return MissingParameter("Actions");
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  json::array principals;
  for (const std::string& account : accounts) {
    principals.emplace_back(fmt::format("arn:aws:iam::{}:root", account));
  }
  json::array names;
  for (const std::string& action : actions) {
    if (action != "*" && FindOperation(action) == nullptr) {
      return InvalidParameterValue(
          fmt::format("Value SQS:{} for parameter ActionName is invalid. Reason: Please refer to "
                      "the appropriate WSDL for a list of valid actions.",
                      action));
    }
    names.emplace_back(fmt::format("SQS:{}", action));
  }
  json::object policy = PolicyOf(*found.queue);
  json::array& statements = StatementsOf(policy);
  for (const json::value& statement : statements) {
    if (HasLabel(statement, label)) {
      return InvalidParameterValue(
          fmt::format("Value {} for parameter Label is invalid. Reason: Already exists.", label));
    }
  }
  statements.push_back(json::object{{"Sid", label},
                                    {"Effect", "Allow"},
                                    {"Principal", json::object{{"AWS", std::move(principals)}}},
                                    {"Action", std::move(names)},
                                    {"Resource", found.queue->arn}});
  Queue changed = *found.queue;
  changed.attributes.insert_or_assign("Policy", json::Serialize(policy));
  return StoreChanged(std::move(changed));
}

SqsApi::Reply SqsApi::RemovePermission(const Call& call) {
  const std::string label = json::GetStringOr(call.input, "Label", "");
  if (label.empty()) return MissingParameter("Label");
  MutexLock changing(registry_.change_mutex());
  const QueueOrError found = FindQueue(call);
  if (found.error) return *found.error;
  json::object policy = PolicyOf(*found.queue);
  json::array kept;
  bool removed = false;
  for (const json::value& statement : StatementsOf(policy)) {
    if (HasLabel(statement, label)) {
      removed = true;
    } else {
      kept.push_back(statement);
    }
  }
  if (!removed) {
    return InvalidParameterValue(
        fmt::format("Value {} for parameter Label is invalid. Reason: can't find label.", label));
  }
  Queue changed = *found.queue;
  if (kept.empty()) {
    changed.attributes.erase("Policy");
  } else {
    policy["Statement"] = std::move(kept);
    changed.attributes.insert_or_assign("Policy", json::Serialize(policy));
  }
  return StoreChanged(std::move(changed));
}

}  // namespace postglass::queues
