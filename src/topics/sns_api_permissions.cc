#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "topics/limits.h"
#include "topics/sns_api.h"
#include "topics/sns_errors.h"

// AddPermission and RemovePermission: statements of a topic's policy by their label.

namespace postglass::topics {
namespace {

constexpr std::array<std::string_view, 9> kGrantable = {"AddPermission",
                                                        "DeleteTopic",
                                                        "GetTopicAttributes",
                                                        "ListSubscriptionsByTopic",
                                                        "Publish",
                                                        "Receive",
                                                        "RemovePermission",
                                                        "SetTopicAttributes",
                                                        "Subscribe"};

aws::AwsError Missing(std::string_view parameter) {
  return InvalidParameter(fmt::format("{} Reason: no value for required parameter", parameter));
}

bool IsAccountId(std::string_view text) {
  return text.size() == 12 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// One of something stands alone in a policy, as AWS writes it.
json::value OneOrMany(json::array values) {
  if (values.size() == 1) return std::move(values.front());
  return values;
}

json::array& StatementsOf(json::object& policy) {
  json::value& statements = policy["Statement"];
  if (statements.is_object()) statements = json::array{statements};
  if (!statements.is_array()) statements = json::array();
  return statements.as_array();
}

bool HasLabel(const json::value& statement, std::string_view label) {
  return statement.is_object() && json::GetStringOr(statement.as_object(), "Sid", "") == label;
}

}  // namespace

SnsApi::Reply SnsApi::StorePolicy(const Topic& topic, const json::object& policy) {
  Topic changed = topic;
  std::string text = json::Serialize(policy);
  if (text.size() > kPolicyBytesMax) return InvalidParameter("Policy Reason: Policy is too long");
  changed.attributes.insert_or_assign("Policy", std::move(text));
  if (const Status stored = registry_.PutTopic(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return aws::ResultElement::kNone;
}

SnsApi::Reply SnsApi::AddPermission(const Call& call) {
  const std::string label(call.params.Get("Label"));
  const std::vector<std::string> accounts = call.params.List("AWSAccountId");
  const std::vector<std::string> actions = call.params.List("ActionName");
  if (label.empty()) return Missing("Label");
  if (accounts.empty()) return Missing("AWSAccountId");
  if (actions.empty()) return Missing("ActionName");
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTopic(call, "TopicArn", "AddPermission");
  if (found.error) return *found.error;

  json::array principals;
  for (const std::string& account : accounts) {
    if (!IsAccountId(account)) return InvalidParameter("AWSAccountId");
    principals.emplace_back(fmt::format("arn:aws:iam::{}:root", account));
  }
  json::array names;
  for (const std::string& action : actions) {
    if (std::find(kGrantable.begin(), kGrantable.end(), action) == kGrantable.end()) {
      return InvalidParameter("Policy statement action out of service scope!");
    }
    names.emplace_back(fmt::format("SNS:{}", action));
  }
  json::object policy = *found.topic->policy;
  json::array& statements = StatementsOf(policy);
  if (std::any_of(statements.begin(), statements.end(), [&](const json::value& statement) {
        return HasLabel(statement, label);
      })) {
    return InvalidParameter("Statement already exists");
  }
  statements.push_back(
      json::object{{"Sid", label},
                   {"Effect", "Allow"},
                   {"Principal", json::object{{"AWS", OneOrMany(std::move(principals))}}},
                   {"Action", OneOrMany(std::move(names))},
                   {"Resource", found.topic->arn}});
  return StorePolicy(*found.topic, policy);
}

SnsApi::Reply SnsApi::RemovePermission(const Call& call) {
  const std::string label(call.params.Get("Label"));
  if (label.empty()) return Missing("Label");
  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTopic(call, "TopicArn", "RemovePermission");
  if (found.error) return *found.error;
  json::object policy = *found.topic->policy;
  json::array& statements = StatementsOf(policy);
  json::array kept;
  for (const json::value& statement : statements) {
    if (!HasLabel(statement, label)) kept.push_back(statement);
  }
  // A label that is not there is no error.
  if (kept.size() == statements.size()) return aws::ResultElement::kNone;
  statements = std::move(kept);
  return StorePolicy(*found.topic, policy);
}

}  // namespace postglass::topics
