#include "topics/topic_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/time_format.h"
#include "topics/filter_policy.h"
#include "topics/limits.h"

namespace postglass::topics {
namespace {

constexpr std::string_view kTopicKind = "topic";
constexpr std::string_view kSubscriptionKind = "subscription";

json::object ToJson(const Attributes& attributes) {
  json::object o;
  for (const auto& [name, value] : attributes) o[name] = value;
  return o;
}

Attributes AttributesFrom(const json::object& document) {
  Attributes attributes;
  if (const json::object* o = json::GetObject(document, "attributes")) {
    for (const auto& entry : *o) {
      if (const json::string* text = entry.value().if_string()) {
        attributes.emplace(std::string(entry.key()), std::string(*text));
      }
    }
  }
  return attributes;
}

std::string Encode(const Topic& topic) {
  json::array tags;
  for (const auto& [key, value] : topic.tags) {
    tags.push_back(json::object{{"key", key}, {"value", value}});
  }
  return json::Serialize(json::object{{"attributes", ToJson(topic.attributes)},
                                      {"tags", std::move(tags)},
                                      {"subscriptionsDeleted", topic.subscriptions_deleted}});
}

Result<Topic> DecodeTopic(const Settings::Document& document) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(document.json));
  Topic topic;
  topic.arn = document.key;
  topic.attributes = AttributesFrom(o);
  topic.subscriptions_deleted =
      static_cast<std::uint64_t>(json::GetInt(o, "subscriptionsDeleted").value_or(0));
  if (const json::array* tags = json::GetArray(o, "tags")) {
    for (const json::value& item : *tags) {
      const json::object* tag = item.if_object();
      if (tag == nullptr) continue;
      topic.tags.emplace_back(json::GetStringOr(*tag, "key", ""),
                              json::GetStringOr(*tag, "value", ""));
    }
  }
  return topic;
}

std::string_view StateName(Subscription::State state) {
  switch (state) {
    case Subscription::State::kPending:
      return "pending";
    case Subscription::State::kConfirmed:
      return "confirmed";
    case Subscription::State::kUnsubscribed:
      return "unsubscribed";
  }
  return "";
}

std::string Encode(const Subscription& s) {
  return json::Serialize(
      json::object{{"topicArn", s.topic_arn},
                   {"protocol", ProtocolName(s.protocol)},
                   {"endpoint", s.endpoint},
                   {"principal", s.principal},
                   {"attributes", ToJson(s.attributes)},
                   {"state", StateName(s.state)},
                   {"token", s.token},
                   {"tokenExpiresAt", FormatIso8601Millis(s.token_expires_at)},
                   {"confirmationWasAuthenticated", s.confirmation_was_authenticated},
                   {"authenticateOnUnsubscribe", s.authenticate_on_unsubscribe}});
}

Result<Subscription> DecodeSubscription(const Settings::Document& document) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(document.json));
  Subscription s;
  s.arn = document.key;
  s.topic_arn = json::GetStringOr(o, "topicArn", "");
  const auto protocol = ParseProtocol(json::GetStringOr(o, "protocol", ""));
  if (!protocol) return Fail(ErrorCode::kCorruption, "unknown protocol");
  s.protocol = *protocol;
  s.endpoint = json::GetStringOr(o, "endpoint", "");
  s.principal = json::GetStringOr(o, "principal", "");
  s.attributes = AttributesFrom(o);
  const std::string state = json::GetStringOr(o, "state", "");
  s.state = state == "confirmed"      ? Subscription::State::kConfirmed
            : state == "unsubscribed" ? Subscription::State::kUnsubscribed
                                      : Subscription::State::kPending;
  s.token = json::GetStringOr(o, "token", "");
  s.token_expires_at =
      ParseIso8601(json::GetStringOr(o, "tokenExpiresAt", "")).value_or(Timestamp());
  s.confirmation_was_authenticated =
      json::GetBool(o, "confirmationWasAuthenticated").value_or(false);
  s.authenticate_on_unsubscribe = json::GetBool(o, "authenticateOnUnsubscribe").value_or(false);
  ASSIGN_OR_RETURN(s.filter, FilterPolicyOf(s.attributes));
  return s;
}

}  // namespace

json::object DefaultTopicPolicy(const std::string& topic_arn, const std::string& account_id) {
  return {{"Version", "2008-10-17"},
          {"Id", "__default_policy_ID"},
          {"Statement",
           json::array{json::object{
               {"Sid", "__default_statement_ID"},
               {"Effect", "Allow"},
               {"Principal", json::object{{"AWS", "*"}}},
               {"Action",
                json::array{"SNS:GetTopicAttributes",
                            "SNS:SetTopicAttributes",
                            "SNS:AddPermission",
                            "SNS:RemovePermission",
                            "SNS:DeleteTopic",
                            "SNS:Subscribe",
                            "SNS:ListSubscriptionsByTopic",
                            "SNS:Publish"}},
               {"Resource", topic_arn},
               {"Condition",
                json::object{{"StringEquals", json::object{{"AWS:SourceOwner", account_id}}}}}}}}};
}

Result<std::unique_ptr<TopicRegistry>> TopicRegistry::Load(Settings& settings,
                                                           aws::Account account) {
  std::unique_ptr<TopicRegistry> registry(new TopicRegistry(settings, std::move(account)));
  ASSIGN_OR_RETURN(const auto topics, settings.List(kTopicKind));
  ASSIGN_OR_RETURN(const auto subscriptions, settings.List(kSubscriptionKind));
  MutexLock lock(registry->mutex_);
  for (const Settings::Document& document : topics) {
    Result<Topic> topic = DecodeTopic(document);
    if (!topic) {
      log::Error("topics", "topic {} left out: {}", document.key, topic.error().message);
      continue;
    }
    registry->topics_.emplace(document.key, registry->Complete(std::move(*topic)));
  }
  for (const Settings::Document& document : subscriptions) {
    Result<Subscription> subscription = DecodeSubscription(document);
    if (!subscription) {
      log::Error(
          "topics", "subscription {} left out: {}", document.key, subscription.error().message);
      continue;
    }
    registry->Remember(std::make_shared<const Subscription>(std::move(*subscription)));
  }
  return registry;
}

std::shared_ptr<const Topic> TopicRegistry::Complete(Topic topic) const {
  const auto policy = topic.attributes.find("Policy");
  Result<json::object> parsed = policy == topic.attributes.end()
                                    ? DefaultTopicPolicy(topic.arn, account_.account_id)
                                    : json::ParseObject(policy->second);
  // A policy that does not parse lets nobody in: it may have been a Deny.
  topic.policy = std::make_shared<const json::object>(parsed ? std::move(*parsed) : json::object());
  return std::make_shared<const Topic>(std::move(topic));
}

void TopicRegistry::Forget(const Subscription& subscription) {
  arn_by_token_.erase(subscription.token);
  const auto of_topic = arns_by_topic_.find(subscription.topic_arn);
  if (of_topic != arns_by_topic_.end()) {
    of_topic->second.erase(subscription.arn);
    if (of_topic->second.empty()) arns_by_topic_.erase(of_topic);
  }
  const std::string arn = subscription.arn;  // the map may hold the last reference
  subscriptions_.erase(arn);
}

void TopicRegistry::Remember(std::shared_ptr<const Subscription> subscription) {
  const auto old = subscriptions_.find(subscription->arn);
  if (old != subscriptions_.end() && !old->second->token.empty()) {
    arn_by_token_.erase(old->second->token);
  }
  if (!subscription->token.empty()) {
    arn_by_token_.insert_or_assign(subscription->token, subscription->arn);
  }
  arns_by_topic_[subscription->topic_arn].insert(subscription->arn);
  const std::string arn = subscription->arn;
  subscriptions_.insert_or_assign(arn, std::move(subscription));
}

std::shared_ptr<const Topic> TopicRegistry::FindTopic(std::string_view arn) const {
  MutexLock lock(mutex_);
  const auto at = topics_.find(arn);
  return at == topics_.end() ? nullptr : at->second;
}

std::shared_ptr<const Subscription> TopicRegistry::FindSubscription(std::string_view arn) const {
  MutexLock lock(mutex_);
  const auto at = subscriptions_.find(arn);
  return at == subscriptions_.end() ? nullptr : at->second;
}

std::shared_ptr<const Subscription> TopicRegistry::FindByToken(std::string_view token) const {
  MutexLock lock(mutex_);
  const auto at = arn_by_token_.find(token);
  if (at == arn_by_token_.end()) return nullptr;
  return subscriptions_.at(at->second);
}

std::shared_ptr<const Subscription> TopicRegistry::FindByEndpoint(std::string_view topic_arn,
                                                                  Protocol protocol,
                                                                  std::string_view endpoint) const {
  MutexLock lock(mutex_);
  const auto of_topic = arns_by_topic_.find(topic_arn);
  if (of_topic == arns_by_topic_.end()) return nullptr;
  for (const std::string& arn : of_topic->second) {
    const std::shared_ptr<const Subscription>& s = subscriptions_.at(arn);
    if (s->protocol == protocol && s->endpoint == endpoint &&
        s->state != Subscription::State::kUnsubscribed) {
      return s;
    }
  }
  return nullptr;
}

std::vector<std::shared_ptr<const Subscription>> TopicRegistry::ConfirmedOf(
    std::string_view topic_arn) const {
  std::vector<std::shared_ptr<const Subscription>> found;
  MutexLock lock(mutex_);
  const auto of_topic = arns_by_topic_.find(topic_arn);
  if (of_topic == arns_by_topic_.end()) return found;
  for (const std::string& arn : of_topic->second) {
    const std::shared_ptr<const Subscription>& s = subscriptions_.at(arn);
    if (s->state == Subscription::State::kConfirmed) found.push_back(s);
  }
  return found;
}

std::vector<std::shared_ptr<const Topic>> TopicRegistry::ListTopics(std::string_view after_arn,
                                                                    std::size_t count_max) const {
  std::vector<std::shared_ptr<const Topic>> found;
  MutexLock lock(mutex_);
  for (auto at = topics_.upper_bound(after_arn); at != topics_.end() && found.size() < count_max;
       ++at) {
    found.push_back(at->second);
  }
  return found;
}

std::vector<std::shared_ptr<const Subscription>> TopicRegistry::ListSubscriptions(
    std::string_view topic_arn, std::string_view after_arn, std::size_t count_max) const {
  std::vector<std::shared_ptr<const Subscription>> found;
  MutexLock lock(mutex_);
  for (auto at = subscriptions_.upper_bound(after_arn);
       at != subscriptions_.end() && found.size() < count_max;
       ++at) {
    if (at->second->state == Subscription::State::kUnsubscribed) continue;
    if (topic_arn.empty() || at->second->topic_arn == topic_arn) found.push_back(at->second);
  }
  return found;
}

TopicRegistry::Counts TopicRegistry::CountSubscriptions(std::string_view topic_arn) const {
  Counts counts;
  MutexLock lock(mutex_);
  const auto of_topic = arns_by_topic_.find(topic_arn);
  if (of_topic == arns_by_topic_.end()) return counts;
  for (const std::string& arn : of_topic->second) {
    const Subscription::State state = subscriptions_.at(arn)->state;
    if (state == Subscription::State::kConfirmed) ++counts.confirmed;
    if (state == Subscription::State::kPending) ++counts.pending;
  }
  return counts;
}

Status TopicRegistry::PutTopic(Topic topic) {
  {
    MutexLock lock(mutex_);
    if (topics_.size() >= kTopicsMax && !topics_.contains(topic.arn)) {
      return Fail(ErrorCode::kLimit, fmt::format("{} topics are the most", kTopicsMax));
    }
  }
  RETURN_IF_ERROR(settings_.Put(kTopicKind, topic.arn, Encode(topic)));
  std::shared_ptr<const Topic> complete = Complete(std::move(topic));
  MutexLock lock(mutex_);
  const std::string arn = complete->arn;
  topics_.insert_or_assign(arn, std::move(complete));
  return {};
}

Status TopicRegistry::PutSubscription(Subscription subscription) {
  {
    MutexLock lock(mutex_);
    if (subscriptions_.size() >= kSubscriptionsMax && !subscriptions_.contains(subscription.arn)) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("{} subscriptions are the most", kSubscriptionsMax));
    }
  }
  ASSIGN_OR_RETURN(subscription.filter, FilterPolicyOf(subscription.attributes));
  RETURN_IF_ERROR(settings_.Put(kSubscriptionKind, subscription.arn, Encode(subscription)));
  MutexLock lock(mutex_);
  Remember(std::make_shared<const Subscription>(std::move(subscription)));
  return {};
}

Status TopicRegistry::RemoveSubscription(std::string_view arn) {
  const std::shared_ptr<const Subscription> subscription = FindSubscription(arn);
  if (!subscription) return {};
  std::vector<Settings::Change> changes = {
      {std::string(kSubscriptionKind), subscription->arn, std::nullopt}};
  std::shared_ptr<const Topic> counted;
  if (const std::shared_ptr<const Topic> topic = FindTopic(subscription->topic_arn)) {
    Topic changed = *topic;
    ++changed.subscriptions_deleted;
    changes.push_back({std::string(kTopicKind), changed.arn, Encode(changed)});
    counted = std::make_shared<const Topic>(std::move(changed));
  }
  RETURN_IF_ERROR(settings_.Apply(changes));
  MutexLock lock(mutex_);
  Forget(*subscription);
  if (counted) topics_.insert_or_assign(std::string(counted->arn), counted);
  return {};
}

Status TopicRegistry::RemoveTopic(std::string_view arn) {
  std::vector<Settings::Change> changes;
  {
    MutexLock lock(mutex_);
    if (!topics_.contains(arn)) return {};
    changes.push_back({std::string(kTopicKind), std::string(arn), std::nullopt});
    const auto of_topic = arns_by_topic_.find(arn);
    if (of_topic != arns_by_topic_.end()) {
      for (const std::string& subscription : of_topic->second) {
        changes.push_back({std::string(kSubscriptionKind), subscription, std::nullopt});
      }
    }
  }
  RETURN_IF_ERROR(settings_.Apply(changes));
  MutexLock lock(mutex_);
  for (const Settings::Change& change : changes) {
    const auto at = subscriptions_.find(change.key);
    if (change.kind == kSubscriptionKind && at != subscriptions_.end()) Forget(*at->second);
  }
  topics_.erase(topics_.find(arn));
  return {};
}

Status TopicRegistry::RemoveExpired(Timestamp now) {
  std::vector<std::shared_ptr<const Subscription>> expired;
  std::vector<Settings::Change> changes;
  {
    MutexLock lock(mutex_);
    for (const auto& [arn, s] : subscriptions_) {
      if (s->state == Subscription::State::kConfirmed || s->token_expires_at > now) continue;
      expired.push_back(s);
      changes.push_back({std::string(kSubscriptionKind), arn, std::nullopt});
    }
  }
  if (changes.empty()) return {};
  RETURN_IF_ERROR(settings_.Apply(changes));
  MutexLock lock(mutex_);
  for (const auto& s : expired) Forget(*s);
  return {};
}

}  // namespace postglass::topics
