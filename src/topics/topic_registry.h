#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aws/policy.h"
#include "aws/service.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "topics/types.h"

namespace postglass::topics {

// The topic policy that SNS gives a new topic: everybody, if the owner's account is behind it.
json::object DefaultTopicPolicy(const std::string& topic_arn, const std::string& account_id);

// All topics and subscriptions, in memory, written through to Settings (kinds "topic" and
// "subscription", key: ARN). Reading is lock-cheap and never touches the disk. Thread-safe; whoever
// reads to change and writes back holds change_mutex() meanwhile.
class TopicRegistry {
 public:
  // `settings` must outlive it. Documents that do not parse are left out and logged; the document
  // stays.
  static Result<std::unique_ptr<TopicRegistry>> Load(Settings& settings, aws::Account account);

  std::shared_ptr<const Topic> FindTopic(std::string_view arn) const;
  std::shared_ptr<const Subscription> FindSubscription(std::string_view arn) const;
  // Pending, confirmed or unsubscribed.
  std::shared_ptr<const Subscription> FindByToken(std::string_view token) const;
  // Pending or confirmed.
  std::shared_ptr<const Subscription> FindByEndpoint(std::string_view topic_arn,
                                                     Protocol protocol,
                                                     std::string_view endpoint) const;
  std::vector<std::shared_ptr<const Subscription>> ConfirmedOf(std::string_view topic_arn) const;
  // Up to `count_max`, by ARN, behind `after_arn`; subscriptions without the unsubscribed. An empty
  // topic means all.
  std::vector<std::shared_ptr<const Topic>> ListTopics(std::string_view after_arn,
                                                       std::size_t count_max) const;
  std::vector<std::shared_ptr<const Subscription>> ListSubscriptions(std::string_view topic_arn,
                                                                     std::string_view after_arn,
                                                                     std::size_t count_max) const;

  struct Counts {
    std::size_t confirmed = 0;
    std::size_t pending = 0;
  };

  Counts CountSubscriptions(std::string_view topic_arn) const;

  // Errors: those of Settings::Apply; kLimit; kInvalidArgument (a filter policy). Nothing changed
  // then.
  Status PutTopic(Topic topic);
  Status PutSubscription(Subscription subscription);
  // Removes the subscription and counts it at its topic.
  Status RemoveSubscription(std::string_view arn);
  // With all its subscriptions. OK when it is not there.
  Status RemoveTopic(std::string_view arn);
  // Removes what was never confirmed, or never brought back, until its token expired.
  Status RemoveExpired(Timestamp now);

  const aws::Account& account() const { return account_; }

  // Held over the disk write, unlike other locks: two changes of one document must not overtake
  // each other. Reading needs it not.
  Mutex& change_mutex() { return change_mutex_; }

 private:
  TopicRegistry(Settings& settings, aws::Account account)
      : settings_(settings), account_(std::move(account)) {}

  using TopicMap = std::map<std::string, std::shared_ptr<const Topic>, std::less<>>;
  using SubscriptionMap = std::map<std::string, std::shared_ptr<const Subscription>, std::less<>>;

  std::shared_ptr<const Topic> Complete(Topic topic) const;
  void Forget(const Subscription& subscription) REQUIRES(mutex_);
  void Remember(std::shared_ptr<const Subscription> subscription) REQUIRES(mutex_);

  Settings& settings_;
  const aws::Account account_;
  Mutex change_mutex_;
  mutable Mutex mutex_;
  TopicMap topics_ GUARDED_BY(mutex_);
  SubscriptionMap subscriptions_ GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> arn_by_token_ GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string>, std::less<>> arns_by_topic_ GUARDED_BY(mutex_);
};

}  // namespace postglass::topics
